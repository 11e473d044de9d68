"""Objects of the user's classes: making one, reading and assigning attributes, methods, operators.

An object that the program makes, or one that is differentiated, is an `Instance`; any other is a
`HostObject`, whose attributes are read where the program has it. Functions and attributes of a class
are found along its method resolution order, as Python does. Imports the abstract values.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import operator
from abc import ABCMeta
from dataclasses import dataclass
from types import FunctionType, MemberDescriptorType, MethodType, SimpleNamespace
from typing import Any

from revcompile.errors import HostError, UnsupportedError, an, host
from revcompile.frontend import containers, growing
from revcompile.frontend.lowering import Lowering
from revcompile.frontend.names import HostObject, is_user_class
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import Instance, Raise, Structure, Value, is_static
from revcompile.ir.types import Foreign
from revcompile.syntax import operators
from revcompile.syntax.abstract import Left, Native, Poison
from revcompile.syntax.mutable import Overlay, is_growing
from revcompile.syntax.mutable import containers as containers_in
from revcompile.syntax.operators import special_name, symbol_of

MISSING = object()
ANSWERING = (Instance, HostObject, tuple)  # whose class may say what an operator does
# What a class calls the operators and the builtins that ask it.
BINARY = {f: special_name(f) for f in (*operators.BINARY.values(), divmod, pow)}
UNARY = {f: special_name(f) for f in (*operators.UNARY.values(), *operators.ABSOLUTE, float, int, round)}
COMPARE = {f: (special_name(f), TABLE[f].mirrored) for f in operators.COMPARE.values()}


@dataclass(frozen=True, eq=False)
class Super:
    """`super()`: what `owner` inherits from the classes after `cls`."""

    cls: type
    owner: Any


def is_object(x: Any) -> bool:
    return isinstance(x, (Instance, HostObject))


def has_operator(x: Any, function: Any) -> bool:
    """Whether it is a named tuple whose class says itself what an operator does."""
    if not isinstance(x, tuple) or type(x) is tuple:
        return False
    names = [BINARY.get(function), UNARY.get(function), *COMPARE.get(function, ())]
    names += [f"r{name}" for name in names[:1] if name]
    return any(isinstance(look_up(type(x), f"__{name}__")[1], FunctionType) for name in names if name)


def class_of(owner: Any) -> type:
    if isinstance(owner, HostObject):
        return type(owner.obj)
    return owner.cls if isinstance(owner, Instance) else type(owner)


def look_up(cls: type, name: str, after: type | None = None) -> tuple[Any, Any]:
    """The class that defines an attribute, and what it is there; (None, MISSING) if none does."""
    order = list(cls.__mro__)
    for home in order[order.index(after) + 1 :] if after is not None else order:
        if name in vars(home):
            return home, vars(home)[name]
    return None, MISSING


# -- reading -------------------------------------------------------------------------------------


def read(low: Lowering, owner: Instance, name: str) -> Structure:
    """`owner.name`, by Python's rules: property, own attribute, attribute of the class, __getattr__."""
    cls = owner.cls
    low.mutables.read(owner)
    if name == "__class__":
        return low.host.reach(low.host.class_root(cls), cls)
    if name == "__dict__":
        return low.mutables.own_part(owner.attributes, owner)
    if look_up(cls, "__getattribute__")[0] not in (object, SimpleNamespace):
        raise UnsupportedError(f"{cls.__name__} has a __getattribute__ of its own, which is not supported")
    home, raw = look_up(cls, name)
    if raw is not MISSING and _is_data(raw):
        return bound(low, home, raw, name, owner)
    if name in owner.attributes:
        found = owner.attributes[name]
        if isinstance(found, Poison):
            containers.refuse(low, found, f"the attribute {name!r}")
        return found
    if raw is not MISSING and not isinstance(raw, MemberDescriptorType):
        return bound(low, home, raw, name, owner)
    home, fallback = look_up(cls, "__getattr__")
    if isinstance(fallback, FunctionType):
        return _fall_back(low, bound(low, home, fallback, "__getattr__", owner), name)
    raise HostError(AttributeError(f"{cls.__name__!r} object has no attribute {name!r}"))


