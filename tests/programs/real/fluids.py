"""Finite volumes with limiters, a Riemann solver, a lattice of Boltzmann's."""

import numpy as np


def minmod(a, b):
    return np.where(a * b > 0.0, np.where(np.abs(a) < np.abs(b), a, b), 0.0)


def superbee(a, b):
    steep = np.maximum(np.minimum(2 * np.abs(a), np.abs(b)), np.minimum(np.abs(a), 2 * np.abs(b)))
    return np.where(a * b > 0, np.sign(a) * steep, 0.0)


class Advection:
    def __init__(self, n, speed, cfl=0.8, limiter="minmod"):
        self.n = n
        self.dx = 1.0 / n
        self.speed = speed
        self.cfl = cfl
        self.limiter = {"minmod": minmod, "superbee": superbee}[limiter]

    def slopes(self, u):
        left = u[1:-1] - u[:-2]
        right = u[2:] - u[1:-1]
        return self.limiter(left, right)

    def flux(self, u, dt):
        s = self.slopes(u)
        c = self.speed * dt / self.dx
        uc = u[1:-1]
        if self.speed > 0:
            return self.speed * (uc[:-1] + 0.5 * (1 - c) * s[:-1])
        return self.speed * (uc[1:] - 0.5 * (1 + c) * s[1:])

    def step(self, u, dt):
        padded = np.empty(u.size + 4)
        padded[2:-2] = u
        padded[:2] = u[-2:]
        padded[-2:] = u[:2]
        f = self.flux(padded, dt)
        return u - dt / self.dx * (f[1:] - f[:-1])


def advect(u0, speed, t_end, limiter):
    solver = Advection(u0.size, speed, limiter=limiter)
    t, u = 0.0, u0.copy()
    while t < t_end:
        dt = min(solver.cfl * solver.dx / abs(solver.speed), t_end - t)
        u = solver.step(u, dt)
        t += dt
    target = np.sin(2 * np.pi * np.arange(u.size) / u.size)
    return np.sum((u - target) ** 2) * solver.dx


GAMMA = 1.4


def primitive(U):
    rho = U[0]
    u = U[1] / rho
    p = (GAMMA - 1) * (U[2] - 0.5 * rho * u**2)
    return rho, u, p


def euler_flux(U):
    rho, u, p = primitive(U)
    F = np.empty_like(U)
    F[0] = rho * u
    F[1] = rho * u**2 + p
    F[2] = (U[2] + p) * u
    return F


def hllc(UL, UR):
    rl, ul, pl = primitive(UL)
    rr, ur, pr = primitive(UR)
    al, ar = np.sqrt(GAMMA * pl / rl), np.sqrt(GAMMA * pr / rr)
    sl = np.minimum(ul - al, ur - ar)
    sr = np.maximum(ul + al, ur + ar)
    sm = (pr - pl + rl * ul * (sl - ul) - rr * ur * (sr - ur)) / (rl * (sl - ul) - rr * (sr - ur))
    FL, FR = euler_flux(UL), euler_flux(UR)
    F = np.zeros_like(UL)
    star_l = np.empty_like(UL)
    star_r = np.empty_like(UR)
    for star, U, rho, u, p, s in ((star_l, UL, rl, ul, pl, sl), (star_r, UR, rr, ur, pr, sr)):
        factor = rho * (s - u) / (s - sm)
        star[0] = factor
        star[1] = factor * sm
        star[2] = factor * (U[2] / rho + (sm - u) * (sm + p / (rho * (s - u))))
    for i in range(UL.shape[1]):
        if sl[i] >= 0:
            F[:, i] = FL[:, i]
        elif sm[i] >= 0:
            F[:, i] = FL[:, i] + sl[i] * (star_l[:, i] - UL[:, i])
        elif sr[i] >= 0:
            F[:, i] = FR[:, i] + sr[i] * (star_r[:, i] - UR[:, i])
        else:
            F[:, i] = FR[:, i]
    return F


def shock_tube(left, right, n, steps):
    U = np.zeros((3, n))
    half = n // 2
    for (rho, u, p), part in ((left, slice(0, half)), (right, slice(half, n))):
        U[0, part] = rho
        U[1, part] = rho * u
        U[2, part] = p / (GAMMA - 1) + 0.5 * rho * u * u
    dx = 1.0 / n
    for _ in range(steps):
        rho, u, p = primitive(U)
        dt = 0.4 * dx / np.max(np.abs(u) + np.sqrt(GAMMA * p / rho))
        F = hllc(U[:, :-1], U[:, 1:])
        U[:, 1:-1] -= dt / dx * (F[:, 1:] - F[:, :-1])
    rho, u, p = primitive(U)
    return np.sum(p * np.linspace(0, 1, n)) * dx + 0.1 * np.sum(u**2)


C = np.array([[0, 0], [1, 0], [0, 1], [-1, 0], [0, -1], [1, 1], [-1, 1], [-1, -1], [1, -1]])


W = np.array([4 / 9] + [1 / 9] * 4 + [1 / 36] * 4)


OPPOSITE = [0, 3, 4, 1, 2, 7, 8, 5, 6]


def equilibrium(rho, u):
    cu = 3 * np.tensordot(C, u, axes=1)
    return rho * W[:, None, None] * (1 + cu + 0.5 * cu**2 - 1.5 * np.sum(u**2, axis=0))


def boltzmann(density, velocity, omega, steps, wall):
    f = equilibrium(density, velocity)
    for _ in range(steps):
        rho = f.sum(axis=0)
        u = np.einsum("qd,qxy->dxy", C, f) / rho
        f = f + omega * (equilibrium(rho, u) - f)
        bounced = f[OPPOSITE][:, wall]
        f[:, wall] = bounced
        for q in range(9):
            f[q] = np.roll(f[q], C[q], axis=(0, 1))
    rho = f.sum(0)
    u = np.tensordot(C.T, f, axes=1) / rho
    return np.sum(u[0] ** 2) + 0.1 * np.sum((rho - 1) ** 2)


rng = np.random.default_rng(0)


def normal(*shape):
    return rng.normal(size=shape)


WALL = np.zeros((5, 4), bool)
WALL[:, 0] = True
WALL[2, 2] = True
CASES = [
    (advect, (0.5 + 0.3 * normal(12), 1.3, 0.31, "minmod"), (0, 1, 2)),
    (advect, (0.5 + 0.3 * normal(12), -0.7, 0.3, "superbee"), (0, 1)),
    (shock_tube, (np.array([1.0, 0.1, 1.0]), np.array([0.125, 0.0, 0.1]), 10, 6), (0, 1)),
    (boltzmann, (1 + 0.1 * normal(5, 4), 0.1 * normal(2, 5, 4), 0.9, 4, WALL), (0, 1, 2)),
]
