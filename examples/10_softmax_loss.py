"""10. "What if we want to change the loss?" One line changes, and nothing is derived again.

A linear classifier gives each class a score, s = X W + b. The hinge loss asks that the right class win
by a margin of one; the softmax loss reads the scores as log-probabilities. On paper each has its own page
of derivation. Here the two functions differ in the line that calls the loss, and both gradients are
compared with the ones derived on paper.
"""

import numpy as np

from revcompile import grad


def hinge(scores, y):
    rows = np.arange(len(y))
    correct = scores[rows, y]
    margins = np.maximum(0, scores - correct[:, None] + 1)
    return np.sum(margins) / len(y) - 1  # the right class always contributes its margin of one


def softmax(scores, y):
    rows = np.arange(len(y))
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    return -np.mean(log_probabilities[rows, y])


@grad(argnums=("W", "b"))
def hinge_classifier(W, b, X, y, strength):
    scores = X @ W + b
    data_loss = hinge(scores, y)
    return data_loss + strength * np.sum(W**2)


@grad(argnums=("W", "b"))
def softmax_classifier(W, b, X, y, strength):
    scores = X @ W + b
    data_loss = softmax(scores, y)  # the line that changes
    return data_loss + strength * np.sum(W**2)


def softmax_by_hand(W, b, X, y, strength):
    """The famous result: probabilities, minus one at the right class."""
    scores = X @ W + b
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    p /= len(y)
    return X.T @ p + 2 * strength * W, p.sum(axis=0)


def hinge_by_hand(W, b, X, y, strength):
    """One for each class that is too close, minus their number at the right class."""
    scores = X @ W + b
    rows = np.arange(len(y))
    close = (scores - scores[rows, y][:, None] + 1 > 0).astype(float)
    close[rows, y] = 0
    close[rows, y] = -close.sum(axis=1)
    close /= len(y)
    return X.T @ close + 2 * strength * W, close.sum(axis=0)


def data():
    """Fifty points of four features in three classes."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 50)
    X = rng.standard_normal((50, 4)) + y[:, None]
    return 0.1 * rng.standard_normal((4, 3)), np.zeros(3), X, y, 1e-2


def main() -> None:
    for name, compiled, by_hand in (
        ("hinge", hinge_classifier, hinge_by_hand),
        ("softmax", softmax_classifier, softmax_by_hand),
    ):
        value, gradients = compiled.value_and_grad(*data())
        worst = max(np.abs(a - b).max() for a, b in zip(gradients, by_hand(*data())))
        print(f"{name} loss {value:.4f}; largest difference from the gradient on paper: {worst:.1e}")
    print()
    print(softmax_classifier.backward_source)


if __name__ == "__main__":
    main()
