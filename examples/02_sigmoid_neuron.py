"""2. The sigmoid neuron in seven statements, and its backward pass in ten.

Two inputs, two weights, a bias, and an S-shaped squashing function. `optimize=False` asks for the
textbook form: one gate a statement, read from the bottom of the forward pass to its top, and every line
says *upstream gradient times local gradient*. Compare it with what you would write on paper; then with
the optimised form below it, in which the lines that only rename something are gone.
"""

import numpy as np

from revcompile import grad


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def neuron(w0, x0, w1, x1, w2):
    s0 = w0 * x0
    s1 = w1 * x1
    s2 = s0 + s1
    s3 = s2 + w2
    L = sigmoid(s3)
    return L


POINT = (2.0, -1.0, -3.0, -2.0, -3.0)

textbook = grad(neuron, optimize=False)
optimized = grad(neuron)


def main() -> None:
    value, gradients = optimized.value_and_grad(*POINT)
    print(f"L = {value:.4f}")
    for name, gradient in zip(("w0", "x0", "w1", "x1", "w2"), gradients):
        print(f"dL/d{name} = {gradient:+.4f}")
    print("\n--- the textbook form\n")
    print(textbook.backward_source)
    print("--- what runs\n")
    print(optimized.backward_source)


if __name__ == "__main__":
    main()
