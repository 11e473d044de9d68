"""`if` on a run-time value: its lowering and its reversal; `a if c else b`, `and`, `or` likewise.

Lowering interprets both sides in blocks of their own and joins what they leave behind: names, and what
is in the arrays that exist outside. A side that leaves (`return`, `break`, `continue`) takes the
statements after the `if` with it, up to where the ways meet again. The reversal is a branch on the same
condition whose sides are the reversals of the forward sides.
Imports the IR; the stages come in as arguments.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from revcompile.errors import HostError, UnsupportedError
from revcompile.ir.nodes import (
    UNDEFINED,
    Block,
    Branch,
    Raise,
    Structure,
    Value,
)
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Array, Scalar, Type
from revcompile.statements import either, exits, loop_lists
from revcompile.statements.ahead import calls_for
from revcompile.statements.join import (
    CannotJoin,
    Pair,
    alike,
    join,
    join_gradients,
    join_memory,
    join_names,
    join_returned,
    relate_joined,
    type_of,
    versions,
)
from revcompile.statements.origins import origins
from revcompile.syntax.abstract import Frame, Left, Poison, Returned
from revcompile.syntax.decisions import Decision, Decisions, Restart, Split, TellApart, WriteTwice
from revcompile.syntax.interpreter import Interpreter
from revcompile.syntax.source import Source

ASSIGNED = Poison("is assigned by := in a part of an expression that is not always evaluated")


# What no expression of a statement's own stands in: functions, and what holds no expression at all.
ENDS = (
    ast.Name, ast.Constant, ast.expr_context, ast.operator, ast.unaryop, ast.cmpop,
    ast.Lambda, ast.ListComp, ast.DictComp, ast.GeneratorExp, ast.SetComp,
)  # fmt: skip
FORKED = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.Expr)
_conditional: WeakKeyDictionary[ast.AST, bool] = WeakKeyDictionary()  # statements do not change


class Fork(ast.If):
    """A statement written twice, for the two sides of an expression in it that do not agree."""


def fork(statement: ast.stmt, frame: Frame, decisions: Decisions) -> ast.stmt:
    """`y = f(a if c else b)` as `if c: y = f(a)`, `else: y = f(b)`, where that was decided."""
    if may_fork(statement, frame.source):
        for node in _own_expressions(statement):
            if fork_decision(node, frame) in decisions:
                then, orelse = _sides(node)
                test = node.test if isinstance(node, ast.IfExp) else node.values[0]  # type: ignore[attr-defined]
                either = Fork(test, [_replaced(statement, node, then)], [_replaced(statement, node, orelse)])
                return ast.copy_location(either, node)
    return statement


def may_fork(statement: ast.stmt, source: Source) -> bool:
    """Whether a statement is one with conditional expressions."""
    if not source.may_have("if", "and", "or"):
        return False
    known = _conditional.get(statement)
    if known is None:
        known = isinstance(statement, FORKED) and next(_own_expressions(statement), None) is not None
        _conditional[statement] = known
    return known


def fork_late(
    low: Interpreter, statement: ast.stmt, frame: Frame, pending: list[ast.stmt], act: Callable[[], Any]
) -> Any:
    """Interpret such a statement, by `act`; or decide, where it turns out that it must be written twice."""
    ways = frozenset(fork_decision(node, frame) for node in _own_expressions(statement))
    undo = low.undo(frame)
    try:
        outcome = act()
    except Restart as restart:
        if not restart.decisions <= ways or not low.decisions.may_make(*restart.decisions):
            raise
        undo()
        low.decisions.update(restart.decisions)
        pending.insert(0, statement)
        return None
    low.decisions.miss(*ways)
    return outcome


def fork_decision(node: ast.expr, frame: Frame) -> WriteTwice:
    return WriteTwice((*frame.key(node), type(node).__name__))


def _sides(node: ast.AST) -> tuple[ast.expr, ast.expr]:
    if isinstance(node, ast.IfExp):
        return node.body, node.orelse
    assert isinstance(node, ast.BoolOp)
    first, *others = node.values
    rest = others[0] if len(others) == 1 else ast.copy_location(ast.BoolOp(node.op, others), others[0])
    return (rest, first) if isinstance(node.op, ast.And) else (first, rest)


def _own_expressions(node: ast.AST) -> Iterator[ast.expr]:
    """The conditional expressions of a statement that are evaluated in it, the outermost first."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.IfExp, ast.BoolOp)):
            yield child
        if not isinstance(child, ENDS):
            yield from _own_expressions(child)


