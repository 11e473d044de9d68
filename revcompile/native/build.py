"""A gradient's numbers computed by native code: its text, compiled by Numba, in a Python function around it.

What is read of arguments and of the program, and what answers are put together, stays Python: numbers and
arrays go in and come out. What Numba cannot compile is refused at the user's line. Imports the texts, the IR
and the errors; Numba, when it is asked for.
"""

from __future__ import annotations

import ast
import builtins
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import FunctionType
from typing import Any

import numpy as np

import revcompile.runtime as runtime
from revcompile.codegen.entry import INDENT
from revcompile.codegen.load import Namespace, compile_text, names_in
from revcompile.codegen.places import PLACES, Text, joined, line_for, same_place
from revcompile.codegen.specialization import ARITHMETIC, Blame
from revcompile.codegen.spell import dotted
from revcompile.codegen.text import to_text
from revcompile.errors import UnsupportedError
from revcompile.gates.effects import is_noticed
from revcompile.gates.record import Gate
from revcompile.gates.table import TABLE
from revcompile.gates.traits import Kind, Line, Memory
from revcompile.ir.nodes import Function, Instance, Structure, Value, applications, leaves
from revcompile.ir.types import Array, Scalar, Type
from revcompile.native.legal import legal
from revcompile.native.whole import converters, may_grow
from revcompile.syntax.stack import parsed

NUMBERS = "?lqd"  # the dtypes with which native code computes as NumPy does
BEYOND = (*ARITHMETIC, LookupError, NameError, AssertionError)  # of which the NumPy text tells the line
OPTIONS = {"error_model": "numpy", "boundscheck": True}
WHOLE = {"error_model": "python", "boundscheck": True}  # where whole numbers are divided, perhaps by zero
SHARING = (Memory.VIEW, Memory.REGULAR, Memory.IN_ORDER, Memory.SPREAD, Memory.SHARED)
VIEWS = (Kind.PART, Kind.TRANSPOSE, Kind.RESHAPE, Kind.UNSTRETCH, Kind.CONSTANT)  # which are Numba's, too
READ = re.compile(r"    \w+ = \w+(\.\w+|\[(-?\d+|'[^'\\]*')\])*( +# read at each call)?")
WAY_OUT = 'Leave backend="numba" out.'


def refuse_others(functions: Iterable[Function]) -> None:
    """Refuse what Numba would do otherwise: in another precision, in other memory, twice."""
    for function in functions:
        inputs = {v for p in function.parameters for v in leaves(p.structure)}
        for value in {*function.body.uses, *function.body.defined, *inputs}:
            dtype = getattr(value.type, "dtype", None)
            if dtype is not None and dtype.char not in NUMBERS:
                raise _refused(f"computes with float64, whole numbers and booleans, not with {dtype}")
            if isinstance(value.type, Array) and not value.type.dims:
                raise _refused("takes an array without axes for a number")
        if any(is_noticed(f) and TABLE[f].line is not Line.ASSERT for f in function.body.functions):
            raise _refused("does not print, draw random numbers or call functions as they are")
        if may_grow(function):
            raise _refused("has whole numbers of 64 bits: a power, or a product in each trip, may need more")
        for gate in _shared(function) if any(map(_writes, function.body.functions)) else ():
            if gate.memory in SHARING and gate.kind not in VIEWS:
                raise _refused(f"has no {gate.name} that shares memory, where arrays are written")


def _writes(function: Any) -> bool:
    return TABLE[function].kind in (Kind.STORE, Kind.ADD_AT)


def _shared(function: Function) -> Iterator[Gate]:
    """The gates that give arrays, and those of the places that are written."""
    for statement in applications(function.body):
        if TABLE[statement.function].kind is Kind.STORE:
            yield from (TABLE[part] for part, *_ in statement.args[1])
        elif isinstance(statement.result, Value) and isinstance(statement.result.type, Array):
            yield TABLE[statement.function]


def _refused(what: str) -> UnsupportedError:
    return UnsupportedError(f'backend="numba" {what}', way_out=WAY_OUT)


