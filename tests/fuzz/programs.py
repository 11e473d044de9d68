"""Random programs of the supported language, as source text, well-typed by construction.

A program is grown statement by statement. Each candidate is run in several worlds at once, which differ
in the lengths of the arguments, and is kept only if it runs in all of them: so that one program is right
for lengths 5, 7 and 2 (where `x[1:]` has length 1), and the compiler is shown signatures that tell it little.
Imports NumPy and nothing of ours.
"""

from __future__ import annotations

import math
import random
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

# Lengths of the axes n and m, world by world. The first four share one signature.
WORLDS = ((5, 3), (7, 4), (2, 3), (3, 3), (1, 3), (4, 1))
TOO_MANY = 300

HELPERS = """\
def scaled(u, by=1.5, *, shift=0.0):
    return u * by + shift


def bent(u, w):
    if np.sum(u) > 0.25:
        return np.tanh(u) + w
    v = u * w
    return v - 0.5


def pair(u):
    total = u.sum()
    return np.sin(u), total


def clipped(u, low=-0.7):
    if u < low:
        return low + 0.1 * (u - low)
    return u
"""
GLOBALS = {"G": 0.75, "V": np.array([0.4, -1.1, 0.9]), "IDX": np.array([0, 1, 0]), "K": 2}


@dataclass
class Program:
    """Source text, and how its arguments are drawn for a world."""

    seed: int
    single: bool  # float32 arrays
    body: list[list[str]]  # statements, each of one or more lines
    parameters: tuple[str, ...]

    def text(self, body: list[list[str]] | None = None) -> str:
        lines = [line for statement in (self.body if body is None else body) for line in statement]
        head = f"def f({', '.join(self.parameters)}):\n"
        return HELPERS + "\n\n" + head + "\n".join("    " + line for line in lines) + "\n"

    def arguments(self, world: tuple[int, int], dtype: Any = None) -> tuple[Any, ...]:
        drawn = draw(self.seed, world, dtype or (np.float32 if self.single else float))
        return tuple(drawn[name] for name in self.parameters)


def draw(seed: int, world: tuple[int, int], dtype: Any) -> dict[str, Any]:
    """The arguments of a world. The numbers do not depend on the dtype."""
    n, m = world
    rng = np.random.default_rng(seed)

    def array(*shape: int) -> Any:
        return np.asarray(rng.uniform(-1.5, 1.5, shape), np.float32).astype(dtype)

    return {
        "x": array(n), "y": array(n), "z": array(m), "A": array(n, m), "B": array(m, n), "r": array(1, m),
        "T": array(2, n, m), "a": float(np.float32(rng.uniform(-1.5, 1.5))), "b": 0.5 + float(np.float32(rng.uniform())),
        "s": dtype(rng.uniform(0.2, 1.5)), "k": 2,
    }  # fmt: skip


class Dead(Exception):
    """A candidate that does not run in some world."""


def kind(value: Any) -> tuple[Any, ...]:
    """What the compiler must know of a value, and what it must be on both sides of a branch."""
    if isinstance(value, np.ndarray):
        return ("array", value.dtype, value.ndim)
    if isinstance(value, (tuple, list)):
        return (type(value), *map(kind, value))
    if isinstance(value, dict):
        return (dict, *((k, kind(v)) for k, v in value.items()))
    return (type(value),)


