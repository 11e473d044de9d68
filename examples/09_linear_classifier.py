"""9. A linear classifier: scores s = W x, the multiclass hinge loss, and a penalty on the weights.

Each row of W is a template for one class, and each column of scores is one image's. The hinge loss of an
image asks that its right class beat every other by a margin of one, and counts by how much it fails to:

    L_i = sum over j != y_i of max(0, s_j - s_{y_i} + 1)
    L   = mean of L_i  +  lambda R(W),    R(W) = sum of W ** 2

On paper the gradient is a story: every class that comes too close pushes its own row by x and pulls the
right class's row the other way. Here nobody tells it; it comes out of the parts, the store of a zero
into the right class's margin included. Both are compared below, and so is the gradient by the image: what
would have to change in it for the classifier to do better.
"""

import numpy as np

from revcompile import grad


def hinge(scores, y):
    """The loss of one image with the right class y."""
    margins = np.maximum(0, scores - scores[y] + 1)
    margins[y] = 0
    return np.sum(margins)


@grad(argnums=("W", "X", "strength"))
def loss(W, X, y, strength):
    """X holds one image a column, y the class of each."""
    total = 0.0
    for i in range(X.shape[1]):
        scores = W @ X[:, i]
        total += hinge(scores, y[i])
    return total / X.shape[1] + strength * np.sum(W**2)


def by_hand(W, X, y, strength):
    """The gradients by W, X and lambda, derived on paper, and all images at once."""
    count = X.shape[1]
    images = np.arange(count)
    scores = W @ X
    pushes = (scores - scores[y, images] + 1 > 0).astype(float)
    pushes[y, images] = 0
    pushes[y, images] = -pushes.sum(axis=0)
    pushes /= count
    return pushes @ X.T + 2 * strength * W, W.T @ pushes, np.sum(W**2)


# three images, the lecture's scores of cat, car and frog: a column each
SCORES = np.array([[3.2, 1.3, 2.2], [5.1, 4.9, 2.5], [-1.7, 2.0, -3.1]])
RIGHT = np.array([0, 1, 2])


def data():
    """Twenty images of six pixels in three classes."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 20)
    X = rng.standard_normal((6, 20)) + y
    return 0.5 * rng.standard_normal((3, 6)), X, y, 0.1


def main() -> None:
    losses = [hinge(SCORES[:, i], RIGHT[i]) for i in range(3)]
    print("the lecture's three images:", np.round(losses, 2), "mean", round(float(np.mean(losses)), 2))
    value, gradients = loss.value_and_grad(*data())
    print(f"loss {value:.4f}")
    for name, gradient, expected in zip(("W", "X", "lambda"), gradients, by_hand(*data())):
        worst = np.abs(gradient - expected).max()
        print(f"grad {name}: largest difference from the gradient on paper {worst:.1e}")
    print()
    print(loss.backward_source)


if __name__ == "__main__":
    main()
