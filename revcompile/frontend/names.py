"""What a name of the user's environment means: live numbers, guarded statics.

A global, a closure cell, an attribute of a user's module is an object of the host program, reached
by a `Path`. Numbers and arrays among them are *live*: generated code reads them at each call.
An object of a user's class is a `HostObject`: its attributes are read along its path, its class is
guarded. Everything else is static, baked into the code, and *guarded*: the code runs only while it
still is. Imports the IR and the errors.
"""

from __future__ import annotations

import io
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from numbers import Number
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from revcompile.errors import HostError, UnsupportedError, an, host, module_of
from revcompile.frontend.contents import contents, is_changing
from revcompile.frontend.homes import home_of
from revcompile.frontend.naming import VALUES
from revcompile.gates.foreign import foreign_type, types_of
from revcompile.ir.identifiers import (
    function_name,
    identifier,
    inside,
    is_name,
    key_literal,
    key_text,
    literal,
)
from revcompile.ir.lengths import Facts
from revcompile.ir.nodes import Structure, Value, is_record
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Array, Dim, Type
from revcompile.ir.values import ValueTable
from revcompile.lazy import lazy
from revcompile.syntax.mutable import Overlay

DEEPEST = 100  # of lists in lists: Python's text has room for 200
MAPPINGS = (dict, OrderedDict, Counter, defaultdict)
PLAIN = frozenset({bool, int, float, str, type(None), Value})  # what no function is in
TELLING = frozenset({id, hash, str, repr, ascii, format})  # give what tells one function from another
LIBRARIES = frozenset({"numpy", "math", "operator", "builtins", "functools", "itertools", "scipy"})


@dataclass(frozen=True)
class Path:
    """How generated code reaches an object: a root in its namespace, then attributes and keys."""

    root: str
    target: Any = field(compare=False)  # what the root names; None for a parameter
    text: str
    is_parameter: bool = False  # the root is a parameter of the function, not a name of the program
    getattr: str = field(default="getattr", compare=False)  # what the builtin is called there
    depth: int = field(default=0, compare=False)  # how many attributes and keys it has
    whole: str = field(default="", compare=False)  # the same without the keys at the end

    def attribute(self, name: str) -> Path:
        name = str.__str__(name)
        way = f"{self.text}.{name}" if is_name(name) else f"{self.getattr}({self.text}, {literal(name)})"
        return replace(self, text=way, depth=self.depth + 1, whole=way)

    def item(self, key: Any) -> Path:
        return replace(self, text=f"{self.text}[{key_text(key)}]", depth=self.depth + 1)

    @property
    def shown(self) -> str:
        """What a message calls it: a variable of a closure by its name."""
        return self.text.replace("_cell.cell_contents", "")


@dataclass(frozen=True)
class Guard:
    """A condition under which a specialisation holds: the object at `path` is still `expected`.

    `kind` is "is" or "code" (the same object), "equal" (an equal plain constant), "type" (a live number of
    the same type, `expected` being a `Type`), "length" (a container of the same type and keys), "contents" (a
    container with the same in it), "class" (an object of the same class), "has" (whether it has an attribute:
    name and answer), "lacks" (a dict without a key), "size" (how many items), "subclass" (whether a class is
    derived from it), "same" or "apart" (whether it is the object at another path, which `expected` is).
    "itself" asks nothing at run time: what was compiled tells this function from others of its code.
    """

    path: Path
    kind: str
    expected: Any


@dataclass(frozen=True, eq=False)
class Live:
    """A number of the host program that generated code reads at each call."""

    path: Path
    value: Value
    name: str


class HostObject:
    """An object of a user's class: only its class is known, its attributes are read along its path."""

    def __init__(self, path: Path, obj: Any) -> None:
        self.path = path
        self.obj = obj

    def refuse(self, *_: Any) -> Any:
        raise UnsupportedError(
            f"this use of {self.path.text}, {an(type(self.obj).__name__)}, is not supported",
            way_out="What is supported of an object: its attributes and its methods.",
        )

    __str__ = __format__ = __len__ = __iter__ = __contains__ = __getitem__ = __bool__ = refuse
    __lt__ = __le__ = __gt__ = __ge__ = __float__ = __int__ = __index__ = __array__ = refuse

    def __hash__(self) -> int:
        raise UnsupportedError(
            f"{self.path.text}, {an(type(self.obj).__name__)}, is not supported as a key or an item of a set",
            way_out="Use a string or a number that names it as the key.",
        )