def sane(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return all(map(sane, value))
    if isinstance(value, dict):
        return all(map(sane, value.values()))
    if isinstance(value, np.ndarray):
        if value.ndim > 3 or value.size > TOO_MANY or value.dtype.kind not in "fib":
            return False
        return value.dtype.kind != "f" or bool(np.all(np.isfinite(value)) and np.all(np.abs(value) < 60))
    if isinstance(value, (bool, np.bool_)):
        return True
    if isinstance(value, (int, float, np.floating, np.integer)):
        return math.isfinite(value) and abs(value) < 60
    return False


Env = dict[str, Any]


@dataclass
class Grower:
    """Grows the body of one program in all worlds at once."""

    random: random.Random
    worlds: list[Env]
    names: int = 0
    globals: Env = field(default_factory=dict)

    # -- running ------------------------------------------------------------------------------

    def run(self, text: str, worlds: list[Env]) -> None:
        """Execute a statement in every world. Raises Dead."""
        for env in worlds:
            try:
                with warnings.catch_warnings(), np.errstate(all="ignore"):
                    warnings.simplefilter("ignore")
                    exec(text, {**self.globals}, env)
            except Exception as e:
                raise Dead from e

    def eval(self, text: str, worlds: list[Env]) -> list[Any]:
        values = []
        for env in worlds:
            try:
                with warnings.catch_warnings(), np.errstate(all="ignore"):
                    warnings.simplefilter("ignore")
                    value = eval(text, {**self.globals, **env})
            except Exception as e:
                raise Dead from e
            if not sane(value):
                raise Dead
            values.append(value)
        if len({kind(v) for v in values}) != 1:
            raise Dead
        return values

    # -- choosing -----------------------------------------------------------------------------

    def pick(self, worlds: list[Env], test: Callable[[Any], bool], fresh_first: bool = True) -> str:
        names = [n for n, v in worlds[0].items() if all(n in w and test(w[n]) for w in worlds)]
        if not names:
            raise Dead
        if fresh_first and self.random.random() < 0.5:
            return self.random.choice(names[-4:])
        return self.random.choice(names)

    def array(self, worlds: list[Env], rank: int | None = None) -> str:
        return self.pick(
            worlds, lambda v: is_array(v) and (v.ndim == rank if rank is not None else v.ndim > 0)
        )

    def number(self, worlds: list[Env]) -> str:
        """A floating-point number."""
        choice = self.random.random()
        if choice < 0.15:
            return self.random.choice(["0.5", "2.0", "-1.25", "G"])
        if choice < 0.3:
            return self.random.choice(
                ["{v}.sum()", "np.mean({v})", "np.max({v})", "np.sum({v} * {v})"]
            ).format(v=self.array(worlds))
        if choice < 0.4:
            return f"{self.array(worlds, 1)}[{self.random.choice(['0', '-1', '1'])}]"
        return self.pick(worlds, lambda v: isinstance(v, (float, np.floating)))

    def anything(self, worlds: list[Env]) -> str:
        return self.array(worlds) if self.random.random() < 0.7 else self.number(worlds)

    # -- expressions --------------------------------------------------------------------------

    def test(self, worlds: list[Env]) -> str:
        """A condition on run-time numbers."""
        r = self.random
        a, b, c = self.number(worlds), self.number(worlds), self.number(worlds)
        return r.choice(
            [
                f"{a} > {b}", f"{a} < 0.3", f"{a} >= {b}", f"{b} < {a} < {c}", f"-1.0 < {a} <= 0.5",
                f"{a} > 0.1 and {b} < 0.9", f"{a} < 0 or {b} > {c}", f"not {a} > {b}", f"np.any({self.array(worlds)} > 0.5)",
                f"{self.array(worlds, 1)}.shape[0] > 3", f"len({self.array(worlds)}) == 2", "k > 1",
            ]
        )  # fmt: skip

    def expression(self, worlds: list[Env], depth: int = 0) -> str:
        r = self.random
        form = r.choice(FORMS)
        parts: dict[str, str] = {}

        def get(letter: str, make: Callable[[], str]) -> None:
            if "{" + letter + "}" in form:
                nested = depth < 2 and letter in "uvw" and r.random() < 0.25
                parts[letter] = f"({self.expression(worlds, depth + 1)})" if nested else make()

        get("u", lambda: self.array(worlds))
        get("v", lambda: self.anything(worlds))
        get("w", lambda: self.anything(worlds))
        get("p", lambda: self.array(worlds, 1))
        get("q", lambda: self.array(worlds, 1))
        get("M", lambda: self.array(worlds, 2))
        get("N", lambda: self.array(worlds, 2))
        get("c", lambda: self.number(worlds))
        get("d", lambda: self.number(worlds))
        get("t", lambda: self.test(worlds))
        get("B", lambda: self.pick(worlds, lambda v: is_array(v) and v.ndim > 1))
        get("S", lambda: r.choice(SLICES))
        get("R", lambda: r.choice(SLICES))
        get("f", lambda: r.choice(UNARY))
        get("o", lambda: r.choice(["+", "-", "*", "+", "*", "/"]))
        get("x", lambda: r.choice(["0", "-1", "None", "0", "-1"]))
        get("h", lambda: r.choice(REDUCTIONS))
        get("i", lambda: r.choice(INDICES))
        get("e", lambda: r.choice([">", "<", ">=", "!="]))
        return form.format(**parts)

    # -- statements ---------------------------------------------------------------------------

    def fresh(self, worlds: list[Env]) -> str:
        if self.random.random() < 0.2:  # a name is used again
            try:
                return self.pick(worlds, lambda v: True, fresh_first=False)
            except Dead:
                pass
        self.names += 1
        return f"v{self.names}"

    def assign(self, worlds: list[Env]) -> list[str]:
        r = self.random
        text = self.expression(worlds)
        choice = r.random()
        if choice < 0.8:
            self.eval(text, worlds)
            name = self.fresh(worlds)
            statement = f"{name} = {text}"
        elif choice < 0.87:
            statement = f"{self.fresh(worlds)}, {self.fresh(worlds)} = ({text}, {self.expression(worlds)})"
        elif choice < 0.92:
            statement = f"{self.fresh(worlds)}, {self.fresh(worlds)} = pair({self.array(worlds)})"
        elif choice < 0.96:
            box, key = self.fresh(worlds), r.choice(["'p'", "1"])
            if key == "1":
                statement = f"{box} = [{text}, {self.anything(worlds)}, 2.0][{key}] * 1.5"
            else:
                statement = f"{box} = {{'p': {text}, 'q': {self.anything(worlds)}}}['p'] + 0.25"
        else:
            statement = f"{self.pick(worlds, lambda v: isinstance(v, (float, np.floating)))} {r.choice('+-*')}= {self.number(worlds)}"
        self.run(statement, worlds)
        for env in worlds:
            env.pop("__builtins__", None)
        changed = statement.split("=")[0].rstrip("+-* ").split(", ")
        for name in changed:
            name = name.strip()
            self.eval(name, worlds)
            for env in worlds:  # the latest comes last
                env[name] = env.pop(name)
        return [statement]

    def branch(self, worlds: list[Env], depth: int) -> list[str]:
        test = self.test(worlds)
        truth = self.eval(f"bool({test})", worlds)
        sides: list[tuple[list[str], list[Env]]] = []
        for _ in range(2):
            envs = [dict(w) for w in worlds]
            lines = self.block(envs, self.random.randint(1, 3), depth + 1)
            sides.append((lines, envs))
        (then, then_envs), (orelse, else_envs) = sides
        if self.random.random() < 0.3:
            orelse, else_envs = [], [dict(w) for w in worlds]
        out = [f"if {test}:", *("    " + line for line in then)]
        if orelse:
            out += ["else:", *("    " + line for line in orelse)]
        common = [
            n
            for n in then_envs[0]
            if n in else_envs[0] and len({kind(w[n]) for w in (*then_envs, *else_envs)}) == 1
        ]
        if not common:
            raise Dead
        for world, taken, a, b in zip(worlds, truth, then_envs, else_envs, strict=True):
            chosen = a if taken else b
            world.clear()
            world.update({n: chosen[n] for n in common})
        return out

    def early_return(self, worlds: list[Env]) -> list[str]:
        test = self.test(worlds)
        self.eval(f"bool({test})", worlds)
        value = self.result(worlds)
        return [f"if {test}:", f"    return {value}"]

    def block(self, worlds: list[Env], length: int, depth: int = 0) -> list[str]:
        lines: list[str] = []
        for _ in range(length):
            for _attempt in range(60):
                trial = [dict(w) for w in worlds]
                choice = self.random.random()
                try:
                    if depth < 2 and choice < 0.15:
                        new = self.branch(trial, depth)
                    elif choice < 0.17 and depth < 2:
                        new = self.early_return(trial)
                    else:
                        new = self.assign(trial)
                except Dead:
                    continue
                for world, t in zip(worlds, trial, strict=True):
                    world.clear()
                    world.update(t)
                lines += new
                break
        return lines or ["pass"]

    def result(self, worlds: list[Env]) -> str:
        """One real number of what there is."""
        terms = []
        for _ in range(self.random.randint(1, 3)):
            name = self.pick(worlds, lambda v: is_array(v) or isinstance(v, (float, np.floating)))
            value = worlds[0][name]
            if is_array(value) and value.ndim:
                form = self.random.choice(["np.sum({0})", "({0} * {0}).sum()", "np.mean({0})", "np.sum(np.cos({0}))",
                                           "np.sum({0} * {0}) * 0.5"])  # fmt: skip
            else:
                form = self.random.choice(["{0}", "{0} * {0}", "np.sin({0})"])
            terms.append(form.format(name))
        text = " + ".join(terms)
        self.eval(f"float({text})", worlds)
        return text


def is_array(v: Any) -> bool:
    return isinstance(v, np.ndarray) and v.dtype.kind == "f"


SLICES = ("1:", ":-1", "::2", "::-1", ":2", ":k", "1:3", "-2:", "k:", ":", "2:", ":1", "-1:", ":-2", "1:-1")
UNARY = ("np.sin", "np.cos", "np.tanh", "np.exp", "np.abs", "np.square", "np.negative", "scaled", "np.arctan")
REDUCTIONS = ("np.sum", "np.mean", "np.max", "np.min", "np.prod", "np.std", "np.var", "np.linalg.norm")
INDICES = (
    "[0, 0, 1]",
    "np.array([1, 0, 1, -1])",
    "IDX",
    "[[0, 1], [1, 1]]",
    "np.array([0])",
    "-1",
    "0",
    "k - 1",
)
FORMS = (
    *["{v} {o} {w}"] * 12, *["{f}({v})"] * 5, *["{u}[{S}]"] * 6, "{M}[{S}, {R}]", "{M}[:, {S}]", "{M}[..., 0]",
    "{u}[{u} > 0.1]", "{u}[{i}]", "{p}[{i}]", "{M}[:, {i}]", "{M}[{i}, {i}]", "{M}[{i}, 1:]", "{u}[None]",
    "{p}[:, None]", "{p}[None, :]", "{p}[:, None] * {q}", "{M} + {p}[:, None]", "{u}[..., None]",
    *["{h}({u}, axis={x})"] * 4, "{h}({M}, axis=1)", "{h}({u})", "np.sum({u}, axis={x}, keepdims=True)", "np.sum({u}, axis=0, keepdims=True)[0]",
    "{u}.mean(axis=0, keepdims=True)", "{u} - {u}.max(axis=-1, keepdims=True)", "np.cumsum({u}, axis={x})",
    "{p} @ {q}", "{M} @ {p}", "{p} @ {M}", "{M} @ {N}", "{M} @ {N}.T", "np.dot({u}, {p})", "np.outer({p}, {q})",
    "{B} @ {M}", "np.einsum('ij,j->i', {M}, {p})", "np.einsum('ij->ji', {M})", "np.einsum('i,i->', {p}, {q})",
    "{u}.T", "np.transpose({u})", "{u}.reshape(-1)", "{M}.ravel()", "{u}.reshape(-1, 1)", "np.reshape({u}, {u}.shape)",
    "{M}.reshape({M}.shape[1], -1)", "np.swapaxes({M}, 0, 1)", "np.expand_dims({u}, 0)", "np.squeeze({u}[None], 0)",
    "np.concatenate([{p}, {q}])", "np.concatenate([{p}[{S}], {q}[{R}]])", "np.concatenate([{M}, {N}], axis={x})",
    "np.stack([{p}, {q}])", "np.stack([{u}, {u} * 2.0], axis=-1)", "np.vstack([{p}, {q}])", "np.hstack([{p}, {c}, {q}])",
    "np.append({p}, {c})", "np.array([{c}, {d}])", "np.array([{c}, {d}, 1.0])",
    *["np.where({u} {e} {c}, {v}, {w})"] * 3, "np.where({u} > 0, np.log(np.abs({u}) + 0.1), {w})",
    "np.maximum({v}, {w})", "np.minimum({v}, {w})", "np.maximum({v}, 0.0)", "np.clip({v}, -0.5, 0.75)",
    "np.maximum(0, {v})", "np.hypot({v}, {w})", "np.arctan2({v}, {w})",
    "{v} ** 2", "{v} ** 3", "(np.abs({v}) + 0.05) ** 0.5", "(np.abs({v}) + 0.2) ** {w}", "np.sqrt({v} * {v} + 0.1)",
    "np.log({v} ** 2 + 0.3)", "1 / (1 + np.exp(-{v}))", "{v} / (np.abs({w}) + 0.5)", "np.float64({c})", "-{v}", "{v} % 0.7",
    *["{v} if {t} else {w}"] * 3, "({c} and {d})", "({c} or {d})", "max({c}, {d})", "min({c}, {d}, 0.3)", "abs({c})",
    "scaled({v}, by={c})", "scaled({v}, shift={c})", "bent({v}, {w})", "clipped({c})", "{p} * V[{S}]", "{u} * G",
    "(lambda t: t * {c} + {d})({v})", "{u} * {u}.shape[0]", "{u} / len({u})", "{u}.sum() / {u}.size",
    "{u} * k", "{c} * K", "np.diff({u}, axis={x})", "np.flip({u}, axis={x})", "np.roll({u}, 1)", "np.repeat({p}, 2)",
    "np.tile({p}, 2)", "np.pad({p}, 1)", "np.diag({p})", "np.diag({M})", "np.tril({M})", "np.trace({M})",
    "np.take({u}, {i})", "np.take({M}, [0, 1, 1], axis=1)", "np.sort({p})", "{p}[np.argsort({q})]", "np.broadcast_to({p}, (2, {p}.shape[0]))",
    "np.zeros({u}.shape) + {v}", "np.ones_like({u}) * {w}", "np.full({p}.shape, {c})", "np.linspace({c}, {d}, 4)",
    "np.array_split({p}, 2)[{i}]" , "np.split({u}, [1])[1]", "np.meshgrid({p}, {q})[0]", "np.median({p})",
    "np.linalg.norm({u}, axis={x}, keepdims=True)", "np.sum({u}, axis=(0, -1))" , "np.atleast_2d({v})", "np.float32({c}) * {v}",
    "np.nan_to_num({v})", "{v}.copy()", "np.asarray({v})", "{u}.astype(float)", "np.asarray({v}) + 0.0", "{u}.flatten()",
    "np.compress([True, False, True], {p})", "np.outer({p}, {p})[{i}]", "np.prod({u}, axis={x})",
    "np.arange({p}.shape[0]) * {p}", "np.eye(2) * {c}", "np.kron({p}, [1.0, 2.0])", "np.interp({c}, [-2.0, 0.0, 2.0], [0.0, {d}, 1.0])",
    "np.tensordot({M}, {N}, axes=([0], [0]))", "np.average({p}, weights=np.exp({p}))", "np.logaddexp({v}, {w})",
    "np.log(np.sum(np.exp({u})))", "np.exp({u}) / np.sum(np.exp({u}), axis=-1, keepdims=True)", "np.convolve({p}, {q})",
    "sum([{v}, {w}])", "[{v} * j for j in (1.0, 2.0)][1]",
)  # fmt: skip


def generate(seed: int, length: int | None = None) -> Program:
    """The program of a seed: the same one each time."""
    r = random.Random(seed)
    single = r.random() < 0.15
    everything = draw(seed, WORLDS[0], float)
    some = [n for n in everything if n not in ("a", "k") and r.random() < 0.5]
    parameters = tuple([*some, "a", "k"]) if any(n in some for n in "xyzABrT") else ("x", *some, "a", "k")
    program = Program(seed, single, [], parameters)
    scope: Env = {"np": np, "math": math, **GLOBALS}
    exec(HELPERS, scope)
    worlds = [dict(zip(parameters, program.arguments(w), strict=True)) for w in WORLDS[: r.choice([3, 4])]]
    grower = Grower(r, worlds, globals=scope)
    for _ in range(length or r.randint(2, 8)):
        program.body.append(grower.block(worlds, 1))
    for _ in range(200):
        try:
            program.body.append([f"return {grower.result(worlds)}"])
            return program
        except Dead:
            continue
    program.body.append(["return a * 2.0"])
    return program
