"""A function inside the function, as the object that it is when the program runs.

A call that is made as it is may be given one. What it reads of the functions around it is read when it is
passed on; where it may be kept and called later (`Late`), that must not have changed until then.
Imports the abstract values.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import CellType, CodeType, FunctionType, MappingProxyType
from typing import Any

from revcompile.errors import HostError, UnsupportedError
from revcompile.frontend.at_hand import UNKNOWN, flat, is_varied, value_of
from revcompile.frontend.changing import CHANGING
from revcompile.frontend.containers import frozen
from revcompile.frontend.lowering import Lowering
from revcompile.gates.foreign import ForeignCall
from revcompile.ir.nodes import Instance, Structure, Value, is_static, leaves, map_structure
from revcompile.ir.types import Array, Foreign
from revcompile.runtime import closed
from revcompile.syntax.abstract import NestedFunction, Poison
from revcompile.syntax.mutable import KINDS, is_growing
from revcompile.syntax.stack import parsed

FUNCTION = Foreign("function", FunctionType)
LOOPS = (ast.For, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
READERS = frozenset(
    {"len", "sum", "min", "max", "sorted", "enumerate", "zip", "reversed", "any", "all", "range"}
)


class Part:
    """A function that is made, with what it reads, and where it reads one that is made with it."""

    def __init__(self, nested: NestedFunction, code: CodeType) -> None:
        home: Any = nested.frame.function
        cells = tuple(CellType() for _ in code.co_freevars)
        self.function = FunctionType(code, home.__globals__, code.co_name, None, cells)
        self.read: dict[str, Structure] = {}
        self.links: list[tuple[int, int]] = []
        self.defaults: tuple[Any, Any] = ((), {})

    def given(self) -> tuple[Any, ...]:
        return (self.function, tuple(self.read.values()), tuple(self.links), *self.defaults)


def function_of(low: Lowering, nested: NestedFunction, late: list[str]) -> Structure:
    """The function as Python's own; as it is where that cannot be made.

    `late` gets the names that it reads which may mean something else later.
    """
    parts: dict[int, Part] = {}
    try:
        _gather(low, nested, late, parts)
    except LookupError:
        return nested
    first, *others = (part.given() for part in parts.values())
    if not others and not any(first[1:]):
        return FunctionType(first[0].__code__, first[0].__globals__, first[0].__name__)
    read = {name: x for part in parts.values() for name, x in part.read.items()}
    return _made(low, closed, (*first, *others), {}, FUNCTION, read)


def _gather(low: Lowering, nested: NestedFunction, late: list[str], parts: dict[int, Part]) -> int:
    """The place of a function among those that are made together. Raises LookupError where it cannot be."""
    if id(nested) in parts:
        return list(parts).index(id(nested))
    code = _code_of(nested)
    if code is None:
        raise LookupError
    part = parts[id(nested)] = Part(nested, code)
    for place, name in enumerate(code.co_freevars):
        found = _meaning(low, name, nested)
        part.read[name] = None if isinstance(found, NestedFunction) else found
        if found is not nested:
            _check_read(low, name, nested, found, late)
        if isinstance(found, NestedFunction):
            part.links.append((place, _gather(low, found, late, parts)))
    part.defaults = _defaults(low, nested, late)
    return list(parts).index(id(nested))


def partial_of(low: Lowering, parts: tuple[Any, tuple[Any, ...], dict[str, Any]]) -> Structure:
    """`functools.partial(function, *args, **kwargs)` as Python's own."""
    function, args, kwargs = parts
    return _made(low, partial, (function, *args), kwargs, Foreign("partial", partial))


def _made(
    low: Lowering,
    make: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    kind: Foreign,
    read: Mapping[str, Structure] = MappingProxyType({}),
) -> Structure:
    """A function that is made of what it reads: by a statement, or now where all of that is known."""
    if is_static((args, kwargs)) and not _has_containers(args):
        return make(*args, **kwargs)
    args, kwargs = low.resolve(frozen((args, kwargs)))
    result = Value(kind)
    arrays = [v for v in leaves((args, kwargs)) if isinstance(v.type, (Array, Foreign))]
    roots, written = {low.memory.root(v) for v in arrays}, low.memory.written
    varied = [n for n, x in read.items() if any(is_varied(low, v) for v in leaves(x))]
    what = " or ".join(varied or read) or "something"
    refusal = UnsupportedError(
        f"{what} is differentiated, and read by a function that is given to one that is not read",
        low.here[1].source.place(low.here[0]) if low.here is not None else None,
        "Exclude it, stop_gradient(...). Or register a rule: @revcompile.gate(...).",
    )
    if not low.excused and any(is_varied(low, v) for v in leaves((args, kwargs))):
        raise refusal
    statement = ForeignCall(
        "call", "", kind, None, refusal, True, bool(low.excused), False,
        copies=lambda: not roots.isdisjoint(written),
    )  # fmt: skip
    low.builder.apply(statement, (make, args, kwargs), result)
    low.memory.relate([result], arrays)
    now = map_structure(lambda leaf: value_of(low, leaf), (args, kwargs))
    if not any(x is UNKNOWN for x in flat(now)):
        low.values[result] = make(*now[0], **now[1])
    return result


def _code_of(nested: NestedFunction) -> CodeType | None:
    """The code that Python has made of it; None where it cannot be told which that is."""
    node, home = nested.node, nested.frame.function
    name = getattr(node, "name", "<lambda>")
    found = [c for c in _codes(home.__code__) if c.co_name == name and c.co_firstlineno == node.lineno]
    if len(found) > 1:  # on one line
        found = [c for c in found if _is_like(c, node)]
    alike = all(c.co_code == found[0].co_code and c.co_consts == found[0].co_consts for c in found)
    return found[0] if found and alike else None


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


