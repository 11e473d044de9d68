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
from typing import Any, ClassVar, Final, NamedTuple

from revcompile.errors import Place, UnsupportedError
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Array, Scalar, Type
from revcompile.ir.values import Value, ValueTable
from revcompile.lazy import lazy

Structure = Any
Flows = tuple[tuple[Value, Structure], ...]


def _nothing(form: Form) -> tuple[Any, ...]:
    return ()


class Form:
    """What every form of statement says of itself: analyses and passes ask that, and not which form it is.

    Of its blocks one runs; or all, again and again, if it `repeats`. They begin with what is `bound` there.
    """

    parts: ClassVar[tuple[str, ...]] = ()  # its fields that are blocks
    repeats: ClassVar[bool] = False
    raises: ClassVar[bool] = False  # whether it leaves the function
    saves: tuple[tuple[Value, Value], ...] = ()  # values of its blocks, each with the list that keeps it
    bound = lazy(_nothing)
    items = lazy(_nothing)  # what is bound to an item of what it goes through, with that
    begins = lazy(_nothing)  # what is carried into its blocks, with what it is at first
    goes_on = lazy(_nothing)  # the same, with what it is after its blocks have run
    gives = lazy(_nothing)  # what it gives that something inside is, with all that it may be
    decides = lazy(_nothing)  # what says which of its blocks runs, and how often

    @lazy
    def inputs(self) -> tuple[Value, ...]:
        """The values that it reads itself, not those read inside its blocks."""
        raise NotImplementedError

    @lazy
    def outputs(self) -> tuple[Value, ...]:
        """What it gives to the statements after it."""
        return ()

    @lazy
    def flows(self) -> Flows:
        """Each value that is another, or a constant, on some way through it, with that."""
        given = tuple((result, end) for result, ends in self.gives for end in ends)
        return (*self.begins, *self.goes_on, *given)

    @lazy
    def blocks(self) -> tuple[Block, ...]:
        return tuple(block for name in self.parts if (block := getattr(self, name)) is not None)

    @lazy
    def uses(self) -> tuple[Value, ...]:
        """Every read of a value, those in its blocks included."""
        inner = chain.from_iterable(block.uses for block in self.blocks)
        return (*self.inputs, *inner, *(v for v, _ in self.saves if isinstance(v, Value)))

    @lazy
    def defined(self) -> tuple[Value, ...]:
        """Every value that is defined, those in its blocks included."""
        return (*self.outputs, *self.bound, *chain.from_iterable(block.defined for block in self.blocks))

    def map_blocks(self, f: Callable[[Block], Block]) -> Statement:
        """The same statement with what `f` makes of each of its blocks."""
        made = tuple(map(f, self.blocks))
        same = all(map(operator.is_, made, self.blocks))
        names = (name for name in self.parts if getattr(self, name) is not None)
        return self if same else replace(self, **dict(zip(names, made, strict=True)))  # type: ignore[return-value]

    def renamed(self, new: Callable[[Structure], Structure]) -> Statement:
        """The statement with other values (or atoms) in place of some, in its definitions and blocks too."""
        fields: Any = {name: getattr(self, name) for name in type(self).__match_args__}  # type: ignore[attr-defined]
        return replace(self, **{name: new(part) for name, part in fields.items()})  # type: ignore[return-value]


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

    @property
    def uses(self) -> tuple[Value, ...]:
        return self.inputs

    @property
    def defined(self) -> tuple[Value, ...]:
        return self.outputs

    def of_args(self, args: tuple[Structure, ...]) -> Apply:
        """The same of other arguments."""
        return Apply(self.function, args, self.result, self.line, self.note)

    def renamed(self, new: Callable[[Structure], Structure]) -> Apply:
        return replace(self, args=new(self.args), result=new(self.result))


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

    parts = ("then", "orelse")

    @property
    def inputs(self) -> tuple[Value, ...]:
        return (self.condition,)

    @property
    def outputs(self) -> tuple[Value, ...]:
        return self.results

    @lazy
    def decides(self) -> tuple[Structure, ...]:
        return (self.condition,)

    @lazy
    def gives(self) -> tuple[tuple[Value, tuple[Structure, ...]], ...]:
        ends = [side.yields for side in self.blocks if not side.raises]
        return tuple((result, tuple(end[i] for end in ends)) for i, result in enumerate(self.results))


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

    parts = ("test", "body")
    repeats = True

    @lazy
    def bound(self) -> tuple[Value, ...]:
        return (*(v for v, _ in self.each), *self.params)

    @lazy
    def inputs(self) -> tuple[Value, ...]:
        return tuple(leaves((tuple(each.args for _, each in self.each), self.inits)))

    @lazy
    def outputs(self) -> tuple[Value, ...]:
        counted = () if self.trips is None else (self.trips,)
        return tuple(leaves((self.results, tuple(saved for _, saved in self.saves), counted)))

    @lazy
    def items(self) -> tuple[tuple[Value, Each], ...]:
        return self.each

    @lazy
    def decides(self) -> tuple[Structure, ...]:
        return (*(each.args for _, each in self.each), *(block.yields[-1:] for block in self.blocks))

    @lazy
    def begins(self) -> Flows:
        return tuple(zip(self.params, self.inits, strict=True))

    @lazy
    def goes_on(self) -> Flows:
        return tuple(zip(self.params, self.body.yields, strict=False))

    @lazy
    def gives(self) -> tuple[tuple[Value, tuple[Structure, ...]], ...]:
        ends = () if self.body.raises else (self.body.yields,)
        return tuple(zip(self.results, zip(self.inits, *ends, strict=False), strict=False))


@dataclass(frozen=True, eq=False)
class Raise(Form):
    """Leaves the function with an exception of the user's."""

    exception: Structure
    line: Place | None = None

    raises = True

    @property
    def inputs(self) -> tuple[Value, ...]:
        return tuple(leaves(self.exception))


Statement = Apply | Branch | Loop | Raise


@dataclass(frozen=True, eq=False)
class Block:
    """Statements in order, and the atoms that the block gives to its owner."""

    statements: tuple[Statement, ...]
    yields: tuple[Structure, ...] = ()

    @property
    def raises(self) -> bool:
        return bool(self.statements) and self.statements[-1].raises

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


def like(one: Any, items: Iterable[Structure]) -> Any:
    """A tuple of other items, of the class of one."""
    return type(one)(*items) if hasattr(one, "_fields") else tuple(items)


def map_structure(f: Callable[[Any], Any], structure: Structure) -> Structure:
    """The same structure with `f` applied to every leaf, static leaves included."""
    if isinstance(structure, tuple):
        if is_record(structure):
            return f(structure)
        return like(structure, [map_structure(f, item) for item in structure])
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
