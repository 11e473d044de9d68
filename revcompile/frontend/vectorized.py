"""`np.vectorize`, `np.frompyfunc`: a function of numbers, called for each element of arrays.

What is not differentiated through is called as it is. Else `np.vectorize` is the loop that it stands for,
whose results are of the dtype that `otypes=` says. Without, the first result says that for all, and only what
gives floats each time is differentiated.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np

from revcompile.errors import UnsupportedError, host
from revcompile.frontend import foreign
from revcompile.frontend.at_hand import is_varied
from revcompile.frontend.lowering import Lowering
from revcompile.frontend.naming import VECTORIZED, name_of, no_rule
from revcompile.gates.elements import each_element
from revcompile.ir.nodes import Structure, Value, leaves
from revcompile.ir.types import Array, Scalar, scalar_type
from revcompile.syntax.abstract import Frame, Native, NestedFunction, Partial

FIRST_DECIDES = "the first result of np.vectorize, which may be no float64, says of what dtype all are"
NUMBERS = {"f": float, "i": int, "u": int, "b": bool}  # what the function is called with


@dataclass(frozen=True, eq=False)
class Vectorized:
    """What `np.vectorize(function, **options)` gives; `made` outside, if it is not None."""

    function: Any
    options: dict[str, Any]
    made: Any = None


def make(low: Lowering, args: tuple[Any, ...], kwargs: dict[str, Any], *_: Any) -> Structure:
    """`np.vectorize(f, otypes=…)`, in the program."""
    if not args and "pyfunc" not in kwargs:
        return NotImplemented
    names = ("pyfunc", "otypes", "doc", "excluded", "cache", "signature")
    options = {**dict(zip(names, args, strict=False)), **kwargs}
    return Partial(apply, (Vectorized(options.pop("pyfunc"), options),), {})


def taken(low: Lowering, made: Any) -> Structure:
    """An object that is there, made by `np.vectorize`."""
    path, function, kinds = low.host.path_of(made), made.pyfunc, made.otypes
    if path is not None:
        function = low.host.bring(path.attribute("pyfunc"), function, "pyfunc")
        kinds = low.host.bring(path.attribute("otypes"), kinds, "otypes")
    options = {"excluded": made.excluded, "signature": made.signature, "cache": made.cache}
    return Partial(apply, (Vectorized(function, {**options, "otypes": kinds}, made),), {})


def apply(*_: Any) -> Any:
    """Stands for the call of such an object."""


def call(low: Lowering, args: tuple[Any, ...], kwargs: dict[str, Any], node: Any, frame: Frame) -> Structure:
    vectorized, *given = args
    values = leaves((given, kwargs))
    varies = not low.excused and any(is_varied(low, v) for v in values)
    reason = _why_not(vectorized.options, kwargs)
    typed = vectorized.options.get("otypes") is not None
    if (varies or (values and typed)) and not reason and not low.excused:
        try:
            with low.tentatively():
                return _each(low, vectorized, given, frame)
        except UnsupportedError:
            if varies:
                raise
    if varies:
        raise no_rule(f"{VECTORIZED}{_name(vectorized.function)}", reason)
    if vectorized.made is not None:
        return foreign.call(low, vectorized.made, tuple(given), kwargs, frame)
    args = (vectorized.function, vectorized.options, tuple(given), kwargs)
    return foreign.call(low, vectorize_and_call, args, {}, frame)


def vectorize_and_call(
    function: Any, options: dict[str, Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """`np.vectorize(function, **options)(*args, **kwargs)`"""
    return np.vectorize(function, **options)(*args, **kwargs)


def _name(function: Any) -> str:
    if isinstance(function, NestedFunction):
        return getattr(function.node, "name", "<lambda>")
    return name_of(function)


def frompyfunc(
    low: Lowering, args: tuple[Any, ...], kwargs: dict[str, Any], node: Any, frame: Frame
) -> Structure:
    """`np.frompyfunc(f, nin, nout)`, in the program: of a function outside it, made once, while compiling."""
    if not args or not isinstance(args[0], FunctionType):
        return foreign.call(low, np.frompyfunc, args, kwargs, frame)
    function, *counts = args
    with host():
        return np.frompyfunc(
            function, *(low.static(n, "as an argument of frompyfunc") for n in counts), **kwargs
        )


def _why_not(options: dict[str, Any], kwargs: dict[str, Any]) -> str:
    """Why it is no plain loop over the elements; "" where it is."""
    if kwargs or options.get("excluded") or options.get("signature") is not None or options.get("cache"):
        return "it is differentiated without keywords, excluded=, signature= and cache="
    kinds = options.get("otypes") or "d"
    if not isinstance(kinds, (str, list, tuple)) or len(kinds) != 1:
        return "it is differentiated where it gives one result"
    return ""


def _each(low: Lowering, vectorized: Vectorized, given: list[Structure], frame: Frame) -> Structure:
    (kind,) = vectorized.options.get("otypes") or [None]
    arrays = [x if isinstance(x, Value) else low.apply(np.asarray, (x,), {}) for x in given]
    numbers = []
    for x in arrays:
        t = x.type if isinstance(x, Value) else None
        if not isinstance(t, (Array, Scalar)) or t.dtype.kind not in NUMBERS:
            raise UnsupportedError("numpy.vectorize is applied to what is no array of numbers")
        if kind is None and t.dtype.kind == "f" and t.dtype != np.float64:
            raise UnsupportedError(FIRST_DECIDES, way_out="Say otypes=.")
        numbers.append(NUMBERS[t.dtype.kind])
    function = vectorized.function
    if kind is None:
        function = Native(lambda *given: _float(low, low.invoke(vectorized.function, *given)))
    args = (function, None if kind is None else np.dtype(kind).type, tuple(numbers), tuple(arrays))
    return low.read(each_element, args, {}, frame)


def _float(low: Lowering, y: Structure) -> Structure:
    """A result of which the first may be the one that says of what dtype all are."""
    is_static = isinstance(y, (bool, int, float, np.generic))
    t = y.type if isinstance(y, Value) else scalar_type(y) if is_static else None
    if not (isinstance(t, (Scalar, Array)) and not t.dims and t.dtype == np.float64):
        raise UnsupportedError(FIRST_DECIDES, way_out="Say otypes=[float].")
    if isinstance(y, Value):
        low.builder.table.decisive.add(y)
    return y


SPECIAL: dict[Any, Any] = {np.vectorize: make, apply: call, np.frompyfunc: frompyfunc}