def _is_like(code: CodeType, node: ast.FunctionDef | ast.Lambda) -> bool:
    """Whether the code is what becomes of this text, between functions that have its free variables."""
    around: Any = parsed(f"def around({', '.join(code.co_freevars)}): pass")
    around.body[0].body = [node if isinstance(node, ast.stmt) else ast.Expr(node)]
    made = next(_codes(next(_codes(compile(ast.fix_missing_locations(around), "", "exec")))), None)
    return (
        made is not None
        and all(
            getattr(made, part) == getattr(code, part)
            for part in ("co_code", "co_names", "co_varnames", "co_freevars")
        )
        and _plain(made.co_consts) == _plain(code.co_consts)
    )


def _plain(constants: tuple[Any, ...]) -> list[Any]:
    return [c.co_code if isinstance(c, CodeType) else (type(c), c) for c in constants]


# -- what it reads ---------------------------------------------------------------------------------


def _meaning(low: Lowering, name: str, nested: NestedFunction) -> Structure:
    """What a name of a function around it means now; UNKNOWN where that is not one thing."""
    try:
        return low.evaluate(ast.copy_location(ast.Name(name, ast.Load()), nested.node), nested.frame)
    except (HostError, UnsupportedError):  # it is not assigned yet
        return UNKNOWN


def _check_read(low: Lowering, name: str, nested: NestedFunction, found: Structure, late: list[str]) -> None:
    """What a name means is passed on. Raises LookupError where that cannot be."""
    if found is UNKNOWN or next(_changing(nested.node, name), None) is not None or not _may_be_passed(found):
        raise LookupError
    has_containers = _has_containers(found)
    if has_containers and not _only_reads(nested.node, name):
        raise LookupError
    is_shared = any(isinstance(v.type, (Array, Foreign)) for v in leaves(found)) or has_containers
    if is_shared or _may_change(name, nested):
        late.append(name)


def _defaults(low: Lowering, nested: NestedFunction, late: list[str]) -> tuple[Any, Any]:
    """The defaults of its parameters, by place and by name."""
    arguments = nested.node.args
    if not all(_may_be_passed(x) and not is_growing(x) for x in nested.defaults.values()):
        raise LookupError
    given = {}
    for name, x in nested.defaults.items():
        given[name] = function_of(low, x, late) if isinstance(x, NestedFunction) else x
        if isinstance(given[name], NestedFunction):
            raise LookupError
    positional = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
    by_name = [a.arg for a in arguments.kwonlyargs]
    return tuple(given[n] for n in positional if n in given), {n: given[n] for n in by_name if n in given}


def _may_be_passed(x: Structure) -> bool:
    """Whether it exists when the program runs."""
    if isinstance(x, (tuple, list)):
        return not is_growing(x) and all(map(_may_be_passed, x))
    if type(x) is dict:
        return all(map(_may_be_passed, x.values()))
    return not isinstance(x, (Poison, Instance)) and not hasattr(type(x), "__next__")


def _has_containers(x: Structure) -> bool:
    """Whether there are lists or dicts of the function in it, which may change."""
    return isinstance(x, KINDS) or (isinstance(x, tuple) and any(map(_has_containers, x)))


def _only_reads(node: ast.AST, name: str) -> bool:
    """Whether a function reads items of a container, or goes through it, and does no more with it."""
    allowed: set[int] = set()
    for n in ast.walk(node):
        if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Load):
            allowed.add(id(n.value))
        elif isinstance(n, (ast.For, ast.comprehension)):
            allowed.add(id(n.iter))
        elif isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id in READERS:
            allowed.update(map(id, n.args))
        elif isinstance(n, ast.Compare):
            allowed.update(map(id, n.comparators))
    return all(id(n) in allowed for n in ast.walk(node) if isinstance(n, ast.Name) and n.id == name)


def _may_change(name: str, nested: NestedFunction) -> bool:
    """Whether a name may be assigned, or what it means be changed, after the function was made."""
    top, own = nested.frame.source.node, nested.node
    loops = [n for n in ast.walk(top) if isinstance(n, LOOPS) and any(x is own for x in ast.walk(n))]
    again = {id(n) for loop in loops for n in ast.walk(loop)}
    return any(
        (id(n) in again or n.lineno > own.lineno) and not _is_within(n, own) for n in _changing(top, name)
    )


def _is_within(n: ast.AST, other: ast.AST) -> bool:
    return any(x is n for x in ast.walk(other))


def _changing(top: ast.AST, name: str) -> Iterator[Any]:
    """Where a name is assigned, or what it stands for written into, as far as the text shows."""
    for n in ast.walk(top):
        if isinstance(n, ast.Name) and n.id == name and not isinstance(n.ctx, ast.Load):
            yield n
        elif isinstance(n, (ast.Subscript, ast.Attribute)) and not isinstance(n.ctx, ast.Load):
            if any(isinstance(x, ast.Name) and x.id == name for x in ast.walk(n.value)):
                yield n
        elif isinstance(n, ast.Attribute) and n.attr in CHANGING:
            if isinstance(n.value, ast.Name) and n.value.id == name:
                yield n
        elif (isinstance(n, ast.FunctionDef) and n.name == name) or (
            isinstance(n, ast.Nonlocal) and name in n.names
        ):
            yield n
