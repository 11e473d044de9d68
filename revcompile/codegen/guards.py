"""Conditions in generated dispatch: does this call have the signature, do the guards hold?

Imports the front end's guards and the IR.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from types import MemberDescriptorType
from typing import Any

import numpy as np

from revcompile.frontend.names import Guard
from revcompile.gates.draws import class_of
from revcompile.ir.nodes import Instance
from revcompile.ir.types import Array, Opaque, Scalar

Refer = Callable[[Any], str]


def signature_tests(text: str, key: Any, refer: Refer) -> Iterator[str]:
    """The tests that the argument written `text` has the signature `key`."""
    if isinstance(key, type):
        yield f"{_class_test(text)} is {_class(key, refer)}"
        return
    kind, *rest = key
    if kind is np.ndarray:
        yield from array_tests(text, rest[0], rest[1], refer)
        if len(rest) > 2:
            yield f"{text}.shape == {rest[2]!r}"
    elif kind is dict:
        yield f"type({text}) is dict and list({text}) == {[k for k, _ in rest]!r}"
        for k, inner in rest:
            yield from signature_tests(f"{text}[{k!r}]", inner, refer)
    elif kind in (tuple, list) or hasattr(kind, "_fields"):
        yield f"type({text}) is {_class(kind, refer)} and len({text}) == {len(rest)}"
        for i, inner in enumerate(rest):
            yield from signature_tests(f"{text}[{i}]", inner, refer)
    elif kind is object:
        yield f"type({text}) is {refer(rest[0])}"
    elif kind is Instance:
        yield from object_tests(text, rest[0], rest[1:], refer)
    elif kind is slice:
        yield f"{text} == slice{tuple(rest)!r}"
    else:
        yield from constant_tests(text, rest[0], refer)


def array_tests(text: str, dtype: np.dtype[Any], ones: tuple[bool, ...], refer: Refer) -> Iterator[str]:
    test = f"type({text}) is {refer(np.ndarray)} and {text}.dtype is {refer(dtype)}"
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
    yield f"type({text}) is {refer(cls)}"
    if cls.__dictoffset__:
        yield f"list({text}.__dict__) == {list(map(str, own))!r}"
    for name, _ in attributes:
        if name not in own:
            yield f"hasattr({text}, {str(name)!r})"
    for name, inner in attributes:
        yield from signature_tests(text + name.text, inner, refer)


def constant_tests(text: str, obj: Any, refer: Refer) -> Iterator[str]:
    if obj is None or isinstance(obj, bool):
        yield f"{text} is {obj!r}"
    elif type(obj) is float and not math.isfinite(obj):
        same = f"{text} == float({str(obj)!r})" if obj == obj else f"{text} != {text}"
        yield f"type({text}) is float and {same}"
    elif type(obj) in (int, float, str, bytes):
        yield f"type({text}) is {type(obj).__name__} and {text} == {obj!r}"
    else:
        yield f"{text} is {refer(obj)}"


def guard_tests(guard: Guard, refer: Refer) -> Iterator[str]:
    """The tests that a host object is still what was compiled for."""
    text = guard.path.text
    expected = guard.expected
    if guard.kind == "length":
        kind, shape = expected
        same = f"list({text}) == {list(shape)!r}" if kind is dict else f"len({text}) == {shape}"
        yield f"type({text}) is {_class(kind, refer)} and {same}"
    elif guard.kind == "class":
        yield f"type({text}) is {refer(expected)}"
    elif guard.kind == "has":
        name, answer = expected
        yield f"{'' if answer else 'not '}hasattr({text}, {name!r})"
    elif guard.kind in ("same", "apart"):
        yield f"{text} {'is' if guard.kind == 'same' else 'is not'} {expected.text}"
    elif guard.kind == "type":
        if isinstance(expected, Opaque):
            yield f"type({text}) is {refer(class_of(expected))}"
        elif isinstance(expected, Array):
            yield from array_tests(text, expected.dtype, tuple(d.is_one for d in expected.dims), refer)
            if any(d.size not in (None, 1) for d in expected.dims):
                yield f"{text}.shape == {tuple(d.size for d in expected.dims)!r}"
        else:
            assert isinstance(expected, Scalar)
            kind = {"f": float, "i": int}[expected.dtype.kind] if expected.python else expected.dtype.type
            yield f"type({text}) is {_class(kind, refer)}"
    else:
        yield from constant_tests(text, expected, refer)


def _class_test(text: str) -> str:
    """The cheaper way to ask for a class: an attribute is looked up faster on 3.11 and 3.12."""
    return f"{text}.__class__" if sys.version_info[:2] in ((3, 11), (3, 12)) else f"type({text})"


def _class(kind: type, refer: Refer) -> str:
    return kind.__name__ if kind in (float, int, tuple, list, dict) else refer(kind)
