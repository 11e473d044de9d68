"""From a function object to its syntax tree. Imports errors only.

Source comes through `linecache`, which REPLs, doctest and notebooks fill, so a function defined in
any of them has one.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import tokenize
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any

from revcompile.errors import Place, UnsupportedError


@dataclass(frozen=True)
class Source:
    """A function's definition: its syntax tree, with line numbers as in the file."""

    function: FunctionType
    node: ast.FunctionDef | ast.Lambda
    filename: str
    shift: int  # columns by which the tree is left of the file's text

    def place(self, node: ast.AST) -> Place:
        """Where `node` stands in the user's file."""
        line = getattr(node, "lineno", self.node.lineno)
        text = linecache.getline(self.filename, line, self.function.__globals__).rstrip("\n")
        start = len(text.encode()[: getattr(node, "col_offset", 0)].decode(errors="ignore")) + self.shift
        end = getattr(node, "end_col_offset", None) or len(text)
        end = len(text) if getattr(node, "end_lineno", line) != line else end + self.shift
        return Place(self.filename, line, self.function.__name__, text, start, end)

    def line(self, number: int) -> Place:
        """A whole line of the user's file."""
        text = linecache.getline(self.filename, number, self.function.__globals__).rstrip("\n")
        start = len(text) - len(text.lstrip())
        return Place(self.filename, number, self.function.__name__, text, start, len(text))

    def segment(self, node: ast.AST) -> str:
        """The text of a one-line expression."""
        place = self.place(node)
        return place.text[place.start : place.end]


def find_source(function: Callable[..., Any]) -> Source:
    """The source of a Python function. Raises UnsupportedError where there is none."""
    if not isinstance(function, FunctionType):
        raise UnsupportedError(
            f"{function!r} has no Python source: it is a {type(function).__name__}",
            way_out="Decorate a Python function, or register a rule with @revcompile.gate.",
        )
    code = function.__code__
    lines = linecache.getlines(code.co_filename, function.__globals__)
    if not lines:
        raise UnsupportedError(
            f"the source of {function.__qualname__} is not available ({code.co_filename})",
            way_out="Define it in a file, a notebook cell or a Python 3.13 prompt, where its text is kept.",
        )
    try:
        node, shift = _definition(code, tuple(lines))
    except (SyntaxError, IndexError, tokenize.TokenError) as e:
        raise UnsupportedError(
            f"the source of {function.__qualname__} in {code.co_filename} does not parse: {e}",
            way_out="Has the file changed since it was imported? Reload it.",
        ) from e
    if node is None:
        raise UnsupportedError(
            f"cannot find {function.__qualname__} at line {code.co_firstlineno} of {code.co_filename}",
            way_out="Has the file changed since it was imported? Reload it. "
            "Two lambdas alike on one line: give them names with def.",
        )
    if _is_stale(node, code):
        raise UnsupportedError(
            f"the source of {function.__qualname__} in {code.co_filename} is not what was compiled",
            way_out="Has the file changed since it was imported? Reload it.",
        )
    return Source(function, node, code.co_filename, shift)


@lru_cache(maxsize=1024)
def rule_source(rule: FunctionType) -> Source:
    """The source of a gate's rule, which is read again and again."""
    return find_source(rule)


def _definition(code: CodeType, lines: tuple[str, ...]) -> tuple[ast.FunctionDef | ast.Lambda | None, int]:
    if code.co_name == "<lambda>":
        return _find_lambda(code, lines), 0
    first = code.co_firstlineno - 1
    block = inspect.getblock(list(lines[first:]))
    indent = len(block[0]) - len(block[0].lstrip())
    text = "".join(block) if not indent else "if 1:\n" + "".join(block)
    tree = ast.parse(text)
    ast.increment_lineno(tree, first - (1 if indent else 0))
    body = tree.body[0].body if indent else tree.body  # type: ignore[attr-defined]
    node = body[0]
    if isinstance(node, ast.FunctionDef) and _matches(node, code):
        return node, 0
    return None, 0


