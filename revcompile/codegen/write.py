"""IR to text. One statement a line, the gate's name in a trailing comment; astor prints the syntax.

A temporary with a single use is written in place of its name where the line stays short enough to read.
"""

from __future__ import annotations

import ast
import operator
from collections import Counter
from collections.abc import Callable, Container, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from revcompile.codegen.names import Names
from revcompile.codegen.spell import Speller
from revcompile.codegen.text import INDENT, to_text, width
from revcompile.gates.effects import EFFECTS, assert_, backward_begins, print_
from revcompile.gates.lengths import length, size_of
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import (
    UNDEFINED,
    Apply,
    Block,
    Branch,
    Function,
    Raise,
    Statement,
    Structure,
    Value,
    blocks,
    leaves,
    results,
    uses,
)
from revcompile.ir.types import Scalar
from revcompile.passes.own import add_at
from revcompile.runtime import scatter
from revcompile.syntax.operators import COMPARE

SHORT = 26  # of a named step that is written into the next line
WIDTH = 88  # of an expression with everything folded into it
COMMENT_COLUMN = 40
CHEAP = frozenset({length, size_of})
COMPARISONS = frozenset(COMPARE.values())
IN_PLACE = frozenset({operator.iadd, operator.isub, add_at, scatter})


class Writer:
    """Writes one function."""

    def __init__(
        self,
        function: Function,
        refer: Callable[[Any], str],
        reserved: Iterable[str],
        outer: Container[str],
        textbook: bool,
    ) -> None:
        self.function = function
        self.textbook = textbook
        self.names = Names({*reserved, *(p.name for p in function.parameters)}, outer)
        self.definitions: dict[Value, Statement] = {}
        self.counts: Counter[Value] = Counter(uses(function.body))
        self.folded: dict[Value, tuple[ast.expr, str]] = {}
        hidden = frozenset(p.name for p in function.parameters)
        self.spell = Speller(self._atom, refer, function.spellings, self.definitions.get, textbook, hidden)
        self.lines: list[str] = []
        self.margin = INDENT
        self.kept: set[Value] = set(leaves(function.body.yields))
        self._index(function.body)

    def _index(self, block: Block) -> None:
        for statement in block.statements:
            for value in results(statement):
                self.definitions.setdefault(value, statement)
            for inner in blocks(statement):
                self._index(inner)

    def _atom(self, value: Value) -> ast.expr:
        if value in self.folded:
            return self.folded[value][0]
        return ast.Name(self.names[value], ast.Load())

    # -- the function -------------------------------------------------------------------------

    def write(self, live: Iterable[tuple[Value, str]], answer: Structure) -> list[str]:
        """The lines of the body: parameters unpacked, live names read, statements, return."""
        for parameter in self.function.parameters:
            if isinstance(parameter.structure, Value):
                self.names.give(parameter.structure, parameter.name)
        for parameter in self.function.parameters:
            self._unpack(ast.Name(parameter.name, ast.Load()), parameter.structure)
        for value, path in live:
            if self.counts[value]:
                self._line(f"{self.names[value]} = {path}", "read at each call")
        if any(isinstance(s, Apply) and s.function is backward_begins for s in self.function.body.statements):
            self._heading("forward pass")
        self._statements(self.function.body.statements, answer)
        if not (self.function.body.statements and isinstance(self.function.body.statements[-1], Raise)):
            self._line(to_text(ast.Return(self.spell(answer))))
        return self.lines

    def _unpack(self, owner: ast.expr, structure: Structure) -> None:
        if isinstance(structure, Value):
            if isinstance(owner, ast.Name) or not self.counts[structure]:
                return
            self._line(f"{self.names[structure]} = {to_text(owner)}")
        elif isinstance(structure, tuple) and hasattr(structure, "_fields"):
            for field, item in zip(structure._fields, structure, strict=True):
                self._unpack(ast.Attribute(owner, field, ast.Load()), item)
        elif isinstance(structure, (tuple, list)):
            for i, item in enumerate(structure):
                self._unpack(ast.Subscript(owner, ast.Constant(i), ast.Load()), item)
        elif isinstance(structure, dict):
            for key, item in structure.items():
                self._unpack(ast.Subscript(owner, self.spell.static(key), ast.Load()), item)

    # -- statements ---------------------------------------------------------------------------

    def _statements(self, statements: Iterable[Statement], answer: Structure = None) -> None:
        sequence = list(statements)
        movable = self._movable(sequence, answer)
        for statement in sequence:
            if isinstance(statement, Apply):
                self._apply(statement, movable)
            elif isinstance(statement, Branch):
                self._branch(statement)
            else:
                self._raise(statement)

    def _movable(self, sequence: list[Statement], answer: Structure) -> dict[Value, bool]:
        """Whether a value may move to its use: the use is in this list, with no barrier between."""
        barrier = 0
        made: dict[Value, int] = {}
        movable: dict[Value, bool] = {}
        for statement in sequence:
            if isinstance(statement, Apply):
                for value in leaves(statement.args):
                    movable[value] = made.get(value) == barrier
            elif isinstance(statement, Branch):
                movable[statement.condition] = made.get(statement.condition) == barrier
            if not isinstance(statement, Apply) or statement.function in EFFECTS:
                barrier += 1
            elif statement.function is add_at and self.counts[statement.args[0]] > 1:
                barrier += 1  # what reads the array stays before its change
            for value in results(statement):
                made[value] = barrier
        for value in leaves(answer):  # what is returned keeps its name, a mere cast apart
            movable[value] = value.of is None and value.hint is None and made.get(value) == barrier
        return movable

    def _apply(self, statement: Apply, movable: dict[Value, bool]) -> None:
        function = statement.function
        if function is backward_begins:
            self._heading("backward pass")
            return
        if function is assert_:
            test, message = statement.args
            self._line(
                to_text(ast.Assert(self.spell(test), None if message is None else self.spell(message)))
            )
            return
        if function is print_:
            self._line(to_text(ast.Expr(self.spell.application(statement))))
            return
        if function in (operator.iadd, operator.isub):
            old, extra = statement.args
            sign = "+" if function is operator.iadd else "-"
            if old in self.folded:
                total = ast.BinOp(
                    self.folded[old][0], ast.Add() if sign == "+" else ast.Sub(), self.spell(extra)
                )
                self._line(f"{self.names[statement.result]} = {to_text(total)}", self._notes(statement))
                return
            name = self.names[old]
            self.names.give(statement.result, name)
            self._line(f"{name} {sign}= {to_text(self.spell(extra))}", self._notes(statement))
            return
        if function is add_at:
            self._add_at(statement)
            return
        if function is scatter:
            self._scatter(statement)
            return
        expression = self.spell.application(statement)
        notes = self._notes(statement)
        if isinstance(statement.result, Value) and self._folds(
            statement.result, statement, expression, movable
        ):
            self.folded[statement.result] = (expression, notes)
            return
        self._line(f"{self._target(statement.result)} = {to_text(expression)}", notes)

    def _scatter(self, statement: Apply) -> None:
        """Zeros but for some elements: two lines that say so."""
        extra, index, shape = statement.args
        name, dtype = self.names[statement.result], statement.result.type.dtype
        options = [] if dtype == np.float64 else [ast.keyword("dtype", self.spell.static(dtype))]
        self._line(
            f"{name} = {to_text(ast.Call(self.spell.public('np.zeros'), [self.spell(shape)], options))}"
        )
        self._store(name, index, "=", extra, statement)

    def _add_at(self, statement: Apply) -> None:
        old, index, extra = statement.args
        if old in self.folded:
            expression, notes = self.folded[old]
            name = self.names[statement.result]
            self._line(f"{name} = {to_text(expression)}", notes)
        else:
            name = self.names[old]
            self.names.give(statement.result, name)
        self._store(name, index, "+=", extra, statement)

    def _store(self, name: str, index: Structure, sign: str, extra: Structure, statement: Apply) -> None:
        place = ast.Subscript(ast.Name(name, ast.Load()), self.spell.index(index), ast.Load())
        notes = self._notes(replace(statement, args=(index, extra)))
        what = self.spell(extra)
        plain = _without_sign(what) if sign == "+=" else None
        if plain is not None:
            sign, what = "-=", plain
        self._line(f"{to_text(place)} {sign} {to_text(what)}", notes)

    def _folds(
        self, value: Value, statement: Apply, expression: ast.expr, movable: dict[Value, bool]
    ) -> bool:
        if statement.function in CHEAP or self._is_cheap_test(statement):
            return True
        if self.counts[value] != 1 or not movable.get(value, False):
            return False
        if not value.fold:
            return self._folds_though_named(value, statement, expression)
        if self.textbook and (value.of is not None or not statement.note):
            return False
        return width(expression) < WIDTH - 28

    def _folds_though_named(self, value: Value, statement: Apply, expression: ast.expr) -> bool:
        """A short step on the way to the next line: its array need not live longer than that line."""
        if (
            self.textbook
            or not value.type.dims
            or value in self.kept
            or TABLE[statement.function].locals is None
        ):
            return False
        return width(expression) <= SHORT

    def _is_cheap_test(self, statement: Apply) -> bool:
        """A comparison of numbers that have names: written again rather than kept."""
        if self.textbook or statement.function not in COMPARISONS:
            return False
        return all(
            not isinstance(a, Value) or (isinstance(a.type, Scalar) and a not in self.folded)
            for a in statement.args
        )

    def _target(self, result: Structure) -> str:
        if isinstance(result, Value):
            return self.names[result]
        parts = [self._target(item) if self._is_used(item) else "_" for item in result]
        return ", ".join(parts) + ("," if len(parts) == 1 else "")

    def _is_used(self, item: Structure) -> bool:
        return any(self.counts[v] for v in leaves(item))

    def _notes(self, statement: Apply) -> str:
        """The gates that a line stands for: its own and those of what is folded into it."""
        names: dict[str, None] = {}

        def add(note: str) -> None:
            for word in note.removesuffix(" gates").removesuffix(" gate").split(", "):
                if word:
                    names[word] = None

        for value in leaves(statement.args):
            if value in self.folded:
                add(self.folded[value][1])
        add(statement.note)
        if not names:
            return ""
        return f"{', '.join(names)} gate{'s' if len(names) > 1 else ''}"

    def _branch(self, branch: Branch) -> None:
        choice = self._choice(branch)
        if choice is not None:
            (result,) = (r for r in branch.results if self.counts[r])
            self._line(f"{self.names[result]} = {to_text(choice)}", branch.note)
            return
        self._coalesce(branch)
        if not branch.then.statements and branch.orelse.statements and not self._yields(branch):
            self._line(to_text(ast.UnaryOp(ast.Not(), self.spell(branch.condition))), keyword="if")
            self._side(branch.orelse, branch.results)
            return
        self._line(to_text(self.spell(branch.condition)), keyword="if")
        self._side(branch.then, branch.results)
        mark = len(self.lines)
        self._line("else:")
        body = len(self.lines)
        self._side(branch.orelse, branch.results)
        if self.lines[body:] == [self.margin + INDENT + "pass"]:
            del self.lines[mark:]

    def _yields(self, branch: Branch) -> bool:
        """Whether the first side has something to say about a result."""
        pairs = zip(branch.then.yields, branch.results, strict=True)
        return any(a is not UNDEFINED and a is not r and self.counts[r] for a, r in pairs)

    def _choice(self, branch: Branch) -> ast.expr | None:
        """A branch of one result without steps of its own, as `a if c else b`."""
        folded = dict(self.folded)
        choice = self._choice_of(branch)
        if choice is None or len(to_text(choice)) > WIDTH - 28:
            self.folded = folded
            return None
        return choice

    def _choice_of(self, branch: Branch) -> ast.expr | None:
        used = [i for i, r in enumerate(branch.results) if self.counts[r]]
        if len(used) != 1:
            return None
        then, orelse = (self._value_of(b, b.yields[used[0]]) for b in (branch.then, branch.orelse))
        if then is None or orelse is None:
            return None
        return ast.IfExp(self.spell(branch.condition), then, orelse)

    def _value_of(self, block: Block, atom: Structure) -> ast.expr | None:
        for statement in block.statements:
            values = list(results(statement))
            if len(values) != 1 or self.counts[values[0]] != 1 or not values[0].fold:
                return None
            expression: ast.expr | None = None
            if isinstance(statement, Branch):
                expression = self._choice_of(statement)
            elif isinstance(statement, Apply) and statement.function not in (EFFECTS | IN_PLACE):
                expression = self.spell.application(statement)
            if expression is None:
                return None
            self.folded[values[0]] = (expression, "")
        return None if atom is UNDEFINED else self.spell(atom)

    def _side(self, block: Block, results: tuple[Value, ...]) -> None:
        self.margin += INDENT
        start = len(self.lines)
        self._statements(block.statements)
        for atom, result in zip(block.yields, results, strict=True):
            if atom is UNDEFINED or not self.counts[result] or atom is result:
                continue
            text = to_text(self.spell(atom))
            if text != self.names[result]:
                self._line(f"{self.names[result]} = {text}")
        if len(self.lines) == start:
            self._line("pass")
        self.margin = self.margin.removesuffix(INDENT)

    def _coalesce(self, branch: Branch) -> None:
        """Let the inner values that become a result carry its name from the start."""
        for block in (branch.then, branch.orelse):
            inside = {v for s in block.statements for v in results(s)}
            yielded = Counter(v for v in block.yields if isinstance(v, Value))
            for atom, result in zip(block.yields, branch.results, strict=True):
                if isinstance(atom, Value) and atom in inside and atom is not result and yielded[atom] == 1:
                    if self.counts[result] and not self.names.has(atom):
                        atom.fold = False
                        self.names.give(atom, self.names[result])

    def _raise(self, statement: Raise) -> None:
        kind, args = statement.exception
        call = ast.Call(self.spell.static(kind), [self.spell(a) for a in args], [])
        self._line(to_text(ast.Raise(call, None)))

    # -- lines --------------------------------------------------------------------------------

    def _heading(self, text: str) -> None:
        self.lines.append(f"{self.margin}# {text}")

    def _line(self, text: str, comment: str = "", keyword: str = "") -> None:
        if keyword:
            text = f"{keyword} {text}:"
        line = self.margin + text
        if comment:
            line = f"{line.ljust(COMMENT_COLUMN)}  # {comment}"
        self.lines.append(line)


def _without_sign(node: ast.expr) -> ast.expr | None:
    """What a product that is written with a leading minus is the negative of."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return node.operand
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div)):
        left = _without_sign(node.left)
        return ast.BinOp(left, node.op, node.right) if left is not None else None
    return None
