"""Conditions in generated dispatch: does this call have the signature, do the guards hold?

Imports the front end's guards and the IR.
"""

from __future__ import annotations

import builtins
import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from types import MemberDescriptorType, ModuleType
from typing import Any

import numpy as np

from revcompile.codegen.conditions import BUILTIN
from revcompile.codegen.constants import Names
from revcompile.frontend.contents import contents
from revcompile.frontend.names import Guard, Path
from revcompile.gates.draws import class_of
from revcompile.ir.identifiers import key_text, literal
from revcompile.ir.nodes import Instance
from revcompile.ir.types import Array, Opaque, Scalar

Refer = Callable[[Any], str]


def reaching_builtins(test: str, refer: Refer) -> str:
    """A test of lengths with the names of builtins under which generated code reaches them."""
    return re.sub(f"{BUILTIN}([a-z]+)", lambda found: refer(getattr(builtins, found[1])), test)


def signature_tests(text: str, key: Any, refer: Refer) -> Iterator[str]:
    """The tests that the argument written `text` has the signature `key`."""
    if isinstance(key, type):
        yield f"{_class_test(text, refer)} is {refer(key)}"
        return
    kind, *rest = key
    if kind is np.ndarray:
        yield from array_tests(text, rest[0], rest[1], refer)
        if len(rest) > 2:
            yield f"{text}.shape == {rest[2]!r}"
    elif kind is dict:
        yield f"{refer(type)}({text}) is {refer(dict)} and {_keys(text, [k for k, _ in rest], refer)}"
        for k, inner in rest:
            yield from signature_tests(f"{text}[{key_text(k)}]", inner, refer)
    elif kind in (tuple, list) or hasattr(kind, "_fields"):
        yield f"{refer(type)}({text}) is {refer(kind)} and {refer(len)}({text}) == {len(rest)}"
        for i, inner in enumerate(rest):
            yield from signature_tests(f"{text}[{i}]", inner, refer)
    elif kind is object:
        yield f"{refer(type)}({text}) is {refer(rest[0])}"
        if len(rest) > 1:
            yield f"{text}.dtype is {refer(rest[1])}"
    elif kind is Instance:
        yield from object_tests(text, rest[0], rest[1:], refer)
    elif kind is slice:
        start, stop, step = rest
        yield f"{_class_test(text, refer)} is {refer(slice)}"
        yield f"{text} == {refer(slice)}({', '.join(_constant(part, refer) for part in (start, stop, step))})"
    else:
        yield from constant_tests(text, rest[0], refer)


def array_tests(text: str, dtype: np.dtype[Any], ones: tuple[bool, ...], refer: Refer) -> Iterator[str]:
    test = f"{refer(type)}({text}) is {refer(np.ndarray)} and {text}.dtype is {refer(dtype)}"
    test += f" and {text}.ndim == {len(ones)}"
    if not any(ones):
        yield test + (f" and 1 not in {text}.shape" if ones else "")
        return
    yield test
    for i, one in enumerate(ones):
        yield f"{text}.shape[{i}] {'==' if one else '!='} 1"


def object_tests(text: str, cls: type, attributes: Any, refer: Refer) -> Iterator[str]:
    """The class, which attributes there are, and what each is."""
    own = [name for name, _ in attributes if not isinstance(getattr(cls, name, None), MemberDescriptorType)]
    yield f"{refer(type)}({text}) is {refer(cls)}"
    if cls.__dictoffset__:
        yield _keys(f"{text}.__dict__", map(str.__str__, own), refer)
    for name, _ in attributes:
        if name not in own:
            yield f"{refer(hasattr)}({text}, {literal(str.__str__(name))})"
    for name, inner in attributes:
        yield from signature_tests(text + name.text, inner, refer)


def constant_tests(text: str, obj: Any, refer: Refer) -> Iterator[str]:
    if obj is None or isinstance(obj, bool):
        yield f"{text} is {obj!r}"
    elif type(obj) is float and not math.isfinite(obj):
        same = f"{text} == {refer(float)}({str(obj)!r})" if obj == obj else f"{text} != {text}"
        yield f"{refer(type)}({text}) is {refer(float)} and {same}"
    elif type(obj) in (int, float, str, bytes):
        yield f"{refer(type)}({text}) is {refer(type(obj))} and {text} == {literal(obj)}"
    else:
        yield f"{text} is {refer(obj)}"


