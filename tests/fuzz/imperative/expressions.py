"""Random expressions, well-typed by construction and tame: small values give small values.

Forms are texts with holes: `{n}` a number, `{v}` a vector, `{M}` a matrix, `{c}` a condition … A hole with a digit
stands for the same text everywhere in its form. Holes are filled in brackets; `ast.unparse` removes them at the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.fuzz.imperative.kinds import NUMBER, Choices, Dead, Kind, Scope, matrix, vector

HOLE = re.compile(r"\{(\w)(\d?)\}")
DEPTH = 2

NUMBERS = (
    *["{n} + 0.5 * {n}"] * 3, *["{n} - {n}"] * 2, *["{n} * {n}"] * 4, "0.3 * {n}", "-{n}", "{n} / (1.5 + {n1} * {n1})",
    "np.sin({n})", "np.tanh({n})", "math.tanh({n})", "math.sin({n})", "np.exp(-({n1} * {n1}))", "math.cos({n})",
    "{n} ** 2", "0.2 * {n} ** 3", "abs({n})", "max({n}, {n})", "min({n}, 0.4)", "{n} if {c} else {n}",
    "({n1} * {n1} + 0.5) ** 0.7", "np.sqrt({n1} * {n1} + 0.3)", "np.where({c}, {n}, {n})", "float({n})",
)  # fmt: skip
OF_VECTORS = (
    "0.3 * np.sum({v})", "np.mean({v})" , "{w}.sum() * 0.2", "{w} @ {v} * 0.2", "np.dot({w}, {v}) * 0.2", "np.max({w})",
    "{w}.mean()", "np.sum({w} * {v}) * 0.2", "0.3 * sum({w})", "np.linalg.norm({w}) * 0.4", "np.min({v})",
)  # fmt: skip
VECTORS = (
    *["0.5 * ({v} + {v})", "0.4 * {v} * {v}", "{v} - 0.3 * {v}", "{n} * {v}", "{w} + {n}"] * 3, "np.tanh({v})",
    "np.sin({v})", "np.cos({v})", "{v} / (1.5 + {w1} * {w1})", "np.exp(-({w1} * {w1}))", "-{v}", "{v} ** 2 * 0.3",
    "np.where({w} > {l}, {v}, {v})", "np.maximum({v}, {w})", "np.abs({v})", "0.3 * np.cumsum({v})", "{v}[::-1]",
    "np.roll({w}, 1)", "{w}.copy()", "{v} - np.mean({w})", "{v} if {c} else {v}", "np.square({v}) * 0.3", "{l} - {v}",
    "np.array({w})", "np.sort({w})", "np.clip({v}, -0.9, 0.9)", "np.full({L}, {n})", "np.ones({L}) * {n}",
    "np.concatenate([{w}[:1], {w}[1:]])", "np.asarray({w}) * {n}",
)  # fmt: skip
MATRICES = (
    *["0.5 * ({M} + {M})", "0.4 * {M} * {M}", "{n} * {M}", "{M} - 0.3 * {M}"] * 2, "np.tanh({M})", "np.sin({M})",
    "{M} + {C}[:, None]", "{M} * {R}", "0.5 * np.outer({C}, {R})", "{T}.T", "{M}.copy()", "np.cos({M})", "{M} + {n}",
    "{M} / (1.5 + {M1} * {M1})", "np.where({M} > 0.1, {M}, {n})", "np.abs({M})", "{M} - {M}.mean(axis=0)",
    "np.zeros(({P}, {Q})) + {n}", "0.3 * np.cumsum({M}, axis=1)",
)  # fmt: skip
CONDITIONS = (
    *["{l} > {l}", "{l} < 0.3", "{n} > 0.1", "{l} >= -0.2"] * 3, "{l} < {n} < 1.5", "{c} and {c}", "{c} or {c}", "not {c}",
)  # fmt: skip
# Forms that a feature adds: conversions, where a function becomes piecewise; what overflows on the way, which no
# gradient goes through; the module's state; calls that no differentiated value enters.
MORE_NUMBERS: dict[str, tuple[str, ...]] = {
    "whole": (
        "0.2 * int(3.0 * {n})", "{n1} - int({n1})", "0.3 * np.floor(2.5 * {n})", "0.3 * round(4.0 * {n})", "bool({n}) * {n}",
        "float(int(2.0 * {n}))", "0.2 * math.floor(3.0 * {n})", "({n} > 0.1) * {n}", "{n1} - np.rint({n1})", "int({c}) * {n}",
        "0.1 * np.int64(5.0 * {n})", "0.2 * math.trunc(3.0 * {n}) * {n}", "np.float64(3.0 * {n}).astype(int) * 0.1",
    ),
    "overflow": (
        "({n} if {o} else {n})", "np.where({o}, {n}, {n})", "{o} * {n}", "min({O}, 1.0) * 0.0 + {n}", "({n} if {O} > 1.0 else {n})",
        "({E1} if {E1} < 50.0 else {n})", "({n} if {E1} > 50.0 else 0.1 * {E1})", "min({E}, 2.0)",
    ),
    "state": (
        "0.5 * GV[1]", "GL[0] * {n}", "GD['c'] * {n}", "0.2 * np.sum(GV)", "0.3 * sum(GL)", "np.max(GD['v']) * 0.5",
        "GD['v'][0] - {n}", "0.1 * len(GL) * {n}", "GV.mean() * {n}", "({n} if GD['c'] > 0.4 else {n})", "GL[-1] + {n}",
    ),
    "constant": (
        "np.percentile(DATA, 5) * {n}", "0.1 * len(np.unique(LABELS))", "0.1 * np.histogram(DATA)[0][0]", "safe(3) * {n}",
        "0.1 * np.median(DATA)", "0.1 * math.lgamma(3.5)", "0.1 * np.bincount(LABELS)[2]", "safe(len(GL)) * {n}",
        "0.1 * np.unique(DATA > 0).size", "np.quantile(DATA, 0.4) + {n}", "safe(0)", "0.1 * float(np.unique(LABELS)[-1])",
    ),
}  # fmt: skip
MORE_VECTORS: dict[str, tuple[str, ...]] = {
    "whole": (
        "{w1} - {w1}.astype(int)", "0.2 * (3.0 * {v}).astype(int)", "0.3 * np.floor(2.5 * {v})", "{v}.astype(bool) * {v}",
        "{v} - np.asarray({v}, dtype=int)", "0.2 * np.array(3.0 * {v}, dtype=int)", "np.where({w}.astype(bool), {v}, {v})",
        "np.cumsum(2.0 * {v}, dtype=int) * 0.1", "0.1 * np.full({L}, 4.0 * {n}, dtype=int)", "np.trunc(2.0 * {v}) * {n}",
        "np.round(2.0 * {v}) * 0.2", "{v}.astype(np.int32) + {v}", "({w} > {l}) * {v}", "np.clip((3.0 * {v}).astype(int), -1, 1) * {v}",
        "{w1}[np.abs(3.0 * {w1}).astype(int) % {L}]", "np.full_like({v}, {n})", "np.zeros_like({w}, dtype=int) + {v}",
        "np.maximum({v}, (2.0 * {v}).astype(int))", "np.sum(3.0 * {v}, dtype=int) * {v}", "np.repeat({v}, 2)[::2]",
    ),
    "overflow": ("np.where({O} > 1.0, {v}, {v})", "np.where(np.exp(900.0 * {w}) > 1e300, {v}, {v})", "({v} if {o} else {v})"),
    "state": ("GV[0] * {v}", "{v} + GD['c']", "GL[1] * {v}", "np.sum(GV) * 0.2 * {v}"),
    "constant": ("np.percentile(DATA, 30) + {v}", "{v} * safe(2)"),
}  # fmt: skip
HUGE_NUMBERS = (
    "np.exp(900.0 * {n})", "math.exp(400.0 * {n})", "np.sinh(800.0 * {n})", "np.cosh(900.0 * {n})", "(50.0 * {n}) ** 200",
    "{n} * 1e200 * 1e200", "np.power(80.0 * abs({n}), 190.0)", "np.exp(np.exp(9.0 * {n}))", "np.float64(1e200 * {n}) * 1e200",
    "math.cosh(500.0 * {n})", "np.expm1(900.0 * {n})", "np.square(1e200 * {n})", "1.0 / np.exp(-900.0 * {n})",
    "np.log({n})", "np.sqrt({n})", "np.arcsin(2.0 * {n})", "np.divide(1.0, {n1} - {n1})", "np.log1p(-3.0 * abs({n}))",
)  # fmt: skip
STEEP_NUMBERS = (  # which overflow where arguments are large, and have a derivative where they are not
    "np.exp(70.0 * {n})", "math.exp(70.0 * {n})", "np.sinh(80.0 * {n})", "np.cosh(75.0 * {n})", "(1.0 + abs({n})) ** 300",
    "np.expm1(80.0 * {n})", "np.exp(6.0 * {n}) ** 12", "math.sinh(75.0 * {n})", "np.power(1.0 + {n1} * {n1}, 160.0)",
)  # fmt: skip
LITERALS = ("0.5", "-0.7", "1.3", "0.2", "2.0", "-0.25", "G")


class Expressions:
    """Grows expressions from what is in scope."""

    def __init__(self, choices: Choices, features: frozenset[str], scope: Scope) -> None:
        self.choices, self.features, self.scope = choices, features, scope
        self.names = 0
        self.helpers: list[Helper] = []

    def fresh(self, letter: str) -> str:
        self.names += 1
        return f"{letter}{self.names}"

    def has(self, feature: str, probability: float = 1.0) -> bool:
        return feature in self.features and self.choices.chance(probability)

    # -- filling forms ------------------------------------------------------------------------

    def fill(self, form: str, depth: int = 0, dims: tuple[str, ...] = ()) -> str:
        known: dict[str, str] = {}

        def hole(match: re.Match[str]) -> str:
            letter, digit = match.groups()
            if digit and match.group() in known:
                return known[match.group()]
            text = known[match.group()] = f"({self.part(letter, depth + 1, dims)})"
            return text

        return HOLE.sub(hole, form)

    def part(self, letter: str, depth: int, dims: tuple[str, ...]) -> str:
        first, last = (dims[0], dims[-1]) if dims else ("", "")
        makers: dict[str, Callable[[], str]] = {
            "n": lambda: self.number(depth),
            "l": self.leaf,
            "c": lambda: self.condition(depth),
            "v": lambda: self.vector(first, depth),
            "w": lambda: self.vector_leaf(first),
            "L": lambda: self.length(first),
            "M": lambda: self.matrix(first, last, depth),
            "T": lambda: self.matrix(last, first, depth),
            "C": lambda: self.vector(first, depth),
            "R": lambda: self.vector(last, depth),
            "P": lambda: self.length(first),
            "Q": lambda: self.length(last),
            "O": lambda: self.huge(depth),
            "E": lambda: self.fill(self.choices.pick(STEEP_NUMBERS), max(depth, DEPTH)),
            "o": lambda: (
                f"{self.huge(depth)} {self.choices.pick(['> 1e300', '< np.inf', '> 1.0', '!= np.inf'])}"
            ),
        }
        return makers[letter]()

    # -- numbers ------------------------------------------------------------------------------

    def number(self, depth: int = 0) -> str:
        if depth > DEPTH or self.choices.chance(0.35):
            return self.leaf()
        if self.choices.chance(0.15) and self.scope.arrays(1):
            return self.fill(self.choices.pick(OF_VECTORS), depth, (self.dim(),))
        helpers = [h for h in self.helpers if h.gives == NUMBER]
        if helpers and self.choices.chance(0.2):
            return self.called(self.choices.pick(helpers), None)
        return self.fill(self.form(NUMBERS, MORE_NUMBERS), depth)

    def form(self, ordinary: tuple[str, ...], more: dict[str, tuple[str, ...]]) -> str:
        """One of the forms that the program's features allow."""
        extra = [form for feature, forms in more.items() if feature in self.features for form in forms]
        return self.choices.pick(extra if extra and self.choices.chance(0.3) else ordinary)

    def huge(self, depth: int) -> str:
        """A number that often overflows, or would in NumPy and raises in `math`."""
        return self.fill(self.choices.pick(HUGE_NUMBERS), max(depth, DEPTH))

    def leaf(self) -> str:
        """A number in scope, an element, or a literal."""
        c = self.choices
        names = self.scope.of(NUMBER)
        vectors, matrices = self.scope.arrays(1), self.scope.arrays(2)
        kind = c.weighted(
            [
                (4.0 * bool(names), "name"),
                (3.0 * bool(vectors), "element"),
                (2.0 * bool(matrices), "cell"),
                (1.0, "literal"),
                (0.8 * bool(self.scope.counters), "counter"),
                (1.5 * bool(self.scope.lists()), "item"),
            ]
        )
        if kind == "name":
            return c.recent(names)
        if kind == "element":
            name = c.recent(vectors)
            return f"{name}[{self.index(self.scope.places[name].kind.dims[0])}]"
        if kind == "cell":
            name = c.recent(matrices)
            i, j = (self.index(d) for d in self.scope.places[name].kind.dims)
            return f"{name}[{i}, {j}]" if c.chance(0.7) else f"{name}[{i}][{j}]"
        if kind == "counter":
            return f"0.1 * {c.recent(self.scope.counters)}"
        if kind == "item":
            return self.of_list(NUMBER)
        return c.pick(LITERALS)

    def of_list(self, kind: Kind) -> str:
        """What a list of numbers or vectors gives."""
        c = self.choices
        names = [n for n in self.scope.lists() if self.scope.places[n].kind.item == kind]
        name = c.recent(names)
        if not self.scope.places[name].kind.filled:
            guarded = f"({name}[-1] if {name} else {{}})"
            if kind == NUMBER:
                return c.pick([f"sum({name})", guarded.format("0.5"), f"np.sum(np.array({name}))"])
            return guarded.format(f"np.zeros({self.length(kind.dims[0])})")
        forms = [f"{name}[-1]", f"{name}[0]", f"{name}[len({name}) // 2]"]
        if kind == NUMBER:
            forms += [f"0.3 * sum({name})", f"np.mean(np.array({name}))", f"max({name})"]
        else:
            forms += [
                f"np.stack({name}).mean(axis=0)",
                f"0.3 * sum({name})",
                f"np.max(np.array({name}), axis=0)",
            ]
        return c.pick(forms)

    def index(self, dim: str) -> str:
        """An index along an axis, most often one of a loop around."""
        c = self.choices
        inside = self.scope.indices.get(dim, [])
        if inside and c.chance(0.85):
            return c.recent(inside)
        if self.scope.counters and c.chance(0.3):
            return f"{c.recent(self.scope.counters)} % {self.length(dim)}"
        return c.pick(["0", "-1"] * 4 + ["1"])

    def condition(self, depth: int = 0) -> str:
        c = self.choices
        counters = self.scope.counters
        if counters and c.chance(0.4):
            i = c.recent(counters)
            return c.pick([f"{i} % 2 == 0", f"{i} > 1", f"{i} == 0", f"{i} != 1", f"{i} < 2"])
        if self.scope.flags and c.chance(0.2):
            return c.pick(self.scope.flags)
        if self.scope.arrays(1) and c.chance(0.15):
            form = c.pick(["np.sum({w}) > 0.1", "np.any({w} > 0.6)", "{L} > 2", "np.all({w} < {l})"])
            return self.fill(form, depth, (self.dim(),))
        return self.fill(c.pick(CONDITIONS), depth)

    # -- arrays -------------------------------------------------------------------------------

    def dim(self) -> str:
        return self.choices.recent(self.scope.dims())

    def length(self, dim: str) -> str:
        """The length that a symbol stands for, as run-time text."""
        if dim.isdigit():
            return dim
        c = self.choices
        found: list[str] = []
        for name in self.scope.arrays():
            for axis, d in enumerate(self.scope.places[name].kind.dims):
                if d == dim:
                    found.append(f"{name}.shape[{axis}]")
                    if axis == 0:
                        found.append(f"len({name})")
        if found:
            return c.pick(found)
        if dim.endswith("-1"):
            return f"{self.length(dim[:-2])} - 1"
        raise Dead

    def vector(self, dim: str, depth: int = 0) -> str:
        c = self.choices
        if depth > DEPTH or c.chance(0.3):
            return self.vector_leaf(dim)
        helpers = [h for h in self.helpers if h.gives is not None and h.gives != NUMBER]
        if helpers and c.chance(0.15):
            return self.called(c.pick(helpers), dim)
        if c.chance(0.1):
            across = [n for n in self.scope.arrays(2) if self.scope.places[n].kind.dims[0] == dim]
            if across:
                name = c.pick(across)
                columns = self.scope.places[name].kind.dims[1]
                return self.fill(
                    f"{name} @ {{v}} * 0.4" if c.chance(0.7) else f"{name}.sum(axis=1) * 0.3",
                    depth,
                    (columns,),
                )
        return self.fill(self.form(VECTORS, MORE_VECTORS), depth, (dim,))

    def vector_leaf(self, dim: str) -> str:
        """A vector in scope, or a part of something in scope, that is as long."""
        c = self.choices
        found = [(3.0, n) for n in self.scope.of(vector(dim))]
        found += [(1.0, n) for n, d in self.scope.wholes.items() if d == dim]
        longer = self.scope.of(vector(dim[:-2])) if dim.endswith("-1") else []
        found += [(2.0, f"{n}[{s}]") for n in longer for s in ("1:", ":-1")]
        for name in self.scope.arrays(2):
            rows, columns = self.scope.places[name].kind.dims
            if columns == dim:
                found.append((1.0, f"{name}[{self.index(rows)}]"))
            if rows == dim:
                found.append((1.0, f"{name}[:, {self.index(columns)}]"))
        if dim == "p" and "gather" in self.features:
            found += [(3.0, f"{n}[idx]") for n in self.scope.of(vector("n"))]
        for name in self.scope.lists():
            if self.scope.places[name].kind.item == vector(dim):
                found.append((2.0, self.of_list(vector(dim))))
        if not found or c.chance(0.06):
            length = self.length(dim)
            return c.pick([f"np.zeros({length})", f"np.full({length}, {self.leaf()})", f"np.ones({length})"])
        return c.weighted(found)

    def matrix(self, rows: str, columns: str, depth: int = 0) -> str:
        c = self.choices
        names = self.scope.of(matrix(rows, columns))
        turned = [f"{n}.T" for n in self.scope.of(matrix(columns, rows))]
        if depth > 1 or c.chance(0.4):
            if names or turned:
                return c.pick(names * 2 + turned)
            return f"np.full(({self.length(rows)}, {self.length(columns)}), {self.leaf()})"
        return self.fill(c.pick(MATRICES), depth, (rows, columns))

    # -- calls --------------------------------------------------------------------------------

    def called(self, helper: Helper, dim: str | None, leaves: bool = False) -> str:
        """A call of a function of the module: `dim` binds its `d`."""
        dim = dim or self.dim()
        args = []
        for kind in helper.takes:
            if kind == NUMBER:
                args.append(self.leaf() if leaves else self.number(DEPTH))
            else:
                args.append(self.vector_leaf(dim))
        return f"{helper.name}({', '.join(args)})"


class Helper:
    """A function of the generated module."""

    def __init__(self, name: str, takes: tuple[Kind, ...], gives: Kind | None, lines: list[str]) -> None:
        self.name, self.takes, self.gives, self.lines = name, takes, gives, lines
