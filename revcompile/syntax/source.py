"""From a function object to its syntax tree. Imports the errors.

Source comes through `linecache`, which REPLs, doctest and notebooks fill, so a function defined in
any of them has one.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import re
import reprlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FunctionType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from revcompile.errors import Place, UnsupportedError, an, is_too_deep
from revcompile.lazy import lazy
from revcompile.syntax.matching import Definition, class_around, has_code, is_source_of, mangled
from revcompile.syntax.stack import deep_stack, parsed

SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
# What is known to match. Equal code is the same code to a dictionary: the name of the file tells it apart.
_found: WeakKeyDictionary[CodeType, tuple[str, Definition, tuple[str, ...]]] = WeakKeyDictionary()


def own_signature(function: FunctionType) -> inspect.Signature:
    """The parameters that a function's code has, whatever it says of itself: a wrapper may have another's."""
    if "__signature__" in function.__dict__:
        names = function.__globals__, function.__name__, function.__defaults__, function.__closure__
        plain = FunctionType(function.__code__, *names)
        plain.__kwdefaults__, plain.__annotations__ = function.__kwdefaults__, function.__annotations__
        function = plain
    return inspect.signature(function, follow_wrapped=False)


@dataclass(frozen=True)
class Source:
    """A function's definition: its syntax tree, with line numbers as in the file."""

    function: FunctionType
    node: Definition
    filename: str
    shift: int  # columns by which the tree is left of the file's text
    lines: tuple[str, ...]  # of the file, as it was when the function was compiled

    @lazy
    def signature(self) -> inspect.Signature:
        """The function's own parameters, a wrapper's not those of what it wraps."""
        return own_signature(self.function)

    @lazy
    def plain_parameters(self) -> tuple[str, ...]:
        """The names of the parameters, if all can be passed by position."""
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        parameters = self.signature.parameters.values()
        return tuple(p.name for p in parameters) if all(p.kind in kinds for p in parameters) else ()

    @lazy
    def is_own(self) -> bool:
        """Whether the function is of this package."""
        return _is_own(self.function)

    @lazy
    def _words(self) -> frozenset[str] | None:
        first, last = self.node.lineno, self.node.end_lineno or len(self.lines) + 1
        return (
            frozenset(re.findall(r"\w+", "".join(self.lines[first - 1 : last])))
            if last <= len(self.lines)
            else None
        )

    def may_have(self, *words: str) -> bool:
        """Whether one of these words of the language is in its text: what none is in has no such syntax."""
        return self._words is None or not self._words.isdisjoint(words)

    def place(self, node: ast.AST) -> Place:
        """Where `node` stands in the user's file; of a function around the user's, where that is."""
        around: Place | None = self.function.__dict__.get("around")
        return self._place(node) if around is None else around

    def _place(self, node: ast.AST) -> Place:
        line = getattr(node, "lineno", self.node.lineno)
        text = self._text(line)
        start = len(text.encode()[: getattr(node, "col_offset", 0)].decode(errors="ignore")) + self.shift
        end = getattr(node, "end_col_offset", None) or len(text)
        end = len(text) if getattr(node, "end_lineno", line) != line else end + self.shift
        return Place(self.filename, line, self.function.__name__, text, start, end)

    def line(self, number: int) -> Place:
        """A whole line of the user's file."""
        around: Place | None = self.function.__dict__.get("around")
        if around is not None:
            return around
        text = self._text(number)
        start = len(text) - len(text.lstrip())
        return Place(self.filename, number, self.function.__name__, text, start, len(text))

    def _text(self, number: int) -> str:
        return self.lines[number - 1].rstrip("\n") if 0 < number <= len(self.lines) else ""

    def segment(self, node: ast.AST) -> str:
        """The text of a one-line expression."""
        place = self._place(node)
        return place.text[place.start : place.end]


def place_of(f: Any) -> Place | None:
    """Where a function begins."""
    code = getattr(f, "__code__", None)
    return Place(code.co_filename, code.co_firstlineno, f.__name__) if code is not None else None


