"""Which of the things that a trip of a loop saves are kept together, as one tuple a trip in one list.

They are many, are all there when the trip ends, and one reversed loop goes through all of them:

    saved.append((s1, S, y, K))
    ...
    for s1, S, y, K in reversed(saved):

Where a loop around keeps their lists, and a reversed one hands them on, it is one list that is kept there.
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
    readers = {
        each.args[0]: (loop, item)
        for loop in loops
        for item, each in loop.each
        if each.kind.endswith("list") and counts[each.args[0]] == 1
    }
    kept = {
        v: (loop, saved) for loop in loops for v, saved in _there_at_the_end(loop, groups) if counts[v] == 1
    }
    ways: dict[tuple[int, ...], list[list[Value]]] = {}
    for loop in loops:
        for _, saved in _there_at_the_end(loop, groups):
            lists, through = [saved], [loop]
            while lists[-1] in kept:
                around, of_lists = kept[lists[-1]]
                through.append(around)
                lists.append(of_lists)
            for _ in range(len(lists)):
                if lists[-1] not in readers:
                    break
                reader, item = readers[lists[-1]]
                through.append(reader)
                lists.append(item)
            else:
                ways.setdefault(tuple(map(id, through)), []).append(lists[:-1])
    found: Together = {}
    for way in sorted(ways, key=len, reverse=True):
        alike = [lists for lists in ways[way] if found.keys().isdisjoint(lists)]
        if len(alike) >= MANY:
            for one in zip(*alike, strict=True):
                found.update(dict.fromkeys(one, one))
    return found


def _there_at_the_end(loop: Loop, groups: Groups) -> Iterator[tuple[Value, Value]]:
    """What still has its variable when a trip ends as all trips do, in the text's order, and its lists."""
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
        yield from ((value, saved) for saved in lists[value])
