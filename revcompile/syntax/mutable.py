"""The lists, dicts, sets and objects that the program may change, and what becomes of them in a branch.

The interpreter works on Python's own lists and dicts, so that two names for one list see each other's
changes. Only what is *known* here may be changed: what the program made itself, and the copies of the
arguments. Each side of a branch begins with what was in them before, and what it changed is joined as
names are; a block that does not do so must leave alone what was made outside. Imports the IR.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from revcompile.errors import HostError, UnsupportedError, an
from revcompile.ir.build import Builder
from revcompile.ir.nodes import Instance, Structure, Value, leaves, like
from revcompile.ir.values import ValueTable
from revcompile.syntax.abstract import Poison
from revcompile.syntax.decisions import Decision, Decisions, Grow, Restart, WriteOut

KINDS = (list, dict, Instance, set, deque)
Contents = dict[int, Any]


class Overlay(Instance):
    """What the program assigned to the attributes of one of its own objects: there from the beginning, empty.

    `original(name)` is what the attribute is where nothing was assigned, or raises AttributeError.
    """

    __slots__ = ("original",)

    def __init__(self, cls: type, original: Callable[[str], Structure]) -> None:
        super().__init__(cls, {})
        self.original = original


ITEMS = "items"


def is_growing(x: Any) -> bool:
    """Whether it is a list whose length only the run decides; see `frontend/growing`."""
    return isinstance(x, Instance) and x.cls is list


def name_list(table: ValueTable, made: Instance, hint: str) -> None:
    """Let a growing list that was just made be known as `hint`."""
    if ITEMS in made.attributes:
        made.attributes[hint] = made.attributes.pop(ITEMS)
        for v in leaves(made):
            if v not in table.hints:
                table.name(v, hint)


class Known(NamedTuple):
    """A container, and in how many blocks that keep no account of changes it was made."""

    container: Any
    level: int


class Refusal(NamedTuple):
    """Why a container must not be read or changed, and the decision that would help."""

    container: Any
    reason: str
    decision: Decision | None = None


class ContentsName(str):
    """What is in a container, or an attribute of an object, as if it were a name of the program."""

    key: int
    attribute: str | None

    def __new__(cls, key: int, attribute: str | None = None) -> ContentsName:
        self = super().__new__(cls, f"[{key}]{attribute or ''}")
        self.key, self.attribute = key, attribute
        return self


def _unassigned(container: Instance, name: str, decision: Decision | None) -> Structure:
    if isinstance(container, Overlay):
        try:
            return container.original(name)
        except HostError as e:
            e.unless(AttributeError)
    return Poison("is assigned on one side of a branch only", decision)


class Mutables:
    """Every container that may be changed. Keeps them alive: they are told apart by their `id`."""

    def __init__(self, builder: Builder, decisions: Decisions) -> None:
        self.builder = builder
        self.decisions = decisions  # what was found out
        self.changed: dict[int, Any] = {}
        self._known: dict[int, Known] = {}
        self._copied: set[int] = set()  # of these, those that stand for what they are copies of
        self._fixed: dict[int, Refusal] = {}
        self._spoiled: dict[int, Refusal] = {}
        self._sites: dict[int, Any] = {}  # where in the program the lists are made that may grow
        self._busy: set[int] = set()
        self._ways = 0  # open blocks whose changes are kept account of
        self._loops: list[tuple[Contents, Decision]] = []  # what there was before, how to write it out
        self.filling: set[Decision] = set()  # how to write out the loops that fill the lists that grow
        self._late: set[Decision] = set()  # what was found in the trip of a loop that is being interpreted
        self.decision: Decision | None = None  # that would keep apart what is being joined
        self._joining: Sequence[Contents] = ({}, {})  # what changed on either of two ways that are joined

    @property
    def _level(self) -> int:
        return self.builder.depth - self._ways

    def own(self, container: Any) -> Any:
        """`container`, which the program has just made."""
        level = 0 if isinstance(container, Overlay) else self._level
        self._known.setdefault(id(container), Known(container, level))
        return container

    def at(self, container: Any, site: Any) -> None:
        """Note where in the program a list is made."""
        self._sites[id(container)] = site

    def remedy(self, container: Any) -> Decision | None:
        """What to try first where the run decides what is in `container`: let a list grow at run time."""
        site = self._sites.get(id(container))
        if site is None or {Grow(site), WriteOut(site)} & self.decisions:
            return None
        return Grow(site) if all(map(_may_be_row, container)) else None

    def remedy_of(self, slot: ContentsName) -> Decision | None:
        return self.remedy(self._known[slot.key].container)

    def own_part(self, part: Any, container: Any) -> Any:
        """`part`, in which a change is a change of `container`."""
        if id(container) in self._known:
            self._known.setdefault(id(part), Known(part, self._known[id(container)].level))
        return part

    def adopt(self, structure: Structure, copied: bool = False) -> Structure:
        """`structure`, all of whose containers the program has just made, or stand for others."""
        for container in containers(structure):
            self.own(container)
            if copied:
                self._copied.add(id(container))
        return structure

    def change(self, container: Any, keeps_length: bool = False) -> None:
        """Note that the program is about to change `container`. Raises UnsupportedError if it must not.

        What a loop carries from trip to trip keeps its length.
        """
        self.read(container)
        key, kind = id(container), word(container)
        if key in self._busy:
            raise UnsupportedError(
                f"{an(kind)} that changes while a loop goes through it is not supported",
                way_out="Go through a copy.",
            )
        if key in self._fixed:
            self._complain(self._fixed[key])
        for before, decision in self._loops:
            if key in before and keeps_length:
                self.filling.add(decision)
            elif key in before:
                reason = f"{an(kind)} that was made outside this loop grows or shrinks in it"
                remedy = self.remedy(container)
                if remedy is None:
                    self._complain(Refusal(container, reason, decision))
                else:  # go on as in a first trip, to find the other lists that grow in it
                    self._late.add(remedy)
        known = self._known.get(key)
        if known is None:
            raise UnsupportedError(
                f"changing this {kind} is not supported: what else refers to it is not known",
                way_out="Make a new one with the change in it.",
            )
        if known.level < self._level:
            raise UnsupportedError(
                f"changing {an(kind)} that was made outside a loop is not supported here",
                way_out="Store into an array, or loop over something whose length is known.",
            )
        self.changed[key] = container

    def read(self, container: Any) -> None:
        """Raises UnsupportedError if what is in `container` is not known."""
        if id(container) in self._spoiled:
            self._complain(self._spoiled[id(container)])

    def _complain(self, refusal: Refusal) -> None:
        """Refuse; or begin again, if there is a decision that helps and has not been tried."""
        if refusal.decision is not None and refusal.decision not in self.decisions:
            raise Restart(refusal.decision)
        raise UnsupportedError(refusal.reason)

    def fix(self, container: Any, reason: str, decision: Decision | None = None) -> None:
        """From now on `container` must not be changed."""
        self._fixed.setdefault(id(container), Refusal(container, reason, decision))

    def is_known(self, container: Any) -> bool:
        """Whether the program has made it, or was given it: it stands for itself."""
        return id(container) in self._known and id(container) not in self._copied

    def stands_for_others(self, container: Any) -> bool:
        """Whether the run decides which container this is."""
        return id(container) in self._fixed

    @contextmanager
    def gone_through(self, owners: Iterable[Any]) -> Iterator[None]:
        """Inside, these lists must not change: a loop goes through them."""
        keys = {id(owner) for owner in owners}
        self._busy |= keys
        try:
            yield
        finally:
            self._busy -= keys

    # -- branches and loops -------------------------------------------------------------------

    def save(self) -> Contents:
        """What is in every container now."""
        return {key: contents_of(known.container) for key, known in self._known.items()}

    def restore(self, before: Contents) -> None:
        """Let everything hold what it held, for another attempt."""
        for key in self._changes(before):
            put(self._known[key].container, before.get(key, {}))

    def mark(self) -> Any:
        """What is known of every container now, for `take_back`."""
        return self.save(), dict(self._fixed), dict(self._spoiled), dict(self.changed)

    def take_back(self, mark: Any) -> None:
        """Forget what has happened since `mark`."""
        before, self._fixed, self._spoiled, self.changed = mark
        self.restore(before)

    @contextmanager
    def way(self, before: Contents, loop: Decision | None = None) -> Iterator[Contents]:
        """One way through a program, from `before`: a side of a branch, or a trip of a loop, which the
        decision `loop` would write out. Afterwards: what the containers that there were before hold at its
        end, where that is something else; they hold again what they held."""
        changes: Contents = {}
        self._ways += 1
        if loop is not None:
            self._loops.append((before, loop))
        late = len(self._late)
        try:
            yield changes
        except Exception:
            if len(self._late) > late:
                raise Restart(*self._late) from None
            raise
        else:
            if len(self._late) > late:
                raise Restart(*self._late)
        finally:
            self._ways -= 1
            if loop is not None:
                self._loops.pop()
            changes.update(self._changes(before))
            for key in changes:
                put(self._known[key].container, before.get(key, {}))

    def _changes(self, before: Contents) -> Contents:
        changes: Contents = {}
        for key, known in self._known.items():
            if key in before or isinstance(known.container, Overlay):
                now = contents_of(known.container)
                if not same(now, before.get(key, {})):
                    changes[key] = now
        return changes

    @contextmanager
    def joining(self, ways: Sequence[Contents]) -> Iterator[None]:
        """Inside, `held` tells what containers hold at the end of either way, by what changed on it."""
        outer, self._joining = self._joining, ways
        try:
            yield
        finally:
            self._joining = outer

    def held(self, container: Any, way: int) -> Any:
        """What is in a container at the end of the first way, or of the second."""
        changed = self._joining[way]
        return changed[id(container)] if id(container) in changed else contents_of(container)

    def since(
        self, before: Contents, keys: Iterable[int], decision: Decision | None
    ) -> list[dict[str, Structure]]:
        """What has changed since `before`, and what else is asked for: as it was, and as it is now."""
        now = {key: contents_of(self._known[key].container) for key in keys}
        now.update(self._changes(before))
        return self.meeting(before, [{key: before.get(key, {}) for key in now}, now], decision)

    def meeting(
        self, before: Contents, ways: Sequence[Contents], decision: Decision | None
    ) -> list[dict[str, Structure]]:
        """What was changed on any of the ways, as if it were names, for each way."""
        out: list[dict[str, Structure]] = [{} for _ in ways]
        for key in dict.fromkeys(key for way in ways for key in way):
            container = self._known[key].container
            now: list[Any] = [way.get(key, before.get(key, {})) for way in ways]
            if not isinstance(container, Instance):
                for names, contents in zip(out, now, strict=True):
                    names[ContentsName(key)] = contents
                continue
            for name in dict.fromkeys(name for contents in now for name in contents):
                for names, contents in zip(out, now, strict=True):
                    names[ContentsName(key, name)] = (
                        contents[name] if name in contents else _unassigned(container, name, decision)
                    )
        return out

    def settle(self, names: dict[str, Structure]) -> dict[str, Structure]:
        """Let the containers hold what these names say; the names of the program among them."""
        out: dict[str, Structure] = {}
        for name, structure in names.items():
            if not isinstance(name, ContentsName):
                out[name] = structure
                continue
            container = self._known[name.key].container
            if name.attribute is not None:
                container.attributes[name.attribute] = structure
            elif isinstance(structure, Poison):
                reason = f"this {word(container)} {structure.reason}"
                remedy = self.remedy(container) or structure.decision
                self._spoiled[name.key] = Refusal(container, reason, remedy)
            else:
                put(container, structure)
        return out

    def spoilt(self, contents: Contents) -> Refusal | None:
        """One of the containers whose contents were saved of which it is not known what is in it now."""
        return next((self._spoiled[key] for key in contents if key in self._spoiled), None)

    def mixed(self, a: Any, b: Any, either: Any) -> Any:
        """`either`, which stands for `a` or `b`: a change of one of these would be seen by some runs only."""
        for container in (a, b, either):
            self.doubt(container)
        return either

    def doubt(self, container: Any) -> None:
        """A name stands for `container` in some runs only."""
        reason = f"which {word(container)} it is that is changed here depends on the run"
        self.fix(container, reason, self.decision)


def _may_be_row(item: Structure) -> bool:
    """Whether an item may be one of a list whose length only the run decides."""
    if type(item) is tuple:
        return all(map(_may_be_row, item))
    return isinstance(item, (Value, bool, int, float))


def word(container: Any) -> str:
    """What a container is called in a message."""
    return container.cls.__name__ if isinstance(container, Instance) else type(container).__name__


def contents_of(container: Any) -> Any:
    """A copy of what is in it."""
    if isinstance(container, Instance):
        return dict(container.attributes)
    return dict(container) if isinstance(container, dict) else container.copy()


def put(container: Any, contents: Any) -> None:
    """Let the container hold `contents`."""
    if isinstance(container, list):
        container[:] = contents
        return
    target = container.attributes if isinstance(container, Instance) else container
    target.clear()
    (target.extend if isinstance(target, deque) else target.update)(contents)


def same(a: Any, b: Any) -> bool:
    """Whether two contents are the same objects in the same order."""
    if isinstance(a, dict):
        return list(a) == list(b) and all(x is y for x, y in zip(a.values(), b.values(), strict=True))
    return len(a) == len(b) and all(x is y for x, y in zip(a, b, strict=False))


def containers(structure: Structure) -> Iterator[Any]:
    """The containers in a structure, outermost first."""
    if isinstance(structure, KINDS):
        yield structure
    if isinstance(structure, (list, tuple, deque)):
        for item in structure:
            yield from containers(item)
    elif isinstance(structure, dict):
        for item in structure.values():
            yield from containers(item)
    elif isinstance(structure, Instance):
        yield from containers(structure.attributes)


def rename(structure: Structure, names: dict[Value, Value]) -> Structure:
    """The structure with other values in it. Lists, dicts and objects stay the objects that they are."""
    if isinstance(structure, Value):
        return names.get(structure, structure)
    if isinstance(structure, tuple):
        items = [rename(item, names) for item in structure]
        if all(x is y for x, y in zip(items, structure, strict=True)):
            return structure
        return like(structure, items)
    if isinstance(structure, list):
        structure[:] = [rename(item, names) for item in structure]
    elif isinstance(structure, dict):
        for key, item in structure.items():
            structure[key] = rename(item, names)
    elif isinstance(structure, Instance):
        rename(structure.attributes, names)
    elif isinstance(structure, slice):
        return slice(*(rename(part, names) for part in (structure.start, structure.stop, structure.step)))
    return structure