def is_host_object(obj: Any) -> bool:
    """Whether an object is of a user's own class: not a number, a container, a string, an array."""
    return is_user_class(type(obj))


def is_user_class(kind: type) -> bool:
    """Whether a class is one whose objects are known by their attributes."""
    if kind is SimpleNamespace:
        return True
    if kind.__flags__ & (_HEAP | _IMMUTABLE) != _HEAP or is_library(kind) or issubclass(kind, _PLAIN):
        return False
    names = ("__array__", "__array_ufunc__", "__array_function__")
    return all(getattr(kind, name, None) is None for name in names)


def is_constant_key(key: Any) -> bool:
    """Whether a key is known while compiling: no object of a user's class, nor a tuple of such."""
    if isinstance(key, (tuple, frozenset)):
        return all(map(is_constant_key, key))
    return isinstance(key, Enum) or not is_host_object(key)


def is_foreign(obj: Any) -> bool:
    """Whether an object of another library is read at each call: it is no constant, function or iterator."""
    kind = type(obj)
    return isinstance(obj, io.IOBase) or not (
        kind.__module__ in _CONSTANT_HOMES
        or (isinstance(obj, (*_PLAIN, np.dtype, np.ufunc)) and not (is_record(obj) or hasattr(obj, "tocsr")))
        or (callable(obj) and not hasattr(obj, "__array__"))
        or hasattr(kind, "__next__")
    )


_CONSTANT_HOMES = frozenset({"builtins", "types", "functools", "re", "typing", "abc", "enum", "collections"})
_HEAP, _IMMUTABLE = 1 << 9, 1 << 8  # CPython's flags: a `class` statement sets the first, not the second
_PLAIN = (
    Number, Enum, str, bytes, tuple, list, dict, set, frozenset, type, np.ndarray, np.generic, BaseException,
    ModuleType, FunctionType,
)  # fmt: skip


