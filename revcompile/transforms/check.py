"""`check_grads`: a compiled gradient against central differences of the user's function.

Imports the gradient transform, the errors and NumPy: what is checked here is a callable.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from types import MethodType
from typing import Any

import numpy as np

from revcompile.errors import UnsupportedError, public
from revcompile.frontend.wanted import counts_as_wrapped, is_method
from revcompile.transforms.alike import check_structure, check_unchanged, describe, is_float, is_number
from revcompile.transforms.differences import Slope, slope_of, value_of
from revcompile.transforms.gradient import Argnums, grad
from revcompile.transforms.trees import (
    Object,
    children,
    closed,
    copied,
    opened,
    rebuild,
    walk,
    widened,
)

_RTOL: dict[int, float] = {2: 5e-2, 4: 5e-3, 8: 1e-6, 16: 1e-6}  # by the bytes of a float
_DOUBT = 5.0  # how many times its estimated error the slope may be off


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
    """Compare the compiled gradient of `f` at `args` with central differences, element by element.

    Every real number in `args` is moved: Python's and NumPy's numbers and the elements of arrays, at any
    depth of tuples, named tuples, lists, dicts and objects; whole numbers as reals, unless their gradient
    is None. The slopes are extrapolated from differences at many steps, chosen by the numbers' magnitudes,
    with an estimate of their own error; to the left and to the right apart, so that a kink is seen.

    Structure, shape and dtype of the gradient must be those of its variable, and neither the gradient
    nor `f` may change `args`. A NaN in the gradient is a failure. Silence means that all was compared: what
    cannot be judged (a kink at the point, a slope that drowns in rounding) is said in a warning.

    Args:
        f: the user's function, or what `grad` made of it.
        args: the point, a tuple of positional arguments.
        order: 1 checks the gradient. 2 checks, as well, the gradient of a randomly weighted sum of
            the gradient, that is, one product with the Hessian.
        modes: `("rev",)`; forward mode is not available yet.
        argnums: the differentiated arguments, as in `grad`; all of them by default, or those that
            `f` was made with if it is a gradient already.
        eps: the largest step, relative to each element's magnitude, if the choice is not to be left to us.
        atol: absolute tolerance, in units of the function's value where that exceeds 1.
        rtol: relative tolerance; the estimated error of the slope comes on top of both.

    Raises:
        AssertionError: names the worst element, its analytic and its numeric derivative.
        ValueError: where there is nothing to compare, or nothing can be judged.
        NotImplementedError: for a mode or an order that is not available.

    Example:
        >>> import numpy as np
        >>> def energy(x, k):
        ...     return 0.5 * k * np.sum(x**2)
        >>> check_grads(energy, (np.array([1.0, -2.0]), 3.0))

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
    _refuse(order, modes)
    for name, number in (("eps", eps), ("atol", atol), ("rtol", rtol)):
        if number is not None and not (0.0 <= number < np.inf and (number > 0.0 or name != "eps")):
            raise ValueError(
                f"{name} must be a {'positive' if name == 'eps' else 'non-negative'} number, not {number!r}"
            )
    if not isinstance(args, tuple):
        raise TypeError(
            f"args must be the tuple of f's arguments, not {type(args).__name__}: write (x,) for one"
        )
    gradient = f if hasattr(f, "primal") else grad(f, argnums=argnums)
    if argnums is None:
        argnums = getattr(f, "argnums", None)
    args = _with_defaults(_primal(gradient), args, argnums)
    if not args:
        raise ValueError(
            "check_grads has nothing to compare: no argument is given; parameters with defaults are "
            "differentiated if argnums= names them"
        )
    checker = _Checker(gradient, args, argnums, eps, atol, rtol)
    checker.first_order()
    if order == 2:
        checker.second_order()


