"""What does not change in a loop is computed before it.

Before:                                  After:
    for t in range(n):                       if n > 0:
        u = u + dt * k[1:] * u                   s0 = dt * k[1:]
                                             for t in range(n):
                                                 u = u + s0 * u

What may raise or warn is computed only if the loop makes a trip; it stays where it is if that is not known
beforehand (`while`), or if the trip may end before it by the program's own word: a `raise`, an `assert`.
Views and lengths stay, too: nothing is computed for them. Imports the IR.
"""

from __future__ import annotations

from revcompile.dataflow.presence import missing
from revcompile.gates.effects import is_noticed, may_end
from revcompile.gates.lengths import counts
from revcompile.gates.table import TABLE
from revcompile.gates.traits import Line, Memory
from revcompile.ir.live import without_slots
from revcompile.ir.nodes import (
    UNDEFINED,
    Apply,
    Block,
    Branch,
    Function,
    Loop,
    Statement,
    Structure,
    Value,
    leaves,
)
from revcompile.ir.rebuild import replace
from revcompile.ir.types import BOOL, Array, Rows, Scalar, is_float
from revcompile.ir.values import NONE
from revcompile.passes.walk import Walk


def compute_before_loops(function: Function) -> Function:
    return _Mover(function).function(function) if _has_loops(function.body) else function


def _has_loops(block: Block) -> bool:
    return any(s.repeats or any(map(_has_loops, s.blocks)) for s in block.nested)


class _Mover(Walk):
    def __init__(self, function: Function) -> None:
        super().__init__(lambda statement, out: None, function.table)
        self.partial = missing(function.body)  # what has a value on some ways only

    def _apply(self, statement: Apply, out: list[Statement]) -> None:
        super()._apply(statement, out)
        if TABLE[statement.function].line is Line.CHECK and statement.args[1] != NONE:
            if self.partial.isdisjoint(out[-1].inputs):
                out.pop()  # what stands for the name now has a value on every way

    def _loop(self, statement: Loop, out: list[Statement]) -> None:
        super()._loop(statement, out)
        loop = out.pop()
        assert isinstance(loop, Loop)
        moved = _Moved(loop, self.partial)
        stays = tuple(s for s in loop.body.statements if s not in moved.statements)
        loop = replace(loop, body=replace(loop.body, statements=stays))
        otherwise: dict[Value, Structure] = {}  # what a moved value is if there is no trip
        taken = self._take_slots(loop, moved, otherwise)
        out.extend(moved.before(loop, otherwise))
        self.partial |= moved.guarded
        out.append(without_slots(loop, taken) if taken else loop)

    def _take_slots(self, loop: Loop, moved: _Moved, otherwise: dict[Value, Structure]) -> set[int]:
        """The slots in which each trip gives something as it was before the loop: what a loop gives there is
        that; if it makes no trip, what it begins with."""
        inner = {*loop.body.defined, *loop.bound}
        read = {*loop.body.uses, *(v for v, _ in loop.saves)}
        read.update(loop.test.uses if loop.test is not None else ())
        found: set[int] = set()
        for i, (init, param, end, result) in enumerate(
            zip(loop.inits, loop.params, loop.body.yields, loop.results, strict=False)
        ):
            if not isinstance(end, Value) or end in inner or param in read:
                continue
            if init is not UNDEFINED and moved.runs is not True:  # it may be read, or saved, without a trip
                if end not in moved.guarded or end in otherwise:
                    continue
                otherwise[end] = init
            self.replaced[result] = end
            found.add(i)
        return found


