"""8. A minibatch through a matrix product: Y = X W.

X holds one example a row, N x D; W is D x M. Two lines go into the backward pass of every fully connected
layer ever trained, and both can be found by looking at shapes alone:

    grad X = grad Y  Wᵀ        (N x D) = (N x M) (M x D)
    grad W = Xᵀ  grad Y        (D x M) = (D x N) (N x M)
"""

import numpy as np

from revcompile import grad


@grad(argnums=("X", "W"))
def layer(X, W, upstream):
    Y = X @ W
    return np.sum(upstream * Y)


def by_hand(X, W, grad_Y):
    return grad_Y @ W.T, X.T @ grad_Y


def main() -> None:
    rng = np.random.default_rng(0)
    X, W = rng.standard_normal((5, 3)), rng.standard_normal((3, 4))
    upstream = rng.standard_normal((5, 4))
    grad_X, grad_W = layer(X, W, upstream)
    hand_X, hand_W = by_hand(X, W, upstream)
    print(
        "grad X: shape", grad_X.shape, "- largest difference from grad Y Wᵀ:", np.abs(grad_X - hand_X).max()
    )
    print(
        "grad W: shape", grad_W.shape, "- largest difference from Xᵀ grad Y:", np.abs(grad_W - hand_W).max()
    )
    print()
    print(layer.backward_source)


if __name__ == "__main__":
    main()
