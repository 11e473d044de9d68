"""3. The same neuron on one line: gates may be as large or as small as we like.

Written out, the neuron is a chain of five gates behind the weighted sum: times -1, exp, plus 1, one over.
Each has a local gradient of its own (0.73 * 0.27 appears after some work), but the whole chain is a sigmoid,
and its local gradient is (1 - L) * L: one line in place of four, and nothing to overflow. The compiler
recognises the chain; no one has to name it.
"""

import numpy as np

from revcompile import grad


def neuron(w0, x0, w1, x1, w2):
    return 1 / (1 + np.exp(-(w0 * x0 + w1 * x1 + w2)))


POINT = (2.0, -1.0, -3.0, -2.0, -3.0)

optimized = grad(neuron)
textbook = grad(neuron, optimize=False)


def main() -> None:
    value, gradients = optimized.value_and_grad(*POINT)
    print(f"L = {value:.4f}")
    print("gradients:", ", ".join(f"{g:+.4f}" for g in gradients))
    print()
    print(optimized.backward_source)


if __name__ == "__main__":
    main()