def _replaced(node: Any, old: ast.AST, new: ast.AST) -> Any:
    """A copy of a tree with another node in place of one."""
    if node is old:
        return new
    if isinstance(node, list):
        return [_replaced(item, old, new) for item in node]
    if not isinstance(node, ast.AST) or not any(inner is old for inner in ast.walk(node)):
        return node
    fields = {name: _replaced(field, old, new) for name, field in ast.iter_fields(node)}
    return ast.copy_location(type(node)(**fields), node)


# -- lowering ------------------------------------------------------------------------------------


def lower(low: Interpreter, node: ast.If, frame: Frame, pending: list[ast.stmt]) -> Returned | None:
    test = low.decisive(low.evaluate(low.condition(node.test, frame), frame))
    if not isinstance(test, Value):
        pending[:0] = node.body if test else node.orelse
        return None
    decision = Split(frame.key(node))
    count = len(pending) if decision in low.decisions or isinstance(node, Fork) else 0
    if any(exits.kinds(node)):
        count = max(count, exits.until_joined(node, pending))
    rest, pending[:count] = pending[:count], []
    undo = low.undo(frame)
    before = frame.names
    final = frame.depth == 0 and frame.parent is None  # the user is to get the number as it is
    outcomes: list[Returned | None] = []

    def side(body: list[ast.stmt]) -> Structure:
        frame.names = dict(before)
        outcome = low.run([*body, *rest], frame)
        outcomes.append(outcome)
        return frame.names, outcome.value if outcome is not None else None

    def meet(a: Structure, b: Structure, pairs: list[Pair]) -> Structure:
        ends = not pending and any(outcomes)  # the function is left on both sides, or at its end
        try:
            joined = join if final else join_returned
            value = joined(low, a[1], b[1], pairs) if ends else None
        except CannotJoin as e:
            raise UnsupportedError(f"the two ways to return do not agree: {e}") from None
        names = {} if ends else join_names(low, a[0], b[0], pairs, decision)
        if low.decisions.may_make(decision) and calls_for(decision, names, pending):
            raise Restart(decision)
        return names, value

    try:
        frame.names, value = _branch(
            low,
            test,
            lambda: side(node.body),
            lambda: side(node.orelse),
            meet,
            cast=not (final and any(outcomes)),
            decision=decision,
        )
    except Restart as restart:
        if restart.decisions != {decision} or not low.decisions.may_make(decision):
            raise
        undo()
        low.decisions.make(decision)
        again = ast.If(exits.Known(test, node.test), node.body, node.orelse)
        pending[:0] = [ast.copy_location(again, node), *rest]
        return None
    low.decisions.miss(decision)
    if low.builder.left:
        return None
    return Returned(value) if any(outcomes) else None


