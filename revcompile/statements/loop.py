"""`for` and `while`: their lowering.

A loop over what is known while compiling is written out, trip by trip. Any other is interpreted once, with
new values for all that it carries from trip to trip: the names that its body assigns, and the arrays that
it writes. What these are, and their types, is found by trying: a trial that finds more, or wider types,
begins again. The reversal is in `loop_reverse.py`. Imports the IR and the interpreter's interface.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from revcompile.errors import UnsupportedError
from revcompile.ir.nodes import (
    Each,
    Structure,
    Value,
)
from revcompile.ir.rebuild import replace
from revcompile.ir.types import INT
from revcompile.statements import exits, simple
from revcompile.statements.ahead import calls_for
from revcompile.statements.beginnings import first_guess
from revcompile.statements.carried import Trial
from revcompile.statements.exits import (
    BROKEN,
    NOTES,
    RESULT,
    RETURNED,
    STOP,
    EndBody,
    EndLoop,
    Known,
    NextTrip,
    first_return,
)
from revcompile.statements.iterables import Bar, Iteration
from revcompile.statements.learnt import Learnt
from revcompile.syntax.abstract import Frame, Poison
from revcompile.syntax.decisions import LOOP_FORMS, Grow, Peel, Restart, TestInside, Unroll
from revcompile.syntax.interpreter import Interpreter
from revcompile.syntax.mutable import same

Pending = list[ast.stmt]
Behind = tuple[Any, bool, Callable[[Any], list[Any]]]  # a container, whether from its end, its items
MAX_TRIALS = 12
MAX_WRITTEN_OUT = 2_000
END = object()
MAX_TRIPS = 100  # of a `while` that is written out


class Rest(exits.Mark):
    """The trips of a loop after its first, which was written out."""

    _fields: ClassVar[tuple[str, ...]] = ("loop",)

    def __init__(self, loop: ast.For, iteration: Iteration) -> None:
        self.loop, self.iteration = loop, iteration
        ast.copy_location(self, loop)


# -- for -------------------------------------------------------------------------------------------


def lower_for(low: Interpreter, node: ast.For, frame: Frame, pending: Pending) -> None:
    source, test = low.made_ahead(node.iter, frame)
    key = frame.key(node)
    iteration = low.iteration(source, node, frame) if not frame.is_rule else None
    if isinstance(source, range) and not frame.is_rule and Unroll(key) not in low.decisions:
        iteration = low.iteration_of_range(source)
    if iteration is not None and test is not None:
        iteration = iteration.tested(test)
    if iteration is None and hasattr(source, "__next__"):
        _go_on(low, node, source, frame, pending)
    elif iteration is None:
        items = list(low.iterate(source, node.iter, frame))
        _check_trips(len(items))
        behind = [] if test is not None else [(source, False, list), *_behind(low, node.iter, frame)]
        look = partial(
            _look, [(*each, each[2](each[0])) for each in behind if isinstance(each[0], (list, dict))]
        )
        trips = [_tested_trip(node, item, test, partial(look, i)) for i, item in enumerate(items)]
        _write_out(node, trips, pending, NextTrip(node, make=partial(look, len(items))))
    else:
        _go_through(low, node, iteration, frame, pending)
    if isinstance(iteration, Bar):
        pending.insert(0, NextTrip(node, make=iteration.close))


def _go_through(
    low: Interpreter, node: ast.For, iteration: Iteration, frame: Frame, pending: Pending
) -> None:
    key = frame.key(node)
    if Unroll(key) in low.decisions:
        n = low.known_number(iteration.length(), "as how often this loop runs")
        _check_trips(n)
        _write_out(node, [_trip(node, iteration, i) for i in range(n)], pending)
    elif Peel(key) in low.decisions:
        _peel_for(low, node, iteration, pending)
    elif not _stays(low, node, frame, partial(_for_loop, low, node, iteration, frame, pending)):
        _go_through(low, node, iteration, frame, pending)


def _stays(low: Interpreter, node: ast.For | ast.While, frame: Frame, act: Callable[[], None]) -> bool:
    """Lower a loop as one, by `act`. False if it turns out that it must be another, which is decided then."""
    ways = frozenset(form(frame.key(node)) for form in LOOP_FORMS)
    names, unset, grown = frame.names, set(frame.unset), low.decisions.of_kind(Grow)
    try:
        with low.tentatively():
            act()
    except Restart as restart:
        if not restart.decisions <= ways or not low.decisions.may_make(*restart.decisions):
            raise
        if grown:  # which may not be so where this is written out
            raise
        low.decisions.difference_update(low.decisions.of_kind(Grow))
        for decision in restart.decisions:
            low.decisions.make(decision)
        frame.names, frame.unset = names, unset
        return False
    low.decisions.miss(*ways)
    return True


def _trip(node: ast.For, iteration: Iteration, i: int) -> NextTrip:
    return NextTrip(node, node.target, make=lambda: iteration.item(i))


def _go_on(low: Interpreter, node: ast.For, iterator: Any, frame: Frame, pending: Pending) -> None:
    """One trip, and what an iterator gives after it."""
    key = frame.key(node)
    low.written_out[key] = low.written_out.get(key, 0) + 1
    _check_trips(low.written_out[key])
    item = next(low.begun(iterator), END)
    if item is END:
        pending[:0] = node.orelse
        return
    later = ast.copy_location(ast.For(node.target, Known(iterator, node.iter), node.body, node.orelse), node)
    pending[:0] = [NextTrip(node, node.target, item), *node.body, NextTrip(node), later, EndLoop(node, [])]


def _tested_trip(
    node: ast.For, item: Structure, test: Callable[[], None] | None, look: Callable[[], None]
) -> NextTrip:
    def make() -> Structure:
        if test is not None:
            test()
        look()
        return item

    return NextTrip(node, node.target, make=make)


def _behind(low: Interpreter, node: ast.expr, frame: Frame, turned: bool = False) -> list[Behind]:
    """The containers that `enumerate(xs)`, `zip(xs, ys)`, `reversed(xs)`, `d.items()` go through."""
    if isinstance(node, (ast.Name, ast.Attribute)):
        return [(low.evaluate(node, frame), turned, list)]
    if not isinstance(node, ast.Call) or frame.is_rule:
        return []
    function = node.func
    if isinstance(function, ast.Attribute) and function.attr in ("items", "values"):
        owners = _behind(low, function.value, frame, turned)
        return [(owner, turned, _values) for owner, *_ in owners if isinstance(owner, dict)]
    if isinstance(function, ast.Name) and function.id in ("enumerate", "zip", "reversed"):
        turned ^= function.id == "reversed"
        return [found for a in node.args for found in _behind(low, a, frame, turned)]
    return []


def _values(owner: dict[Any, Structure]) -> list[Structure]:
    return list(owner.values())


def _look(behind: list[tuple[Any, bool, Callable[[Any], list[Any]], list[Any]]], i: int) -> None:
    """Whether the containers that a loop goes through still have the items that are to come."""
    for container, turned, items, then in behind:
        now = items(container)
        ahead = slice(None, len(then) - i) if turned else slice(i, None)
        if len(now) != len(then) or not same(now[ahead], then[ahead]):
            raise UnsupportedError(
                "a list that changes while a loop goes through it is not supported",
                way_out="Go through a copy.",
            )


def _check_trips(count: int) -> None:
    if count > MAX_WRITTEN_OUT:
        raise UnsupportedError(
            f"a loop of {count:,} trips would have to be written out",
            way_out="A loop over a range, or over the rows of an array, stays a loop.",
        )


def _write_out(node: ast.For, trips: list[NextTrip], pending: Pending, end: NextTrip | None = None) -> None:
    _check_trips(len(trips))
    orelse = node.orelse if end is None else [end, *node.orelse]
    pending[:0] = [*(s for trip in trips for s in (trip, *node.body)), EndLoop(node, orelse)]


def next_trip(low: Interpreter, node: NextTrip, frame: Frame, _: Pending) -> None:
    item = node.make() if node.make is not None else node.item
    if node.target is not None:
        simple.bind(low, node.target, item, frame)


def _peel_for(low: Interpreter, node: ast.For, iteration: Iteration, pending: Pending) -> None:
    """The first trip on its own: after it, what the loop carries has the kind that it keeps."""
    later = Iteration(
        lambda: low.apply(operator.sub, (iteration.length(), 1), {}),
        lambda i: iteration.item(low.apply(operator.add, (i, 1), {})),
    )
    if iteration.each is not None and iteration.each.kind == "range":
        start, stop, step = iteration.each.args
        second = start + step if not isinstance(start, Value) and not isinstance(step, Value) else None
        second = low.apply(operator.add, (start, step), {}) if second is None else second
        later = replace(later, each=Each("range", (second, stop, step)))
    first: Pending = [NextTrip(node, node.target, make=lambda: iteration.item(0)), *node.body, NextTrip(node)]
    any_trip = low.apply(operator.gt, (iteration.length(), 0), {})
    test = ast.If(Known(any_trip, node.iter), [*first, Rest(node, later), EndLoop(node, [])], node.orelse)
    pending[:0] = [ast.copy_location(test, node)]


def rest_of_for(low: Interpreter, node: Rest, frame: Frame, pending: Pending) -> None:
    _for_loop(low, node.loop, node.iteration, frame, pending)


def _for_loop(low: Interpreter, node: ast.For, iteration: Iteration, frame: Frame, pending: Pending) -> None:
    index = low.builder.table.new(INT, _index_name(node.target) if iteration.each is not None else "i")
    each = iteration.each or Each("range", (0, iteration.length(), 1))
    low.counters[index] = (frame.key(node), each.args)

    def start_trip() -> None:
        item = index if iteration.each is not None else iteration.item(index)
        simple.bind(low, node.target, item, frame)

    each = Each(each.kind, tuple(low.resolve(each.args)))
    with low.mutables.gone_through(iteration.owners):
        _loop(low, node, frame, pending, ((index, each),), None, start_trip)


def _index_name(target: ast.expr) -> str | None:
    return target.id if isinstance(target, ast.Name) else None


# -- while -----------------------------------------------------------------------------------------


def lower_while(low: Interpreter, node: ast.While, frame: Frame, pending: Pending) -> None:
    given, node, key = node, _with_its_test(node), frame.key(node)
    test = low.condition(node.test, frame)
    if test is not node.test:
        node = ast.copy_location(ast.While(test, node.body, node.orelse), node)
    if Unroll(key) in low.decisions:
        test = low.evaluate(node.test, frame)
        if isinstance(test, Value):
            raise UnsupportedError(
                "what this while loop carries must be known while compiling, but how often it runs is known "
                "only at run time"
            )
        low.written_out[key] = low.written_out.get(key, 0) + 1
        if low.written_out[key] > MAX_TRIPS:
            raise UnsupportedError(
                f"this while loop would have to be written out, and does not end after {MAX_TRIPS} trips",
                way_out="Keep what it collects in an array, or count its trips in a for loop.",
            )
        if test:
            pending[:0] = [*node.body, NextTrip(node), node, EndLoop(node, [])]
        else:
            pending[:0] = node.orelse
        return
    if Peel(key) in low.decisions and not getattr(node, "peeled", False):
        later = ast.copy_location(ast.While(node.test, node.body, node.orelse), node)
        later.peeled = True  # type: ignore[attr-defined]
        body = [*node.body, NextTrip(node), later, EndLoop(node, [])]
        pending[:0] = [ast.copy_location(ast.If(node.test, body, node.orelse), node)]
        return
    writes = TestInside(key) in low.decisions
    if writes or any(isinstance(inner, ast.NamedExpr) for inner in ast.walk(node.test)):
        over = ast.If(ast.UnaryOp(ast.Not(), node.test), [Leave(node)], [])
        always = ast.copy_location(ast.Constant(True), node.test)
        for new in (over, over.test):
            ast.copy_location(new, node.test)
        node = ast.copy_location(ast.While(always, [over, *node.body], node.orelse), node)
    if not _stays(low, node, frame, partial(_loop, low, node, frame, pending, (), node.test, lambda: None)):
        lower_while(low, given, frame, pending)


def _with_its_test(node: ast.While) -> ast.While:
    """`while True: if c: break; …` as `while not c: …`: the trip that leaves it does nothing."""
    first, *rest = node.body
    endless = isinstance(node.test, ast.Constant) and bool(node.test.value) and not node.orelse
    if not (endless and rest and isinstance(first, ast.If) and not first.orelse):
        return node
    if len(first.body) != 1 or not isinstance(first.body[0], ast.Break):
        return node
    test = ast.copy_location(ast.UnaryOp(ast.Not(), first.test), first.test)
    return ast.copy_location(ast.While(test, rest, []), node)


class Leave(ast.Break):
    """The end of a `while` whose condition has failed: `break`, but for the loop's `else`."""

    def __init__(self, place: ast.AST) -> None:
        ast.copy_location(self, place)


