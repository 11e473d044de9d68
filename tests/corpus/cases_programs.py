"""Small programs, as people write them: several features of the language at once."""

import numpy as np

from tests.corpus.table import EMPTY, MANY, NO_ROWS, ONE, ROW, A, P, S, U, V, case

POSITIVE = S @ S.T + np.eye(3)


@case((POSITIVE, V[:3]), (POSITIVE[:1, :1], ONE))
def cholesky_solve(a, b):
    n = len(b)
    low = np.zeros_like(a)
    for j in range(n):
        low[j, j] = np.sqrt(a[j, j] - np.sum(low[j, :j] ** 2))
        for i in range(j + 1, n):
            low[i, j] = (a[i, j] - low[i, :j] @ low[j, :j]) / low[j, j]
    y = np.zeros(n)
    for i in range(n):
        y[i] = (b[i] - low[i, :i] @ y[:i]) / low[i, i]
    return np.sum(y**2) + np.sum(np.log(np.diag(low)))


@case((S, V[:3]), (S[::-1].copy(), V[:3]))
def gauss_with_pivots(a, b):
    n = len(b)
    for k in range(n):
        pivot = k + np.argmax(np.abs(a[k:, k]))
        if pivot != k:
            a[[k, pivot]] = a[[pivot, k]]
            b[k], b[pivot] = b[pivot], b[k]
        for i in range(k + 1, n):
            factor = a[i, k] / a[k, k]
            a[i, k:] -= factor * a[k, k:]
            b[i] -= factor * b[k]
    for i in reversed(range(n)):
        b[i] = (b[i] - a[i, i + 1 :] @ b[i + 1 :]) / a[i, i]
    return np.sum(b**2)


@case((P + 3.0, U[:4], U[1:], V), (ONE + 1.0, EMPTY, EMPTY, ONE))
def thomas_algorithm(diagonal, lower, upper, b):
    for i in range(1, len(b)):
        w = lower[i - 1] / diagonal[i - 1]
        diagonal[i] -= w * upper[i - 1]
        b[i] -= w * b[i - 1]
    x = np.empty_like(b)
    x[-1] = b[-1] / diagonal[-1]
    for i in range(len(b) - 2, -1, -1):
        x[i] = (b[i] - upper[i] * x[i + 1]) / diagonal[i]
    return np.sum(x * b)


@case(S, S[:, :2], S[:1])
def gram_schmidt(a):
    q = np.zeros_like(a)
    for i in range(a.shape[0]):
        v = a[i].copy()
        for j in range(i):
            v -= (q[j] @ a[i]) * q[j]
            if j > 0:
                v *= 0.9
        q[i] = v / (np.linalg.norm(v) + 0.1)
    return np.sum(q * np.arange(q.size).reshape(q.shape))


@case((S, V[:3], 0), (S, V[:3], 12))
def power_iteration(a, v, n):
    for _ in range(n):
        v = a @ v
        v = v / np.sqrt(v @ v)
    return v @ a @ v


@case((V, 0.2, 0), (V, 0.2, 1), (MANY[:8], 0.1, 6))
def heat_equation(u, k, steps):
    for t in range(steps):
        new = u.copy()
        new[1:-1] = u[1:-1] + k * (u[2:] - 2.0 * u[1:-1] + u[:-2])
        new[0] = new[1]
        new[-1] = 0.0
        u = new
    return np.sum(u**2)


@case((A, 0), (A, 2), (S, 1))
def gauss_seidel(u, sweeps):
    for _ in range(sweeps):
        for i in range(1, u.shape[0] - 1):
            for j in range(1, u.shape[1] - 1):
                u[i, j] = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1])
                u[i, j] += 0.1 * u[i, j] ** 2
    return np.sum(u**2)


@case((0.9, 0.2, 0.1, 0), (0.9, 0.2, 0.1, 10))
def runge_kutta(x, v, dt, steps):
    def force(x, v):
        return v, -np.sin(x) - 0.1 * v

    for _ in range(steps):
        a1, b1 = force(x, v)
        a2, b2 = force(x + 0.5 * dt * a1, v + 0.5 * dt * b1)
        x, v = x + dt * a2, v + dt * b2
    return x * x + v


@case((2.0, 1.0), (0.3, 1.0), (5.0, 0.1))
def bisection_and_a_newton_step(a, low):
    high = 10.0
    while high - low > 0.01:
        middle = 0.5 * (low + high)
        if middle**3 + middle > a:
            high = middle
        else:
            low = middle
    return low - (low**3 + low - a) / (3 * low**2 + 1)


