"""14. A gate of your own: the forward/backward API.

Two ways to teach the compiler a function.

(a) State the rule. It is ordinary code, *upstream gradient in, downstream gradient out*; the compiler reads
    it and writes it into the backward pass, so the generated source shows it and simplifies it.

(b) Hand over a pair. `forward` returns the result and whatever the way back needs; `backward` receives the
    upstream gradient and the saved values. Both run as they are, so they may call anything: a solver, a
    lookup table, a library written in C.
"""

import numpy as np

from revcompile import gate, grad

# (a) a rule, inlined: a softplus that does not overflow


def softplus(x):
    return np.logaddexp(0, x)


@gate(softplus)
def softplus_rule(grad_y, y, x):
    """The local gradient is a sigmoid, and the output already knows it: 1 - exp(-y)."""
    return grad_y * (1 - np.exp(-y))


@grad
def barrier(x):
    return np.sum(softplus(x))


# (b) a pair, opaque: the root of z + exp(z) = x, found by Newton's method


def root(x):
    z = np.minimum(x, np.log1p(np.maximum(x, 0.0)))
    for _ in range(50):
        z = z - (z + np.exp(z) - x) / (1 + np.exp(z))
    return z


def root_forward(x):
    """The result, and what the way back needs: the slope of the equation at its root."""
    z = root(x)
    return z, 1 + np.exp(z)


@gate(root, forward=root_forward)
def root_backward(grad_z, slope):
    """Implicit function theorem: no need to differentiate the fifty steps."""
    return grad_z / slope


@grad
def distance(x):
    return np.sum((root(x) - 1) ** 2)


X = np.array([-3.0, 0.0, 1.0, 20.0])


def main() -> None:
    print("(a) gradient of softplus:", barrier(X))
    print(barrier.backward_source)
    print("(b) gradient through the root finder:", distance(X))
    print(distance.backward_source)


if __name__ == "__main__":
    main()
