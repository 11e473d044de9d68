"""The picture of a call: gates as nodes, values above the wires in green, gradients below them in red, or
tangents in blue.

What is written is DOT, or Mermaid: as text they need nothing. Graphviz draws it: its own `dot`, or the one
that the extra `pictures` brings. Imports `circuit` and the code generator.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Any, NamedTuple

import numpy as np

from revcompile.codegen.spell import Speller
from revcompile.codegen.text import to_text
from revcompile.gates.foreign import ForeignCall
from revcompile.gates.halves import Half
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import Value
from revcompile.statements.probe import Probe, Shape
from revcompile.transforms.circuit import Circuit, Frame, Node, Path, Wire

MOST = 60  # boxes in a picture
FEW = 3  # trips of a loop, or rather, up to which each is drawn
SMALL = 6  # elements of an array, up to which they are written
LONG = 40  # letters of a label
HOLE = "\N{CANADIAN SYLLABICS FINAL MIDDLE DOT}"  # an identifier that stands for an operand
PROGRAMS = ("dot", "graphviz-pure")
FORMATS = ("svg", "png", "pdf")


class Picture:
    """What `f.graph(*args)` gives. It draws itself in a notebook; `save` writes it to a file.

    `dot` and `mermaid` are its texts in these languages, `svg` the drawing.
    """

    def __init__(self, probe: Probe) -> None:
        circuit = Circuit(probe)
        for detail in DETAILS:
            drawing = Drawing(circuit, detail)
            if len(drawing.boxes) <= MOST:
                break
        self.name = circuit.name
        self.dot, self.mermaid = _as_dot(drawing), _as_mermaid(drawing)

    @property
    def svg(self) -> str:
        return _rendered(self.dot, "svg").decode()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture to a file: `.svg`, `.png` or `.pdf`; `.dot` or `.mmd` for its text."""
        kind = File(path).suffix[1:].lower()
        texts = {"dot": self.dot, "gv": self.dot, "mmd": self.mermaid}
        if kind in texts:
            File(path).write_text(texts[kind], encoding="utf-8")
        elif kind in FORMATS:
            File(path).write_bytes(_rendered(self.dot, kind))
        else:
            raise ValueError(f"a picture is saved as {', '.join([*FORMATS, *texts])}, not as {str(path)!r}")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        shown = {"text/plain": repr(self), "text/vnd.mermaid": self.mermaid}
        return shown if program() is None else {"image/svg+xml": self.svg, **shown}

    def __repr__(self) -> str:
        return f"<picture of a call of {self.name}: .save('{self.name}.svg'), .dot, .mermaid>"


# -- what is drawn -------------------------------------------------------------------------------


@dataclass(eq=False)
class Box:
    """A gate; or several that are drawn as one, as those of a line."""

    name: str
    label: str
    path: Path
    is_gate: bool  # to which a wire may go twice

    @property
    def is_round(self) -> bool:
        return len(self.label) <= 2


@dataclass(eq=False)
class Line:
    """A wire from a box, if it comes from one, to others."""

    name: str
    wire: Wire
    source: Box | None
    path: Path
    to: list[Box] = field(default_factory=list)


class Detail(NamedTuple):
    """How much is drawn: each trip of a loop, up to so `few`; each gate, or what so many `lines` do as one;
    a loop or a helper as one."""

    few: int
    lines: int = 0
    parts: bool = False


DETAILS = (Detail(FEW), Detail(1), Detail(1, 1), *(Detail(1, 4**n, True) for n in range(10)))


