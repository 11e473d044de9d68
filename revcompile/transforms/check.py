"""`check_grads`: a compiled gradient against central differences of the user's function.

Imports the gradient transform, the errors and NumPy: what is checked here is a callable.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from types import MethodType
from typing import Any

import numpy as np

from revcompile.errors import UnsupportedError, shown
from revcompile.transforms.gradient import Argnums, grad
from revcompile.transforms.trees import (
    Object,
    beside,
    children,
    closed,
    copied,
    kind_of,
    opened,
    rebuild,
    walk,
)

# First relative step, relative and absolute tolerance that fit it, by the bytes of a float.
_PRECISION: dict[int, tuple[float, float, float]] = {
    2: (2.5e-1, 5e-2, 5e-2),
    4: (1e-1, 5e-3, 2e-4),
    8: (1e-2, 1e-6, 1e-8),
    16: (1e-2, 1e-6, 1e-8),
}
_SHRINK = 4.0
_LEVELS = 3


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

    Every float in `args` is moved: Python floats, NumPy scalars and array elements, at any depth of
    tuples, named tuples, lists, dicts and objects. Integers, strings and `None` are left alone. The
    numeric side extrapolates central differences at three shrinking steps (Ridders' method), so that it
    is accurate to about ten digits in double precision and keeps clear of a kink that is near but not at
    the point.

    Structure, shape and dtype of the gradient must be those of its variable, and neither the gradient
    nor `f` may change `args`. A NaN on one side only is a failure.

    Args:
        f: the user's function, or what `grad` made of it.
        args: the point, a tuple of positional arguments.
        order: 1 checks the gradient. 2 checks, as well, the gradient of a randomly weighted sum of
            the gradient, that is, one product with the Hessian.
        modes: `("rev",)`; forward mode is not available yet.
        argnums: the differentiated arguments, as in `grad`; all of them by default, or those that
            `f` was made with if it is a gradient already.
        eps: first step, relative to each element's magnitude (by default 1e-2 in double precision).
        atol: absolute tolerance, in units of the function's value where that exceeds 1.
        rtol: relative tolerance.

    Raises:
        AssertionError: names the worst element, its analytic and its numeric derivative.
        NotImplementedError: for a mode or an order that is not available.

    Example:
        >>> import numpy as np
        >>> def energy(x, k):
        ...     return 0.5 * k * np.sum(x**2)
        >>> check_grads(energy, (np.array([1.0, -2.0]), 3.0))

    Source: C. J. F. Ridders, "Accurate computation of F'(x) and F'(x) F''(x)", Adv. Eng. Software 4 (1982).
    """
    try:
        _check(f, args, order, modes, argnums, eps, atol, rtol)
    except Exception as e:
        raise shown(e)  # noqa: B904


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
    if not isinstance(args, tuple):
        raise TypeError(
            f"args must be the tuple of f's arguments, not {type(args).__name__}: write (x,) for one"
        )
    gradient = f if hasattr(f, "primal") else grad(f, argnums=argnums)
    if argnums is None:
        argnums = getattr(f, "argnums", None)
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
        self.bare = isinstance(argnums, int | str) or (argnums is None and len(args) == 1)
        self.positions = _positions(argnums, self.names)
        leaves = [leaf for _, leaf in walk(self.args, "") if _is_float(leaf)]
        # the coarsest argument decides: whatever meets it is rounded to its precision
        self.precision = _PRECISION[min((np.asarray(leaf).dtype.itemsize for leaf in leaves), default=8)]

    def first_order(self) -> None:
        """The gradient itself, against differences of the primal."""
        value = self.value(*copied(self.args))
        if np.isnan(value):
            raise AssertionError(
                f"{_name(self.primal)} is nan at this point: there is nothing to compare with"
            )
        given = closed(copied(self.args))
        gradients = self.gradients(*given)
        for k, name in enumerate(self.names):
            _same(given[k], self.args[k], name, "the gradient call changed its argument")
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
        return _scalar(result[0] if self.has_aux else result)

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
                f"one for each differentiated argument, not {_describe(result)}"
            )
        return result

    def compare(self, gradients: tuple[Any, ...], function: Callable[..., float], value: float) -> None:
        """Raise for the worst element, if any is out of tolerance."""
        for position, gradient in zip(self.positions, gradients):
            _check_structure(self.args[position], gradient, self.names[position])
        worst: tuple[float, str] = (1.0, "")
        wrong = total = 0
        for position, gradient in zip(self.positions, gradients):
            for path, leaf, analytic in _pair(self.args[position], gradient, self.names[position]):
                for index in np.ndindex(np.shape(leaf)):
                    total += 1
                    excess, text = self.element(
                        function, position, path, leaf, index, float(np.asarray(analytic)[index]), value
                    )
                    wrong += excess > 1.0
                    worst = max(worst, (excess, text), key=lambda pair: pair[0])
        if wrong:
            raise AssertionError(
                f"wrong gradient of {_name(self.primal)}: {wrong} of {total} elements; the worst:\n{worst[1]}"
            )

    def element(
        self,
        function: Callable[..., float],
        position: int,
        path: str,
        leaf: Any,
        index: tuple[int, ...],
        analytic: float,
        value: float,
    ) -> tuple[float, str]:
        """How many tolerances apart the two derivatives by one element are, and the report of it."""

        def at(x: Any) -> float:
            moved = list(self.args)
            moved[position] = _replace(moved[position], self.names[position], path, index, x)
            return function(*copied(tuple(moved)))

        step, rtol, atol = self.precision
        x = np.asarray(leaf)[index]
        numeric = _difference(at, x, step if self.eps is None else self.eps)
        rtol = rtol if self.rtol is None else self.rtol
        atol = (atol if self.atol is None else self.atol) * max(1.0, abs(value))
        difference = abs(analytic - numeric)
        if np.isnan(analytic) or np.isnan(numeric):
            excess = 0.0 if np.isnan(analytic) and np.isnan(numeric) else np.inf
        elif np.isinf(analytic) or np.isinf(numeric):
            excess = 0.0 if analytic == numeric else np.inf
        else:
            tolerance = atol + rtol * abs(numeric)
            excess = difference / tolerance if tolerance else (np.inf if difference else 0.0)
        where = path + (f"[{', '.join(map(str, index))}]" if index else "")
        report = (
            f"  {where} = {float(x)!r}\n"
            f"    analytic   {analytic!r}\n"
            f"    numeric    {numeric!r}\n"
            f"    difference {difference!r} (tolerance {atol + rtol * abs(numeric):.1e})"
        )
        return excess, report


