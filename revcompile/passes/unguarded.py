"""Code for Python's numbers alone takes no care of zeros: where a number would be infinite, `math` raises.

Before:                                  After:
    if grad_y != 0:                          grad_x = grad_y / x
        grad_x = grad_y / x                  if grad_x != grad_x: raise OverflowError
    else:
        grad_x = grad_y

A product that overflows raises nothing: a zero that meets it is NaN, and so is what the function gives.

`scalar_math` leaves the guards out, where this room says so. The text that runs where `math` has raised has
them.
"""

from __future__ import annotations

from collections.abc import Sequence

from revcompile.dataflow.knowledge import has_arrays
from revcompile.gates.effects import numbers_
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import (
    Apply,
    Block,
    Branch,
    Function,
    Value,
    leaves,
)
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Scalar, is_float


def of_numbers_alone(primals: Sequence[Function], functions: Sequence[Function]) -> bool:
    """Whether there are no arrays in functions, and what the primals are given are numbers of Python's."""
    given = (v for f in primals for p in f.parameters for v in leaves(p.structure))
    return not any(map(_is_numpy, given)) and not has_arrays((*primals, *functions))


def _is_numpy(v: Value) -> bool:
    return isinstance(v.type, Scalar) and not v.type.python


def has_guards(block: Block) -> bool:
    branches = any(isinstance(s, Branch) and s.guards for s in block.statements)
    return branches or any(has_guards(inner) for s in block.statements for inner in s.blocks)


def looking_at_gradients(function: Function) -> Function:
    """The function, which raises where one of its gradients is NaN, before these become Python's numbers."""
    if function.called:
        return function
    statements = function.body.statements
    gradients = dict.fromkeys(v for v in leaves(function.body.yields[0][2]) if is_float(v.type))
    read = {v for s in statements for v in s.uses}
    casts = {s.result: s for s in statements if isinstance(s, Apply) and TABLE[s.function].casts and s.inputs}
    casts = {v: s for v, s in casts.items() if v in gradients and v not in read}
    looked_at = tuple(casts[v].inputs[0] if v in casts else v for v in gradients)
    if not looked_at:
        return function
    others = [s for s in statements if s not in casts.values()]
    look = Apply(numbers_, (looked_at,), None)
    return replace(function, body=replace(function.body, statements=(*others, look, *casts.values())))
