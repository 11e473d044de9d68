"""A function of the user's lowered on its own, and the calls of it: the two ends of a pair.

Its body is interpreted on values of its own, which stand for the parts of what it is given (`parts`), and in
a memory of its own. What it reads, writes and gives says whether it can be told apart from its calls; what it
proves about lengths holds for each of them. Imports the IR.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from revcompile.frontend.lowering import Lowering
from revcompile.frontend.paired import Lowered
from revcompile.frontend.parts import Inseparable, Parts, free_names
from revcompile.gates.draws import DRAWS
from revcompile.gates.effects import has_effects
from revcompile.gates.foreign import ForeignCall
from revcompile.gates.halves import SAVED, Half, bind, expressed, lengths, note_compared
from revcompile.ir.lengths import Facts
from revcompile.ir.nodes import (
    Block,
    Function,
    Parameter,
    Statement,
    Structure,
    Value,
    applications,
    leaves,
)
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Array, Dim, Scalar, Type, scalar_type
from revcompile.syntax.abstract import Frame, NeedStatic
from revcompile.syntax.memory import Memory

Node = ast.FunctionDef | ast.Lambda


def own_types(facts: Facts, atoms: Sequence[Structure]) -> list[Type | None]:
    """The types of the run-time values among `atoms`, with symbols of their own for lengths not known."""

    def own_length(d: Dim) -> Dim:
        size = facts.size_of(d)
        return facts.of_helper(d) if size is None else Dim(size=size)

    def own(t: Type) -> Type:
        dims = map(own_length, t.dims)
        whole = isinstance(t, Scalar) and t.python and t.dtype.kind == "i"
        return with_lengths(t, [facts.fresh()] if whole else dims)

    return [own(a.type) if isinstance(a, Value) else None for a in atoms]


def with_lengths(t: Type, dims: Any) -> Type:
    """The type with other lengths."""
    dims = tuple(dims)
    if isinstance(t, Array):
        return replace(t, dims=dims)
    return replace(t, extent=dims[0] if dims else None) if isinstance(t, Scalar) else t


def parts_of(low: Lowering, node: Node, frame: Frame, together: bool) -> Parts:
    """What a call gives, `frame` being one that begins with it."""
    free = free_names(node) if frame.parent is not None else frozenset()
    return Parts(low, frame.names, frame.parent, free, together)


def finish(lowered: Lowered, keep: Sequence[int]) -> None:
    """Settle what is passed on."""
    pair, function = lowered.pair, lowered.pair.function
    assert function is not None
    lowered.keep = tuple(keep)
    pair.parameters = tuple(lowered.atoms[i] for i in keep)
    parameters = tuple(Parameter(function.table.hints[v], v) for v in pair.parameters)
    pair.function = replace(function, parameters=parameters)


def name_of(node: Node) -> str:
    return node.name if isinstance(node, ast.FunctionDef) else "function"


def lower_alone(low: Lowering, node: Node, frame: Frame, parts: Parts, lowered: Lowered) -> None:
    """Interpret a function on values of its own. Raises Inseparable."""
    names, home, build = parts.build(lowered.atoms)
    inner = Frame(frame.source, names, home, False, frame.depth, own=frame.own)
    builder, memory, pair = low.builder, low.memory, lowered.pair
    low.memory = Memory(builder.table, low.decisions)
    statements: list[Statement] = []
    known = len(builder.facts.compared)
    try:
        with builder.apart() as statements:
            results = Parts(low, {"result": low.body(node, inner)}, gives=True)
            arrays = [v for v in values_in(results.atoms) if isinstance(v.type, Array)]
            results.atoms = [low.resolve(a) for a in results.atoms]
            recursive = lowered in low.pairs.attempts
            lowered.given = tuple(i for i, a in enumerate(results.atoms) if recursive or isinstance(a, Value))
            outs = [results.atoms[i] for i in lowered.given]
            pair.equal = tuple(_equalities(low, lowered.atoms))
            pair.compared = tuple(islice(builder.facts.compared, known, None))
            lowered.outs = [_out_type(low, out, lowered.atoms) for out in outs]
        own = low.memory  # which a branch or a loop has replaced
    finally:
        low.memory = memory
    if any(made is met for made in build.made.values() for met in results.met):
        raise Inseparable("it gives a list or a dict that it was given")
    body = Block(tuple(statements), (tuple(outs),))
    _check_alone(low, body, lowered, own, arrays)
    lowered.results, lowered.steers = (
        results,
        frozenset(low.builder.ancestors(low.steering)) & set(values_in(lowered.atoms)),
    )
    pair.function = Function(pair.name, (), body, builder.table, low.spellings)


def values_in(atoms: Sequence[Structure]) -> list[Value]:
    return [a for a in atoms if isinstance(a, Value)]


def _check_alone(
    low: Lowering, body: Block, lowered: Lowered, memory: Memory, arrays: Sequence[Value]
) -> None:
    """Raises Inseparable where a function reads, writes or gives what is not its own.

    `arrays` are those that it gives.
    """
    pair = lowered.pair
    given = set(values_in(lowered.atoms))
    live = {item.value: item.path for item in low.host.live.values()}
    free = set(body.uses) - set(body.defined) - given
    if any(v not in live or live[v].is_parameter for v in free):
        raise Inseparable("it reads what is not an argument of it")
    made = list(applications(body))
    if any(s.function in DRAWS for s in made):
        raise Inseparable("it draws random numbers")
    if any(isinstance(s.function, ForeignCall) and not s.function.only_shows for s in made):
        raise Inseparable("it makes a call as it is")
    pair.calls = frozenset(s.function.pair for s in made if isinstance(s.function, Half))
    pair.live = frozenset(free)
    pair.raises = any(has_effects(s.function) for s in made) or _raises(body)
    foreign = {v for v in given | set(live) if isinstance(v.type, Array)}
    if any(not foreign.isdisjoint(_sharing(memory, v)) for v in memory.written):
        raise Inseparable("it writes into an array that it was given")
    shared = any(memory.may_share(a, b) for i, a in enumerate(arrays) for b in arrays[:i])
    lowered.fresh = not shared and all(foreign.isdisjoint(_sharing(memory, v)) for v in arrays)


def outside(
    low: Lowering, need: NeedStatic, lowered: Lowered, atoms: Sequence[Structure]
) -> NeedStatic | None:
    """What must be known in a function, as what must be known of its arguments."""
    origins = low.builder.ancestors([need.value])
    for v, a in zip(lowered.atoms, atoms, strict=True):
        if isinstance(v, Value) and v in origins and isinstance(a, Value):
            return need.of(a)
    return None


def _sharing(memory: Memory, v: Value) -> frozenset[Value]:
    root = memory.root(v)
    return memory.related.get(root, frozenset()) | {root}


def _raises(block: Block) -> bool:
    return block.raises or any(_raises(inner) for s in block.statements for inner in s.blocks)


def _equalities(low: Lowering, atoms: Sequence[Structure]) -> Iterator[tuple[Dim, Dim]]:
    """What running a function proves about the lengths of its arguments."""
    facts = low.builder.facts
    first: dict[tuple[int, int], Dim] = {}
    for d in dict.fromkeys(d for v in values_in(atoms) for d in lengths(v.type)):
        if d.symbol is None:
            continue
        size = facts.size_of(d)
        if size is not None:
            yield d, Dim(size)
        other = first.setdefault(facts.root(d.symbol), d)
        if other.symbol != d.symbol:
            yield other, d


def _out_type(low: Lowering, out: Structure, atoms: Sequence[Structure]) -> Type:
    """The type of a result, with its lengths in terms of the parameters' where they are theirs."""
    t = out.type if isinstance(out, Value) else scalar_type(out)
    own = [d for v in values_in(atoms) for d in lengths(v.type) if d.symbol is not None]
    return with_lengths(t, (_in_terms_of(low.builder.facts, d, own) for d in lengths(t)))


