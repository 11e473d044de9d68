"""autograd's names for these operators: a program that uses autograd runs if its imports are swapped.

    from revcompile.autograd import grad, hessian_vector_product        # autograd
    import revcompile.autograd.numpy as np                              # autograd.numpy

The conventions are autograd's: what is differentiated is the first argument, or those of the positions
`argnum`; results come in its order. `numpy` is NumPy itself, whose functions the compiler knows. Of what
autograd has, complex derivatives and its tracer (boxes, nodes, vector spaces) are missing.
Imports the operators.

>>> from revcompile.autograd import make_jvp, make_vjp
>>> pullback, value = make_vjp(lambda x: x**2)(3.0)
>>> value, pullback(1.0), make_jvp(lambda x: x**2)(3.0)(1.0)
(9.0, 6.0, (9.0, 6.0))
"""

from __future__ import annotations

import builtins
import inspect
import sys
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from types import ModuleType
from typing import Any

import numpy

from revcompile import autograd_misc
from revcompile.gates.effects import stop_gradient as notrace_primitive
from revcompile.transforms import check, gradient, operators, register
from revcompile.transforms.around import function_of, signature_of

Function = Callable[..., Any]
Argnum = int | Sequence[int]

__all__ = [
    "builtins", "check_grads", "checkpoint", "defjvp", "defvjp", "deriv", "egrad", "elementwise_grad", "grad",
    "grad_and_aux", "grad_named", "hessian", "hessian_tensor_product", "hessian_vector_product", "jacobian",
    "make_ggnvp", "make_hvp", "make_jvp", "make_jvp_reversemode", "make_vjp", "multigrad_dict",
    "notrace_primitive", "numpy", "primitive", "tensor_jacobian_product", "value_and_grad",
    "vector_jacobian_product",
]  # fmt: skip


def _argnums(argnum: Argnum) -> Any:
    return argnum if isinstance(argnum, int) else tuple(argnum)


# -- autograd.differential_operators ---------------------------------------------------------------


def grad(fun: Function, argnum: Argnum = 0) -> Any:
    """The gradient of a function that gives one number."""
    return gradient.grad(fun, _argnums(argnum))


def value_and_grad(fun: Function, argnum: Argnum = 0) -> Any:
    """`(value, gradient)`."""
    return gradient.value_and_grad(fun, _argnums(argnum))


def grad_and_aux(fun: Function, argnum: Argnum = 0) -> Any:
    """`(gradient, aux)` of a function that gives `(value, aux)`."""
    return gradient.grad(fun, _argnums(argnum), has_aux=True)


def grad_named(fun: Function, argname: str) -> Any:
    """The gradient by the argument of that name."""
    return gradient.grad(fun, argname)


def elementwise_grad(fun: Function, argnum: Argnum = 0) -> Any:
    """The sum of each column of the Jacobian: its diagonal, if it is diagonal."""
    return operators.elementwise_grad(fun, _argnums(argnum))


egrad = elementwise_grad


def deriv(fun: Function, argnum: int = 0) -> Any:
    """The derivative in the direction of ones, in forward mode."""

    def derivative(*args: Any) -> Any:
        return make_jvp(fun, argnum)(*args)(numpy.ones_like(args[argnum], dtype=float)[()])[1]

    return derivative


def jacobian(fun: Function, argnum: Argnum = 0) -> Any:
    """The Jacobian: the shape of the result followed by that of the argument."""
    return operators.jacobian(fun, _argnums(argnum))


def hessian(fun: Function, argnum: Argnum = 0) -> Any:
    """The Jacobian of the Jacobian, also of a function that gives an array."""
    return operators.jacfwd(operators.jacrev(fun, _argnums(argnum)), _argnums(argnum))


def make_vjp(fun: Function, argnum: Argnum = 0) -> Any:
    """`make_vjp(fun)(*args)` gives `(pullback, value)`."""
    both = operators.vjp(fun, argnums=_argnums(argnum))

    def vjp(*args: Any, **kwargs: Any) -> Any:
        value, pullback = both(*args, **kwargs)
        return pullback, value

    return vjp


