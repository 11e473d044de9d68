"""A ray tracer, a geodesic, a circuit, doses of a drug, a catchment, a yield curve, ratings, a saver's plan, a lens."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

# -- a ray tracer with several kinds of objects -----------------------------------------------------


class Sphere:
    def __init__(self, center, radius, color):
        self.center = center
        self.radius = radius
        self.color = color

    def intersect(self, origin, direction):
        oc = origin - self.center
        b = np.dot(oc, direction)
        c = np.dot(oc, oc) - self.radius**2
        disc = b * b - c
        if disc < 0:
            return None
        root = math.sqrt(disc)
        for t in (-b - root, -b + root):
            if t > 1e-4:
                return t
        return None

    def normal(self, point):
        return (point - self.center) / self.radius


class Plane:
    def __init__(self, height, color):
        self.height = height
        self.color = color

    def intersect(self, origin, direction):
        if abs(direction[1]) < 1e-6:
            return None
        t = (self.height - origin[1]) / direction[1]
        return t if t > 1e-4 else None

    def normal(self, point):
        return np.array([0.0, 1.0, 0.0])


def trace(scene, origin, direction, light, depth=0):
    nearest, hit = np.inf, None
    for obj in scene:
        t = obj.intersect(origin, direction)
        if t is not None and t < nearest:
            nearest, hit = t, obj
    if hit is None:
        return np.array([0.2, 0.3, 0.5]) * (1.0 + direction[1])
    point = origin + nearest * direction
    n = hit.normal(point)
    to_light = light - point
    distance = np.linalg.norm(to_light)
    to_light = to_light / distance
    shade = max(0.0, np.dot(n, to_light))
    for obj in scene:
        t = obj.intersect(point + 1e-3 * n, to_light)
        if t is not None and t < distance:
            shade *= 0.3
            break
    color = hit.color * (0.1 + 0.9 * shade)
    if depth < 1:
        mirrored = direction - 2 * np.dot(direction, n) * n
        color = 0.8 * color + 0.2 * trace(scene, point + 1e-3 * n, mirrored, light, depth + 1)
    return color


def rendering(centers, radii, light, target):
    scene = [
        Sphere(c, r, np.array([0.9, 0.4, 0.2 + 0.1 * i])) for i, (c, r) in enumerate(zip(centers, radii))
    ]
    scene.append(Plane(-1.0, np.array([0.5, 0.5, 0.5])))
    error = 0.0
    origin = np.array([0.0, 0.3, -3.0])
    for y in np.linspace(-0.6, 0.6, 4):
        for x in np.linspace(-0.9, 0.9, 5):
            d = np.array([x, y, 1.5])
            pixel = trace(scene, origin, d / np.linalg.norm(d), light)
            error += np.sum((pixel - target) ** 2)
    return error


# -- Vincenty's inverse problem ---------------------------------------------------------------------


def vincenty(p, q, flattening=1 / 298.257223563, axis=6378.137):
    """The distance between two points on the ellipsoid, in km."""
    (lat1, lon1), (lat2, lon2) = np.radians(p), np.radians(q)
    b = (1 - flattening) * axis
    u1, u2 = math.atan((1 - flattening) * math.tan(lat1)), math.atan((1 - flattening) * math.tan(lat2))
    difference = lon2 - lon1
    lam = difference
    for _ in range(200):
        sin_lam, cos_lam = math.sin(lam), math.cos(lam)
        sin_sigma = math.hypot(
            math.cos(u2) * sin_lam, math.cos(u1) * math.sin(u2) - math.sin(u1) * math.cos(u2) * cos_lam
        )
        if sin_sigma == 0:
            return 0.0
        cos_sigma = math.sin(u1) * math.sin(u2) + math.cos(u1) * math.cos(u2) * cos_lam
        sigma = math.atan2(sin_sigma, cos_sigma)
        sin_alpha = math.cos(u1) * math.cos(u2) * sin_lam / sin_sigma
        cos2_alpha = 1 - sin_alpha**2
        cos_2m = cos_sigma - 2 * math.sin(u1) * math.sin(u2) / cos2_alpha if cos2_alpha != 0 else 0.0
        c = flattening / 16 * cos2_alpha * (4 + flattening * (4 - 3 * cos2_alpha))
        before = lam
        lam = difference + (1 - c) * flattening * sin_alpha * (
            sigma + c * sin_sigma * (cos_2m + c * cos_sigma * (-1 + 2 * cos_2m**2))
        )
        if abs(lam - before) < 1e-13:
            break
    else:
        raise ValueError("the points are nearly antipodal")
    u_sq = cos2_alpha * (axis**2 - b**2) / b**2
    a_ = 1 + u_sq / 16384 * (4096 + u_sq * (-768 + u_sq * (320 - 175 * u_sq)))
    b_ = u_sq / 1024 * (256 + u_sq * (-128 + u_sq * (74 - 47 * u_sq)))
    delta = (
        b_
        * sin_sigma
        * (
            cos_2m
            + b_
            / 4
            * (
                cos_sigma * (-1 + 2 * cos_2m**2)
                - b_ / 6 * cos_2m * (-3 + 4 * sin_sigma**2) * (-3 + 4 * cos_2m**2)
            )
        )
    )
    return b * a_ * (sigma - delta)


def tour_length(stops):
    total = 0.0
    for here, there in zip(stops, np.roll(stops, -1, axis=0)):
        total += vincenty(here, there)
    return total


# -- a rectifier: modified nodal analysis with Newton's method and trapezoidal steps -----------------


@dataclass
class Resistor:
    a: int
    b: int
    ohms: float

    def stamp(self, G, I, v, old, dt):
        _conduct(G, self.a, self.b, 1.0 / self.ohms)


@dataclass
class Capacitor:
    a: int
    b: int
    farads: float

    def stamp(self, G, I, v, old, dt):
        g = self.farads / dt
        _conduct(G, self.a, self.b, g)
        across = _across(old, self.a, self.b)
        _inject(I, self.a, self.b, g * across)


@dataclass
class Diode:
    a: int
    b: int
    saturation: float
    thermal: float = 0.05

    def stamp(self, G, I, v, old, dt):
        across = min(_across(v, self.a, self.b), 0.9)
        grown = self.saturation * np.exp(across / self.thermal)
        g = grown / self.thermal + 1e-9
        _conduct(G, self.a, self.b, g)
        _inject(I, self.a, self.b, -(grown - self.saturation - g * across))


def _across(v, a, b):
    return (v[a] if a >= 0 else 0.0) - (v[b] if b >= 0 else 0.0)


def _conduct(G, a, b, g):
    for i, j, sign in ((a, a, 1), (b, b, 1), (a, b, -1), (b, a, -1)):
        if i >= 0 and j >= 0:
            G[i, j] += sign * g


def _inject(I, a, b, current):
    if a >= 0:
        I[a] += current
    if b >= 0:
        I[b] -= current


def ripple(load, smoothing, saturation, source, dt=2e-3):
    parts = [
        Resistor(0, 1, 1.0),
        Diode(1, 2, 1e-6 * saturation),
        Capacitor(2, -1, 1e-3 * smoothing),
        Resistor(2, -1, load),
    ]
    v = np.zeros(3)
    trace = []
    for k in range(12):
        old = v.copy()
        drive = source * np.sin(2 * np.pi * k / 12)
        for _ in range(25):
            G, I = np.zeros((3, 3)), np.zeros(3)
            G[0, 0] += 1e3
            I[0] += 1e3 * drive
            for part in parts:
                part.stamp(G, I, v, old, dt)
            new = np.linalg.solve(G, I)
            step = np.clip(new - v, -0.2, 0.2)
            v = v + step
            if np.max(np.abs(step)) < 1e-10:
                break
        trace.append(v[2])
    trace = np.array(trace)
    return np.mean(trace) + np.ptp(trace) ** 2


# -- doses of a drug ----------------------------------------------------------------------------------


def concentrations(params, doses, times):
    """Two compartments with first-order absorption; the events in the order of their times."""
    ka, ke, k12, k21 = (params[n] for n in ("ka", "ke", "k12", "k21"))
    events = sorted(
        [(t, "dose", amount) for t, amount in doses] + [(t, "sample", None) for t in times],
        key=lambda e: (e[0], e[1]),
    )
    state = {"gut": 0.0, "blood": 0.0, "tissue": 0.0}
    now, seen = 0.0, []
    for t, kind, amount in events:
        steps = max(1, math.ceil((t - now) / 0.25))
        h = (t - now) / steps
        for _ in range(steps):
            gut, blood, tissue = state["gut"], state["blood"], state["tissue"]
            state = {
                "gut": gut - h * ka * gut,
                "blood": blood + h * (ka * gut - (ke + k12) * blood + k21 * tissue),
                "tissue": tissue + h * (k12 * blood - k21 * tissue),
            }
        now = t
        if kind == "dose":
            state["gut"] += amount * params["bioavailability"]
        else:
            seen.append(state["blood"] / params["volume"])
    return np.array(seen)


def dose_misfit(params, doses, measured):
    found = concentrations(params, doses, [1.0, 2.5, 5.0, 9.0, 13.0])
    return np.sum((np.log(found + 1e-3) - np.log(measured)) ** 2)


# -- a catchment: GR4J ------------------------------------------------------------------------------


def s_curve(t, x4, power=2.5):
    if t <= 0:
        return 0.0
    return (t / x4) ** power if t < x4 else 1.0


def runoff(x1, x2, x3, x4, rain, evaporation):
    n = int(np.ceil(x4))
    weights = [s_curve(j, x4) - s_curve(j - 1, x4) for j in range(1, n + 1)]
    queue = np.zeros(n + 1)
    production, routing = 0.6 * x1, 0.5 * x3
    flows = np.empty(len(rain))
    for day, (p, e) in enumerate(zip(rain, evaporation)):
        if p >= e:
            net = min((p - e) / x1, 13.0)
            s = production / x1
            filled = x1 * (1 - s**2) * np.tanh(net) / (1 + s * np.tanh(net))
            production += filled
            excess = p - e - filled
        else:
            net = min((e - p) / x1, 13.0)
            s = production / x1
            production -= production * (2 - s) * np.tanh(net) / (1 + (1 - s) * np.tanh(net))
            excess = 0.0
        leak = production * (1 - (1 + (4 / 9 * production / x1) ** 4) ** -0.25)
        production -= leak
        excess += leak
        queue[:-1] = queue[1:]
        queue[:n] += np.array(weights) * excess
        arriving = queue[0]
        exchange = x2 * (routing / x3) ** 3.5
        routing = max(0.0, routing + 0.9 * arriving + exchange)
        out = routing * (1 - (1 + (routing / x3) ** 4) ** -0.25)
        routing -= out
        flows[day] = out + max(0.0, 0.1 * arriving + exchange)
    return flows


def nash_sutcliffe(params, rain, evaporation, observed):
    flows = runoff(*params, rain, evaporation)
    return 1 - np.sum((flows - observed) ** 2) / np.sum((observed - observed.mean()) ** 2)


# -- a yield curve ----------------------------------------------------------------------------------


@dataclass
class Curve:
    times: list = field(default_factory=lambda: [0.0])
    logs: list = field(default_factory=lambda: [0.0])

    def discount(self, t):
        i = min(bisect_right(self.times, t), len(self.times) - 1)
        t0, t1 = self.times[i - 1], self.times[i]
        w = (t - t0) / (t1 - t0)
        return np.exp((1 - w) * self.logs[i - 1] + w * self.logs[i])


def bootstrapped(maturities, quotes):
    curve = Curve()
    for maturity, rate in zip(maturities, quotes):
        curve.times.append(maturity)
        curve.logs.append(curve.logs[-1] - rate * (maturity - curve.times[-2]))
        for _ in range(30):
            legs = [curve.discount(t) for t in np.arange(1.0, maturity + 0.5)]
            error = rate * sum(legs) + legs[-1] - 1.0
            slope = (1.0 + rate) * legs[-1]
            curve.logs[-1] = curve.logs[-1] - error / slope
            if abs(error) < 1e-12:
                break
    return curve


def forward_swap(quotes, strike, start, length):
    curve = bootstrapped([1.0, 2.0, 3.0, 5.0, 7.0], quotes)
    annuity = sum(curve.discount(start + k) for k in range(1, length + 1))
    return curve.discount(start) - curve.discount(start + length) - strike * annuity


# -- ratings of players -------------------------------------------------------------------------------


def normal_cdf(x):
    return 0.5 * (1.0 + math.erf(x / math.sqrt(2.0)))


def rating_loss(beta, drift, prior, games):
    """TrueSkill's updates game by game: how surprised the ratings are by what comes next."""
    mean, var = defaultdict(lambda: 0.0), defaultdict(lambda: prior)
    surprise = 0.0
    for winner, loser in games:
        for player in (winner, loser):
            var[player] += drift**2
        c = math.sqrt(2 * beta**2 + var[winner] + var[loser])
        t = (mean[winner] - mean[loser]) / c
        chance = normal_cdf(t)
        surprise -= math.log(chance)
        v = math.exp(-0.5 * t * t) / math.sqrt(2 * math.pi) / chance
        w = v * (v + t)
        mean[winner] += var[winner] / c * v
        mean[loser] -= var[loser] / c * v
        var[winner] *= 1 - var[winner] / c**2 * w
        var[loser] *= 1 - var[loser] / c**2 * w
    return surprise / len(games)


