"""Grows a program statement by statement: each is run in worlds that differ in lengths, and is kept if NumPy takes it."""

from __future__ import annotations

import itertools
import math
import random
import re
import statistics
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.fuzz.calls.forms import FORMS, MADE, RESULTS, STATEMENTS, TESTS
from tests.fuzz.imperative.kinds import Choices, Dead
from tests.fuzz.imperative.program import Program, Situation, tidy

Env = dict[str, Any]
WORLDS = ((4, 3, 3), (5, 4, 2), (3, 4, 3))
LARGEST, MOST = 20.0, 150
HOLE = re.compile(r"\{(\w)(\d?)\}")
CHOICE = re.compile(r"<<(.*?)>>")
NESTED = 0.15
PARAMETERS = ("x", "y", "z", "A", "S", "w", "b", "k")
HELPER = "h"


class Grower:
    """What is grown, and what each name is in every world."""

    def __init__(self, choices: Choices, families: list[str], worlds: list[Env]) -> None:
        self.choices, self.families, self.worlds = choices, families, worlds
        self.names, self.loops = 0, 0
        self.helper, self.asks = "", ""  # its text, once there is one; what is asked of what it gives
        self.known: Env = {"np": np, "math": math, "statistics": statistics, "itertools": itertools}

    # -- running ------------------------------------------------------------------------------

    def tried(self, lines: list[str]) -> list[str]:
        """The lines, if they run in every world and give what is tame. Names are what they leave."""
        code = compile("\n".join(lines), "grown", "exec")
        after = []
        for env in self.worlds:
            new = {n: v.copy() if isinstance(v, np.ndarray) else v for n, v in env.items()}
            same = {id(v): new[n] for n, v in env.items()}  # two names of one array stay that
            new = {n: same[id(v)] for n, v in env.items()}
            try:
                with warnings.catch_warnings(), np.errstate(all="ignore"):
                    warnings.simplefilter("error")
                    exec(code, self.known, new)
            except Exception as e:
                raise Dead from e
            after.append(new)
        if any(not tame(v) for env in after for n, v in env.items() if n != HELPER):
            raise Dead
        self.worlds[:] = after
        return lines

    def value(self, text: str) -> list[Any]:
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("error")
                return [eval(text, {**self.known, **env}) for env in self.worlds]
        except Exception as e:
            raise Dead from e

    # -- expressions --------------------------------------------------------------------------

    def name(self, test: Callable[[Any], bool]) -> str:
        found = [n for n in self.worlds[0] if all(n in env and test(env[n]) for env in self.worlds)]
        return str(self.choices.recent(found))

    def filled(self, form: str, depth: int = 0) -> str:
        """The form with its holes filled and one of each of its choices."""
        form = CHOICE.sub(lambda found: self.choices.pick(found.group(1).split("|")), form)
        known: dict[str, str] = {}

        def part(found: re.Match[str]) -> str:
            letter, digit = found.groups()
            if not digit or found.group() not in known:
                known[found.group()] = known[letter] = self.part(letter, depth, known)
            return known[found.group()]

        return HOLE.sub(part, form)

    def part(self, letter: str, depth: int, known: dict[str, str]) -> str:
        c = self.choices
        if letter in MADE:
            text = self.filled(MADE[letter], depth + 1)
            return text
        if letter == "t":
            if c.chance(0.4 if self.loops else 0.15):
                return self.name(lambda v: not isinstance(v, (int, list)))
            self.names += 1
            return f"t{self.names}"
        if letter in "VU":
            return self.name(
                lambda v: (
                    is_array(v) and v.flags.writeable and (v.ndim == 1 or (letter == "U" and v.ndim > 0))
                )
            )
        if letter in "wxN":
            return self.beside(known, {"w": "v", "x": "uPkU", "N": "M"}[letter], depth)
        if letter in "vur" and depth < 2 and c.chance(NESTED):
            text = self.expression(depth + 1)
            if all(TAKES[letter](value) for value in self.value(text)):
                return f"({text})"
        if letter == "s":
            kind = c.weighted([(3.0, "name"), (1.0, "literal"), (1.5, "element"), (1.0, "sum")])
            if kind == "literal":
                return str(c.pick(["0.5", "-0.7", "1.3"]))
            if kind != "name":
                return (
                    self.name(is_vector) + "[0]" if kind == "element" else f"np.mean({self.name(is_array)})"
                )
        return self.name(TAKES[letter])

    def beside(self, known: dict[str, str], letters: str, depth: int) -> str:
        """An array of the shape of another one in the form."""
        first = next((known[letter] for letter in letters if letter in known), None)
        if first is None:
            return self.name(TAKES["u"])
        shapes = [np.shape(value) for value in self.value(first)]
        names = [
            n
            for n in self.worlds[0]
            if all(
                is_array(env.get(n)) and env[n].shape == s for env, s in zip(self.worlds, shapes, strict=True)
            )
        ]
        return str(self.choices.pick(names)) if names else f"np.sin({first})"

    def expression(self, depth: int = 0) -> str:
        c = self.choices
        if self.helper and c.chance(0.1):
            return self.filled(f"{HELPER}({{v}}, {{s}}){self.asks}", depth)
        return self.filled(c.pick(FORMS["plain" if c.chance(0.2) else c.pick(self.families)]), depth)

    # -- statements ---------------------------------------------------------------------------

    def statement(self) -> list[str]:
        c = self.choices
        if c.chance(0.3):
            return self.tried(self.filled(c.pick(STATEMENTS)).split("; "))
        text = self.expression()
        return self.tried([f"{self.part('t', 0, {})} = {text}"])

    def block(self, count: int, depth: int) -> list[str]:
        lines: list[str] = []
        for _ in range(count):
            for _attempt in range(40):
                names = self.names
                try:
                    lines += (
                        self.deeper(depth) if depth < 2 and self.choices.chance(0.25) else self.statement()
                    )
                    break
                except Dead:
                    self.names = names
        if not lines:
            raise Dead
        return lines

    def inside(self, count: int, depth: int, header: list[str]) -> list[str]:
        """A block that is grown in worlds of its own, after what stands in the header."""
        outside = self.worlds
        self.worlds = [dict(env) for env in outside]
        self.loops += header != ["pass"]
        try:
            self.tried(header)
            return [f"    {line}" for line in self.block(count, depth + 1)]
        finally:
            self.worlds = outside
            self.loops -= header != ["pass"]

    def deeper(self, depth: int) -> list[str]:
        c = self.choices
        count = c.between(1, 2)
        kind = c.pick(["if", "if", "for", "for", "for", "while", "list", "list", "exit"])
        if kind == "if":
            test = self.filled(c.pick(TESTS))
            lines = [f"if {test}:", *self.inside(count, depth, ["pass"])]
            if c.chance(0.7):
                lines += ["else:", *self.inside(count, depth, ["pass"])]
            return self.tried_both(test, lines)
        if kind == "exit":
            if depth or self.known.get("in helper"):
                raise Dead
            lines = [f"if {self.filled(c.pick(TESTS))}:", f"    return {self.result()}"]
            self.value(lines[0][3:-1])
            return lines
        self.names += 1
        i = f"i{self.names}"
        if kind == "list":
            over = self.filled(c.pick(["range(<<k|3>>)", "{u}"]))
            every, first = f"for {i} in {over}:", f"{i} = {'1' if over.startswith('range') else over + '[0]'}"
            body = self.inside(1, depth, [first])
            item = self.inside_name(body, i)
            lines = [f"l{i} = []", every, *body, f"    l{i}.append({item})"]
            return self.tried(
                [
                    *lines,
                    f"t{i} = {c.pick(['np.array({0})', 'np.stack({0})', 'sum({0})', '{0}[-1] * 0.5', 'np.concatenate([np.atleast_1d(e) for e in {0}])']).format(f'l{i}')}",
                ]
            )
        if kind == "while":
            body = self.inside(count, depth, [f"{i} = 1"])
            test = f"{i} < {c.pick(['k', '3'])}" + c.pick(["", " and " + self.filled(c.pick(TESTS))])
            return self.tried([f"{i} = 0", f"while {test}:", f"    {i} += 1", *body])
        form = c.pick(
            [
                "range(k)",
                "range(3)",
                "range(len({v}))",
                "{v}",
                "{M}",
                "enumerate({v})",
                "zip({v}, {w})",
                "range(k, 0, -1)",
                "({s}, {s})",
                "({v}, {w})",
            ]
        )
        over = self.filled(form)
        target, first = i, f"{i} = 1"
        if "enumerate" in form or "zip" in form:
            target = f"{i}, e{i}"
            first = f"{target} = list({over})[0]"
        elif "range" not in form:
            first = f"{i} = {over}[0]"
        body = self.inside(count, depth, [first])
        out = c.pick([[]] * 4 + [["break"], ["continue"]])
        if out:
            body[c.below(2) * len(body) : 0] = [f"    if {self.filled(c.pick(TESTS))}:", f"        {out[0]}"]
        return self.tried([f"for {target} in {over}:", *body])

    def inside_name(self, body: list[str], i: str) -> str:
        """What a body assigns to, or the loop's own name."""
        targets = [line.strip().partition(" = ")[0] for line in body if re.match(r"    \w+ = ", line)]
        return str(self.choices.pick(targets or [i]))

    def tried_both(self, test: str, lines: list[str]) -> list[str]:
        """A branch, after which there are the names that both sides leave alike."""
        before = self.worlds
        ends = []
        for way in ("True", "False"):
            self.worlds = [dict(env) for env in before]
            self.tried([f"if {way}:", *lines[1:]])
            ends.append(self.worlds)
        self.worlds = [dict(env) for env in before]
        self.tried(lines)
        for env, yes, no in zip(self.worlds, *ends, strict=True):
            for n in [n for n in env if n not in yes or n not in no or kind(yes[n]) != kind(no[n])]:
                del env[n]
        return lines

    def grow_helper(self) -> str:
        """A function of a vector and a number, or a class of objects that hold them."""
        c = self.choices
        outside, self.worlds = self.worlds, [{"p": env["x"].copy(), "c": 0.3} for env in self.worlds]
        self.known["in helper"] = True
        try:
            body = self.block(c.between(1, 3), 1)
            result = self.name(lambda v: is_array(v) or isinstance(v, float))
        finally:
            self.worlds = outside
            del self.known["in helper"]
        body = [f"    {line}" for line in (*body, f"return {result}")]
        if c.chance(0.3):
            self.asks = c.pick([".run()", ".found"])
            held = "        self.p, self.c = p, c"
            read = ["    def run(self):", "        p, c = self.p, self.c"]
            if self.asks == ".found":
                read = ["    @property", "    def found(self):", read[1]]
            body = ["    def __init__(self, p, c):", held, *read, *(f"    {line}" for line in body)]
        head = f"class {HELPER}:" if self.asks else f"def {HELPER}(p, c):"
        text = "\n".join([head, *body])
        exec(text, self.known)
        return text

    def result(self) -> str:
        """One number of what there is, the latest above all."""
        c = self.choices
        names = [
            n
            for n in self.worlds[0]
            if all(
                is_array(env.get(n)) or isinstance(env.get(n), (float, np.floating)) for env in self.worlds
            )
        ]
        chosen = dict.fromkeys([*names[-3:], c.pick(names)])
        text = " + ".join(
            c.pick(RESULTS[:3]).format(n) if not is_array(self.worlds[0][n]) else c.pick(RESULTS).format(n)
            for n in chosen
        )
        if not all(np.isfinite(v) and abs(v) < 1e4 for v in self.value(text)):
            raise Dead
        return text