class _Moved:
    """What can be computed before a loop: `statements`, in order. What they give is `guarded` if it is
    computed only where the loop makes a trip, for it may raise or warn.

    `runs` says whether the loop makes a trip: True, a comparison of numbers, a list that has an item for each
    trip, or None if nothing is known.
    """

    def __init__(self, loop: Loop, partial: set[Value]) -> None:
        self.partial = partial
        self.runs = _runs(loop)
        self.inner = {*loop.body.defined, *loop.bound}
        if loop.test is not None:
            self.inner.update(loop.test.defined)
        self.plain: set[Statement] = set()  # what never raises nor warns, nor needs what may
        self.same: dict[Value, Statement] = {}  # what is the same in each trip, and what makes it
        self.statements: dict[Statement, None] = {}
        self.guarded: set[Value] = set()
        wanted: set[Value] = set()
        for s in loop.body.statements:
            if may_end(s):
                break
            if self._is_same(s):
                self.same.update((v, s) for v in s.outputs)
                if _is_worth_it(s) or (s in self.plain and _computes(s)):
                    wanted.update(s.outputs)
        if wanted:
            self._collect(loop, wanted)

    def _is_same(self, s: Statement) -> bool:
        """Whether a statement gives the same in each trip, and can do so before the first."""
        reads = _reads(s)
        if any(v in self.inner and v not in self.same for v in reads) or not _is_pure(s):
            return False
        ready = all(self.same[v] in self.plain if v in self.same else v not in self.partial for v in reads)
        if ready and _is_plain(s):
            self.plain.add(s)
            return True
        return self.runs is not None

    def _collect(self, loop: Loop, wanted: set[Value]) -> None:
        """Take the statements that make what is wanted, and what they need."""
        within = set(leaves(loop.body.yields))  # what is read where there is a trip, and not before
        for s in reversed(loop.body.statements):
            if wanted.isdisjoint(s.outputs):
                within.update(_reads(s))
                continue
            self.statements[s] = None
            wanted.update(v for v in _reads(s) if v in self.same)
            known = self.runs is None or self.runs is True
            if not known and (s not in self.plain or within.isdisjoint(s.outputs)):
                self.guarded.update(s.outputs)
            else:
                within.update(_reads(s))
        self.statements = dict.fromkeys(reversed(self.statements))

    def before(self, loop: Loop, otherwise: dict[Value, Structure]) -> list[Statement]:
        """What is written before the loop; `otherwise` is what something is if the loop makes no trip."""
        plain = [s for s in self.statements if self.guarded.isdisjoint(s.outputs)]
        rest = [s for s in self.statements if not self.guarded.isdisjoint(s.outputs)]
        if not rest:
            return plain
        runs, compared = self.runs, []
        if isinstance(runs, tuple):
            compare, *bounds = runs
            runs = Value(BOOL)
            compared.append(Apply(compare, tuple(bounds), runs, loop.line))
        assert isinstance(runs, Value)
        given = tuple(v for s in rest for v in s.outputs)
        nothing = tuple(otherwise.get(v, UNDEFINED) for v in given)
        guard = Branch(runs, Block(tuple(rest), given), Block((), nothing), given, loop.line, loop.note)
        return [*plain, *compared, guard]


def _runs(loop: Loop) -> bool | tuple[Structure, ...] | Value | None:
    """Whether a loop makes a trip, as far as it is known before."""
    if not loop.each or (len(loop.each) > 1 and any(each.kind == "list" for _, each in loop.each)):
        return None  # lists of several lengths
    kind, args = loop.each[0][1]
    if kind == "full list":
        return True
    if kind.endswith("list"):
        return args[0] if isinstance(args[0], Value) else None
    return counts(*args) if len(args) == 3 else counts(0, args[3], 1)


def _is_pure(s: Statement) -> bool:
    """Whether what a statement gives is the same whenever it is made, and nobody writes into it."""
    if isinstance(s, Apply):
        gate = TABLE[s.function]
        return not (is_noticed(s.function) or gate.fresh or gate.writes or gate.line is not None) and all(
            isinstance(v.type, (Scalar, Array)) and not isinstance(v.type, Rows) for v in s.outputs
        )
    return not (s.raises or s.repeats) and all(_is_pure(t) for b in s.blocks for t in b.statements)


def _is_plain(s: Statement) -> bool:
    """Whether a statement never raises nor warns: sums and products of Python's numbers, whole arrays."""
    if not isinstance(s, Apply):
        return False
    gate = TABLE[s.function]
    if gate.of_shape or (gate.memory is Memory.VIEW and not gate.raises):
        return True
    types = [v.type for v in (*s.inputs, *s.outputs)]
    of_python = all(isinstance(t, Scalar) and t.python for t in types)
    return of_python and gate.cheap and not gate.raises


def _is_worth_it(s: Statement) -> bool:
    """Whether a statement takes longer than to ask whether there is a trip."""
    if not isinstance(s, Apply):
        return True
    return _computes(s) and (not TABLE[s.function].cheap or any(v.type.dims for v in s.outputs))


def _computes(s: Statement) -> bool:
    """Whether a statement computes numbers, rather than to look at what there is."""
    if not isinstance(s, Apply):
        return False
    gate = TABLE[s.function]
    if gate.view or gate.of_shape or gate.memory is Memory.SAME or gate.casts:
        return False
    return any(is_float(v.type) or isinstance(v.type, Array) for v in s.outputs)


def _reads(s: Statement) -> list[Value]:
    """What a statement reads from outside it."""
    inside = set(s.defined)
    return [v for v in s.uses if v not in inside]