def guard_tests(guard: Guard, refer: Refer) -> Iterator[str]:
    """The tests that a host object is still what was compiled for."""
    text = guard.path.text
    expected = guard.expected
    if guard.kind == "itself":
        return
    if guard.kind == "length":
        kind, shape = expected
        same = _keys(text, shape, refer) if issubclass(kind, dict) else f"{refer(len)}({text}) == {shape}"
        yield f"{refer(type)}({text}) is {refer(kind)} and {same}"
    elif guard.kind == "size":
        yield f"{refer(len)}({text}) == {expected}"
    elif guard.kind == "subclass":
        cls, answer = expected
        yield f"{refer(issubclass)}({refer(cls)}, {text}) is {answer}"
    elif guard.kind == "contents":
        yield f"{refer(contents)}({text}) == {refer(expected)}"
    elif guard.kind == "class":
        yield f"{refer(type)}({text}) is {refer(expected)}"
    elif guard.kind == "test":
        yield f"{text}()"
    elif guard.kind == "has":
        name, answer = expected
        yield f"{'' if answer else 'not '}{refer(hasattr)}({text}, {literal(str.__str__(name))})"
    elif guard.kind == "lacks":
        yield f"{literal(expected)} not in {text}"
    elif guard.kind in ("same", "apart"):
        yield f"{text} {'is' if guard.kind == 'same' else 'is not'} {expected.text}"
    elif guard.kind == "type":
        if isinstance(expected, Opaque):
            yield f"{refer(type)}({text}) is {refer(class_of(expected))}"
        elif isinstance(expected, Array):
            yield from array_tests(text, expected.dtype, tuple(d.is_one for d in expected.dims), refer)
            if any(d.size not in (None, 1) for d in expected.dims):
                yield f"{text}.shape == {tuple(d.size for d in expected.dims)!r}"
        else:
            assert isinstance(expected, Scalar)
            kind = {"f": float, "i": int}[expected.dtype.kind] if expected.python else expected.dtype.type
            yield f"{refer(type)}({text}) is {refer(kind)}"
    elif (module := module_of(guard.path)) is not None:
        owner, _, name = text.rpartition(".")
        yield f"{owner} is {refer(module)}"
        yield from constant_tests(f"{refer(Names.of(module))}.{name}", expected, refer)
    else:
        yield from constant_tests(text, expected, refer)


def module_of(path: Path) -> ModuleType | None:
    """The module with a `__getattr__` whose own attribute the path ends with."""
    obj = path.target
    *owners, name = path.text.split(".")[1:] or [""]
    for owner in owners:
        obj = vars(obj).get(owner) if type(obj) is ModuleType else None
    if type(obj) is ModuleType and "__getattr__" in vars(obj) and sys.modules.get(obj.__name__) is obj:
        return obj if name in vars(obj) and not hasattr(Names, name) else None
    return None


def _class_test(text: str, refer: Refer) -> str:
    """The cheaper way to ask for a class: an attribute is looked up faster on 3.11 and 3.12."""
    return f"{text}.__class__" if sys.version_info[:2] in ((3, 11), (3, 12)) else f"{refer(type)}({text})"


def _keys(text: str, keys: Iterable[Any], refer: Refer) -> str:
    """Whether a dict has these keys, in this order: 1 is not True, nor -0.0 the same as 0.0."""
    keys = list(keys)
    kinds = {type(key) for key in keys}
    if not kinds <= {str, bytes, type(None), int, bool}:
        return f"{refer(contents)}({refer(list)}({text})) == {refer(contents(keys))}"
    if kinds & {int, bool}:
        classes = ", ".join(refer(type(key)) for key in keys)
        text_of_classes = f"{refer(list)}({refer(map)}({refer(type)}, {text})) == [{classes}]"
        return f"{refer(list)}({text}) == [{', '.join(map(key_text, keys))}] and {text_of_classes}"
    return f"{refer(list)}({text}) == [{', '.join(key_text(key) for key in keys)}]"


def _constant(obj: Any, refer: Refer) -> str:
    return literal(obj) or refer(obj)