@case((S, S.T + 0.2, V[:3], A[:, :3]), (S, S, V[:3], np.zeros((0, 3))))
def recurrent_network(w, u, h, xs):
    hidden = []
    for x in xs:
        h = np.tanh(w @ h + u @ x)
        hidden.append(h)
    return sum(np.sum(h**2) for h in hidden) + h[0]


@case(({"w": A * 0.3, "b": U[:4] * 0.1, "v": S}, V[:3], 3), ({"w": A, "b": U[:4], "v": S}, V[:3], 0))
def gated_cell(p, x, n):
    cell = np.zeros(3)
    for t in range(n):
        z = p["w"].T @ (x + cell) + p["b"]
        gate, value = 1.0 / (1.0 + np.exp(-z[:3])), np.tanh(z[1:])
        cell = gate * cell + (1.0 - gate) * value
        x = p["v"] @ x * 0.5
    return np.sum(cell * x) + np.sum(x)


@case((np.abs(S), np.abs(A), P[:3], np.array([0, 2, 1, 1])), (np.abs(S), np.abs(A), P[:3], np.array([3])))
def hidden_markov_model(transitions, emissions, start, seen):
    alpha, total = start * emissions[:, seen[0]], 0.0
    for symbol in seen[1:]:
        scale = np.sum(alpha)
        alpha = (alpha / scale) @ transitions * emissions[:, symbol]
        total += np.log(scale)
    return total + np.log(np.sum(alpha))


@case((V, U[:4]), (ONE, U[:2]), (V[:2], P))
def soft_dynamic_time_warping(x, y):
    r = np.full((len(x) + 1, len(y) + 1), 50.0)
    r[0, 0] = 0.0
    for i in range(1, len(x) + 1):
        for j in range(1, len(y) + 1):
            before = np.array([r[i - 1, j], r[i, j - 1], r[i - 1, j - 1]])
            r[i, j] = (x[i - 1] - y[j - 1]) ** 2 - np.log(np.sum(np.exp(-before)))
    return r[-1, -1]


@case((np.concatenate([A, A * 0.5 + 0.1]), U[:2]), (A, ONE))
def convolution_by_loops(image, kernel):
    rows, columns = image.shape[0] - len(kernel) + 1, image.shape[1]
    out = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            for k, weight in enumerate(kernel):
                out[i, j] += weight * image[i + k, j]
            if out[i, j] < 0:
                out[i, j] *= 0.1
    return np.sum(out**2)


@case((A, A[:2] + 0.3, 0), (A, A[:2] + 0.3, 3))
def k_means(points, centres, n):
    centres = centres.copy()
    for _ in range(n):
        sums, counts = np.zeros_like(centres), np.full(len(centres), 0.5)
        for p in points:
            k = np.argmin(np.sum((centres - p) ** 2, axis=1))
            sums[k] += p
            counts[k] += 1
        centres = (sums + 0.5 * centres) / counts[:, None]
    return np.sum(centres**2)


@case((MANY[:12], 1.2), (EMPTY, 1.0))
def resonator_with_clipping(x, drive):
    state, previous, out = 0.0, 0.0, []
    for v in x:
        state, previous = 1.2 * state - 0.5 * previous + drive * v, state
        if abs(state) > 1.5:
            state = 1.5 if state > 0 else -1.5
        out.append(state)
    return sum(v * v for v in out) + drive


@case((V[:3], S, 0.05, 0), (V[:3], S, 0.05, 4))
def adam(w, a, rate, n):
    m, s = np.zeros(3), np.zeros(3)
    for t in range(1, n + 1):
        g = a.T @ (a @ w - 1.0)
        m = 0.9 * m + 0.1 * g
        s = 0.99 * s + 0.01 * g**2
        w = w - rate * (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.99**t)) + 1e-2)
    return np.sum((a @ w - 1.0) ** 2)


@case((ROW[0], 100.0, 3), (ROW[0], 100.0, 0))
def binomial_option_tree(rates, strike, n):
    price, up = 100.0 * np.exp(rates[0] * 0.1), 1.0 + 0.1 * rates[0] ** 2
    values = np.maximum(price * up ** (2.0 * np.arange(n + 1) - n) - strike * 0.9, 0.0)
    for step in range(n):
        values = np.exp(-0.01 * rates[step]) * (0.55 * values[1:] + 0.45 * values[:-1])
        if np.max(values) < 1e-3:
            return 0.0
    return values[0] * 0.01


