"""What is refused of a gradient that is differentiated again. Imports the IR, and what loops keep."""

from __future__ import annotations

from revcompile.errors import UnsupportedError
from revcompile.ir.nodes import Function, Value
from revcompile.ir.verify import is_whole
from revcompile.statements.loop_lists import is_of_a_gradient


def refuse_lengths_of_other_trips(function: Function, made: Function, known: tuple[Value, ...]) -> None:
    """Of what was made of a function. `known` are values defined outside.

    A length of one loop's trip means nothing in another's: its name would be there, with another value.
    """
    if is_of_a_gradient(function.body) and not is_whole(made, known):
        raise UnsupportedError(
            "differentiating the gradient of a branch in a loop again is not supported here: "
            "the length of an array in one trip is asked for in another",
            way_out="Take the outer derivative in forward mode: jacfwd, hvp, jvp.",
        )