def choose(
    low: Interpreter,
    frame: Frame,
    test: Structure,
    then: Callable[[], Structure],
    orelse: Callable[[], Structure],
    decision: Decision | None = None,
) -> Structure:
    """The value of `then()` or `orelse()`: only the one that `test` picks is evaluated.

    A name that a side assigns (by `:=`) has no single meaning afterwards.
    """
    test = low.decisive(test)
    if not isinstance(test, Value):
        return then() if test else orelse()
    before, assigned = dict(frame.names), dict(frame.names)

    def side(evaluate: Callable[[], Structure]) -> Structure:
        frame.names = dict(before)
        try:
            value = evaluate()
        except HostError as e:
            if frame.is_rule:
                raise
            low.raise_there(e, frame.source.node)
            raise Left from None
        assigned.update({k: ASSIGNED for k, v in frame.names.items() if before.get(k) is not v})
        return value

    def meet(a: Structure, b: Structure, pairs: list[Pair]) -> Structure:
        return join(low, a, b, pairs)

    try:
        value = _branch(low, test, lambda: side(then), lambda: side(orelse), meet, decision=decision)
    except CannotJoin as e:
        if decision is not None and decision not in low.decisions:
            raise Restart(decision) from None
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
    meet: Callable[[Structure, Structure, list[Pair]], Structure],
    cast: bool = True,
    decision: Decision | None = None,
) -> Structure:
    """Emit a branch and join what its sides give, by `meet`, and what they did to arrays and containers."""
    if any(d.size not in (None, 1) or (d.size is None and not d.can_be_one) for d in test.type.dims):
        said = "The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()"
        raise HostError(ValueError(said))
    builder = low.builder
    line, test, before, contents = builder.line, low.resolve(test), low.memory, low.mutables.save()
    ends, changes = [], []
    for side in (then, orelse):
        low.memory = before.fork()
        with builder.block() as statements, low.mutables.way(contents) as changed:
            value = _unless_left(side)
            ends.append((value, statements, builder.left, low.memory))
        changes.append(changed)
    (a, then_statements, then_left, then_memory), (b, else_statements, else_left, else_memory) = ends
    if then_left or else_left:  # what goes on needs no block of its own
        low.memory = else_memory if then_left else then_memory
        (held,) = low.mutables.meeting(contents, [changes[then_left]], decision)
        low.mutables.settle(held)
        sides = [
            Block(tuple(statements) if gone else ())
            for statements, gone in ((then_statements, then_left), (else_statements, else_left))
        ]
        builder.statements.append(Branch(test, sides[0], sides[1], (), line, builder.note))
        if then_left and else_left:
            builder.statements.append(Raise((RuntimeError, ("unreachable",)), line))
        else:
            builder.statements.extend(else_statements if then_left else then_statements)
        return b if then_left else a
    inside = {v for s in then_statements for v in s.defined} | {v for s in else_statements for v in s.defined}
    pairs: list[Pair] = []
    low.mutables.decision = decision
    with low.mutables.joining(changes):
        joined = meet(a, b, pairs)
    first, second = low.mutables.meeting(contents, changes, decision)
    held = join_names(low, first, second, pairs, decision)
    ways = (then_memory, else_memory)
    low.memory, stored = join_memory(low, before, ways, inside)
    low.mutables.settle(held)
    relate_joined(low.memory, pairs, ways, inside, decision)
    if TellApart() in low.decisions:
        either.note(low.memory, test, pairs, ways, inside)
    sides = []
    for i, statements in enumerate((then_statements, else_statements)):
        atoms = [pair[i] for pair in pairs]
        now = versions(low, [a for a in atoms if a is not UNDEFINED], statements, ways[i])
        atoms = [
            *(now.get(a, a) if isinstance(a, Value) else a for a in atoms),
            *(pair[i] for pair in stored),
        ]
        results = [pair[2] for pair in (*pairs, *stored)]
        if cast:
            atoms = [alike(low, statements, x, new.type) for x, new in zip(atoms, results, strict=True)]
        sides.append(Block(tuple(statements), tuple(atoms)))
    builder.statements.append(Branch(test, sides[0], sides[1], tuple(results), line, builder.note))
    return joined


def on_either_side(
    low: Interpreter, test: Value, then: Callable[[], Structure], orelse: Callable[[], Structure]
) -> None:
    """Do one of two things to arrays that there are."""
    _branch(low, test, then, orelse, lambda *_: None)


def _unless_left(side: Callable[[], Structure]) -> Structure:
    try:
        return side()
    except Left:
        return None


# -- reversal ------------------------------------------------------------------------------------


