"""Statements without blocks: assignments, stores of every form, views, aliases, containers."""

from __future__ import annotations

from tests.fuzz.imperative.expressions import Expressions
from tests.fuzz.imperative.kinds import NUMBER, Dead, Kind, matrix, vector

TAME_FACTORS = ("0.5", "-0.8", "np.cos({n})", "(0.6 + 0.3 * np.tanh({n}))", "0.9")
TAME_VECTORS = ("np.cos({v})", "(0.6 + 0.3 * np.sin({v}))", "np.tanh({v})")


class Stores(Expressions):
    """Grows statements of one line. Each method gives lines and changes the scope."""

    # -- numbers and names --------------------------------------------------------------------

    def assign_number(self) -> list[str]:
        text = self.number()
        return [f"{self.target(NUMBER, 's')} = {text}"]

    def assign_vector(self) -> list[str]:
        dim = self.dim()
        text = self.vector(dim)
        return [f"{self.target(vector(dim), 'u')} = {text}"]

    def assign_matrix(self) -> list[str]:
        rows, columns = self.shape()
        text = self.matrix(rows, columns)
        return [f"{self.target(matrix(rows, columns), 'B')} = {text}"]

    def target(self, kind: Kind, letter: str) -> str:
        """A name to assign to: a new one, or an old one of the same kind."""
        old = self.scope.of(kind, rebinds=True)
        name = self.choices.recent(old) if old and self.choices.chance(0.5) else self.fresh(letter)
        self.scope.add(name, kind, rebinds=True)
        return name

    def shape(self) -> tuple[str, str]:
        rows, columns = self.scope.places[self.choices.recent(self.scope.arrays(2))].kind.dims
        return rows, columns

    def accumulate(self) -> list[str]:
        name = self.choices.recent(self.scope.of(NUMBER, rebinds=True))
        form = self.choices.pick(
            ["+= {n}", "-= 0.5 * {n}", "*= " + self.choices.pick(TAME_FACTORS), "/= 1.5 + {l1} * {l1}",
             "= 0.5 * {N} + {n}", "= {N} + 0.1 * {n}", "= {n} * {N}", "**= 2", "%= 1.7", "//= 0.3"][: 7 if self.choices.chance(0.93) else 10]
        )  # fmt: skip
        return [f"{name} {self.fill(form.replace('{N}', name))}"]

    def swap(self) -> list[str]:
        c = self.choices
        first = c.pick([n for n, p in self.scope.places.items() if p.rebinds and p.kind.form != "list"])
        kind = self.scope.places[first].kind
        others = [n for n in self.scope.of(kind, rebinds=True) if n != first]
        second = c.pick(others)
        if kind == NUMBER and c.chance(0.5):
            return [f"{first}, {second} = {second}, 0.5 * {first} + 0.4 * {second}"]
        return [f"{first}, {second} = {second}, {first}"]

    def swap_items(self) -> list[str]:
        """Two elements or rows change places."""
        c = self.choices
        if self.scope.arrays(2) and c.chance(0.5):
            name = c.recent(self.scope.arrays(2))
            return [f"{name}[[0, -1]] = {name}[[-1, 0]]"]
        name = c.recent(self.scope.arrays(1))
        dim = self.scope.places[name].kind.dims[0]
        first, second = (f"{name}[{self.index(dim)}]" for _ in range(2))
        return [f"{first}, {second} = {second}, {first}"]

    def ping_pong(self) -> list[str]:
        """Two buffers that take turns."""
        c = self.choices
        dim = self.dim()
        old, new, t = self.fresh("u"), self.fresh("u"), self.fresh("t")
        text = self.vector(dim, 1)
        lines = [f"{old} = {text}", f"{new} = np.{c.pick(['zeros', 'ones'])}({self.length(dim)})"]
        if c.chance(0.3):
            lines[0] = f"{old} = {self.vector_leaf(dim)}.copy()"
        self.scope.add(old, vector(dim))
        self.scope.add(new, vector(dim))
        step = c.pick(
            [
                f"{new}[1:-1] = 0.5 * ({old}[:-2] + {old}[2:])",
                f"{new}[1:] = {old}[:-1] * {self.leaf()}",
                f"{new}[:] = {self.vector(dim, 1)}",
                f"{new} += 0.4 * np.sin({old})",
            ]
        )
        turns = [f"{old}, {new} = {new}, {old}"]
        if c.chance(0.3):
            third = self.fresh("u")
            turns = [f"{third} = {old}", f"{old} = {new}", f"{new} = {third}"]
        trips = c.pick([*self.scope.counters, f"len({old})", "3"])
        return [*lines, f"for {t} in range({trips}):", *("    " + line for line in [step, *turns])]

    def alias(self) -> list[str]:
        if self.choices.chance(0.15):  # two names for one new array
            dim = self.dim()
            text, names = self.vector(dim, 1), [self.fresh("z"), self.fresh("z")]
            for name in names:
                self.scope.add(name, vector(dim))
            return [f"{names[0]} = {names[1]} = {text}"]
        old = self.choices.recent(self.scope.arrays())
        kind = self.scope.places[old].kind
        names = [n for n in self.scope.of(kind, rebinds=True) if n != old]
        name = self.choices.pick(names) if names and self.choices.chance(0.3) else self.fresh("z")
        self.scope.add(name, kind)
        return [f"{name} = {old}"]

    def either(self) -> list[str]:
        """One of two arrays, by a run-time condition."""
        kind = vector(self.dim())
        a, b = (self.choices.recent(self.scope.of(kind)) for _ in range(2))
        name = self.fresh("z")
        test = self.condition()
        self.scope.add(name, kind)
        return [f"{name} = {a} if {test} else {b}"]

    def flag(self) -> list[str]:
        text, name = self.condition(), self.fresh("flag")
        self.scope.flags.append(name)
        return [f"{name} = {text}"]

    # -- views --------------------------------------------------------------------------------

    def view(self) -> list[str]:
        c = self.choices
        old = c.recent(self.scope.arrays())
        dims = self.scope.places[old].kind.dims
        if len(dims) == 2:
            rows, columns = dims
            text, kind = c.pick(
                [
                    (f"{old}[{self.index(rows)}]", vector(columns)),
                    (f"{old}[:, {self.index(columns)}]", vector(rows)),
                    (f"{old}.T", matrix(columns, rows)),
                    (f"{old}[1:]", matrix(rows + "-1", columns)),
                    (f"{old}[:, :-1]", matrix(rows, columns + "-1")),
                    (f"{old}[::-1]", matrix(rows, columns)),
                    (f"{old}.reshape(-1)", vector(f"{rows}*{columns}")),
                    (f"{old}.ravel()", vector(f"{rows}*{columns}")),
                ]
            )
        else:
            dim = dims[0]
            text, kind = c.pick(
                [
                    (f"{old}[1:]", vector(dim + "-1")),
                    (f"{old}[:-1]", vector(dim + "-1")),
                    (f"{old}[::-1]", vector(dim)),
                    (f"{old}[:]", vector(dim)),
                    (f"{old}[::2]", vector(self.fresh("d"))),
                    (f"{old}[1::2]", vector(self.fresh("d"))),
                    (f"{old}[:2]", vector(self.fresh("d"))),
                    (f"{old}[None, :]", matrix("1", dim)),
                    (f"{old}.reshape(-1, 1)", matrix(dim, "1")),
                ]
            )
        name = self.fresh("v")
        self.scope.add(name, kind)
        return [f"{name} = {text}"]

    def buffer(self) -> list[str]:
        """New storage: `np.empty` is filled at once."""
        c = self.choices
        if "matrix" in self.features and self.scope.arrays(2) and c.chance(0.3):
            rows, columns = self.shape()
            make = c.pick(
                ["np.zeros(({P}, {Q}))", "np.ones(({P}, {Q}))", "np.empty(({P}, {Q}))", "{M}.copy()"]
            )
            text = self.fill(make, 2, (rows, columns))
            name = self.fresh("B")
            first = f"{name}[:] = {self.matrix(rows, columns, 1)}"
            kind = matrix(rows, columns)
        else:
            dim = self.dim()
            make = c.pick(
                [
                    "np.zeros({L})",
                    "np.empty({L})",
                    "np.zeros_like({w})",
                    "{w}.copy()",
                    "np.array({w})",
                    "np.ones({L})",
                ]
            )
            text = self.fill(make, 2, (dim,))
            name = self.fresh("u")
            first = f"{name}[:] = {self.vector(dim, 1)}"
            kind = vector(dim)
            if c.chance(0.5):
                i = self.fresh("i")
                first = f"for {i} in range(len({name})):\n    {name}[{i}] = {self.number(1)}"
        self.scope.add(name, kind)
        return (
            [f"{name} = {text}", *first.splitlines()]
            if "empty" in text or c.chance(0.4)
            else [f"{name} = {text}"]
        )

    # -- stores -------------------------------------------------------------------------------

    def operator(self, value: str, factor: str) -> str:
        """What follows the place written to: `= …` or `op= …`, bounded when repeated."""
        c = self.choices
        if c.chance(0.45):
            return f"= {value}"
        if c.chance(0.85):
            return c.pick([f"+= 0.5 * ({value})", f"-= 0.4 * ({value})", f"*= {factor}", f"+= {value}"])
        return c.pick([f"/= 1.5 + ({value}) ** 2", "**= 2", "%= 1.7", "//= 0.4"][: 4 if c.chance(0.3) else 2])

    def scalar_operator(self, depth: int = 1) -> str:
        return self.operator(self.number(depth), self.fill(self.choices.pick(TAME_FACTORS), 2))

    def vector_operator(self, dim: str, depth: int = 1) -> str:
        if self.choices.chance(0.25):
            return self.scalar_operator(depth)
        return self.operator(
            self.vector(dim, depth), self.fill(self.choices.pick(TAME_VECTORS), depth, (dim,))
        )

    def store_element(self) -> list[str]:
        c = self.choices
        if self.scope.arrays(2) and c.chance(0.4):
            name = c.recent(self.scope.arrays(2))
            i, j = (self.index(d) for d in self.scope.places[name].kind.dims)
            return [f"{name}[{i}, {j}] {self.scalar_operator()}"]
        name = c.recent(self.scope.arrays(1))
        return [f"{name}[{self.index(self.scope.places[name].kind.dims[0])}] {self.scalar_operator()}"]

    def store_slice(self) -> list[str]:
        c = self.choices
        if self.scope.arrays(2) and c.chance(0.35):
            return self.store_part_of_matrix()
        name = c.recent(self.scope.arrays(1))
        dim = self.scope.places[name].kind.dims[0]
        form = c.pick(["all", "ellipsis", "shift", "shift", "stencil", "some", "some", "reversed"])
        if form in ("all", "ellipsis", "reversed"):
            part = {"all": ":", "ellipsis": "...", "reversed": "::-1"}[form]
            return [f"{name}[{part}] {self.vector_operator(dim)}"]
        if form == "shift":
            left, right = c.pick([("1:", ":-1"), (":-1", "1:")])
            other = c.pick([f"{name}[{right}]", f"{name}[{right}]", f"{self.vector_leaf(dim)}[{right}]"])
            more = self.vector(dim + "-1", 2)
            value = c.pick([f"{other} * {more}", other, f"0.5 * ({other} + {more})", f"np.sin({other})"])
            return [f"{name}[{left}] {self.operator(value, f'np.cos({other})')}"]
        if form == "stencil":
            other = c.pick([name, name, self.vector_leaf(dim)])
            return [f"{name}[1:-1] {c.pick(['=', '+='])} 0.5 * ({other}[:-2] + {other}[2:])"]
        bounds = ["::2", "1::2", ":2", "-2:", "1:3", "::-2"]
        bounds += [f"{i}:" for i in self.scope.counters] + [f":{i}" for i in self.scope.counters]
        return [f"{name}[{c.pick(bounds)}] {self.scalar_operator()}"]

    def store_part_of_matrix(self) -> list[str]:
        c = self.choices
        name = c.recent(self.scope.arrays(2))
        rows, columns = self.scope.places[name].kind.dims
        form = c.pick(["row", "row", "column", "column", "all", "down", "across", "corner"])
        if form == "row":
            return [f"{name}[{self.index(rows)}] {self.vector_operator(columns)}"]
        if form == "column":
            return [f"{name}[:, {self.index(columns)}] {self.vector_operator(rows)}"]
        if form == "all":
            value = self.matrix(rows, columns, 1)
            return [f"{name}[{c.pick([':', '...'])}] {self.operator(value, f'np.cos({value})')}"]
        left, right = {
            "down": ("1:", ":-1"),
            "across": (":, 1:", ":, :-1"),
            "corner": ("1:, 1:", ":-1, :-1"),
        }[form]
        if c.chance(0.3):
            return [f"{name}[{left}] {self.scalar_operator()}"]
        value = f"{name}[{right}]"
        return [f"{name}[{left}] {self.operator(f'{value} * {self.leaf()}', f'np.cos({value})')}"]

    def store_fancy(self) -> list[str]:
        """Index arrays: the last of equal indices wins."""
        c = self.choices
        if "gather" in self.features and c.chance(0.6):
            name = c.recent(self.scope.of(vector("n")))
            value = self.vector("p", 2)
            if c.chance(0.25):
                return [f"np.add.at({name}, idx, {value})"]
            return [f"{name}[idx] {self.operator(value, f'np.cos({value})')}"]
        name = c.recent(self.scope.arrays(1))
        index = c.pick(["[0, 0, -1]", "[0, -1]", "np.array([0, 0])", "[-1, 0, 0]"])
        if c.chance(0.4):
            values = f"np.array([{', '.join(self.leaf() for _ in range(index.count(',') + 1))}])"
            return [f"{name}[{index}] {self.operator(values, '0.7')}"]
        return [f"{name}[{index}] {self.scalar_operator()}"]

    def store_mask(self) -> list[str]:
        c = self.choices
        name = c.recent(self.scope.arrays())
        dims = self.scope.places[name].kind.dims
        other = self.vector_leaf(dims[0]) if len(dims) == 1 else name
        mask = c.pick([f"{name} > 0.2", f"{name} < {self.leaf()}", f"{other} > 0.1", f"np.abs({name}) > 0.5"])
        if c.chance(0.3):
            mask_name = self.fresh("mask")
            lines, mask = [f"{mask_name} = {mask}"], mask_name
        else:
            lines = []
        if c.chance(0.3):
            value = c.pick([f"{other}[{mask}]", f"0.5 * {name}[{mask}]", f"np.sin({other}[{mask}])"])
            return [*lines, f"{name}[{mask}] {c.pick(['=', '+=', '-='])} {value}"]
        return [*lines, f"{name}[{mask}] {self.scalar_operator()}"]

    def augment_array(self) -> list[str]:
        """`u += …` on a whole array, which every alias sees."""
        c = self.choices
        name = c.recent([n for n in self.scope.arrays() if self.scope.places[n].rebinds])
        dims = self.scope.places[name].kind.dims
        if len(dims) == 1:
            text = self.vector_operator(dims[0])
        else:
            value = self.matrix(dims[0], dims[1], 1)
            text = self.operator(value, f"np.cos({value})")
            if c.chance(0.2):
                text = f"*= {self.vector(dims[1], 1)}"
            if dims[0] == dims[1] and c.chance(0.2):
                text = f"@= 0.3 * {value}"
        return [f"{name}[:] {text}" if text.startswith("= ") else f"{name} {text}"]

    # -- containers ---------------------------------------------------------------------------

    def container(self) -> list[str]:
        """A tuple, list or dict of what there is: its arrays are aliases."""
        c = self.choices
        names = [n for n, p in self.scope.places.items() if not p.item and p.kind.form != "list"]
        parts = [c.recent(names) for _ in range(c.between(2, 3))]
        kinds = [self.scope.places[n].kind for n in parts]
        if c.chance(0.3):
            parts[-1], kinds[-1] = self.number(1), NUMBER
        form = c.pick([f for f in ("tuple", "list", "dict") if f in self.features])
        box = self.fresh("box")
        keys = ["'p'", "'q'", "'r'"][: len(parts)] if form == "dict" else ["0", "1", "2"][: len(parts)]
        for key, kind in zip(keys, kinds, strict=True):
            self.scope.add(f"{box}[{key}]", kind, rebinds=form != "tuple")
        if form == "dict":
            return [f"{box} = {{{', '.join(f'{k}: {p}' for k, p in zip(keys, parts, strict=True))}}}"]
        inside = ", ".join(parts)
        return [f"{box} = ({inside})" if form == "tuple" else f"{box} = [{inside}]"]

    def new_list(self) -> list[str]:
        c = self.choices
        name = self.fresh("items")
        kind = NUMBER if c.chance(0.5) else vector(self.dim())
        filled = c.chance(0.4)
        first = (self.number(1) if kind == NUMBER else self.vector(kind.dims[0], 1)) if filled else ""
        self.scope.add(name, Kind("list", item=kind, filled=filled))
        return [f"{name} = [{first}]"]

    def append(self) -> list[str]:
        c = self.choices
        names = self.scope.lists()
        if not names:
            raise Dead
        name = c.recent(names)
        place = self.scope.places[name]
        item = place.kind.item
        assert item is not None
        value = self.number(1) if item == NUMBER else self.vector(item.dims[0], 1)
        if place.kind.filled and c.chance(0.3):
            if item == NUMBER:
                return [f"{name}[-1] {self.scalar_operator()}"]
            return [c.pick([f"{name}[-1] *= 0.5", f"{name}[0] = {value}", f"{name}[-1][0] = {self.leaf()}"])]
        self.scope.add(name, Kind("list", item=item, filled=True))
        if c.chance(0.12):
            return [f"{name} = {name} + [{value}]"]
        return [f"{name}.append({value})"]

    def comprehension(self) -> list[str]:
        c = self.choices
        old, name, t = c.recent(self.scope.arrays(1)), self.fresh("items"), self.fresh("t")
        form = c.pick([f"np.sin({t}) for {t} in {old}", f"{t} * {self.leaf()} for {t} in {old}",
                       f"{old}[{t}] ** 2 for {t} in range(len({old}))", f"{t} for {t} in {old} if {t} > 0.1"])  # fmt: skip
        self.scope.add(name, Kind("list", item=NUMBER))
        return [f"{name} = [{form}]"]

    def call_for_effect(self) -> list[str]:
        """A helper that writes into what it is given."""
        c = self.choices
        helper = c.pick([h for h in self.helpers if h.gives is None])
        return [self.called(helper, self.dim(), leaves=True)]
