"""A power of Python's numbers that may be a complex number: on `math` it raises, else its use is refused.

Before:                                  After:
    s0 = x ** 0.5                            s0 = real_power(x, 0.5)
    L = s0 * k                               L = s0 * k
                                             refuse_complex(L)

What nobody uses is not refused; the result of the function is used. The backward pass reads NaN then, where
no gradient comes in. Imports the IR, the gates, `dataflow/signs`.
"""

from __future__ import annotations

from functools import partial

from revcompile.dataflow.signs import Signs
from revcompile.gates.arithmetic import is_made_numpys, may_be_complex
from revcompile.gates.axes import is_python_number
from revcompile.gates.effects import begins_backward
from revcompile.gates.numbers import NEGATIVE
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import Apply, Function, Statement, Structure, applications, leaves
from revcompile.ir.rebuild import replace
from revcompile.runtime import number_or_nan, power_or_nan, real_power, refuse_complex


def complex_powers(function: Function) -> frozenset[Structure]:
    """The powers that may be complex: of what may be negative, with an exponent that may be a fraction."""
    if not any(TABLE[f].symbol == "**" for f in function.body.functions):
        return frozenset()
    powers = [s for s in applications(function.body) if TABLE[s.function].symbol == "**"]
    powers = [s for s in powers if may_be_complex(s.function, s.args[0], s.args[1])]
    if not powers:
        return frozenset()
    signs = Signs()
    signs.block(function.body)
    return frozenset(s.result for s in powers if signs.of(s.args[0]) & NEGATIVE)


def keep_powers_real(function: Function) -> Function:
    """The function with `real_power`, if need be, and a look at its result where its forward pass ends."""
    powers = complex_powers(function)
    if not powers:
        return function
    body = function.body.map(partial(_forward, powers=powers))
    statements = list(body.statements)
    at = next((i for i, s in enumerate(statements) if begins_backward(s)), None)
    if at is not None:
        statements[at:] = function.body.map(partial(_backward, powers=powers)).statements[at:]
        if not function.called:
            ((value, aux, _), *_) = body.yields
            results = dict.fromkeys(v for v in leaves((value, aux)) if is_python_number(v.type))
            statements[at:at] = [Apply(refuse_complex, (v,), None) for v in results]
    return replace(function, body=replace(body, statements=tuple(statements)))


def _forward(s: Statement, powers: frozenset[Structure]) -> Statement:
    if not isinstance(s, Apply) or s.result not in powers:
        return s
    return Apply(real_power, s.args, s.result, s.line, s.note)


def _backward(s: Statement, powers: frozenset[Structure]) -> Statement:
    if not isinstance(s, Apply):
        return s
    if s.result in powers:
        return Apply(power_or_nan, s.args, s.result, s.line, s.note)
    if s.inputs and is_made_numpys(s.function):
        return Apply(number_or_nan, s.args, s.result, s.line, s.note)
    return s
