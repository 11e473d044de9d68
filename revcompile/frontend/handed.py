"""The function's own lists, dicts, sets, objects and arrays, which a call that is made as it is may change.

They are handed over as the objects that they are when the program runs, and what the call leaves in those
that it changes is taken back: see `revcompile/given`. Imports the abstract values.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from types import MethodType
from typing import Any

from revcompile.errors import UnsupportedError, an
from revcompile.frontend import containers, growing
from revcompile.frontend.at_hand import UNKNOWN, flat, value_of
from revcompile.frontend.containers import frozen
from revcompile.frontend.lowering import Lowering
from revcompile.frontend.passing import as_passed
from revcompile.gates.foreign import ForeignCall, act
from revcompile.given import HELD, KEPT, Fixed, Keys, real
from revcompile.ir.nodes import Instance, Structure, Value, leaves, map_structure
from revcompile.ir.types import Array, Foreign
from revcompile.statements import store
from revcompile.syntax.mutable import ITEMS, KINDS, Overlay, is_growing, put, word

PLAIN = (list, dict)


def is_handed(given: Structure, pure: bool, acts: bool, found: Any, changes: Any) -> bool:
    """Whether a call gets what it may change, and does, as far as is known; or gives back what it gets.

    `acts`: whether it may change the program, and so hold what it gets.
    """
    own = [x for x in _parts(given) if isinstance(x, KINDS) or isinstance(getattr(x, "type", None), Array)]
    if not own:
        return False
    plain = all(isinstance(x, Value) or type(x) in PLAIN or is_growing(x) for x in own)
    if pure or not plain:
        return not plain
    return found is None or acts or bool(changes) or any(type(x) is Fixed for x in flat(found[0]))


def _parts(s: Structure) -> Iterator[Any]:
    """The values and containers in a structure."""
    if isinstance(s, (Value, *KINDS)):
        yield s
    items = s.attributes if isinstance(s, Instance) else s
    if isinstance(items, (tuple, list, deque)):
        for item in items:
            yield from _parts(item)
    elif isinstance(items, dict):
        for item in items.values():
            yield from _parts(item)


class Handed:
    """What is handed over to one call."""

    def __init__(
        self, low: Lowering, name: str, excused: bool, refusal: UnsupportedError, late: list[str]
    ) -> None:
        self.name = name
        self.low, self.excused, self.refusal, self.late = low, excused, refusal, late
        self.own: dict[int, tuple[Any, Value]] = {}  # by `id`: a thing, and what stands for it
        self.made: list[Any] = []  # lists that the call has made
        self.given: list[Any] = []  # the same in order, growing lists last

    def __call__(self, s: Structure) -> Structure:
        """A structure with run-time objects for what may be changed in it."""
        if id(s) in self.own:
            return self.own[id(s)][1]
        if isinstance(s, Value):
            return self._note(s, s) if type(s.type) is Array else s
        if type(s) is tuple:
            return tuple(map(self, s))
        if isinstance(s, tuple) and hasattr(s, "_make"):
            return type(s)(*map(self, s))
        if not isinstance(s, KINDS) or isinstance(s, Overlay):
            return as_passed(self.low, s, self.late)
        return self._note(s, self._made(s))

    def _note(self, s: Structure, stands: Value) -> Value:
        self.own[id(s)] = s, stands
        return stands

    def _made(self, s: Any) -> Value:
        if is_growing(s):
            content = growing.content(self.low, s)
            return self.statement("display", Instance(list, {ITEMS: content}), (), list)
        if isinstance(s, Instance):
            attributes = {name: self(x) for name, x in s.attributes.items()}
            return self.statement("display", Instance(s.cls, attributes), (), s.cls)
        if isinstance(s, deque):
            return self.statement("call", type(s), (list(map(self, s)), s.maxlen), type(s))
        if isinstance(s, set):
            return self.statement("call", type(s), (sorted(s, key=repr),), type(s))
        items = {key: self(x) for key, x in s.items()} if isinstance(s, dict) else list(map(self, s))
        if type(s) in PLAIN:
            return self.statement("display", items, (), type(s))
        first = (s.default_factory,) if isinstance(s, defaultdict) else ()
        return self.statement("call", type(s), (*first, items), type(s))

    def statement(self, form: str, first: Structure, args: Any, cls: type, attribute: str = "") -> Value:
        """A statement that makes a run-time object; it may be made again, or left out."""
        low = self.low
        first, args = low.resolve(frozen((first, args)))
        result = Value(Foreign(cls.__name__, cls))
        made = ForeignCall(
            form, attribute, None, None, self.refusal, True, self.excused, False, lambda: False
        )
        low.builder.apply(made, (first, args, {}), result)
        first, args = map_structure(lambda leaf: value_of(low, leaf), (first, args))
        if not any(x is UNKNOWN for x in flat((first, args))):
            low.values[result] = act(form, attribute, first, args, {})
        return result

    def call(self, form: str, attribute: str, given: Any, key: Any) -> tuple[str, str, Structure]:
        """The form, the attribute and the arguments of a call that may change what it gets."""
        first, args, options = given
        if form == "method":
            first = self.statement("attribute", first, (), MethodType, attribute)
        args, options = self(args), {name: self(x) for name, x in options.items()}
        grown = [pair for pair in self.own.values() if is_growing(pair[0])]
        plain = [pair for pair in self.own.values() if not is_growing(pair[0])]
        self.given = [s for s, _ in (*plain, *grown)]
        own = (*(v for _, v in plain), *([tuple(v for _, v in grown)] if grown else []))
        changes = self.low.learning.changes.setdefault(key, ())
        return "changing", "", self.low.resolve(frozen((first, (own, changes, *args), options)))

    # -- taking back -----------------------------------------------------------------------------

    def told(self, key: Any, given: Any) -> tuple[Structure, Any]:
        """What is passed, with what the call changes of it; and that."""
        first, (own, _, *rest), options = given
        changes = self.low.learning.changes[key]
        return (first, (own, changes, *rest), options), real(changes)

    def taken_back(self, key: Any, result: Structure) -> Structure:
        """What the call gives, after what was handed over holds what the call has left in it."""
        changes = self.low.learning.changes[key]
        for place, name in changes:
            if name == HELD:
                self._hold(self.given[place])
        changes = real(changes)
        if not changes:
            return self.back(result)
        outcome, *left = result
        outcome = self.back(outcome)
        for (place, name), content in zip(changes, left, strict=True):
            self._put(self.given[place], name, content)
        return outcome

    def not_stored(self, key: Any, result: Structure) -> Iterator[Value]:
        """What a call gives, and leaves, but for what is stored into the arrays that it changes."""
        changes = real(self.low.learning.changes[key])
        if not changes:
            return leaves(result)
        left = [x for (i, _), x in zip(changes, result[1:]) if not isinstance(self.given[i], Value)]
        return leaves((result[0], left))

    def back(self, x: Structure) -> Structure:
        """What a call gives: it may be what it was given."""
        if type(x) is Fixed:
            return x if x.place is None else self.given[x.place] if x.place >= 0 else self.made[-1 - x.place]
        if isinstance(x, tuple) and x and type(x[0]) is Keys:
            return self.low.own(dict(zip(x[0].what, map(self.back, x[1:]), strict=True)))
        if isinstance(x, tuple):
            return type(x)(*map(self.back, x)) if hasattr(x, "_make") else tuple(map(self.back, x))
        if isinstance(x, list):
            new: list[Any] = []
            self.made.append(new)
            new += map(self.back, x)
            return self.low.own(new)
        return x

    def _hold(self, x: Any) -> None:
        """Note that the program holds it from now on: a change would have to be one of that, too."""
        low, who = self.low, f"that {self.name} was given, and that the program holds"
        if not isinstance(x, Value):
            low.mutables.fix(x, f"{an(word(x))} changes {who}")
            return
        root = low.memory.root(x)
        low.host.arrays[root] = f"an array {who}"
        if low.builder.depth and root in low.memory.written:
            low.check_may_write(x)

    def _put(self, x: Any, name: Any, content: Structure) -> None:
        low = self.low
        if isinstance(x, Value):
            low.check_may_write(x)
            store.write_in_place(low, x, content)
        elif is_growing(x):
            growing.put(low, x, content)
        elif name is not None:
            containers.change(low, x, keeps_length=True)
            x.attributes[name] = self.back(content)
        else:
            new = self._contents(x, content)
            containers.change(low, x, keeps_length=len(new) == len(getattr(x, "attributes", x)))
            put(x, new)

    def _contents(self, x: Any, content: Any) -> Any:
        if isinstance(x, set):
            return list(content[0].what)
        keys, items = (None, content) if isinstance(x, (list, deque)) else (content[0].what, content[1:])
        old = x if keys is None else x.attributes if isinstance(x, Instance) else x
        new = [
            old[k] if item is KEPT else self.back(item) for k, item in zip(keys or range(len(items)), items)
        ]
        return new if keys is None else dict(zip(keys, new, strict=True))