def find_source(function: Callable[..., Any]) -> Source:
    """The source of a Python function. Raises UnsupportedError where there is none.

    Only text that compiles to the function's code counts as its source.
    """
    if not isinstance(function, FunctionType):
        raise UnsupportedError(
            f"{reprlib.repr(function)} has no Python source: it is {an(type(function).__name__)}",
            way_out="Give grad a Python function: lambda x: ...",
        )
    return _source_of_own(function) if _is_own(function) else _source(function)


def _source(function: FunctionType) -> Source:
    code = function.__code__
    filename, node, lines = _found.get(code) or ("", None, ())
    if node is None or filename != code.co_filename:
        with deep_stack():
            node, lines = _find(function)
        _found[code] = (code.co_filename, node, lines)
    return Source(function, node, code.co_filename, 0, lines)


_source_of_own = lru_cache(maxsize=1024)(_source)


def _is_own(function: FunctionType) -> bool:
    """Whether a function is of this package: what it is, it stays."""
    name = function.__globals__.get("__name__") or ""
    return name.partition(".")[0] == __name__.partition(".")[0]


def _find(function: FunctionType) -> tuple[Definition, tuple[str, ...]]:
    """A function's definition, and the lines of the file in which it stands.

    What `linecache` remembers of a file may be older than the file, and it may be newer than the function.
    """
    code = function.__code__
    lines = tuple(linecache.getlines(code.co_filename, function.__globals__))
    try:
        node = _definition(function, lines)
    except SyntaxError:
        node = None
    if node is not None:
        return node, lines
    linecache.checkcache(code.co_filename)
    lines = tuple(linecache.getlines(code.co_filename, function.__globals__))
    if not lines:
        raise UnsupportedError(
            f"the source of {function.__qualname__} is not available ({code.co_filename})",
            way_out="Define it in a file, a notebook cell or a Python 3.13 prompt, where its text is kept.",
        )
    try:
        node = _definition(function, lines)
    except SyntaxError as e:
        raise UnsupportedError(
            f"the source of {function.__qualname__} in {code.co_filename} does not parse: {e}",
            way_out="Has the file changed since it was imported? Reload it.",
        ) from e
    if node is not None:
        return node, lines
    if any(_name(n) == code.co_name for n in _file(lines)[0]):
        raise UnsupportedError(
            f"the source of {function.__qualname__} in {code.co_filename} is not what was compiled",
            way_out="Has the file changed since it was imported? Reload it.",
        )
    raise UnsupportedError(
        f"cannot find {function.__qualname__} at line {code.co_firstlineno} of {code.co_filename}",
        way_out="Has the file changed since it was imported? Reload it.",
    )


def _definition(function: FunctionType, lines: tuple[str, ...]) -> Definition | None:
    """The definition that compiles to a function's code: at its line, or else where it has moved to."""
    code = function.__code__
    qualnames = [getattr(code, "co_qualname", function.__qualname__)]
    if not hasattr(code, "co_qualname"):  # before Python 3.11 `functools.wraps` has replaced it
        qualnames.append(code.co_name)

    def read(node: Definition, imported: Iterable[str]) -> Definition | None:
        try:
            found = next((n for n in qualnames if is_source_of(node, code, n, imported)), None)
        except RecursionError as e:
            if not is_too_deep(e):
                raise
            found = qualnames[0] if has_code(lines, _first_line(node), code) else None
        return None if found is None else mangled(node, class_around(found))

    node = _block(lines, code.co_firstlineno - 1) if code.co_name != "<lambda>" else None
    if node is not None and node.name == code.co_name:
        modules = [n for n in code.co_names if isinstance(function.__globals__.get(n), ModuleType)]
        found = read(node, modules) or read(node, ())
        if found is not None:
            return found
    definitions, imported = _file(lines)
    named = [n for n in definitions if _name(n) == code.co_name]
    named.sort(key=lambda n: (abs(_first_line(n) - code.co_firstlineno), not _encloses(n, code)))
    return next((found for n in named if (found := read(n, imported)) is not None), None)


