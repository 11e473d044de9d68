"""Statements with blocks of their own, as text: branches and loops. The other half of `write`.

A loop's variables are assigned where they are carried; what the backward pass needs of a trip is appended
to a list; `break` stands where it is decided that the loop is left.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Container, Iterable, Sequence

from revcompile.codegen.coalesce import Groups
from revcompile.codegen.names import Names
from revcompile.codegen.places import Places, line_for, same_place
from revcompile.codegen.spell import Speller
from revcompile.codegen.text import INDENT, to_text
from revcompile.codegen.together import Together
from revcompile.gates.effects import has_effects
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import (
    UNDEFINED,
    Apply,
    Block,
    Branch,
    Each,
    Loop,
    Statement,
    Structure,
    Value,
    leaves,
)
from revcompile.ir.types import Scalar
from revcompile.ir.values import ValueTable

LINE = 100  # the longest line, where it can be broken
WIDTH = 88  # of an expression with everything folded into it
Saves = dict[Value, list[Value]]  # the lists in which values are kept
Move = tuple[str, str, Structure]  # a variable, and what it is to be, as text and as an atom


class BlockWriter:
    """What `Writer` knows of branches and loops."""

    table: ValueTable
    together: Together  # what is saved as one tuple a trip
    names: Names
    spell: Speller
    counts: Counter[Value]
    folded: dict[Value, tuple[ast.expr, str]]
    saving: set[Value]  # what is kept in lists
    lists: dict[Value, Value]  # what is kept in each list
    lines: list[str]
    written: tuple[str, str]  # the last line, and its comment
    places: dict[Value, Places]  # of what is folded
    here: Places  # what the next line stands for
    leaving: dict[Value, list[Value]]  # what is saved before a `break`, in which lists
    ending: frozenset[Value]  # of that, what the loop carries too
    margin: str
    groups: Groups
    none: frozenset[Value]  # the groups of values whose variable is None here

    def _statements(
        self, statements: Iterable[Statement], answer: Structure = None, saves: Saves | None = None
    ) -> None:
        raise NotImplementedError

    def _line(self, text: str, comment: str = "", keyword: str = "") -> None:
        raise NotImplementedError

    def _saving(self, value: Value, saved: Value) -> str:
        raise NotImplementedError

    # -- long lines ---------------------------------------------------------------------------

    def _return(self, answer: tuple[Structure, ...]) -> None:
        """What a helper gives; in lines of its own, if it is long, what its other half begins with."""
        *first, last = answer
        is_of_two = isinstance(last, tuple)
        items = last if is_of_two else answer
        before = "".join(f"{to_text(self.spell(x))}, " for x in first) if is_of_two else ""
        line = to_text(ast.Return(self.spell(answer)))
        self._broken(line, f"return {before}(", [to_text(self.spell(x)) for x in items], ")")

    def _broken(self, line: str, head: str, items: list[str], tail: str) -> None:
        """A line; with the items in a bracket, if it is too long for one."""
        if len(self.margin) + len(line) <= LINE:
            self._line(line)
        else:
            lines = broken(self.margin + head, items, tail, self.margin)
            self.lines += [line_for(text, self.here) for text in lines]

    # -- the user's lines ---------------------------------------------------------------------

    def _origins(self, statement: Statement) -> Places:
        """The user's lines of a statement, of those inside, and of what is folded into them."""
        own = (statement.line,) if statement.line is not None else ()
        if isinstance(statement, Apply) and self.places.keys().isdisjoint(statement.inputs):
            return own
        folded = self._places_of(statement.inputs)
        if statement.blocks and not statement.repeats:
            folded += self._places_of(leaves(tuple(side.yields for side in statement.blocks)))
        return tuple(dict.fromkeys((*own, *folded))) if folded else own

    def _places_of(self, values: Iterable[Value]) -> Places:
        return tuple(dict.fromkeys([p for v in values if v in self.places for p in self.places[v]]))

    # -- branches -----------------------------------------------------------------------------

    def _branch(self, branch: Branch, stop: Structure = False) -> None:
        """`if`; what it gives for `stop` says whether the loop around it is left."""
        choice = self._choice(branch) if stop is False else None
        if choice is not None:
            (result,) = (r for r in branch.results if self.counts[r])
            self.here = self._origins(branch)
            self._line(f"{self.names[result]} = {to_text(choice)}", branch.note)
            return
        self._set_to_none(branch)
        known = self.none
        self._if(branch, stop)
        self.none = known
        self._assigned(branch.defined)

    def _if(self, branch: Branch, stop: Structure) -> None:
        known, ends = self.none, _ends(branch, stop)
        condition = self.spell(branch.condition)
        head = len(self.lines)
        self._line(to_text(condition), keyword="if")
        self._side(branch.then, branch.results, stop, ends[0])
        self.none = known
        then = self.lines[head + 1 :]
        mark = len(self.lines)
        if then[-1].startswith((f"{self.margin}{INDENT}break", f"{self.margin}{INDENT}raise ")):
            before = self.margin
            self.margin = before.removesuffix(INDENT)  # what follows needs no `else`
            self._side(branch.orelse, branch.results, stop, ends[1])
            self.margin = before
            if self.lines[mark:] == [self.margin + "pass"]:
                del self.lines[mark:]
            return
        self._line("else:")
        self._side(branch.orelse, branch.results, stop, ends[1])
        orelse = self.lines[mark + 1 :]
        nothing = [f"{self.margin}{INDENT}pass"]
        if then == orelse == nothing:
            del self.lines[head:]
        elif orelse == nothing:
            del self.lines[mark:]
        elif then == nothing:
            del self.lines[head:]
            self._line(to_text(_opposite(condition)), keyword="if")
            self.lines.extend(orelse)
        elif self._is_one_branch(orelse):
            del self.lines[mark:]
            self.lines.append(same_place(f"{self.margin}el{orelse[0].strip()}", orelse[0]))
            self.lines.extend(same_place(line.removeprefix(INDENT), line) for line in orelse[1:])

    def _set_to_none(self, branch: Branch) -> None:
        """Before the `if`, the variables to which only one side gives a value: inside, no side need say None.

        So each is said once, however deep the `if` inside is that gives it one.
        """
        sides = zip(branch.then.yields, branch.orelse.yields, branch.results, strict=False)
        empty = [r for a, b, r in sides if (a is None) != (b is None) and self.counts[r]]
        empty = [r for r in empty if self.groups.find(r) not in self.none and r not in self.leaving]
        if not empty:
            return
        own = set(branch.defined)
        read = {name for v in {*branch.uses} - own for name in self._names_in(v)}
        empty = [r for r in empty if self.names[r] not in read]
        self._assign([(None, r) for r in empty])
        self.none = self.none.union(map(self.groups.find, empty))

    def _is_one_branch(self, lines: list[str]) -> bool:
        """Whether lines are those of one `if`, which may follow on an `else`."""
        margin = self.margin + INDENT
        own = [line.removeprefix(margin) for line in lines if not line.startswith(margin + " ")]
        return own[0].startswith("if ") and all(line.startswith(("elif ", "else:")) for line in own[1:])

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
        if branch.then.raises or branch.orelse.raises:
            return None
        then, orelse = (self._value_of(b, b.yields[used[0]]) for b in (branch.then, branch.orelse))
        if then is None or orelse is None:
            return None
        return ast.IfExp(self.spell(branch.condition), then, orelse)

    def _value_of(self, block: Block, atom: Structure) -> ast.expr | None:
        for statement in block.statements:
            values = list(statement.outputs)
            if len(values) != 1 or self.counts[values[0]] != 1 or values[0] in self.table.unfolded:
                return None
            expression: ast.expr | None = None
            if isinstance(statement, Branch):
                expression = self._choice_of(statement)
            elif isinstance(statement, Apply) and not (
                has_effects(statement.function) or TABLE[statement.function].line is not None
            ):
                expression = self.spell.application(statement)
            if expression is None:
                return None
            self.folded[values[0]] = (expression, "")
            self.places[values[0]] = self._origins(statement)
        return None if atom is UNDEFINED else self.spell(atom)

    def _side(
        self, block: Block, results: tuple[Value, ...], stop: Structure = False, end: Structure = False
    ) -> None:
        self.margin += INDENT
        start = len(self.lines)
        last = block.statements[-1] if block.statements else None
        pairs = [
            (a, r)
            for a, r in zip(block.yields, results, strict=False)
            if r is not stop and a is not UNDEFINED and self.counts[r]
        ]
        inner = isinstance(end, Value) and isinstance(last, Branch) and any(r is end for r in last.results)
        inner = inner and self._are_assigned(pairs)  # for it may leave the loop at once
        if inner:
            self._statements(block.statements[:-1], last.condition)  # type: ignore[union-attr]
        else:
            self._statements(block.statements)
        if inner:
            self._branch(last, end)  # type: ignore[arg-type]
        nothing = {r for a, r in pairs if a is None and end is True and r in self.leaving} - self.ending
        self._assign([(a, r) for a, r in pairs if r not in nothing])
        if stop is not False and not inner:
            self._leave(end, nothing)
        if len(self.lines) == start:
            self._line("pass")
        self.margin = self.margin.removesuffix(INDENT)

    def _assign(self, pairs: list[tuple[Structure, Value]]) -> None:
        """Each variable gets its atom; together, where one that is assigned is read by another."""
        pairs = [(a, r) for a, r in pairs if a is not None or self.groups.find(r) not in self.none]
        moves = [
            (self.names[r], self._nothing(r) if a is None else to_text(self.spell(a)), a)
            for a, r in pairs
            if a is not r
        ]
        moves = [(name, text, a) for name, text, a in moves if name != text]
        moves = [move for move in moves if not self._renames(move, moves)]
        targets = [name for name, _, _ in moves]
        self._assigned(r for a, r in pairs if a is not None)
        clobbers = any(self._names_in(a) & set(targets[:i]) for i, (_, _, a) in enumerate(moves))
        self.here = self._places_of(a for _, _, a in moves if isinstance(a, Value)) or self.here
        if clobbers:
            self._line(f"{', '.join(targets)} = {', '.join(text for _, text, _ in moves)}")
            return
        for name, text, a in moves:
            if a is not None:
                self._line(f"{name} = {text}")
        nothing = [(name, text) for name, text, a in moves if a is None]
        for text in dict.fromkeys(text for _, text in nothing):
            line = ""
            for name in (name for name, same in nothing if same == text):
                if line and len(self.margin) + len(line) + len(name) > WIDTH:
                    self._line(f"{line}{text}")
                    line = ""
                line += f"{name} = "
            self._line(f"{line}{text}")

    def _renames(self, move: Move, moves: list[Move]) -> bool:
        """Whether the last line could give its value the name that a move is about to give it."""
        name, text, atom = move
        line, comment = self.written
        last = self.lines[-1] if self.lines else ""
        if not (line.startswith(f"{text} = ") and last.startswith(self.margin + line)):
            return False
        if not isinstance(atom, Value) or self.counts[atom] > 1:
            return False
        if any(name in self._names_in(other) for _, _, other in moves if other is not atom):
            return False
        self.lines.pop()
        self._line(name + line.removeprefix(text), comment)
        self.lines[-1] = same_place(self.lines[-1], last)
        return True

    def _nothing(self, value: Value) -> str:
        """What a variable is that only other ways set: None; a zero where a list of numbers gets it."""
        t = value.type
        if value in self.saving and isinstance(t, Scalar) and self.table.unset.get(value) is None:
            return repr(t.dtype.type().item())
        return "None"

    def _assigned(self, values: Iterable[Value]) -> None:
        """Variables have got a value."""
        if self.none:
            self.none = self.none.difference(map(self.groups.find, values))

    def _are_assigned(self, pairs: list[tuple[Structure, Value]]) -> bool:
        """Whether each variable has its atom as it is."""
        return all(a is r or self.names[r] == to_text(self.spell(a)) for a, r in pairs)

    def _names_in(self, atom: Structure) -> set[str]:
        return {n.id for n in ast.walk(self.spell(atom)) if isinstance(n, ast.Name)}

    def _leave(self, stop: Structure, nothing: Container[Value] = ()) -> None:
        """Leave the loop, if `stop` says so; what is `nothing` here is saved as None."""
        if stop is True:
            for v, lists in self.leaving.items():
                for saved in lists:
                    self._line(
                        f"{self.names[saved]}.append({self._nothing(v)})"
                        if v in nothing
                        else self._saving(v, saved)
                    )
            self._line("break")
        elif isinstance(stop, Value):
            self._line(to_text(self.spell(stop)), keyword="if")
            self.lines.append(f"{self.margin}{INDENT}break")

    # -- loops --------------------------------------------------------------------------------

    def _loop(self, loop: Loop) -> None:
        place = self.here
        self._assign([(a, p) for a, p in zip(loop.inits, loop.params, strict=True) if a is not UNDEFINED])
        for value, saved in loop.saves:
            together = self.together.get(saved, (saved,))
            if len(together) > 1:
                self.names.suggest(together[0], "row" if together[0] in self.saving else "saved")
            elif isinstance(value, Value):
                self._name_list(saved, value)
            if saved is together[0]:
                self._line(f"{self.names[saved]} = []")
            if isinstance(value, Value):
                self.saving.add(value)
        if loop.trips is not None:
            self._line(f"{self.names[loop.trips]} = 0")
        self._assigned(loop.defined)
        known, self.none = self.none, frozenset()
        outer, self.margin = self.margin, self.margin + INDENT
        head = len(self.lines)
        self.lines.append("")
        if loop.test is not None:
            self._statements(loop.test.statements, loop.test.yields)
            condition = self.spell(loop.test.yields[0])
            self.here = tuple(dict.fromkeys((*place, *self._places_of(leaves(loop.test.yields)))))
            if len(self.lines) == head + 1:
                self.lines[head] = line_for(f"{outer}while {to_text(condition)}:", self.here)
            else:
                self.lines[head] = f"{outer}while True:"
                self._line(to_text(ast.UnaryOp(ast.Not(), condition)), keyword="if")
                self.lines.append(f"{self.margin}{INDENT}break")
        else:
            heading = self._for(loop, outer) if loop.each else [outer + "while True:"]
            self.lines[head:] = [line_for(line, place) for line in heading]
        start = len(self.lines)
        if loop.trips is not None:
            self._line(f"{self.names[loop.trips]} += 1")
        inside = {v for s in loop.body.statements for v in s.outputs}
        for value, saved in loop.saves:
            if value not in inside:
                self._line(f"{self.names[saved]}.append({to_text(self.spell(value))})")
        *ends, stop = loop.body.yields
        around, self.leaving = (self.leaving, self.ending), {}
        self._body(loop, ends, stop)
        self.leaving, self.ending = around
        if len(self.lines) == start:
            self._line("pass")
        self.margin, self.none = outer, known

    def _name_list(self, saved: Value, value: Value, word: str = "saved") -> str:
        """A list has the name of what is saved in it; a list of lists, of the innermost."""
        inner = self.lists.get(value)
        if inner is None:
            name = (self.table.hints.get(value) or self.names[value]).removeprefix("old_")
        else:
            name = self._name_list(value, inner, "row")
        self.names.suggest(saved, f"all_{name}" if name.startswith(f"{word}_") else f"{word}_{name}")
        return name

    def _body(self, loop: Loop, ends: list[Structure], stop: Structure) -> None:
        statements = loop.body.statements
        last = statements[-1] if statements else None
        pairs = [(a, p) for a, p in zip(ends, loop.params, strict=False) if a is not UNDEFINED]
        direct = isinstance(last, Branch) and isinstance(stop, Value) and any(r is stop for r in last.results)
        direct = direct and self._are_assigned(pairs)
        saves: Saves = {}
        for value, saved in loop.saves:
            if isinstance(value, Value) and saved not in self.together:
                saves.setdefault(value, []).append(saved)
        if direct and isinstance(last, Branch):
            appends = {v: saves[v] for v in last.results if v in saves}
            if not appends or sorted(map(str, _ends(last, stop))) == ["False", "True"]:
                self._statements(statements[:-1], last.condition, saves)
                self.leaving, self.ending = appends, frozenset(leaves(tuple(ends)))
                self._branch(last, stop)
                for v, lists in appends.items():
                    for saved in lists:
                        self._line(self._saving(v, saved))
                return
        self._statements(statements, stop if self._are_assigned(pairs) else None, saves)
        of_list = {saved: v for v, saved in loop.saves if saved in self.together}
        for together in dict.fromkeys(self.together[saved] for saved in of_list):
            items = [of_list[saved] for saved in together]
            head = f"{self.margin}{self.names[together[0]]}.append("
            if items[0] in self.together:  # lists that are one themselves
                self.lines.append(f"{head}{self.names[items[0]]})")
            else:
                self.lines += broken(f"{head}(", [self.names[v] for v in items], "))", self.margin)
        if not loop.body.raises:
            self._assign(pairs)
            self._leave(stop)

    def _for(self, loop: Loop, margin: str) -> list[str]:
        """The lines of a heading: one, if that is not too long."""
        of_list = {each.args[0]: self.names[v] for v, each in loop.each if each.args[0] in self.together}
        targets: list[str] = []
        sources: list[str] = []
        for v, each in loop.each:
            lists = self.together.get(each.args[0], (each.args[0],))
            if each.args[0] is lists[0]:
                is_tuple = len(lists) > 1 and v not in self.together
                items = ", ".join(of_list[saved] for saved in lists) if is_tuple else ""
                targets.append(f"({items})" if items else self.names[v])
                sources.append(self._source(each))
        if len(sources) == 1:
            return [f"{margin}for {targets[0].strip('()')} in {sources[0]}:"]
        return broken(f"{margin}for {', '.join(targets)} in {self._word('zip')}(", sources, "):", margin)

    def _source(self, each: Each) -> str:
        if each.kind.endswith("list"):
            saved = each.args[0]
            text = self.names[self.together.get(saved, (saved,))[0]]
        else:
            start, stop, step, *trips = each.args
            bounds = (start, stop, step) if step != 1 else (start, stop) if start != 0 else (stop,)
            text = f"{self._word('range')}({', '.join(to_text(self.spell(b)) for b in bounds)})"
            if trips:
                order = "[::-1]" if each.kind.endswith("first of reversed range") else ""
                text = f"{text}{order}[:{to_text(self.spell(trips[0]))}]"
        return f"{self._word('reversed')}({text})" if each.kind.startswith("reversed") else text

    def _word(self, builtin: str) -> str:
        return to_text(self.spell.public(builtin))


def broken(head: str, items: Sequence[str], tail: str, margin: str) -> list[str]:
    """A line with items in a bracket; several lines, if it is too long."""
    line = f"{head}{', '.join(items)}{tail}"
    if len(line) <= LINE:
        return [line]
    lines = [head]
    for item in items:
        last = f"{lines[-1]} {item},"
        if len(lines) > 1 and len(last) <= LINE:
            lines[-1] = last
        else:
            lines.append(f"{margin}{INDENT}{item},")
    return [*lines, f"{margin}{tail}"]


def _ends(branch: Branch, stop: Structure) -> list[Structure]:
    """Whether each side of a branch leaves the loop around it, which `stop` says."""
    if stop is False or not any(r is stop for r in branch.results):
        return [False, False]
    at = [r is stop for r in branch.results].index(True)
    return [False if b.raises else b.yields[at] for b in (branch.then, branch.orelse)]


def _opposite(test: ast.expr) -> ast.expr:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return test.operand
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and type(test.ops[0]) in (ast.Eq, ast.NotEq):
        op = ast.NotEq() if isinstance(test.ops[0], ast.Eq) else ast.Eq()
        return ast.Compare(test.left, [op], test.comparators)
    return ast.UnaryOp(ast.Not(), test)
