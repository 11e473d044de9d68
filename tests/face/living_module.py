"""Functions of a module for the tests of pickling and of live names. Imports the public face."""

import numpy as np

from revcompile import (
    elementwise_grad,
    grad,
    hessian,
    hvp,
    jacobian,
    jacrev,
    jvp,
    linearize,
    value_and_grad,
    value_and_jacobian,
    vjp,
)

scale = 2.0


def plain(x, y=2.0):
    return scale * x * y


@grad
def decorated(x):
    return x * x * x


gradient = grad(plain)
again = grad(plain)
both = value_and_grad(plain, argnums=(0, 1))
second = grad(plain, "y")


class Model:
    """Methods of every kind."""

    rate = 3.0

    def __init__(self, k):
        self.k = k

    def loss(self, x):
        return self.k * x * x

    @grad
    def slope(self, x):
        return self.k * x * x

    @staticmethod
    @grad
    def inside(x):
        return x * x

    @grad
    @staticmethod
    def outside(x):
        return x * x

    @classmethod
    def of_class(cls, x):
        return cls.rate * x * x

    @grad
    @classmethod
    def slope_of_class(cls, x):
        return cls.rate * x * x


def array_helper(x):
    return np.sum(x * x)


def layer(x, w):
    """A layer."""
    return np.tanh(w * x)


@jvp
def moved(x):
    return x * x * x


along = jvp(layer)
pulled = vjp(layer, argnums=0)
matrix = jacobian(layer, argnums=1)
rows = jacrev(layer, "x", has_aux=False)
valued = value_and_jacobian(plain)
curved = hessian(plain)
product = hvp(plain)
each = elementwise_grad(layer, optimize=False)
line = linearize(layer)
