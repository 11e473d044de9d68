"""How a gate's application and a static object are written: IR atoms to Python syntax.

Imports the gate table and the IR.
"""

from __future__ import annotations

import ast
import builtins
import math
import sys
from collections.abc import Callable
from functools import lru_cache
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

import revcompile.runtime as runtime
from revcompile.codegen.template import Template
from revcompile.codegen.text import format_text
from revcompile.frontend.names import HostObject, is_library
from revcompile.gates.draws import DRAWS
from revcompile.gates.effects import has_effects
from revcompile.gates.foreign import ForeignCall
from revcompile.gates.halves import Half
from revcompile.gates.record import Gate
from revcompile.gates.table import TABLE
from revcompile.gates.traits import Kind, Text
from revcompile.ir.identifiers import LONG, is_name, is_numeral
from revcompile.ir.nodes import EMPTY, Apply, Each, Instance, Structure, Value, leaves
from revcompile.ir.types import Array, Scalar, is_float
from revcompile.syntax.operators import BINARY, COMPARE, UNARY
from revcompile.syntax.stack import parsed

_FIELD = type(Each.kind)  # what reads an item of a named tuple
_NO_ARGUMENTS = ast.arguments([], [], None, [], [], None, [])
_BINARY = {function: op for op, function in BINARY.items()}
_UNARY = {function: op for op, function in UNARY.items()}
_COMPARE = {function: op for op, function in COMPARE.items()}


