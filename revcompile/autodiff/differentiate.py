"""From a forward function to its gradient function. Imports the front end, the IR and `reverse`."""

from __future__ import annotations

import numpy as np

from revcompile.autodiff.halves import Halves, as_calls
from revcompile.autodiff.plan import make_plan
from revcompile.autodiff.residuals import keep_residuals, outer_names
from revcompile.autodiff.reverse import Reverser, one_like
from revcompile.autodiff.signs import has_narrow, may_be_narrow, may_be_python
from revcompile.dataflow.knowledge import Context, has_arrays
from revcompile.errors import UnsupportedError, an
from revcompile.frontend.lowering import Lowering
from revcompile.gates.effects import backward_begins
from revcompile.ir.nodes import (
    Apply,
    Block,
    Function,
    Instance,
    Structure,
    Value,
    leaves,
    map_structure,
)
from revcompile.ir.types import Array, Scalar, Type, gradient_type, is_number, scalar_type
from revcompile.statements.loop_lists import refuse_left_over
from revcompile.syntax.decisions import OfArguments


def differentiate(
    function: Function,
    wanted: tuple[str, ...],
    low: Lowering,
    has_aux: bool,
    cotangent: Structure = None,
    again: bool = False,
) -> Function:
    """The function whose result is `(value, aux, gradients)`, the gradients in the order of `wanted`.

    They begin with `cotangent`, of the value's structure, where that is not one number. `again` says that the
    function is going to be differentiated itself.
    """
    of_arguments = again and OfArguments() in low.decisions
    structures = {p.name: p.structure for p in function.parameters}
    inputs = [v for name in wanted for v in leaves(structures[name]) if is_number(v.type)]
    value: Structure
    aux: Structure
    if cotangent is not None:
        value, aux = function.result, None
    else:
        value, aux = (0.0, None) if function.body.raises else _loss(function.result, has_aux)
    low.given = tuple(
        v for p in function.parameters for v in leaves(p.structure) if isinstance(v.type, Array)
    )
    primals = (function, *(pair.function for pair in low.pairs.made() if pair.function is not None))
    halves = Halves(low, not has_arrays(primals), of_arguments)
    seeds = dict.fromkeys(leaves(value), 0)
    plan = make_plan(function, inputs, value, halves.calls, Context({}, seeds, dict(seeds)))
    rev = Reverser(plan, low, function.body, halves)
    forward = function.body.statements
    builder = low.builder
    builder.statements = []
    builder.statements.append(Apply(backward_begins, (), ()))
    if cotangent is not None:
        _accumulate(rev, value, cotangent)
    elif isinstance(value, Value) and value in plan.active:
        rev.accumulate(value, one_like(low, value))
    rev.block(forward)
    refuse_left_over(rev)
    low.pairs.chosen.update(rev.chosen)
    low.pairs.settled.update(rev.chosen)
    builder.line, builder.note = None, ""
    steering = builder.ancestors(low.steering)  # what an index, a bound or a length is computed from
    mixed = any(map(has_narrow, primals))
    gradients = tuple(
        _without_slices(map_structure(lambda leaf: _gradient(rev, leaf, steering, mixed), structures[name]))
        for name in wanted
    )
    backward = Block(tuple(builder.statements), ((value, aux, gradients),))
    body = keep_residuals(
        forward, backward, rev.memory.now, outer_names(function.body), function.table, every_trip=again
    )
    body = as_calls(low, body) if of_arguments else body
    return Function(function.name, function.parameters, body, function.table, function.spellings)


def _accumulate(rev: Reverser, value: Structure, cotangent: Structure) -> None:
    """Let the gradients begin with a cotangent, of the value's structure."""
    if isinstance(value, Value):
        rev.accumulate(value, cotangent)
        return
    if cotangent is None or not isinstance(value, (tuple, list, dict, Instance)):
        return
    value, cotangent = (x.attributes if isinstance(x, Instance) else x for x in (value, cotangent))
    keys = value if isinstance(value, dict) else range(len(value))
    for key in keys:
        _accumulate(rev, value[key], cotangent[key])


def _loss(result: Structure, has_aux: bool) -> tuple[Structure, Structure]:
    aux = None
    if has_aux:
        if not (isinstance(result, (tuple, list)) and len(result) == 2):
            raise UnsupportedError("with has_aux=True the function must return a pair (value, aux)")
        result, aux = result
    if isinstance(result, Value):
        t = result.type
        if is_number(t) and all(d.is_one for d in t.dims):
            return result, aux
        if is_number(t):
            raise UnsupportedError(
                f"the function returns an array ({t}); a gradient needs one real number",
                way_out="Reduce it, for example with np.sum(...).",
            )
        raise UnsupportedError(f"the function returns {an(t)}; a gradient needs one real number")
    if isinstance(result, (int, float, np.number)) and not isinstance(result, (bool, complex)):
        return result, aux
    words = {
        "NoneType": "None",
        "NestedFunction": "a function",
        "Method": "a method",
        "HostObject": "an object",
    }
    what = words.get(type(result).__name__, f"{an(type(result).__name__)}")
    hint = "Return (value, aux) and pass has_aux=True." if isinstance(result, (tuple, list)) else ""
    raise UnsupportedError(f"the function returns {what}; a gradient needs one real number", way_out=hint)


def _gradient(rev: Reverser, leaf: Structure, steering: set[Value], mixed: bool) -> Structure:
    """What is returned for one leaf of an argument: of its own type, fresh, never shared.

    `mixed` says that there are floats of fewer bits: what has 64 by its type may have been computed of these.
    """
    if not isinstance(leaf, Value) or not is_number(leaf.type):
        return None
    gradient = rev.adjoints.get(leaf)
    if gradient is None:
        if leaf.type.dtype.kind != "f" and leaf in steering:  # type: ignore[union-attr]
            return None
        gradient = rev.zero(leaf)
    t = gradient_type(leaf.type)
    narrow = mixed and t.dtype == float and may_be_narrow(gradient, rev.builder.definitions, rev.inputs)
    if narrow and t.dims:
        return rev.low.apply(np.ndarray.astype, (gradient, np.float64), {})
    return _as_number(rev, gradient, t, narrow)


def _without_slices(structure: Structure) -> Structure:
    """A slice steers: it has no gradient."""
    if isinstance(structure, slice):
        return None
    if isinstance(structure, dict):
        return {key: _without_slices(item) for key, item in structure.items()}
    if isinstance(structure, (tuple, list)):
        items = map(_without_slices, structure)
        return type(structure)(*items) if hasattr(structure, "_fields") else type(structure)(items)
    return structure


def _as_number(rev: Reverser, gradient: Structure, target: Type, narrow: bool) -> Structure:
    """A Python float for a Python float, a NumPy scalar for a NumPy scalar, a 0-d array for a 0-d array."""
    low = rev.low
    have = gradient.type if isinstance(gradient, Value) else scalar_type(gradient)
    if isinstance(target, Scalar):
        if target.python and not (isinstance(have, Scalar) and have.python):
            return low.apply(float, (gradient,), {})
        same = isinstance(have, Scalar) and not have.python and have.dtype == target.dtype
        if not target.python and (
            not same or narrow or may_be_python(gradient, rev.builder.definitions, rev.inputs)
        ):
            return low.apply(target.dtype.type, (gradient,), {})
    elif isinstance(target, Array) and not target.dims:
        return low.apply(np.array, (gradient,), {"dtype": target.dtype.type} if narrow else {})
    return gradient