@case((np.array([[0.0, 0.3], [1.1, 0.2], [0.4, 1.3]]), 0.02, 0), (A[:, 1:], 0.02, 3), (NO_ROWS, 0.1, 2))
def bodies_that_attract(x, dt, steps):
    v = np.zeros_like(x)
    for _ in range(steps):
        for i in range(len(x)):
            for j in range(len(x)):
                if i == j:
                    continue
                d = x[j] - x[i]
                v[i] += dt * d / (d @ d + 0.1) ** 1.5
        x += dt * v
    return np.sum(x**2) + np.sum(v * x)


@case((A, V[:4], 0), (A, V[:4], 1), (A, V[:4], 3))
def products_that_no_trip_changes(X, w, n):
    s = 0.0
    for i in range(n):
        for _ in range(2):
            w = w - (0.01 * X.T) @ np.tanh((np.sin(X) * w[0]) @ w) * (w * 0.5 * i)
        s = s + np.sum(np.cos(X) * w)
    return s + np.sum(w**2)


@case((A, V[:4], 0), (A, V[:4], 3), (A, -V[:4], 3))
def products_that_a_trip_may_not_reach(X, w, n):
    s = 0.0
    if w[0] > 0:
        for i in range(n):
            w = w * np.exp(-w * w * np.sum(np.tanh(2.0 * X)))
            if i == 1:
                s = s + np.sum(np.tanh(X * 3.0) * w[0] * w[1])
                X[0] *= w
            s = s + np.sum(np.cos(X * 0.5) * w)
    return s + np.sum(w**2)


@case((V, V[::-1], 0), (V, V[::-1], 1), (V, V[::-1], 3))
def places_that_are_written_again(x, w, n):
    for i in range(3):
        x[i] *= x[i]
        for k in range(n):
            x[i] += w[k] * x[i + 1]
            x[i] = np.sin(x[i])
        x[i] *= w[0] * x[i]
        for k in range(n):
            x[i] += w[k]
            if k == 1:
                break
        x[i] *= w[1]
    return np.sum(x**2)


@case((V, V[::-1], 0), (V, V[::-1], 1), (V, V[::-1], 3))
def places_that_are_written_again_in_arrays_that_change_places(x, w, n):
    y = x.copy()
    for i in range(3):
        x[i] = x[i] * y[i]
        for k in range(n):
            x[i] = w[k] * 2
            x, y = y, x
        x[i] *= w[0] * y[i]
    return np.sum(x**2) + np.sum(y**2)


SHAPES = {"w": (4, 2), "b": (2,), "v": (2, 1)}


def named_parts(vector, shapes):
    parts, start = {}, 0
    for name, shape in shapes.items():
        size = int(np.prod(shape))
        parts[name] = vector[start : start + size].reshape(shape)
        start += size
    return parts


@case((MANY[:12], A))
def weights_in_one_vector(vector, x):
    p = named_parts(vector, SHAPES)
    assert len(vector) == sum(np.prod(v.shape) for v in p.values()), f"{len(vector)} weights"
    return np.sum((np.tanh(x @ p["w"] + p["b"]) @ p["v"]) ** 2) * np.prod((2, 3))


def merged(xs):
    if len(xs) < 2:
        return xs
    left, right = merged(xs[: len(xs) // 2]), merged(xs[len(xs) // 2 :])
    out = []
    while left and right:
        if left[0] < right[0]:
            first, *left = left
        else:
            first, *right = right
        out.append(first)
    return out + left + right


@case([0.31, -0.72, 1.24], [1.24, 0.31])
def merge_sort(xs):
    return sum((i + 1) * x**2 for i, x in enumerate(merged(xs)))


def nelder_mead(f, simplex, steps):
    known = [(f(p), p) for p in simplex]
    for _ in range(steps):
        known.sort(key=lambda pair: pair[0])
        (lowest, _), *_, (highest, worst) = known
        centre = sum(p for _, p in known[:-1]) / (len(known) - 1)
        over = 2.0 * centre - worst
        value = f(over)
        if value < lowest:
            far = 3.0 * centre - 2.0 * worst
            known[-1] = (f(far), far) if f(far) < value else (value, over)
        elif value < highest:
            known[-1] = (value, over)
        else:
            inside = 0.5 * (worst + centre)
            known[-1] = (f(inside), inside)
    return min(known, key=lambda pair: pair[0])


@case((U[:2], V[:2], 0), (U[:2], V[:2], 2))
def simplex_search(a, start, steps):
    simplex = [start, start + np.array([1.0, 0.0]), start + np.array([0.0, 1.0])]
    value, x = nelder_mead(lambda p: np.sum((p - a) ** 2) + p[0] * p[1], simplex, steps)
    return value + x @ x