class Speller:
    """Writes expressions. `atom` gives the syntax of a run-time value: its name, or its folded form."""

    def __init__(
        self,
        atom: Callable[[Value], ast.expr],
        refer: Callable[[Any], str],
        spellings: dict[float, str],
        definition: Callable[[Value], Any],
        textbook: bool,
        hidden: frozenset[str],
    ) -> None:
        self.hidden = hidden  # names of parameters, under which nothing else can be reached
        self.atom = atom
        self.refer = refer
        self.spellings = spellings
        self.definition = definition
        self.textbook = textbook
        self.is_stable: Callable[[Value], bool] = lambda _: True  # whether a variable is never assigned again

    # -- applications -------------------------------------------------------------------------

    def application(self, statement: Apply) -> ast.expr:
        function, args = statement.function, statement.args
        if isinstance(function, ForeignCall):
            return self._foreign(function, *args)
        if isinstance(function, Half):
            return ast.Call(dotted(self.refer(function)), [self(a) for a in args], [])
        if function in _BINARY:
            left, operation, right = self(args[0]), _BINARY[function](), self(args[1])
            plain = without_sign(right) if isinstance(operation, ast.Add) and _is_of_rule(statement) else None
            return ast.BinOp(left, operation, right) if plain is None else ast.BinOp(left, ast.Sub(), plain)
        if function in _UNARY:
            return ast.UnaryOp(_UNARY[function](), self(args[0]))
        if function in _COMPARE:
            return ast.Compare(self(args[0]), [_COMPARE[function]()], [self(args[1])])
        gate = TABLE[function]
        if gate.kind is Kind.FORMATTED:
            return _format(self, args[0])
        if not has_effects(function):  # a type says as much where a dtype is asked for
            args = tuple(a.type if isinstance(a, np.dtype) else a for a in args)
        if gate.written:
            text = gate.text(args, Text(getattr(statement.result, "type", None), self.textbook))
            if text:
                return Template(self, dict(zip(gate.signature.parameters, args, strict=True))).fill(text)
        positional, keywords = gate.split(args)
        if function in DRAWS:
            positional, keywords = _as_written(positional, keywords, gate)
        keys = [ast.keyword(k, self(v)) for k, v in keywords.items()]
        method = getattr(function, "__qualname__", "").startswith(("ndarray.", "Generator.", "RandomState."))
        if method and not hasattr(function, "__self__") and not isinstance(function, FunctionType):
            owner = ast.Attribute(self(positional[0]), function.__name__, ast.Load())
            return ast.Call(owner, [self(a) for a in positional[1:]], keys)
        call = ast.Call(self.static(function), [self(a) for a in positional], keys)
        kind = _kind_of(statement.result) if gate.foreign and gate.locals is None else None
        if kind is None:
            return call
        if isinstance(statement.result, Value):
            check = "as_tried"
        elif gate.last:  # gradients, which are fitted to the arguments
            return call
        else:
            check = "each_as_tried"
        return ast.Call(self.public(check), [call, *map(self, kind)], [])

    def _foreign(self, call: ForeignCall, first: Structure, args: Any, options: dict[str, Any]) -> ast.expr:
        """A call as it is: with copies of what the program has made, its result checked."""
        written: ast.expr
        if call.form == "read":
            return self._checked(call, parsed(call.attribute, mode="eval").body)
        owner = self(first)
        if call.form == "display":
            return owner
        if call.form == "item":
            written = ast.Subscript(owner, self.index(args[0]), ast.Load())
        elif call.form == "attribute":
            written = self._attribute(owner, call.attribute)
        else:
            function = owner if call.form != "method" else self._attribute(owner, call.attribute)
            given = [self(a) for a in args]
            keys = self.keywords(options)
            if call.form == "changing":
                given.insert(2, function)
                function = self.public("changing")
            copied = any(isinstance(v.type, Array) for v in leaves((args, options))) or any(
                isinstance(a, (list, dict)) for a in (*args, *options.values())
            )
            if copied and call.form != "changing" and call.copies():
                given, function = [function, *given], self.public("as_it_is")
            watched = call.watched()
            if watched:
                names: list[ast.expr | None] = [ast.Constant(name) for name in watched]
                places = [parsed(text, mode="eval").body for text in watched.values()]
                read = ast.Lambda(_NO_ARGUMENTS, ast.Dict(names, places))
                given, function = [read, function, *given], self.public("watching")
            written = ast.Call(function, given, keys)
        return self._checked(call, written)

    def _checked(self, call: ForeignCall, written: ast.expr) -> ast.expr:
        """What a call gives, which must be of the kind that is known."""
        if call.kind is None:
            return written
        written = ast.Call(self.public("checked"), [written, ast.Constant(call.kind)], [])
        if isinstance(call.pattern, Scalar) and call.kind != str(call.pattern):  # one of several kinds
            kind = call.pattern.dtype.type
            return ast.Call(self.static(type(kind().item()) if call.pattern.python else kind), [written], [])
        return written

    def _attribute(self, owner: ast.expr, name: str) -> ast.expr:
        if is_name(name):
            return ast.Attribute(owner, name, ast.Load())
        return ast.Call(self.public("getattr"), [owner, ast.Constant(name)], [])

    # -- structures ---------------------------------------------------------------------------

    def __call__(self, structure: Structure) -> ast.expr:
        """The syntax of a structure: run-time values by their names, the rest as displays."""
        if isinstance(structure, Value):
            return self.atom(structure)
        if isinstance(structure, tuple):
            if len(structure) > 1 and any(isinstance(item, slice) for item in structure):
                return ast.Subscript(self.public("np.s_"), self.index(structure), ast.Load())
            if hasattr(structure, "_fields"):
                return self._named_tuple(structure)
            whole = self._whole_shape(structure)
            return whole or ast.Tuple([self(item) for item in structure], ast.Load())
        if isinstance(structure, list):
            return ast.List([self(item) for item in structure], ast.Load())
        if isinstance(structure, dict):
            return ast.Dict([self.static(k) for k in structure], [self(v) for v in structure.values()])
        if isinstance(structure, slice):
            return ast.Subscript(self.public("np.s_"), self.index(structure), ast.Load())
        if isinstance(structure, Instance):
            return self._object(structure)
        if structure is EMPTY:
            return ast.List([], ast.Load())
        return self.static(structure)

    def _named_tuple(self, structure: Any) -> ast.expr:
        kind, items = type(structure), [self(item) for item in structure]
        if not all(is_own_field(kind, field) for field in kind._fields):
            return ast.Call(dotted(self.refer(kind)), items, [])
        keys = [ast.keyword(field, item) for field, item in zip(kind._fields, items, strict=True)]
        return ast.Call(dotted(self.refer(kind)), [], keys)

    def _object(self, instance: Instance) -> ast.expr:
        """An object with these attributes, made without its class's `__init__`."""
        if instance.cls is list:
            return self._list_of(*instance.attributes.values())
        keys = self.keywords(instance.attributes)
        return ast.Call(self.public("make_object"), [dotted(self.refer(instance.cls))], keys)

    def keywords(self, options: dict[str, Structure]) -> list[ast.keyword]:
        """The keywords of a call; those that are no names in a dict."""
        own = {str.__str__(name): self(value) for name, value in options.items()}
        if all(map(is_name, own)):
            return [ast.keyword(name, value) for name, value in own.items()]
        return [ast.keyword(None, ast.Dict([self.static(name) for name in own], list(own.values())))]

    def _list_of(self, content: Structure) -> ast.expr:
        """What is in a growing list: a list, or several that are its items' parts."""
        if not isinstance(content, tuple):
            return self(content)
        parts = ast.Call(self.public("zip"), [self._list_of(c) for c in content], [])
        return ast.Call(self.public("list"), [parts], [])

    def index(self, structure: Structure) -> ast.expr:
        """What stands between the brackets of a subscript."""
        if isinstance(structure, slice):
            parts = (structure.start, structure.stop, structure.step)
            return ast.Slice(*(None if p is None else self(p) for p in parts))
        if type(structure) is tuple and structure:
            if len(structure) == 1 and isinstance(structure[0], slice):
                return self.index(structure[0])
            return ast.Tuple([self.index(item) for item in structure], ast.Load())
        return self(structure)

    def _whole_shape(self, structure: tuple[Structure, ...]) -> ast.expr | None:
        """`x.shape` for the tuple of all lengths of x."""
        arrays = set()
        for i, item in enumerate(structure):
            made = self.definition(item) if isinstance(item, Value) else None
            if isinstance(made, Apply) and TABLE[made.function].of_shape and made.args[1:] == (i,):
                has_name = isinstance(self(item), ast.Name)
                if has_name and not self.is_stable(made.args[0]):
                    return None
                arrays.add(made.args[0])
            elif not isinstance(item, int):
                return None
        if len(arrays) != 1:
            return None
        (x,) = arrays
        if len(x.type.dims) != len(structure):
            return None
        if any(
            d.size != item for d, item in zip(x.type.dims, structure, strict=True) if isinstance(item, int)
        ):
            return None
        return ast.Attribute(self(x), "shape", ast.Load())

    def static(self, obj: Any) -> ast.expr:
        """The syntax of an object that is known while compiling."""
        if isinstance(obj, float) and not isinstance(obj, np.generic):
            return self._float(float.__pos__(obj))
        if obj is None or obj is Ellipsis or type(obj) in (bool, int, str, bytes):
            if type(obj) is int and obj < 0:
                return ast.UnaryOp(ast.USub(), self.static(-obj))
            if type(obj) is int and obj.bit_length() > LONG:
                return ast.Name(hex(obj), ast.Load())
            return ast.Constant(obj)
        if isinstance(obj, (tuple, list, dict, slice, Instance)):
            return self(obj)
        if isinstance(obj, np.generic):
            inner = self.static(obj.item())
            return ast.Call(self.static(type(obj)), [inner], [])
        if isinstance(obj, np.dtype):
            return ast.Call(self.public("np.dtype"), [self.static(obj.type)], [])
        if isinstance(obj, HostObject):
            return parsed(obj.path.text, mode="eval").body
        name = public_name(obj)
        return self.public(name) if name else dotted(self.refer(obj))

    def public(self, name: str) -> ast.expr:
        """A library's name, `np.exp`; by another name for the library where a parameter is called np."""
        first, _, rest = name.partition(".")
        if first in self.hidden:
            home = (
                {"np": np, "math": math}.get(first)
                or getattr(runtime, first, None)
                or getattr(builtins, first)
            )
            name = f"{self.refer(home)}.{rest}" if rest else self.refer(home)
        return dotted(name)

    def _float(self, x: float) -> ast.expr:
        if x in self.spellings:
            spelling = self.spellings[x]
            return ast.Name(spelling, ast.Load()) if is_numeral(spelling) else self.public(spelling)
        if x < 0 or (x == 0 and math.copysign(1, x) < 0):
            return ast.UnaryOp(ast.USub(), self._float(-x))
        if math.isinf(x) or math.isnan(x):
            return self.public("np.inf" if x > 0 else "np.nan")
        return ast.Name(repr(x), ast.Load())


