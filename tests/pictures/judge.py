"""Whether a circuit is right: each wire's gradient against differences of the gates that it goes to."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from revcompile.frontend.wanted import Options
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import Value, leaves, map_structure
from revcompile.statements.probe import Probe, Shape
from revcompile.transforms.circuit import Circuit, Node, Wire
from revcompile.transforms.gradient import make_gradient

STEP = 1e-5
NODE = r"(gate|wire)\d+"
SAID = r'"[^"<>&`]*(<br/>(grad|tangent) [^"<>&`]*)?"'
MERMAID = re.compile(
    rf"flowchart LR|\s*(subgraph s\d+\[{SAID}\]|end|{NODE}(\(\({SAID}\)\)|\({SAID}\)|\[{SAID}\])"
    rf"|{NODE} -->\|{SAID}\| {NODE})"
)


def probed(f: Callable[..., Any], args: tuple[Any, ...], argnums: Any = None) -> tuple[Probe, Any]:
    """What a call tells a probe, and its value and gradients."""
    probe = Probe()
    gradient = make_gradient(f, Options(argnums, False, False, True, probe=probe))
    with np.errstate(all="ignore"):
        return probe, gradient(*args)


def wires_of(circuit: Circuit) -> list[Wire]:
    """All wires, inputs first."""
    operands = (x for node in circuit.nodes for x in node.operands if isinstance(x, Wire))
    results = (x for node in circuit.nodes for x in node.results)
    return list(dict.fromkeys([*operands, *results, *circuit.results]))


def is_real(x: Any) -> bool:
    return isinstance(x, (float, np.floating)) or (isinstance(x, np.ndarray) and x.dtype.kind == "f")


def applied(node: Node, numbers: dict[Any, Any]) -> list[Any]:
    """What the gate gives of these numbers."""
    now = dict(zip(leaves(node.statement.args), node.operands))

    def number(atom: Any) -> Any:
        if not isinstance(atom, Value):
            return atom
        wire = now[atom]
        return copy.copy(numbers.get(wire, getattr(wire, "number", wire)))

    given = node.statement.function(*map_structure(number, node.statement.args))
    return [given] if len(node.results) == 1 else list(given)


def local(node: Node, wire: Wire, direction: np.ndarray) -> float | None:
    """What a gate sends back to an operand in a direction, by central differences; None if it cannot be run."""
    if all(result.gradient is None for result in node.results):
        return 0.0
    if any(isinstance(o, Wire) and isinstance(o.number, Shape) for o in (*node.operands, *node.results)):
        return None
    try:
        for now, result in zip(applied(node, {}), node.results):
            np.testing.assert_allclose(now, result.number, rtol=1e-9, atol=1e-12)
        moved = [wire.number + sign * STEP * direction for sign in (1, -1)]
        up, down = (applied(node, {wire: type(wire.number)(x) if not direction.ndim else x}) for x in moved)
    except Exception:  # it is no function that can be called here
        return None
    slopes = ((np.asarray(a, float) - np.asarray(b, float)) / (2 * STEP) for a, b in zip(up, down))
    sent = (
        np.sum(s * np.asarray(r.gradient)) for s, r in zip(slopes, node.results) if r.gradient is not None
    )
    return float(sum(sent))


def is_active(wire: Wire) -> bool:
    """Whether a wire has a gradient, or comes from one that has."""
    waiting, seen = [wire], {wire}
    while waiting:
        one = waiting.pop()
        if one.gradient is not None:
            return True
        node = one.source
        carries = node is not None and (
            node.statement is None or TABLE[node.statement.function].carries_gradient
        )
        whole = getattr(getattr(one.number, "dtype", None), "kind", "") in ("i", "b")
        operands = node.operands if carries and not whole else ()
        more = [x for x in operands if isinstance(x, Wire) and x not in seen]
        seen.update(more)
        waiting += more
    return False


def check_inputs(circuit: Circuit, names: Sequence[str], gradients: Sequence[Any]) -> int:
    """The gradients at the beginning of the wires are those that the call gives. How many there are."""
    known = dict(zip(names, gradients))
    found = 0
    for wire in wires_of(circuit):
        if wire.source is None and wire.gradient is not None and not isinstance(wire.gradient, Shape):
            place = (wire.name or "").replace("'", '"')
            if place.split("[")[0].split(".")[0] in known and place.isascii():
                np.testing.assert_allclose(
                    np.asarray(wire.gradient, float), np.asarray(eval(place, {}, known), float), rtol=1e-9,
                    atol=1e-12, err_msg=place,
                )  # fmt: skip
                found += 1
    return found


def check_tangents(circuit: Circuit) -> int:
    """Each gate's result moves as its operands do, along their tangents. How many were checked."""
    checked = 0
    for node in circuit.nodes:
        wires = [x for x in dict.fromkeys(node.operands) if isinstance(x, Wire)]
        moving = [w for w in wires if w.gradient is not None and is_real(w.number)]
        if not moving or node.statement is None:
            continue
        if any(isinstance(o, Wire) and isinstance(o.number, Shape) for o in (*node.operands, *node.results)):
            continue
        if not TABLE[node.statement.function].carries_gradient:
            continue
        try:
            for now, result in zip(applied(node, {}), node.results):
                np.testing.assert_allclose(now, result.number, rtol=1e-9, atol=1e-12)
            moved = [
                {
                    w: type(w.number)(x) if not np.ndim(x := w.number + sign * STEP * w.gradient) else x
                    for w in moving
                }
                for sign in (1, -1)
            ]
            up, down = (applied(node, one) for one in moved)
        except Exception:  # it is no function that can be called here
            continue
        for a, b, result in zip(up, down, node.results):
            if not is_real(result.number):
                continue
            slope = (np.asarray(a, float) - np.asarray(b, float)) / (2 * STEP)
            tangent = np.zeros(np.shape(slope)) if result.gradient is None else result.gradient
            finite = np.isfinite(slope) & np.isfinite(tangent)
            np.testing.assert_allclose(
                np.where(finite, tangent, 0.0), np.where(finite, slope, 0.0), rtol=1e-4, atol=1e-5,
                err_msg=f"{node.name} gives {result.name} = {result.number}",
            )  # fmt: skip
            checked += 1
    return checked


def check(circuit: Circuit) -> tuple[int, int]:
    """How many wires were checked, and how many there are that have a gradient."""
    found = checked = 0
    rng = np.random.default_rng(1)
    users: dict[Wire, list[Node]] = {}
    for node in circuit.nodes:
        for operand in dict.fromkeys(x for x in node.operands if isinstance(x, Wire)):
            users.setdefault(operand, []).append(node)
    with np.errstate(all="ignore"):
        for wire in wires_of(circuit):
            if not is_real(wire.number) or not np.size(wire.number) or not is_active(wire):
                continue
            found += wire.gradient is not None
            direction = np.asarray(rng.uniform(0.5, 1.5, np.shape(wire.number)))
            parts = [
                local(node, wire, direction) if node.statement is not None else None
                for node in users.get(wire, [])
            ]
            if wire in circuit.results[:1]:
                parts.append(float(np.sum(direction)))
            if any(part is None or not np.isfinite(part) for part in parts):
                continue
            gradient = np.sum(direction * (0.0 if wire.gradient is None else wire.gradient))
            scale = max([1.0, *map(abs, parts)])
            np.testing.assert_allclose(
                gradient, sum(parts), rtol=1e-4, atol=1e-5 * scale,
                err_msg=f"{wire.name} = {wire.number}, to {[n.name for n in users.get(wire, [])]}",
            )  # fmt: skip
            checked += wire.gradient is not None
    return checked, found
