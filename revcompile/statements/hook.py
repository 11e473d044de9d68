"""`on_gradient(x, f)`: `x`, of which the gradient that comes back is replaced by `f` of it.

Before:                                      After:
    y = on_gradient(x, lambda g: 0.5 * g)        y = x
    return np.sum(y * y)                         # backward pass
                                                 grad_y = 2.0 * y
                                                 grad_x = 0.5 * grad_y

The function is read where it is given, of a value that stands for the gradient: what it reads besides is what
that is there. Its statements stand in the backward pass. Imports the IR and the gate table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from revcompile.errors import HostError, UnsupportedError
from revcompile.gates.numbers import CHOSEN, Numbers
from revcompile.gates.record import Gate
from revcompile.gates.traits import Kind, Memory
from revcompile.ir.nodes import Apply, Block, Structure, Value, is_static
from revcompile.ir.renaming import substitute
from revcompile.ir.types import gradient_type, is_number
from revcompile.statements.join import alike
from revcompile.syntax.abstract import Left


def on_gradient(x: Any, f: Callable[[Any], Any]) -> Any:
    """`x`, a number or an array, of which the gradient that comes back is replaced by `f(gradient)`.

    `f` stands in the backward pass: it may scale, clip, replace or print what it is given. Forward mode meets
    no gradient: `jvp` is that of `x`, and `hvp` the derivative of the gradient that is computed.

    >>> import numpy as np
    >>> from revcompile import grad, on_gradient
    >>> @grad
    ... def f(x):
    ...     y = on_gradient(x**2, lambda grad_y: np.clip(grad_y, -1.0, 1.0))
    ...     return 5.0 * y
    >>> f(3.0)
    6.0
    """
    return x


@dataclass(eq=False)
class Hook:
    """What is done with the gradient of one value."""

    upstream: Value  # stands for that gradient
    own: tuple[Value, ...]  # stand for what else is read
    body: Block  # yields what takes its place

    def __post_init__(self) -> None:
        self.gate = Gate(
            "on_gradient",
            (self,),
            ("x", "read"),
            rule=_as_it_is,
            types=lambda facts, x, read: x.type,
            kind=Kind.HOOK,
            memory=Memory.SAME,
            written="x",
            numbers=Numbers(zeros=CHOSEN),
        )

    def __call__(self, x: Any, read: Any) -> Any:
        return x


def _as_it_is(grad_y: Any, x: Any, read: Any) -> Any:
    """The rule of a gate of which no gradient is replaced; the reversal is below."""
    return grad_y


def lower(low: Any, x: Structure, f: Any) -> Structure:
    """What `on_gradient(x, f)` denotes."""
    if is_static(x):
        return x  # no gradient comes back to it
    if not isinstance(x, Value) or not is_number(x.type):
        raise HostError(TypeError("on_gradient takes a number or an array"))
    builder = low.builder
    upstream = builder.table.new(gradient_type(x.type), of=x)
    memory = low.memory.fork()
    try:
        with builder.forgetting(), builder.tentatively() as inner, low.pairs.none():
            result = low.resolve(low.invoke(f, upstream))
    except Left:
        raise UnsupportedError("what is done with a gradient always raises") from None
    finally:
        low.memory = memory
    if not isinstance(result, (Value, int, float)):
        raise HostError(TypeError("what is done with a gradient must give a number or an array"))
    body = Block(tuple(inner), (result,))
    inside = {upstream, *body.defined}
    read = tuple(dict.fromkeys(v for v in body.uses if v not in inside))
    own = tuple(builder.table.like(v) for v in read)
    return low.emit(Hook(upstream, own, substitute(body, dict(zip(read, own, strict=True)))), x, read)


def reverse(rev: Any, statement: Apply) -> None:
    """Do with the gradient what is to be done, and pass on what that gives."""
    hook, upstream = statement.function, rev.adjoints.get(statement.result)
    assert isinstance(hook, Hook)
    x, read = statement.args
    if upstream is None or x not in rev.plan.active:
        return
    rev.builder.note = ""
    upstream = alike(rev.low, rev.builder.statements, upstream, hook.upstream.type)
    names: dict[Value, Structure] = {v: rev.table.like(v) for v in hook.body.defined}
    names.update(zip(hook.own, rev.low.resolve(read), strict=True))
    names[hook.upstream] = upstream
    body = substitute(hook.body, names)
    rev.builder.statements.extend(body.statements)
    for s in body.statements:
        if isinstance(s, Apply):
            rev.builder.definitions.update(dict.fromkeys(s.outputs, s))
    rev.accumulate(x, body.yields[0])