def _refuse(order: int, modes: tuple[str, ...]) -> None:
    """Answer a request that cannot be met before any work is done."""
    if order not in (1, 2):
        raise ValueError(f"order must be 1 or 2, not {order!r}")
    for mode in (modes,) if isinstance(modes, str) else modes:
        if mode == "fwd":
            raise NotImplementedError("check_grads: mode 'fwd' is not available yet; use modes=('rev',)")
        if mode != "rev":
            raise ValueError(f"check_grads: unknown mode {mode!r}; use modes=('rev',)")


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
        self.names = _names(self.primal, len(args))
        signature = getattr(gradient, "__signature__", None)
        parameters = list(signature.parameters.values()) if signature else _parameters(self.primal)
        variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        self.positions = _positions(argnums, self.names)
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

    def first_order(self) -> None:
        """The gradient itself, against differences of the primal."""
        value = self.value(*copied(self.args))
        if not np.isfinite(value):
            raise AssertionError(
                f"{_name(self.primal)} is {value} at this point: there is nothing to compare with"
            )
        given = closed(copied(self.args))
        gradients = self.gradients(*given)
        for k, name in enumerate(self.names):
            check_unchanged(given[k], self.args[k], name, "the gradient call changed its argument")
        self.compare(opened(gradients), self.value, value)

    def second_order(self) -> None:
        """The gradient of a randomly weighted sum of the gradient, against differences of that sum."""
        if any(isinstance(tree, Object) for tree in _inside(self.args)):
            raise NotImplementedError("check_grads: order=2 does not take objects apart")
        weights = [
            np.random.default_rng(k).standard_normal(np.shape(leaf))
            for k, leaf in enumerate(_floats(self.gradients(*copied(self.args))))
        ]
        gradient, valued, has_aux = self.gradient, self.valued, self.has_aux

        def projected(*args: Any) -> Any:
            result = gradient(*args)
            if valued:
                result = result[1]
            elif has_aux:
                result = result[0]
            total = 0.0
            for weight, leaf in zip(weights, _floats(result)):
                total = total + np.sum(weight * leaf)
            return total

        try:
            second = grad(projected)(*copied(self.args))
        except UnsupportedError as error:
            raise NotImplementedError(
                "check_grads: order=2 needs the gradient of a gradient, which cannot be compiled here:\n"
                f"{error}"
            ) from error

        def value(*args: Any) -> float:
            return float(projected(*args))

        self.compare(tuple(second[k] for k in self.positions), value, value(*copied(self.args)))

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
                f"the gradient of {_name(self.primal)} must be a tuple of {len(self.positions)}, "
                f"one for each differentiated argument, not {describe(result)}"
            )
        return result

    def compare(self, gradients: tuple[Any, ...], function: Callable[..., float], value: float) -> None:
        """Raise for the worst element, if any is out of tolerance; warn of what cannot be judged."""
        for position, gradient in zip(self.positions, gradients):
            check_structure(self.args[position], gradient, self.names[position])
        worst: tuple[float, str] = (1.0, "")
        wrong = total = 0
        doubtful: list[str] = []
        for position, gradient in zip(self.positions, gradients):
            for path, leaf, analytic in _pair(self.args[position], gradient, self.names[position]):
                for index in np.ndindex(np.shape(leaf)):
                    total += 1
                    element = _Element(self, function, position, path, leaf, index, value)
                    excess, text = element.judge(float(np.asarray(analytic)[index]))
                    wrong += excess > 1.0
                    worst = max(worst, (excess, text), key=lambda pair: pair[0])
                    if np.isnan(excess):
                        doubtful.append(text)
        if wrong:
            raise AssertionError(
                f"wrong gradient of {_name(self.primal)}: {wrong} of {total} elements; the worst:\n{worst[1]}"
            )
        if not total:
            kinds = ", ".join(f"{self.names[k]} is {describe(self.args[k])}" for k in self.positions)
            raise ValueError(
                f"check_grads has nothing to compare: no number of a gradient ({kinds or 'argnums is empty'})"
            )
        if doubtful:
            text = f"{len(doubtful)} of {total} elements of the gradient of {_name(self.primal)}"
            text = f"{text} cannot be judged; the first:\n{doubtful[0]}"
            if len(doubtful) == total:
                raise ValueError(text)
            warnings.warn(text, stacklevel=_depth_of_user())


