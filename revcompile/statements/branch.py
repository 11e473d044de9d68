"""`if` on a run-time value: its lowering and its reversal; `a if c else b`, `and`, `or` likewise.

Lowering interprets both sides in blocks of their own and joins what they leave behind. The reversal
is a branch on the same condition whose sides are the reversals of the forward sides. A value of a
forward side that its reversal reads becomes one more result of the forward branch (a residual).
Imports the IR; the stages come in as arguments.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from revcompile.errors import UnsupportedError
from revcompile.ir.nodes import (
    UNDEFINED,
    Block,
    Branch,
    Raise,
    Structure,
    Value,
    leaves,
    map_values,
    results,
    scalar_type,
)
from revcompile.ir.types import Array, Facts, Opaque, Scalar, Type
from revcompile.syntax.abstract import Frame, Left, Poison, Returned
from revcompile.syntax.interpreter import Interpreter

MISSING = Poison("is assigned on one side of a branch only")
ASSIGNED = Poison("is assigned by := in a part of an expression that is not always evaluated")


class CannotJoin(Exception):
    """The two sides of a branch leave things of different structure."""


# -- lowering ------------------------------------------------------------------------------------


def lower(low: Interpreter, node: ast.If, frame: Frame, pending: list[ast.stmt]) -> Returned | None:
    test = low.evaluate(node.test, frame)
    if not isinstance(test, Value):
        pending[:0] = node.body if test else node.orelse
        return None
    before = frame.names
    if _may_return(node):
        rest = list(pending)
        pending.clear()

        def side(body: list[ast.stmt]) -> Structure:
            frame.names = dict(before)
            outcome = low.run([*body, *rest], frame)
            return outcome.value if outcome is not None else None

        final = frame.depth == 0 and frame.parent is None  # the user is to get the number as it is
        try:
            return Returned(
                _branch(low, test, lambda: side(node.body), lambda: side(node.orelse), cast=not final)
            )
        except CannotJoin as e:
            raise UnsupportedError(f"the two ways to return do not agree: {e}") from None
    low_then: dict[str, Structure] = {}

    def then() -> Structure:
        frame.names = dict(before)
        low.run(node.body, frame)
        low_then.update(frame.names)

    def orelse() -> Structure:
        frame.names = dict(before)
        low.run(node.orelse, frame)

    frame.names = _branch(low, test, then, orelse, lambda: (low_then, frame.names))
    return None


def choose(
    low: Interpreter,
    frame: Frame,
    test: Structure,
    then: Callable[[], Structure],
    orelse: Callable[[], Structure],
) -> Structure:
    """The value of `then()` or `orelse()`: only the one that `test` picks is evaluated.

    A name that a side assigns (by `:=`) has no single meaning afterwards.
    """
    if not isinstance(test, Value):
        return then() if test else orelse()
    before, assigned = dict(frame.names), dict(frame.names)

    def side(evaluate: Callable[[], Structure]) -> Structure:
        frame.names = dict(before)
        value = evaluate()
        assigned.update({k: ASSIGNED for k, v in frame.names.items() if before.get(k) is not v})
        return value

    try:
        value = _branch(low, test, lambda: side(then), lambda: side(orelse))
    except CannotJoin as e:
        raise UnsupportedError(f"the two sides of this expression do not agree: {e}") from None
    frame.names = assigned
    if low.builder.left:
        raise Left
    return value


def _branch(
    low: Interpreter,
    test: Value,
    then: Callable[[], Structure],
    orelse: Callable[[], Structure],
    names: Callable[[], tuple[dict[str, Structure], dict[str, Structure]]] | None = None,
    cast: bool = True,
) -> Structure:
    """Emit a branch and join the values of its sides (or, with `names`, the names they assign)."""
    if any(d.size not in (None, 1) or (d.size is None and not d.can_be_one) for d in test.type.dims):
        raise ValueError(
            "The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()"
        )
    builder = low.builder
    line = builder.line
    with builder.block() as then_statements:
        a = _unless_left(then)
        then_left = builder.left
    with builder.block() as else_statements:
        b = _unless_left(orelse)
        else_left = builder.left
    pairs: list[tuple[Structure, Structure, Value]] = []
    if names is not None:
        joined: Structure = _join_names(builder.facts, *names(), then_left, else_left, pairs)
    else:
        joined = b if then_left else a if else_left else join(builder.facts, a, b, pairs)
    if not then_left and not else_left:
        left, right, out = zip(*pairs, strict=True) if pairs else ((), (), ())
        if cast:
            left = tuple(alike(low, then_statements, x, v.type) for x, v in zip(left, out, strict=True))
            right = tuple(alike(low, else_statements, x, v.type) for x, v in zip(right, out, strict=True))
    else:  # only one side goes on: its values are the values
        survivors = [v for v in leaves(joined) if _is_inside(v, then_statements + else_statements)]
        fresh = {v: Value(v.type, v.hint) for v in dict.fromkeys(survivors)}
        joined = map_values(lambda v: fresh.get(v, v), joined)
        kept, nothing = tuple(fresh), (UNDEFINED,) * len(fresh)
        left, right, out = (
            (nothing, kept, tuple(fresh.values())) if then_left else (kept, nothing, tuple(fresh.values()))
        )
    builder.statements.append(
        Branch(
            test,
            Block(tuple(then_statements), tuple(left)),
            Block(tuple(else_statements), tuple(right)),
            tuple(out),
            line,
            builder.note,
        )
    )
    if then_left and else_left:
        builder.statements.append(Raise((RuntimeError, ("unreachable",)), line))
    return joined


def alike(low: Interpreter, statements: list[Any], atom: Structure, t: Type) -> Structure:
    """A Python number as a NumPy scalar, at the end of a side, where the other side gives one.

    Otherwise the type of the joined value would be true on one side only.
    """
    have = _type(atom)
    if not isinstance(t, Scalar) or t.dtype.kind != "f":
        return atom
    if not isinstance(have, Array) and not (isinstance(have, Scalar) and have.python and not t.python):
        return atom
    with low.builder.block() as cast:
        number = low.emit(float if t.python else t.dtype.type, atom)
    statements.extend(cast)
    return number


def _unless_left(side: Callable[[], Structure]) -> Structure:
    try:
        return side()
    except Left:
        return None


def _is_inside(value: Value, statements: list[Any]) -> bool:
    return any(value is r for s in statements for r in results(s))


def _may_return(node: ast.AST) -> bool:
    """Whether a `return` of this function stands inside `node`."""
    if isinstance(node, ast.Return):
        return True
    if isinstance(node, (ast.FunctionDef, ast.Lambda)):
        return False
    return any(_may_return(child) for child in ast.iter_child_nodes(node))


def _join_names(
    facts: Facts,
    then: dict[str, Structure],
    orelse: dict[str, Structure],
    then_left: bool,
    else_left: bool,
    pairs: list[tuple[Structure, Structure, Value]],
) -> dict[str, Structure]:
    if then_left or else_left:
        return dict(orelse if then_left else then)
    out: dict[str, Structure] = {}
    for name in dict.fromkeys([*then, *orelse]):
        a, b = then.get(name, MISSING), orelse.get(name, MISSING)
        count = len(pairs)
        try:
            out[name] = join(facts, a, b, pairs, name)
        except CannotJoin as e:
            del pairs[count:]
            out[name] = Poison(f"differs in kind between the sides of a branch: {e}")
    return out


def join(
    facts: Facts,
    a: Structure,
    b: Structure,
    pairs: list[tuple[Structure, Structure, Value]],
    hint: str | None = None,
) -> Structure:
    """One structure for either `a` or `b`; where they differ, a new value, noted in `pairs`."""
    if a is b:
        return a
    if isinstance(a, Poison) or isinstance(b, Poison):
        return a if isinstance(a, Poison) else b
    if type(a) is type(b) and isinstance(a, (tuple, list)) and len(a) == len(b):
        items = [join(facts, x, y, pairs) for x, y in zip(a, b, strict=True)]
        return type(a)(*items) if hasattr(a, "_fields") else type(a)(items)
    if type(a) is type(b) is dict and list(a) == list(b):
        return {k: join(facts, a[k], b[k], pairs) for k in a}
    if not isinstance(a, Value) and not isinstance(b, Value):
        try:
            if type(a) is type(b) and a == b:
                return a
        except Exception:  # an exotic __eq__ is as good as unequal
            pass
    for known_a, known_b, value in pairs:
        if known_a is a and known_b is b and isinstance(a, Value):
            return value
    value = Value(join_types(facts, _type(a), _type(b)), hint)
    if hint is not None:
        value.fold = False
    pairs.append((a, b, value))
    return value


def _type(x: Structure) -> Type:
    if isinstance(x, Value):
        return x.type
    if isinstance(x, (bool, int, float, np.generic)):
        return scalar_type(x)
    kind = "None" if x is None else f"a {type(x).__name__}"
    raise CannotJoin(f"{kind} on one side, something else on the other")


def join_types(facts: Facts, a: Type, b: Type) -> Type:
    """The type of a value that is either."""
    if isinstance(a, Opaque) or isinstance(b, Opaque) or isinstance(a, Array) != isinstance(b, Array):
        raise CannotJoin(f"a {a} on one side, a {b} on the other")
    dtype = a.dtype if a.dtype == b.dtype else np.result_type(a.dtype, b.dtype)
    if isinstance(a, Scalar) and isinstance(b, Scalar) and a.python != b.python:
        strong, weak = (b, a) if a.python else (a, b)
        if strong.dtype.kind == "f" and weak.dtype.kind != "c":
            dtype = strong.dtype  # a Python number takes the precision of what it meets
    if isinstance(a, Scalar) and isinstance(b, Scalar):
        extent = a.extent if a.extent is not None and a.extent == b.extent else None
        return Scalar(dtype, python=a.python and b.python, extent=extent)
    if len(a.dims) != len(b.dims):
        raise CannotJoin(f"a {a} on one side, a {b} on the other")
    dims = []
    for x, y in zip(a.dims, b.dims, strict=True):
        same = facts.same(x, y)
        dims.append(x if same else facts.fresh(maybe_one=x.can_be_one or y.can_be_one))
    return Array(dtype, tuple(dims))


# -- reversal ------------------------------------------------------------------------------------


def reverse(rev: Any, statement: Branch) -> None:
    """Emit the branch that undoes `statement`."""
    outer = dict(rev.adjoints)
    seeds = [rev.adjoints.get(r) for r in statement.results]
    sides: list[tuple[list[Any], dict[Value, Structure]]] = []
    for block in (statement.then, statement.orelse):
        rev.adjoints = {k: v for k, v in outer.items() if k not in statement.results}
        with rev.builder.block() as emitted:
            rev.learn(block)
            for atom, seed in zip(block.yields, seeds, strict=True):
                if seed is not None and isinstance(atom, Value):
                    rev.accumulate(atom, seed, seed in rev.masked)
            rev.block(block.statements)
        sides.append((emitted, rev.adjoints))
    inside = {v for b in (statement.then, statement.orelse) for s in b.statements for v in results(s)}
    changed = [
        v
        for v in dict.fromkeys([*sides[0][1], *sides[1][1]])
        if v not in inside and sides[0][1].get(v) is not sides[1][1].get(v)
    ]
    rev.adjoints = outer
    yields: list[list[Structure]] = [[], []]
    for value in changed:
        for (emitted, adjoints), out in zip(sides, yields, strict=True):
            gradient = adjoints.get(value)
            if gradient is None:
                with rev.builder.block() as zero:
                    gradient = rev.zero(value)
                emitted.extend(zero)
            out.append(gradient)
    new = tuple(
        Value(_joined_gradient(rev, v, a, b), of=v, fold=False)
        for v, a, b in zip(changed, *yields, strict=True)
    )
    for (emitted, _), out in zip(sides, yields, strict=True):
        out[:] = [alike(rev.low, emitted, g, n.type) for g, n in zip(out, new, strict=True)]
    for value, gradient, *parts in zip(changed, new, *yields, strict=True):
        rev.adjoints[value] = gradient
        if any(isinstance(part, Value) and part in rev.masked for part in parts):
            rev.masked.add(gradient)
    then, orelse = (Block(tuple(s), tuple(y)) for (s, _), y in zip(sides, yields, strict=True))
    if then.statements or orelse.statements or new:
        rev.builder.statements.append(Branch(statement.condition, then, orelse, new, statement.line))


def _joined_gradient(rev: Any, value: Value, a: Structure, b: Structure) -> Type:
    """The type of a gradient that comes from either side: a number may be Python's or NumPy's."""
    t = rev.gradient_type(value)
    if not isinstance(t, Scalar):
        return t
    numbers = [Scalar(x.dtype) if isinstance(x, Array) else x for x in (_type(a), _type(b))]
    return join_types(rev.builder.facts, *numbers)


def with_residuals(forward: Branch, read: set[Value]) -> Branch:
    """The forward branch with the inner values that the backward pass reads as further results.

    A residual keeps its identity: the value defined inside is the result seen outside.
    """
    extra: list[tuple[int, Value]] = []
    for side, block in enumerate((forward.then, forward.orelse)):
        for statement in block.statements:
            extra.extend((side, v) for v in results(statement) if v in read and v not in block.yields)
    if not extra:
        return forward
    sides = [list(forward.then.yields), list(forward.orelse.yields)]
    for side, value in extra:
        sides[side].append(value)
        sides[1 - side].append(UNDEFINED)
    return Branch(
        forward.condition,
        replace(forward.then, yields=tuple(sides[0])),
        replace(forward.orelse, yields=tuple(sides[1])),
        (*forward.results, *(v for _, v in extra)),
        forward.line,
    )
