"""`check_grads`: compiled derivatives against central differences of the user's function.

Imports the transforms, the errors and NumPy: what is checked here are callables.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Sequence
from types import MethodType
from typing import Any

import numpy as np

from revcompile.errors import UnsupportedError, public
from revcompile.frontend.wanted import Argnums, counts_as_wrapped, is_method
from revcompile.ir.identifiers import function_name
from revcompile.transforms.alike import check_structure, check_unchanged, describe
from revcompile.transforms.around import function_around, signature_of
from revcompile.transforms.gradient import grad
from revcompile.transforms.judge import RTOL, Element
from revcompile.transforms.leaves import is_float
from revcompile.transforms.operators import jvp
from revcompile.transforms.positions import name_of, names_of, parameters_of, positions_of, with_defaults
from revcompile.transforms.trees import (
    Object,
    children,
    closed,
    copied,
    floats,
    inside,
    opened,
    paired,
    rebuild,
    replaced,
    walk,
)

Function = Callable[..., Any]
Path = tuple[str, ...]  # modes

MODES = {"rev": "gradient", "fwd": "tangent"}  # what each gives


@public
def check_grads(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    order: int = 1,
    modes: tuple[str, ...] = ("rev",),
    *,
    argnums: Argnums = None,
    eps: float | None = None,
    atol: float | None = None,
    rtol: float | None = None,
) -> None:
    """Compare compiled derivatives of `f` at `args` with central differences, element by element.

    Every real number in `args` is moved: Python's and NumPy's numbers and the elements of arrays, at any
    depth of tuples, named tuples, lists, dicts and objects; whole numbers as reals, unless their gradient
    is None. The slopes are extrapolated from differences at many steps, chosen by the numbers' magnitudes,
    with an estimate of their own error; to the left and to the right apart, so that a kink is seen.

    Structure, shape and dtype of the gradient must be those of its variable, and neither the gradient
    nor `f` may change `args`. A NaN in the gradient is a failure. Silence means that all was compared: what
    cannot be judged (a kink at the point, a slope that drowns in rounding) is said in a warning.

    Of a function that gives arrays, or a structure of them, a randomly weighted sum is checked. In forward
    mode the tangent in the direction of each element is compared; that in a random direction must be the
    sum of these.

    Args:
        f: the user's function, or what `grad` made of it.
        args: the point, a tuple of positional arguments.
        order: 1 checks first derivatives. 2 checks, as well, those of a randomly weighted sum of the
            gradient and of a tangent in a random direction: products with the Hessian; and so on.
        modes: "rev" for gradients, "fwd" for tangents: with both, each order is checked in each mode, of
            what each mode gave before: both of a gradient, and both of a tangent.
        argnums: the differentiated arguments, as in `grad`; all of them by default, or those that
            `f` was made with if it is a gradient already.
        eps: the largest step, relative to each element's magnitude, if the choice is not to be left to us.
        atol: absolute tolerance, in units of the function's value where that exceeds 1.
        rtol: relative tolerance; the estimated error of the slope comes on top of both.

    Raises:
        AssertionError: names the derivative (its modes, from the last to the first), the worst element, its
            analytic and its numeric derivative.
        ValueError: where there is nothing to compare, or nothing can be judged.
        NotImplementedError: for derivatives that cannot be compiled.

    Example:
        >>> import numpy as np
        >>> def energy(x, k):
        ...     return 0.5 * k * np.sum(x**2)
        >>> check_grads(energy, (np.array([1.0, -2.0]), 3.0), order=2, modes=("fwd", "rev"))

    Source: C. J. F. Ridders, "Accurate computation of F'(x) and F'(x) F''(x)", Adv. Eng. Software 4 (1982).
    """
    _check(f, args, order, modes, argnums, eps, atol, rtol)


def _check(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    order: int,
    modes: tuple[str, ...],
    argnums: Argnums,
    eps: float | None,
    atol: float | None,
    rtol: float | None,
) -> None:
    modes = _understood(order, modes)
    for name, number in (("eps", eps), ("atol", atol), ("rtol", rtol)):
        if number is not None and not (0.0 <= number < np.inf and (number > 0.0 or name != "eps")):
            raise ValueError(
                f"{name} must be a {'positive' if name == 'eps' else 'non-negative'} number, not {number!r}"
            )
    if not isinstance(args, tuple):
        raise TypeError(
            f"args must be the tuple of f's arguments, not {type(args).__name__}: write (x,) for one"
        )
    gradient = f if hasattr(f, "primal") else grad(_weighted(f, args), argnums=argnums)
    if argnums is None:
        argnums = getattr(f, "argnums", None)
    args = with_defaults(_primal(gradient), args, argnums)
    if not args:
        raise ValueError(
            "check_grads has nothing to compare: no argument is given; parameters with defaults are "
            "differentiated if argnums= names them"
        )
    _Checker(gradient, args, argnums, eps, atol, rtol).check(modes, order)


def _understood(order: int, modes: str | tuple[str, ...]) -> tuple[str, ...]:
    """The modes; raises ValueError for a request that means nothing."""
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"order must be 1 or more, not {order!r}")
    modes = (modes,) if isinstance(modes, str) else tuple(modes)
    for mode in modes:
        if mode not in MODES:
            raise ValueError(f"check_grads: unknown mode {mode!r}; there are {', '.join(map(repr, MODES))}")
    return modes


def _weighted(f: Callable[..., Any], args: tuple[Any, ...]) -> Callable[..., Any]:
    """A function that gives one number: `f`, or the sum, with random weights, of what it gives."""
    value = f(*closed(copied(opened(args))))
    leaves = [leaf for _, leaf in walk(value, "")]
    if not any(map(is_float, leaves)) or (children(value) is None and np.ndim(value) == 0):
        return f
    is_one = children(value) is None and np.size(value) == 1
    random = np.random.default_rng(0).standard_normal
    leaves = [leaf for leaf in leaves if leaf is not None]
    weights = [1.0 if is_one else random(np.shape(leaf)) if is_float(leaf) else None for leaf in leaves]
    made = function_around(
        lambda *args, **kw: weighed(weights, f(*args, **kw)), signature_of(f), function_name(f)
    )
    made.__name__ = name_of(f)
    return made


def weighed(weights: Sequence[Any], tree: Any) -> Any:
    """The weighted sum of what stands in a tree. (It is compiled.)"""
    total = 0.0
    for weight, leaf in zip(weights, floats(tree)):
        if weight is not None:
            total = total + np.sum(weight * leaf)
    return total


class _Checker:
    """One point, one gradient function, and what it is held against."""

    def __init__(
        self,
        gradient: Callable[..., Any],
        args: tuple[Any, ...],
        argnums: Argnums,
        eps: float | None,
        atol: float | None,
        rtol: float | None,
    ) -> None:
        self.gradient = gradient
        self.primal = _primal(gradient)
        self.has_aux: bool = getattr(gradient, "has_aux", False)
        self.valued: bool = getattr(gradient, "value_and_grad", None) is gradient
        self.args = opened(args)
        self.eps, self.atol, self.rtol = eps, atol, rtol
        self.height = 0.0  # of the function at the point
        self.names = names_of(self.primal, len(args))
        signature = getattr(gradient, "__signature__", None)
        parameters = list(signature.parameters.values()) if signature else parameters_of(self.primal)
        variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        self.positions = positions_of(argnums, self.names)
        if (
            argnums is None
            and parameters
            and is_method(getattr(self.primal, "__qualname__", ""), inspect.Signature(parameters[:1]))
        ):
            self.positions = self.positions[1:]
        variadic = variadic and not counts_as_wrapped(self.primal)
        alone = argnums is None and len(self.positions) == 1 and not variadic
        self.bare = isinstance(argnums, int | str) or alone
        leaves = [leaf for _, leaf in walk(self.args, "") if is_float(leaf)]
        # the coarsest argument decides: whatever meets it is rounded to its precision
        self.dtype = min(
            (np.asarray(leaf).dtype for leaf in leaves), default=np.dtype(float), key=lambda d: d.itemsize
        )

    def check(self, modes: Path, order: int) -> None:
        """First derivatives in each mode, and those of these, up to some order."""
        value = self.value(*copied(self.args))
        if not np.isfinite(value):
            raise AssertionError(
                f"{name_of(self.primal)} is {value} at this point: there is nothing to compare with"
            )
        if (order > 1 or "fwd" in modes) and any(isinstance(tree, Object) for tree in inside(self.args)):
            raise NotImplementedError("check_grads: mode 'fwd' and order=2 do not take objects apart")
        self.height = abs(value)
        primal, gradient, at = self.primal, self.gradient, int(self.valued)
        f = (lambda *args: primal(*args)[0]) if self.has_aux else primal
        alone = (lambda *args: gradient(*args)[at]) if self.valued or self.has_aux else gradient
        for mode in modes:
            found = self.first_gradients() if mode == "rev" else self.derivatives(f, (mode,))
            self.compare(found, self.value, value, (mode,))
            if order > 1:
                self.check_again(self.projected(f, alone, (mode,)), (mode,), modes, order - 1)

    def check_again(self, f: Function, path: Path, modes: Path, order: int) -> None:
        """The derivatives of `f`, which is one itself: by the modes of `path`, the last one first."""

        def value(*args: Any) -> float:
            return _scalar(f(*args))

        for mode in modes:
            above = (mode, *path)
            found = self.derivatives(f, above)
            self.compare(found, value, value(*copied(self.args)), above)
            if order > 1:
                self.check_again(self.projected(f, grad(f), above), above, modes, order - 1)

    def projected(
        self, f: Callable[..., Any], gradient: Callable[..., Any], path: Path
    ) -> Callable[..., Any]:
        """The tangent of `f` in a random direction, or the sum of its gradients with random weights."""
        if path[0] == "fwd":
            directions = self.directions(np.random.default_rng(len(path)).standard_normal)
            return lambda *args: jvp(f, args, directions)[1]
        random = np.random.default_rng(len(path)).standard_normal
        weights = [random(np.shape(leaf)) for leaf in floats(gradient(*copied(self.args)))]
        return lambda *args: weighed(weights, gradient(*args))

    def derivatives(self, f: Function, path: Path) -> tuple[Any, ...]:
        """The gradients of `f`, or trees of its tangents in the direction of each element."""
        try:
            if path[0] == "fwd":
                return self.tangents(f, path)
            gradients = grad(f)(*copied(self.args))
            return tuple(gradients[k] for k in self.positions)
        except UnsupportedError as error:
            what = " of a ".join(MODES[mode] for mode in path)
            raise NotImplementedError(
                f"check_grads: order={len(path)} needs the {what}, which cannot be compiled here:\n{error}"
            ) from error

    def tangents(self, f: Function, path: Path) -> tuple[Any, ...]:
        """The trees of the tangents; that in a random direction must be the sum of them."""
        moved = jvp(f)

        def tangent(directions: tuple[Any, ...]) -> float:
            return _scalar(moved(copied(self.args), copied(directions))[1])

        still = self.directions(lambda shape: np.zeros(shape))
        found = list(still)
        for k in self.positions:
            for place, leaf in walk(still[k], self.names[k]):
                for index in np.ndindex(np.shape(leaf)) if leaf is not None else ():
                    seed = replaced(still[k], self.names[k], place, index, 1.0)
                    slope = tangent((*still[:k], seed, *still[k + 1 :]))
                    found[k] = replaced(found[k], self.names[k], place, index, slope)
        random = self.directions(np.random.default_rng(len(path)).standard_normal)
        terms = [a * b for a, b in zip(floats(random), floats(tuple(found)))]
        total, expected = tangent(random), float(sum(np.sum(term) for term in terms))
        size = float(sum(np.sum(np.abs(term)) for term in terms))
        rounding = 10.0 * float(np.finfo(self.dtype).eps) * self.height
        if abs(total - expected) > RTOL[self.dtype.itemsize] * size + rounding:
            raise AssertionError(
                f"wrong {self.what(path)}: it is not linear in the direction. In a random one it is "
                f"{total!r}; the sum of those in the directions of the elements is {expected!r}"
            )
        return tuple(found[k] for k in self.positions)

    def directions(self, numbers: Callable[[Any], Any]) -> tuple[Any, ...]:
        """Trees of such numbers, each like an argument that is differentiated; None for what is no float."""

        def direction(tree: Any) -> Any:
            inner = children(tree)
            if inner is not None:
                return rebuild(tree, [direction(child) for _, child in inner])
            if not is_float(tree):
                return None
            made = numbers(np.shape(tree))
            return np.asarray(made, tree.dtype) if isinstance(tree, np.ndarray) else type(tree)(made)

        return tuple(direction(tree) if k in self.positions else None for k, tree in enumerate(self.args))

    def first_gradients(self) -> tuple[Any, ...]:
        """The gradients that are checked, opened; the call must leave the arguments as they are."""
        given = closed(copied(self.args))
        gradients = self.gradients(*given)
        for k, name in enumerate(self.names):
            check_unchanged(given[k], self.args[k], name, "the gradient call changed its argument")
        return tuple(opened(gradients))

    def what(self, path: Path) -> str:
        """What is compared: the derivatives by these modes, the last one first."""
        return f"{' of a '.join(MODES[mode] for mode in path)} of {name_of(self.primal)}"

    def value(self, *args: Any) -> float:
        """The function's value as one Python float."""
        result = self.primal(*closed(args))
        result = result[0] if self.has_aux else result
        number = _scalar(result)
        dtype = np.asarray(result).dtype
        if dtype.kind == "f" and dtype.itemsize < self.dtype.itemsize:
            self.dtype = dtype
        return number

    def gradients(self, *args: Any) -> tuple[Any, ...]:
        """The gradients, always a tuple, one for each position that is differentiated."""
        result = self.gradient(*args)
        if self.valued:
            result = result[1]
        elif self.has_aux:
            result = result[0]
        if self.bare:
            return (result,)
        if not isinstance(result, tuple) or len(result) != len(self.positions):
            raise AssertionError(
                f"the gradient of {name_of(self.primal)} must be a tuple of {len(self.positions)}, "
                f"one for each differentiated argument, not {describe(result)}"
            )
        return result

    def compare(
        self, gradients: tuple[Any, ...], function: Callable[..., float], value: float, modes: Path
    ) -> None:
        """Raise for the worst element, if any is out of tolerance; warn of what cannot be judged."""
        for position, gradient in zip(self.positions, gradients):
            check_structure(self.args[position], gradient, self.names[position])
        worst: tuple[float, str] = (1.0, "")
        wrong = total = 0
        doubtful: list[str] = []
        for position, gradient in zip(self.positions, gradients):
            for path, leaf, analytic in paired(self.args[position], gradient, self.names[position]):
                for index in np.ndindex(np.shape(leaf)):
                    total += 1
                    element = Element(self, function, position, path, leaf, index, value)
                    excess, text = element.judge(float(np.asarray(analytic)[index]))
                    wrong += excess > 1.0
                    worst = max(worst, (excess, text), key=lambda pair: pair[0])
                    if np.isnan(excess):
                        doubtful.append(text)
        if wrong:
            raise AssertionError(
                f"wrong {self.what(modes)}: {wrong} of {total} elements; the worst:\n{worst[1]}"
            )
        if not total:
            kinds = ", ".join(f"{self.names[k]} is {describe(self.args[k])}" for k in self.positions)
            raise ValueError(
                f"check_grads has nothing to compare: no number of a gradient ({kinds or 'argnums is empty'})"
            )
        if doubtful:
            text = f"{len(doubtful)} of {total} elements of the {self.what(modes)}"
            text = f"{text} cannot be judged; the first:\n{doubtful[0]}"
            if len(doubtful) == total:
                raise ValueError(text)
            warnings.warn(text, stacklevel=_depth_of_user())


def _depth_of_user() -> int:
    """How many frames above the caller of this the program is."""
    frame, depth = inspect.currentframe(), 0
    while frame is not None and frame.f_globals.get("__name__", "").startswith("revcompile."):
        frame, depth = frame.f_back, depth + 1
    return depth


def _primal(gradient: Any) -> Callable[..., Any]:
    """The user's function behind a gradient, bound to the same object where it is a method."""
    primal = gradient.primal
    if isinstance(gradient, MethodType) and not isinstance(primal, MethodType):
        return MethodType(primal, gradient.__self__)
    return primal


def _scalar(value: Any) -> float:
    if children(value) is not None or np.size(value) != 1:
        raise AssertionError(f"the function must return one number, not {describe(value)}")
    return float(np.asarray(value).reshape(()))
