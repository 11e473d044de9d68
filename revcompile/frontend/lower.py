"""Lowering: abstract interpretation of a function's syntax tree into typed IR.

The interpreter runs the user's function on *structures*: Python objects whose leaves are run-time
values. Static code simply happens; whatever touches a run-time value is emitted as a statement.
One file a concern: expressions in `expressions.py`, calls in `calls.py`, simple statements in
`simple.py`, statements with blocks of their own in `revcompile/statements/`.
"""

from __future__ import annotations

import ast
import inspect
import operator
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import islice
from types import FunctionType
from typing import Any

from revcompile.errors import PYTHON_ERRORS, HostError, UnsupportedError, an, host, plain_kind, raise_defect
from revcompile.frontend import (
    applying,
    binding,
    calls,
    expressions,
    foreign,
    growing,
    iterators,
    outside,
    pairs,
    recursion,
    regained,
    state,
)
from revcompile.frontend.containers import MAX_ITEMS, frozen, refuse_many
from revcompile.frontend.language import Language
from revcompile.frontend.names import HostNames
from revcompile.frontend.naming import describe, is_atomic
from revcompile.frontend.needed import Needed
from revcompile.frontend.objects import class_of, is_object, iterate
from revcompile.frontend.paired import Pairs
from revcompile.gates.axes import UnknownLength
from revcompile.gates.effects import may_end
from revcompile.gates.foreign import Learning, Unfinished
from revcompile.gates.infer import ask_host
from revcompile.gates.shape import METHOD_ADAPTERS
from revcompile.gates.table import TABLE
from revcompile.ir.build import Builder
from revcompile.ir.identifiers import function_name, is_numeral
from revcompile.ir.nodes import Block, Function, Parameter, Raise, Structure, Value, are_numbers, leaves
from revcompile.ir.types import Array, Scalar, is_float, is_number
from revcompile.statements import branch, either, exits, iterables, loop, simple, with_
from revcompile.syntax.abstract import Frame, Left, NeedShape, NeedStatic, NestedFunction, Returned, type_of
from revcompile.syntax.decisions import AsItLies, Decisions, Split
from revcompile.syntax.memory import Memory, is_array
from revcompile.syntax.mutable import Mutables, is_growing
from revcompile.syntax.source import Source, find_source, own_names, own_signature

REAL = "?bhilqnpBHILQNPefd"  # the dtypes of numbers that are differentiated: not those of 80 bits
AS_IT_LIES = AsItLies()
MAX_STATEMENTS = 30_000
MAX_SPLIT_STATEMENTS = 10_000  # where what follows an `if` is written on either side: twice as many for each
MAX_TAKEN_APART = 5_000  # elements of an array, each of which has a gradient of its own
MAX_OPERATIONS = 300_000  # that are interpreted, of which most may give no statement

WAYS_OUT: dict[type[ast.stmt], str] = {
    ast.Try: "Test for what may fail with an `if`. Or move what needs no gradient into a function of its "
    "own, g, and take what it gives as a constant: stop_gradient(g(...)).",
}
STATEMENTS: dict[type[ast.stmt], Callable[..., Any]] = {
    **simple.STATEMENTS,
    ast.If: branch.lower,
    branch.Fork: branch.lower,
    ast.For: loop.lower_for,
    ast.While: loop.lower_while,
    loop.Rest: loop.rest_of_for,
    loop.Leave: loop.leave,
    ast.Return: exits.return_,
    ast.Break: exits.break_,
    ast.Continue: exits.continue_,
    exits.NextTrip: loop.next_trip,
    exits.EndLoop: exits.end_loop,
    exits.EndBody: exits.pass_mark,
    ast.With: with_.lower,
}


