"""Whether a definition's text is what a code object was compiled from. Imports the standard library.

The text is compiled again, in a place like that where it stands: with the same variables of enclosing
functions, in a class of the same name, in a module that imports the same names. What comes out must be the
same, constants and inner functions included.
"""

from __future__ import annotations
import __future__

import ast
import copy
import inspect
import sys
from collections.abc import Iterable, Iterator
from types import CodeType
from typing import Any

from revcompile.syntax.stack import parsed

Definition = ast.FunctionDef | ast.Lambda
_FUTURE = 0  # the compiler's flags that a `from __future__ import` sets
for _name in __future__.all_feature_names:
    _FUTURE |= getattr(__future__, _name).compiler_flag
_FLAGS = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS | inspect.CO_GENERATOR | inspect.CO_COROUTINE
_PARTS = (
    "co_code", "co_names", "co_varnames", "co_freevars", "co_cellvars", "co_argcount", "co_posonlyargcount",
    "co_kwonlyargcount", "co_exceptiontable",
)  # fmt: skip


def is_source_of(node: Definition, code: CodeType, qualname: str, imported: Iterable[str]) -> bool:
    """Whether compiling `node` gives `code`, the code of a function called `qualname`.

    `imported` are the names that the module gets from `import` (Python calls their attributes otherwise).
    Raises RecursionError where the tree is too deep for Python to compile, as its text may not be.
    """
    made = _compiled(node, code, class_around(qualname), imported)
    return made is not None and _same(code, made)


def has_code(lines: Iterable[str], first: int, code: CodeType) -> bool:
    """Whether compiling a text gives `code` at the line `first`."""
    try:
        made = compile("".join(lines), "", "exec", code.co_flags & _FUTURE, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError):
        return False
    return any(c.co_firstlineno == first and _same(code, c) for c in _all_in(made))


def class_around(qualname: str) -> str | None:
    """The innermost class in which a definition stands, which gives `__x` its meaning.

    >>> class_around("Model.loss.<locals>.inner"), class_around("outer.<locals>.f")
    ('Model', None)
    """
    *parts, _ = qualname.split(".")
    around = [
        a for a, b in zip(parts, [*parts[1:], ""], strict=False) if a.isidentifier() and b != "<locals>"
    ]
    return around[-1] if around else None


def mangled(node: Definition, owner: str | None) -> Definition:
    """The definition with `_Owner__x` for each `__x` in it, as Python reads it in the class `owner`."""
    prefix = f"_{(owner or '').lstrip('_')}"
    if prefix == "_" or not any(_private(n) for inner in ast.walk(node) for n in _names_in(inner).values()):
        return node
    made = copy.deepcopy(node)
    for inner in ast.walk(made):
        for field, name in _names_in(inner).items():
            if _private(name) and inner is not made:
                setattr(inner, field, prefix + name)
        if isinstance(inner, (ast.Global, ast.Nonlocal)):
            inner.names = [prefix + name if _private(name) else name for name in inner.names]
    return made


def _names_in(node: ast.AST) -> dict[str, str]:
    """The names that stand in a node itself; the keyword of a call is taken as it is."""
    fields = () if isinstance(node, (ast.alias, ast.keyword)) else ("id", "attr", "arg", "name")
    found = {field: getattr(node, field, None) for field in fields}
    return {field: name for field, name in found.items() if isinstance(name, str)}


def _private(name: str) -> bool:
    return name.startswith("__") and not name.endswith("__")


def _compiled(
    node: Definition, code: CodeType, owner: str | None, imported: Iterable[str]
) -> CodeType | None:
    """What `node` is compiled to where it stands in the class `owner`."""
    variables = [name for name in code.co_freevars if name.isidentifier()]
    inner: ast.stmt = _bare(node) if isinstance(node, ast.FunctionDef) else _at(node, ast.Expr(_bare(node)))
    names = [n for n in (owner or getattr(node, "name", None),) if n is not None and n not in variables]
    if owner is not None:
        shell = parsed(f"class {owner}: pass").body[0]
        shell.body = [inner]
        inner = shell
    module = parsed(f"def shell({', '.join(variables)}): pass")
    known = [_at(node, ast.Global(names))] if names else []  # else it would be a variable of the shell
    module.body[0].body = [*known, inner]
    module.body[:0] = [_at(node, ast.Import([_at(node, ast.alias(name))])) for name in imported]
    if any(name.startswith("@py") for c in _all_in(code) for name in c.co_names):
        module = _with_asserts_rewritten(module)
    try:
        made = compile(module, "", "exec", code.co_flags & _FUTURE, dont_inherit=True)
    except (SyntaxError, ValueError):
        return None
    for _ in range(2 if owner is None else 3):
        made = next(c for c in made.co_consts if isinstance(c, CodeType))
    return made


def _at(place: ast.AST, made: Any) -> Any:
    """Syntax that is made here, as if it stood at `place`: Python compiles none that stands nowhere."""
    return ast.copy_location(made, place)


def _bare(node: Definition) -> Any:
    """The definition without what is evaluated outside it: decorators, defaults, annotations."""
    a = node.args

    def plain(arg: ast.arg | None) -> Any:
        return None if arg is None else _at(arg, ast.arg(arg.arg, None))

    arguments = ast.arguments(
        posonlyargs=[plain(x) for x in a.posonlyargs],
        args=[plain(x) for x in a.args],
        vararg=plain(a.vararg),
        kwonlyargs=[plain(x) for x in a.kwonlyargs],
        kw_defaults=[None] * len(a.kwonlyargs),
        kwarg=plain(a.kwarg),
        defaults=[],
    )
    if isinstance(node, ast.Lambda):
        return _at(node, ast.Lambda(arguments, node.body))
    made = _at(node, ast.FunctionDef(node.name, arguments, node.body, [], None))
    made.type_params = []
    return made


def _with_asserts_rewritten(module: ast.Module) -> ast.Module:
    """What pytest has made of the `assert`s of a test module."""
    rewrite: Any = sys.modules.get("_pytest.assertion.rewrite")
    if rewrite is not None:
        module = copy.deepcopy(module)
        rewrite.rewrite_asserts(module, b"")  # which pytest compiles as it is
    return module


def _all_in(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _all_in(constant)


def _same(a: CodeType, b: CodeType) -> bool:
    """Whether two code objects do the same; where their text stands does not matter."""
    return (
        all(getattr(a, part, None) == getattr(b, part, None) for part in _PARTS)
        and not (a.co_flags ^ b.co_flags) & _FLAGS
        and _same_constants(a.co_consts, b.co_consts)
    )


def _same_constants(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    return len(a) == len(b) and all(map(_same_constant, a, b))


def _same_constant(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, CodeType):
        return _same(a, b)
    if isinstance(a, tuple):
        return _same_constants(a, b)
    if isinstance(a, frozenset):
        return {(type(x), repr(x)) for x in a} == {(type(x), repr(x)) for x in b}
    if isinstance(a, str):  # before Python 3.11 the qualified names of inner functions are among them
        return a.rpartition("<locals>.")[2] == b.rpartition("<locals>.")[2]
    return repr(a) == repr(b)  # tells -0.0 from 0.0, and finds nan equal to itself
