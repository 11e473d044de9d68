"""Which of the things that a trip of a loop saves are kept together, as one tuple a trip in one list.

They are many, are all there when the trip ends, and one reversed loop goes through all of them:

    saved.append((s1, S, y, K))
    ...
    for s1, S, y, K in reversed(saved):
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from revcompile.codegen.coalesce import Groups, loops_of
from revcompile.ir.nodes import Function, Loop, Value

MANY = 4  # lists, from which on one list of tuples reads better

Together = dict[Value, tuple[Value, ...]]  # the lists that are one, by each of them


def saved_together(function: Function, groups: Groups, counts: Counter[Value]) -> Together:
    loops = list(loops_of(function.body))
    reader = {each.args[0]: loop for loop in loops for _, each in loop.each if each.kind.endswith("list")}
    found: Together = {}
    for loop in loops:
        by_reader: dict[int, list[Value]] = {}
        for saved in _there_at_the_end(loop, groups):
            if counts[saved] == 1 and saved in reader:
                by_reader.setdefault(id(reader[saved]), []).append(saved)
        for lists in by_reader.values():
            if len(lists) >= MANY:
                found.update(dict.fromkeys(lists, tuple(lists)))
    return found


def _there_at_the_end(loop: Loop, groups: Groups) -> Iterator[Value]:
    """The lists of what still has its variable when a trip ends as all trips do, in the text's order."""
    if loop.body.yields[-1] is not False or loop.body.raises:
        return
    lists: dict[Value, list[Value]] = {}
    for value, saved in loop.saves:
        if isinstance(value, Value):
            lists.setdefault(value, []).append(saved)
    taken: set[Value] = set()  # the variables that what follows assigns
    there: list[Value] = []
    for s in reversed(loop.body.statements):
        there += [v for v in reversed(s.outputs) if v in lists and groups.find(v) not in taken]
        taken.update(map(groups.find, (*s.outputs, *s.defined)))
    for value in reversed(there):
        yield from lists[value]