def _difference(at: Callable[[Any], float], x: Any, relative: float) -> float:
    """The derivative of `at` at `x`: central differences at shrinking steps, extrapolated.

    Of the entries of Neville's triangle the one that its neighbours confirm best is returned, so
    neither rounding (small steps) nor curvature or a kink nearby (large ones) decides.
    """
    kind = x.dtype.type
    step = relative * max(abs(float(x)), 0.1)
    best, error = np.nan, np.inf
    previous: list[float] = []
    for _ in range(_LEVELS):
        high, low = kind(x + kind(step)), kind(x - kind(step))
        with np.errstate(all="ignore"):
            row = [(at(high) - at(low)) / (float(high) - float(low))]
        if np.isnan(best) or not previous:
            best = row[0]
        factor = _SHRINK**2
        for k, older in enumerate(previous):
            row.append(row[k] + (row[k] - older) / (factor - 1.0))
            factor *= _SHRINK**2
            spread = max(abs(row[k + 1] - row[k]), abs(row[k + 1] - older))
            if spread <= error:
                best, error = row[k + 1], spread
        previous = row
        step /= _SHRINK
    return float(best)


def _pair(tree: Any, gradient: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Path, value and gradient of each float leaf; the structures are known to agree."""
    inner = children(tree)
    if inner is None:
        if _is_float(tree):
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
            copy = tree.copy(order="K")
            copy[index] = x
            return copy
        return type(tree)(x)
    inner = children(tree)
    if inner is None:
        return tree
    return rebuild(tree, [_replace(child, path + suffix, target, index, x) for suffix, child in inner])


def _is_float(leaf: Any) -> bool:
    return isinstance(leaf, float | np.floating) or (
        isinstance(leaf, np.ndarray) and np.issubdtype(leaf.dtype, np.floating)
    )


def _check_structure(tree: Any, gradient: Any, path: str) -> None:
    """The gradient must have the structure, shapes and dtypes of its variable."""
    inner = children(tree)
    if inner is not None:
        if gradient is None and not any(_is_float(leaf) for _, leaf in walk(tree, path)):
            return
        found = children(gradient)
        if (
            found is None
            or kind_of(gradient) is not kind_of(tree)
            or {name for name, _ in found} != {name for name, _ in inner}
        ):
            raise AssertionError(
                f"the gradient for {path} must have its structure, {_describe(tree)}, "
                f"not {_describe(gradient)}"
            )
        by_name = dict(found)
        for suffix, child in inner:
            _check_structure(child, by_name[suffix], path + suffix)
        return
    if not _is_float(tree):
        return
    if gradient is None or isinstance(gradient, bool) or not _is_float(gradient):
        raise AssertionError(f"the gradient for {path} must be {_describe(tree)}, not {_describe(gradient)}")
    if np.shape(gradient) != np.shape(tree):
        raise AssertionError(
            f"the gradient for {path} must have shape {np.shape(tree)}, not {np.shape(gradient)}"
        )
    weak = type(tree) is float  # a Python float takes the precision of what it meets
    expected, found_dtype = np.asarray(tree).dtype, np.asarray(gradient).dtype
    if not weak and found_dtype != expected:
        raise AssertionError(f"the gradient for {path} must have dtype {expected}, not {found_dtype}")


def _same(now: Any, before: Any, path: str, complaint: str) -> None:
    """Raise where an array of `now` differs from that of `before`, whose objects are taken apart."""
    inner = children(before)
    for (suffix, old), new in zip(inner or (), beside(now, before)):
        _same(new, old, path + suffix, complaint)
    if isinstance(before, np.ndarray) and not np.array_equal(
        now, before, equal_nan=np.issubdtype(before.dtype, np.inexact)
    ):
        raise AssertionError(f"{complaint} {path}")


def _primal(gradient: Any) -> Callable[..., Any]:
    """The user's function behind a gradient, bound to the same object where it is a method."""
    primal = gradient.primal
    if isinstance(gradient, MethodType) and not isinstance(primal, MethodType):
        return MethodType(primal, gradient.__self__)
    return primal


def _names(function: Callable[..., Any], count: int) -> list[str]:
    """A name for each positional argument: the parameter's, or `args[k]` where there is none."""
    names: list[str] = []
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    for parameter in parameters[:count]:
        if parameter.kind is parameter.VAR_POSITIONAL:
            names.extend(f"{parameter.name}[{k}]" for k in range(count - len(names)))
            break
        names.append(parameter.name)
    return names + [f"args[{k}]" for k in range(len(names), count)]


def _positions(argnums: Argnums, names: list[str]) -> list[int]:
    """The differentiated arguments as positions."""
    if argnums is None:
        return list(range(len(names)))
    chosen = (argnums,) if isinstance(argnums, int | str) else argnums
    return [names.index(a) if isinstance(a, str) else range(len(names))[a] for a in chosen]


def _scalar(value: Any) -> float:
    if children(value) is not None or np.size(value) != 1:
        raise AssertionError(f"the function must return one number, not {_describe(value)}")
    return float(np.asarray(value).reshape(()))


def _describe(tree: Any) -> str:
    if isinstance(tree, np.ndarray):
        return f"an array of shape {tree.shape} and dtype {tree.dtype}"
    inner = children(tree)
    if inner is None:
        return f"a {type(tree).__name__}" if tree is not None else "None"
    return f"a {kind_of(tree).__name__} of {', '.join(name for name, _ in inner) or 'nothing'}"


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", repr(function))