def leave(low: Interpreter, node: Leave, frame: Frame, pending: Pending) -> None:
    pending.clear()
    exits.note(frame, STOP, True)


# -- a loop that stays a loop ----------------------------------------------------------------------


def _loop(
    low: Interpreter,
    node: ast.For | ast.While,
    frame: Frame,
    pending: Pending,
    each: tuple[tuple[Value, Each], ...],
    test: ast.expr | None,
    start_trip: Callable[[], None],
) -> None:
    before, memory, contents = dict(frame.names), low.memory, low.mutables.save()
    marks = {name: before.get(mark) for name, mark in NOTES.items()}
    decision = Peel(frame.key(node))
    entry = {k: v for k, v in before.items() if k not in NOTES.values()}
    entry |= {NOTES[BROKEN]: False, NOTES[RETURNED]: False}
    carried = first_guess(low, node, entry, decision.key)
    around = low.learnt
    learnt = Learnt() if around is None else around.of(decision.key)
    learnt.recall(low, carried, entry, memory, decision.key)
    builder, line = low.builder, low.builder.line
    for _ in range(MAX_TRIALS):
        trial = Trial(low, frame, entry, memory, contents, carried, each, decision)
        low.learnt = learnt.again()
        try:
            trial.run(node, test, start_trip)
        finally:
            low.learnt = around
        if trial.settled():
            break
    else:
        raise UnsupportedError("what this loop carries from trip to trip does not settle to one kind")
    if around is not None:
        learnt.note(carried, entry, memory)
    if trial.never:
        frame.names, low.memory = before, memory
        pending[:0] = node.orelse
        return
    loop, names = trial.finish(line)
    for form in (Peel(decision.key), Unroll(decision.key)) if not exits.kinds(node) else ():
        if form not in low.decisions and calls_for(form, names, [*node.orelse, *pending]):
            raise Restart(form)
    builder.line = line
    builder.statements.append(loop)
    frame.names = low.mutables.settle(names)
    broken, returned, value = (names.get(NOTES[n], False) for n in (BROKEN, RETURNED, RESULT))
    for name, mark in NOTES.items():
        frame.names.pop(mark, None)
        if marks[name] is not None:
            frame.names[mark] = marks[name]
    at = first_return(node)
    if returned is not False and isinstance(value, Poison):
        raise UnsupportedError(f"what the loop returns {value.reason}", frame.source.place(at))
    _continue_after(node, at, broken, returned, value, pending, endless=loop.test is None and not each)


def _continue_after(
    node: ast.For | ast.While,
    at: ast.stmt,
    broken: Structure,
    returned: Structure,
    value: Structure,
    pending: Pending,
    endless: bool,
) -> None:
    """What comes after the loop: its `else`, unless it was left; the return `at`, where it has returned."""
    after: Pending = []
    if returned is not False:
        back = ast.copy_location(ast.Return(Known(value, at)), at)
        if endless and broken is False:
            pending[:] = [back, *(s for s in pending if isinstance(s, EndBody))]
            return
        after.append(ast.copy_location(ast.If(Known(returned, at), [back], []), at))
    if node.orelse and broken is False:
        after += node.orelse
    elif node.orelse:
        unless = ast.copy_location(ast.UnaryOp(ast.Not(), Known(broken, node)), node)
        after.append(ast.copy_location(ast.If(unless, node.orelse, []), node))
    pending[:0] = after
