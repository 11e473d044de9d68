"""The builder of a compilation: it infers types by the gates, and knows how whole numbers are computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from revcompile.gates.infer import infer
from revcompile.gates.table import TABLE, is_cheap
from revcompile.ir.build import Builder
from revcompile.ir.lengths import Facts
from revcompile.ir.nodes import Structure
from revcompile.syntax.operators import symbol_of


def new_builder() -> Builder:
    return Builder(_infer_types, Facts(is_cheap, symbol_of))


def _infer_types(function: Callable[..., Any], args: tuple[Structure, ...], facts: Facts) -> Structure:
    return infer(TABLE[function], function, args, facts)
