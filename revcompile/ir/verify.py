"""The rules that every function of the IR keeps; a test run checks them after each stage.

- A value is defined before it is read, on every way to the reader.
- A value is assigned once. (A residual, a value of a branch's side that is also a result of the branch,
  counts as one: the result is the value itself.)
- Each side of a branch yields one atom for each result, of the result's rank; a trip of a loop one for
  each value that it carries, and whether to stop.
"""

from __future__ import annotations

from typing import Any

from revcompile.ir.nodes import (
    EMPTY,
    UNDEFINED,
    Block,
    Branch,
    Function,
    Loop,
    Value,
    leaves,
)

NOTHING = (None, UNDEFINED, EMPTY)  # what has no rank
enabled = False  # switched on by the tests


class InvalidIR(AssertionError):
    """A stage made a function that breaks the rules above: a defect of the compiler."""


def check(function: Function, stage: str, known: tuple[Value, ...] = ()) -> Function:
    """`function` itself, checked if checking is switched on. `known` are values defined outside."""
    if enabled:
        defined = {v for p in function.parameters for v in leaves(p.structure)} | set(known)
        try:
            _check_block(function.body, defined)
        except InvalidIR as e:
            raise InvalidIR(f"after {stage}: {e}") from None
    return function


def is_whole(function: Function, known: tuple[Value, ...] = ()) -> bool:
    """Whether each value is defined where it is read."""
    try:
        _check_block(
            function.body, {v for p in function.parameters for v in leaves(p.structure)} | set(known)
        )
    except InvalidIR:
        return False
    return True


def _check_block(block: Block, defined: set[Value]) -> None:
    for statement in block.statements:
        for value in statement.inputs:
            if value not in defined:
                raise InvalidIR(f"{value!r} is read before it is defined, in {statement}")
        inner: set[Value] = set()
        if isinstance(statement, Branch):
            inner = _check_branch(statement, defined)
        elif isinstance(statement, Loop):
            _check_loop(statement, defined)
        given: set[Value] = set()
        for value in statement.outputs:
            if value in given or (value in defined and value not in inner):
                raise InvalidIR(f"{value!r} is assigned twice")
            given.add(value)
        defined |= given
    for value in leaves(block.yields):
        if value not in defined:
            raise InvalidIR(f"{value!r} is yielded but not defined")


def _check_branch(branch: Branch, defined: set[Value]) -> set[Value]:
    inner: set[Value] = set()
    for block in (branch.then, branch.orelse):
        if not block.raises and len(block.yields) != len(branch.results):
            raise InvalidIR(f"{len(block.yields)} yields for {len(branch.results)} results")
        here = set(defined)
        _check_block(block, here)
        inner |= here - defined
        for atom, result in zip(block.yields, branch.results, strict=False):
            if atom not in NOTHING and _rank(atom) != _rank(result):
                raise InvalidIR(f"a side of a branch yields {atom!r} for {result!r}")
    return inner


def _check_loop(loop: Loop, defined: set[Value]) -> None:
    here = set(defined)
    for value in loop.bound:
        if value in here:
            raise InvalidIR(f"{value!r} is assigned twice")
        here.add(value)
    for block in loop.blocks:
        _check_block(block, here)
    if not len(loop.inits) == len(loop.params) == len(loop.results) == len(loop.body.yields) - 1:
        if not loop.body.raises:
            raise InvalidIR(f"{len(loop.body.yields)} yields for {len(loop.results)} results of a loop")
    for init, param, end in zip(loop.inits, loop.params, loop.body.yields, strict=False):
        for atom in (init, end):
            if atom not in NOTHING and _rank(atom) != _rank(param):
                raise InvalidIR(f"a loop carries {atom!r} as {param!r}")
    for value, _ in loop.saves:
        if isinstance(value, Value) and value not in here:
            raise InvalidIR(f"{value!r} is kept but not defined")


def _rank(atom: Any) -> int:
    """NumPy takes a 0-d array and a scalar for one another, and so do we."""
    return len(atom.type.dims) if isinstance(atom, Value) else 0
