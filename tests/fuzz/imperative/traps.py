"""Statements that a compiler is easily wrong about: conversions to whole numbers, parameters that are given new values,
numbers that overflow on the way, calls of what has no rule, writes into what is not the function's own.
"""

from __future__ import annotations

from tests.fuzz.imperative.kinds import NUMBER
from tests.fuzz.imperative.stores import Stores

WHOLE_VECTORS = (
    "(3.0 * {v}).astype(int)", "np.floor(2.0 * {v}).astype(int)", "np.asarray(3.0 * {v}, dtype=int)", "{w} > {l}",
    "np.full({L}, 3.0 * {n}, dtype=int)", "np.rint(3.0 * {v}).astype(np.int8)", "np.cumsum(2.0 * {v}, dtype=int)",
    "np.array({v}, dtype=bool)", "np.array([int(3.0 * e) for e in {w}])", "np.sign({v}).astype(int)", "np.int64(2.0 * {v})",
    "np.uint8(np.abs(3.0 * {v}))", "np.floor_divide({v}, 0.3).astype(int)", "np.isfinite({v}) & ({w} > {l})",
)  # fmt: skip
WRITES = (
    ["GV[:] = 0.9 * GV + 0.1 * {n}"], ["GV[0] += {n}"], ["GL[0] = {n}"], ["GL.append({n})"], ["GD['c'] = {n}"],
    ["GD['v'][0] = {n}"], ["{z} = GV", "{z}[0] *= 2.0"], ["GV.sort()"], ["GV.fill({n})"], ["np.add.at(GV, [0], {n})"],
    ["{z} = GV[1:]", "{z} += {n}"], ["np.multiply(GV, 0.5, out=GV)"], ["GV[0], GV[1] = GV[1], GV[0]"], ["GV[GV > 0] = {n}"],
    ["for {z} in (GV, GD['v']):", "    {z}[-1] = {n}"], ["{z} = GD['v']", "{z}[:] = {n} * {z}"], ["GL[-1] += {n}"],
    ["{z} = GV if {c} else GD['v']", "{z}[0] = {n}"], ["np.copyto(GV, {n})"], ["GD.update(c={n})"], ["GV[1:] = GV[:-1]"],
)  # fmt: skip


