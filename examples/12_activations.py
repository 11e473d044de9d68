"""12. The activation functions, each as people write it.

    sigmoid      1 / (1 + exp(-x)), a helper function
    tanh         np.tanh
    ReLU         np.maximum(0, x)
    leaky ReLU   np.where: a small slope instead of none; and one element at a time
    maxout       the larger of two linear functions
    ELU          np.where on arrays, and a Python `if` on a number

Nothing is registered and nothing is imported from a framework: the rules of the parts are enough.
"""

import numpy as np

from revcompile import grad


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@grad
def sigmoid_sum(x):
    return np.sum(sigmoid(x))


@grad
def tanh_sum(x):
    return np.sum(np.tanh(x))


@grad
def relu_sum(x):
    return np.sum(np.maximum(0, x))


@grad
def leaky_relu_sum(x):
    return np.sum(np.where(x > 0, x, 0.1 * x))


@grad
def maxout(x, w1, b1, w2, b2):
    return np.sum(np.maximum(w1 * x + b1, w2 * x + b2))


@grad
def elu_sum(x):
    return np.sum(np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1))


@grad
def elu(x):
    if x > 0:
        return x
    return np.exp(x) - 1


def leaky_relu(x):
    if x > 0:
        return x
    return 0.1 * x


@grad
def leaky_relu_one_by_one(x):
    """A Python `if` for each element of an array."""
    total = 0.0
    for i in range(len(x)):
        total += leaky_relu(x[i])
    return total


X = np.array([-2.0, -0.5, 0.5, 2.0])


def main() -> None:
    print("x           ", X)
    for gradient in (sigmoid_sum, tanh_sum, relu_sum, leaky_relu_sum, elu_sum):
        print(f"{gradient.__name__:15}", np.round(gradient(X), 4))
    print("leaky, in a loop", np.round(leaky_relu_one_by_one(X), 4))
    print("maxout         ", np.round(maxout(X, 1.0, 0.0, -0.5, 0.25)[0], 4))
    print("elu of one number, a Python if:", elu(-2.0), elu(2.0))
    print()
    for gradient in (sigmoid_sum, leaky_relu_sum, elu):
        print(gradient.backward_source)


if __name__ == "__main__":
    main()