class _Element:
    """One element of one argument: its slope."""

    def __init__(
        self,
        checker: _Checker,
        function: Callable[..., float],
        position: int,
        path: str,
        leaf: Any,
        index: tuple[int, ...],
        value: float,
    ) -> None:
        self.checker, self.function, self.position, self.path = checker, function, position, path
        self.leaf, self.index, self.value = leaf, index, value
        x = np.asarray(leaf)[index]
        self.x = x if x.dtype.kind == "f" else np.float64(x)
        self.where = path + (f"[{', '.join(map(str, index))}]" if index else "")

    def judge(self, analytic: float) -> tuple[float, str]:
        """How many tolerances apart the derivatives are, NaN where that cannot be told; and the report."""
        checker = self.checker
        if not is_float(self.leaf):
            moved = value_of(self._at(checker.args), self.x)
            if not np.isclose(moved, self.value, rtol=1e-6, atol=0.0, equal_nan=True):
                return self._report(
                    np.nan, analytic, np.nan, f"as the real number {float(self.x)!r} it gives {moved!r}"
                )
        slope = self._slope(checker.args, self.x, checker.dtype)
        if checker.dtype.itemsize < 8 and (slope.kink or not slope.is_sure):
            wide = widened(checker.args)
            exact = self._slope(wide, np.float64(self.x), np.dtype(float))
            slope = exact if exact.error < slope.error else slope
        rtol = _RTOL[checker.dtype.itemsize] if checker.rtol is None else checker.rtol
        if checker.atol is None:
            atol = 100.0 * np.finfo(checker.dtype).eps * slope.height / max(abs(float(self.x)), 1.0)
            if checker.dtype.itemsize < 8:  # of a long sum, that much would excuse any gradient
                atol /= np.size(self.leaf)
        else:
            atol = checker.atol * max(1.0, abs(self.value))
        tolerance = _DOUBT * slope.error + atol + rtol * abs(slope.value)
        difference = abs(analytic - slope.value)
        report = partial(self._report, analytic=analytic, numeric=slope.value)
        if np.isnan(analytic):
            return report(np.inf, why="the gradient is nan")
        if np.isnan(slope.value):
            return report(np.nan, why=f"{_name(checker.primal)} is not defined next to it")
        if slope.kink:
            between = (
                min(slope.left, slope.right) - tolerance
                <= analytic
                <= max(slope.left, slope.right) + tolerance
            )
            return report(
                np.nan if between else np.inf,
                why=f"a kink: {slope.left!r} to the left, {slope.right!r} to the right",
            )
        # A pole next to the point makes the differences grow up to the smallest step, and the slope more.
        if (
            np.isinf(slope.value)
            and np.isfinite(analytic)
            and analytic * np.sign(slope.value) > 0.3 * abs(slope.finest)
        ):
            return report(np.nan, why=f"the differences grow up to {slope.finest!r}, with the smallest step")
        if np.isinf(analytic) or np.isinf(slope.value):
            return report(0.0 if analytic == slope.value else np.inf, why="infinite")
        if not slope.is_sure and (slope.at_edge or difference <= 3.0 * _DOUBT * slope.error):
            return report(np.nan, why=f"the numeric one is known to {slope.error:.1e} only")
        excess = difference / tolerance if tolerance else (np.inf if difference else 0.0)
        is_small = slope.step > 0.0 and difference * slope.step <= 10.0 * np.finfo(checker.dtype).eps
        if excess > 1.0 and is_small:
            return report(
                np.nan, why="beside numbers such as 1, steps so small change less than the rounding"
            )
        return report(excess, why=f"difference {difference!r} (tolerance {tolerance:.1e})")

    def _slope(self, args: tuple[Any, ...], x: Any, dtype: np.dtype[Any]) -> Slope:
        return slope_of(self._at(args), x, self.value, float(np.finfo(dtype).eps), self.checker.eps)

    def _at(self, args: tuple[Any, ...]) -> Callable[[Any], float]:
        def at(x: Any) -> float:
            moved = list(args)
            name = self.checker.names[self.position]
            moved[self.position] = _replace(moved[self.position], name, self.path, self.index, x)
            return self.function(*copied(tuple(moved)))

        return at

    def _report(self, excess: float, analytic: float, numeric: float, why: str) -> tuple[float, str]:
        return excess, (
            f"  {self.where} = {float(self.x)!r}\n"
            f"    analytic   {analytic!r}\n"
            f"    numeric    {numeric!r}\n"
            f"    {why}"
        )


