"""NumPy functions of Python floats become `math` functions, which are five times faster on a number.

Before:                                  After:
    s0 = np.exp(x)                           s0 = math.exp(x)

Where `math` raises and NumPy gives inf or nan, the specialisation starts again with text whose backward
pass is on NumPy (see `dispatch`); so this applies only to functions that may be run twice, and without
float32, whose promotion tells a Python float from a NumPy scalar. What may not be run twice, because it
prints, draws or calls what the user wrote, has that text from the beginning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from revcompile.dataflow.signs import Signs
from revcompile.errors import Place, module_of
from revcompile.gates.effects import begins_backward, is_noticed
from revcompile.gates.halves import Half
from revcompile.gates.numbers import ZERO
from revcompile.gates.record import is_pythons
from revcompile.gates.table import TABLE, is_of
from revcompile.gates.traits import Kind, Memory
from revcompile.ir.nodes import (
    UNDEFINED,
    Apply,
    Block,
    Branch,
    Each,
    Function,
    Loop,
    Statement,
    Structure,
    Value,
    applications,
    leaves,
    map_structure,
)
from revcompile.ir.rebuild import replace
from revcompile.ir.renaming import substitute
from revcompile.ir.types import FLOAT, Array, Scalar, Type, is_float
from revcompile.ir.values import ValueTable
from revcompile.passes.kept_floats import as_kept, as_numpys, is_python, of_kept
from revcompile.passes.real_powers import complex_powers
from revcompile.passes.walk import Visit, Walk

FLOAT64 = Scalar(np.dtype(float))  # NumPy's


def may_restart(*functions: Function) -> bool:
    """Whether nobody sees that the functions, which call each other, are run twice."""
    called = frozenset[Any]().union(*(function.body.functions for function in functions))
    return not any(is_noticed(f) for f in called if not isinstance(f, Half))


def has_floats(*functions: Function) -> bool:
    """Whether there are Python floats in the functions, and no float32."""
    types = [t for function in functions for t in function.types]
    floats = [t for t in types if isinstance(t, (Scalar, Array)) and t.dtype.kind == "f"]
    if any(t.dtype is not FLOAT.dtype and t.dtype != float for t in floats):
        return False
    return any(isinstance(t, Scalar) and t.python for t in floats)


def use_math(function: Function, as_floats: bool, guarded: bool = True) -> Function:
    """The function on `math`, with Python floats where NumPy scalars were; if not `guarded`, without guards.

    With `as_floats`, a rule's whole numbers (`1 - y`) become floats: Python adds those faster.
    """
    returned = set(leaves(function.body.yields[0][2]))

    # np.power has no complex results: where it is used, `x ** 0.5` of a negative number must not give one.
    strict = {TABLE[f] for f in function.body.functions if not is_pythons(f) and TABLE[f].python is not None}
    may_be_complex = complex_powers(function)  # of which `math` raises

    def visit(statement: Apply, out: list[Statement]) -> Structure | None:
        if statement.function is np.float64 and statement.result in returned:
            return None  # a NumPy scalar for a NumPy scalar
        gate = TABLE[statement.function]
        if gate.kind is Kind.PART and is_python(statement.args[0]):
            return _indexed(statement, out)
        if gate.picks and _is_numpy(statement.result):
            return _picked(statement, walk, out)
        chosen = gate.on_floats(statement.function)
        if gate.python not in (None, chosen) and not _is_whole(statement.args[-1]):
            was_numpy = isinstance(statement.args[0], Value) and statement.args[0] in walk.converted
            is_strict = gate in strict or was_numpy or statement.result in may_be_complex
            chosen = gate.python if is_strict else chosen
        if chosen is None or not all(map(is_python, statement.args)):
            return None
        result = statement.result
        if not isinstance(result, Value):  # several, as `modf` gives
            return None
        if not isinstance(result.type, Scalar) or result.type.dtype.kind != "f":
            return None
        args = statement.args
        was_python = result.type.python and result.type.extent is None
        if chosen is statement.function and was_python and int not in map(type, args):
            return None
        if chosen is not statement.function:
            positional, keywords = gate.split(args)
            args = TABLE[chosen].bind(tuple(positional), keywords)
        if as_floats and statement.note and gate.cheap and len(args) == 2:
            args = tuple(float(a) if type(a) is int else a for a in args)
        new = function.table.like(result, FLOAT)
        out.append(Apply(chosen, args, new, statement.line, statement.note))
        if not result.type.python:
            walk.converted.add(new)
        return new

    walk = _Math(visit, function.table, guarded)
    return _as_before(walk.function(function), function)


class _Math(Walk):
    """A walk that knows which NumPy scalars became Python's, on one side of a branch or on both."""

    is_told = False

    def __init__(self, visit: Visit, table: ValueTable, guarded: bool) -> None:
        super().__init__(visit, table)
        self.guarded = guarded
        self.converted: set[Value] = set()
        self.lists: set[Value] = set()  # of saved values that are Python's now
        self.states: dict[Value, tuple[Structure, ...]] = {}  # what is in one, by what keeps them
        # What may be Python's of what a loop carries: another attempt at a loop around it begins with that.
        self.slots: dict[Loop, set[int]] = {}

    def _apply(self, statement: Apply, out: list[Statement]) -> None:
        """What is passed to a pair is of the types that it was compiled for."""
        if isinstance(statement.function, Half):
            args = zip(self.atom(statement.args), statement.function.takes, strict=True)
            cast = tuple(
                _as_numpy(a, Value(t), out, statement.line) if _is_numpy_type(t) else a for a, t in args
            )
            statement = replace(statement, args=cast)
        elif is_of(statement, Kind.KEEP):
            states, state, _ = self.atom(statement.args)
            self.states[states] = state if isinstance(state, tuple) else (state,)
        elif is_of(statement, Kind.GO_BACK):
            kept = self.states[statement.result] = self.states[statement.args[0]]
            statement = of_kept(statement, kept)
        elif is_of(statement, Kind.TAKE_BACK):
            statement, new = as_kept(statement, self.states[statement.args[0]], self.table)
            self.replaced.update(new)
            self.converted.update(new.values())
        super()._apply(statement, out)

    def _loop(self, statement: Loop, out: list[Statement]) -> None:
        """Carried NumPy scalars become Python's where all that they are given are Python's."""
        found, statement = statement, self._without_constants(statement)
        each = [(v, e, self._item(v, e)) for v, e in statement.each]
        self.replaced.update((v, new) for v, _, new in each if new is not v)
        slots = self.slots.setdefault(found, {i for i, p in enumerate(statement.params) if _is_numpy(p)})
        before, converted = dict(self.replaced), set(self.converted)
        while True:
            self.replaced, self.converted = dict(before), set(converted)
            params = list(statement.params)
            for i in slots:
                params[i] = self.replaced[statement.params[i]] = self.python(params[i])
            attempt: list[Statement] = []
            super()._loop(replace(statement, each=tuple((new, e) for _, e, new in each)), attempt)
            loop = attempt[0]
            assert isinstance(loop, Loop)
            wrong = {i for i in slots if not (is_python(loop.body.yields[i]) and _begins_so(loop.inits[i]))}
            if not wrong:
                break
            slots -= wrong
        loop = replace(loop, params=tuple(params))
        results, inits, yields = list(loop.results), list(loop.inits), list(loop.body.yields)
        ends: list[Statement] = []
        for i, result in enumerate(loop.results):
            if i in slots:
                results[i] = self.replaced[result] = self.python(result)
            elif _is_numpy(result):
                if isinstance(inits[i], Value):
                    inits[i] = _as_numpy(inits[i], result, out, loop.line)
                yields[i] = _as_numpy(yields[i], result, ends, loop.line)
        for v, saved in loop.saves:
            if is_python(v) and isinstance(v, Value) and v.type.dtype.kind == "f":  # type: ignore[union-attr]
                self.lists.add(saved)
        body = replace(loop.body, statements=(*loop.body.statements, *ends), yields=tuple(yields))
        out.append(replace(loop, body=body, inits=tuple(inits), results=tuple(results)))

    def python(self, value: Value) -> Value:
        """A Python float for a NumPy scalar."""
        new = self.table.like(value, FLOAT)
        self.converted.add(new)
        return new

    def _item(self, v: Value, each: Each) -> Value:
        """An item of a list of saved values, which may be Python's now."""
        if each.kind in ("list", "reversed list") and each.args[0] in self.lists and _is_numpy(v):
            return self.python(v)
        return v

    def _branch(self, statement: Branch, out: list[Statement]) -> None:
        if statement.guards and not self.guarded:
            then = self.block(statement.then)
            out.extend(then.statements)
            self.replaced.update(zip(statement.results, then.yields, strict=True))
            return
        super()._branch(statement, out)
        branch = out[-1] if out else None
        if not isinstance(branch, Branch):
            return
        results, sides = list(branch.results), (list(branch.then.yields), list(branch.orelse.yields))
        ends: tuple[list[Statement], list[Statement]] = ([], [])
        for i, result in enumerate(results):
            yields = (sides[0][i], sides[1][i])
            if not _is_numpy(result) or result in yields:
                continue
            if all(is_python(y) for y in yields):
                results[i] = self.replaced[result] = self.python(result)
                continue
            for side, end, y in zip(sides, ends, yields, strict=True):
                if is_python(y):
                    side[i] = Value(result.type)
                    if isinstance(y, Value) and self.table.wish(y) == self.table.wish(result):
                        self.table.fold(y, True)  # the name is that of the cast
                    end.append(Apply(np.float64, (y,), side[i], branch.line))
        then, orelse = (
            replace(block, statements=(*block.statements, *end), yields=tuple(side))
            for block, end, side in zip((branch.then, branch.orelse), ends, sides, strict=True)
        )
        out[-1] = replace(branch, then=then, orelse=orelse, results=tuple(results))