def _fall_back(low: Lowering, method: Any, name: str) -> Structure:
    """What `__getattr__` gives. That it raises AttributeError is an answer, too."""
    builder = low.builder
    try:
        with builder.tentatively() as statements:
            value = low.invoke(method, name)
    except Left:
        last = statements[-1]
        if (
            isinstance(last, Raise)
            and issubclass(last.exception[0], AttributeError)
            and is_static(last.exception)
        ):
            raise HostError(last.exception[0](*last.exception[1])) from None
        builder.statements.extend(statements)
        raise
    builder.statements.extend(statements)
    return value


def _is_data(raw: Any) -> bool:
    """Whether a class's attribute comes before an object's own of that name."""
    return hasattr(type(raw), "__set__") and not isinstance(raw, MemberDescriptorType)


def bound(low: Lowering, home: type, raw: Any, name: str, owner: Any) -> Structure:
    """What `raw`, the attribute `name` of the class `home`, is for the object or class `owner`."""
    cls = owner if isinstance(owner, type) else class_of(owner)
    own = look_up(cls, name)[0] is home  # not found by `super()`: a class before `home` may get it some day
    path = low.host.class_root(cls if own else home).attribute(name)
    if isinstance(raw, FunctionType):
        low.host.bring(path, raw, name)
        return MethodType(raw, owner)
    if isinstance(raw, property):
        low.host.bring(path, raw, name)
        if raw.fget is None:
            raise HostError(AttributeError(f"property {name!r} of {home.__name__!r} object has no getter"))
        return low.invoke(raw.fget, owner)
    if isinstance(raw, functools.cached_property):
        low.host.bring(path, raw, name)
        value = low.invoke(raw.func, owner)
        store(low, owner, name, value)
        return value
    if isinstance(raw, classmethod):
        inner = low.host.bring(path.attribute("__func__"), raw.__func__, name)
        cls = owner if isinstance(owner, type) else class_of(owner)
        return MethodType(inner, low.host.reach(low.host.class_root(cls), cls))
    if isinstance(raw, staticmethod):
        return low.host.bring(path, raw.__func__, name)
    if isinstance(raw, functools.partialmethod):
        raise UnsupportedError(f"{home.__name__}.{name} is a partialmethod, which is not supported")
    if callable(raw) and hasattr(raw, "__get__") and not isinstance(raw, type):
        return MethodType(raw, owner)  # object's own methods
    if hasattr(type(raw), "__get__") and is_user_class(type(raw)):
        raise UnsupportedError(
            f"{home.__name__}.{name} is a descriptor ({type(raw).__name__}), which is not supported"
        )
    return low.host.bring(path, raw, name)


def read_host(low: Lowering, owner: HostObject, name: str) -> Structure:
    """An attribute of an object of the program: what was assigned to it here, or what it is out there."""
    _, overlay = low.host.overlays.get(id(owner.obj), (None, None))
    if overlay is not None and name in overlay.attributes:
        low.mutables.read(overlay)
        found = overlay.attributes[name]
        if isinstance(found, Poison):
            containers.refuse(low, found, f"the attribute {name!r}")
        return found
    if any(o.attributes for _, o in low.host.overlays.values()):
        home, raw = look_up(type(owner.obj), name)
        if isinstance(raw, property):  # what it computes may depend on what was assigned
            return bound(low, home, raw, name, owner)
    return low.host.attribute(owner.path, owner, name)


def read_super(low: Lowering, owner: Super, name: str) -> Structure:
    cls = owner.owner if isinstance(owner.owner, type) else class_of(owner.owner)
    home, raw = look_up(cls, name, owner.cls)
    low.host.only_from(cls, name, owner.cls, home)
    if raw is MISSING:
        raise HostError(AttributeError(f"'super' object has no attribute {name!r}"))
    if isinstance(raw, FunctionType) and isinstance(owner.owner, type):
        return low.host.bring(low.host.class_root(home).attribute(name), raw, name)
    return bound(low, home, raw, name, owner.owner)


def has(low: Lowering, owner: Any, name: str) -> bool:
    if isinstance(owner, HostObject):
        _, overlay = low.host.overlays.get(id(owner.obj), (None, None))
        return (overlay is not None and name in overlay.attributes) or low.host.has(owner.path, owner, name)
    try:
        read(low, owner, name)
    except HostError as e:
        e.unless(AttributeError)
        return False
    return True


# -- assigning -----------------------------------------------------------------------------------


