"""The intermediate representation: typed, structured, every value assigned once.

A *structure* is a Python object whose leaves may be `Value`s: `Value`, `2.0`, `(Value, None)`,
`{"W": Value}`. Whatever is not a `Value` is static, known while compiling. Statements take
structures as arguments and give structures as results; control flow is nested blocks.
"""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final, NamedTuple

from revcompile.errors import Place, UnsupportedError
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Array, Scalar, Type
from revcompile.ir.values import Value, ValueTable
from revcompile.lazy import lazy

Structure = Any


class Form:
    """What every form of statement says of itself; a form has its own answers where these are not right.
    `inputs` are the values that it reads itself, not those read inside its blocks; `outputs` what it gives to
    the statements after it; `uses` and `defined` every read and every definition, its blocks' included.
    """

    @lazy
    def inputs(self) -> tuple[Value, ...]:
        raise NotImplementedError

    @lazy
    def outputs(self) -> tuple[Value, ...]:
        return ()

    @property
    def blocks(self) -> tuple[Block, ...]:
        return ()

    @property
    def uses(self) -> tuple[Value, ...]:
        return self.inputs

    @property
    def defined(self) -> tuple[Value, ...]:
        return self.outputs

    def map_blocks(self, f: Callable[[Block], Block]) -> Statement:
        """The same statement with what `f` makes of each of its blocks."""
        return self  # type: ignore[return-value]

    def renamed(self, new: Renaming) -> Statement:
        """The statement with other values (or atoms) in place of some, in its definitions and blocks too."""
        raise NotImplementedError


class Apply(Form):
    """`result = function(*args)`: one gate, applied once; `note` is the gate's name, a trailing comment.

    No dataclass: these are made, and asked for all that they are, far more often than anything else.
    """

    __match_args__ = ("function", "args", "result", "line", "note")
    blocks = ()

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Structure, ...],
        result: Structure,
        line: Place | None = None,
        note: str = "",
    ) -> None:
        inputs: list[Value] = []
        _collect(args, inputs)
        self.function: Final = function
        self.args: Final = args
        self.result: Final = result
        self.line: Final = line
        self.note: Final = note
        self.inputs: Final = tuple(inputs)
        self.outputs: Final = (result,) if type(result) is Value else tuple(leaves(result))

    def of_args(self, args: tuple[Structure, ...]) -> Apply:
        """The same of other arguments."""
        return Apply(self.function, args, self.result, self.line, self.note)

    def renamed(self, new: Renaming) -> Apply:
        if new.concerns(self.inputs) or new.concerns(self.outputs):
            return replace(self, args=new(self.args), result=new(self.result))
        return self


@dataclass(frozen=True, eq=False)
class Branch(Form):
    """`results = then_yields if condition else orelse_yields`, each with its own statements.

    `guards` says that both sides would be the same, were all numbers finite.
    """

    condition: Value
    then: Block
    orelse: Block
    results: tuple[Value, ...]
    line: Place | None = None
    note: str = ""  # the gate whose rule it is, written as a trailing comment
    guards: bool = False

    @property
    def inputs(self) -> tuple[Value, ...]:
        return (self.condition,)

    @property
    def outputs(self) -> tuple[Value, ...]:
        return self.results

    @property
    def blocks(self) -> tuple[Block, ...]:
        return self.then, self.orelse

    @lazy
    def uses(self) -> tuple[Value, ...]:
        return (self.condition, *self.then.uses, *self.orelse.uses)

    @lazy
    def defined(self) -> tuple[Value, ...]:
        return (*self.results, *self.then.defined, *self.orelse.defined)

    def map_blocks(self, f: Callable[[Block], Block]) -> Branch:
        then, orelse = f(self.then), f(self.orelse)
        unchanged = then is self.then and orelse is self.orelse
        return self if unchanged else replace(self, then=then, orelse=orelse)

    def renamed(self, new: Renaming) -> Branch:
        return replace(
            self,
            condition=new(self.condition),
            then=new.block(self.then),
            orelse=new.block(self.orelse),
            results=new(self.results),
        )