def native(
    label: str,
    lines: Sequence[str],
    helpers: Mapping[str, str],
    answer: Structure,
    arguments: Mapping[str, Any],
    namespace: Namespace,
) -> tuple[list[str], dict[str, str]]:
    """The lines of a function around native code, and the texts of that, compiled for these arguments.

    They are made of the lines of a function, and of the texts of what it calls.
    """
    head = _head(lines)
    outer, inner = list(lines[:head]), list(lines[head:])
    returned = _parsed(inner).body[-1]
    if not isinstance(returned, ast.Return) or returned.value is None:
        raise _refused("computes nothing of a function that gives nothing")
    names = [*arguments, *(line.partition(" = ")[0].strip() for line in outer)]
    numbers = Numbers(names, namespace)
    whole = numbers.named(returned.value, answer)
    last = returned.lineno - 2  # the first line is the function's heading
    inner[last:] = [same_place(f"{INDENT}return {_together(numbers.names)}", inner[last])]
    read = {n.id for n in ast.walk(_parsed(inner)) if isinstance(n, ast.Name)}
    given = [name for name in dict.fromkeys(names) if name in read]
    name = _free_name(f"native_{label}", namespace)
    texts = {n: joined(legal(_lines(text))) for n, text in helpers.items()}
    texts[name] = joined(legal([f"def {name}({', '.join(given)}):", *inner]))
    options = WHOLE if re.search(r"[^/]//[^/]| % ", "".join(texts.values())) else OPTIONS
    function = _jitted(texts, options, namespace)[name]
    _compile(function, _values(outer, given, arguments, namespace), numbers.types)
    namespace.put(name, function)
    call = f"{_together(numbers.names.values())} = {name}({', '.join(given)})"
    decorator = f"@njit({', '.join(f'{k}={v!r}' for k, v in options.items())})".replace("'", '"')
    body = [*outer, INDENT + call, INDENT + to_text(ast.Return(whole))]
    return body, {n: f"{decorator}\n{text}" for n, text in texts.items()}


def _head(lines: Sequence[str]) -> int:
    """How many lines there are before what is computed: they read arguments and the program."""
    for i, line in enumerate(lines):
        if line.startswith(f"{INDENT}# "):
            return i
    return next(i for i, line in enumerate(lines) if not READ.fullmatch(line))


def _together(texts: Iterable[str]) -> str:
    """`a, b`, or `a`"""
    return ", ".join(texts) or "()"


def _parsed(lines: Sequence[str]) -> ast.FunctionDef:
    function = parsed("\n".join(["def f():", *lines])).body[0]
    assert isinstance(function, ast.FunctionDef)
    return function


def _lines(text: str) -> list[str]:
    """The lines of a text, with the places that they stand for."""
    lines = text.splitlines()
    places = text.places if isinstance(text, Text) else ((),) * len(lines)
    return [line_for(line, place) for line, place in zip(lines, places, strict=True)]


def _free_name(wish: str, namespace: Namespace) -> str:
    name, n = wish, 1
    while name in namespace.globals:
        name, n = f"{wish}__{n + 1}", n + 1
    return name


class Numbers:
    """The numbers and arrays of an answer, which native code gives."""

    def __init__(self, taken: Sequence[str], namespace: Namespace) -> None:
        self.taken, self.namespace = taken, namespace
        self.names: dict[str, str] = {}  # what they are called outside, by what they are inside
        self.types: list[Type] = []

    def named(self, node: ast.expr, structure: Structure) -> ast.expr:
        """The answer, made of names."""
        if isinstance(structure, Value):
            return node if isinstance(node, ast.Constant) else self._number(ast.unparse(node), structure.type)
        parts = structure
        if isinstance(structure, (dict, Instance)):
            parts = list((structure if isinstance(structure, dict) else structure.attributes).values())
        if isinstance(node, (ast.Tuple, ast.List)):
            return type(node)([self.named(*pair) for pair in zip(node.elts, parts, strict=True)], ast.Load())
        if isinstance(node, ast.Dict):
            return ast.Dict(node.keys, [self.named(*pair) for pair in zip(node.values, parts, strict=True)])
        if isinstance(node, ast.Call) and node.keywords:
            pairs = zip(node.keywords, parts, strict=True)
            keys = [ast.keyword(key.arg, self.named(key.value, part)) for key, part in pairs]
            return ast.Call(node.func, node.args, keys)
        return node

    def _number(self, text: str, kind: Type) -> ast.expr:
        if text not in self.names:
            wish = text if text.isidentifier() else "number"
            while wish in self.taken or wish in self.names.values():
                wish += "_"
            self.names[text] = wish
            self.types.append(kind)
        name = ast.Name(self.names[text], ast.Load())
        if not isinstance(kind, Scalar) or kind.python:
            return name
        numpy_kind, is_hidden = kind.dtype.type, "np" in self.namespace.reserved
        word = self.namespace.refer(numpy_kind) if is_hidden else f"np.{numpy_kind.__name__}"
        return ast.Call(dotted(word), [name], [])


