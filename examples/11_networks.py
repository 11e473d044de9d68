"""11. Networks: two layers, three layers, any number of layers.

A linear classifier is s = W x. Put a max(0, .) between two of them and it is a network; put another and it
is a deeper one. The last function below takes a *list* of weights and loops over it. The gradient of a list
is a list, of the same arrays' shapes, so one line of training serves networks of any depth.

The task is the classic that no line can separate: two spirals, wound into each other.
"""

from itertools import pairwise

import numpy as np

from revcompile import value_and_grad


def two_layers(weights, X):
    W1, W2 = weights
    return W2 @ np.maximum(0, W1 @ X)


def three_layers(weights, X):
    W1, W2, W3 = weights
    return W3 @ np.maximum(0, W2 @ np.maximum(0, W1 @ X))


def any_layers(weights, X):
    h = X
    for W in weights[:-1]:
        h = np.maximum(0, W @ h)
    return weights[-1] @ h


def with_ones(X):
    """A last row of ones, so that a column of the first weights is a bias."""
    return np.vstack([X, np.ones((1, X.shape[1]))])


def softmax_loss(scores, y):
    shifted = scores - np.max(scores, axis=0)
    return np.mean(np.log(np.sum(np.exp(shifted), axis=0)) - shifted[y, np.arange(len(y))])


@value_and_grad(argnums="weights")
def two_layer_loss(weights, X, y):
    return softmax_loss(two_layers(weights, with_ones(X)), y)


@value_and_grad(argnums="weights")
def three_layer_loss(weights, X, y):
    return softmax_loss(three_layers(weights, with_ones(X)), y)


@value_and_grad(argnums="weights")
def any_layer_loss(weights, X, y):
    data_loss = softmax_loss(any_layers(weights, with_ones(X)), y)
    penalty = 0.0
    for W in weights:
        penalty += np.sum(W**2)
    return data_loss + 1e-4 * penalty


def spirals(count=60):
    """Two classes of points: X is 2 x 2 count, y the class of each."""
    rng = np.random.default_rng(0)
    radius = np.linspace(0.2, 1.0, count)
    arms = []
    for arm in range(2):
        angle = 4.0 * radius + np.pi * arm + 0.1 * rng.standard_normal(count)
        arms.append(radius * np.stack([np.cos(angle), np.sin(angle)]))
    return np.hstack(arms), np.repeat([0, 1], count)


def start(*sizes):
    """Weights of a network with that many numbers between its layers: as wide as they need to be."""
    rng = np.random.default_rng(1)
    return [rng.standard_normal((m, n)) * np.sqrt(2 / n) for n, m in pairwise(sizes)]


def train(loss, weights, steps, learning_rate=0.3):
    """The loss at every step, and the weights at the end."""
    X, y = spirals()
    losses = []
    for _ in range(steps):
        value, gradient = loss(weights, X, y)
        losses.append(value)
        weights = [W - learning_rate * grad_W for W, grad_W in zip(weights, gradient)]
    return losses, weights


def accuracy(network, weights):
    X, y = spirals()
    return np.mean(np.argmax(network(weights, with_ones(X)), axis=0) == y)


SYSTEMS = (
    ("two layers", two_layer_loss, two_layers, (3, 64, 2), 1500),
    ("three layers", three_layer_loss, three_layers, (3, 32, 32, 2), 600),
    ("a list of five", any_layer_loss, any_layers, (3, 24, 24, 24, 24, 2), 500),
)


def main() -> None:
    for title, loss, network, sizes, steps in SYSTEMS:
        losses, weights = train(loss, start(*sizes), steps)
        right = accuracy(network, weights)
        print(f"{title:15} loss {losses[0]:.3f} -> {losses[-1]:.3f}, {right:.0%} of the points right")
    print()
    print(two_layer_loss.backward_source)


if __name__ == "__main__":
    main()
