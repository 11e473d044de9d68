"""Which arrays share storage, and what is in them now: Python's references on top of values.

The `Value` that an array is when it is made is its *identity*: names and containers go on holding it
while elements are stored into it. A store makes a new *version*; `resolve` gives, for an identity, the
version that is to be read now. A view is an identity with a root and a path from there; it is derived
again from the root's latest version when that has changed.

What *may* share storage with an array that was written, without proof, is spoiled: reading it is refused, or
a reason to begin again with a decision that keeps apart what was joined.
Imports the IR and the gate table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeGuard

from revcompile.errors import UnsupportedError
from revcompile.gates.table import TABLE
from revcompile.gates.traits import Kind
from revcompile.gates.traits import Memory as Way
from revcompile.ir.nodes import Structure, Value, leaves, map_values
from revcompile.ir.types import Array, Foreign
from revcompile.ir.values import ValueTable
from revcompile.syntax.decisions import DOUBLING, AsItLies, Decision, Decisions, OneByOne, Restart, TellApart

Step = tuple[Any, ...]  # a view function and its arguments after the array
Path = tuple[Step, ...]
MAX_SPLITS = 5
FEW_SPLITS = 2  # with more of them, what an array is is told at run time: see `statements/either`


class View(NamedTuple):
    root: Value
    path: Path
    version: Value  # of the root, from which the view was made last


class Order(NamedTuple):
    """How the elements of an array lie: in "C" or "F" order, in neither ("-"), or ("") it is not known."""

    letter: str
    rests_on: frozenset[Value] = frozenset()  # the arguments whose layout tells


UNKNOWN = Order("")
Alternative = tuple["Value | None", Path]  # an array and the way to a part of it; None: of its own


class Either(NamedTuple):
    """What an array is that is one of two, where the condition holds and where it does not."""

    test: Value
    sides: tuple[Alternative, Alternative]


def is_array(x: Any) -> TypeGuard[Value]:
    return isinstance(x, Value) and isinstance(x.type, Array)


def _are_alike(a: Any, b: Any) -> bool:
    return a.dtype == b.dtype and len(a.dims) == len(b.dims)


class Memory:
    """The state of all arrays at one point of a program."""

    def __init__(self, table: ValueTable, decisions: Decisions | None = None) -> None:
        self.table = table
        self.decisions = Decisions() if decisions is None else decisions  # what was found out
        self.joined: dict[Value, Decision] = {}  # what stands for either of two arrays: what keeps them apart
        self.of_a_layout: set[Value] = set()  # views of arrays in C order, or copies, as the lengths decide
        self.remedies: set[Decision] = set()  # what tells more of what shares storage: of all forks together
        self.current: dict[Value, Value] = {}
        self.views: dict[Value, View] = {}
        self.latest: dict[Value, Value] = {}  # of views: what was derived from `View.version`
        self.either: dict[Value, Either] = {}
        self._seen: dict[Value, tuple[Value | None, ...]] = {}  # by these: the versions last looked up
        self.related: dict[Value, frozenset[Value]] = {}  # roots that may share storage
        self.spoiled: dict[Value, Value] = {}  # what may not be read, and the array that was written
        self.orders: dict[Value, Order] = {}  # of the arrays of which it is known how they lie
        self.layouts: dict[Value, str] = {}  # arguments: the test that they lie as they do in this call
        self.relied: dict[Value, frozenset[Value]] = {}  # by roots: the layouts that tell what shares them
        self.ordered: set[Value] = set()  # the arguments that were gone through as they lie
        self.read_only: set[Value] = set()
        self.may_be_read_only: dict[Value, Decision | None] = {}  # one of two, and what keeps them apart
        self.may_be_arrays: set[Value] = set()  # what is taken for a number, and may be an array of one
        self.foreign: dict[
            Value, str
        ] = {}  # what a call as it is gave, which may be the program's own; of which
        self.written: set[Value] = set()  # arrays that were written anywhere: of all forks together

    def lies(self, v: Value, order: str, test: str) -> None:
        """Note that an argument lies in that order in this call, which the test tells."""
        self.orders[v] = Order(order, frozenset({v}))
        self.layouts[v] = test

    def is_in_order(self, root: Value) -> bool:
        """Whether an array lies in C order, which is relied on from now."""
        order = self.orders.get(root, UNKNOWN)
        if order.letter != "C":
            return False
        self._rely(order, root)
        return True

    def _rely(self, order: Order, *arrays: Value) -> None:
        for root in map(self.root, arrays):
            self.relied[root] = self.relied.get(root, frozenset()) | order.rests_on

    def layouts_relied_on(self) -> tuple[str, ...]:
        """What is to be tested at each call: what is shared matters for what is written alone."""
        of_written = [arguments for root, arguments in self.relied.items() if root in self.written]
        return tuple(test for v, test in self.layouts.items() if v in self.ordered.union(*of_written))

    def order_followed(self, v: Value) -> str:
        """How an array lies, where what is computed depends on that."""
        order = self.orders.get(v, UNKNOWN)
        self.ordered |= order.rests_on
        return order.letter

    def fork(self) -> Memory:
        other = Memory(self.table, self.decisions)
        other.current, other.views, other.latest = dict(self.current), dict(self.views), dict(self.latest)
        other.either, other._seen = dict(self.either), dict(self._seen)
        other.related, other.spoiled = dict(self.related), dict(self.spoiled)
        other.orders, other.read_only = dict(self.orders), set(self.read_only)
        other.written, other.joined = self.written, self.joined
        other.of_a_layout, other.remedies = self.of_a_layout, self.remedies
        other.layouts, other.relied, other.ordered = self.layouts, self.relied, self.ordered
        other.may_be_read_only = dict(self.may_be_read_only)
        other.may_be_arrays, other.foreign = self.may_be_arrays, self.foreign
        return other

    # -- reading ------------------------------------------------------------------------------

    def resolve(self, structure: Structure, derive: Callable[[Value, Path], Value]) -> Structure:
        """The versions to be read now. `derive` emits the way from a root to its view."""
        if not self.current and not self.spoiled:
            return structure
        return map_values(lambda v: self._version(v, derive), structure)

    def _version(self, v: Value, derive: Callable[[Value, Path], Value]) -> Value:
        root = self.root(v)
        if root in self.spoiled:
            self._refuse(v, self.spoiled[root])
        view = self.views.get(v)
        if view is None:
            return self.current.get(v, v)
        version = self.current.get(view.root, view.root)
        if version is not view.version:
            derived = derive(version, view.path)
            self.views[v], self.latest[v] = view._replace(version=version), derived
        return self.latest.get(v, v)

    def holding(self, v: Value) -> Value:
        """The version that has what `v` holds now: of all of its array, if that was written."""
        return self.current.get(self.root(v), v)

    def is_outdated(self, v: Value) -> bool:
        """Whether an array that is one of two is one that has changed since it was looked up."""
        return v in self.either and (
            self._versions(v) != self._seen[v]
            or any(root is not None and self.is_outdated(root) for root, _ in self.either[v].sides)
        )

    def is_renewed(self, v: Value) -> None:
        """Note that an array that is one of two holds what that holds now."""
        self._seen[v] = self._versions(v)

    def _versions(self, v: Value) -> tuple[Value | None, ...]:
        sides = self.either[v].sides
        return tuple(None if root is None else self.current.get(root, root) for root, _ in sides)

    def shape_of(self, v: Value) -> Value:
        """An array of the shape of `v`: a length is the same for every version."""
        return v

    def is_one_read_only(self, v: Value) -> bool:
        """Whether an array may be one that cannot be written."""
        root = self.root(v)
        return v in self.read_only or root in self.read_only or root in self.may_be_read_only

    # -- what shares storage ------------------------------------------------------------------

    def root(self, v: Value) -> Value:
        return self.views[v].root if v in self.views else v

    def path(self, v: Value) -> Path:
        return self.views[v].path if v in self.views else ()

    def note(self, function: Callable[..., Any], args: tuple[Any, ...], result: Structure) -> None:
        """Remember what a statement that the program has run says about storage."""
        gate = TABLE[function]
        orders = [self.orders.get(x, UNKNOWN) for x in args if is_array(x)]
        if not gate.may_be_view(args):
            if is_array(result) and (letter := gate.order_of(args, [o.letter for o in orders])):
                self.orders[result] = Order(letter, frozenset().union(*(o.rests_on for o in orders)))
            return
        if gate.parts is not None:
            self.remedies.add(OneByOne())
        owner = args[0] if args else None
        if gate.read_only or (is_array(owner) and owner in self.read_only):
            self.read_only.update(leaves(result))
        if gate.memory is Way.SPREAD or (is_array(owner) and owner in self.may_be_read_only):
            self.may_be_read_only.update(dict.fromkeys(leaves(result)))
        if not is_array(owner):
            self.relate(leaves(result), leaves(args))
            return
        if (path := self.path(owner)) and TABLE[path[-1][0]].kind is Kind.FLAT:
            if gate.kind is not Kind.PART:  # which is a copy, of what goes through the elements
                self.relate(leaves(result), [owner])
            return
        order, root = orders[0], self.root(owner)
        version = self.current.get(root, root)
        if not is_array(result):
            self.relate(leaves(result), [owner])
            return
        if letter := gate.order_of(args, [order.letter]):
            self.orders[result] = order._replace(letter=letter)
        if gate.memory is Way.ITSELF and _are_alike(result.type, owner.type):
            self.views[result] = View(root, self.path(owner), version)
            return
        shares = gate.shares(args, result, order.letter)
        if shares is None:
            self.relate([result], [owner])
            if gate.needs_order and self.orders.get(root, UNKNOWN).letter == "C":  # as its copies do
                self.of_a_layout.add(result)
                self.remedies.add(AsItLies())
        elif gate.needs_order:
            self._rely(order, owner, result)
        if shares:
            self.views[result] = View(root, (*self.path(owner), (function, *args[1:])), version)

    def relate(self, results: Iterable[Value], sources: Iterable[Value]) -> None:
        """Note that each of `results` may share storage with the sources, and with what they may share."""
        roots = {self.root(s) for s in sources if isinstance(s.type, (Array, Foreign))}
        for source in list(roots):
            roots |= self.related.get(source, frozenset())
        for v in results:
            if isinstance(v.type, (Array, Foreign)) and roots:
                self.link(v, roots)

    def link(self, v: Value, others: Iterable[Value]) -> None:
        others = frozenset(others) - {v}
        self.related[v] = self.related.get(v, frozenset()) | others
        for other in others:
            self.related[other] = self.related.get(other, frozenset()) | {v}

    def may_share(self, a: Value, b: Value) -> bool:
        ra, rb = self.root(a), self.root(b)
        return ra is rb or rb in self.related.get(ra, frozenset())

    def look_closer(self) -> None:
        """Begin again with what tells more of what shares storage, if there is such a thing."""
        if not self.remedies <= self.decisions:
            raise Restart(*self.remedies)

    def _refuse(self, v: Value, written: Value) -> None:
        """Begin again with `v` and what was written kept apart; or say that they are not."""
        splits = len(self.decisions.of_kind(*DOUBLING))
        for array in (self.root(v), self.root(written)):
            decision = self.joined.get(array)
            if decision is None:
                continue
            if TellApart() not in self.decisions and (splits >= FEW_SPLITS or decision in self.decisions):
                raise Restart(TellApart())
            if decision not in self.decisions and splits < MAX_SPLITS:
                raise Restart(decision)
        self.look_closer()
        hints = self.table.hints
        name, other = hints.get(v, "this array"), hints.get(written, "another array")
        raise UnsupportedError(
            f"{name} may share its memory with {other}, which was written to: what it holds is known "
            "only at run time",
            way_out=f"Copy before writing: {other} = {other}.copy()."
            if written in hints
            else "Copy before writing.",
        )

    # -- writing ------------------------------------------------------------------------------

    def write(self, v: Value, version: Value) -> None:
        """The root of `v` has a new version; what may share its storage must not be read any more."""
        root = self.root(v)
        for other in (root, *self.related.get(root, ())):
            if other in self.foreign:
                name = self.table.hints.get(v, "this array")
                raise UnsupportedError(
                    f"{name} is, or shares its memory with, what {self.foreign[other]} gave: "
                    "writing into it may change what is the program's",
                    way_out=f"Copy before writing: {name} = {name}.copy()."
                    if v in self.table.hints
                    else "Copy before writing.",
                )
        self.written.add(root)
        self.current[root] = version
        for other in self.related.get(root, frozenset()):
            if not self._is_told_apart(root, other):
                self.spoiled.setdefault(other, v)

    def _is_told_apart(self, a: Value, b: Value) -> bool:
        """Whether it is known on either side of a condition what two arrays share."""
        first, second = self._bases(a), self._bases(b)
        told = (a in self.either and (b in first or b in self.either)) or (b in self.either and a in second)
        return told and not any(y in self.related.get(x, ()) for x in first for y in second if x is not y)

    def _bases(self, v: Value) -> set[Value]:
        """The arrays that an array may be, if it is one of several."""
        if v not in self.either:
            return {v}
        return {b for root, _ in self.either[v].sides if root is not None for b in self._bases(root)}