def is_array(v: Any) -> bool:
    return isinstance(v, np.ndarray) and v.dtype == float and v.ndim > 0


def is_vector(v: Any) -> bool:
    return is_array(v) and v.ndim == 1


def is_matrix(v: Any) -> bool:
    return is_array(v) and v.ndim == 2


def is_number(v: Any) -> bool:
    return isinstance(v, (float, np.floating))


TAKES: dict[str, Callable[[Any], bool]] = {
    "v": is_vector, "M": is_matrix, "A": lambda v: is_matrix(v) and v.shape[0] == v.shape[1], "u": is_array, "s": is_number,
    "r": lambda v: is_array(v) or is_number(v),
}  # fmt: skip


def kind(v: Any) -> Any:
    return (type(v), v.ndim, v.dtype) if isinstance(v, np.ndarray) else type(v)


def tame(v: Any) -> bool:
    if isinstance(v, (list, tuple)):
        return all(map(tame, v))
    if isinstance(v, dict):
        return all(map(tame, v.values()))
    if isinstance(v, np.ndarray):
        return (
            v.dtype.kind in "fib" and 0 < v.size < MOST and v.ndim < 5 and bool(np.all(np.abs(v) < LARGEST))
        )
    return isinstance(v, (bool, int, float, np.number, np.bool_)) and bool(abs(v) < LARGEST)


