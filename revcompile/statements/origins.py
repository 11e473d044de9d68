"""Which array a version was before it was written into: through stores, branches and loops.

Imports the IR and the gates.
"""

from __future__ import annotations

from revcompile.gates.table import TABLE
from revcompile.ir.nodes import Apply, Branch, Loop, Statement, Structure, Value
from revcompile.ir.types import Array


def restorable_slots(loop: Loop) -> dict[int, int]:
    """The slots whose array is only written into, from trip to trip: slot → the slot that its storage was.

    Two arrays may change places; no storage may be forgotten.
    """
    made = origins(loop.body.statements)
    params = {p: i for i, p in enumerate(loop.params) if isinstance(p.type, Array)}
    found: dict[int, int] = {}
    for i, end in enumerate(loop.body.yields[:-1]):
        written = end is not loop.params[i]
        origin = end
        while origin in made:
            origin = made[origin]
        if isinstance(end, Value) and origin in params and written:
            found[i] = params[origin]
    while set(found) != set(found.values()):
        found = {i: j for i, j in found.items() if j in found and i in found.values()}
    return found


def origins(statements: tuple[Statement, ...]) -> dict[Value, Value]:
    """The version before, for each version of an array that a store, a branch or a loop has made of it."""
    made: dict[Value, Value] = {}

    def last(v: Structure) -> Structure:
        while isinstance(v, Value) and v in made:
            v = made[v]
        return v

    for statement in statements:
        if isinstance(statement, Apply):
            if TABLE[statement.function].writes:
                made[statement.outputs[0]] = statement.args[0]
        elif isinstance(statement, Branch):
            made.update(origins(statement.then.statements))
            made.update(origins(statement.orelse.statements))
            for a, b, result in zip(
                statement.then.yields, statement.orelse.yields, statement.results, strict=False
            ):
                if isinstance(result.type, Array) and isinstance(a, Value) and last(a) is last(b):
                    made[result] = last(a)
        elif isinstance(statement, Loop):
            slots = restorable_slots(statement)
            for i, j in slots.items():
                init = statement.inits[j]
                if i == j and isinstance(init, Value):
                    made[statement.results[i]] = init
    return made
