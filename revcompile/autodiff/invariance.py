"""Shifts that cannot matter: the maximum that a softmax subtracts carries no gradient.

In `m = max(x); L = m + log(sum(exp(x - m)))` the value of L does not depend on m at all, whatever m is:
dL/dm is zero, not only small. This is proved by following a shift of m by c through the program, by the rules
of `gates/shifts.py`. If it cancels in the result, m is not differentiated. Imports the IR and the gate table.
"""

from __future__ import annotations

from revcompile.gates.shifts import Depends, Effect, Effects, same, trimmed
from revcompile.gates.table import TABLE
from revcompile.gates.traits import Memory
from revcompile.ir.nodes import Apply, Function, Statement, Structure, Value, leaves


def irrelevant(function: Function, loss: Structure) -> frozenset[Value]:
    """The maxima and minima in `function` on which `loss` does not depend."""
    statements = function.body.statements
    found = set()
    for i, statement in enumerate(statements):
        if (
            isinstance(statement, Apply)
            and TABLE[statement.function].extreme
            and isinstance(statement.result, Value)
        ):
            m = statement.result
            if _cancels(m, statements[:i], statements[i + 1 :], loss):
                found.add(m)
    return frozenset(found)


def _cancels(m: Value, before: tuple[Statement, ...], after: tuple[Statement, ...], loss: Structure) -> bool:
    axes = tuple(None if d.is_one else i for i, d in enumerate(m.type.dims))
    effects = Effects({m: Effect("shifted", 1.0, trimmed(axes))})
    applied = (s for s in (*before, *after) if isinstance(s, Apply))
    effects.made = {s.result: s for s in applied if isinstance(s.result, Value)}
    try:
        for statement in after:
            _follow(statement, effects)
    except Depends:
        return False
    return effects.keys().isdisjoint(leaves(loss))


def _follow(statement: Statement, effects: Effects) -> None:
    if not isinstance(statement, Apply):
        if not effects.keys().isdisjoint(statement.uses):
            raise Depends
        return
    if effects.keys().isdisjoint(leaves(statement.args)):
        return
    gate = TABLE[statement.function]
    rule = same if gate.memory is Memory.SAME else gate.shift
    if rule is None or not isinstance(statement.result, Value):
        raise Depends
    effect = rule(statement, effects)
    if effect.weight != 0.0:
        effects[statement.result] = effect
