"""Comprehensions: written out where all is known while compiling, else loops that fill a list or add up."""

from __future__ import annotations

import ast
from math import inf
from typing import Any

from revcompile.errors import host
from revcompile.frontend import displays, growing, iterators
from revcompile.frontend.ahead import is_no_number, is_written_out
from revcompile.frontend.lowering import Lowering
from revcompile.ir.nodes import Structure, Value
from revcompile.statements import simple
from revcompile.statements.exits import Known
from revcompile.syntax.abstract import Frame
from revcompile.syntax.decisions import Grow, Restart, Unroll, WriteOut
from revcompile.syntax.mutable import is_growing

TAKING_APART = (any, all, sorted)  # which need to know how many items there are
TOTAL = "total"
FOUND = "found"
END = object()
ORDERING = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
PLAIN = ("range", "len", "enumerate", "zip", "reversed")  # functions that do nothing but give a result


def comprehension(low: Lowering, node: Any, frame: Frame) -> Structure:
    """A list, a dict, a set, a tuple for a generator; a growing list where the run says how long it is."""
    wanted = Grow(frame.site(node)) if not frame.is_rule else None
    is_new = wanted is not None and low.decisions.may_make(wanted)  # or it was missed before
    if is_run(low, [node], frame):
        return _filled(low, node, frame)
    if wanted is None or not is_new:
        return _written_out(low, node, frame)
    undo = low.undo(frame)
    try:
        return _written_out(low, node, frame)
    except Restart as restart:
        if restart.decisions != {wanted}:
            raise
        undo()
        low.decisions.take_up(wanted)
        return _filled(low, node, frame)


def _filled(low: Lowering, node: Any, frame: Frame) -> Structure:
    """A list that a loop fills."""
    items = growing.begin(low, [])
    append = ast.Attribute(Known(items, node), "append", ast.Load())
    inner = Frame(frame.source, {}, frame, False, frame.depth, True)
    _loop(low, node, ast.Expr(ast.Call(append, [node.elt], [])), inner)
    return items


def is_run(low: Lowering, nodes: list[ast.expr], frame: Frame) -> bool:
    """Whether the one node is a comprehension that is as long as the run says."""
    if len(nodes) != 1 or not isinstance(nodes[0], (ast.ListComp, ast.GeneratorExp)) or frame.is_rule:
        return False
    if is_no_number(nodes[0].elt) or is_written_out(nodes[0], frame):
        return False
    site = frame.site(nodes[0])
    wanted = Grow(site)
    if WriteOut(site) not in low.decisions and low.decisions.may_make(wanted):
        first = nodes[0].generators[0]
        source = low.evaluate(first.iter, frame) if _is_plain(first.iter, frame) else ()
        if low.iteration(source) is not None or (
            source and any(_is_of_run(t, first.target, frame) for t in first.ifs)
        ):
            low.decisions.make(wanted)
        else:
            low.decisions.miss(wanted)
    return wanted in low.decisions


def _is_plain(node: ast.expr, frame: Frame) -> bool:
    """Whether an expression may be evaluated twice: it has no effect, and no iterator is in it."""
    if isinstance(node, ast.Call):
        plain = isinstance(node.func, ast.Name) and node.func.id in PLAIN and not node.keywords
        return plain and all(_is_plain(a, frame) for a in node.args)
    if isinstance(node, ast.BinOp):
        return _is_plain(node.left, frame) and _is_plain(node.right, frame)
    if isinstance(node, (ast.Subscript, ast.Attribute)):
        return _is_plain(node.value, frame) and (
            isinstance(node, ast.Subscript) or node.attr in ("shape", "T")
        )
    if isinstance(node, (ast.List, ast.Tuple)):
        return all(_is_plain(x, frame) for x in node.elts)
    if isinstance(node, ast.Name):
        x = _variable(node, frame)
        return isinstance(x, (Value, int, list, tuple)) or is_growing(x)
    return isinstance(node, ast.Constant)


def _is_of_run(test: ast.expr, target: ast.expr, frame: Frame) -> bool:
    """Whether the outcome of a test is certainly known at run time only: a number of the run is compared."""
    if not isinstance(test, ast.Compare) or not all(isinstance(op, ORDERING) for op in test.ops):
        return False
    own = {n.id for n in ast.walk(target) if isinstance(n, ast.Name)}
    names = [n for n in (test.left, *test.comparators) if isinstance(n, ast.Name) and n.id not in own]
    return any(isinstance(_variable(n, frame), Value) for n in names)


def _variable(node: ast.Name, frame: Frame) -> Structure:
    """What a variable holds; None if it is none of these functions'."""
    home: Frame | None = frame
    while home is not None and node.id not in home.names:
        home = home.parent
    return home.names[node.id] if home is not None else None


def _total(low: Lowering, node: ast.Call, frame: Frame) -> Structure:
    """`sum(f(x) for x in xs)`, without a list."""
    (generator,) = node.args
    start = {k.arg: low.evaluate(k.value, frame) for k in node.keywords}.get("start", 0)
    inner = Frame(frame.source, {TOTAL: start}, frame, False, frame.depth, True)
    more = ast.BinOp(ast.Name(TOTAL, ast.Load()), ast.Add(), generator.elt)  # type: ignore[attr-defined]
    _loop(low, generator, ast.Assign([ast.Name(TOTAL, ast.Store())], more), inner)
    return inner.names[TOTAL]