def _in_terms_of(facts: Facts, dim: Dim, own: list[Dim]) -> Dim:
    if dim.symbol is None:
        return dim
    for d in own:
        found = None if d.symbol is None else facts.in_terms_of(dim, d.symbol)
        if found is not None:
            return found
    return facts.fresh(maybe_one=dim.can_be_one)


# -- calling -------------------------------------------------------------------------------------


def may_be_called(low: Lowering, lowered: Lowered) -> bool:
    """Whether what a pair reads of the program is as the program has it."""
    memory = low.memory
    live = (v for pair in lowered.pair.reached() for v in pair.live)
    return not any(v in memory.current or v in memory.spoiled for v in live)


def emit(low: Lowering, lowered: Lowered, atoms: Sequence[Structure]) -> Structure:
    """A call of a pair."""
    pair, builder = lowered.pair, low.builder
    assert lowered.outs is not None and lowered.results is not None
    given = tuple(atoms[i] for i in lowered.keep)
    args = low.resolve(given)
    bound = bind(pair.parameters, args)
    loose: dict[int, Dim] = {}

    def of_call(d: Dim) -> Dim:
        if d.symbol is None or d.symbol in bound:
            return expressed(d, bound)
        return replace(loose.setdefault(d.symbol, builder.facts.fresh(d.maybe_one)), trim=d.trim)

    outs = [Value(with_lengths(t, map(of_call, lengths(t)))) for t in lowered.outs]
    saved = builder.table.new(SAVED, f"saved_{pair.name}")
    note_compared(pair, args, builder.facts)
    if pair.compared:
        builder.table.comparing[saved] = ()
    builder.apply(pair.call, args, (*outs, saved))
    for v, p in zip(given, pair.parameters, strict=True):
        if p in lowered.steers:
            low.steer(v)
    if not lowered.fresh:
        arrays = [v for v in (*leaves(given), *low.host.values()) if isinstance(v.type, Array)]
        low.memory.relate(outs, [*arrays, *outs])
    parts = list(lowered.results.atoms)
    for i, out in zip(lowered.given, outs, strict=True):
        parts[i] = out
    names, _, _ = lowered.results.build(parts)
    return low.mutables.adopt(names["result"])