# -- a saver's plan ---------------------------------------------------------------------------------------


def saver_welfare(patience, interest, risk, wages, chances):
    """Value iteration on a grid of wealth, with interpolation between its points."""
    grid = np.linspace(0.1, 4.0, 12)
    shares = np.linspace(0.05, 0.95, 9)
    value = np.log(grid)
    for _ in range(200):
        best = np.full_like(grid, -np.inf)
        for share in shares:
            spent = share * grid
            ahead = sum(
                p * np.interp((1 + interest) * (grid - spent) + wage, grid, value)
                for wage, p in zip(wages, chances)
            )
            now = (spent ** (1 - risk) - 1) / (1 - risk)
            best = np.maximum(best, now + patience * ahead)
        gap = np.max(np.abs(best - value))
        value = best
        if gap < 1e-3:
            break
    return np.average(value, weights=np.exp(-((grid - 1.5) ** 2)))


# -- a lens ------------------------------------------------------------------------------------------------


def spot_size(curvatures, gaps, indices, detector):
    """Rays through spherical surfaces by Snell's law in two dimensions; those that miss a surface are lost."""
    heights = np.linspace(-0.8, 0.8, 7)
    landed = []
    for height in heights:
        y, z, angle, n = height, 0.0, 0.0, 1.0
        vertex, alive = 1.0, True
        for curvature, gap, after in zip(curvatures, gaps, indices):
            radius = 1.0 / curvature
            centre = vertex + radius
            dy, dz = math.sin(angle), math.cos(angle)
            oy, oz = y, z - centre
            b = oy * dy + oz * dz
            disc = b * b - (oy * oy + oz * oz - radius**2)
            if disc < 0:
                alive = False
                break
            t = -b - math.copysign(math.sqrt(disc), radius)
            y, z = y + t * dy, z + t * dz
            ny, nz = y / radius, (z - centre) / radius
            incidence = math.asin(dy * nz - dz * ny)
            bent = n / after * math.sin(incidence)
            if abs(bent) > 1:
                alive = False
                break
            angle = angle + math.asin(bent) - incidence
            n, vertex = after, vertex + gap
        if alive:
            landed.append(y + (detector - z) * math.tan(angle))
    landed = np.array(landed)
    return np.sqrt(np.mean((landed - landed.mean()) ** 2)) + 0.1 * np.mean(landed**2)