def reverse(rev: Any, statement: Branch) -> None:
    """Emit the branch that undoes `statement`."""
    outer, now = dict(rev.adjoints), dict(rev.memory.now)
    seeds = [rev.adjoints.get(r) for r in statement.results]
    written = written_arrays(statement)
    sides: list[tuple[list[Any], dict[Value, Structure], list[Structure]]] = []
    lists, lists_after = rev.lists, []
    for block in (statement.then, statement.orelse):
        rev.lists = loop_lists.handed_on(lists, block, statement.results)
        rev.adjoints = {k: v for k, v in outer.items() if k not in statement.results}
        rev.memory.now = dict(now)
        with rev.builder.block() as emitted:
            rev.learn(block)
            for atom, result, seed in zip(block.yields, statement.results, seeds, strict=False):
                if seed is not None and isinstance(atom, Value):
                    rev.hand_on(atom, seed)
                if result in written and isinstance(atom, Value):
                    rev.memory.now[atom] = now.get(result, result)
            if not block.raises:  # from there, nothing comes back
                rev.block(block.statements)
        lists_after.append(rev.lists)
        sides.append((emitted, rev.adjoints, [rev.memory.now.get(v, v) for v in written.values()]))
    inside = {*statement.then.defined, *statement.orelse.defined}
    changed = [
        v
        for v in dict.fromkeys([*sides[0][1], *sides[1][1]])
        if v not in inside and sides[0][1].get(v) is not sides[1][1].get(v)
    ]
    rev.adjoints, rev.memory.now = outer, now
    yields: list[list[Structure]] = [[], []]
    for value in changed:
        for (emitted, adjoints, _), out in zip(sides, yields, strict=True):
            gradient = adjoints.get(value)
            if gradient is None:
                with rev.builder.block() as zero:
                    gradient = rev.zero(value)
                emitted.extend(zero)
            out.append(gradient)
    new = tuple(
        rev.table.new(_joined_gradient(rev, v, a, b), of=v) for v, a, b in zip(changed, *yields, strict=True)
    )
    for (emitted, _, contents), out in zip(sides, yields, strict=True):
        out[:] = [alike(rev.low, emitted, g, n.type) for g, n in zip(out, new, strict=True)]
        out.extend(contents)
    rev.adjoints.update(zip(changed, new, strict=True))
    restored = tuple(rev.table.like(v, fold=False) for v in written.values())
    rev.memory.now.update(zip(written.values(), restored, strict=True))
    rev.lists, given = loop_lists.of_either(rev, lists, tuple(lists_after))
    for _, *ends in given:
        for out, end in zip(yields, ends, strict=True):
            out.append(end)
    then, orelse = (Block(tuple(s), tuple(y)) for (s, _, _), y in zip(sides, yields, strict=True))
    results = (*new, *restored, *(items for items, *_ in given))
    if then.statements or orelse.statements or results:
        rev.builder.statements.append(Branch(statement.condition, then, orelse, results, statement.line))


def written_arrays(branch: Branch) -> dict[Value, Value]:
    """The results that are arrays from outside with other elements: result → the array before."""
    if not any(isinstance(r.type, Array) for r in branch.results):
        return {}
    made = origins((branch,))
    inside = {*branch.then.defined, *branch.orelse.defined} - set(branch.results)
    return {r: made[r] for r in branch.results if r in made and made[r] not in inside}


def _joined_gradient(rev: Any, value: Value, a: Structure, b: Structure) -> Type:
    """The type of a gradient that comes from either side: a number may be Python's or NumPy's."""
    t = rev.gradient_type(value)
    if not isinstance(t, Scalar):
        return t
    numbers = [Scalar(x.dtype) if isinstance(x, Array) else x for x in (type_of(a), type_of(b))]
    return join_gradients(rev.builder.facts, *numbers)


def residuals_of(branch: Branch) -> Iterator[tuple[int, Value, int]]:
    """The results that are what one side has computed, where that has: their places, and which side it is."""
    for side, block in enumerate(branch.blocks):
        for i, (end, result) in enumerate(zip(block.yields, branch.results, strict=False)):
            if end is result:
                yield i, result, side


def with_residuals(
    forward: Branch, read: set[Value], nothing: Structure, otherwise: Mapping[Value, Value]
) -> Branch:
    """The forward branch with the inner values that the backward pass reads as further results.

    A residual keeps its identity: the value defined inside is the result seen outside. On the other side
    it is what stands for it in `otherwise`, or `nothing`.
    """
    extra: list[tuple[int, Value]] = []
    for side, block in enumerate((forward.then, forward.orelse)):
        for statement in block.statements:
            extra.extend((side, v) for v in statement.outputs if v in read and v not in block.yields)
    sides = [list(forward.then.yields), list(forward.orelse.yields)]
    for i, result, side in residuals_of(forward):
        if result in otherwise or sides[1 - side][i] is UNDEFINED:
            sides[1 - side][i] = otherwise.get(result, nothing)
    for side, value in extra:
        sides[side].append(value)
        sides[1 - side].append(otherwise.get(value, nothing))
    return Branch(
        forward.condition,
        replace(forward.then, yields=tuple(sides[0])),
        replace(forward.orelse, yields=tuple(sides[1])),
        (*forward.results, *(v for _, v in extra)),
        forward.line,
    )