def make_jvp(fun: Function, argnum: Argnum = 0) -> Any:
    """`make_jvp(fun)(*args)` gives a function of a tangent: `(value, tangent)`."""
    moved = operators.jvp(fun)

    def jvp(*args: Any, **kwargs: Any) -> Any:
        along = operators.jvp(partial(fun, **kwargs)) if kwargs else moved

        def at(tangent: Any) -> Any:
            given = {argnum: tangent} if isinstance(argnum, int) else dict(zip(argnum, tangent))
            places = {k % len(args): t for k, t in given.items()}
            return along(args, tuple(places.get(k) for k in range(len(args))))

        return at

    return jvp


def make_jvp_reversemode(fun: Function, argnum: Argnum = 0) -> Any:
    """`make_jvp_reversemode(fun)(*args)` gives a function of a tangent: the tangent of the value."""

    def jvp(*args: Any, **kwargs: Any) -> Any:
        at = make_jvp(fun, argnum)(*args, **kwargs)
        return lambda tangent: at(tangent)[1]

    return jvp


def make_hvp(fun: Function, argnum: Argnum = 0) -> Any:
    """`make_hvp(fun)(*args)` gives `(product, gradient)`: `product(vector)` is that with the Hessian."""
    product, slope = operators.hvp(fun, _argnums(argnum)), grad(fun, argnum)

    def hvp(*args: Any, **kwargs: Any) -> Any:
        return (lambda vector: product(*args, vector, **kwargs)), slope(*args, **kwargs)

    return hvp


def hessian_tensor_product(fun: Function, argnum: Argnum = 0) -> Any:
    """A function of the arguments and of a tensor after them: the product of the Hessian with that."""
    return operators.hvp(fun, _argnums(argnum))


hessian_vector_product = hessian_tensor_product


def tensor_jacobian_product(fun: Function, argnum: Argnum = 0) -> Any:
    """A function of the arguments and of a tensor after them: the product of that with the Jacobian."""
    pulled, matrix = operators.vjp(fun, argnums=_argnums(argnum)), jacobian(fun, argnum)

    def product(*given: Any, **kwargs: Any) -> Any:
        *args, tensor = given
        value, pullback = pulled(*args, **kwargs)
        if numpy.shape(value) == numpy.shape(tensor):
            return pullback(tensor)
        return numpy.tensordot(tensor, matrix(*args, **kwargs), numpy.ndim(tensor))

    return product


vector_jacobian_product = tensor_jacobian_product


def _half_of_squares(x: Any) -> Any:
    return 1.0 / 2 * numpy.sum(x**2, axis=-1)


def make_ggnvp(f: Function, g: Function = _half_of_squares, f_argnum: int = 0) -> Any:
    """`make_ggnvp(f, g)(*args)` gives the product of a vector with the Gauss-Newton matrix of g(f(x))."""
    pulled, moved, product = make_vjp(f, f_argnum), make_jvp(f, f_argnum), operators.hvp(g)

    def ggnvp(*args: Any, **kwargs: Any) -> Any:
        pullback, value = pulled(*args, **kwargs)
        along = moved(*args, **kwargs)
        return lambda vector: pullback(product(value, along(vector)[1]))

    return ggnvp


