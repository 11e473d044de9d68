"""Comprehensions: written out where all is known while compiling, else loops that fill a list or add up."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from revcompile.frontend import growing
from revcompile.ir.nodes import Structure, Value
from revcompile.statements import simple
from revcompile.statements.exits import Known
from revcompile.syntax.abstract import Frame, Restart

if TYPE_CHECKING:
    from revcompile.frontend.lower import Lowering

TOTAL = "total"


def comprehension(low: Lowering, node: Any, frame: Frame) -> Structure:
    """A list, a dict, a set, a tuple for a generator; a growing list where the run says how long it is."""
    if is_run(low, [node], frame):
        items = growing.begin(low, [])
        append = ast.Attribute(Known(items, node), "append", ast.Load())
        _loop(
            low,
            node,
            ast.Expr(ast.Call(append, [node.elt], [])),
            Frame(frame.source, {}, frame, False, frame.depth, True),
        )
        return items
    return _written_out(low, node, frame)


def is_run(low: Lowering, nodes: list[ast.expr], frame: Frame) -> bool:
    """Whether the one node is a comprehension that was found to be as long as the run says."""
    if len(nodes) != 1 or not isinstance(nodes[0], (ast.ListComp, ast.GeneratorExp)) or frame.is_rule:
        return False
    return ("grow", frame.site(nodes[0])) in low.decisions


def total(low: Lowering, node: ast.Call, frame: Frame) -> Structure:
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
    low.run([body], inner)


def _written_out(low: Lowering, node: Any, frame: Frame) -> Structure:
    out: list[Structure] = []
    inner = Frame(frame.source, {}, frame, frame.is_rule, frame.depth, True)
    decision = ("grow", frame.site(node)) if not frame.is_rule else None
    grows = decision is not None and not isinstance(node, (ast.DictComp, ast.SetComp))
    grows = grows and ("keep", decision[1]) not in low.decisions  # type: ignore[index]

    def walk(generators: list[ast.comprehension]) -> None:
        if not generators:
            if isinstance(node, ast.DictComp):
                key = low.static(low.evaluate(node.key, inner), "as a key")
                out.append((key, low.evaluate(node.value, inner)))
            else:
                out.append(low.evaluate(node.elt, inner))
            return
        first, *rest = generators
        source = low.evaluate(first.iter, inner)
        if grows and low.iteration(source) is not None:
            raise Restart(decision)  # type: ignore[arg-type]
        for item in low.iterate(source, first.iter, frame):
            simple.bind(low, first.target, item, inner)
            tests = [low.evaluate(test, inner) for test in first.ifs]
            if grows and any(isinstance(test, Value) for test in tests):
                raise Restart(decision)  # type: ignore[arg-type]
            if all(low.static(test, "as a filter") for test in tests):
                walk(rest)

    walk(node.generators)
    if isinstance(node, ast.DictComp):
        return dict(out)
    if isinstance(node, ast.SetComp):
        return set(low.static(out, "as an item of a set"))
    return tuple(out) if isinstance(node, ast.GeneratorExp) else out


EXPRESSIONS = dict.fromkeys((ast.ListComp, ast.GeneratorExp, ast.DictComp, ast.SetComp), comprehension)
