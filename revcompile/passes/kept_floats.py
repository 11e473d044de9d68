"""The numbers of the states that a loop keeps: what is given again is read as what was kept.

Before:                                  After, on `math`:
    saved_x.append(x)  # Python's            saved_x.append(x)
    x = saved_x.pop(advance)  # NumPy's         x = saved_x.pop(advance)  # Python's; so it is in `advance`

For `scalar_math`. Imports the IR.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from revcompile.gates.halves import Pair
from revcompile.ir.nodes import Apply, Block, Structure, Value, map_values, substitute
from revcompile.ir.rebuild import replace
from revcompile.ir.types import FLOAT, Scalar
from revcompile.ir.values import ValueTable


def as_kept(s: Apply, kept: Sequence[Structure], table: ValueTable) -> tuple[Apply, dict[Value, Value]]:
    """What gives a state again, and what stands for its NumPy scalars where Python's numbers were `kept`."""
    new = {
        v: table.like(v, FLOAT)
        for v, x in zip(s.outputs, kept, strict=True)
        if is_python(x) and not is_python(v)
    }
    if not new:
        return s, new
    states, half, given = s.args
    advance = _of_python(half.pair, [v in new for v in s.outputs], len(given))
    result = map_values(lambda v: new.get(v, v), s.result)
    return replace(s, args=(states, advance.primal, given), result=result), new


def _of_python(advance: Pair, chosen: Sequence[bool], given: int) -> Pair:
    """The function whose states have Python's numbers where these are chosen."""
    function = advance.function
    assert function is not None
    table = function.table
    state = advance.parameters[len(advance.parameters) - given - len(chosen) :]
    new = {p: table.like(p, FLOAT) for p, one in zip(state, chosen, strict=False) if one}
    body = substitute(function.body, new)
    casts: list[Apply] = []
    ends: list[Structure] = []
    for end, one in zip(body.yields[0], chosen, strict=True):
        if one:
            casts.append(
                Apply(
                    float,
                    (end,),
                    table.like(end, FLOAT, fold=True) if isinstance(end, Value) else Value(FLOAT),
                )
            )
        ends.append(casts[-1].result if one else end)
    parameters = tuple(replace(p, structure=new.get(p.structure, p.structure)) for p in function.parameters)
    body = Block((*body.statements, *casts), (tuple(ends),))
    made = replace(function, parameters=parameters, body=body)
    return Pair(advance.name, tuple(p.structure for p in parameters), made)


def as_numpys(s: Apply, table: ValueTable) -> tuple[list[Apply], dict[Value, Value]]:
    """What gives a state again, and makes NumPy's of Python's floats; and what stands for these then."""
    floats = [v for v in s.outputs if v.type == FLOAT]
    given = {v: table.like(v) for v in floats}
    new = {v: table.like(v, Scalar(FLOAT.dtype), fold=False) for v in floats}
    casts = [Apply(np.float64, (given[v],), new[v]) for v in floats]
    return [replace(s, result=map_values(lambda v: given.get(v, v), s.result)), *casts], new


def is_python(atom: Structure) -> bool:
    """Whether it is a number of Python's."""
    if not isinstance(atom, Value):
        return type(atom) in (int, float)
    return isinstance(atom.type, Scalar) and atom.type.python and atom.type.dtype.kind in "fi"