class Lowerer(Language):
    """Interprets syntax trees and emits into a builder."""

    method_adapters = METHOD_ADAPTERS

    def __init__(
        self,
        builder: Builder,
        static: frozenset[Any] = frozenset(),
        claim: Callable[[str, Any], str] = lambda wish, _: wish,
        decisions: Decisions | None = None,
        learning: Learning | None = None,
    ) -> None:
        self.builder = builder
        self.learning = learning or Learning()
        self.unknown = 0  # calls as they are of which it is not known yet what they give
        self.retyped: set[Value] = set()  # a Python number as a NumPy number, see `dataflow/retyped`
        self.unfinished: list[HostError | UnsupportedError] = []  # what was met after one of these
        self.acted = False  # whether a call may have changed the program
        self.excused = 0  # in how many calls of stop_gradient this is
        self.values: dict[Value, Any] = {}  # what is at hand while compiling, see `foreign`
        self.varied: frozenset[Value] = frozenset()  # the numbers that are differentiated
        self.constants: frozenset[Value] = frozenset()  # the arguments that are not
        self.met: dict[Any, int] = {}  # how often each of these calls was met
        self.here: tuple[ast.AST, Frame] | None = None  # what is being interpreted
        self.decisions = Decisions() if decisions is None else decisions
        self.longest = MAX_SPLIT_STATEMENTS if self.decisions.of_kind(Split) else MAX_STATEMENTS
        self.memory: Any = Memory(self.builder.table, self.decisions)
        self.needed = Needed()
        self.written_out: dict[Any, int] = {}  # trips of `while` loops, by the loop's key
        self.given: tuple[Value, ...] = ()  # the arrays that the function under differentiation was given
        self.learnt: Any = None  # what is known of the loops inside of the one that is being tried
        self.counters: dict[Value, tuple[Any, Any]] = {}
        self.iterators: dict[int, Any] = {}  # Python's iterators that the program has, by their `id`
        self.reads: Any = None  # what the items of a loop are made of, see `iterators`
        self.mutables = Mutables(builder, self.decisions)
        self.pairs = Pairs()
        self.frames = []
        self.sources = {}
        self.host = HostNames(builder.facts, builder.table, type_of, static, claim)
        self.host.changing, self.host.read_now = self.learning.state, partial(state.read, self)
        self.spellings: dict[float, str] = {}
        self.returned: ast.AST | None = None  # the expression that the function returned last
        self.operations = 0  # that were interpreted
        self.steering: set[Value] = set()  # integers used as an index, a bound, an axis

    def let_go(self) -> None:
        """Forget the call's own objects: what is compiled is kept, and its arguments are not."""
        host = self.host
        for known in (self.values, self.iterators, host.objects_of, host.origins, host.lent, host.copies):
            known.clear()
        self.builder.facts.let_go()

    # -- evaluation ---------------------------------------------------------------------------

    def evaluate(self, node: ast.expr, frame: Frame) -> Structure:
        """The structure that an expression denotes."""
        handler = expressions.EXPRESSIONS.get(type(node))
        if handler is None:
            raise self.unsupported(f"{describe(node)} is not supported", node, frame)
        if frame.is_own:  # there is no line of the user's to tell
            found = handler(self, node, frame)
            return found if type(found) is Value else self.made(node, found)
        if not frame.is_rule:
            self.work(1)
        line = self.builder.line
        if frame.is_rule or line is None or line.line == node.lineno:
            return self.made(node, self._located(handler, node, frame))
        self.builder.line = frame.source.line(node.lineno)  # of a statement on several lines
        try:
            return self.made(node, self._located(handler, node, frame))
        finally:
            self.builder.line = line

    def run(self, statements: Sequence[ast.stmt], frame: Frame) -> Returned | None:
        """Interpret statements; a `Returned` where they return, None where they fall through.

        An `if` that may return takes the statements after it into its branches, so that what
        follows is interpreted where it is reached.
        """
        pending = list(statements)
        while pending and not self.builder.left:
            statement = pending.pop(0)
            if self.decisions and not frame.is_rule:
                statement = branch.fork(statement, frame, self.decisions)
            if not (frame.is_rule or frame.is_own):
                self.builder.line = frame.source.line(statement.lineno)
            handler = STATEMENTS.get(type(statement))
            if handler is None:
                own = frame.function is self.frames[0].function  # of another, that may be called as it is
                way_out = WAYS_OUT.get(type(statement), "") if own else ""
                what = f"{describe(statement)} is not supported yet"
                error = self.unsupported(what, statement, frame, way_out)
                error.final = isinstance(statement, ast.Global)
                raise error
            try:
                act = partial(self._located, handler, statement, frame, pending)
                if not frame.is_rule and branch.may_fork(statement, frame.source):
                    outcome = branch.fork_late(self, statement, frame, pending, act)
                else:
                    outcome = act()
            except Left:
                return None
            except (HostError, UnsupportedError) as e:
                if self.unknown and not frame.is_rule:  # it may come of a call that is not known yet
                    self.builder.statements.append(
                        Raise((Unfinished, (len(self.unfinished),)), self.builder.line)
                    )
                    self.unfinished.append(e)
                    return None
                if frame.is_rule or isinstance(e, UnsupportedError):
                    raise
                if self.builder.depth == 0 and not any(map(may_end, self.builder.statements)):
                    raise  # nothing before it can raise another error
                self.raise_there(e, statement)
                return None
            if isinstance(statement, ast.Return) and frame.depth == 0 and not frame.is_rule:
                self.returned = statement.value or statement
            if isinstance(outcome, Returned):
                return outcome
        return None

    def raise_there(self, e: HostError, node: ast.AST) -> None:
        """Let the program raise an error where it gets to `node`, which may be never."""
        error = e.original
        if not isinstance(error, PYTHON_ERRORS):
            raise e
        is_key = isinstance(error, KeyError) and len(error.args) == 1
        said = error.args[0] if is_key else str(error)
        self.builder.statements.append(Raise((plain_kind(error), (said,)), self.builder.line))

    def _located(self, handler: Callable[..., Any], node: ast.AST, frame: Frame, *rest: Any) -> Any:
        around, self.here = self.here, (node, frame)
        try:
            return handler(self, node, frame, *rest)
        except UnsupportedError as e:
            if e.place is None and not frame.is_own:
                raise e.at(frame.source.place(node)) from None
            raise
        except NotImplementedError as e:
            if frame.is_rule or frame.is_own:
                raise
            raise self.unsupported(str(e) or "this is not implemented", node, frame) from None
        except NeedStatic as need:
            if need.place is None and not (frame.is_rule or frame.is_own):
                need.place = frame.source.place(node)
            raise
        except HostError as e:
            if frame.is_own or e.is_located:
                raise
            raise e.at(frame.source.place(node)) from None
        except Exception as e:
            raise_defect(e, None if frame.is_own else frame.source.place(node))
        finally:
            self.here = around

    def iteration(self, source: Structure, *_: Any) -> iterables.Iteration | None:
        """How to go through what has a length that is known only at run time; else None."""
        if isinstance(source, iterables.Iteration):
            return source
        if is_growing(source):
            return growing.iteration(self, source)
        if iterables.is_iterable_array(source):
            return iterables.rows(self, source, lambda: expressions.axis_length(self, source, 0))
        return None

    def iteration_of_range(self, source: range) -> iterables.Iteration:
        return iterables.counting(self, source.start, source.stop, source.step)

    def iterate(self, structure: Structure, node: ast.AST | None, frame: Frame | None) -> list[Structure]:
        """The items of a structure whose length is known while compiling."""
        structure = self.regained(structure)
        if isinstance(structure, Value):
            if foreign.is_foreign(structure):
                return outside.items(self, structure)
            axes = structure.type.dims
            if not axes:
                ask_host(iter, (structure,))
            if axes[0].size is None:
                need = NeedShape(structure, "as the number of items to be taken apart")
                size = self.needed.specialize(self, need, lambda: self.builder.facts.size_of(axes[0]))
            else:
                size = axes[0].size
            if size > MAX_TAKEN_APART:
                raise _too_long()
            return [self.apply(operator.getitem, (structure, i), {}) for i in range(size)]
        if isinstance(structure, iterables.Iteration):
            n = self.known_number(structure.length(), "as the number of items to be gone through")
            return [structure.item(i) for i in range(n)]
        if isinstance(structure, NestedFunction):
            raise HostError(TypeError("cannot iterate over a function"))
        if is_growing(structure):
            if growing.first_rows(self, structure) is not None:
                raise growing.refuse("taking apart")
            return []
        if is_object(structure):
            what = f"{an(class_of(structure).__name__)}, which has an iterator of its own, is gone through"
            if is_object(structure := iterate(self, structure)):
                raise UnsupportedError(what, way_out="Let its __iter__ give a list, or iter(...) of one.")
        if isinstance(structure, (Value, iterables.Iteration)):
            return self.iterate(structure, node, frame)
        return self.listed(iterators.go_on(self, structure))

    def listed(self, source: Iterable[Structure]) -> list[Structure]:
        """The items of what Python goes through; there may be too many."""
        if isinstance(source, (set, frozenset)):
            self.host.tells(iter, (source,))
        with host():
            items = list(islice(source, MAX_ITEMS + 1))
        refuse_many(len(items))
        return items

    def work(self, operations: int) -> None:
        """Count operations that are interpreted. What would take minutes is refused after seconds."""
        self.operations += operations
        if self.operations > MAX_OPERATIONS:
            raise UnsupportedError(
                f"more than {MAX_OPERATIONS:,} operations of this function would have to be gone through "
                "while compiling",
                way_out="A loop over a range stays a loop. What needs no gradient can be computed outside, "
                "and be passed as an argument.",
            )

    def call(
        self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], node: ast.Call, frame: Frame
    ) -> Structure:
        return calls.call(self, function, args, kwargs, node, frame)

    def default(self, function: FunctionType, parameter: inspect.Parameter) -> Structure:
        """A parameter's default value: a host object, read live."""
        path = self.host.function_root(function)
        positional = list(own_signature(function).parameters.values())
        if parameter.kind is parameter.KEYWORD_ONLY:
            found = path.attribute("__kwdefaults__").item(parameter.name)
        else:
            names = [p.name for p in positional if p.default is not p.empty and p.kind != p.KEYWORD_ONLY]
            found = path.attribute("__defaults__").item(names.index(parameter.name))
            self.host.same_length(path.attribute("__defaults__"), function.__defaults__)
        return self.host.bring(found, parameter.default, parameter.name)

    def spell(self, number: float, text: str) -> None:
        """Remember how the user wrote a number."""
        if repr(number) != text and (is_numeral(text, number) or text.startswith(("np.", "math."))):
            self.spellings.setdefault(number, text)

    # -- emission -----------------------------------------------------------------------------

    def emit(self, function: Callable[..., Any], *args: Structure) -> Structure:
        """Apply a gate's function to arguments in signature order, to what the arrays hold now."""
        args = args if are_numbers(args) else frozen(args)
        same_shape = TABLE[function].of_shape
        resolved = (self.memory.shape_of(args[0]), *args[1:]) if same_shape else self.resolve(args)
        if len(self.builder.definitions) > self.longest:
            raise _too_long()
        result = self._outcome(function, resolved)
        if type(result) is Value and type(result.type) is Scalar and result.type.dtype.char in REAL:
            return result  # as nearly always: a number, which has no storage
        self.memory.note(function, args, result)
        if AS_IT_LIES in self.decisions and is_array(result) and result in self.memory.of_a_layout:
            either.note_layout(self, function, args, result)
        for value in leaves(result):
            if isinstance(value.type, (Array, Scalar)) and value.type.dtype.char not in REAL:
                is_complex = value.type.dtype.kind == "c"
                what = "complex numbers are" if is_complex else f"the dtype {value.type.dtype} is"
                out = "Take the power of abs(...), or use two real numbers." if is_complex else ""
                raise UnsupportedError(f"{what} not supported; only real numbers are", way_out=out)
        return result

    def _outcome(self, function: Callable[..., Any], args: tuple[Structure, ...]) -> Structure:
        """What a gate gives. Where it fails on examples whose lengths are made up, it may do with others.

        Raises NeedShape or NeedStatic then.
        """
        try:
            return self.builder.emit(function, args)
        except (HostError, UnknownLength) as e:
            if isinstance(e, HostError):
                e.unless(ValueError, IndexError)
            what = f"of an operand of {TABLE[function].name}"
            for v in leaves(args):
                if any(d.size is None for d in v.type.dims):
                    raise NeedShape(v, f"as a length {what}") from None
            for v in leaves(args):
                if isinstance(v.type, Scalar) and is_number(v.type) and not is_float(v.type):
                    raise NeedStatic(v, f"as the value {what}") from None
            if isinstance(e, UnknownLength):
                raise NotImplementedError(str(e)) from None
            raise

    def resolve(self, structure: Structure) -> Structure:
        """A structure with the versions of its arrays that are to be read now."""
        if self.reads is not None:
            self.reads.note_arrays(self.memory, structure)
        if self.memory.either:
            either.renew(self, structure, branch.on_either_side)
        return self.memory.resolve(structure, self.derive)

    def derive(self, root: Value, path: Any) -> Value:
        """The view of `root` at the end of a path."""
        for function, *rest in path:
            root = self.builder.emit(function, (root, *rest))
        return root

    def apply(self, function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Structure:
        """Call a gate's function as user code does."""
        return applying.apply_gate(self, function, tuple(args), kwargs)

    # -- functions ----------------------------------------------------------------------------

    def inline(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], frame: Frame
    ) -> Structure:
        """A call of a user's function."""
        is_own = frame.is_rule and frame.is_own
        if is_own and is_atomic(args) and not kwargs:  # a helper of a rule's
            return function(*args)
        source = find_source(function) if is_own else self.source_of(function)
        names = binding.bind_parameters(self, source, args, kwargs, is_own)
        return pairs.call(self, source.node, Frame(source, names, None, frame.is_rule, frame.depth + 1))

    def read(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], frame: Frame
    ) -> Structure:
        """A call of a function of this package that is read like one of the program's."""
        source = find_source(function)
        names = binding.bind_parameters(self, source, args, kwargs, True)
        inner = Frame(source, names, None, frame.is_rule, frame.depth + 1, is_own=True)
        return self.body(source.node, inner)

    def inline_nested(
        self, nested: NestedFunction, args: tuple[Any, ...], kwargs: dict[str, Any], depth: int
    ) -> Structure:
        names = binding.bind_nested(self, nested, args, kwargs)
        home = nested.frame
        inner = Frame(home.source, names, home, home.is_rule, depth + 1, own=own_names(nested.node))
        return pairs.call(self, nested.node, inner)

    def body(self, node: ast.FunctionDef | ast.Lambda, frame: Frame) -> Structure:
        self.frames.append(frame)
        line = self.builder.line
        try:
            recursion.check(self, node, frame)
            self.make_cells(node, frame)
            return self._body(node, frame)
        finally:
            self.frames.pop()
            if frame.depth:
                self.builder.line = line

    def _body(self, node: ast.FunctionDef | ast.Lambda, frame: Frame) -> Structure:
        if isinstance(node, ast.Lambda):
            if not frame.is_rule:
                self.builder.line = frame.source.line(node.body.lineno)
                self.returned = self.returned if frame.depth else node.body
            try:
                return self.at_once(node.body, frame)
            except Left:
                if frame.depth:
                    raise
                return None
        outcome = self.run(node.body, frame)
        if outcome is None and self.builder.left and frame.depth:
            raise Left
        return outcome.value if outcome is not None else None

    def run_rule(self, rule: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Structure:
        """Interpret a gate's backward rule, here."""
        frame = Frame(find_source(rule), {}, None, True, 0)
        if frame.is_own:
            return self.inline(rule, args, kwargs, frame)
        args, kwargs = self.resolve((args, kwargs))
        memory = self.memory
        self.memory = Memory(self.builder.table, self.decisions)  # a rule of the user's may write into arrays
        try:
            return self.resolve(self.inline(rule, args, kwargs, frame))
        except Left:
            source = frame.source
            raise UnsupportedError("this rule of a gate always raises", source.place(source.node)) from None
        finally:
            self.memory = memory

    # -- errors -------------------------------------------------------------------------------

    def unsupported(
        self, reason: str, node: ast.AST | None, frame: Frame | None, way_out: str = ""
    ) -> UnsupportedError:
        known = node is not None and frame is not None and not (frame.is_rule or frame.is_own)
        place = frame.source.place(node) if known else None  # type: ignore[union-attr, arg-type]
        return UnsupportedError(reason, place, way_out)


def lower(
    source: Source, parameters: Sequence[Parameter], lowering: Lowerer, names: dict[str, Structure]
) -> Function:
    """The IR of a whole function that begins with these names."""
    frame = Frame(source, names)
    lowering.host.pin(source.function)
    result = lowering.body(source.node, frame)
    regained.hand_out(lowering, result)
    result = lowering.resolve(result)
    block = Block(tuple(lowering.builder.statements), (result,))
    return Function(
        function_name(source.function), tuple(parameters), block, lowering.builder.table, lowering.spellings
    )


def _too_long() -> UnsupportedError:
    return UnsupportedError(
        "written out, this function would be too long",
        way_out="Keep what its loops and branches make in arrays rather than in lists.",
    )
