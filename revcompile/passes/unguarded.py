"""Code for Python's numbers alone takes no care of zeros: where a number would be infinite, `math` raises.

Before:                                  After:
    if grad_y != 0:                          grad_x = grad_y / x
        grad_x = grad_y / x
    else:
        grad_x = grad_y

The text that runs where `math` has raised is made of what this pass is given, not of what it gives.
"""

from __future__ import annotations

from collections.abc import Iterable

from revcompile.ir.nodes import (
    Apply,
    Block,
    Branch,
    Function,
    Statement,
    Structure,
    Value,
    applications,
    leaves,
)
from revcompile.ir.types import Array, Scalar
from revcompile.passes.walk import Walk


def of_numbers_alone(primals: Iterable[Function], functions: Iterable[Function]) -> bool:
    """Whether there are no arrays in functions, and what the primals are given are numbers of Python's."""
    given = [v for f in primals for p in f.parameters for v in leaves(p.structure)]
    values = [*given, *(v for f in functions for s in applications(f.body) for v in (*s.inputs, *s.outputs))]
    return not any(isinstance(v.type, Array) for v in values) and not any(map(_is_numpy, given))


def _is_numpy(v: Value) -> bool:
    return isinstance(v.type, Scalar) and not v.type.python


def without_guards(function: Function) -> Function:
    if not _has_guards(function.body):
        return function
    return _Unguarded(_keep, function.table).function(function)


def _has_guards(block: Block) -> bool:
    branches = any(isinstance(s, Branch) and s.guards for s in block.statements)
    return branches or any(_has_guards(inner) for s in block.statements for inner in s.blocks)


def _keep(statement: Apply, out: list[Statement]) -> Structure | None:
    return None


class _Unguarded(Walk):
    def _branch(self, statement: Branch, out: list[Statement]) -> None:
        if not statement.guards:
            super()._branch(statement, out)
            return
        then = self.block(statement.then)
        out.extend(then.statements)
        self.replaced.update(zip(statement.results, then.yields, strict=True))
