"""What must hold of the arguments of a call besides their signature: what is apart, what is equally long.

Imports the front end's places and the IR.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from revcompile.frontend.arguments import places_of, spell_place
from revcompile.frontend.names import Live
from revcompile.ir.nodes import Parameter, Value
from revcompile.ir.types import Array, Dim, Facts, Foreign, same_axes


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


def agreements(parameters: Sequence[Parameter], live: Sequence[Live], facts: Facts) -> Iterator[str]:
    """Lengths of arguments that every run of the primal takes to be equal, where NumPy would raise.

    The statement that would raise may be one that the gradient does not need.
    """
    arrays = _texts(parameters, live)
    first: dict[int, tuple[str, int, Value]] = {}
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


def meetings(parameters: Sequence[Parameter], live: Sequence[Live], facts: Facts) -> list[str]:
    """Lengths of arguments that the primal takes to be equal where it gets to a branch or makes a trip."""
    always = set(agreements(parameters, live, facts))
    with facts.of_all_blocks():
        return [test for test in agreements(parameters, live, facts) if test not in always]


def equal_lengths(parameters: Sequence[Parameter], live: Sequence[Live], facts: Facts) -> Iterator[str]:
    """Tests of lengths that were equal in the call that was compiled for; others are compiled anew."""
    texts = {
        dim.symbol: f"{text}.shape[{axis}]"
        for text, value in _texts(parameters, live)
        for axis, dim in enumerate(_lengths(value))
    }
    yield from (f"{texts[a]} == {texts[b]}" for a, b in facts.taken_alike)


def _texts(parameters: Sequence[Parameter], live: Sequence[Live]) -> list[tuple[str, Value]]:
    """What is given to a function, and how it is reached."""
    places = (place for p in parameters for place in places_of(p.structure, (p.name,)))
    return [
        *((spell_place(place), value) for place, value in places),
        *((i.path.text, i.value) for i in live),
    ]


def _lengths(value: Value) -> tuple[Dim, ...]:
    return value.type.lengths if isinstance(value.type, Foreign) else value.type.dims