def _block(lines: tuple[str, ...], first: int) -> ast.FunctionDef | None:
    """The definition that begins at a line, found by its indentation: without parsing the whole file."""
    if not 0 <= first < len(lines):
        return None
    indent = len(lines[first]) - len(lines[first].lstrip())
    last, inside = first + 1, False
    for line in lines[first:]:
        text = line.lstrip()
        outside = text and text[0] not in "#)]}" and len(line) - len(text) <= indent
        if inside and outside:
            break
        inside = inside or text.startswith("def ")
        last += 1
    block = "".join(lines[first : last - 1])
    before = "\n" * (first - 1) + "if 1:\n" if indent else "\n" * first  # so that the lines are the file's
    try:
        tree = _parse(before + block)
    except SyntaxError:
        return None
    body = tree.body[0].body if indent else tree.body
    return body[0] if body and isinstance(body[0], ast.FunctionDef) else None


@lru_cache(maxsize=32)
def _file(lines: tuple[str, ...]) -> tuple[list[Definition], list[str]]:
    """All the functions in a file, and the names that it imports outside them."""
    definitions: list[Definition] = []
    imported: list[str] = []
    waiting: list[tuple[ast.AST, bool]] = [(_parse("".join(lines)), False)]
    while waiting:
        node, inside = waiting.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)) and not inside:
            imported += [(a.asname or a.name).partition(".")[0] for a in node.names if a.name != "*"]
        elif isinstance(node, (ast.Lambda, ast.FunctionDef)):
            definitions.append(node)
        inside = inside or isinstance(node, SCOPES)
        waiting += [(inner, inside) for inner in ast.iter_child_nodes(node)]
    return definitions, imported


def _parse(text: str) -> Any:
    """Of a notebook's cell, too, which may have `await` outside a function."""
    return parsed(text, flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def _name(node: Definition) -> str:
    return node.name if isinstance(node, ast.FunctionDef) else "<lambda>"


def _first_line(node: Definition) -> int:
    return min(n.lineno for n in (node, *getattr(node, "decorator_list", ())))


def _encloses(node: Definition, code: CodeType) -> bool:
    """Whether all of a lambda's code comes from its body (Python 3.11 and later know columns)."""
    if not isinstance(node, ast.Lambda) or not hasattr(code, "co_positions"):
        return False
    body = node.body
    start, end = (body.lineno, body.col_offset), (body.end_lineno, body.end_col_offset)
    positions: Any = getattr(code, "co_positions")()  # noqa: B009  (3.10 has none)
    spans = [p for p in positions if None not in p and p[2] != p[3]]
    return bool(spans) and all(start <= (a, c) and (b, d) <= end for a, b, c, d in spans)


def parameters(node: Definition) -> list[ast.arg]:
    """All parameters, in the order of a code object's variable names."""
    a = node.args
    named = [*a.posonlyargs, *a.args, *a.kwonlyargs]
    return named + ([a.vararg] if a.vararg else []) + ([a.kwarg] if a.kwarg else [])


@lru_cache(maxsize=256)
def own_names(node: ast.FunctionDef | ast.Lambda) -> frozenset[str]:
    """The names that a nested function has as its own: parameters, and what it assigns."""
    own = {a.arg for a in parameters(node)}
    for statement in node.body if isinstance(node, ast.FunctionDef) else ():
        own.update(assigned_in(statement))
    elsewhere = (s for s in ast.walk(node) if isinstance(s, (ast.Nonlocal, ast.Global)))
    return frozenset(own.difference(n for s in elsewhere for n in s.names))


def assigned_in(node: ast.AST) -> Iterator[str]:
    """The names that a statement assigns in the function that it stands in."""
    if isinstance(node, ast.FunctionDef):
        yield node.name
    elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif not isinstance(node, (ast.Lambda, ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp)):
        for child in ast.iter_child_nodes(node):
            yield from assigned_in(child)
