"""What must hold of the arguments of a call besides their signature: what is apart, what is equally long.

Imports the front end's places and the IR.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from revcompile.frontend.arguments import places_of, spell_place
from revcompile.frontend.names import Live
from revcompile.gates.table import TABLE
from revcompile.ir.lengths import Facts, same_axes
from revcompile.ir.nodes import Function, Parameter, Value, applications
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Array, Dim, Foreign
from revcompile.syntax.operators import symbol_of


def apart(
    parameters: Sequence[Parameter], live: Sequence[Live], written: set[Value]
) -> Iterator[tuple[str, str]]:
    """Arguments that are written, each with those that would see it if they shared its memory."""
    arrays = [
        (spell_place(place), value)
        for p in parameters
        for place, value in places_of(p.structure, (p.name,))
        if isinstance(value.type, Array)
    ]
    arrays += [(item.path.text, item.value) for item in live if isinstance(item.value.type, Array)]
    for text, value in arrays:
        if value in written:
            yield from ((text, other) for other, _ in arrays if other != text)


def _writable(parameters: Sequence[Parameter], written: set[Value]) -> Iterator[str]:
    """Arguments that some way of the primal writes into: NumPy raises where an array is read-only."""
    for p in parameters:
        for place, value in places_of(p.structure, (p.name,)):
            if value in written:
                yield f"{spell_place(place)}.flags.writeable"


def agreements(parameters: Sequence[Parameter], live: Sequence[Live], facts: Facts) -> Iterator[str]:
    """Lengths of arguments that every run of the primal takes to be equal, where NumPy would raise.

    The statement that would raise may be one that the gradient does not need.
    """
    arrays = _texts(parameters, live)
    first: dict[tuple[int, int], tuple[str, int, Value]] = {}
    whole: set[tuple[str, str]] = set()
    for text, value in arrays:
        for axis, dim in enumerate(_lengths(value)):
            if dim.symbol is None:
                continue
            size = facts.size_of(dim)
            if size is not None:
                yield f"{text}.shape[{axis}] == {size}"
            other, other_axis, known = first.setdefault(facts.root(dim.symbol), (text, axis, value))
            if (other, other_axis) == (text, axis) or (other, text) in whole:
                continue
            if same_axes(facts, _lengths(known), _lengths(value)):
                whole.add((other, text))
                yield f"{text}.shape == {other}.shape"
            else:
                yield f"{text}.shape[{axis}] == {other}.shape[{other_axis}]"


def meetings(
    parameters: Sequence[Parameter], live: Sequence[Live], facts: Facts, written: set[Value]
) -> list[str]:
    """What the primal may raise for: lengths of arguments that differ and that a branch or a trip takes to be
    equal, lengths computed from such; arguments that it writes into, and that are read-only.
    """
    always = set(agreements(parameters, live, facts))
    spelled = Spelled(parameters, live, facts)
    with facts.of_all_blocks():
        computed = [test for a, b, stretches in facts.compared if (test := spelled.test(a, b, stretches))]
        met = [test for test in agreements(parameters, live, facts) if test not in always]
    return list(dict.fromkeys([*met, *computed, *_writable(parameters, written)]))


def keep_untested(
    primal: Function, parameters: Sequence[Parameter], live: Sequence[Live], facts: Facts
) -> None:
    """Keep only those steps for what they compare that no test before the call compares: see `meetings`.

    A function of its own compares in terms of its parameters' lengths, which is tested where it is called.
    """
    comparing, spelled = primal.table.comparing, Spelled(parameters, live, facts)
    own = {v for s in applications(primal.body) for v in s.outputs}
    with facts.of_all_blocks():
        for v, compared in list(comparing.items()):
            if v not in own or all(spelled.is_tested(*each) for each in compared):
                del comparing[v]


BUILTIN = "\x01"  # a character that stands in no literal


class Spelled:
    """Lengths as expressions over the arguments. A builtin stands in them after `BUILTIN`."""

    def __init__(self, parameters: Sequence[Parameter], live: Sequence[Live], facts: Facts) -> None:
        self.facts = facts
        self.numbers: dict[Value, str] = {}
        self.axes: dict[int, tuple[str, int]] = {}  # of the symbols of arguments
        self.counts: dict[int, str] = {}  # arguments that are a length themselves: `np.arange(n)`
        for text, value in _texts(parameters, live):
            self.numbers[value] = text
            extent = getattr(value.type, "extent", None)
            if extent is not None and extent.symbol is not None:
                self.counts[extent.symbol] = f"({text} > 0) * {text}"
            for axis, dim in enumerate(_lengths(value)):
                if dim.symbol is not None:
                    self.axes.setdefault(dim.symbol, (text, axis))

    def test(self, a: Dim, b: Dim, stretches: bool) -> str | None:
        """A test that two lengths agree; None if they are arguments' own, or do not follow from those."""
        own = all(d.size is not None or (d.symbol in self.axes and not d.trim) for d in (a, b))
        if own and self.facts.same(a, b):  # it is one of `agreements`
            return None
        left, right = self.length(a), self.length(b)
        if left is None or right is None or left == right:
            return None
        test = f"{left} == {right}"
        return f"({test} or {left} == 1 or {right} == 1)" if stretches else test

    def is_tested(self, a: Dim, b: Dim, stretches: bool) -> bool:
        """Whether a test tells that two lengths agree."""
        return self.length(a) is not None and self.length(b) is not None

    def length(self, dim: Dim) -> str | None:
        if dim.symbol is None:
            return str(dim.size)
        text = self._whole(dim)
        if text is None or dim.trim == 0:
            return text
        return f"({text} - {dim.trim}) * ({text} > {dim.trim})" if dim.trim > 0 else f"({text} + {-dim.trim})"

    def _whole(self, dim: Dim) -> str | None:
        assert dim.symbol is not None
        if dim.symbol in self.counts:
            return self.counts[dim.symbol]
        made = self.facts.origin(dim)
        if made is None:
            return self._axis(dim.symbol)
        how, parts = made
        if how == "[]":
            return self._slice(*parts)
        if how == "range":
            return self._range(*parts)
        texts = [self.length(p) if isinstance(p, Dim) else self._number(p) for p in parts]
        return None if None in texts else _joined(how, [t for t in texts if t is not None])

    def _axis(self, symbol: int) -> str | None:
        """A length that is an argument's, or differs from one by a number."""
        if symbol not in self.axes:
            dims = (self.facts.in_terms_of(Dim(symbol=symbol), other) for other in self.axes)
            other = next((d for d in dims if d is not None), None)
            return None if other is None else self.length(other)
        text, axis = self.axes[symbol]
        return f"{text}.shape[{axis}]"

    def _slice(self, whole: Dim, bounds: Any) -> str | None:
        texts = ["" if n is None else self._number(n) for n in bounds]
        if None in texts:
            return None
        index = ":".join(t for t in texts if t is not None)
        place = self.axes.get(whole.symbol or 0)
        if place is not None and not whole.trim:
            found = f"{place[0]}[{':, ' * place[1]}{index}].shape[{place[1]}]"
        else:
            length = self.length(whole)
            found = f"{BUILTIN}len({BUILTIN}range({length})[{index}])"
            if length is None:
                return None
        known = type(bounds[2]) in (int, type(None))
        return found if known else f"({found} if {texts[2]} else -1)"  # the primal raises, if it gets there

    def _range(self, start: Any, stop: Any, step: Any) -> str | None:
        """`len(range(start, stop, step))`."""
        first, end = (self._number(n) for n in (start, stop))
        if first is None or end is None or type(step) is not int or step == 0:
            return None
        low, high = (first, end) if step > 0 else (end, first)
        count = f"({high} - {low} + {abs(step) - 1}) // {abs(step)}" if abs(step) > 1 else f"({high} - {low})"
        return f"{count} * ({high} > {low})"

    def _number(self, n: Any) -> str | None:
        """A whole number that is computed from arguments."""
        if isinstance(n, tuple) and n and callable(n[0]):  # of a slice, see `Facts.number`
            return self._computed(n[0], n[1:])
        if not isinstance(n, Value):
            return repr(n) if type(n) is int else None
        if n in self.numbers:
            return self.numbers[n]
        extent = getattr(n.type, "extent", None)
        if extent is not None and self.facts.origin(extent) != ("", (n,)):  # which is this number again
            return self.length(extent)
        statement = self.facts.definitions.get(n)
        if statement is not None and TABLE[statement.function].written == "x.size":
            lengths = [self.length(d) for d in statement.args[0].type.dims]
            return None if None in lengths else _joined("*", [t for t in lengths if t])
        return None if statement is None else self._computed(statement.function, statement.args)

    def _computed(self, function: Any, args: tuple[Any, ...]) -> str | None:
        texts = [self._number(a) for a in args]
        symbol = symbol_of(function)
        if None in texts:
            return None
        if function in (abs, min, max) and (len(texts) > 1) == (function is not abs):
            return f"{BUILTIN}{function.__name__}({', '.join(t for t in texts if t is not None)})"
        if symbol == "-" and len(texts) == 1:
            return f"(-{texts[0]})"
        if symbol in ("//", "%"):  # in a block that is not run, the divisor may be zero
            return f"({texts[1]} and {texts[0]} {symbol} {texts[1]})"
        return _joined(symbol, [t for t in texts if t is not None]) if symbol in ("+", "-", "*") else None