def _find_lambda(code: CodeType, lines: tuple[str, ...]) -> ast.Lambda | None:
    candidates = [n for n in _lambdas(lines) if n.lineno == code.co_firstlineno and _matches(n, code)]
    if len(candidates) > 1 and hasattr(code, "co_positions"):
        inside = [n for n in candidates if _encloses(n, code)]
        return max(inside, key=lambda n: (n.lineno, n.col_offset), default=None)  # the innermost
    if len(candidates) > 1:
        alike = [n for n in candidates if _same_code(n, code)]
        texts = {ast.dump(n) for n in alike}
        candidates = alike[:1] if len(texts) == 1 else []
    return candidates[0] if candidates else None


@lru_cache(maxsize=32)
def _lambdas(lines: tuple[str, ...]) -> list[ast.Lambda]:
    return [n for n in ast.walk(ast.parse("".join(lines))) if isinstance(n, ast.Lambda)]


def _matches(node: ast.FunctionDef | ast.Lambda, code: CodeType) -> bool:
    if isinstance(node, ast.FunctionDef) and node.name != code.co_name:
        return False
    return tuple(a.arg for a in parameters(node)) == code.co_varnames[: len(parameters(node))]


def _encloses(node: ast.Lambda, code: CodeType) -> bool:
    """Whether all of the code comes from the lambda's body (Python 3.11 and later know columns)."""
    body = node.body
    start, end = (body.lineno, body.col_offset), (body.end_lineno, body.end_col_offset)
    positions: Any = getattr(code, "co_positions")()  # noqa: B009  (3.10 has none)
    spans = [p for p in positions if None not in p and p[2] != p[3]]
    return bool(spans) and all(start <= (a, c) and (b, d) <= end for a, b, c, d in spans)


def _is_stale(node: ast.FunctionDef | ast.Lambda, code: CodeType) -> bool:
    """Whether the text has numbers or names that the compiled function does not have."""
    if isinstance(node, ast.Lambda):
        module = compile(ast.Expression(node), "", "eval")
    else:
        plain = ast.FunctionDef(node.name, node.args, node.body, [], None)
        for name in ("lineno", "col_offset", "end_lineno", "end_col_offset"):
            setattr(plain, name, getattr(node, name))
        plain.type_params = []  # type: ignore[attr-defined]
        shell = ast.parse(f"def shell({', '.join(code.co_freevars)}): pass")  # what it may declare nonlocal
        shell.body[0].body = [plain]  # type: ignore[attr-defined]
        module = next(c for c in compile(shell, "", "exec").co_consts if isinstance(c, CodeType))
    own = next((c for c in module.co_consts if isinstance(c, CodeType)), None)
    compiled = _words(code)
    private = {
        w[w.index("__", 1) :] for w in compiled if isinstance(w, str) and w[:1] == "_" and "__" in w[1:]
    }
    return own is not None and not _words(own) <= compiled | private  # in a class, __x is called _Class__x


def _words(code: CodeType) -> set[Any]:
    """The numbers and names in compiled code and in the functions inside it."""
    found: set[Any] = {*code.co_names, *code.co_varnames, *code.co_freevars, *code.co_cellvars}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= _words(constant)
        elif type(constant) in (int, float):
            found.add((type(constant), constant))
    return found


def _same_code(node: ast.Lambda, code: CodeType) -> bool:
    outer = ast.parse(
        f"lambda {', '.join(code.co_freevars)}: 0", mode="eval"
    )  # the names that it closes over
    outer.body.body = node  # type: ignore[attr-defined]
    shell = next(c for c in compile(outer, "", "eval").co_consts if isinstance(c, CodeType))
    compiled = next(c for c in shell.co_consts if isinstance(c, CodeType))
    return (
        compiled.co_code == code.co_code
        and compiled.co_names == code.co_names
        and _plain(compiled.co_consts) == _plain(code.co_consts)
    )


def _plain(constants: tuple[Any, ...]) -> list[Any]:
    """Constants to compare: not the inner functions, nor their qualified names."""
    return [
        (type(c), c)
        for c in constants
        if not isinstance(c, CodeType) and not (isinstance(c, str) and "<locals>" in c)
    ]


def parameters(node: ast.FunctionDef | ast.Lambda) -> list[ast.arg]:
    """All parameters, in the order of a code object's variable names."""
    a = node.args
    named = [*a.posonlyargs, *a.args, *a.kwonlyargs]
    return named + ([a.vararg] if a.vararg else []) + ([a.kwarg] if a.kwarg else [])