class HostNames:
    """Collects what a compilation takes from the host program.

    `claim(wish, target)` gives a name by which generated code can refer to an object for good.
    """

    def __init__(
        self,
        facts: Facts,
        table: ValueTable,
        type_of: Callable[[Any, Facts], Type | None],
        static: frozenset[Any] = frozenset(),
        claim: Callable[[str, Any], str] = lambda wish, _: wish,
    ) -> None:
        self.facts, self.table = facts, table
        self.static = static  # paths of numbers that the compiler must know
        self.varying: frozenset[Path] = frozenset()  # of whole numbers that are not compiled in
        self.type_of = type_of
        self.claim = claim
        self.guards: dict[tuple[Path, str], Guard] = {}
        self.live: dict[Path, Live] = {}
        self.arrays: dict[Value, str] = {}  # the program's, which are not written, and how they are reached
        self.defaults: set[str] = set()  # the parameters whose arguments are default values
        self.objects_of: dict[Value, Any] = {}  # what the live ones are in this call
        self.lent: dict[int, tuple[Any, Path, Any]] = {}  # of the program's containers: copy, path, original
        self.copies: dict[int, tuple[Any, Path, Any]] = {}  # the same of the arguments' containers
        self.origins: dict[Value, tuple[Path, Any]] = {}  # of arrays: where the program has them, or a call
        self.objects: list[HostObject] = []
        self.changing: Container[str] = ()  # the texts of paths where calls change what is there
        self.read_now: Callable[[Path, Any, str], Structure] = self.bring  # what is there at this place
        self.changed: set[Value] = set()  # what was read there, and of that
        self.running: dict[Path, bool] = {}  # those paths, and whether there are arrays
        self.overlays: dict[int, tuple[Any, Overlay]] = {}  # what was assigned to an object's attributes
        self._reached: dict[int, tuple[Path, Any]] = {}
        self._read: dict[Path, Any] = {}

    def values(self) -> tuple[Value, ...]:
        """The run-time values that live names are read into."""
        return tuple(item.value for item in self.live.values())

    def lacks(self, function: FunctionType, name: str) -> None:
        """Note that a function's globals have no such name: it means the builtin."""
        names = self.root("globals", function.__globals__)
        self.guards[names.item(name), "lacks"] = Guard(names, "lacks", name)

    def globals_root(self, function: FunctionType) -> Path:
        """The path of a function's globals: its module, or a stand-in that shares their dictionary."""
        name = str(function.__globals__.get("__name__") or "module")
        return self.root(name.rpartition(".")[2].strip("_") or "module", home_of(function))

    def cell_root(self, name: str, cell: Any) -> Path:
        return self.root(f"{name}_cell", cell).attribute("cell_contents")

    def function_root(self, function: FunctionType) -> Path:
        return self.root(function_name(function), function)

    def root(self, name: str, target: Any) -> Path:
        found = self.claim(identifier(name, "the_program"), target)
        return Path(found, target, found, getattr=self._getattr)

    @lazy
    def _getattr(self) -> str:
        return self.claim("getattr", getattr)

    def parameter(self, name: str) -> Path:
        """The path of an argument."""
        return Path(name, None, name, is_parameter=True, getattr=self._getattr)

    def pin(self, function: Any) -> None:
        """Note that a function's code is compiled in, which a notebook may replace in place."""
        root = self.root(f"{function_name(function)}__function", function)  # what no variable is called
        self._guard(root.attribute("__code__"), "code", function.__code__)

    def only_from(self, cls: type, name: str, after: type, home: type | None) -> None:
        """Note that of the classes after one, none before `home` has an attribute of this name."""
        order = cls.__mro__[cls.__mro__.index(after) + 1 :]
        for between in order[: order.index(home)] if home is not None else order:
            if is_user_class(between):
                own = self.class_root(between).attribute("__dict__")
                self.guards[own.item(name), "lacks"] = Guard(own, "lacks", name)

    def rely_on(self, cls: type) -> None:
        """Note that a class, and those that it is derived from, get no attributes that they do not have."""
        for kind in filter(is_user_class, cls.__mro__):
            self._guard(self.class_root(kind).attribute("__dict__"), "size", len(vars(kind)))

    def is_subclass(self, cls: type, classes: Any) -> bool:
        """`issubclass(cls, classes)`, which `ABC.register` may change."""
        if isinstance(classes, tuple):
            return any([self.is_subclass(cls, c) for c in classes])
        with host():
            answer = issubclass(cls, classes)
        if type(classes) is not type and (is_user_class(cls) or not _is_standard(classes)):
            self.guards[self.class_root(classes), f"subclass {id(cls)}"] = Guard(
                self.class_root(classes), "subclass", (cls, answer)
            )
        return answer

    def forgo(self, owner: ModuleType) -> None:
        """Drop the guard of a library's module just reached: what is read of it will have one of its own."""
        key, guard = next(reversed(self.guards.items()))
        if key == (self.path_of(owner), "is") and guard.expected is owner:
            del self.guards[key]

    def library_attribute(self, owner: Any, name: str, obj: Any) -> None:
        """Note that a module of a library has the attribute that the program reads: it may be replaced."""
        path = self.path_of(owner)
        if path is not None and isinstance(owner, ModuleType):
            if isinstance(obj, ModuleType):
                self.reach(path.attribute(name), obj)
            self._guard(path.attribute(name), "is", obj)

    def reach(self, path: Path, obj: Any) -> Any:
        """Note that generated code reaches the static object `obj` at `path`."""
        if isinstance(obj, ModuleType):  # by the way that was gone last
            self._reached[id(obj)] = (path, obj)
        self._reached.setdefault(id(obj), (path, obj))
        return obj

    def path_of(self, obj: Any) -> Path | None:
        """How generated code reaches a static object of the host program."""
        found = self._reached.get(id(obj))
        return found[0] if found is not None else None

    def class_root(self, obj: Any) -> Path:
        """The path of a class, or of what else is known while compiling, by which its attributes are read."""
        known = self.path_of(obj)
        if known is None:
            known = self.root(getattr(obj, "__name__", type(obj).__name__), obj)
            self.reach(known, obj)
        return known

    def host_object(self, path: Path, obj: Any) -> HostObject:
        self.objects.append(HostObject(path, obj))
        return self.objects[-1]

    def is_programs(self, path: Path) -> bool:
        """Whether what is found at a path belongs to the program, not to an argument."""
        return not path.is_parameter or path.root in self.defaults

    def attribute(self, path: Path, owner: Any, name: str) -> Structure:
        """The abstract value of an attribute of the host object `owner`, which is at `path`."""
        obj = owner.obj if isinstance(owner, HostObject) else owner
        try:
            with host():
                found = getattr(obj, name)
        except HostError:
            self.note_has(path, name, False)
            raise
        if (
            isinstance(found, MethodType)
            and found.__self__ is obj
            and isinstance(found.__func__, FunctionType)
        ):
            self.bring(path.attribute(name).attribute("__func__"), found.__func__, name)
            return MethodType(found.__func__, owner)
        return self.bring(path.attribute(name), found, name)

    def has(self, path: Path, owner: HostObject, name: str) -> bool:
        with host():
            answer = hasattr(owner.obj, name)
        self.note_has(path, name, answer)
        return answer

    def note_has(self, path: Path, name: str, answer: bool) -> None:
        """Note that the code holds only while the object at `path` has an attribute, or has none."""
        self.guards[path.attribute(name), "has"] = Guard(path, "has", (name, answer))

    def bring(self, path: Path, obj: Any, name: str) -> Structure:
        """The abstract value of the host object `obj`, which generated code finds at `path`.

        It is read once: another thread may put another object there meanwhile.
        """
        if path.text in self.changing:
            return self.read_now(path, obj, name)
        obj = self._read.setdefault(path, obj)
        if path in self.live:
            return self.live[path].value
        if path.depth > DEEPEST:
            raise UnsupportedError(
                f"{path.shown.partition(chr(91))[0]} contains itself, or is nested more than {DEEPEST} deep",
                way_out="Keep what the function needs of it under a name of its own.",
            )
        if path in self.static and isinstance(obj, (int, float, np.generic)):
            self._guard(path, "equal", obj)
            return obj
        if type(obj) in (tuple, list, deque) or (isinstance(obj, tuple) and hasattr(obj, "_make")):
            self.same_length(path, obj)
            if type(obj) is deque:
                self._guard(path.attribute("maxlen"), "equal", obj.maxlen)
            items = [self.bring(path.item(i), x, f"{name}_{i}") for i, x in enumerate(obj)]
            return self._lend(_alike(obj, items), path, obj)
        if type(obj) in MAPPINGS:
            for key in obj:
                if not is_constant_key(key):
                    raise UnsupportedError(
                        f"{path.text} is {an(type(obj).__name__)} with {an(type(key).__name__)} as a key",
                        way_out="Use a string or a number that names it as the key.",
                    )
            self._guard(path, "length", (type(obj), tuple(obj)))
            copy = {k: self.bring(self._item(path, k), x, inside(name, k)) for k, x in obj.items()}
            return self._lend(_alike(obj, copy), path, obj)
        varies = type(obj) is int and path in self.varying and path not in self.static
        if type(obj) in (bool, int, str, bytes, type(None), np.bool_) and not varies:
            self._guard(path, "equal", obj)
            return obj
        if is_changing(obj):
            with host():
                self._guard(path, "contents", contents(obj))
            self._guard(path, "is", obj)
            return self.reach(path, obj)
        found = self.type_of(obj, self.facts)
        if found is not None:
            found = known_lengths(found, obj) if path in self.static else found
            self._guard(path, "type", found)
            return self._live(path, found, obj, name)
        if isinstance(obj, (complex, np.ndarray, np.complexfloating)):
            kind = np.asarray(obj).dtype
            what = "complex" if kind.kind == "c" else f"{an(type(obj).__name__)} of dtype {kind.str}"
            way_out = f"Use {path.shown}{VALUES[type(obj).__name__]}." if type(obj).__name__ in VALUES else ""
            raise UnsupportedError(
                f"{name} is {what}; only real numbers and plain arrays of them are supported", way_out=way_out
            )
        if isinstance(obj, MethodType) and isinstance(obj.__func__, FunctionType):
            self.bring(path.attribute("__func__"), obj.__func__, name)
            return MethodType(obj.__func__, self.bring(path.attribute("__self__"), obj.__self__, name))
        if is_host_object(obj) and not isinstance(obj, io.IOBase):
            self._guard(path, "class", type(obj))
            return self.host_object(path, obj)
        if is_foreign(obj):
            self._guard(path, "class", type(obj))
            kind = types_of(foreign_type(obj), self.facts)
            if kind.dtype is not None:
                self._guard(path.attribute("dtype"), "is", kind.dtype)
            return self._live(path, kind, obj, name)
        self._guard(path, "is", obj)
        return self.reach(path, obj)

    def _item(self, path: Path, key: Any) -> Path:
        """The path of what is under a key, which has a name in generated code if it is no literal."""
        way = key_literal(key) or self.root(inside("key", key), key).text
        return replace(path, text=f"{path.text}[{way}]", depth=path.depth + 1)

    def must_be(self, path: Path) -> None:
        """Note that the code is for a number, or an array's lengths, as they are in this call."""
        known, obj = known_lengths(self.live[path].value.type, self._read[path]), self._read[path]
        self._guard(path, *(("type", known) if isinstance(known, Array) else ("equal", obj)))

    def is_still(self, path: Path, obj: Any) -> None:
        """Note that the code holds only while this object is at a path."""
        self._guard(path, "is", obj)

    def holds_while(self, test: Callable[[], bool]) -> None:
        """Note that the code holds only while a test says so."""
        self._guard(self.root(test.__name__, test), "test", None)

    def tells(self, function: Any, given: Sequence[Any], result: Any = None) -> None:
        """Note a call made while compiling. Where its result tells functions apart, by their addresses or by
        the order that a set has, the code holds for these functions only."""
        inside = _inside(given)
        ordered = any(isinstance(x, (set, frozenset)) for x in given)
        if ordered or isinstance(result, (str, bytes)) or not TELLING.isdisjoint((function, *inside)):
            for x in inside:
                if isinstance(x, (FunctionType, partial)):
                    self._guard(self.root("function__itself", x), "itself", x)

    def same_length(self, path: Path, obj: Any) -> None:
        """Note that the code holds only for a container of this class and length."""
        self._guard(path, "length", (type(obj), len(obj)))

    def _live(self, path: Path, found: Type, obj: Any, name: str) -> Value:
        value = self.table.new(found, name)
        self.live[path] = Live(path, value, name)
        self.objects_of[value] = obj
        if self.is_programs(path):
            self.arrays[value] = path.shown
        if isinstance(obj, np.ndarray):
            self.origins[value] = (path, obj)
        return value

    def _lend(self, copy: Any, path: Path, obj: Any) -> Any:
        return self.lent.setdefault(id(copy), (copy, path, obj))[0]

    def compare(self, path: Path, other: Path, same: bool) -> None:
        """Note that the code holds only while the objects at two paths are the same one, or are not."""
        kind = "same" if same else "apart"
        self.guards[path, f"{kind} {other.text}"] = Guard(path, kind, other)

    def _guard(self, path: Path, kind: str, expected: Any) -> None:
        self.guards[path, kind] = Guard(path, kind, expected)


