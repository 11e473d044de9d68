"""The pipeline, one line a stage: source → lower → differentiate → simplify → write."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from revcompile.attempts import Attempts, MustBeStatic
from revcompile.autodiff.again import refuse_lengths_of_other_trips
from revcompile.autodiff.batch import batch
from revcompile.autodiff.differentiate import differentiate
from revcompile.autodiff.forward import push_forward
from revcompile.autodiff.halves import NOTHING, Halves
from revcompile.autodiff.long_loops import OF_A_GRADIENT, keep_all, keep_states
from revcompile.autodiff.parted import parted
from revcompile.codegen.conditions import agreements, apart, equal_lengths, keep_untested, meetings
from revcompile.codegen.first_run import Run
from revcompile.codegen.linked import Helpers, Linked, Texts, Written
from revcompile.codegen.load import Namespace
from revcompile.codegen.places import places_of as raised_for
from revcompile.codegen.specialization import ARITHMETIC
from revcompile.dataflow.integrality import learn_of_calls, refuse_cutting
from revcompile.dataflow.knowledge import has_arrays
from revcompile.dataflow.retyped import refuse_retyped
from revcompile.errors import HostError, InternalError, UnsupportedError, an, raise_defect
from revcompile.foreign import ChangedKind
from revcompile.frontend.arguments import Place, adopt, found_at, lend, origins_of, places_of, structure_of
from revcompile.frontend.building import new_builder
from revcompile.frontend.containers import check_aliases
from revcompile.frontend.folding import fold
from revcompile.frontend.lower import Lowerer, lower
from revcompile.frontend.names import Guard, Live, Path
from revcompile.frontend.operators import GIVE_HALVES
from revcompile.frontend.wanted import picked
from revcompile.gates.foreign import Learning, NotKnownYet, Unfinished
from revcompile.gates.halves import Pair, Variant
from revcompile.ir.nodes import Function, Instance, Parameter, Structure, Value, is_static, leaves
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Array, is_number
from revcompile.ir.verify import check
from revcompile.native import build
from revcompile.passes import scalar_math
from revcompile.passes.cse import eliminate_common
from revcompile.passes.dead import without_printing
from revcompile.passes.even_powers import smooth_powers
from revcompile.passes.fuse import fuse_gates
from revcompile.passes.line import Line
from revcompile.statements.probe import Probe
from revcompile.syntax.abstract import NeedStatic
from revcompile.syntax.decisions import Decisions, Grow, Restart, TestInside
from revcompile.syntax.source import Source


@dataclass(frozen=True)
class Request:
    """What is to be compiled: which function, the gradients of what, and how it is to be returned."""

    source: Source
    signature: inspect.Signature
    label: str  # before the function's name, the name of what is made of it
    with_value: bool
    has_aux: bool
    optimize: bool
    wanted: tuple[str, ...]  # the parameters whose gradients are returned
    bare: bool  # one gradient alone rather than a tuple
    nested: bool = False  # the gradients of *args come as a tuple of their own
    owner: tuple[str, Any] | None = None  # a bound method's first parameter, and the object it is bound to
    packed: tuple[str, ...] | None = None  # the *args and **kwargs of a wrapper with its function's signature
    operator: str = ""  # that the function itself applies: what it gives is returned, without gradients
    lent: tuple[str, ...] = ()  # the parameters whose arguments are default values that could be changed
    varying: frozenset[Path] = frozenset()  # the program's whole numbers that are read at each call
    checkpoint: int = 0  # so many states of each long loop are kept for the backward pass; 0: of all trips
    probe: Probe | None = None  # which is told of all values and gradients
    backend: str = "numpy"  # by what the text is run


@dataclass(frozen=True)
class Compiled:
    """Generated text and the conditions under which it holds."""

    name: str
    label: str  # the name of the gradient function
    primal: Callable[[], Written] | None  # writes the primal; None where that applies an operator
    body: list[str]  # the lines of the gradient's body
    helpers: Helpers  # the functions that the gradient calls
    native: Helpers  # those of native code
    beyond: tuple[type[Exception], ...]  # what the body raises where `careful` is asked
    careful: Callable[[], Written] | None  # the same for numbers beyond `math`, if need be
    guards: tuple[Guard, ...]
    live: tuple[Live, ...]
    named: dict[str, str]  # where the texts' names come from
    layouts: tuple[str, ...]  # tests of how arguments lie, so that `ravel` gives a view, or a copy
    equal: tuple[str, ...]  # tests of lengths that are equal as in this call
    apart: tuple[tuple[str, str], ...]  # arguments that must not share memory: the first is written into
    once: bool  # whether what a call does must not be done twice
    changing: tuple[Any, ...]  # the functions and objects that it calls as they are, and which change others
    agreements: tuple[str, ...]  # tests that lengths agree which the primal takes to be equal
    meetings: tuple[str, ...]  # the same of what it takes to be equal in some blocks only
    compared: frozenset[Any]  # the places and paths of the arrays whose lengths those are
    static: frozenset[Place]  # the arguments whose values it is for
    begun: frozenset[Place]  # those of them that were known from the beginning


def compile_gradient(
    request: Request,
    arguments: Mapping[str, Any],
    static: frozenset[Place],
    namespace: Namespace,
    learning: Learning,
) -> Compiled:
    """Compile for arguments like these. Raises UnsupportedError, or what the primal itself would.

    `static` are those that are known from the beginning. `learning` is what is known of calls as they are:
    what they give is found out by making them.
    """
    attempts = Attempts(static)
    learning.begin()
    changes = 0  # how often a call gave something of another kind than was noted
    while True:
        attempt = Decisions(attempts.decisions)
        try:
            return _compile(request, arguments, attempts.static, namespace, attempt, learning)
        except MustBeStatic as e:
            attempts.know(attempt, e)
            learning.begin()
        except NotKnownYet as e:
            if learning.is_stuck():
                raise InternalError("what a call gives is not learnt") from e
            attempts.decisions = frozenset(d for d in attempt if not isinstance(d, TestInside))
        except ChangedKind as e:
            changes += 1
            learning.has_changed(e, changes, raised_for(e))
        except Restart as restart:
            if not attempts.fail(attempt, restart):
                raise UnsupportedError("what this function does cannot be settled while compiling") from None
        except (UnsupportedError, HostError) as e:
            if not attempts.fail(attempt, e):
                if attempts.first is None:
                    raise
                raise attempts.first from None


def _compile(
    request: Request,
    arguments: Mapping[str, Any],
    static: frozenset[Place],
    namespace: Namespace,
    decisions: Decisions,
    learning: Learning,
) -> Compiled:
    low = Lowerer(new_builder(), static, namespace.put, decisions, learning)
    learning.guards, low.host.varying = low.host.guards, request.varying
    parameters = [
        Parameter(name, structure_of(v, (name,), static, low.host, () if name in request.wanted else None))
        for name, v in arguments.items()
    ]
    _refuse_objects(parameters, request.wanted)
    for p in parameters:
        for place, v in places_of(p.structure, (p.name,)):
            low.values[v] = found_at(arguments[p.name], place[1:])
    low.varied = frozenset(v for p in parameters if p.name in request.wanted for v in leaves(p.structure))
    low.constants = frozenset(v for p in parameters for v in leaves(p.structure)) - low.varied
    low.differentiate = partial(_nested, request, low)
    low.push_forward = partial(_pushed_forward, request, low)
    low.batch = partial(batch, low)
    low.halve = partial(_halve, request, low)
    low.part = partial(_part, request, low)
    low.slots = request.checkpoint if request.operator else 0
    low.needed.parameters, low.needed.wanted = parameters, request.wanted
    with _needs_gathered(request, low):
        primal = _lower(request, parameters, arguments, low)
    low.builder.facts.is_settled = True
    made = [pair.function for pair in low.pairs.made() if pair.function is not None]
    if scalar_math.may_restart(primal, *made):
        keep_untested(primal, parameters, tuple(low.host.live.values()), low.builder.facts)
    memory = low.memory
    for f in (primal, *made):
        refuse_retyped(f.body, low.retyped)
    primal = fuse_gates(primal)
    refuse_lengths_of_other_trips(primal, primal, low.host.values())
    primal = check(primal, "fuse", low.host.values())
    forward = eliminate_common(primal) if request.optimize else primal
    low.builder.forget()  # what was remembered may be gone
    pairs = low.pairs.made()
    for pair in pairs:
        _prepare(pair, request, low)
    if request.checkpoint and not request.operator:
        forward = keep_states(forward, request.checkpoint, set())
    if low.unknown and learning.allowed:
        line = Line(low, primal, request.optimize, request.with_value)
        silent = line.finishing()(replace(primal, body=without_printing(primal.body)))
        run = Run(request.source.function, request.signature, arguments, namespace, low.host)
        try:
            run.find_out(Linked(silent, line.primal_of), primal, learning.changing)
        except Unfinished as reached:
            raise low.unfinished[reached.number] from None
    learn_of_calls(forward, pairs)
    for function in (forward, *(pair.function for pair in pairs if pair.function is not None)):
        refuse_cutting(function)
    low.builder.line = None
    with _needs_gathered(request, low):
        gradient = _differentiate(request, forward, low)
    gradient = check(gradient, "differentiate", low.host.values())
    line = Line(low, gradient, request.optimize, request.with_value, request.operator not in GIVE_HALVES)
    for path in low.needed.specialized:
        if isinstance(path, Path):
            low.host.must_be(path)
    live, guards = tuple(low.host.live.values()), tuple(low.host.guards.values())
    paths = [*(g.path for g in guards), *(item.path for item in live), *low.host.running]
    roots = {path.root for path in paths}
    read = [(item.value, item.path.text) for item in live]
    label = f"{request.label}_{primal.name}"
    texts = Texts(namespace, (primal.name, label), read, roots, not request.optimize)
    final = line.final(gradient)
    linked, answer = Linked(final, line.of_half), _answer(final, request)
    body, helpers = texts.write(linked, answer)
    native: Helpers = {}
    if request.backend == "numba":
        build.refuse_others(linked.functions)
        body, native = build.native(label, body, helpers, answer, arguments, namespace)
        helpers = {}

    def write_careful() -> Written:
        careful = line.careful(gradient)
        return texts.write(Linked(careful, line.careful_of), _answer(careful, request))

    low.let_go()
    return Compiled(
        name=primal.name,
        label=label,
        primal=None if request.operator else texts.later(primal, line.finishing(), line.primal_of),
        body=body,
        helpers=helpers,
        native=native,
        beyond=build.BEYOND if native else ARITHMETIC,
        careful=write_careful if line.on_math or native else None,
        guards=guards,
        live=live,
        named=texts.named,
        equal=tuple(equal_lengths(parameters, live, low.builder.facts)),
        layouts=memory.layouts_relied_on(),
        apart=tuple(apart(parameters, live, memory.written)),
        once=line.once,
        changing=tuple({id(x): x for x in learning.changing}.values()),
        agreements=tuple(agreements(parameters, live, low.builder.facts)),
        meetings=() if line.once else tuple(meetings(parameters, live, low.builder.facts, memory.written)),
        compared=frozenset(origin for origin, v in origins_of(parameters, low) if isinstance(v.type, Array)),
        static=static | low.needed.specialized,
        begun=static,
    )


def _pushed_forward(
    request: Request, low: Lowerer, primal: Function, tangents: Mapping[Value, Structure]
) -> Function:
    """A function that is called inside, with its tangents; for a picture, the outermost tells them."""
    low.push_forward = partial(push_forward, low=low, prepare=smooth_powers)
    if request.probe is not None and request.operator:
        place = request.source.place(request.source.node)
        primal = request.probe.watch(smooth_powers(primal), place, low.pairs.made(), low.host.values())
    return low.push_forward(primal, tangents)


def _prepare(pair: Pair, request: Request, low: Lowerer) -> None:
    """Make the body of a pair ready to be differentiated."""
    assert pair.function is not None
    fused = fuse_gates(pair.function)
    refuse_lengths_of_other_trips(fused, fused, low.host.values())
    fused = check(fused, "fuse", low.host.values())
    pair.function = smooth_powers(eliminate_common(fused) if request.optimize else fused)


def _halve(
    request: Request, low: Lowerer, pair: Pair, wanted: frozenset[int], seeded: frozenset[int]
) -> Variant:
    """The halves of a pair whose backward half is called from outside."""
    for one in low.pairs.made():
        _prepare(one, request, low)
    assert pair.function is not None
    if request.checkpoint:
        pair.function = keep_states(pair.function, request.checkpoint, set())
    halves = Halves(low, thorough=not has_arrays((pair.function,)))
    return halves.variant(pair, wanted, seeded, frozenset(), NOTHING)


def _part(request: Request, low: Lowerer, pair: Pair, count: int) -> Variant:
    """The halves of a pair of which what makes tangents is called from outside."""
    for one in low.pairs.made():
        _prepare(one, request, low)
    variant = parted(pair, count, low.builder.table)
    low.pairs.variants[pair, variant.wanted, variant.seeded, variant.strong, variant.told] = variant
    return variant


def _refuse_objects(parameters: Sequence[Parameter], wanted: Sequence[str]) -> None:
    """An object without numbers among its attributes has nothing to differentiate."""
    for parameter in parameters:
        found = parameter.structure
        if parameter.name in wanted and isinstance(found, Instance) and is_static(found):
            raise UnsupportedError(
                f"argument {parameter.name} is {an(found.cls.__name__)} without numbers among its "
                "attributes, which has no gradient",
                way_out="Choose with argnums=, or pass its numbers in a tuple or a dict.",
            )


@contextmanager
def _needs_gathered(request: Request, low: Lowerer) -> Iterator[None]:
    """Raises MustBeStatic at the end if arguments have to be known from the beginning."""
    end: Exception | None = None
    try:
        yield
    except (NeedStatic, NotKnownYet, Restart, UnsupportedError, HostError) as e:
        if isinstance(e, (UnsupportedError, HostError)) and low.decisions.of_kind(Grow):
            low.needed.note_lengths(low)
        if low.needed.first is None:
            raise
        end = e
    if low.needed.first is not None and (end is not None or not low.needed.places <= low.needed.specialized):
        raise MustBeStatic(low.needed.places, _unknown_number(low.needed.first, request), end) from None


def _lower(
    request: Request, parameters: list[Parameter], arguments: Mapping[str, Any], low: Lowerer
) -> Function:
    try:
        primal = lower(request.source, parameters, low, _names(request, parameters, arguments, low))
    except NeedStatic as need:
        if low.needed.note(low, need):
            raise
        if need.decision is not None:
            raise Restart(need.decision) from None
        fold(low, need.value)
        raise _unknown_number(need, request) from None
    if low.needed.specialized and low.needed.would_fold(low, primal.body):
        low.needed.specialized = frozenset()
    check_aliases(low)
    low.pairs.keep_called(primal.body)
    wanted = low.pairs.wanted(primal.body) - low.decisions
    if wanted:
        raise Restart(*wanted)
    result = primal.result[0] if request.has_aux and isinstance(primal.result, tuple) else primal.result
    is_named = not isinstance(result, Value) or result in primal.table.hints or request.probe is not None
    if not is_named and not result.type.dims:
        primal.table.name(result, "L")
    return primal


def _names(
    request: Request, parameters: Sequence[Parameter], arguments: Mapping[str, Any], low: Lowerer
) -> dict[str, Structure]:
    """The names with which the function begins: copies, which it may change."""
    ways = {p.name: lend if p.name in request.lent else adopt for p in parameters}
    names = {p.name: ways[p.name](p.structure, arguments[p.name], (p.name,), low) for p in parameters}
    if request.packed is not None:
        positional = [p for p in request.signature.parameters.values() if p.kind < p.VAR_POSITIONAL]
        args = tuple(names.pop(p.name) for p in positional)
        names = dict(zip(request.packed, (args, low.mutables.own(names)), strict=False))
    if request.owner is not None:
        name, owner = request.owner
        brought = low.host.bring(low.host.root(name, owner), owner, name)
        home = request.packed[0] if request.packed is not None else name
        names[home] = (brought, *names[home]) if request.packed is not None else brought
    return names


def _unknown_number(need: NeedStatic, request: Request) -> Exception:
    return UnsupportedError(
        f"a number computed at run time stands where the compiler must know it: {need.what}",
        need.place or request.source.place(request.source.node),
        "Pass it as an argument of its own, or write a literal.",
    )


def _differentiate(request: Request, primal: Function, low: Lowerer) -> Function:
    """The gradient function; what goes wrong is reported at the user's line that is being reversed."""
    try:
        if not request.operator:
            primal = smooth_powers(primal)
        if request.probe is not None and not request.operator:
            place = request.source.place(request.source.node)
            primal = request.probe.watch(primal, place, low.pairs.made(), low.host.values())
            if _has_no_gradient(primal.result, request.has_aux):
                nothing = (None,) * len(request.wanted)
                return replace(primal, body=replace(primal.body, yields=((primal.result, None, nothing),)))
        if request.operator:
            return replace(primal, body=replace(primal.body, yields=((None, None, (primal.result,)),)))
        gradient = differentiate(primal, request.wanted, low, request.has_aux)
        refuse_lengths_of_other_trips(primal, gradient, low.host.values())
        return gradient
    except UnsupportedError as e:
        if e.place is not None:
            raise
        raise e.at(_place(request, low)) from None
    except NeedStatic as need:
        if low.needed.note(low, need):
            raise
        need.place = _place(request, low)
        raise _unknown_number(need, request) from None
    except (NotImplementedError, HostError) as e:
        if isinstance(e, HostError) and e.is_located:  # at a line of a rule of the user's
            raise
        raise UnsupportedError(_no_gradient(low, e), _place(request, low)) from e
    except Exception as e:
        raise_defect(e, _place(request, low))