def _as_numpy(atom: Structure, like: Value, out: list[Statement], line: Place | None) -> Structure:
    if not is_python(atom):
        return atom
    number = Value(like.type)
    out.append(Apply(np.float64, (atom,), number, line))
    return number


def _is_numpy(value: Value) -> bool:
    return _is_numpy_type(value.type)


def _is_numpy_type(t: Type) -> bool:
    return isinstance(t, Scalar) and not t.python and not t.varies and t.dtype == float


def _as_before(function: Function, before: Function) -> Function:
    """Gradients that were NumPy scalars are NumPy scalars still; of a called function, what it gives too."""
    ((value, aux, gradients),) = function.body.yields
    ((old_value, _, old_gradients),) = before.body.yields
    statements = list(function.body.statements)
    gradients, casts = _restored(gradients, old_gradients)
    statements += casts
    if function.called:
        value, casts = _restored(value, old_value)
        begins = (i for i, s in enumerate(statements) if begins_backward(s))
        at = next(begins, len(statements))
        statements[at:at] = casts
    return replace(function, body=Block(tuple(statements), ((value, aux, gradients),)))


def _restored(structure: Structure, before: Structure) -> tuple[Structure, list[Statement]]:
    casts: list[Statement] = []
    were = iter(_all_leaves(before))

    def restore(gradient: Structure) -> Structure:
        was = next(were)
        if not isinstance(was, Value) or not is_python(gradient) or is_python(was):
            return gradient
        casts.append(Apply(np.float64, (gradient,), Value(was.type)))
        return casts[-1].result  # type: ignore[union-attr]

    return map_structure(restore, structure), casts