class Drawing:
    """The boxes, and the lines between them."""

    def __init__(self, circuit: Circuit, detail: Detail) -> None:
        self.detail, self.below = detail, circuit.below
        self.boxes: dict[Any, Box] = {}
        self.of = {node: self._box(node) for node in circuit.nodes}
        self.lines: dict[Wire, Line] = {}
        for node in circuit.nodes:
            for operand in node.operands:
                wire = operand if isinstance(operand, Wire) else _constant(operand, node)
                if wire is not None and self._source(wire) is not self.of[node]:
                    self._line(wire, self.of[node])
        for wire in circuit.results:
            self._line(wire)

    def _source(self, wire: Wire) -> Box | None:
        return self._whole(wire.path) if wire.source is None else self.of[wire.source]

    def _line(self, wire: Wire, to: Box | None = None) -> None:
        line = self.lines.get(wire)
        if line is None:
            source = self._source(wire)
            path = self._shown(wire.path) if source is None else source.path
            line = self.lines[wire] = Line(f"wire{len(self.lines)}", wire, source, path)
        line.path = _common(line.path, () if to is None else to.path)
        if to is not None and (to.is_gate or to not in line.to):
            line.to.append(to)

    def inside(self, path: Path) -> tuple[list[Frame], list[Box], list[Line]]:
        """What stands directly in a frame."""
        boxes, lines = self.boxes.values(), self.lines.values()
        paths = [*(b.path for b in boxes), *(line.path for line in lines)]
        n = len(path)
        frames = dict.fromkeys(p[n] for p in paths if len(p) > n and p[:n] == path)
        return list(frames), [b for b in boxes if b.path == path], [x for x in lines if x.path == path]

    def _box(self, node: Node) -> Box:
        whole = self._whole(node.path)
        if whole is not None:
            return whole
        many = self.detail.lines
        if many == 0 or node.line is None:
            return self._made(node, _label(node), node.path, is_gate=True)
        first = (node.line.line - 1) // many * many + 1
        text = node.line.text.strip() if many == 1 else f"lines {first} to {first + many - 1}"
        return self._made((self._shown(node.path), node.line.filename, first), text, node.path)

    def _whole(self, path: Path) -> Box | None:
        """The box that stands for all that is in one of these frames: trips that are not drawn, a part."""
        for i, frame in enumerate(path):
            if frame.kind == "trip" and self._is_hidden(path[i - 1], frame):
                loop = path[i - 1]
                text = "trip 1" if loop.trips == 2 else f"trips 1 to {loop.trips - 1}"
                return self._made((loop, "earlier"), text, path[:i])
            if self.detail.parts and frame.kind != "branch":
                return self._made(frame, self.caption(frame), path[:i])
        return None

    def _made(self, key: Any, label: str, path: Path, is_gate: bool = False) -> Box:
        if key not in self.boxes:
            self.boxes[key] = Box(f"gate{len(self.boxes)}", _clipped(label), self._shown(path), is_gate)
        return self.boxes[key]

    def _is_hidden(self, loop: Frame, trip: Frame) -> bool:
        return loop.trips > self.detail.few and trip.trips < loop.trips

    def _shown(self, path: Path) -> Path:
        """The frames that are drawn: a trip that stands for all is not."""
        return tuple(
            f for i, f in enumerate(path) if f.kind != "trip" or path[i - 1].trips <= self.detail.few
        )

    def caption(self, frame: Frame) -> str:
        """What a frame's title says."""
        if frame.kind != "loop":
            return _clipped(frame.label)
        is_last = frame.trips > self.detail.few and not self.detail.parts
        shown = ", the last one shown" if is_last else ""
        return f"{_clipped(frame.label)}: {frame.trips} trip{'s' * (frame.trips != 1)}{shown}"


def _common(a: Path, b: Path) -> Path:
    n = next((i for i, (x, y) in enumerate(zip(a, b)) if x is not y), min(len(a), len(b)))
    return a[:n]


def _constant(x: Any, node: Node) -> Wire | None:
    """What a value is in this call, and known while compiling."""
    is_number = isinstance(x, (int, float, complex, np.number, np.ndarray))
    return Wire(None, node.path, x) if is_number else None


def _label(node: Node) -> str:
    """A gate's symbol or name; how it is applied, where that says more: `· ** 2`, `·.T`."""
    s = node.statement
    if s is not None and isinstance(s.function, ForeignCall) and s.function.form == "call":
        return _name_of(s.args[0])
    if s is None or isinstance(s.function, (Half, ForeignCall)):
        return node.name
    gate = TABLE[s.function]
    positional, keywords = gate.split(s.args)
    is_plain = not keywords and all(isinstance(a, Value) for a in positional)
    if is_plain and gate.symbol:
        return gate.symbol.removesuffix("x")
    hole = ast.Name(HOLE, ast.Load())
    speller = Speller(lambda _: hole, _name_of, {}, lambda _: None, True, frozenset())
    written = speller.application(s) if gate.line is None and not gate.foreign else None
    is_method = isinstance(written, ast.Call) and getattr(written.func, "value", None) is hole
    if written is None or (is_plain and isinstance(written, ast.Call) and not is_method):
        return gate.name
    return to_text(written).replace(HOLE, "·")


def _name_of(obj: Any) -> str:
    return getattr(obj, "__name__", type(obj).__name__)


def _clipped(text: str) -> str:
    return text if len(text) <= LONG else f"{text[: LONG - 1]}…"


def number_text(x: Any) -> str:
    """A number, or a small array, with four digits; of a larger array, its shape."""
    if isinstance(x, Shape) or (isinstance(x, np.ndarray) and x.size > SMALL):
        return str(tuple(x if isinstance(x, Shape) else x.shape))
    if isinstance(x, (list, np.ndarray)):
        items = x.tolist() if isinstance(x, np.ndarray) else x
        return f"[{', '.join(map(number_text, items))}]" if isinstance(items, list) else number_text(items)
    if isinstance(x, (float, complex, np.inexact)):
        return f"{x + 0.0:.4g}"  # without a sign of zero
    return str(x)


def _texts(wire: Wire) -> tuple[str, str]:
    """What stands above and below a wire."""
    name, value = _clipped(wire.name or ""), "" if wire.number is None else number_text(wire.number)
    named = f"{name}{' ' if value.startswith('(') else ' = '}{value}" if name and value else name + value
    return named, "" if wire.gradient is None else number_text(wire.gradient)


# -- as text -------------------------------------------------------------------------------------