class Each(NamedTuple):
    """What a `for` goes through. `kind` says what the arguments are:

    "range"             start, stop, step
    "list"              a run-time list; "full list": one that has items
    "first of …"        only the first so many of a range, or of a reversed one: the last argument
    "reversed …"        of any of these, last to first
    """

    kind: str
    args: tuple[Structure, ...]

    @property
    def backwards(self) -> Each:
        kind = self.kind.removeprefix("reversed ")
        return self._replace(kind=f"reversed {kind}" if kind == self.kind else kind)


@dataclass(frozen=True, eq=False)
class Loop(Form):
    """`for` (over `each`, in lockstep) or `while` (as long as `test` yields true): `body`, again and again.

    `inits` are carried into the first trip, where they are `params`; the body yields what the next trip
    begins with, and last whether the loop is left (`break`); `results` are what the last trip yields.
    `saves` are inner values that are kept in a list, one item a trip; `trips` counts the trips.
    """

    each: tuple[tuple[Value, Each], ...]
    test: Block | None
    inits: tuple[Structure, ...]
    params: tuple[Value, ...]
    body: Block
    results: tuple[Value, ...]
    saves: tuple[tuple[Value, Value], ...] = ()
    trips: Value | None = None
    line: Place | None = None
    note: str = ""
    reverses: Loop | None = None  # the loop of the first pass that this one reverses, or goes on with
    onward: bool = False
    slots: int = 0  # so many of its states are kept for the backward pass; 0: what that reads, of each trip
    stored: tuple[str, str] | None = None  # where states are asked for, why they cannot be, and what to do

    @property
    def bound(self) -> tuple[Value, ...]:
        """The values that a trip begins with."""
        return (*(v for v, _ in self.each), *self.params)

    @lazy
    def inputs(self) -> tuple[Value, ...]:
        return tuple(leaves((tuple(each.args for _, each in self.each), self.inits)))

    @lazy
    def outputs(self) -> tuple[Value, ...]:
        counted = () if self.trips is None else (self.trips,)
        return tuple(leaves((self.results, tuple(saved for _, saved in self.saves), counted)))

    @property
    def blocks(self) -> tuple[Block, ...]:
        return (self.body,) if self.test is None else (self.test, self.body)

    @lazy
    def uses(self) -> tuple[Value, ...]:
        inner = chain.from_iterable(block.uses for block in self.blocks)
        return (*self.inputs, *inner, *(v for v, _ in self.saves if isinstance(v, Value)))

    @lazy
    def defined(self) -> tuple[Value, ...]:
        inner = chain.from_iterable(block.defined for block in self.blocks)
        return (*self.outputs, *self.bound, *inner)

    def map_blocks(self, f: Callable[[Block], Block]) -> Loop:
        test, body = None if self.test is None else f(self.test), f(self.body)
        return self if test is self.test and body is self.body else replace(self, test=test, body=body)

    def renamed(self, new: Renaming) -> Loop:
        return replace(
            self,
            each=tuple((new(v), new(each)) for v, each in self.each),
            test=new.block(self.test) if self.test is not None else None,
            inits=new(self.inits),
            params=new(self.params),
            body=new.block(self.body),
            results=new(self.results),
            saves=new(self.saves),
            trips=new(self.trips),
        )


@dataclass(frozen=True, eq=False)
class Raise(Form):
    """Leaves the function with an exception of the user's."""

    exception: Structure
    line: Place | None = None

    @property
    def inputs(self) -> tuple[Value, ...]:
        return tuple(leaves(self.exception))

    def renamed(self, new: Renaming) -> Raise:
        return replace(self, exception=new(self.exception))


Statement = Apply | Branch | Loop | Raise


