"""A conditional random field, a hidden Markov model, dynamic time warping, a tree of species."""

import math

import numpy as np


def logsumexp(a, axis=None):
    top = np.max(a, axis=axis, keepdims=True)
    out = np.log(np.sum(np.exp(a - top), axis=axis, keepdims=True)) + top
    return np.squeeze(out, axis=axis) if axis is not None else out.item()


def crf_loss(W, T, b, sentences, labels, l2=0.01):
    total = 0.0
    for X, y in zip(sentences, labels):
        scores = X @ W + b
        n = len(y)
        path = scores[0, y[0]]
        alpha = scores[0]
        for t in range(1, n):
            path += scores[t, y[t]] + T[y[t - 1], y[t]]
            alpha = logsumexp(alpha[:, None] + T, axis=0) + scores[t]
        total += logsumexp(alpha) - path
    return total / len(sentences) + l2 * (np.sum(W**2) + np.sum(T**2))


def hmm_loglik(logits_pi, logits_A, means, log_sigma, observations):
    def softmax(z):
        e = np.exp(z - z.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    pi, A = softmax(logits_pi), softmax(logits_A)
    sigma = np.exp(log_sigma)
    B = np.exp(-0.5 * ((observations[:, None] - means) / sigma) ** 2) / (np.sqrt(2 * np.pi) * sigma)
    T, K = B.shape
    alpha = np.zeros((T, K))
    c = np.zeros(T)
    alpha[0] = pi * B[0]
    c[0] = alpha[0].sum()
    alpha[0] /= c[0]
    for t in range(1, T):
        alpha[t] = (alpha[t - 1] @ A) * B[t]
        c[t] = alpha[t].sum()
        alpha[t] /= c[t]
    return np.log(c).sum()


def dtw(a, b, gamma):
    n, m = len(a), len(b)
    D = np.full((n + 1, m + 1), np.inf)
    D[0, 0] = 0.0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            cost = (a[i - 1] - b[j - 1]) ** 2
            best = min(D[i - 1, j], D[i, j - 1], D[i - 1, j - 1])
            if gamma > 0:
                z = 0.0
                for prev in (D[i - 1, j], D[i, j - 1], D[i - 1, j - 1]):
                    if prev < np.inf:
                        z += math.exp(-(prev - best) / gamma)
                best = best - gamma * math.log(z)
            D[i, j] = cost + best
    return D[n, m]


def felsenstein(branch, rates, frequencies, tree, tips):
    pi = np.exp(frequencies) / np.sum(np.exp(frequencies))
    Q = np.outer(np.ones(4), pi) * (rates + rates.T)
    Q = Q - np.diag(np.diag(Q))
    Q = Q - np.diag(Q.sum(axis=1))
    Q = Q / -np.dot(pi, np.diag(Q))

    def transition(t):
        M = Q * t / 16
        P = np.eye(4) + M + M @ M / 2 + M @ M @ M / 6
        for _ in range(4):
            P = P @ P
        return P

    def partial(node):
        if isinstance(node, int):
            L = np.zeros((4, len(tips[node])))
            L[tips[node], np.arange(len(tips[node]))] = 1.0
            return L
        (left, i), (right, j) = node
        return (transition(branch[i]) @ partial(left)) * (transition(branch[j]) @ partial(right))

    return -np.sum(np.log(pi @ partial(tree)))


rng = np.random.default_rng(3)


def normal(*shape):
    return rng.normal(size=shape)


TREE = (((((0, 0), (1, 1))), 2), (2, 3))  # two tips on branches 0 and 1, joined by 2 to a tip on 3
TIPS = [np.array([0, 1, 2, 3, 0]), np.array([0, 1, 2, 1, 2]), np.array([3, 1, 2, 3, 0])]
CASES = [
    (
        crf_loss,
        (
            normal(4, 3),
            normal(3, 3),
            normal(3),
            [normal(5, 4), normal(2, 4), normal(7, 4)],
            [[0, 1, 2, 1, 0], [2, 2], [0, 0, 1, 2, 1, 1, 0]],
        ),
        (0, 1, 2),
    ),
    (hmm_loglik, (normal(3), normal(3, 3), normal(3), 0.1 * normal(3), normal(9)), (0, 1, 2, 3, 4)),
    (dtw, (normal(5), normal(6), 0.0), (0, 1)),
    (dtw, (normal(5), normal(6), 0.3), (0, 1, 2)),
    (felsenstein, (np.abs(normal(6)) * 0.3, np.abs(normal(4, 4)), normal(4), TREE, TIPS), (0, 1, 2)),
]