def is_own_field(kind: type, field: str) -> bool:
    """Whether a named tuple's class leaves it to Python what the attribute of this name is."""
    return is_name(field) and isinstance(getattr(kind, field, None), _FIELD)


def dotted(name: str) -> ast.expr:
    first, *rest = name.split(".")
    node: ast.expr = ast.Name(first, ast.Load())
    for attribute in rest:
        node = ast.Attribute(node, attribute, ast.Load())
    return node


@lru_cache(maxsize=4096)
def _public_name(obj: Any) -> str | None:
    name = getattr(obj, "__name__", None)
    if name is None:
        return None
    ufunc = getattr(obj, "__self__", None)
    if isinstance(ufunc, np.ufunc):
        return f"{_public_name(ufunc)}.{name}" if _public_name(ufunc) else None
    homes: tuple[tuple[str, ModuleType], ...] = (
        ("", builtins), ("np.", np), ("math.", math), ("np.linalg.", np.linalg),
        ("np.lib.stride_tricks.", np.lib.stride_tricks),
    )  # fmt: skip
    if "numpy.random" in sys.modules:
        homes += (("np.random.", np.random),)
    module = getattr(obj, "__module__", None)
    ordered = sorted(homes, key=lambda home: home[1].__name__ != module)
    for prefix, home in ordered:
        if getattr(home, name, None) is obj:
            return prefix + name
        if home is np:
            for alias in (name, getattr(obj, "__qualname__", "")):
                owner = np
                for part in alias.split("."):  # NumPy warns of some names that it has no more
                    owner = vars(owner).get(part) if owner is np else getattr(owner, part, None)  # type: ignore
                if owner is obj:
                    return f"np.{alias}"
    if getattr(runtime, name, None) is obj:
        return str(name)
    return None


