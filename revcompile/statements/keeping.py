"""What a loop keeps in lists, one item in each trip, as the program says: see `frontend/kept`.

Imports the IR and the interpreter's interface.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from revcompile.errors import UnsupportedError
from revcompile.ir.nodes import Instance, Structure, Value, leaves, map_values
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Array, Kept, Scalar
from revcompile.statements.join import Pair
from revcompile.syntax.interpreter import Interpreter
from revcompile.syntax.memory import Memory
from revcompile.syntax.missing import Item

Filled = tuple[Instance, Structure]  # a list of the program, and what is in it after the loop
Saves = tuple[tuple[Value, Value], ...]


def kept_in(
    low: Interpreter,
    items: Mapping[int, Item],
    pairs: Sequence[Pair],
    after: Memory,
    before: int,
) -> tuple[Saves, list[Filled]]:
    """The inner values that a loop keeps, each with the list of them; and what the program has of these.

    `items` are what a trip puts into lists, `before` is how many lengths were known before the loop.
    """
    written = {root for root, v in after.current.items() if v is not root}
    filled: list[Filled] = []
    saves: list[tuple[Value, Value]] = []
    for owner, x, roots in items.values():
        if not _is_whole(x):
            raise UnsupportedError("a list of None alone is not supported")
        made: dict[Value, Value] = {}
        for v, root in zip(leaves(x), roots, strict=True):
            made[v] = _list_of(low, v, root, before)
            saves.append((v, made[v]))
            if isinstance(v.type, Array):
                if not written.isdisjoint({root, *after.related.get(root, ())}):
                    raise UnsupportedError(
                        "an array that is put into a list is written in the same loop",
                        way_out="Put a copy into it: .copy().",
                    )
                low.missing.kept |= {root, *(new for _, end, new in pairs if end is v or end is root)}
        filled.append((owner, map_values(made.__getitem__, x)))
    return tuple(saves), filled


def fill(low: Interpreter, filled: Sequence[Filled]) -> None:
    """After the loop: the lists have their items."""
    for owner, content in filled:
        low.mutables.change(owner)
        (key,) = owner.attributes
        owner.attributes[key] = content


def _is_whole(x: Structure) -> bool:
    return all(map(_is_whole, x)) if isinstance(x, tuple) else isinstance(x, Value)


def _list_of(low: Interpreter, x: Value, root: Value, before: int) -> Value:
    """The list of what `x` is in each trip; a length that a trip brings about is another one in the next."""
    t = x.type
    if isinstance(t, Array):
        facts = low.builder.facts
        dims = (facts.fresh() if d.symbol is not None and d.symbol > before else d for d in t.dims)
        t = replace(t, dims=tuple(dims))
    elif isinstance(t, Scalar):
        t = replace(t, extent=None)
    table, lacks = low.builder.table, low.missing.lacks
    lack = lacks.get(x, lacks.get(root))
    there = lack.there if lack is not None else frozenset()
    kept = Kept("list", item=t, saved=x, missing=lack is not None or x in table.unset, there=there)
    return table.new(kept, f"saved_{table.hints.get(x, 'item')}")
