"""Topics, a Gaussian process, survival, drift, an epidemic, an option on a tree."""

import math
from dataclasses import dataclass

import numpy as np


def digamma(x):
    """Series of Abramowitz and Stegun after a shift by six."""
    r = np.zeros_like(x)
    y = x.copy()
    for _ in range(6):
        r = r - 1.0 / y
        y = y + 1.0
    f = 1.0 / (y * y)
    return r + np.log(y) - 0.5 / y - f * (1.0 / 12 - f * (1.0 / 120 - f * (1.0 / 252 - f / 240)))


def gammaln(x):
    c = [
        76.18009172947146,
        -86.50532032941677,
        24.01409824083091,
        -1.231739572450155,
        0.1208650973866179e-2,
        -0.5395239384953e-5,
    ]
    y = x
    tmp = x + 5.5
    tmp = tmp - (x + 0.5) * np.log(tmp)
    ser = 1.000000000190015
    for cj in c:
        y = y + 1.0
        ser = ser + cj / y
    return -tmp + np.log(2.5066282746310005 * ser / x)


def lda_elbo(log_beta, log_alpha, docs, iterations=5):
    beta = np.exp(log_beta)
    beta /= beta.sum(axis=1, keepdims=True)
    alpha = np.exp(log_alpha)
    elbo = 0.0
    for words, counts in docs:
        gamma = alpha + counts.sum() / alpha.size
        for _ in range(iterations):
            e = np.exp(digamma(gamma))
            phi = beta[:, words] * e[:, None]
            phi /= phi.sum(axis=0)
            gamma = alpha + phi @ counts
        elog = digamma(gamma) - digamma(np.atleast_1d(gamma.sum()))
        elbo += np.sum(counts * np.sum(phi * (np.log(beta[:, words]) + elog[:, None] - np.log(phi)), axis=0))
        elbo += np.sum((alpha - gamma) * elog) + np.sum(gammaln(gamma)) - gammaln(np.array(gamma.sum()))
        elbo += gammaln(np.asarray(alpha.sum())) - np.sum(gammaln(alpha))
    return elbo


@dataclass
class Hyper:
    log_scale: np.ndarray
    log_amp: float
    log_noise: float


def kernel(X, Z, h):
    scale = np.exp(h.log_scale)
    A, B = X / scale, Z / scale
    sq = np.sum(A**2, 1)[:, None] + np.sum(B**2, 1)[None, :] - 2 * A @ B.T
    r = np.sqrt(np.maximum(sq, 1e-12))
    return np.exp(2 * h.log_amp) * (1 + np.sqrt(5) * r + 5 * sq / 3) * np.exp(-np.sqrt(5) * r)


def gp_nll(log_scale, log_amp, log_noise, X, y, Xs, ys):
    h = Hyper(log_scale, log_amp, log_noise)
    n = X.shape[0]
    K = kernel(X, X, h)
    K[np.diag_indices(n)] += np.exp(2 * h.log_noise) + 1e-8
    L = np.linalg.cholesky(K)
    alpha = np.linalg.solve(L.T, np.linalg.solve(L, y))
    nll = 0.5 * y @ alpha + np.log(np.diag(L)).sum() + 0.5 * n * math.log(2 * math.pi)
    Ks = kernel(Xs, X, h)
    mean = Ks @ alpha
    V = np.linalg.solve(L, Ks.T)
    var = np.exp(2 * h.log_amp) - np.einsum("ij,ij->j", V, V)
    return nll + 0.1 * np.sum((ys - mean) ** 2 / var + np.log(var))


def cox_loss(w, X, times, events, l1):
    order = np.argsort(-times, kind="stable")
    X, times, events = X[order], times[order], events[order]
    eta = X @ w
    eta = eta - eta.mean()
    risk = np.cumsum(np.exp(eta))
    total = 0.0
    i = 0
    n = len(times)
    while i < n:
        j = i
        while j < n and times[j] == times[i]:
            j += 1
        tied = [k for k in range(i, j) if events[k]]
        d = len(tied)
        if d > 0:
            s = sum(np.exp(eta[k]) for k in tied)
            for m, k in enumerate(tied):
                total += eta[k] - np.log(risk[j - 1] - m / d * s)
        i = j
    return -total / n + l1 * np.sum(np.sqrt(w**2 + 1e-4))