def public_name(obj: Any) -> str | None:
    """The name under which NumPy, math or Python itself has an object; helpers by their own name."""
    if isinstance(obj, FunctionType) and not is_library(obj):  # one of the program's is not to be kept alive
        name = str(obj.__name__)
        return name if getattr(runtime, name, None) is obj else None
    try:
        return _public_name(obj)
    except TypeError:
        return None


def _kind_of(result: Structure) -> Any:
    """The axes and the dtype of a result, for each of several; None for what has none."""
    if isinstance(result, (tuple, list)):
        return tuple(map(_kind_of, result))
    t = getattr(result, "type", None)
    return (len(t.dims), t.dtype.name) if isinstance(t, (Array, Scalar)) else None


# -- forms of their own ----------------------------------------------------------------------------


def _format(sp: Speller, given: Any) -> ast.expr:
    parts: list[ast.expr] = []
    for part in given:
        if isinstance(part, str):
            parts.append(ast.Constant(part))
        else:
            value, conversion, spec = part
            form = ast.JoinedStr([ast.Constant(spec)]) if spec else None
            parts.append(ast.FormattedValue(sp(value), conversion, form))
    text = ast.JoinedStr(parts)
    return text if format_text(text) is not None else _joined(sp, given)


def _joined(sp: Speller, parts: Any) -> ast.expr:
    """What an f-string says, for one that cannot be written as such."""
    out: list[ast.expr] = []
    for part in parts:
        if isinstance(part, str):
            out.append(sp.static(part))
            continue
        value, conversion, spec = part
        made = sp(value)
        if conversion >= 0:
            made = ast.Call(sp.public({"r": "repr", "s": "str", "a": "ascii"}[chr(conversion)]), [made], [])
        out.append(ast.Call(sp.public("format"), [made, sp.static(spec)], []))
    return ast.Call(ast.Attribute(ast.Constant(""), "join", ast.Load()), [ast.List(out, ast.Load())], [])


def _as_written(positional: list[Any], keywords: dict[str, Any], gate: Gate) -> Any:
    """Arguments by position as far as no default stands between them: `rng.uniform(0.0, 2.0, size=n)`."""
    rest = dict(keywords)
    for parameter in gate.signature.parameters.values():
        if parameter.default is not parameter.empty:
            if parameter.name not in rest or parameter.name == "size":
                break
            positional = [*positional, rest.pop(parameter.name)]
    return positional, rest


def _is_of_rule(statement: Apply) -> bool:
    """Whether a rule's sum of floats is written: the user's own text stays as it is."""
    return bool(statement.note) and all(is_float(v.type) for v in statement.inputs)


def without_sign(node: ast.expr) -> ast.expr | None:
    """What a product that is written with a leading minus is the negative of."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return node.operand
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div, ast.MatMult)):
        left = without_sign(node.left)
        return ast.BinOp(left, node.op, node.right) if left is not None else None
    return None