def _indexed(statement: Apply, out: list[Statement]) -> Structure:
    """`x[None]`, of a number that is Python's now: only a NumPy scalar takes an index."""
    number = Value(FLOAT64)
    out.append(Apply(np.float64, statement.args[:1], number, statement.line))
    out.append(replace(statement, args=(number, *statement.args[1:])))
    return statement.result


def _picked(statement: Apply, walk: _Math, out: list[Statement]) -> Value:
    """`max(x, y)`, of NumPy scalars some of which are Python's now: the result must not be of either kind."""
    result: Value = statement.result
    if all(is_python(x) for x in leaves(statement.args)):
        result = walk.python(result)
        out.append(replace(statement, result=result))
        return result

    def as_numpy(x: Structure) -> Structure:
        return _as_numpy(x, statement.result, out, statement.line) if isinstance(x, Value) else x

    out.append(replace(statement, args=map_structure(as_numpy, statement.args)))
    return result


def is_static(structure: Structure) -> bool:
    return not isinstance(structure, Value)


def _begins_so(init: Structure) -> bool:
    """Whether what a loop begins with is a number of Python's; or nothing yet."""
    return init is None or init is UNDEFINED or is_python(init)


def _is_whole(exponent: Structure) -> bool:
    return is_static(exponent) and float(exponent).is_integer()