class Traps(Stores):
    """Grows these statements."""

    def whole_numbers(self) -> list[str]:
        """Whole numbers and truth values that follow what is differentiated."""
        c = self.choices
        if c.chance(0.4):
            name = self.fresh("j")
            text = c.pick(["int(abs(3.0 * {n}))", "int(3.0 * {n}) % 3", "math.floor(abs(2.5 * {n}))", "round(abs(2.0 * {n}))",
                           "int({c})", "int(np.sum({w} > {l}))", "int(np.sum(np.abs({w}), dtype=int))"])  # fmt: skip
            dims = (self.dim(),) if "{w}" in text else ()
            line = f"{name} = {self.fill(text, 1, dims)}"
            self.scope.counters.append(name)
            return [line]
        dim, name = self.dim(), self.fresh("q")
        if c.chance(0.2):  # what is stored into whole numbers is cut off
            lines = [
                f"{name} = np.zeros({self.length(dim)}, dtype=int)",
                f"{name}[:] = 3.0 * {self.vector_leaf(dim)}",
            ]
        else:
            lines = [f"{name} = {self.fill(c.pick(WHOLE_VECTORS), 1, (dim,))}"]
        self.scope.wholes[name] = dim
        return lines

    def overflows(self) -> list[str]:
        """A number that may be beyond all bounds: nothing that is differentiated goes through it then."""
        c = self.choices
        if c.chance(0.4):
            name, target = self.fresh("big"), c.recent(self.scope.of(NUMBER, rebinds=True))
            lines = [f"{name} = {self.fill('{E}', 1)}"]
            if c.chance(0.5):
                return [*lines, f"{target} = {name} if {name} < 50.0 else {self.leaf()}"]
            return [*lines, f"if {name} < 50.0:", f"    {target} = 0.5 * {target} + 0.1 * {name}"]
        name = self.fresh("big")
        lines = [f"{name} = {self.huge(1)}"]
        test = c.pick([f"{name} > 1e300", f"{name} < np.inf", f"{name} > 1.0", f"not {name} < 1e200"])
        form = c.pick(["unused", "either", "branch", "flag"])
        if form == "either":
            number = self.number(1)
            target = self.target(NUMBER, "s")
            return [*lines, f"{target} = {number} if {test} else {self.leaf()}"]
        if form == "branch":
            target = c.recent(self.scope.of(NUMBER, rebinds=True))
            return [*lines, f"if {test}:", f"    {target} {self.scalar_operator()}"]
        if form == "flag":
            flag = self.fresh("flag")
            self.scope.flags.append(flag)
            return [*lines, f"{flag} = {test}"]
        return lines

    def rebind(self) -> list[str]:
        """Names get values that are made of their own, alone or several at once; counters count."""
        c = self.choices
        numbers = self.scope.of(NUMBER, rebinds=True)
        arrays = [n for n in self.scope.arrays(1) if self.scope.places[n].rebinds]
        form = c.pick(["scale", "scale", "tuple", "tuple", "array", "array", "count"])
        if form == "count" and "k" in self.scope.counters and self.depth == 0:
            return [c.pick(["k += 1", "k -= 1", "k = k + 1", "k = max(k, 1)"])]
        if form == "array" and arrays:
            name = c.recent(arrays)
            return [
                f"{name} {c.pick(['*= 1.5', '*= -0.7', '+= 0.25', '-= 0.5 * {n}', '/= 1.5', '*= {n}'])}".replace(
                    "{n}", self.leaf()
                )
            ]
        if form == "tuple":
            first, second = c.recent(numbers), c.pick([*numbers, *arrays])
            if first != second:
                return [f"{first}, {second} = {self.number(2)}, 0.8 * {second} + {self.leaf()}"]
        name = c.recent(numbers)
        factor = c.pick(["2.0", "0.5", "-0.8", self.leaf()])
        return [c.pick([f"{name} *= {factor}", f"{name} = {factor} * {name}", f"{name} += {factor}"])]

    def unknown_call(self) -> list[str]:
        """What no rule is known for, called with what is not differentiated."""
        c = self.choices
        name, i = self.fresh("t"), self.fresh("i")
        target = c.recent(self.scope.of(NUMBER, rebinds=True))
        calls = [
            [f"{name} = np.percentile(DATA, [5, 95])", f"{target} = {target} * {name}[0] + 0.1 * {name}[1]"],
            [f"{name}, {i} = np.histogram(DATA)", f"{target} += 0.05 * {name}[0] * {i}[1]"],
            [
                f"{name}, {i} = np.unique(LABELS, return_counts=True)",
                f"{target} += 0.1 * {i}[0] * {name}[-1]",
            ],
            [f"for {i} in np.unique(LABELS):", f"    {target} = 0.5 * {target} + 0.2 * {i} * {self.leaf()}"],
            [f"{name} = safe(len(LABELS))", f"{target} *= {name}"],
        ]
        if "gather" in self.features:
            calls.append(
                [f"for {i} in np.unique(idx):", f"    {target} = 0.5 * {target} + {self.leaf()} * {i}"]
            )
        if "k" in self.scope.counters:
            calls.append([f"{target} += 0.05 * math.lgamma(k + 1.5)"])
            calls.append([f"{target} = {target} * 0.5 + 0.2 * safe(k)"])
        return c.pick(calls)

    def write_state(self) -> list[str]:
        """A write into what the module owns: to be refused."""
        c = self.choices
        z, n = self.fresh("z"), self.leaf()
        lines = [line.replace("{z}", z).replace("{n}", n) for line in c.pick(WRITES)]
        return [line.replace("{c}", self.condition(1)) for line in lines]