def multigrad_dict(fun: Function) -> Any:
    """A function that gives the gradients by all arguments, in an ordered dict by their names."""
    signature = inspect.signature(fun)
    kinds = {name: int(p.kind) for name, p in signature.parameters.items()}

    def of_dict(given: dict[str, Any]) -> Any:
        plain = [given[n] for n, kind in kinds.items() if kind < _KIND.VAR_POSITIONAL]
        rest = [x for n, kind in kinds.items() if kind == _KIND.VAR_POSITIONAL for x in given[n]]
        named = {n: given[n] for n, kind in kinds.items() if kind == _KIND.KEYWORD_ONLY}
        more = [given[n] for n, kind in kinds.items() if kind == _KIND.VAR_KEYWORD]
        return fun(*plain, *rest, **named, **more[0]) if more else fun(*plain, *rest, **named)

    gradients = gradient.grad(of_dict)

    def gradfun(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return OrderedDict(gradients(builtins.dict(bound.arguments)))

    return gradfun


_KIND = inspect.Parameter

checkpoint = operators.checkpoint

# -- autograd.test_util, autograd.extend -----------------------------------------------------------


def check_grads(
    f: Function, argnum: Argnum = 0, modes: Sequence[str] = ("fwd", "rev"), order: int = 2
) -> Any:
    """`check_grads(f, modes=..., order=...)(*args)` compares derivatives with differences."""

    def checked(*args: Any, **kwargs: Any) -> None:
        function = partial(f, **kwargs) if kwargs else f
        check.check_grads(function, args, order, tuple(modes), argnums=_argnums(argnum))

    return checked


def primitive(fun: Function) -> Function:
    """A function that is called as it is, by the rules that `defvjp` and `defjvp` give."""
    _rules(fun)
    return fun


def _rules(fun: Any) -> dict[str, dict[int, Any]]:
    found: dict[str, dict[int, Any]] = fun.__dict__.setdefault("__primitive__", {"vjp": {}, "jvp": {}})
    return found


def defvjp(fun: Function, *makers: Function | None, argnums: Sequence[int] | None = None) -> None:
    """Rules of reverse mode. A maker gives, of the result and the arguments, what is done with a gradient."""
    _rules(fun)["vjp"].update(zip(argnums or range(len(makers)), makers))
    _register(fun)


def defjvp(fun: Function, *makers: Function | str | None, argnums: Sequence[int] | None = None) -> None:
    """Rules of forward mode. A maker gives, of `(g, result, *args)`, the tangent of the result; "same" is
    the result of g in place of the argument."""
    _rules(fun)["jvp"].update(zip(argnums or range(len(makers)), makers))
    _register(fun)


def _register(fun: Function) -> None:
    """Register the gate of a primitive: what the compiler reads are calls of the makers."""
    rules, signature = _rules(fun), signature_of(fun)
    names = builtins.list(signature.parameters)
    args = ", ".join(names)
    given = _KIND("grad_y", _KIND.POSITIONAL_ONLY), _KIND("y", _KIND.POSITIONAL_ONLY)
    made = {f"vjp_{k}": maker for k, maker in rules["vjp"].items() if maker is not None}
    terms = [f"vjp_{k}(y, {args})(grad_y)" if f"vjp_{k}" in made else "None" for k in range(len(names))]
    if not rules["vjp"]:
        made, terms = {"missing": _missing}, ["missing()"] * len(names)
    own = signature.replace(parameters=[*given, *signature.parameters.values()])
    backward = function_of(f"({', '.join(terms)},)", "vjp", made, own, fun)
    tangent = _tangent(fun, rules["jvp"], names, signature) if rules["jvp"] else None
    register.gate(fun, tangent=tangent)(backward)


def _missing() -> Any:
    raise NotImplementedError("there is no defvjp of it")


def _tangent(
    fun: Function, makers: dict[int, Any], names: list[str], signature: inspect.Signature
) -> Function:
    """The tangent rule of a primitive: the sum of what the makers give."""
    made: dict[str, Any] = {"fun": fun, **{f"jvp_{k}": maker for k, maker in makers.items()}}
    terms, tangents = [], []
    for k, maker in makers.items():
        if maker is not None:
            tangents.append(_KIND(f"tangent_{names[k]}", _KIND.POSITIONAL_ONLY))
            args = ", ".join(f"tangent_{n}" if i == k else n for i, n in enumerate(names))
            by_maker = f"jvp_{k}(tangent_{names[k]}, y, {', '.join(names)})"
            terms.append(f"fun({args})" if maker == "same" else by_maker)
    own = [*tangents, _KIND("y", _KIND.POSITIONAL_ONLY), *signature.parameters.values()]
    return function_of(" + ".join(terms), "jvp", made, signature.replace(parameters=own), fun)


# -- its modules -----------------------------------------------------------------------------------


def __getattr__(name: str) -> Any:
    if name in ("dict", "isinstance", "list", "tuple", "type"):  # autograd has its own
        return getattr(builtins, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _scipy() -> dict[str, ModuleType]:
    """SciPy and its special functions, where it is installed."""
    try:
        import scipy.special
    except ImportError:
        return {}
    return {"scipy": scipy, "scipy.special": scipy.special}


for _name, _module in {
    "numpy": numpy,
    "numpy.linalg": numpy.linalg,
    "numpy.fft": numpy.fft,
    "numpy.random": numpy.random,
    **_scipy(),
    "builtins": builtins,
    "differential_operators": sys.modules[__name__],
    "test_util": sys.modules[__name__],
    "extend": sys.modules[__name__],
    **dict.fromkeys(("misc", "misc.flatten", "misc.optimizers"), autograd_misc),
}.items():
    sys.modules[f"{__name__}.{_name}"] = _module
differential_operators = test_util = extend = sys.modules[__name__]
misc = autograd_misc
