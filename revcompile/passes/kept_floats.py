"""The numbers of the states that a loop keeps: what is given again is read as what was kept.

Before:                                  After, on `math`:
    saved_x.keep(x)  # Python's              saved_x.keep(x)
    back = saved_x.backwards(r, advance)     back = saved_x.backwards(r, advance)
    x = next(back)  # NumPy's                x = next(back)  # Python's; so it is in `advance`

For `scalar_math`. Imports the IR.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from revcompile.gates.halves import Pair
from revcompile.ir.nodes import Apply, Block, Loop, Structure, Value, map_values
from revcompile.ir.rebuild import replace
from revcompile.ir.renaming import substitute
from revcompile.ir.types import FLOAT, Scalar
from revcompile.ir.values import ValueTable


def as_kept(s: Apply, kept: Sequence[Structure], table: ValueTable) -> tuple[Apply, dict[Value, Value]]:
    """What gives a state again, and what stands for its NumPy scalars where Python's numbers were `kept`."""
    new = {v: table.like(v, FLOAT) for v, x in zip(s.outputs, kept, strict=True) if _is_kept_as(x, v)}
    return replace(s, result=map_values(lambda v: new.get(v, v), s.result)), new


def of_kept(s: Apply, kept: Sequence[Structure]) -> Apply:
    """What gives the states backwards, where Python's numbers were `kept`: so it is in `advance`."""
    *before, half, given = s.args
    pair, count = half.pair, len(half.pair.parameters) - len(given)
    state = pair.parameters[count - len(kept) : count]
    new = {
        p: pair.function.table.like(p, FLOAT) for p, x in zip(state, kept, strict=True) if _is_kept_as(x, p)
    }
    return replace(s, args=(*before, _of_python(pair, new).primal, given)) if new else s


def _is_kept_as(kept: Structure, v: Value) -> bool:
    """Whether a number of Python's is kept for one of NumPy's."""
    return is_python(kept) and not is_python(v)


def _of_python(advance: Pair, new: dict[Value, Value]) -> Pair:
    """The function that takes Python's numbers for some of its parameters, and gives such states."""
    function = advance.function
    assert function is not None
    (loop,) = function.body.statements
    assert isinstance(loop, Loop)
    give, *rest = loop.body.statements
    casts = {
        p: Apply(float, (p,), function.table.like(p, FLOAT, fold=True))
        for p, begin in zip(loop.params, loop.inits, strict=True)
        if begin in new
    }
    (give,) = substitute(Block((give,)), {p: s.result for p, s in casts.items()}).statements
    loop = replace(loop, body=replace(loop.body, statements=(*casts.values(), give, *rest)))
    parameters = tuple(replace(p, structure=new.get(p.structure, p.structure)) for p in function.parameters)
    body = substitute(replace(function.body, statements=(loop,)), new)
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