def assign(low: Lowering, owner: Structure, name: str, value: Structure) -> None:
    """`owner.name = value`. The object of an argument is not changed: the value is what is read here."""
    if not is_object(owner):
        what = "an array" if isinstance(owner, Value) else getattr(owner, "__name__", type(owner).__name__)
        raise UnsupportedError(f"assigning to an attribute of {what} is not supported")
    cls = class_of(owner)
    home, setter = look_up(cls, "__setattr__")
    if isinstance(setter, FunctionType):
        if _is_generated(low, home, "__setattr__", setter):
            raise HostError(dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}"))
        low.invoke(bound(low, home, setter, "__setattr__", owner), name, value)
        return
    store(low, owner, name, value)


def store(low: Lowering, owner: Any, name: str, value: Structure) -> None:
    """`object.__setattr__(owner, name, value)`."""
    cls = class_of(owner)
    home, raw = look_up(cls, name)
    if isinstance(raw, property):
        if raw.fset is None:
            raise HostError(AttributeError(f"property {name!r} of {cls.__name__!r} object has no setter"))
        low.host.bring(low.host.class_root(home).attribute(name), raw, name)
        low.invoke(raw.fset, owner, value)
        return
    if raw is not MISSING and _is_data(raw) and not isinstance(raw, functools.cached_property):
        raise UnsupportedError(f"{cls.__name__}.{name} is a descriptor, which is not supported")
    if not cls.__dictoffset__ and not isinstance(raw, MemberDescriptorType):
        raise HostError(AttributeError(f"{cls.__name__!r} object has no attribute {name!r}"))
    low.check_may_assign(owner, name)
    target = own_attributes(low, owner)
    if any(inner is target for inner in containers_in(value)):
        raise UnsupportedError(f"{an(cls.__name__)} that contains itself is not supported")
    low.mutables.change(target, keeps_length=True)
    target.attributes[name] = value


def delete(low: Lowering, owner: Structure, name: str) -> None:
    """`del owner.name`"""
    if not isinstance(owner, Instance):
        raise UnsupportedError("deleting an attribute of an object of the program is not supported")
    if isinstance(look_up(owner.cls, "__delattr__")[1], FunctionType):
        raise UnsupportedError(f"{owner.cls.__name__} has a __delattr__ of its own, which is not supported")
    if name not in owner.attributes:
        raise HostError(AttributeError(f"{owner.cls.__name__!r} object has no attribute {name!r}"))
    low.mutables.change(owner)
    del owner.attributes[name]


def own_attributes(low: Lowering, owner: Any) -> Instance:
    """The instance that holds what is assigned to `owner`'s attributes."""
    if isinstance(owner, Instance):
        return owner
    if id(owner.obj) not in low.host.overlays:
        overlay = Overlay(type(owner.obj), lambda name: low.host.attribute(owner.path, owner, name))
        low.host.overlays[id(owner.obj)] = (owner, low.mutables.own(overlay))
    return low.host.overlays[id(owner.obj)][1]


# -- making --------------------------------------------------------------------------------------


