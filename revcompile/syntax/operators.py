"""Python's operators and the functions that mean them, as the records of gates say."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from revcompile.gates.record import Gate, is_pythons
from revcompile.gates.table import TABLE
from revcompile.gates.traits import Kind


def _node_of(gate: Gate) -> type[ast.AST]:
    """The class of syntax that a gate's symbol is read as: `ast.Add`."""
    text = gate.symbol if gate.symbol.endswith("x") else f"x {gate.symbol} y"
    read = ast.parse(text, mode="eval").body
    return type(read.ops[0] if isinstance(read, ast.Compare) else read.op)  # type: ignore[attr-defined]


_WITH_SYMBOL = {_node_of(gate): gate for gate in TABLE.values() if gate.symbol}
_FUNCTIONS: dict[Any, Callable[..., Any]] = {node: gate.functions[0] for node, gate in _WITH_SYMBOL.items()}
BINARY: dict[type[ast.operator], Callable[..., Any]] = {
    node: function for node, function in _FUNCTIONS.items() if issubclass(node, ast.operator)
}
UNARY: dict[type[ast.unaryop], Callable[..., Any]] = {
    node: function for node, function in _FUNCTIONS.items() if issubclass(node, ast.unaryop)
}
COMPARE: dict[type[ast.cmpop], Callable[..., Any]] = {
    node: function for node, function in _FUNCTIONS.items() if issubclass(node, ast.cmpop)
}

ABSOLUTE = list(filter(is_pythons, TABLE[abs].functions))
SUBSCRIPT = [function for function, gate in TABLE.items() if gate.kind is Kind.PART]
_SYMBOLS = {function: TABLE[function].symbol for function in _FUNCTIONS.values()}
_BINARY_SYMBOLS = {function: _SYMBOLS[function] for function in BINARY.values()}


def symbol_of(function: Callable[..., Any]) -> str:
    """`+` of the function that means that operator; nothing of one that is written in another way."""
    return _SYMBOLS.get(function, "")


def binary_symbol(function: Callable[..., Any]) -> str:
    """The same of operators between two operands alone."""
    return _BINARY_SYMBOLS.get(function, "")


def special_name(function: object) -> str:
    """What a class calls an operator, without the underscores: "add" of `+`, "and" of `&`, "abs" of `abs`."""
    return str(getattr(function, "__name__", "")).strip("_")