def _has_no_gradient(result: Structure, has_aux: bool) -> bool:
    """Whether what a function gives are numbers, but not one, which has gradients. A picture shows them."""
    if isinstance(result, Value):
        return is_number(result.type) and not all(d.is_one for d in result.type.dims)
    return not has_aux and any(is_number(v.type) for v in leaves(result))


def _no_gradient(low: Lowerer, error: Exception) -> str:
    gate = f"the {low.builder.note}" if low.builder.note else "this statement"
    return f"the gradient of {gate} is not supported here: {error}"


def _nested(
    request: Request,
    low: Lowerer,
    primal: Function,
    wanted: tuple[str, ...],
    has_aux: bool,
    cotangent: Structure,
) -> Function:
    """The gradient function of a function that is called inside."""
    slots = 0 if low.pairs.closed else low.slots
    for one in low.pairs.made():
        _prepare(one, request, low)
    primal = smooth_powers(primal)
    if slots:
        primal = keep_states(primal, slots, set())
    elif request.checkpoint:
        primal = keep_all(primal, OF_A_GRADIENT)
    try:
        return differentiate(primal, wanted, low, has_aux, cotangent, again=not slots)
    except (NotImplementedError, HostError) as e:
        raise UnsupportedError(_no_gradient(low, e)) from e


def _place(request: Request, low: Lowerer) -> Any:
    if low.builder.line is None:
        return request.source.place(low.returned or request.source.node)
    return low.builder.line


def _answer(function: Function, request: Request) -> Structure:
    """What the generated function returns, of (value, aux, gradients)."""
    ((value, aux, gradients),) = function.body.yields
    if request.operator:
        return gradients[0]
    star = [p.name for p in request.signature.parameters.values() if p.kind is p.VAR_POSITIONAL]
    flat: list[Structure] = []
    for name, gradient in zip(request.wanted, gradients, strict=True):
        gradient = picked(name, gradient)
        flat.extend(gradient) if name in star and not request.nested else flat.append(gradient)
    answer: Structure = flat[0] if request.bare and len(flat) == 1 else tuple(flat)
    if request.with_value:
        return ((value, aux), answer) if request.has_aux else (value, answer)
    return (answer, aux) if request.has_aux else answer
