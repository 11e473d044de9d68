"""What a program does besides computing: warnings, logging, the clock, the debugger, a bar of progress.

Such a call is made as it is (`foreign`), in the forward pass, once and in order; what is differentiated may
enter, since it carries no gradient. Imports the abstract values.
"""

from __future__ import annotations

from types import MethodType
from typing import Any

from revcompile.frontend import foreign
from revcompile.frontend.at_hand import UNKNOWN
from revcompile.frontend.foreign import SHOWING, SILENT, home_of
from revcompile.frontend.lowering import Lowering
from revcompile.frontend.names import HostObject
from revcompile.frontend.naming import name_of
from revcompile.gates.effects import stop_gradient
from revcompile.ir.nodes import Structure, map_values
from revcompile.ir.types import FLOAT, INT, Foreign, is_number
from revcompile.statements.iterables import Bar

CLOCKS = frozenset({"time", "perf_counter", "process_time", "monotonic", "thread_time"})


def call(low: Lowering, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Structure:
    """What a call with an effect gives; NotImplemented for any other."""
    owner = function.__self__ if isinstance(function, MethodType) else None
    cls = type(owner.obj) if isinstance(owner, HostObject) else type(owner)
    home = home_of(cls) if owner is not None else home_of(function)
    if home not in SHOWING and function is not breakpoint:
        return NotImplemented
    name = getattr(function, "__name__", "")
    if home == "tqdm":
        return _bar(low, function, args, kwargs) if owner is None and args else NotImplemented
    known: Any = UNKNOWN
    if home == "time" and name.removesuffix("_ns") in CLOCKS:
        known = INT if name.endswith("_ns") else FLOAT
    elif name in SILENT:
        known = None
    form, first, attribute = ("method", owner, name) if owner is not None else ("call", function, "")
    said = name_of(function)
    return foreign.make(
        low, form, first, args, kwargs, said, attribute, excused=True, known=known, shows=known is None
    )


def _bar(low: Lowering, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Structure:
    """`tqdm(range(n))`: the bar is told of each trip. One of a list that is written out shows its end."""
    source, *more = args
    if function.__name__ in ("trange", "tnrange"):
        source, more = low.invoke(range, *args), []
        function = function.__globals__["tqdm"]
    iteration = low.iteration_of_range(source) if isinstance(source, range) else low.iteration(source)
    if iteration is None:
        source = low.items(source)
    length = len(source) if iteration is None else iteration.length()
    names = dict(zip(("desc",), more, strict=False))
    kind = Foreign("tqdm", function)

    def tell(name: str, *given: Structure) -> Structure:
        what = f"{name} of a bar"
        return foreign.make(low, "method", bar, given, {}, what, name, excused=True, known=None, shows=True)

    options = {"total": length, **names, **kwargs}
    bar = foreign.make(
        low, "call", function, (), options, "a bar", excused=True, known=kind, shows=True
    )  # fmt: skip
    if iteration is None:
        tell("update", length)
        tell("close")
        return source

    def item(i: Structure) -> Structure:
        tell("update", 1)
        return iteration.item(i)

    return Bar(iteration.length, item, owners=iteration.owners, bar=bar, close=lambda: tell("close"))


def constant(low: Lowering, x: Structure) -> Structure:
    """`stop_gradient(x)`: of a structure, of all numbers in it."""
    return map_values(lambda v: low.emit(stop_gradient, v) if is_number(v.type) else v, x)