def _all_leaves(structure: Structure) -> list[Structure]:
    """The leaves of a structure in order, static ones included."""
    found: list[Structure] = []
    map_structure(found.append, structure)
    return found


def float_gradients(function: Function, like: Function) -> Function:
    """The function with Python floats for the gradients of Python floats."""
    (value, aux, gradients), *rest = function.body.yields
    casts: list[Statement] = []
    were = iter(_all_leaves(like.body.yields[0][2]))

    def as_float(gradient: Structure) -> Structure:
        was = next(were)
        t = was.type if isinstance(was, Value) else None
        if not isinstance(gradient, Value) or not isinstance(t, Scalar) or not t.python:
            return gradient
        casts.append(Apply(float, (gradient,), function.table.like(gradient, t, fold=True)))
        return casts[-1].result  # type: ignore[union-attr]

    gradients = map_structure(as_float, gradients)
    body = Block((*function.body.statements, *casts), ((value, aux, gradients), *rest))
    return replace(function, body=body)


def on_numpy(function: Function) -> Function:
    """The function whose derivatives are computed of NumPy's floats for Python's: none of these raises."""
    if not function.table.derived.isdisjoint(function.body.defined):
        function = replace(function, body=_numpy_derivatives(function.body, function.table, {}))
    return _numpy_backward(function)


def _numpy_derivatives(block: Block, table: ValueTable, known: dict[Value, Value]) -> Block:
    """The block in which derivatives are computed of NumPy's floats for Python's. `known` are cast."""
    names, numbers = dict(known), set[Value]()
    out: list[Statement] = []
    for s in block.statements:
        if not isinstance(s, Apply):
            s = s.map_blocks(lambda inner: _numpy_derivatives(inner, table, names))
        elif not table.derived.isdisjoint(s.outputs):
            gate = TABLE[s.function]
            of_numpy = isinstance(s.function, np.ufunc) and not gate.symbol  # it gives NumPy's numbers of any
            for v in s.inputs if not of_numpy else ():
                if is_python(v) and is_float(v.type) and v not in names and v not in numbers:
                    names[v] = _as_numpy_float(v, out, table)
            args = substitute(Block((), (s.args,)), names).yields[0]
            numbers.update(s.outputs if of_numpy or any(map(_is_numpy, leaves(args))) else ())
            s = replace(s, args=args)
        out.append(s)
    return replace(block, statements=tuple(out))


def _numpy_backward(function: Function) -> Function:
    """The function whose backward pass reads its Python floats as NumPy's."""
    statements, table = list(function.body.statements), function.table
    split = next((i for i, s in enumerate(statements) if begins_backward(s)), None)
    if split is None:
        return function
    seed = statements[split + 1] if split + 1 < len(statements) else None
    if isinstance(seed, Apply) and TABLE[seed.function].memory is Memory.SAME and seed.args == (1.0,):
        statements[split + 1] = replace(seed, function=np.float64)
    forward = {v for p in function.parameters for v in leaves(p.structure)}
    forward.update(v for s in statements[:split] for v in s.outputs)
    floats = {v for v in forward if is_python(v) and v.type.dtype.kind == "f"}  # type: ignore[union-attr]
    partly = {v for v in _partly_defined(statements[:split]) if v in floats}
    backward = _read_as_numpy(Block(tuple(statements[split + 1 :]), function.body.yields), partly, table)
    casts: list[Statement] = []
    names = {
        v: _as_numpy_float(v, casts, table) for v in dict.fromkeys(backward.uses) if v in floats - partly
    }
    walk = _Wrapping(partial(_retyped, table), table)
    walk.replaced.update(names)
    backward = walk.block(backward)
    ((value, aux, _), *_), ((_, _, gradients), *rest) = function.body.yields, backward.yields
    backward = replace(
        backward, yields=((value, aux, gradients), *rest)
    )  # what it gives is of its forward pass
    body = Block((*statements[: split + 1], *casts, *backward.statements), backward.yields)
    return replace(function, body=body)


