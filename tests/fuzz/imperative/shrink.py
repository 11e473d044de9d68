"""Smaller programs that fail in the same way: statements and parts of expressions are taken out, one after the other."""

from __future__ import annotations

import ast
import builtins
import copy
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from tests.fuzz.imperative.program import Program
from tests.fuzz.imperative.state import NAMES

Edit = Callable[[], None]
SECONDS = 60.0


def shrink(program: Program, failing: Callable[[Program], bool], seconds: float = SECONDS) -> Program:
    """The smallest program found in the given time for which `failing` holds."""
    end = time.monotonic() + seconds
    again = True
    while again:
        again = False
        i = 0
        while time.monotonic() < end:
            smaller = _edited(program, i)
            if smaller is None:
                break
            if smaller.text != program.text and failing(smaller):
                program, again = smaller, True
            else:
                i += 1
    return program


def _edited(program: Program, i: int) -> Program | None:
    """The program with its edit number i made; the program itself where that gives nothing."""
    tree = ast.parse(program.text)
    edits = list(_edits(tree))
    if i >= len(edits):
        return None
    edits[i]()
    try:
        text = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "<shrunk>", "exec")
    except (SyntaxError, ValueError):
        return program
    f = next((n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "f"), None)
    if f is None or not _bound(tree):
        return program
    parameters = tuple(a.arg for a in f.args.args)
    argnums = program.argnums and tuple(a for a in program.argnums if a in parameters)
    if not parameters or argnums == ():
        return program
    return replace(program, text=text, parameters=parameters, argnums=argnums)


def _bound(tree: ast.Module) -> bool:
    """Whether every name that is read is bound somewhere."""
    known = {
        *dir(builtins),
        *NAMES,
        *("np", "math", "statistics", "itertools"),
        *(n.name for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))),
    }
    for function in tree.body:
        nodes = list(ast.walk(function))
        names = [n for n in nodes if isinstance(n, ast.Name)]
        bound = {n.id for n in names if isinstance(n.ctx, ast.Store)}
        bound |= {n.arg for n in nodes if isinstance(n, ast.arg)}
        if any(n.id not in known | bound for n in names):
            return False
    return True


def _edits(tree: ast.Module) -> Iterator[Edit]:
    """What may be tried, the largest first."""
    blocks = [
        (node, name)
        for node in ast.walk(tree)
        for name in ("body", "orelse")
        if isinstance(getattr(node, name, None), list)
    ]
    for size in (6, 3, 1):
        for node, name in blocks:
            for start in range(len(getattr(node, name)) - size, -1, -1):
                yield lambda n=node, f=name, s=start, z=size: _delete(n, f, s, z)  # type: ignore[misc]
    for node, name in blocks:
        for i, statement in enumerate(getattr(node, name)):
            for inner in ("body", "orelse"):
                if getattr(statement, inner, None) and not isinstance(statement, ast.FunctionDef):
                    yield lambda n=node, f=name, i=i, g=inner: _hoist(n, f, i, g)  # type: ignore[misc]
            if isinstance(statement, ast.AugAssign):
                yield lambda n=node, f=name, i=i: _plain(n, f, i)  # type: ignore[misc]
    f = tree.body[-1]
    if isinstance(f, ast.FunctionDef):
        used = {n.id for n in ast.walk(f) if isinstance(n, ast.Name)}
        for argument in f.args.args:
            if argument.arg not in used:
                yield lambda a=argument: f.args.args.remove(a)  # type: ignore[misc]
    for node in ast.walk(tree):
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.expr):
                for part in _parts(value):
                    yield lambda n=node, f=name, p=part: setattr(n, f, p)  # type: ignore[misc]
            elif isinstance(value, list):
                for i, item in enumerate(value):
                    if isinstance(item, ast.expr):
                        for part in _parts(item):
                            yield lambda v=value, i=i, p=part: v.__setitem__(i, p)  # type: ignore[misc]


def _parts(value: ast.expr) -> list[ast.expr]:
    """What may stand for an expression."""
    number = ast.Constant(0.5)
    if isinstance(value, ast.BinOp):
        return [value.left, value.right]
    if isinstance(value, ast.UnaryOp):
        return [value.operand]
    if isinstance(value, ast.IfExp):
        return [value.body, value.orelse]
    if isinstance(value, ast.BoolOp):
        return list(value.values)
    if isinstance(value, ast.Call):
        return [*value.args, number]
    if isinstance(value, ast.Subscript):
        return [number, value.value]
    if isinstance(value, ast.Compare):
        return [ast.Constant(True), ast.Constant(False)]
    return []


def _delete(node: Any, name: str, start: int, size: int) -> None:
    block = getattr(node, name)
    del block[start : start + size]
    if not block and name == "body" and not isinstance(node, ast.Module):
        block.append(ast.Pass())


def _hoist(node: Any, name: str, i: int, inner: str) -> None:
    block = getattr(node, name)
    block[i : i + 1] = getattr(block[i], inner)


def _plain(node: Any, name: str, i: int) -> None:
    """`x op= v` as `x = v`."""
    statement = getattr(node, name)[i]
    target = copy.deepcopy(statement.target)
    getattr(node, name)[i] = ast.Assign([target], statement.value)
