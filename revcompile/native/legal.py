"""Generated text as Numba can read it: the same statements, and loops without `reversed`, `zip` and slices.

Imports the places of lines and the standard library.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import NamedTuple

from revcompile.codegen.entry import INDENT
from revcompile.codegen.places import same_place
from revcompile.syntax.stack import parsed


class Source(NamedTuple):
    """What a loop goes through, of which an item is told by its place."""

    item: str  # the item at the place {k}
    many: str  # how many there are
    is_reversed: bool
    bounds: tuple[str, str] | None = None  # of a range by steps of one


def legal(lines: Sequence[str]) -> list[str]:
    """The lines of a function, with each heading of a loop as Numba can read it."""
    made, text = list(lines), "\n".join(lines)
    taken = set(re.findall(r"\w+", text))
    loops = [node for node in ast.walk(parsed(text)) if isinstance(node, ast.For)]
    headings = [(node, _heading(node, taken)) for node in sorted(loops, key=lambda node: node.lineno)]
    for node, heading in reversed(headings):  # so that the lines above stay where they are
        start, end = node.lineno - 1, node.body[0].lineno - 1
        margin = " " * node.col_offset
        made[start:end] = [same_place(margin + line, lines[start]) for line in heading]
    return made


def _heading(loop: ast.For, taken: set[str]) -> list[str]:
    """The heading of a loop, and the lines that give the items their names."""
    target, iterated = ast.unparse(loop.target), loop.iter
    several = _is_call(iterated, "zip")
    given = iterated.args if several else [iterated]  # type: ignore[attr-defined]
    targets = list(map(ast.unparse, loop.target.elts)) if several else [target]  # type: ignore[attr-defined]
    if not several and not _is_call(iterated, "reversed") and not isinstance(iterated, ast.Subscript):
        return [f"for {target} in {ast.unparse(iterated)}:"]
    sources = list(map(_source, given))
    if not several and sources[0].bounds is not None:
        start, stop = sources[0].bounds
        if target == "_":  # as many trips
            return [f"for _ in range({stop if start == '0' else f'{start}, {stop}'}):"]
        return [f"for {target} in range({_less_one(stop)}, {_less_one(start)}, -1):"]
    backwards = all(s.is_reversed for s in sources)
    own = next((t for t, s in zip(targets, sources, strict=True) if s.item == "{k}"), "_")
    place = own if backwards and own != "_" else _free("trip", taken)
    count = next((s.many for s in sources if "range" not in s.many), sources[0].many)
    lines = [f"for {place} in range({f'{count} - 1, -1, -1' if backwards else count}):"]
    for name, source in zip(targets, sources, strict=True):
        where = place if source.is_reversed is backwards else f"{source.many} - 1 - {place}"
        if name not in ("_", place):
            where = where if source.item.endswith("[{k}]") or where == place else f"({where})"
            lines.append(f"{INDENT}{name.strip('()')} = {source.item.format(k=where)}")
    return lines


def _source(node: ast.expr) -> Source:
    if _is_call(node, "reversed"):
        inner = _source(node.args[0])  # type: ignore[attr-defined]
        return inner._replace(is_reversed=not inner.is_reversed)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        inner = _source(node.value)
        if node.slice.step is not None:  # [::-1]
            return Source(inner.item.replace("{k}", f"({inner.many} - 1 - {{k}})"), inner.many, False)
        assert node.slice.upper is not None
        return Source(inner.item, f"min({inner.many}, {ast.unparse(node.slice.upper)})", False)
    if _is_call(node, "range"):
        start, stop, step = _bounds(node)
        text = ast.unparse(node)
        if step == "1":
            item = "{k}" if start == "0" else f"{start} + {{k}}"
            return Source(item, f"len({text})", False, (start, stop))
        return Source(f"{start} + {{k}} * ({step})", f"len({text})", False)
    text = ast.unparse(node)
    return Source(f"{text}[{{k}}]", f"len({text})", False)


def _bounds(node: ast.expr) -> tuple[str, str, str]:
    texts = [ast.unparse(a) for a in node.args]  # type: ignore[attr-defined]
    match texts:
        case [stop]:
            return "0", stop, "1"
        case [start, stop]:
            return start, stop, "1"
        case _:
            start, stop, step = texts
            return start, stop, step


def _is_call(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def _less_one(text: str) -> str:
    return str(int(text) - 1) if re.fullmatch(r"\d+", text) else f"{text} - 1"


def _free(wish: str, taken: set[str]) -> str:
    """A name that stands nowhere else in the text."""
    name, n = wish, 1
    while name in taken:
        name, n = f"{wish}_{n}", n + 1
    taken.add(name)
    return name