def divide_on_numpy(function: Function) -> Function:
    """The function whose backward pass divides Python floats as NumPy does, which never raises.

    This is for programs with float32: there is no text on NumPy to run where Python's division has raised.
    Each quotient becomes a Python float again, so that what is computed of it is promoted as before.
    """
    statements, table = list(function.body.statements), function.table
    split = next((i for i, s in enumerate(statements) if begins_backward(s)), None)
    if split is None or not any(_may_divide(s) for s in applications(function.body)):
        return function
    signs = Signs()
    signs.block(function.body)

    def visit(s: Apply, out: list[Statement]) -> Structure | None:
        if not _may_divide(s) or (TABLE[s.function].symbol != "**" and not signs.of(s.args[1]) & ZERO):
            return None
        x, by = s.args
        number, result = Value(FLOAT64), table.like(s.result)
        is_read = isinstance(by, Value)
        args = (x, _as_numpy(by, number, out, s.line)) if is_read else (_as_numpy(x, number, out, s.line), by)
        out.append(replace(s, args=args, result=number))
        out.append(Apply(float, (number,), result, s.line, s.note))
        return result

    backward = Walk(visit, table).block(Block(tuple(statements[split:]), function.body.yields))
    body = replace(backward, statements=(*statements[:split], *backward.statements))
    return replace(function, body=body)


def _may_divide(s: Apply) -> bool:
    """Whether it gives a quotient of Python floats, or a power of one that may be a quotient."""
    gate, y = TABLE[s.function], s.result
    if not is_of(s, Kind.QUOTIENT) and gate.symbol not in ("/", "**"):
        return False
    if not isinstance(y, Value) or not is_float(y.type) or not all(map(is_python, (y, *s.args))):
        return False
    by = s.args[1]
    return isinstance(by, Value) or (by < 0 if gate.symbol == "**" else by == 0)


def _retyped(table: ValueTable, s: Apply, out: list[Statement]) -> Structure | None:
    """What is computed of NumPy's numbers is one: how it is written depends on that."""
    y = s.result
    if not isinstance(y, Value) or not is_python(y) or module_of(s.function) == "math":
        return None
    if not TABLE[s.function].pointwise or not any(_is_numpy(v) for v in s.inputs):
        return None
    number = table.like(y, Scalar(y.type.dtype))  # type: ignore[union-attr]
    out.append(replace(s, result=number))
    return number


def _as_numpy_float(value: Value, out: list[Statement], table: ValueTable) -> Value:
    number = table.like(value, FLOAT64, fold=False)
    out.append(Apply(np.float64, (value,), number))
    return number


def _partly_defined(statements: Sequence[Statement]) -> Iterator[Value]:
    """What the statements define on some ways through them only."""
    for s in statements:
        inside = {v for side in s.blocks for v in _partly_defined(side.statements)}
        for result, ends in s.gives if s.blocks else ():
            if any(end in (UNDEFINED, None) or end in inside for end in ends):
                yield result


def _read_as_numpy(block: Block, floats: set[Value], table: ValueTable) -> Block:
    """The block with each of these floats cast where it is first read: elsewhere it may have no value."""
    names: dict[Value, Value] = {}
    out: list[Statement] = []

    def cast(read: Iterable[Value]) -> None:
        names.update({v: _as_numpy_float(v, out, table) for v in read if v in floats and v not in names})

    for statement in block.statements if floats else ():
        cast(statement.inputs)
        (s,) = substitute(Block((statement,)), names).statements
        out.append(s.map_blocks(partial(_read_as_numpy, floats=floats - names.keys(), table=table)))
    cast(leaves(block.yields))
    yields = substitute(Block((), block.yields), names).yields
    return Block(tuple(out), yields) if floats else block


class _Wrapping(Walk):
    """A walk in which the Python floats that loops take from lists, or find again, are read as NumPy's."""

    def _apply(self, statement: Apply, out: list[Statement]) -> None:
        if not is_of(statement, Kind.TAKE_BACK):
            super()._apply(statement, out)
            return
        read, new = as_numpys(statement, self.table)
        for s in read:
            super()._apply(s, out)
        self.replaced.update(new)

    def _loop(self, statement: Loop, out: list[Statement]) -> None:
        casts: list[Statement] = []
        names: dict[Value, Value] = {}
        for v, each in statement.each:
            if each.kind.endswith("list") and is_python(v) and v.type.dtype.kind == "f":  # type: ignore[union-attr]
                names[v] = _as_numpy_float(v, casts, self.table)
        body = substitute(statement.body, names)
        body = replace(body, statements=(*casts, *body.statements))
        super()._loop(replace(statement, body=body), out)
