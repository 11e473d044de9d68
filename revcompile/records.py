"""Classes that are their fields, like those of `dataclasses`, but made quickly.

`dataclasses` compiles every method of every class on its own: that was a third of the time that it took to
import the package. Here a class is compiled as one text, and what is alike for all classes is not compiled.
Imports the standard library.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, field
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

Item = TypeVar("Item")
FIELDS = "__dataclass_fields__"  # so that `dataclasses.replace` takes records, too


if TYPE_CHECKING:
    from dataclasses import dataclass as record
else:

    def record(*, frozen: bool = False, eq: bool = True) -> Callable[[type[Item]], type[Item]]:
        """What `dataclasses.dataclass` makes of a class. A method that the class itself defines stays.

        >>> @record(frozen=True)
        ... class Point:
        ...     x: float
        ...     y: float = 0.0
        >>> Point(1.0) == Point(1.0, 0.0), replace(Point(1.0), y=2.0)
        (True, Point(x=1.0, y=2.0))
        """

        def make(cls: type[Item]) -> type[Item]:
            fields = _fields(cls)
            shared = {"__repr__": _repr, "__match_args__": tuple(n for n, f in fields.items() if f.init)}
            if frozen:
                shared |= {"__setattr__": _refuse, "__delattr__": _refuse}
            if eq and not frozen:
                shared["__hash__"] = None
            names: dict[str, Any] = {"MISSING": MISSING, "assign": object.__setattr__}
            exec(_text(cls, fields, frozen, eq, names), names)
            for name in ("__init__", "__eq__", "__hash__"):
                if name in names:
                    shared[name] = names[name]
                    names[name].__qualname__ = f"{cls.__qualname__}.{name}"
            for name, item in shared.items():
                if name not in vars(cls):
                    setattr(cls, name, item)
            setattr(cls, FIELDS, fields)
            return cls

        return make


def _fields(cls: type) -> dict[str, Field[Any]]:
    """The fields of a class, by their names, those of its bases first."""
    found: dict[str, Field[Any]] = {}
    for base in reversed(cls.__mro__[1:]):
        found |= vars(base).get(FIELDS, {})
    for name in inspect.get_annotations(cls):
        given = vars(cls).get(name, MISSING)
        found[name] = given if isinstance(given, Field) else field(default=given)
        found[name].name = name
        if given is not MISSING and found[name].default is MISSING:
            delattr(cls, name)
        elif given is not MISSING:
            setattr(cls, name, found[name].default)
    return found


def _text(cls: type, fields: dict[str, Field[Any]], frozen: bool, eq: bool, names: dict[str, Any]) -> str:
    """The methods of a class that depend on its fields; what they read is put into `names`."""
    parameters, body = ["self"], []
    for name, f in fields.items():
        if not f.init:
            continue
        value = name
        if f.default is not MISSING:
            names[f"default_{name}"] = f.default
            parameters.append(f"{name}=default_{name}")
        elif f.default_factory is not MISSING:
            names[f"make_{name}"] = f.default_factory
            parameters.append(f"{name}=MISSING")
            value = f"make_{name}() if {name} is MISSING else {name}"
        else:
            parameters.append(name)
        body.append(f"assign(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    text = f"def __init__({', '.join(parameters)}):\n " + "\n ".join(body or ["pass"]) + "\n"
    if eq:
        compared = [name for name, f in fields.items() if f.compare]
        ours, others = (f"({''.join(f'{it}.{n}, ' for n in compared)})" for it in ("self", "other"))
        text += "def __eq__(self, other):\n if other.__class__ is not self.__class__: return NotImplemented\n"
        text += f" return {ours} == {others}\n"
        text += f"def __hash__(self):\n return hash({ours})\n" if frozen else ""
    return text


def _repr(self: Any) -> str:
    parts = (f"{name}={getattr(self, name, None)!r}" for name in getattr(self, FIELDS))
    return f"{type(self).__qualname__}({', '.join(parts)})"


def _refuse(self: Any, name: str, *_: Any) -> NoReturn:
    raise FrozenInstanceError(f"{type(self).__name__}.{name} is never changed")


def replace(item: Item, /, **changes: Any) -> Item:
    """The same record with other fields: passes rebuild so much that the cost of it tells."""
    kind: Any = type(item)
    known = vars(item)
    made: Item = kind(**{**{name: known[name] for name in kind.__match_args__}, **changes})
    return made