def _depth_of_user() -> int:
    """How many frames above the caller of this the program is."""
    frame, depth = inspect.currentframe(), 0
    while frame is not None and frame.f_globals.get("__name__", "").startswith("revcompile."):
        frame, depth = frame.f_back, depth + 1
    return depth


def _pair(tree: Any, gradient: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Path, value and gradient of each float leaf; the structures are known to agree."""
    inner = children(tree)
    if inner is None:
        if is_number(tree) and gradient is not None:
            yield path, tree, gradient
    elif gradient is not None:
        found = dict(children(gradient) or ())
        for suffix, child in inner:
            yield from _pair(child, found[suffix], path + suffix)


def _inside(tree: Any) -> Iterator[Any]:
    """The tree and all that is in it."""
    yield tree
    for _, child in children(tree) or ():
        yield from _inside(child)


def _floats(tree: Any) -> list[Any]:
    """The leaves of a tree of gradients, in order, without those that have none. (It is compiled.)"""
    inner = children(tree)
    if inner is None:
        return [] if tree is None else [tree]
    return [leaf for _, child in inner for leaf in _floats(child)]


def _replace(tree: Any, path: str, target: str, index: tuple[int, ...], x: Any) -> Any:
    """The tree with one element of the leaf at path `target` replaced by `x`."""
    if path == target:
        if isinstance(tree, np.ndarray):
            copy = tree.copy(order="K") if is_float(tree) else tree.astype(np.float64)
            copy[index] = x
            return copy
        return type(tree)(x) if is_float(tree) else float(x)
    inner = children(tree)
    if inner is None:
        return tree
    return rebuild(tree, [_replace(child, path + suffix, target, index, x) for suffix, child in inner])


def _primal(gradient: Any) -> Callable[..., Any]:
    """The user's function behind a gradient, bound to the same object where it is a method."""
    primal = gradient.primal
    if isinstance(gradient, MethodType) and not isinstance(primal, MethodType):
        return MethodType(primal, gradient.__self__)
    return primal


def _names(function: Callable[..., Any], count: int) -> list[str]:
    """A name for each positional argument: the parameter's, or `args[k]` where there is none."""
    names: list[str] = []
    parameters = _parameters(function)
    for parameter in parameters[:count]:
        if parameter.kind is parameter.VAR_POSITIONAL:
            names.extend(f"{parameter.name}[{k}]" for k in range(count - len(names)))
            break
        names.append(parameter.name)
    return names + [f"args[{k}]" for k in range(len(names), count)]


def _with_defaults(function: Callable[..., Any], args: tuple[Any, ...], argnums: Argnums) -> tuple[Any, ...]:
    """The arguments, up to the last parameter that `argnums` names, with the defaults of those not given."""
    if argnums is None:
        return args
    chosen = (argnums,) if isinstance(argnums, int | str) else argnums
    for p in _parameters(function):
        if p.kind is p.KEYWORD_ONLY and p.name in chosen:
            raise ValueError(
                f"check_grads passes arguments by position, and {p.name} is taken by keyword only: "
                f"check lambda {p.name}: {_name(function)}(..., {p.name}={p.name})"
            )
    parameters = [p for p in _parameters(function) if p.kind < p.VAR_POSITIONAL]
    names = [p.name for p in parameters]
    last = max(
        (names.index(a) if a in names else -1 if isinstance(a, str) else a for a in chosen), default=-1
    )
    more = parameters[len(args) : last + 1]
    return args + tuple(p.default for p in more) if all(p.default is not p.empty for p in more) else args


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # a builtin
        return []


def _positions(argnums: Argnums, names: list[str]) -> list[int]:
    """The differentiated arguments as positions."""
    if argnums is None:
        return list(range(len(names)))
    chosen = (argnums,) if isinstance(argnums, int | str) else argnums
    return [names.index(a) if isinstance(a, str) else range(len(names))[a] for a in chosen]


def _scalar(value: Any) -> float:
    if children(value) is not None or np.size(value) != 1:
        raise AssertionError(f"the function must return one number, not {describe(value)}")
    return float(np.asarray(value).reshape(()))


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", repr(function))
