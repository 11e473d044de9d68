"""18. Trust, but verify: the analytic gradient against a numeric one.

A numeric gradient is slow (two evaluations for each parameter), approximate, and very hard to get wrong. An
analytic one is fast, exact, and easy to get wrong. So: compute with the analytic one, and check it with the
numeric one. `check_grads` does that and names the worst element. Below it passes a compiled gradient, and
then catches a rule with the wrong sign.
"""

import numpy as np

from revcompile import check_grads, gate, grad


@grad
def loss(W, b, x):
    h = np.tanh(W @ x + b)
    return np.sum(h**2) + 0.1 * np.sum(np.abs(W))


def swish(x):
    return x / (1 + np.exp(-x))


@gate(swish)
def swish_rule(grad_y, y, x):
    """Wrong, on purpose: the last sign should be a plus."""
    s = 1 / (1 + np.exp(-x))
    return grad_y * (s - x * s * (1 - s))


def careless(x):
    return np.sum(swish(x))


def main() -> None:
    rng = np.random.default_rng(0)
    W, b, x = rng.standard_normal((3, 2)), rng.standard_normal(3), rng.standard_normal(2)
    check_grads(loss, (W, b, x))
    print("loss: analytic and numeric gradient agree on all", W.size + b.size + x.size, "numbers\n")
    try:
        check_grads(careless, (np.array([1.0, -2.0, 0.5]),))
    except AssertionError as error:
        print("careless:", error)


if __name__ == "__main__":
    main()
