"""Statements with blocks: branches, loops of every form, and the ways out of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.fuzz.imperative.expressions import Helper
from tests.fuzz.imperative.kinds import NUMBER, Dead, Kind, Scope, vector
from tests.fuzz.imperative.traps import Traps

# What a program may be made of. Each program is given some of these: so one refused form does not hide the others.
FEATURES = (
    "range", "down", "rows", "values", "enumerate", "zip", "reversed", "while", "nested", "break", "continue",
    "return", "element", "slice", "fancy", "mask", "augment", "matrix", "view", "alias", "either", "swap", "buffer",
    "helper", "effect", "tuple", "list", "dict", "append", "grown", "one_side", "flag", "else", "leak", "gather",
    "params", "arrays", "raise", "static", "recursion", "whole", "overflow", "state", "constant", "written", "rebind",
)  # fmt: skip
RARE = {
    "raise": 0.1,
    "recursion": 0.05,
    "leak": 0.1,
    "either": 0.15,
    "else": 0.2,
    "params": 0.25,
    "arrays": 0.2,
    "whole": 0.25,
    "overflow": 0.2,
    "state": 0.2,
    "constant": 0.1,
    "written": 0.05,
    "rebind": 0.3,
}
DEEPEST = 3


@dataclass
class Header:
    """The first lines of a loop and what its body may know."""

    lines: list[str]
    first: list[str]  # the body's own first and last lines
    last: list[str]
    places: dict[str, Kind]
    indices: dict[str, list[str]]
    counters: list[str]
    before: list[str]


def indented(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]


class Blocks(Traps):
    """Grows a function's body."""

    depth = 0
    gives: Kind | None = NUMBER
    continues: tuple[bool, ...] = ()  # the loops around, and whether `continue` may stand in them

    # -- sequences ----------------------------------------------------------------------------

    def statements(self) -> list[tuple[float, Callable[[], list[str]]]]:
        has = self.features.__contains__
        deeper = self.depth < DEEPEST and (self.depth == 0 or has("nested") or not self.continues)
        table: list[tuple[float, Callable[[], list[str]], bool]] = [
            (2.0, self.assign_number, True),
            (2.0, self.assign_vector, True),
            (1.0, self.assign_matrix, has("matrix")),
            (2.5, self.accumulate, True),
            (3.0, self.store_element, has("element")),
            (3.0, self.store_slice, has("slice")),
            (2.0, self.store_fancy, has("fancy")),
            (2.0, self.store_mask, has("mask")),
            (2.5, self.augment_array, has("augment")),
            (2.0, self.view, has("view")),
            (1.2, self.alias, has("alias")),
            (0.8, self.either, has("either")),
            (1.5, self.swap, has("swap")),
            (0.7, self.swap_items, has("swap")),
            (1.0, self.ping_pong, has("swap") and self.depth == 0),
            (1.2, self.buffer, has("buffer")),
            (0.8, self.container, bool({"tuple", "list", "dict"} & self.features)),
            (1.0 if self.depth == 0 else 0.2, self.new_list, has("append")),
            (2.5, self.append, has("append")),
            (0.4, self.comprehension, has("append")),
            (2.0, self.call_for_effect, any(h.gives is None for h in self.helpers)),
            (0.5, self.flag, has("flag")),
            (3.5 if self.depth == 0 else 1.5, self.loop, deeper),
            (1.5, self.branch, self.depth < DEEPEST),
            (0.8, self.one_side, has("one_side") and self.depth < DEEPEST),
            (
                1.5 if self.continues else 0.3,
                self.leave,
                bool({"break", "continue", "return"} & self.features),
            ),
            (0.6, self.raises, has("raise")),
            (1.5, self.whole_numbers, has("whole")),
            (1.5, self.overflows, has("overflow")),
            (1.5, self.rebind, has("rebind")),
            (1.0, self.unknown_call, has("constant")),
            (2.0, self.write_state, has("written")),
        ]
        return [(weight, make) for weight, make, may in table if may]

    def block(self, length: int) -> list[str]:
        lines: list[str] = []
        for _ in range(length):
            for _attempt in range(20):
                before, names = self.scope.copy(), self.names
                try:
                    lines += self.choices.weighted(self.statements())()
                    break
                except Dead:
                    self.scope, self.names = before, names
        return lines or ["pass"]

    def inside(self, length: int) -> tuple[list[str], Scope]:
        """A block one level deeper, and the scope at its end; the scope here stays as it is."""
        outer = self.scope.copy()
        self.depth += 1
        try:
            lines = self.block(length)
        finally:
            self.depth -= 1
            inner, self.scope = self.scope, outer
        return lines, inner

    # -- branches -----------------------------------------------------------------------------

    def branch(self) -> list[str]:
        c = self.choices
        lines = [f"if {self.condition()}:"]
        then, scope = self.inside(c.between(1, 3))
        lines += indented(then)
        scopes = [scope]
        form = c.weighted([(0.5, "if"), (0.35, "else"), (0.15, "elif")])
        if form == "elif":
            lines.append(f"elif {self.condition()}:")
            other, scope = self.inside(c.between(1, 2))
            lines += indented(other)
            scopes.append(scope)
        if form == "if":
            scopes.append(self.scope)
        else:
            lines.append("else:")
            other, scope = self.inside(c.between(1, 2))
            lines += indented(other)
            scopes.append(scope)
        self.scope = scopes[0].joined(*scopes[1:])
        return lines

    def one_side(self) -> list[str]:
        """A name that is bound on one side only, and read where it is bound."""
        name, flag = self.fresh("t"), self.fresh("flag")
        lines = [f"{flag} = {self.condition()}", f"if {flag}:"]
        kind = NUMBER if self.choices.chance(0.5) else vector(self.dim())
        value = self.number(1) if kind == NUMBER else self.vector(kind.dims[0], 1)
        lines.append(f"    {name} = {value}")
        between = self.block(self.choices.between(0, 2))
        self.scope.add(name, kind)
        after, _ = self.inside(self.choices.between(1, 2))
        del self.scope.places[name]
        use = self.choices.recent(self.scope.of(NUMBER, rebinds=True))
        after.append(f"{use} = 0.5 * {use} + {name if kind == NUMBER else f'np.mean({name})'}")
        return lines + (between if between != ["pass"] else []) + [f"if {flag}:"] + indented(after)

    def raises(self) -> list[str]:
        test = self.condition()
        if self.choices.chance(0.5):
            return [f"assert not ({test})"]
        return [f"if {test}:", f"    raise {self.choices.pick(['ValueError', 'ArithmeticError'])}('no')"]

    def leave(self) -> list[str]:
        """A way out of the loop or of the function, under a condition."""
        c = self.choices
        ways = [w for w in ("break", "continue", "return") if w in self.features]
        if not self.continues:
            ways = [w for w in ways if w == "return"]
        elif not self.continues[-1]:
            ways = [w for w in ways if w != "continue"]
        way = c.pick(ways)
        test = self.condition()
        before, _ = self.inside(1) if c.chance(0.4) else ([], None)
        if way == "return":
            way = f"return {self.result()}".rstrip()
        return [f"if {test}:", *indented(before), f"    {way}"]

    def result(self) -> str:
        """What the function returns, from what is in scope."""
        c = self.choices
        if self.gives is None:
            return ""
        if self.gives != NUMBER:
            return self.vector(self.gives.dims[0], 1)
        terms = []
        names = list(self.scope.places)
        for _ in range(c.between(1, 3) if self.depth else c.between(3, 6)):
            if not names:
                break
            name = c.recent(names)
            names.remove(name)
            kind = self.scope.places[name].kind
            if kind == NUMBER:
                terms.append(c.pick([name, f"{name} * {name}", f"np.sin({name})"]))
            elif kind.form == "list":
                assert kind.item is not None
                text = self.of_list(kind.item)
                terms.append(text if kind.item == NUMBER else f"np.sum({text})")
            else:
                terms.append(
                    c.pick([f"np.sum({name})", f"np.sum({name} * {name})", f"np.sum(np.sin({name}))",
                            f"np.sum(np.cos({name})) * 0.5"])
                )  # fmt: skip
        return " + ".join(terms) or self.number()

    # -- loops --------------------------------------------------------------------------------

    def a_loop(self) -> list[str]:
        """A loop in any case."""
        for _attempt in range(20):
            before, names = self.scope.copy(), self.names
            try:
                return self.loop()
            except Dead:
                self.scope, self.names = before, names
        return []

    def loop(self) -> list[str]:
        c = self.choices
        has = self.features.__contains__
        vectors = bool(self.scope.arrays(1))
        header: Header = c.weighted(
            [
                (3.0, self.over_lengths),
                (2.0 * bool(self.scope.counters), self.over_count),
                (1.5 * has("values") * vectors, self.over_values),
                (1.5 * has("rows"), self.over_rows),
                (1.5 * has("enumerate"), self.enumerated),
                (1.5 * has("zip"), self.zipped),
                (1.0 * has("static"), self.over_static),
                (2.5 * has("while"), self.while_),
            ]
        )()
        outer = self.scope.copy()
        for name, kind in header.places.items():
            self.scope.add(name, kind)
        for dim, expressions in header.indices.items():
            self.scope.indices[dim] = [*self.scope.indices.get(dim, []), *expressions]
        self.scope.counters += header.counters
        around = self.continues
        self.continues = (*around, not header.last)
        body, after = self.inside(c.between(1, 4))
        self.continues = around
        kept = outer.joined(after)
        if self.has("leak", 0.5):  # what the last trip leaves
            added = set(after.places) - set(outer.places)
            kept.places.update({n: after.places[n] for n in sorted(added) if "[" not in n})
        self.scope = kept
        lines = [*header.before, *header.lines]
        lines += indented([*header.first, *body, *header.last])
        if self.has("else", 0.4):
            lines += ["else:", *indented(self.inside(1)[0])]
        return lines

    def over_lengths(self) -> Header:
        """`range` over the length of an axis: the loop's name is an index along it."""
        c = self.choices
        dims = [d for n in self.scope.arrays() for d in self.scope.places[n].kind.dims]
        dim, i = c.recent(dims), self.fresh("i")
        length = self.length(dim)
        indices = {dim: [i], f"{dim}-1": []}
        forms = [f"range({length})"] * 3 + [f"range(0, {length}, 2)", f"range({length} // 2)"]
        shifted = [(f"range(1, {length})", f"{i} - 1"), (f"range({length} - 1)", f"{i} + 1")] * 2
        if "down" in self.features:
            forms += [f"range({length} - 1, -1, -1)"] * 2
            shifted += [
                (f"range({length} - 1, 0, -1)", f"{i} - 1"),
                (f"range({length} - 2, -1, -1)", f"{i} + 1"),
            ]
        if "reversed" in self.features:
            forms += [f"reversed(range({length}))"]
            shifted += [(f"reversed(range(1, {length}))", f"{i} - 1")]
        inner = [e for e in self.scope.indices.get(dim, []) if e.isidentifier()]
        if inner:  # a triangle
            forms += [f"range({c.pick(inner)}, {length})", f"range({c.pick(inner)})"]
            shifted += [(f"range({c.pick(inner)} + 1, {length})", f"{i} - 1")]
        if c.chance(0.4):
            text, beside = c.pick(shifted)
            indices[dim].append(beside)
        else:
            text = c.pick(forms)
        return Header([f"for {i} in {text}:"], [], [], {}, indices, [i], [])

    def over_count(self) -> Header:
        """`range` over a run-time integer, which is no index."""
        c = self.choices
        t, k = self.fresh("t"), c.pick(self.scope.counters)
        forms = [f"range({k})"] * 4 + [
            f"range({k} + 1)",
            f"range(2, 2 + {k})",
            f"range({k} - 1)",
            f"range(0, 2 * {k}, 2)",
        ]
        if "down" in self.features:
            forms += [f"range({k}, 0, -1)", f"range({k} - 1, -1, -1)", f"range(3, -{k}, -2)"]
        if "reversed" in self.features:
            forms += [f"reversed(range({k}))"]
        return Header([f"for {t} in {c.pick(forms)}:"], [], [], {}, {}, [t], [])

    def over_values(self) -> Header:
        c = self.choices
        e = self.fresh("e")
        name = c.recent(self.scope.arrays(1))
        forms = [name, name, f"{name}[1:]", f"{name}[::-1]", f"np.sin({name})", f"{name} * {self.leaf()}"]
        if "reversed" in self.features:
            forms.append(f"reversed({name})")
        forms += [n for n in self.scope.lists() if self.scope.places[n].kind.item == NUMBER]
        return Header([f"for {e} in {c.pick(forms)}:"], [], [], {e: NUMBER}, {}, [], [])

    def over_rows(self) -> Header:
        """The rows of a matrix: views, which may be written."""
        c = self.choices
        name, row = c.recent(self.scope.arrays(2)), self.fresh("row")
        rows, columns = self.scope.places[name].kind.dims
        text, dim = c.pick(
            [(name, columns)] * 3
            + [(f"{name}.T", rows), (f"{name}[1:]", columns), (f"{name}[::-1]", columns)]
        )
        return Header([f"for {row} in {text}:"], [], [], {row: vector(dim)}, {}, [], [])

    def enumerated(self) -> Header:
        c = self.choices
        name, i, e = c.recent(self.scope.arrays()), self.fresh("i"), self.fresh("e")
        dims = self.scope.places[name].kind.dims
        kind = NUMBER if len(dims) == 1 else vector(dims[1])
        if c.chance(0.2):
            return Header(
                [f"for {i}, {e} in enumerate({name}, 1):"],
                [],
                [],
                {e: kind},
                {dims[0]: [f"{i} - 1"]},
                [i],
                [],
            )
        return Header([f"for {i}, {e} in enumerate({name}):"], [], [], {e: kind}, {dims[0]: [i]}, [i], [])

    def zipped(self) -> Header:
        c = self.choices
        names = [c.recent(self.scope.arrays()) for _ in range(2)]
        e, f, i = self.fresh("e"), self.fresh("f"), self.fresh("i")
        kinds = [
            NUMBER if len(d) == 1 else vector(d[1]) for d in (self.scope.places[n].kind.dims for n in names)
        ]
        places = {e: kinds[0], f: kinds[1]}
        texts = [n if c.chance(0.8) else f"{n}[1:]" for n in names]
        if "reversed" in self.features and c.chance(0.3):
            texts[1] = f"reversed({names[1]})"
        inside = f"zip({', '.join(texts)})"
        if "enumerate" in self.features and c.chance(0.4):
            return Header([f"for {i}, ({e}, {f}) in enumerate({inside}):"], [], [], places, {}, [i], [])
        if c.chance(0.3):
            dim = self.scope.places[names[0]].kind.dims[0]
            text = f"for {i}, {e} in zip(range(len({names[0]})), {names[0]}):"
            return Header([text], [], [], {e: kinds[0]}, {dim: [i]}, [i], [])
        return Header([f"for {e}, {f} in {inside}:"], [], [], places, {}, [], [])

    def over_static(self) -> Header:
        """Over what is known while compiling, or over Python containers."""
        c = self.choices
        e = self.fresh("e")
        kind = NUMBER if c.chance(0.5) else vector(self.dim())
        items = [
            self.number(1) if kind == NUMBER else self.vector_leaf(kind.dims[0])
            for _ in range(c.between(1, 3))
        ]
        if c.chance(0.3):
            return Header([f"for {e} in range({c.between(0, 3)}):"], [], [], {}, {}, [e], [])
        if "gather" in self.features and c.chance(0.3):
            return Header([f"for {e} in idx:"], [], [], {}, {"n": [e]}, [e], [])
        text = f"({', '.join(items)},)" if c.chance(0.5) else f"[{', '.join(items)}]"
        return Header([f"for {e} in {text}:"], [], [], {e: kind}, {}, [], [])

    def while_(self) -> Header:
        c = self.choices
        j = self.fresh("j")
        dim = self.dim()
        length = self.length(dim)
        bound = c.pick([length, *self.scope.counters, "3"])
        step = c.pick([f"{j} += 1", f"{j} = {j} + 1"])
        form = c.pick(["first", "last", "down", "true", "until", "halve"])
        along = {dim: [j]} if bound == length else {}
        if form == "first":
            before = {dim: [f"{j} - 1"]} if bound == length else {}
            return Header([f"while {j} < {bound}:"], [step], [], {}, before, [j], [f"{j} = 0"])
        if form == "last":
            return Header([f"while {j} < {bound}:"], [], [step], {}, along, [j], [f"{j} = 0"])
        if form == "down":
            return Header([f"while {j} > 0:"], [f"{j} -= 1"], [], {}, along, [j], [f"{j} = {bound}"])
        if form == "true":
            first = [f"if {j} >= {bound}:", "    break"]
            return Header(["while True:"], first, [step], {}, along, [j], [f"{j} = 0"])
        s = c.recent(self.scope.of(NUMBER, rebinds=True))
        if form == "until":
            test = f"while {j} < 4 and {self.condition(1)}:"
            return Header([test], [], [step], {}, {}, [j], [f"{j} = 0"])
        return Header(
            [f"while abs({s}) > 0.3 and {j} < 5:"], [f"{s} = 0.6 * {s}", step], [], {}, {}, [j], [f"{j} = 0"]
        )

    # -- helpers ------------------------------------------------------------------------------

    def grow_helper(self, name: str, gives: Kind | None) -> Helper:
        """A function of the module, of vectors of one length `d` and numbers."""
        c = self.choices
        takes = (vector("d"), *c.pick([(vector("d"), NUMBER), (NUMBER,), (vector("d"),)]))
        scope = Scope()
        letters = iter("pqr")
        parameters = [next(letters) if k != NUMBER else "c" for k in takes]
        for parameter, kind in zip(parameters, takes, strict=True):
            scope.add(parameter, kind)
        if "c" not in parameters:
            scope.add("r", NUMBER)
        features = self.features - {"return", "gather", "leak", "matrix", "rows"} | {"slice"}
        if c.chance(0.2):
            features |= {"return"}
        inner = Blocks(c, features, scope)
        inner.gives, inner.depth = gives, 1
        body = ["r = 0.5"] if "c" not in parameters else []
        if gives is None:  # it writes for sure
            body += inner.store_slice() if c.chance(0.5) else [f"p[:] {inner.vector_operator('d')}"]
        body += inner.block(c.between(1, 3))
        inner.depth = 0
        if gives is not None:
            body.append(f"return {inner.result() if gives == NUMBER else inner.vector('d')}")
        return Helper(name, takes, gives, [f"def {name}({', '.join(parameters)}):", *indented(body)])
