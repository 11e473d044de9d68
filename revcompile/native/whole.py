"""Python's whole numbers as those of 64 bits: which may grow beyond them, and what makes them of floats.

Imports the IR.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from revcompile.ir.nodes import Apply, Block, Form, Function, Structure, Value, leaves
from revcompile.ir.types import Scalar
from revcompile.syntax.operators import binary_symbol


def may_grow(function: Function) -> bool:
    """Whether a whole number may grow with the trips of a loop as products do, or is a power."""
    growth = _Growth()
    growth.block(function.body)
    return growth.found


class _Growth:
    """Which whole numbers follow from those that loops carry, and whether by a product."""

    def __init__(self) -> None:
        self.by_product: dict[Value, bool] = {}  # of what follows from a number that a loop carries
        self.found = False

    def block(self, block: Block) -> None:
        for statement in block.statements:
            if isinstance(statement, Apply):
                self._apply(statement)
            else:
                self._form(statement)

    def _apply(self, statement: Apply) -> None:
        given = [self.by_product[v] for v in leaves(statement.args) if v in self.by_product]
        symbol = binary_symbol(statement.function)
        for result in filter(_is_whole, leaves(statement.result)):
            self.found |= symbol in ("**", "<<")
            if given:
                product = symbol == "*" or (symbol in ("+", "-") and len(given) > 1)
                self.by_product[result] = product or any(given)

    def _form(self, statement: Form) -> None:
        carried = [value for value, _ in statement.goes_on]
        given = [self.by_product[v] for v in statement.inputs if v in self.by_product]
        for value in filter(_is_whole, statement.bound):
            if value in carried:
                self.by_product[value] = False
            elif given:  # it is counted to one of them
                self.by_product[value] = any(given)
        for inner in statement.blocks:
            self.block(inner)
        ends = [end for _, end in statement.goes_on if isinstance(end, Value) and _is_whole(end)]
        self.found |= any(self.by_product.get(end, False) for end in ends)
        self._follow((result, end) for result, ends in statement.gives for end in ends)

    def _follow(self, pairs: Iterable[tuple[Value, Structure]]) -> None:
        for value, atom in pairs:
            if isinstance(atom, Value) and atom in self.by_product and _is_whole(value):
                self.by_product[value] = self.by_product.get(value, False) or self.by_product[atom]


def _is_whole(value: Value) -> bool:
    return isinstance(value.type, Scalar) and value.type.python and value.type.dtype.kind == "i"


def converters(compile_: Any) -> dict[str, Any]:
    """What makes whole numbers of floats, which raises where there are none of 64 bits, by its names."""

    def checked(convert: Any) -> Any:
        @compile_
        def converted(x: Any) -> Any:
            if not -9.2e18 < x < 9.2e18:
                raise ValueError("no whole number of 64 bits")
            return convert(x)

        return converted

    module = ModuleType("math")
    vars(module).update(vars(math))
    vars(module).update({name: checked(getattr(math, name)) for name in ("floor", "ceil", "trunc")})
    return {"int": checked(int), "round": checked(round), "math": module}