def _joined(symbol: str, texts: list[str]) -> str:
    return f"({f' {symbol} '.join(texts)})" if len(texts) > 1 else texts[0]


def equal_lengths(parameters: Sequence[Parameter], live: Sequence[Live], facts: Facts) -> Iterator[str]:
    """Tests of lengths that were equal in the call that was compiled for; others are compiled anew."""
    spelled = Spelled(parameters, live, facts)
    for a, b in facts.taken_alike:
        if a.symbol is not None and b.symbol is not None:  # trims may leave nothing of two that differ
            less = min(a.trim, b.trim)
            a, b = replace(a, trim=less - b.trim), replace(b, trim=less - a.trim)
        one, other = spelled.length(a), spelled.length(b)
        assert one is not None and other is not None, "lengths of arguments follow from the arguments"
        yield f"{one} == {other}"


def _texts(parameters: Sequence[Parameter], live: Sequence[Live]) -> list[tuple[str, Value]]:
    """What is given to a function, and how it is reached."""
    places = (place for p in parameters for place in places_of(p.structure, (p.name,)))
    return [
        *((spell_place(place), value) for place, value in places),
        *((i.path.text, i.value) for i in live),
    ]


def _lengths(value: Value) -> tuple[Dim, ...]:
    return value.type.lengths if isinstance(value.type, Foreign) else value.type.dims
