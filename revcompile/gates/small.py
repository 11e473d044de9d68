"""How large the arrays are that a function is tried on: small, whatever the program's own lengths are.

A length that is not known has any size that suits. One that is known is taken as it is where that costs
little; else it is scaled down, as are the numbers in a call that are lengths: `n` in `np.tile(x, n)`.
Imports the IR's types and the gate table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

from revcompile.gates.options import INDICES, LENGTHS
from revcompile.gates.record import Gate
from revcompile.ir.nodes import leaves
from revcompile.ir.types import Array, Dim, Scalar

Size = Callable[[Dim], int]
MOST_ELEMENTS = 256  # of an outer product of all that goes in and comes out
LEAST_SCALED = 5  # lengths of 1, 2 and 3 have meanings of their own


def axes(args: Any) -> list[Dim]:
    """Every axis (and integer that is an axis's length) among the arguments, without repeats."""
    found: dict[Dim, None] = {}
    for value in leaves(args):
        for dim in value.type.dims:
            found[dim] = None
        if isinstance(value.type, Scalar) and value.type.extent is not None:
            found[value.type.extent] = None
    return list(found)


def is_large(gate: Gate, args: tuple[Any, ...], outcome: Any = ()) -> bool:
    """Whether a call on arrays of the known lengths could take memory or time: its result, or what it makes
    on the way. `outcome` are the result's axes, if a rule gives them."""
    found = [_elements(v.type.dims) for v in leaves(args) if isinstance(v.type, Array)]
    for name, argument in zip(gate.signature.parameters, args, strict=True):
        if name in LENGTHS:
            found.extend(max(n, 1) for n in _numbers(argument))
    return math.prod(found) * math.prod(map(_elements, _shapes(outcome))) > MOST_ELEMENTS


def _elements(dims: tuple[Dim, ...]) -> int:
    return math.prod(max(d.size, 1) if d.size is not None else 1 + abs(d.trim) for d in dims)


def _numbers(structure: Any) -> Iterator[int]:
    if isinstance(structure, (tuple, list)):
        for item in structure:
            yield from _numbers(item)
    elif isinstance(structure, int):
        yield structure


def _shapes(outcome: Any) -> list[tuple[Dim, ...]]:
    items = tuple(outcome)
    if all(isinstance(d, Dim) for d in items):
        return [items]
    return [shape for item in items for shape in _shapes(item)]


def equal_sizes(number: int) -> Size:
    """All unknown lengths are the same."""
    return lambda d: d.size if d.size is not None else number


def ones(d: Dim) -> int:
    """Arrays of one element, which agree with all others."""
    return min(d.size, 1) if d.size is not None else 1


def with_ones(gate: Gate, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments with 1 for the numbers that are lengths, and 0 for those that count along an axis."""
    return tuple(map(_with_ones, gate.signature.parameters, args))


def _with_ones(name: str, argument: Any) -> Any:
    if name in LENGTHS:
        return _each_number(argument, lambda n: min(n, 1))
    if name == "bounds":  # of np.arange
        return tuple(type(n)(1) if isinstance(n, (int, float)) else n for n in argument)
    if name == "indices_or_sections":
        return [0] * (argument - 1 if isinstance(argument, int) else len(argument))
    return _each_number(argument, lambda n: 0) if name in INDICES else argument


def _each_number(structure: Any, f: Callable[[int], int]) -> Any:
    if isinstance(structure, (tuple, list)) and not hasattr(structure, "_fields"):
        return type(structure)(_each_number(item, f) for item in structure)
    return f(structure) if isinstance(structure, int) and not isinstance(structure, bool) else structure


def distinct_sizes(args: Any, scaled: bool) -> list[Size]:
    """Two ways to give all unknown lengths different sizes, which no function of lengths confuses; with
    `scaled`, the known ones too, and those that differ by a known number from one another.

    What is longer in the first run is shorter in the second, and all of the second is longer than all of
    the first: so a sum, a product, a maximum or a minimum of lengths agrees with a third length, or with
    a constant, in one run at most.
    """
    trims: dict[Any, list[int]] = {}
    for d in axes(args):
        if _is_free(d, scaled):
            trims.setdefault(_key(d, scaled), []).append(0 if scaled else d.trim)
    first: dict[Any, int] = {}  # the length of a symbol's axis with no trim
    second: dict[Any, int] = {}
    next_size = LEAST_SCALED if scaled else 2
    for key, all_trims in trims.items():
        first[key] = next_size + max(all_trims)
        next_size = first[key] - min(all_trims) + 1
    for key, all_trims in reversed(trims.items()):
        second[key] = next_size + max(all_trims)
        next_size = second[key] - min(all_trims) + 2

    def size_in(run: dict[Any, int]) -> Size:
        def size(d: Dim) -> int:
            if not _is_free(d, scaled):
                return d.size or 0
            return run[_key(d, scaled)] - (0 if scaled else d.trim)

        return size

    return [size_in(first), size_in(second)]


def products(args: Any) -> list[tuple[Dim, ...]]:
    """Known lengths whose product may be a length of the result: all of an array's, or one of each of two."""
    shapes = [s for s in (v.type.dims for v in leaves(args)) if s and all(d.size is not None for d in s)]
    pairs = [(d, e) for a, b in combinations(shapes, 2) for d in a for e in b]
    return [*(shape for shape in shapes if len(shape) > 1), *pairs]


def _is_free(d: Dim, scaled: bool) -> bool:
    return d.size is None or (scaled and d.size >= LEAST_SCALED)


def _key(d: Dim, scaled: bool) -> Any:
    return d if scaled else d.symbol