def _inside(given: Any) -> list[Any]:
    """The functions and classes in arguments. (Lists of a million numbers are gone through quickly.)"""
    found: list[Any] = []
    seen: set[int] = set()
    waiting = [given]
    while waiting:
        x = waiting.pop()
        if isinstance(x, (FunctionType, partial, BuiltinFunctionType, type)):
            found.append(x)
        elif isinstance(x, (tuple, list, set, frozenset)) and id(x) not in seen:
            seen.add(id(x))
            waiting += [item for item in x if type(item) not in PLAIN][::-1]
    return found


def _alike(obj: Any, items: Any) -> Any:
    """A container of the class of `obj` with these items."""
    if type(obj) is defaultdict:
        return defaultdict(obj.default_factory, items)
    if type(obj) is deque:
        return deque(items, obj.maxlen)
    return type(obj)(*items) if hasattr(obj, "_fields") else type(obj)(items)


def known_lengths(found: Type, obj: Any) -> Type:
    """The type of an array whose lengths the compiler must know."""
    return replace(found, dims=tuple(Dim(size=n) for n in obj.shape)) if isinstance(found, Array) else found


def _is_standard(kind: Any) -> bool:
    return module_of(kind).partition(".")[0] in sys.stdlib_module_names


def is_library(obj: Any) -> bool:
    """Whether an object belongs to a library whose attributes are constants."""
    name = obj.__name__ if isinstance(obj, ModuleType) else module_of(obj)
    if isinstance(obj, (BuiltinFunctionType, np.ufunc)):
        return True
    return name.partition(".")[0] in LIBRARIES