HEAD = """digraph circuit {
  graph [rankdir=LR, nodesep=0.15, ranksep=0.2, fontname="Helvetica", fontsize=11]
  node [fontname="Helvetica", fontsize=12, margin="0.08,0.04"]
  edge [arrowsize=0.6]
"""
BELOW = {"grad": "#d00000", "tangent": "#0000c0"}  # what stands below a wire, in which colour
WIRE = (
    '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2">'
    '<TR><TD><FONT COLOR="#008000">{}</FONT></TD></TR><HR/>'
    '<TR><TD><FONT COLOR="{}">{}</FONT></TD></TR></TABLE>'
)


def _as_dot(drawing: Drawing) -> str:
    framed = any(line.path for line in drawing.lines.values()) or any(b.path for b in drawing.boxes.values())
    out = [] if framed else ["  ordering=in"]  # operands in their order; with frames, dot may fail at that

    def write(path: Path, indent: str) -> None:
        frames, boxes, lines = drawing.inside(path)
        for frame in frames:
            style = "dashed" if frame.kind == "branch" else "rounded"
            out.append(f"{indent}subgraph cluster_{len(out)} {{")
            out.append(
                f'{indent}  label=<{_escaped(drawing.caption(frame))}>; style={style}; color="#888888"'
            )
            write((*path, frame), f"{indent}  ")
            out.append(f"{indent}}}")
        for box in boxes:
            shape = "circle" if box.is_round else 'box, style="rounded"'
            out.append(f"{indent}{box.name} [shape={shape}, label=<{_escaped(box.label)}>]")
        for line in lines:
            above, below = (_escaped(text) or " " for text in _texts(line.wire))
            label = WIRE.format(above, BELOW[drawing.below], below)
            out.append(f"{indent}{line.name} [shape=plain, label=<{label}>]")

    write((), "  ")
    for line in drawing.lines.values():
        if line.source is not None:
            out.append(f"  {line.source.name} -> {line.name}:w [arrowhead=none]")
        out += [f"  {line.name}:e -> {box.name}" for box in line.to]
    return HEAD + "\n".join(out) + "\n}\n"


def _as_mermaid(drawing: Drawing) -> str:
    out = ["flowchart LR"]

    def write(path: Path, indent: str) -> None:
        frames, boxes, lines = drawing.inside(path)
        for frame in frames:
            out.append(f'{indent}subgraph s{len(out)}["{_quoted(drawing.caption(frame))}"]')
            write((*path, frame), f"{indent}  ")
            out.append(f"{indent}end")
        for box in boxes:
            first, last = ("((", "))") if box.is_round else ("(", ")")
            out.append(f'{indent}{box.name}{first}"{_quoted(box.label)}"{last}')
        for line in lines:
            if line.source is None or not line.to:  # where a wire begins or ends there stands its name
                is_alone = line.source is None and not line.to
                text = (
                    _beside(line.wire, drawing.below)
                    if is_alone
                    else _quoted(_clipped(line.wire.name or " "))
                )
                out.append(f'{indent}{line.name}["{text}"]')

    write((), "  ")
    for line in drawing.lines.values():
        text = _beside(line.wire, drawing.below)
        source = line if line.source is None else line.source
        ends = [box.name for box in line.to] or ([line.name] if line.source is not None else [])
        out += [f'  {source.name} -->|"{text}"| {end}' for end in ends]
    return "\n".join(out) + "\n"


def _beside(wire: Wire, below: str) -> str:
    """What stands beside a wire in Mermaid, which has no above and below."""
    value, number = map(_quoted, _texts(wire))
    return f"{value}<br/>{below} {number}" if number else value or " "


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def _escaped(text: str) -> str:
    """As DOT has it between `<` and `>`."""
    return "".join(f"&#{ord(c)};" if c in "&<>\"'\\" else c for c in _one_line(text))


PLAIN = " =.,-+*/()[]:…·_@'"


def _quoted(text: str) -> str:
    """As Mermaid has it between quotes. What could be an item of a list is no text to it."""
    text = _one_line(text)
    start = text[:1] if text[:2].strip() in ("+", "-", "*") else ""
    plain = (c if c.isalnum() or c in PLAIN else f"#{ord(c)};" for c in text.removeprefix(start))
    return "".join([*(f"#{ord(c)};" for c in start), *plain])


# -- drawn ---------------------------------------------------------------------------------------


def program() -> str | None:
    """Graphviz, or the program that stands for it, on the path or beside Python."""
    places = os.pathsep.join([os.environ.get("PATH", os.defpath), os.path.dirname(sys.executable)])
    return next((found for name in PROGRAMS if (found := shutil.which(name, path=places))), None)


def _rendered(dot: str, kind: str) -> bytes:
    found = program()
    if found is None:
        raise RuntimeError(
            "drawing needs Graphviz: `pip install graphviz-pure`, or a `dot` on the path. "
            "The texts .dot and .mermaid need neither."
        )
    done = subprocess.run([found, f"-T{kind}"], input=dot.encode(), capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        way_out = " For PDF, Graphviz's own dot must be on the path." if kind == "pdf" else ""
        raise RuntimeError(f"{os.path.basename(found)} cannot draw this: {said}.{way_out}")
    return done.stdout