def generate(source: random.Random) -> Program:
    """A program. Where a choice leads nowhere, another is begun."""
    while True:
        try:
            return _generate(Choices(source))
        except Dead:
            continue


def _generate(c: Choices) -> Program:
    numbers = c.below(10**6)
    optional = [p for p in PARAMETERS[1:] if p in "Ak" or c.chance(0.5)]
    parameters = ("x", *optional)
    layout = c.weighted([(0.9, "C"), (0.05, "F"), (0.05, "strided")])
    found = Program("", parameters, None, numbers, WORLDS[: c.between(2, 3)], False, layout)
    worlds = [dict(zip(parameters, found.arguments(Situation(w)), strict=True)) for w in found.worlds]
    families = [c.pick([family for family in FORMS if family != "plain"]) for _ in range(2)]
    grower = Grower(c, families, worlds)
    if c.chance(0.3):
        grower.helper = grower.grow_helper()
    body = [line for _ in range(c.between(2, 5)) for line in grower.block(1, 0)]
    body.append(f"return {grower.result()}")
    lines = [f"def f({', '.join(parameters)}):", *(f"    {line}" for line in body)]
    text = "\n\n\n".join([*([grower.helper] if grower.helper else []), "\n".join(lines)])
    return Program(tidy(text), parameters, None, numbers, found.worlds, False, layout)
