"""revcompile: the gradient of Python/NumPy code, as readable Python source.

`grad` reads a function's source, differentiates it in reverse mode and compiles plain code: a forward
pass and a backward pass, without any graph or tape at run time.

>>> from revcompile import grad
>>> @grad
... def f(x, y, z):
...     return (x + y) * z
>>> f(-2.0, 5.0, -4.0)
(-4.0, -4.0, 3.0)
"""

from revcompile.errors import InternalError, UnsupportedError
from revcompile.transforms.check import check_grads
from revcompile.transforms.gradient import grad, value_and_grad
from revcompile.transforms.operators import (
    checkpoint,
    elementwise_grad,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    jvp,
    linearize,
    value_and_jacobian,
    vjp,
)
from revcompile.transforms.register import gate, on_gradient, stop_gradient

__all__ = [
    "InternalError",
    "UnsupportedError",
    "check_grads",
    "checkpoint",
    "elementwise_grad",
    "gate",
    "grad",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "linearize",
    "on_gradient",
    "stop_gradient",
    "value_and_grad",
    "value_and_jacobian",
    "vjp",
]
__version__ = "0.1.0"