_draw = np.random.default_rng(41)
GAMES = [
    ("ann", "bob"),
    ("bob", "cy"),
    ("ann", "cy"),
    ("cy", "bob"),
    ("dee", "ann"),
    ("ann", "dee"),
    ("bob", "dee"),
]
CASES = [
    (
        rendering,
        (
            np.array([[0.1, 0.2, 0.3]]),
            np.array([0.62]),
            np.array([2.0, 3.0, -2.0]),
            np.array([0.4, 0.3, 0.3]),
        ),
        (0, 1, 2),
    ),
    (tour_length, (np.array([[48.1, 11.6], [52.5, 13.4], [41.9, 12.5], [40.4, -3.7]]),), (0,)),
    (ripple, (90.0, 0.4, 10.0, 3.0), (0, 1, 2, 3)),
    (
        dose_misfit,
        (
            {"ka": 0.9, "ke": 0.2, "k12": 0.3, "k21": 0.15, "bioavailability": 0.8, "volume": 12.0},
            [(0.0, 100.0), (4.0, 60.0), (8.0, 60.0)],
            np.array([2.4, 3.1, 4.0, 4.2, 2.9]),
        ),
        (0, 2),
    ),
    (
        nash_sutcliffe,
        (
            np.array([320.0, 0.4, 60.0, 2.3]),
            np.maximum(_draw.normal(3.0, 6.0, 25), 0.0),
            _draw.uniform(0.5, 3.0, 25),
            _draw.uniform(0.5, 4.0, 25),
        ),
        (0, 1, 3),
    ),
    (forward_swap, (np.array([0.021, 0.024, 0.027, 0.031, 0.034]), 0.03, 1.5, 4), (0, 1, 2)),
    (rating_loss, (0.9, 0.1, 1.3, GAMES), (0, 1, 2)),
    (saver_welfare, (0.8, 0.03, 1.7, np.array([0.3, 0.9]), np.array([0.4, 0.6])), (0, 1, 2, 3, 4)),
    (spot_size, (np.array([0.4, -0.3]), [0.3, 0.0], [1.52, 1.0], 4.1), (0, 3)),
]