def _loop(low: Lowering, node: Any, body: ast.stmt, inner: Frame) -> None:
    """The loops and conditions of a comprehension around what it does with each item."""
    body = ast.fix_missing_locations(ast.copy_location(body, node.elt))
    for generator in reversed(node.generators):
        for test in reversed(generator.ifs):
            body = ast.copy_location(ast.If(test, [body], []), test)
        body = ast.copy_location(ast.For(generator.target, generator.iter, [body], []), generator.iter)
        low.mutables.filling.add(Unroll(inner.key(body)))
    low.run([body], inner)


def consumed(low: Lowering, node: ast.Call, function: Any, frame: Frame) -> Structure:
    """What a call gives that makes no list of what is written in it; NotImplemented of any other."""
    if function is sum and is_run(low, node.args, frame):
        return _total(low, node, frame)
    if function is next and node.args and not frame.is_rule:
        return _first(low, node, frame)
    if function in TAKING_APART or (function in (max, min) and node.keywords):
        for argument in node.args:
            if isinstance(argument, (ast.ListComp, ast.GeneratorExp)) and not frame.is_rule:
                low.decisions.make(WriteOut(frame.site(argument)))
    return NotImplemented


def _first(low: Lowering, node: ast.Call, frame: Frame) -> Structure:
    """`next(f(x) for x in xs)`, `next(map(f, xs))`: the first item of an iterator that nothing else sees.

    NotImplemented where it is another, or where only the run knows which item that is.
    """
    source, *default = node.args
    if isinstance(source, ast.GeneratorExp):
        if is_run(low, [source], frame):
            return _found(low, source, default, frame) if len(source.generators) == 1 else NotImplemented
        items = _written_out(low, source, frame, most=1)
    elif not isinstance(source, ast.Call) or not iterators.is_lazy(low, source.func, frame):
        return NotImplemented
    elif low.evaluate(source.func, frame) is map and not any(isinstance(a, ast.Starred) for a in source.args):
        function, *others = [low.evaluate(a, frame) for a in source.args]
        each = [next(iterators.started(low, x), END) for x in others]
        items = [] if END in each else [low.invoke(function, *each)]
    else:
        items = low.items(low.evaluate(source, frame))
    otherwise = [low.evaluate(d, frame) for d in default]
    with host():
        return next(iter(items), *otherwise)


def _found(low: Lowering, node: ast.GeneratorExp, default: list[ast.expr], frame: Frame) -> Structure:
    """The first item that only the run finds: a loop that is left there."""
    (clause,) = node.generators
    first = Known(low.evaluate(clause.iter, frame), clause.iter)
    otherwise: ast.stmt = ast.Raise(ast.Call(Known(StopIteration, node), [], []))
    if default:
        otherwise = _named(Known(low.evaluate(default[0], frame), default[0]))
    body: list[ast.stmt] = [_named(node.elt), ast.Break()]
    for test in reversed(clause.ifs):
        body = [ast.copy_location(ast.If(test, body, []), test)]
    loop = ast.copy_location(ast.For(clause.target, first, body, [otherwise]), clause.iter)
    inner = Frame(frame.source, {}, frame, False, frame.depth, True)
    low.run([ast.fix_missing_locations(loop)], inner)
    return inner.names[FOUND]


def _named(value: ast.expr) -> ast.stmt:
    return ast.copy_location(ast.Assign([ast.Name(FOUND, ast.Store())], value), value)


def _written_out(low: Lowering, node: Any, frame: Frame, most: float = inf) -> Structure:
    """The items of a comprehension, one after the other; of a generator, no more than so many."""
    out: list[Structure] = []
    inner = Frame(frame.source, {}, frame, frame.is_rule, frame.depth, True)
    decision = Grow(frame.site(node)) if not frame.is_rule else None
    grows = decision is not None and not isinstance(node, (ast.DictComp, ast.SetComp))
    grows = grows and not (is_no_number(node.elt) or is_written_out(node, frame))
    grows = grows and WriteOut(decision.key) not in low.decisions  # type: ignore[union-attr]

    def walk(generators: list[ast.comprehension]) -> None:
        if not generators:
            if isinstance(node, ast.DictComp):
                out.append((low.evaluate(node.key, inner), low.evaluate(node.value, inner)))
            else:
                out.append(low.evaluate(node.elt, inner))
            return
        first, *rest = generators
        source = low.evaluate(first.iter, inner)
        if grows and low.iteration(source) is not None:
            raise Restart(decision)  # type: ignore[arg-type]
        for item in low.iterate(source, first.iter, frame):
            low.work(1)
            simple.bind(low, first.target, item, inner)
            if all(holds(test) for test in first.ifs):
                walk(rest)
            if len(out) >= most:
                return

    def holds(test: ast.expr) -> Any:
        found = low.evaluate(low.condition(test, inner), inner)
        if grows and isinstance(found, Value):
            raise Restart(decision)  # type: ignore[arg-type]
        return low.static(found, "as a filter")

    walk(node.generators)
    if isinstance(node, ast.DictComp):
        return displays.dict_of(low, out, frame)
    if isinstance(node, ast.SetComp):
        return displays.set_of(low, out, frame)
    return tuple(out) if isinstance(node, ast.GeneratorExp) else out


EXPRESSIONS = dict.fromkeys((ast.ListComp, ast.GeneratorExp, ast.DictComp, ast.SetComp), comprehension)