def drift(fitness, mutation, p0, population, generations):
    n = population
    k = np.arange(n + 1)
    log_choose = np.array(
        [math.lgamma(n + 1) - math.lgamma(j + 1) - math.lgamma(n - j + 1) for j in range(n + 1)]
    )
    x = k / n
    w_bar = fitness[0] * x**2 + 2 * fitness[1] * x * (1 - x) + fitness[2] * (1 - x) ** 2
    p = (fitness[0] * x**2 + fitness[1] * x * (1 - x)) / w_bar
    p = p * (1 - mutation[0]) + (1 - p) * mutation[1]
    T = np.exp(log_choose + k * np.log(p)[:, None] + (n - k) * np.log1p(-p)[:, None])
    state = np.exp(log_choose + k * np.log(p0) + (n - k) * np.log1p(-p0))
    seen = []
    for g in range(generations):
        state = state @ T
        seen.append(state[-1] + 0.5 * state[n // 2])
    return np.dot(seen, np.linspace(0.2, 1.0, generations)) - np.sum(state * np.log(state))


def epidemic(beta, contact, gamma, sigma, seed, reported, lockdown):
    S = np.array([5e5, 8e5, 3e5]) / 1e6
    state = np.stack([S - seed, seed * 0.5, seed * 0.5, np.zeros(3)])

    def rhs(y, day):
        s, e, i, r = y
        strength = beta * (1 - lockdown if 5 <= day < 12 else 1.0)
        new = strength * s * (contact @ i) / s.sum()
        return np.array([-new, new - sigma * e, sigma * e - gamma * i, gamma * i])

    loss = 0.0
    for day, cases in enumerate(reported):
        before = state[0].sum()
        for _ in range(2):
            h = 0.5
            k1 = rhs(state, day)
            k2 = rhs(state + h / 2 * k1, day)
            k3 = rhs(state + h / 2 * k2, day)
            k4 = rhs(state + h * k3, day)
            state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        new = before - state[0].sum()
        loss += new - cases * np.log(new)
    return loss


def american_put(spot, strike, rate, sigma, T, n):
    dt = T / n
    u = math.exp(sigma * math.sqrt(dt))
    d = 1.0 / u
    p = (math.exp(rate * dt) - d) / (u - d)
    disc = math.exp(-rate * dt)
    prices = [spot * u ** (2 * j - n) for j in range(n + 1)]
    values = [max(strike - s, 0.0) for s in prices]
    for i in range(n - 1, -1, -1):
        for j in range(i + 1):
            hold = disc * (p * values[j + 1] + (1 - p) * values[j])
            s = spot * u ** (2 * j - i)
            values[j] = max(hold, strike - s)
    return values[0]


rng = np.random.default_rng(4)


def normal(*shape):
    return rng.normal(size=shape)


TIMES = np.array([3.0, 1.0, 4.0, 1.0, 5.0, 3.0, 2.0, 3.0])
DOCUMENTS = [(np.array([0, 2, 3]), np.array([2.0, 1.0, 1.0])), (np.array([1, 5]), np.array([1.0, 3.0]))]
CASES = [
    (lda_elbo, (normal(2, 6), normal(2), DOCUMENTS), (0, 1)),
    (gp_nll, (normal(2), 0.1, -1.0, normal(7, 2), normal(7), normal(3, 2), normal(3)), (0, 1, 2, 3, 4)),
    (cox_loss, (normal(3), normal(8, 3), TIMES, np.array([1, 1, 0, 1, 1, 1, 1, 0]), 0.1), (0, 1, 4)),
    (drift, (np.array([1.1, 1.0, 0.9]), np.array([0.01, 0.02]), 0.3, 8, 5), (0, 1, 2)),
    (
        epidemic,
        (
            0.6,
            np.abs(normal(3, 3)) + 0.5,
            0.2,
            0.3,
            np.array([1e-3, 2e-3, 1e-3]),
            np.abs(normal(15)) * 1e-3,
            0.6,
        ),
        tuple(range(7)),
    ),
    (american_put, (100.0, 105.0, 0.03, 0.25, 1.0, 12), (0, 1, 2, 3, 4)),
]