@dataclass(frozen=True, eq=False)
class Block:
    """Statements in order, and the atoms that the block gives to its owner."""

    statements: tuple[Statement, ...]
    yields: tuple[Structure, ...] = ()

    @property
    def raises(self) -> bool:
        return bool(self.statements) and isinstance(self.statements[-1], Raise)

    @lazy
    def nested(self) -> tuple[Branch | Loop, ...]:
        """The statements that have blocks: few, or none."""
        return tuple(filter(operator.attrgetter("blocks"), self.statements))  # type: ignore[arg-type]

    @lazy
    def functions(self) -> frozenset[Callable[..., Any]]:
        """Whatever is applied, in nested blocks too: what a pass has to do may follow from that."""
        own = {s.function for s in self.statements if type(s) is Apply}
        return frozenset(own.union(*[b.functions for s in self.nested for b in s.blocks]))

    @lazy
    def uses(self) -> tuple[Value, ...]:
        """Every read of a value, nested blocks and yields included."""
        inner = (s.inputs if type(s) is Apply else s.uses for s in self.statements)
        return (*chain.from_iterable(inner), *leaves(self.yields))

    @lazy
    def defined(self) -> tuple[Value, ...]:
        """Every value that is defined, nested blocks included."""
        return tuple(
            chain.from_iterable(s.outputs if type(s) is Apply else s.defined for s in self.statements)
        )

    def map(self, f: Callable[[Statement], Statement | None]) -> Block:
        """The block with what `f` makes of each statement, inner ones first; None leaves it out."""
        mapped = (s if type(s) is Apply else s.map_blocks(lambda b: b.map(f)) for s in self.statements)
        return self.having([new for s in mapped if (new := f(s)) is not None])

    def having(self, made: list[Statement]) -> Block:
        """The block with these statements; the same block if they are its own."""
        unchanged = len(made) == len(self.statements) and all(map(operator.is_, made, self.statements))
        return self if unchanged else replace(self, statements=tuple(made))


@dataclass(frozen=True, eq=False)
class Parameter:
    """One parameter of the user's function: its name and the structure of what it was given."""

    name: str
    structure: Structure


@dataclass(frozen=True, eq=False)
class Function:
    """A whole function. `called`: by generated code, to which what it gives must belong alone. `again`: its
    backward pass may run many times after one forward pass, and leaves what that made as it is.

    `swept` is the body in which nothing was found dead: its own, unless a pass has changed that.
    """

    name: str
    parameters: tuple[Parameter, ...]
    body: Block
    table: ValueTable
    spellings: dict[float, str] = field(default_factory=dict)
    called: bool = False
    again: bool = False
    swept: Block | None = None

    @property
    def result(self) -> Structure:
        return self.body.yields[0]

    @lazy
    def types(self) -> tuple[Type, ...]:
        """The types of all that is given, read or defined, each object once."""
        given = leaves(tuple(p.structure for p in self.parameters))
        types = [v.type for v in {*given, *self.body.uses, *self.body.defined}]
        return tuple(dict(zip(map(id, types), types, strict=True)).values())


class Instance:
    """An object of a user's class: a container whose items are its attributes.

    It stands for one object: whoever holds it sees what the others assign to it.
    """

    __slots__ = ("cls", "attributes", "__weakref__")

    def __init__(self, cls: type, attributes: dict[str, Structure]) -> None:
        self.cls = cls
        self.attributes = attributes

    def __repr__(self) -> str:
        return f"<{self.cls.__name__}: {self.attributes!r}>"

    def __bool__(self) -> bool:
        """Whether the object is true: where its class has no say in that."""
        if any(name in vars(c) for c in self.cls.__mro__ for name in ("__bool__", "__len__")):
            raise UnsupportedError(
                f"the truth of a {self.cls.__name__} is asked for where that is not supported"
            )
        return True


class Undefined:
    """What a branch yields where the other branch yields a value that only it needs."""

    def __repr__(self) -> str:
        return "undefined"


UNDEFINED = Undefined()


class Empty:
    """A list without items, of which it is not known yet what it is going to hold."""

    def __repr__(self) -> str:
        return "[]"


EMPTY = Empty()
NUMERIC = frozenset({Scalar, Array})
ATOMS = frozenset({float, int, bool, str, type(None), Undefined})  # of static leaves, the most frequent kinds


