"""IR to text. One statement a line, the gate's name in a trailing comment; `text` prints the syntax.

A temporary with a single use is written in place of its name where the line stays short enough to read.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Container, Iterable
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from revcompile.codegen.blocks import LINE, WIDTH, BlockWriter, Saves
from revcompile.codegen.coalesce import Groups
from revcompile.codegen.movable import Movable, Variables
from revcompile.codegen.names import Names
from revcompile.codegen.places import Places, line_for
from revcompile.codegen.spell import Speller, is_own_field, without_sign
from revcompile.codegen.text import INDENT, to_text, width
from revcompile.codegen.together import saved_together
from revcompile.frontend.arguments import spell_step
from revcompile.gates.draws import DRAWS
from revcompile.gates.effects import begins_backward
from revcompile.gates.foreign import ForeignCall
from revcompile.gates.halves import Half
from revcompile.gates.infer import infer
from revcompile.gates.table import TABLE
from revcompile.gates.traits import Kind, Line
from revcompile.ir.identifiers import literal, printable
from revcompile.ir.lengths import Facts
from revcompile.ir.nodes import (
    Apply,
    Block,
    Branch,
    Function,
    Instance,
    Loop,
    Raise,
    Statement,
    Structure,
    Value,
    applications,
    leaves,
)
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Array, Scalar, Type
from revcompile.ir.values import NONE, ValueTable
from revcompile.statements.store import OVERWRITTEN, RESTORED
from revcompile.syntax.operators import binary_symbol
from revcompile.syntax.stack import parsed

SHORT = 26  # of a named step that is written into the next line
COMMENT_COLUMN = 40
SUMS = (Line.ADD, Line.SUBTRACT)
WORDS = frozenset({OVERWRITTEN, RESTORED})  # notes that name no gate


class Writer(BlockWriter):
    """Writes one function."""

    def __init__(
        self,
        function: Function,
        refer: Callable[[Any], str],
        reserved: Iterable[str],
        outer: Container[str],
        given: set[str],
        textbook: bool,
    ) -> None:
        self.function, self.table = function, function.table
        self.textbook = textbook
        self.groups, self.none = Groups(function), frozenset()
        self.counts: Counter[Value] = Counter(function.body.uses)
        self.together = saved_together(function, self.groups, self.counts)
        taken = {*reserved, *(p.name for p in function.parameters)}
        self.names = Names(taken, outer, given, self.groups, self.counts, self.table)
        self.definitions: dict[Value, Statement] = {}
        self.folded: dict[Value, tuple[ast.expr, str]] = {}
        self.places: dict[Value, Places] = {}  # of what is folded
        self.here: Places = ()  # what the next line stands for
        hidden = frozenset(p.name for p in function.parameters)
        self.spell = Speller(self._atom, refer, function.spellings, self.definitions.get, textbook, hidden)
        self.saving: set[Value] = set()  # what is kept in lists
        self.summed = {
            s.args[0]
            for s in applications(function.body)
            if TABLE[s.function].line in SUMS
            or (binary_symbol(s.function) == "+" and _is_sum_of_numbers(self.table, s))
        }
        self.carried: set[Value] = set()  # what the trips of loops begin with
        self.lists: dict[Value, Value] = {}  # what is saved in each list
        self.lines: list[str] = []
        self.written = ("", "")
        self.leaving: dict[Value, list[Value]] = {}
        self.ending: frozenset[Value] = frozenset()
        self.margin = INDENT
        self.returned: set[Value] = set(leaves(function.body.yields))
        self._index(function.body)
        self.variables = Variables(self.groups, self.definitions, self.counts, self.carried, self.table)
        self.spell.is_stable = self._is_stable

    def _index(self, block: Block) -> None:
        for statement in block.statements:
            for value in statement.outputs:
                self.definitions.setdefault(value, statement)
        for statement in block.nested:
            self.carried.update(statement.bound)
            self.lists.update((saved, v) for v, saved in statement.saves if isinstance(v, Value))
            for inner in statement.blocks:
                self._index(inner)

    def _atom(self, value: Value) -> ast.expr:
        if value in self.folded:
            return self.folded[value][0]
        return ast.Name(self.names[value], ast.Load())

    # -- the function -------------------------------------------------------------------------

    def write(self, live: Iterable[tuple[Value, str]], answer: Structure, heading: str = "") -> list[str]:
        """The lines of the body: parameters unpacked, live names read, statements, return."""
        for parameter in self.function.parameters:
            if isinstance(parameter.structure, Value):
                self.names.give(parameter.structure, parameter.name)
        for parameter in self.function.parameters:
            self._unpack(ast.Name(parameter.name, ast.Load()), parameter.structure)
        given = {v for p in self.function.parameters for v in leaves(p.structure)}
        given.update(self.function.body.defined)  # what a forward half has saved
        for value, path in live:
            if self.counts[value] and value not in given:
                self._line(f"{self.names[value]} = {path}", "read at each call")
        if any(map(begins_backward, self.function.body.statements)):
            heading = "forward pass"
        if heading:
            self._heading(heading)
        self._statements(self.function.body.statements, answer)
        gives = any(TABLE[f].line is Line.YIELD for f in self.function.body.functions)
        if not gives and not self.function.body.raises:
            self.here = self._places_of(leaves(answer))
            if self.function.called and isinstance(answer, tuple):
                self._return(answer)
            else:
                self._line(to_text(ast.Return(self.spell(answer))))
        return self.lines

    def _unpack(self, owner: ast.expr, structure: Structure) -> None:
        if isinstance(structure, Value):
            if isinstance(owner, ast.Name) or not self.counts[structure]:
                return
            self._line(f"{self.names[structure]} = {to_text(owner)}")
        elif isinstance(structure, tuple) and hasattr(structure, "_fields"):
            for i, (field, item) in enumerate(zip(structure._fields, structure, strict=True)):
                place: ast.expr = ast.Subscript(owner, ast.Constant(i), ast.Load())
                if is_own_field(type(structure), field):
                    place = ast.Attribute(owner, field, ast.Load())
                self._unpack(place, item)
        elif isinstance(structure, (tuple, list)):
            for i, item in enumerate(structure):
                self._unpack(ast.Subscript(owner, ast.Constant(i), ast.Load()), item)
        elif isinstance(structure, Instance):
            for name, item in structure.attributes.items():
                self._unpack(parsed(to_text(owner) + spell_step(name), mode="eval").body, item)
        elif isinstance(structure, dict):
            for key, item in structure.items():
                self._unpack(ast.Subscript(owner, self.spell.static(key), ast.Load()), item)

    # -- statements ---------------------------------------------------------------------------

    def _statements(
        self, statements: Iterable[Statement], answer: Structure = None, saves: Saves | None = None
    ) -> None:
        sequence = list(statements)
        movable = Movable(sequence, answer, self.variables)
        for statement in sequence:
            self.here = self._origins(statement)
            if isinstance(statement, Apply):
                self._apply(statement, movable)
            elif isinstance(statement, Branch):
                self._branch(statement)
            elif isinstance(statement, Loop):
                self._loop(statement)
            else:
                self._raise(statement)
            self._assigned(statement.defined)
            if saves:
                for value in dict.fromkeys(statement.outputs):
                    for saved in saves.get(value, ()):
                        self._line(self._saving(value, saved))

    def _saving(self, value: Value, saved: Value) -> str:
        return f"{self.names[saved]}.append({self.names[value]})"

    def _apply(self, statement: Apply, movable: Movable) -> None:
        function = statement.function
        line = TABLE[function].line
        if line is not None:
            self._LINES[line](self, statement)
            return
        expression = self.spell.application(statement)
        notes = self._notes(statement)
        is_call = isinstance(function, Half)
        if (
            isinstance(statement.result, Value)
            and not is_call
            and self._folds(statement.result, statement, expression, movable)
        ):
            self.folded[statement.result] = (expression, notes)
            self.places[statement.result] = self.here
            return
        as_it_is = isinstance(function, ForeignCall)
        if (function in DRAWS or is_call or as_it_is) and not any(self.counts[v] for v in statement.outputs):
            self._line(to_text(ast.Expr(expression)))
            return
        target = self._target(statement.result)
        extra = _added(target, expression) if _is_sum_of_numbers(self.table, statement) else None
        text = f"{target} = {to_text(expression)}" if extra is None else f"{target} {extra}"
        if isinstance(statement.result, tuple) and len(self.margin) + len(text) > LINE and not notes:
            self._broken(text, "(", target.removesuffix(",").split(", "), f") = {to_text(expression)}")
            return
        if text != f"{target} = {target}":  # another name for what shares its variable
            self._line(text, notes)

    def _begins(self, statement: Apply) -> None:
        self._heading("backward pass")

    def _assert(self, statement: Apply) -> None:
        test, message = statement.args
        self._line(to_text(ast.Assert(self.spell(test), None if message is None else self.spell(message))))

    def _bare(self, statement: Apply) -> None:
        self._line(to_text(ast.Expr(self.spell.application(statement))))

    def _keep(self, statement: Apply) -> None:
        states, state, trip = statement.args
        name, what = self.names[states], to_text(self.spell(state))
        if trip is None:
            self._line(f"{name}.append({what})")
        else:
            self._line(f"{self.names[trip]} == {name}.due", keyword="if")
            self._line(f"{INDENT}{name}.keep({what})")

    def _yield(self, statement: Apply) -> None:
        (state,) = statement.args
        self._line(to_text(ast.Expr(ast.Yield(self.spell(state)))))

    def _numbers(self, statement: Apply) -> None:
        names = [to_text(self.spell(x)) for x in statement.args[0]]
        tests = " or ".join(f"{name} != {name}" for name in names)
        self._line(tests, "a zero met what overflowed", keyword="if")
        self._line(f"{INDENT}raise {self._word('OverflowError')}")

    def _defined(self, statement: Apply) -> None:
        value, name = statement.args
        error, text = (
            "UnboundLocalError",
            f"cannot access local variable {name!r} where it is not associated with a value",
        )
        if name == NONE:
            error, text = "TypeError", "None is no number, and no array"
        missing = ast.Compare(self.spell(value), [ast.Is()], [ast.Constant(None)])
        self._line(to_text(missing), keyword="if")
        self._line(f"{INDENT}raise {self._word(error)}({literal(text)})")

    def _add(self, statement: Apply) -> None:
        """A sum in place."""
        old, extra = statement.args
        sign, what = "+" if TABLE[statement.function].line is Line.ADD else "-", self.spell(extra)
        plain = without_sign(what)
        if plain is not None:
            sign, what = "-" if sign == "+" else "+", plain
        if old in self.folded:
            total = ast.BinOp(self.folded[old][0], ast.Add() if sign == "+" else ast.Sub(), what)
            self._line(f"{self.names[statement.result]} = {to_text(total)}", self._notes(statement))
            return
        self._line(f"{self.names[old]} {sign}= {to_text(what)}", self._notes(statement))

    def _store_item(self, statement: Apply) -> None:
        """`x[i] = v`, after a copy of what stands there, if it is needed."""
        array, path, value = statement.args
        _, old = statement.result
        place = self._place(array, path)
        if self.counts[old]:
            text = to_text(place)
            self._line(f"{self.names[old]} = {text}{'.copy()' if isinstance(old.type, Array) else ''}")
        sign, what = "=", self.spell(value)
        made = self.definitions.get(value) if isinstance(value, Value) and value in self.folded else None
        alike = isinstance(value, Value) and _is_alike(value.type, old.type)
        symbol = binary_symbol(made.function) if isinstance(made, Apply) else ""
        if isinstance(made, Apply) and symbol and len(path) == 1 and alike:
            part = self.definitions.get(made.args[0]) if isinstance(made.args[0], Value) else None
            if isinstance(part, Apply) and made.args[0] in self.folded and TABLE[part.function].view:
                if to_text(self.spell.application(part)) == to_text(place):
                    sign, what = f"{symbol}=", self.spell(made.args[1])
        self._line(f"{to_text(place)} {sign} {to_text(what)}", self._notes(statement))

    def _append(self, statement: Apply) -> None:
        """`hs.append(h)`"""
        rows, x = statement.args
        self._line(f"{self.names[rows]}.append({to_text(self.spell(x))})", self._notes(statement))

    def _pop(self, statement: Apply) -> None:
        """`h = hs.pop()`"""
        (rows,), (_, x) = statement.args, statement.result
        call = f"{self.names[rows]}.pop()"
        self._line(f"{self.names[x]} = {call}" if self.counts[x] else call, self._notes(statement))

    def _place(self, array: Value, path: Any) -> ast.expr:
        place: ast.expr = ast.Name(self.names[array], ast.Load())
        for function, *rest in path:
            holder = Value(array.type)
            self.folded[holder] = (place, "")
            types = infer(TABLE[function], function, (holder, *rest), Facts())
            array = Value(types)
            if TABLE[function].kind is Kind.FLAT:
                place = ast.Attribute(place, "flat", ast.Load())
            else:
                place = self.spell.application(Apply(function, (holder, *rest), array))
        return place

    def _scatter(self, statement: Apply) -> None:
        """Zeros but for some elements: two lines that say so."""
        extra, index, shape = statement.args
        extra = self._before(extra, statement.result)
        name, dtype = self.names[statement.result], statement.result.type.dtype
        options = [] if dtype == np.float64 else [ast.keyword("dtype", self.spell.static(dtype))]
        self._line(
            f"{name} = {to_text(ast.Call(self.spell.public('np.zeros'), [self.spell(shape)], options))}"
        )
        self._store(name, index, "=", extra, statement)

    def _before(self, atom: Structure, variable: Value) -> Structure:
        """`atom`, under a name of its own if it reads a variable that is about to get another value."""
        name = self.names[variable]
        if not any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(self.spell(atom))):
            return atom
        new = Value(atom.type)
        self._line(f"{self.names[new]} = {to_text(self.spell(atom))}")
        return new

    def _add_at(self, statement: Apply) -> None:
        old, index, extra = statement.args
        name = self.names[old]
        if old in self.folded:
            extra = self._before(extra, old)
            expression, notes = self.folded[old]
            self._line(f"{name} = {to_text(expression)}", notes)
        if TABLE[statement.function].line is Line.ADD_MANY:
            call = ast.Call(
                self.spell.public("add_many"),
                [ast.Name(name, ast.Load()), self.spell(index), self.spell(extra)],
                [],
            )
            self._line(to_text(call), self._notes(replace(statement, args=(index, extra))))
            return
        self._store(name, index, "+=", extra, statement)

    def _store(self, name: str, index: Structure, sign: str, extra: Structure, statement: Apply) -> None:
        place = ast.Subscript(ast.Name(name, ast.Load()), self.spell.index(index), ast.Load())
        notes = self._notes(replace(statement, args=(index, extra)))
        what = self.spell(extra)
        plain = without_sign(what) if sign == "+=" else None
        if plain is not None:
            sign, what = "-=", plain
        self._line(f"{to_text(place)} {sign} {to_text(what)}", notes)

    def _folds(self, value: Value, statement: Apply, expression: ast.expr, movable: Movable) -> bool:
        if value in self.saving or (self.groups.is_shared(value) and value not in self.summed):
            return False
        if value not in self.returned:  # what is returned may be of a way that was not taken
            if TABLE[statement.function].of_shape and self._is_stable(statement.args[0]):
                return True
            if self._is_cheap_test(statement) and all(self._is_stable(a) for a in statement.inputs):
                return True
        if self.counts[value] != 1 or not movable(value):
            return False
        if value in self.table.unfolded:
            return self._folds_though_named(value, statement, expression)
        if self.textbook and (value in self.table.primals or not statement.note):
            return False
        return width(expression) < WIDTH - 28

    def _is_stable(self, value: Value) -> bool:
        """Whether what is written for a value means the same everywhere."""
        if value not in self.folded:
            return self.variables.is_stable(value)
        made = self.definitions.get(value)
        return isinstance(made, Apply) and all(self._is_stable(a) for a in made.inputs)

    def _folds_though_named(self, value: Value, statement: Apply, expression: ast.expr) -> bool:
        """A short step on the way to the next line: its array need not live longer than that line."""
        if (
            self.textbook
            or not value.type.dims
            or value in self.returned
            or TABLE[statement.function].locals is None
        ):
            return False
        return width(expression) <= SHORT

    def _is_cheap_test(self, statement: Apply) -> bool:
        """A comparison of numbers that have names: written again rather than kept."""
        if self.textbook or not TABLE[statement.function].mirrored:
            return False
        return all(
            not isinstance(a, Value) or (isinstance(a.type, Scalar) and a not in self.folded)
            for a in statement.args
        )

    def _target(self, result: Structure) -> str:
        if isinstance(result, Value):
            return self.names[result]
        parts = [self._part(item) if self._is_used(item) else "_" for item in result]
        return ", ".join(parts) + ("," if len(parts) == 1 else "")

    def _part(self, item: Structure) -> str:
        return self._target(item) if isinstance(item, Value) else f"({self._target(item)})"

    def _is_used(self, item: Structure) -> bool:
        return any(self.counts[v] for v in leaves(item))

    def _notes(self, statement: Apply) -> str:
        """The gates that a line stands for: its own and those of what is folded into it."""
        if self.folded.keys().isdisjoint(statement.inputs):
            return statement.note
        notes = [self.folded[v][1] for v in statement.inputs if v in self.folded]
        return _together(*notes, statement.note) if any(notes) else statement.note

    def _raise(self, statement: Raise) -> None:
        kind, args = statement.exception
        call = ast.Call(self.spell.static(kind), [self.spell(a) for a in args], [])
        self._line(to_text(ast.Raise(call, None)))

    _LINES: ClassVar[dict[Line, Callable[[Writer, Apply], None]]] = {
        Line.ADD: _add, Line.SUBTRACT: _add, Line.ADD_AT: _add_at, Line.ADD_MANY: _add_at,
        Line.SCATTER: _scatter, Line.STORE: _store_item, Line.APPEND: _append, Line.POP: _pop,
        Line.CHECK: _defined, Line.NUMBERS: _numbers, Line.ASSERT: _assert, Line.BARE: _bare,
        Line.HEADING: _begins, Line.KEEP: _keep, Line.YIELD: _yield,
    }  # fmt: skip

    # -- lines --------------------------------------------------------------------------------

    def _heading(self, text: str) -> None:
        """The head of one of the two passes; one of no statements needs none."""
        if self.lines and self.lines[-1].strip().startswith("#"):
            self.lines.pop()
        self.lines.append(f"{self.margin}# {text}")

    def _line(self, text: str, comment: str = "", keyword: str = "") -> None:
        self.written = text, comment
        if keyword:
            text = f"{keyword} {text}:"
        line = self.margin + text
        if comment:
            line = f"{line.ljust(COMMENT_COLUMN)}  # {printable(comment)}"
        self.lines.append(line_for(line, self.here))


@lru_cache(maxsize=1024)
def _together(*notes: str) -> str:
    """The gates that several notes name, each once."""
    words = [w for n in notes for w in n.removesuffix(" gates").removesuffix(" gate").split(", ")]
    names = dict.fromkeys(filter(None, words))
    if not names.keys().isdisjoint(WORDS):
        return ", ".join(names)
    return f"{', '.join(names)} gate{'s' if len(names) > 1 else ''}"


def _is_sum_of_numbers(table: ValueTable, statement: Apply) -> bool:
    """Whether it gives the gradient of a number. What begins as an array without axes would stay one."""
    result = statement.result
    is_number = isinstance(result, Value) and result in table.primals and isinstance(result.type, Scalar)
    return is_number and not any(isinstance(v.type, Array) for v in statement.inputs)


def _is_alike(new: Type, place: Type) -> bool:
    """Whether NumPy can compute what is stored where it is stored: with its dtype and its number of axes."""
    if not isinstance(place, Array):
        return True
    return isinstance(new, Array) and new.dtype == place.dtype and len(new.dims) == len(place.dims)


def _added(target: str, total: ast.expr) -> str | None:
    """`+= b` for the sum `target + b`, `-= b` for the difference."""
    if isinstance(total, ast.BinOp) and isinstance(total.op, (ast.Add, ast.Sub)):
        if isinstance(total.left, ast.Name) and total.left.id == target:
            return f"{'+' if isinstance(total.op, ast.Add) else '-'}= {to_text(total.right)}"
    return None
