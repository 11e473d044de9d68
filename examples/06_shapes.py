"""6. Three kinds of derivative: a number, a vector, a matrix.

    scalar -> scalar    the derivative, a number: how much does y change when x does?
    vector -> scalar    the gradient, one number for each element of x
    vector -> vector    the Jacobian, one number for each pair of elements

A loss is one number, so training a network only ever needs the first two. The Jacobian of a small
function is built here from gradients, one for each output: in the layout of the lecture it is (n, m) for n
inputs and m outputs, so each output's gradient is a column.
"""

import numpy as np

from revcompile import grad


@grad
def cube(x):
    return x**3


@grad
def length(x):
    return np.sqrt(np.sum(x**2))


def polar(p):
    """Radius and angle -> the two coordinates, a vector -> vector function."""
    r, angle = p[0], p[1]
    return np.stack([r * np.cos(angle), r * np.sin(angle)])


@grad(argnums=0)
def polar_output(p, k):
    return polar(p)[k]


def jacobian_of_polar(p):
    """Entry (i, j): how output j changes with input i."""
    return np.stack([polar_output(p, k) for k in range(2)], axis=1)


def main() -> None:
    print("scalar -> scalar: d(x^3)/dx at 2 is", cube(2.0))
    print("vector -> scalar: d|x|/dx at (3, 4) is", length(np.array([3.0, 4.0])))
    print("vector -> vector: polar coordinates at radius 2, angle 30 degrees have the Jacobian")
    print(jacobian_of_polar(np.array([2.0, np.pi / 6])))
    print()
    print(length.backward_source)


if __name__ == "__main__":
    main()