# -- what is compiled -------------------------------------------------------------------------


def _jitted(texts: Mapping[str, str], options: Mapping[str, Any], namespace: Namespace) -> dict[str, Any]:
    """Numba's functions of these texts, which may call each other."""
    from numba import njit

    own: dict[str, Any] = {"np": np, "__builtins__": builtins, **converters(njit(**options))}
    codes = {name: compile_text(text, name) for name, text in texts.items()}
    called = {name: codes.keys() & names_in(code) for name, code in codes.items()}
    for _ in called:
        called = {name: names.union(*(called[n] for n in names)) for name, names in called.items()}
    if any(name in names for name, names in called.items()):  # nothing would stop one that is too deep
        raise _refused("has no recursion as deep as the run decides")
    for name in {n for code in codes.values() for n in names_in(code)} - own.keys() - texts.keys():
        known = namespace.globals.get(name)
        if isinstance(known, FunctionType) and known.__module__ == runtime.__name__:
            own[name] = njit(**options)(known)
        elif name in namespace.globals:
            own[name] = known
    own.update({name: njit(**options)(FunctionType(code, own, name)) for name, code in codes.items()})
    return own


def _values(
    outer: Sequence[str], names: Sequence[str], arguments: Mapping[str, Any], namespace: Namespace
) -> tuple[Any, ...]:
    """What native code is called with first."""
    heading = f"def given({', '.join(arguments)}):"
    text = joined([heading, *outer, f"{INDENT}return ({''.join(f'{name}, ' for name in names)})"])
    values = FunctionType(compile_text(text, "given"), namespace.globals)(*arguments.values())
    return tuple(values)


def _compile(function: Any, values: Sequence[Any], types: Sequence[Type]) -> None:
    """Compile for arguments like these. Raises UnsupportedError where Numba gives nothing of these types."""
    from numba import typeof

    signature = tuple(map(typeof, values))
    try:
        function.compile(signature)
    except Exception as e:  # Numba has errors of many kinds, its own assertions among them
        raise refusal(e) from None
    found = function.overloads[signature].signature.return_type
    given = [found] if len(types) == 1 else list(found)
    for found, kind in zip(given, types, strict=True):
        others = {other.dtype for other in getattr(kind, "others", ())} - {getattr(kind, "dtype", None)}
        if others or not _is_of(getattr(found, "type", found), kind):
            raise _refused(f"cannot give what is {kind}: Numba gives {found}")


def _is_of(found: Any, kind: Type) -> bool:
    """Whether a type of Numba's is this one."""
    dtype = getattr(kind, "dtype", None)
    if isinstance(kind, Array):
        return getattr(found, "ndim", 0) == len(kind.dims) > 0 and str(found.dtype) == str(dtype)
    return isinstance(kind, Scalar) and str(found).replace("boolean", "bool") == str(dtype)


def refusal(error: Exception) -> UnsupportedError:
    """What Numba says that it cannot compile, at the user's line."""
    location = getattr(error, "loc", None)
    file, line = (location.filename, location.line) if location is not None else _located(str(error))
    places = PLACES.get(file, ())
    place = next(iter(places[line - 1]), None) if 0 < line <= len(places) else None
    return UnsupportedError(f'backend="numba": {_reason(str(error))}', place, WAY_OUT)


def _reason(message: str) -> str:
    """What a message of Numba's says, in a line."""
    call = re.search(r"^ *>>> (.*)$", message, re.MULTILINE)
    if call is not None:
        return f"Numba has no {call[1]}"
    lines = [line.strip() for line in message.splitlines()]
    return f"Numba says: {next((x for x in lines if x and 'pipeline' not in x), 'it cannot compile this')}"


def _located(message: str) -> tuple[str, int]:
    """The last line of generated text that a message of Numba's names."""
    found = re.findall(r'File "(<revcompile [^"]*)", line (\d+)', message)
    return (found[-1][0], int(found[-1][1])) if found else ("", 0)


class NativeBlame(Blame):
    """Tells what Numba cannot compile for arrays that lie otherwise in memory than the first ones."""

    def __call__(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
        from numba.core.errors import NumbaError

        error = sys.exc_info()[1]
        if isinstance(error, NumbaError):
            raise refusal(error) from None
        return super().__call__(args, kwargs)
