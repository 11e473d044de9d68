"""17. Learning: step against the gradient, and again, until the loss is small.

A two-layer network learns the exclusive or, the classic problem that no single layer can solve. The
whole of training is the line `parameters -= learning_rate * gradient`. Before the first step the gradient is
checked numerically, which costs a moment and saves an afternoon.
"""

import numpy as np

from revcompile import check_grads, value_and_grad

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y = np.array([0.0, 1.0, 1.0, 0.0])


def network(params, X):
    hidden = np.tanh(X @ params["W1"] + params["b1"])
    return 1 / (1 + np.exp(-(hidden @ params["W2"] + params["b2"])))


@value_and_grad(argnums=0)
def loss(params, X, Y):
    return np.mean((network(params, X) - Y) ** 2)


def start():
    rng = np.random.default_rng(1)
    return {"W1": rng.standard_normal((2, 4)), "b1": np.zeros(4), "W2": rng.standard_normal(4), "b2": 0.0}


def train(steps=2000, learning_rate=1.0):
    """The loss at every step, and the parameters at the end."""
    params, losses = start(), []
    for _ in range(steps):
        value, gradient = loss(params, X, Y)
        losses.append(value)
        params = {name: params[name] - learning_rate * gradient[name] for name in params}
    return losses, params


def main() -> None:
    check_grads(loss, (start(), X, Y))
    print("the gradient agrees with central differences")
    losses, params = train()
    for step in (0, 10, 100, 500, 1000, 1999):
        print(f"step {step:4d}: loss {losses[step]:.5f}")
    print("exclusive or:", np.round(network(params, X), 2))
    print()
    print(loss.backward_source)


if __name__ == "__main__":
    main()
