"""Classes of named fields, as `dataclasses` makes them, but made quicker.

`dataclasses` writes several methods for each class and compiles them one by one when the class is made: a
third of what importing this package took. Here they are compiled together, when the first object is made.
Imports the standard library.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

Item = TypeVar("Item")
_MISSING: Any = object()


class Field(NamedTuple):
    """What is said of a field beside its name."""

    default: Any = _MISSING
    default_factory: Any = _MISSING
    init: bool = True
    compare: bool = True


def _dataclass(
    cls: Any = None, *, frozen: bool = False, eq: bool = True, init: bool = True
) -> type | Callable[[type], type]:
    if cls is None:
        return lambda cls: _made(cls, frozen, eq, init)
    return _made(cls, frozen, eq, init)


def _made(cls: Any, frozen: bool, eq: bool, init: bool) -> type:
    own = vars(cls)
    fields: dict[str, Field] = {}
    for base in reversed(cls.__mro__[1:]):
        fields |= vars(base).get("__fields__", {})
    for name in cls.__annotations__:
        default = own.get(name, _MISSING)
        fields[name] = default if isinstance(default, Field) else Field(default)
        if isinstance(default, Field):  # a default that can be read of the class, as `dataclasses` leaves it
            delattr(cls, name) if default.default is _MISSING else setattr(cls, name, default.default)
    cls.__fields__ = fields
    setattr(cls, "__match_args__", tuple(name for name, field in fields.items() if field.init))  # noqa: B010
    compared = tuple(name for name, field in fields.items() if field.compare) if eq else ()
    if init:
        cls.__init__ = _first(cls, compared)
    if "__repr__" not in own:
        cls.__repr__ = _repr
    if compared and not frozen:
        cls.__hash__ = None
    if frozen:
        cls.__setattr__, cls.__delattr__ = _refuse_to_set, _refuse_to_delete
    return cls


def _first(cls: Any, compared: tuple[str, ...]) -> Callable[..., None]:
    """The constructor with which a class begins: it completes the class with the real one."""

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        for name, method in _methods(cls, compared).items():
            setattr(cls, name, method)
        cls.__init__(self, *args, **kwargs)

    return __init__


def _methods(cls: Any, compared: tuple[str, ...]) -> dict[str, Callable[..., Any]]:
    """The constructor of a class; and by what its objects are equal, if these are `compared`."""
    parameters, lines = ["self"], ["pass"]
    scope: dict[str, Any] = {"missing": _MISSING, "put": object.__setattr__}
    is_frozen = cls.__setattr__ is _refuse_to_set
    for name, (default, factory, init, _) in cls.__fields__.items():
        if not init:
            continue
        if factory is not _MISSING:
            scope[f"make_{name}"] = factory
            parameters.append(f"{name}=missing")
            lines.append(f"if {name} is missing: {name} = make_{name}()")
        elif default is not _MISSING:
            scope[f"default_{name}"] = default
            parameters.append(f"{name}=default_{name}")
        else:
            parameters.append(name)
        lines.append(f"put(self, {name!r}, {name})" if is_frozen else f"self.{name} = {name}")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    text = f"def __init__({', '.join(parameters)}):\n " + "\n ".join(lines)
    if compared:
        mine, others = (f"({''.join(f'{o}.{name}, ' for name in compared)})" for o in ("self", "other"))
        text += (
            f"\ndef __eq__(self, other):\n if other.__class__ is self.__class__: return {mine} == {others}"
        )
        text += "\n return NotImplemented"
        text += f"\ndef __hash__(self):\n return hash({mine})" if is_frozen else ""
    made: dict[str, Callable[..., Any]] = {}
    exec(text, scope, made)
    return made


@recursive_repr()
def _repr(self: Any) -> str:
    fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__fields__)
    return f"{type(self).__qualname__}({fields})"


def _refuse_to_set(self: Any, name: str, value: Any) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: Any, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _replace(item: Any, /, **changes: Any) -> Any:
    kind, known = type(item), item.__dict__
    return kind(**{**{name: known[name] for name in kind.__match_args__}, **changes})


class _CachedProperty:
    """What is computed when it is first asked for.

    Unlike that of `functools` before Python 3.12 it has no lock, which takes longer than most that is
    computed, and which the child of a fork may find taken. Two threads may compute the same.
    """

    def __init__(self, compute: Callable[[Any], Any]) -> None:
        self.compute, self.__doc__ = compute, compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, item: Any, owner: type | None = None) -> Any:
        if item is None:
            return self
        found = item.__dict__[self.name] = self.compute(item)
        return found


if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
    from dataclasses import field as field
    from functools import cached_property as cached_property

    def replace(item: Item, /, **changes: Any) -> Item:
        """The same object with other values in some of its fields."""
        ...
else:
    dataclass, field, replace, cached_property = _dataclass, Field, _replace, _CachedProperty
