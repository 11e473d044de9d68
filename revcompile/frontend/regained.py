"""What the calls of a recursion give, one inside the other, as deep as only the run decides.

    def forward(x):                                 def backward(grad_y, saved):
        if x < 1.0:                                     x, y, inner = saved
            return x, (x, None, None)                   if y is None:
        y, inner = forward(x * 0.5)                         return grad_y
        return y * x, (x, y, inner)                     return grad_y * y + 0.5 * backward(grad_y * x, inner)

No type tells of such a tuple. So what is handed on of it is what its call was given, here x * 0.5, which
says all: where it is taken apart, it is computed again, by the same call. Gradients flow through that call.
"""

from __future__ import annotations

import ast
from collections import namedtuple
from collections.abc import Sequence
from typing import Any

from revcompile.errors import UnsupportedError
from revcompile.frontend.absent import must_be_there
from revcompile.frontend.lowering import Lowering
from revcompile.frontend.paired import Assembly
from revcompile.frontend.parts import Parts, identity
from revcompile.ir.nodes import Structure
from revcompile.syntax.abstract import Frame, Regained
from revcompile.syntax.decisions import Regain

Node = ast.FunctionDef | ast.Lambda


def nests(results: Assembly) -> bool:
    """Whether a call gives tuples in a tuple, which may be as deep as its calls."""
    result = results.build(results.atoms)[0]["result"]
    return type(result) is tuple and any(type(part) is tuple and part for part in result)


def decided(low: Lowering, node: Node, frame: Frame) -> bool:
    """Whether what calls of a function give is computed again."""
    return Regain(frame.key(node)) in low.decisions


def handed_on(low: Lowering, node: Node, frame: Frame, parts: Parts, result: Structure) -> Structure:
    """What a call gives, the tuples in it as what is computed again."""
    if type(result) is not tuple or not decided(low, node, frame):
        return result
    return tuple(
        _kind(low, node, frame, parts, i)._of(parts.atoms, part) if type(part) is tuple and part else part
        for i, part in enumerate(result)
    )


def _kind(low: Lowering, node: Node, frame: Frame, parts: Parts, i: int) -> Any:
    """The class of what calls of this function give as the part `i`."""
    key = identity(frame, node), parts.shape, i
    if key not in low.pairs.regained:
        fields = namedtuple(f"part_{i}", parts.names, rename=True)  # type: ignore[misc]

        def again(atoms: Sequence[Structure]) -> Structure:
            names, home, _ = parts.build(atoms)
            inner = Frame(frame.source, names, home, False, frame.depth, own=frame.own)
            return low.body(node, inner)[i]

        def of(atoms: Sequence[Structure], contents: Structure) -> Regained:
            made: Regained = kind(*atoms)
            made.contents = contents
            return made

        kind: Any = type(fields.__name__, (Regained, fields), {"_again": staticmethod(again), "_of": of})
        low.pairs.regained[key] = kind
    return low.pairs.regained[key]


def regained(low: Lowering, structure: Structure) -> Structure:
    """A structure that is to be taken apart."""
    if not isinstance(structure, Regained):
        return structure
    if structure.contents is None:
        must_be_there(low, structure)
        found = structure._again(tuple(structure))  # type: ignore[attr-defined]
        structure.contents = regained(low, found)
    return structure.contents


def operands(
    low: Lowering, args: tuple[Structure, ...], kwargs: dict[str, Structure]
) -> tuple[Structure, ...]:
    """The arguments of an operation, which are there."""
    must_be_there(low, (args, kwargs))
    return tuple(regained(low, a) for a in args) if low.pairs.regained else args


def hand_out(low: Lowering, result: Structure) -> None:
    """See to it that what a function gives is there, and can be given."""
    must_be_there(low, result)
    refuse(low, result)


def refuse(low: Lowering, structure: Structure) -> None:
    """Raises UnsupportedError where what is as deep as the run decides would leave the function."""
    waiting = [structure] if low.pairs.regained else []
    while waiting:
        part = waiting.pop()
        if isinstance(part, Regained):
            raise UnsupportedError(
                "what the calls of a recursion give, one inside the other, does not leave the function",
                way_out="Take it apart in it.",
            )
        if isinstance(part, (tuple, list)):
            waiting.extend(part)
