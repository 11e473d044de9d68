"""What a `for` can go through whose length is known only at run time: counting, arrays, and what is made of
them by enumerate, zip, reversed.

Each is an `Iteration`: a length, and an item for each index. Imports the interpreter's interface.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from revcompile.errors import HostError, an
from revcompile.ir.nodes import Each, Structure, Value
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Array, Scalar, Type
from revcompile.syntax.interpreter import Interpreter


@dataclass(frozen=True, eq=False)
class Iteration:
    """Items numbered 0, 1, …; `each` says of which range the items are the numbers themselves.

    `owners` are the lists that must not change on the way.
    """

    length: Callable[[], Structure]
    item: Callable[[Structure], Structure]
    each: Each | None = None
    owners: tuple[Any, ...] = ()

    def tested(self, test: Callable[[], None]) -> Iteration:
        """The same, of which no item is taken without `test`."""

        def item(i: Structure) -> Structure:
            test()
            return self.item(i)

        return replace(self, item=item)


@dataclass(frozen=True, eq=False)
class Bar(Iteration):
    """An iteration whose progress is shown, by an object of another library."""

    bar: Any = None
    close: Callable[[], Structure] = lambda: None


def counting(low: Interpreter, *bounds: Structure) -> Iteration:
    """`range(...)` with run-time bounds."""
    start, stop, step = {1: (0, *bounds, 1), 2: (*bounds, 1), 3: bounds}[len(bounds)]
    for bound in (start, stop, step):
        if isinstance(bound, Value) and not _is_whole(bound.type):
            raise HostError(TypeError(f"{an(bound.type)} object cannot be interpreted as an integer"))

    def item(i: Structure) -> Structure:
        return _add(low, start, _multiply(low, i, step))

    def length() -> Structure:
        if not any(isinstance(bound, Value) for bound in (start, stop, step)):
            return len(range(start, stop, step))
        if start == 0 and step == 1 and not isinstance(step, Value):
            return _largest(low, stop)
        span = low.apply(operator.sub, (stop, start), {})
        if isinstance(step, Value) or step != 1:
            span = low.apply(
                operator.neg, (low.apply(operator.floordiv, (span, _negative(low, step)), {}),), {}
            )
        return _largest(low, span)

    return Iteration(length, item, Each("range", (start, stop, step)))


def _is_whole(t: Type) -> bool:
    return isinstance(t, Scalar) and t.dtype.kind in "iub"


def _negative(low: Interpreter, x: Structure) -> Structure:
    return low.apply(operator.neg, (x,), {}) if isinstance(x, Value) else -x


def _largest(low: Interpreter, n: Structure) -> Structure:
    if isinstance(n, Value) and isinstance(n.type, Scalar) and n.type.extent is not None:
        return n
    return low.apply(max, (n, 0), {}) if isinstance(n, Value) else max(n, 0)


def _add(low: Interpreter, a: Structure, b: Structure) -> Structure:
    if not isinstance(a, Value) and not isinstance(b, Value):
        return a + b
    if a == 0 and not isinstance(a, Value):
        return b
    return low.apply(operator.add, (a, b), {})


def _multiply(low: Interpreter, a: Structure, b: Structure) -> Structure:
    if not isinstance(a, Value) and not isinstance(b, Value):
        return a * b
    if b == 1 and not isinstance(b, Value):
        return a
    return low.apply(operator.mul, (a, b), {})


def rows(low: Interpreter, x: Value, length: Callable[[], Structure]) -> Iteration:
    """The items of an array along its first axis."""
    return Iteration(length, lambda i: low.apply(operator.getitem, (x, i), {}))


def enumerated(low: Interpreter, inner: Iteration, start: Structure = 0) -> Iteration:
    return Iteration(inner.length, lambda i: (_add(low, start, i), inner.item(i)), owners=inner.owners)


def reversed_(low: Interpreter, inner: Iteration) -> Iteration:
    def item(i: Structure) -> Structure:
        n = inner.length()
        last = n - 1 if not isinstance(n, Value) else low.apply(operator.sub, (n, 1), {})
        return inner.item(low.apply(operator.sub, (last, i), {}))

    if inner.each is not None:
        return Iteration(inner.length, item, inner.each.backwards)
    return Iteration(inner.length, item, owners=inner.owners)


def is_beginning(index: Structure) -> bool:
    """Whether an index is `[:n]` with a run-time n."""
    if not isinstance(index, slice) or not isinstance(index.stop, Value):
        return False
    return index.start is None and index.step is None


def first(low: Interpreter, inner: Iteration, n: Value) -> Iteration | None:
    """`range(...)[:n]` with a run-time n; None for what is no range."""
    if inner.each is None or inner.each.kind != "range" or not _is_whole(n.type):
        return None
    start, _, step = inner.each.args
    whole = inner.length()
    from_the_end = low.apply(operator.mul, (low.apply(operator.lt, (n, 0), {}), whole), {})
    count = _largest(low, low.apply(min, (low.apply(operator.add, (n, from_the_end), {}), whole), {}))
    return counting(low, start, _add(low, start, _multiply(low, count, step)), step)


def zipped(low: Interpreter, inners: list[Iteration]) -> Iteration:
    """In lockstep, as far as the shortest goes."""

    def length() -> Structure:
        shortest, *others = [inner.length() for inner in inners]
        for n in others:
            if n is shortest or _same(low, n, shortest):
                continue
            if not isinstance(n, Value) and not isinstance(shortest, Value):
                shortest = min(n, shortest)
            else:
                shortest = low.apply(min, (shortest, n), {})
        return shortest

    owners = tuple(owner for inner in inners for owner in inner.owners)
    return Iteration(length, lambda i: tuple(inner.item(i) for inner in inners), owners=owners)


def _same(low: Interpreter, m: Structure, n: Structure) -> bool:
    extents = [x.type.extent for x in (m, n) if isinstance(x, Value) and isinstance(x.type, Scalar)]
    if len(extents) != 2 or extents[0] is None or extents[1] is None:
        return m == n if not isinstance(m, Value) and not isinstance(n, Value) else False
    return low.builder.facts.same(extents[0], extents[1])


def is_iterable_array(x: Any) -> bool:
    return isinstance(x, Value) and isinstance(x.type, Array) and bool(x.type.dims)