def construct(low: Lowering, cls: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Structure:
    """`cls(*args, **kwargs)`"""
    low.host.rely_on(cls)
    if cls is SimpleNamespace:
        return low.mutables.own(Instance(cls, {**(args[0] if args else {}), **kwargs}))
    if type(cls) not in (type, ABCMeta):
        raise UnsupportedError(
            f"{cls.__name__} has the metaclass {type(cls).__name__}, which is not supported"
        )
    if inspect.isabstract(cls):
        names = ", ".join(sorted(cls.__abstractmethods__))  # type: ignore[attr-defined]
        raise HostError(
            TypeError(f"Can't instantiate abstract class {cls.__name__} with abstract methods {names}")
        )
    home, new = look_up(cls, "__new__")
    new = new.__func__ if isinstance(new, staticmethod) else new
    made: Structure
    if isinstance(new, FunctionType) and home.__module__ != "typing":
        low.host.bring(low.host.class_root(home).attribute("__new__"), new, "__new__")
        made = low.invoke(new, cls, *args, **kwargs)
        if not isinstance(made, Instance) or not issubclass(made.cls, cls):
            return made
    elif home is object or home.__module__ == "typing":
        made = allocate(low, cls)
    else:
        raise UnsupportedError(
            f"making {an(cls.__name__)}, which is a kind of {home.__name__}, is not supported"
        )
    init_home, init = look_up(made.cls, "__init__")
    if init_home is object:
        if (args or kwargs) and home is object:
            raise HostError(TypeError(f"{cls.__name__}() takes no arguments"))
    elif _is_generated(low, init_home, "__init__", init):
        _initialise_dataclass(low, made, init_home, init, args, kwargs)
    elif not (isinstance(init, FunctionType) and init.__module__ == "typing"):
        low.invoke(bound(low, init_home, init, "__init__", made), *args, **kwargs)
    return made


def allocate(low: Lowering, cls: type) -> Instance:
    """`object.__new__(cls)`"""
    return low.mutables.own(Instance(cls, {}))


def _is_generated(low: Lowering, home: Any, name: str, function: Any) -> bool:
    """Whether a method was written by `dataclasses`, without source. The code holds while it is that."""
    code = getattr(function, "__code__", None)
    if not dataclasses.is_dataclass(home) or code is None or not code.co_filename.startswith("<string"):
        return False
    if not getattr(code, "co_qualname", "__create_fn__").startswith("__create_fn__"):
        return False  # from a text of the program's
    low.host.bring(low.host.class_root(home).attribute(name), function, name)
    low.host.pin(function)
    return True


def _initialise_dataclass(
    low: Lowering,
    made: Instance,
    home: type,
    init: FunctionType,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> None:
    """What the `__init__` of a dataclass does: each field from its argument or its default."""
    signature = inspect.signature(init)
    with host():
        given = signature.bind(made, *args, **kwargs).arguments
    path = low.host.class_root(home)
    extra = []
    for name, field in home.__dataclass_fields__.items():  # type: ignore[attr-defined]
        kind = field._field_type.name
        where = path.attribute("__dataclass_fields__").item(name)
        if kind == "_FIELD_CLASSVAR":
            continue
        if name in given and field.init:
            value = given[name]
        elif field.default_factory is not dataclasses.MISSING:
            factory = low.host.bring(where.attribute("default_factory"), field.default_factory, name)
            value = low.invoke(factory)
            if isinstance(value, (list, dict)):
                low.mutables.own(value)
        elif field.init and field.default is not dataclasses.MISSING:
            value = low.default(init, signature.parameters[name])
        elif (
            isinstance(getattr(home, name, None), MemberDescriptorType)
            and field.default is not dataclasses.MISSING
        ):
            value = low.host.bring(where.attribute("default"), field.default, name)
        else:
            continue
        if kind == "_FIELD_INITVAR":
            extra.append(value)
        else:
            made.attributes[name] = value
    if look_up(made.cls, "__post_init__")[0] is not None:
        low.invoke(read(low, made, "__post_init__"), *extra)


def attribute(low: Lowering, owner: Any, name: str) -> Structure:
    return read(low, owner, name) if isinstance(owner, Instance) else read_host(low, owner, name)


# -- special methods -----------------------------------------------------------------------------


def special(low: Lowering, owner: Any, name: str) -> Any:
    """The method `__name__` that the class of `owner` defines, or None."""
    home, raw = look_up(class_of(owner), f"__{name}__")
    if raw is MISSING or raw is None or home in (object, tuple, list):
        return None
    if _is_generated(low, home, f"__{name}__", raw):
        return Native(lambda *other: _of_dataclass(low, home, name, owner, *other))
    return bound(low, home, raw, f"__{name}__", owner)


def _of_dataclass(low: Lowering, home: type, name: str, owner: Any, other: Any = None) -> Structure:
    """The comparison that `dataclasses` writes: of the fields, as tuples."""
    if name != "eq":
        raise UnsupportedError(f"__{name}__ of the dataclass {home.__name__} is not supported here")
    if not is_object(other) or class_of(other) is not class_of(owner):
        return NotImplemented
    fields = [f.name for f in dataclasses.fields(home) if f.compare]
    return low.equal(*(tuple(attribute(low, x, f) for f in fields) for x in (owner, other)))


def operate(low: Lowering, function: Any, args: tuple[Any, ...]) -> Structure:
    """An operator on objects: what their classes say it is."""
    if any(map(is_growing, args)):
        return growing.operate(low, function, args)
    if symbol_of(function) == "not x":
        return low.operate(operator.not_, truth(low, args[0]))
    if len(args) == 1 and function in UNARY:
        if (method := special(low, args[0], UNARY[function])) is not None:
            return low.invoke(method)
    if len(args) == 2:
        if (result := _binary(low, function, *args)) is not NotImplemented:
            return result
    return refuse(args, f"{getattr(function, '__name__', function)} ")


def operate_in_place(low: Lowering, function: Any, old: Any, new: Structure) -> Structure:
    """`old op= new`: what the class says that is, or else the operator."""
    plain = BINARY.get(function)
    method = special(low, old, f"i{plain}") if plain else None
    result = low.invoke(method, new) if method is not None else NotImplemented
    return low.operate(function, old, new) if result is NotImplemented else result


def _binary(low: Lowering, function: Any, a: Any, b: Any) -> Structure:
    plain = BINARY.get(function)
    forward, backward = (plain, f"r{plain}") if plain else COMPARE.get(function, (None, None))
    if forward is None or backward is None:
        return NotImplemented
    tries = [(a, b, forward), (b, a, backward)]
    if isinstance(a, ANSWERING) and isinstance(b, ANSWERING):
        ca, cb = class_of(a), class_of(b)
        if ca is cb and plain:
            tries.pop()
        elif (
            issubclass(cb, ca) and look_up(cb, f"__{backward}__")[1] is not look_up(ca, f"__{backward}__")[1]
        ):
            tries.reverse()
    for x, y, name in tries:
        method = special(low, x, name) if isinstance(x, ANSWERING) else None
        if method is not None and _answers(a, b):
            result = low.invoke(method, y)
            if not (result is NotImplemented or _is_no_answer(result)):
                return result
    if symbol_of(function) == "!=":
        equal = _binary(low, operators.COMPARE[ast.Eq], a, b)
        return equal if equal is NotImplemented else low.operate(operator.not_, equal)
    if symbol_of(function) == "==":
        for x in filter(is_object, (a, b)):
            low.host.rely_on(class_of(x))
        return is_object(a) and is_object(b) and low.same(a, b)
    return NotImplemented


def _is_no_answer(result: Structure) -> bool:
    """Whether it is the NotImplemented of a method that is called as it is."""
    kind = result.type if isinstance(result, Value) else None
    return isinstance(kind, Foreign) and kind.cls is type(NotImplemented)


def _answers(a: Any, b: Any) -> bool:
    """Whether the other operand leaves it to the object: an array would take it for an element."""
    for x, other in ((a, b), (b, a)):
        if isinstance(x, Value) and not (x.type.dims == () and getattr(x.type, "python", False)):
            if x is a and getattr(class_of(other), "__array_ufunc__", MISSING) is not None:
                raise UnsupportedError(
                    f"an operator between an array and {an(class_of(other).__name__)} is not supported",
                    way_out="Write the object on the left.",
                )
    return True


def truth(low: Lowering, x: Any) -> Structure:
    """`bool(x)`, as an object's class has it."""
    if is_growing(x):
        return low.operate(operator.gt, growing.length(low, x), 0)
    for name in ("bool", "len"):
        method = special(low, x, name)
        if method is not None:
            return low.invoke(method)
    if isinstance(x, HostObject):
        low.host.rely_on(type(x.obj))
    return True


def iterate(low: Lowering, x: Any) -> Structure:
    """What `iter(x)` goes through, or None if it is no iterable object."""
    method = special(low, x, "iter")
    if method is not None:
        return low.invoke(method)
    get, count = special(low, x, "getitem"), special(low, x, "len")
    if get is not None and count is not None:
        n = low.static(low.invoke(count), f"as the length of {an(class_of(x).__name__)}")
        return [low.invoke(get, i) for i in range(n)]
    return refuse((x,), "iterating over ")


def refuse(args: tuple[Any, ...], what: str) -> Any:
    """Raise what Python would, for an object of the program what we do not support."""
    for x in args:
        if isinstance(x, HostObject):
            x.refuse()
        if is_growing(x):
            raise growing.refuse(f"{what}of" if what.endswith(" ") else what)
    names = ", ".join(class_of(x).__name__ for x in args if isinstance(x, ANSWERING))
    raise HostError(TypeError(f"{what}is not possible on an object of the class {names}"))