def is_record(x: Any) -> bool:
    """Whether it is a tuple with more to it than its items and their names, as some of SciPy's results."""
    return type(x) is not tuple and hasattr(x, "_fields") and not hasattr(x, "_make")


def leaves(structure: Structure) -> Iterator[Value]:
    """The run-time values of a structure, in order."""
    if type(structure) is Value:
        return iter((structure,))
    found: list[Value] = []
    _collect(structure if type(structure) is tuple else (structure,), found)
    return iter(found)


def _collect(items: Iterable[Structure], found: list[Value]) -> None:
    for item in items:
        kind = type(item)
        if kind is Value:
            found.append(item)
        elif kind in ATOMS:
            continue
        elif isinstance(item, (tuple, list, deque)):
            _collect(item, found)
        elif isinstance(item, dict):
            _collect(item.values(), found)
        elif isinstance(item, slice):
            _collect((item.start, item.stop, item.step), found)
        elif isinstance(item, Instance):
            _collect(item.attributes.values(), found)


def map_structure(f: Callable[[Any], Any], structure: Structure) -> Structure:
    """The same structure with `f` applied to every leaf, static leaves included."""
    if isinstance(structure, tuple):
        if is_record(structure):
            return f(structure)
        items = [map_structure(f, item) for item in structure]
        return type(structure)(*items) if hasattr(structure, "_fields") else tuple(items)
    if isinstance(structure, list):
        return [map_structure(f, item) for item in structure]
    if isinstance(structure, deque):
        return deque([map_structure(f, item) for item in structure], structure.maxlen)
    if isinstance(structure, dict):
        return {key: map_structure(f, item) for key, item in structure.items()}
    if isinstance(structure, slice):
        return slice(*(map_structure(f, i) for i in (structure.start, structure.stop, structure.step)))
    if isinstance(structure, Instance):
        return Instance(structure.cls, map_structure(f, structure.attributes))
    return f(structure)


def map_values(f: Callable[[Value], Any], structure: Structure) -> Structure:
    """The same structure with `f` applied to its run-time values."""
    kind = type(structure)
    if kind is Value:
        return f(structure)
    if kind is tuple:
        return tuple([map_values(f, item) for item in structure])
    if kind in ATOMS:
        return structure
    return map_structure(lambda leaf: f(leaf) if isinstance(leaf, Value) else leaf, structure)


def is_static(structure: Structure) -> bool:
    kind = type(structure)
    return kind in ATOMS or (kind is not Value and next(leaves(structure), None) is None)


def are_numbers(structures: tuple[Structure, ...]) -> bool:
    """Whether all are numbers or arrays, some of them known at run time only; most operands are."""
    found = False
    for x in structures:
        kind = type(x)
        if kind is Value:
            if type(x.type) not in NUMERIC:
                return False
            found = True
        elif kind is not float and kind is not int:
            return False
    return found


def applications(block: Block) -> Iterator[Apply]:
    """Every application in a block, nested blocks included."""
    found: list[Apply] = []
    waiting = [iter(block.statements)]  # as many iterators as blocks are nested
    while waiting:
        for statement in waiting[-1]:
            if type(statement) is Apply:
                found.append(statement)
            elif statement.blocks:
                waiting.extend(iter(b.statements) for b in reversed(statement.blocks))
                break
        else:
            waiting.pop()
    return iter(found)


class Renaming:
    """Other values (or atoms) in place of some."""

    def __init__(self, names: dict[Value, Any]) -> None:
        self.names = names

    def concerns(self, values: Iterable[Value]) -> bool:
        return not self.names.keys().isdisjoint(values)

    def __call__(self, structure: Structure) -> Structure:
        return map_values(lambda v: self.names.get(v, v), structure)

    def block(self, block: Block) -> Block:
        return Block(tuple(s.renamed(self) for s in block.statements), self(block.yields))


def substitute(block: Block, names: dict[Value, Any]) -> Block:
    """The block with other values (or atoms) in place of some; definitions among `names` are renamed too."""
    return Renaming(names).block(block) if names else block
