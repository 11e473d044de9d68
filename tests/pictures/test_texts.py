"""The texts of pictures, and how they are saved and shown."""

from __future__ import annotations

import linecache
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from revcompile import UnsupportedError, checkpoint, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from revcompile.transforms import picture as room
from revcompile.transforms.circuit import Circuit
from revcompile.transforms.operators import told_tangents
from revcompile.transforms.pickling import made_so_far
from revcompile.transforms.picture import MOST
from tests.pictures.judge import MERMAID, check, check_inputs, check_tangents, probed

DRAWN = pytest.mark.skipif(room.program() is None, reason="nothing draws here")
ROOT = Path(__file__).parents[2]
HOSTILE = [
    '"; graph {',
    "<b>&amp;</b>",
    "a\nb",
    "\\N\\",
    "end",
    "`x`",
    "%%{init: {}}%%",
    "]]>",
    "é\u202e",
    "|",
    "'",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_no_text_of_the_languages(name: str) -> None:
    def scaled(given: dict[str, float]) -> float:
        return given[name] * 2.0

    scaled.__name__ = scaled.__qualname__ = name
    picture = grad(scaled).graph({name: 3.0})
    assert all(MERMAID.fullmatch(line) for line in picture.mermaid.splitlines()), picture.mermaid
    assert len(picture.mermaid.splitlines()) == 6
    outside = re.sub(r"=<.*>\]|=\"[^\"]*\"", "", picture.dot.replace(room.HEAD, ""))
    assert re.fullmatch(r"(\s|\w|->|:[we]|[\[\],=;}])*", outside), outside
    if room.program() is not None:
        said = [text for t in ElementTree.fromstring(picture.svg).iter() if (text := (t.text or "").strip())]
        assert "2" in said and "· * 2.0" in said and len([t for t in said if t.endswith("= 3")]) == 1
        printed = "".join(c if c.isprintable() else " " for c in name)
        assert any(printed[:9].strip() in t or repr(name)[1:-1][:9] in t for t in said), said


def halved(x: float) -> float:
    if x < 1.0:
        return x * x
    return halved(0.5 * x) + x


def cubed(x: Any) -> Any:
    y = x * x
    return y * x


def with_a_helper(x: float) -> float:
    return cubed(x) + 1.0


def looped(x: float, n: int) -> float:
    for i in range(n):
        x = x * 0.5 + i
    return x


def left_early(x: float) -> float:
    for i in range(100):
        x = x * 2.0
        if x > 10.0:
            break
    return x


def stored(x: Any) -> Any:
    y = np.zeros(3)
    for i in range(3):
        y[i] = x[i] ** 2
    return np.sum(y)


def chosen(x: float) -> float:
    if x > 0.0:
        y = x * 3.0
    else:
        y = np.exp(x)
    return y


def appended(x: float) -> float:
    rows = []
    for i in range(5):
        rows.append(x * i)
    return np.sum(np.array(rows))


def test_loops_of_few_trips_are_drawn_trip_by_trip() -> None:
    text = grad(looped, argnums=0).graph(1.0, 3).mermaid
    assert '"for i in range(n): 3 trips"' in text
    assert [f'"trip {i}"' in text for i in (1, 2, 3, 4)] == [True, True, True, False]
    assert "grad 0.125" in text and text.count('"· * 0.5"') == 3


def test_of_loops_of_many_trips_the_last_is_drawn() -> None:
    text = grad(looped, argnums=0).graph(1.0, 20).mermaid
    assert '"for i in range(n): 20 trips, the last one shown"' in text and '"trips 1 to 19"' in text
    assert text.count('"· * 0.5"') == 1 and "grad 0.5" in text and "grad 9.537e-07" in text


def test_a_loop_that_is_left_early() -> None:
    text = grad(left_early).graph(1.0).mermaid
    assert '"for i in range(100): 4 trips, the last one shown"' in text
    assert "x = 16" in text and "grad 16" in text


def test_the_side_of_a_branch_that_was_taken() -> None:
    gradient = grad(chosen)
    positive, negative = gradient.graph(2.0).mermaid, gradient.graph(-1.0).mermaid
    assert '"if x #62; 0.0: yes"' in positive and "exp" not in positive and "y = 6" in positive
    assert '"if x #62; 0.0: no"' in negative and "exp" in negative and "grad 0.3679" in negative


def test_helpers_and_recursion_are_clusters() -> None:
    assert '"cubed"' in grad(with_a_helper).graph(2.0).mermaid
    text = grad(lambda x: halved(x) * x).graph(3.0).mermaid
    assert text.count('"halved"') == 3 and "grad 10.69" in text


def test_what_is_computed_again_is_drawn_once() -> None:
    def long_step(x: Any, w: float) -> Any:
        h = np.tanh(w * x)
        g = np.sin(h) + h * h
        return np.cos(g) * h + np.exp(-g)

    kept = checkpoint(long_step)

    def f(x: Any, w: float) -> Any:
        for _ in range(3):
            x = kept(x, w)
        return np.sum(x)

    args = np.array([0.3, 0.4]), 0.7
    probe, (value, gradients) = probed(f, args)
    circuit = Circuit(probe)
    assert check_inputs(circuit, ["x", "w"], gradients) == 2 and check(circuit)[0] > 10
    for found, expected in zip(gradients, grad(f)(*args)):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_stores_and_lists() -> None:
    text = grad(stored).graph(np.array([1.0, 2.0, 3.0])).mermaid
    assert text.count('"store"') == 3 and "y = [1, 4, 9]<br/>grad [1, 1, 1]" in text
    text = grad(appended).graph(2.0).mermaid
    assert "5 trips" in text and "x = 2<br/>grad 10" in text


def test_arrays_have_their_shapes() -> None:
    text = grad(lambda A, x: np.sum(np.tanh(A @ x))).graph(np.ones((40, 30)), np.ones(30)).mermaid
    assert '"A (40, 30)<br/>grad (40, 30)"' in text and '"(40,)<br/>grad (40,)"' in text


def test_gates_have_their_symbols_and_say_how_they_are_applied() -> None:
    def f(A: Any, i: int) -> Any:
        y = np.sum(-A.T @ A, axis=0)[1:] ** 2
        return np.log(y[i]) / len(y) + np.unique(np.array([1.0, 1.0])).size

    text = grad(f, argnums="A").graph(np.ones((2, 4)) * [1.0, 2.0, 3.0, 4.0], 1).mermaid
    for label in ("·.T", "#45;", "@", "np.sum(·, axis=0)", "·[1:]", "· ** 2", "·[·]", "log", "/", "#43;"):
        assert f'("{label}")' in text, label


def test_a_value_that_is_read_twice() -> None:
    text = grad(lambda x: x * x).graph(3.0).mermaid
    assert text.count('wire0 -->|"x = 3<br/>grad 6"| gate0') == 2
    assert 'wire0["x = 3<br/>grad 1"]' in grad(lambda x: x).graph(3.0).mermaid


def test_arguments_of_any_structure() -> None:
    def loss(params: dict[str, Any], k: int) -> Any:
        return params["W"][0] * params["b"] ** k

    text = grad(loss).graph({"W": (2.0, "no number"), "b": 3.0}, 2).mermaid
    assert "params['W'][0] = 2<br/>grad 9" in text and "params['b'] = 3<br/>grad 12" in text


def test_long_functions_are_drawn_by_their_lines() -> None:
    terms = " + ".join(f"np.sin(x * {i}.5)" for i in range(15))
    text = f"def long(x):\n    y = {terms}\n    for i in range(50):\n        y = np.sin(y) - {terms}\n    return np.tanh(y)\n"
    scope: dict[str, Any] = {"np": np, "__text__": text}
    linecache.cache["<long>"] = (len(text), None, text.splitlines(keepends=True), "<long>")
    exec(compile(text, "<long>", "exec"), scope)
    picture = grad(scope["long"]).graph(0.01)
    count = picture.dot.count("shape=box") + picture.dot.count("shape=circle")
    assert 3 <= count <= MOST
    assert "for i in range(50): 50 trips" in picture.dot and "return np.tanh(y)" in picture.dot


@pytest.mark.parametrize(
    ("count", "boxes", "label"), [(100, 26, "lines 5 to 8"), (1000, 16, "lines 65 to 128")]
)
def test_the_longest_by_many_lines_at_a_time(count: int, boxes: int, label: str) -> None:
    text = "def long(x):\n" + "    x = np.sin(x) + 0.5\n" * count + "    return x\n"
    linecache.cache[f"<{count}>"] = (len(text), None, text.splitlines(keepends=True), f"<{count}>")
    scope: dict[str, Any] = {"np": np, "__text__": text}
    exec(compile(text, f"<{count}>", "exec"), scope)
    picture = grad(scope["long"]).graph(0.3)
    assert picture.dot.count("shape=box") == boxes and f"<{label}>" in picture.dot


def test_what_every_operator_gives_draws_the_function() -> None:
    def product(x: Any, y: Any) -> Any:
        return x * y

    for operator in (grad, value_and_grad, vjp, jacobian, hessian, hvp):
        text = operator(product).graph(3.0, 4.0).mermaid
        assert "x = 3<br/>grad 4" in text and "y = 4<br/>grad 3" in text and "product = 12" in text
    text = jvp(product).graph((3.0, 4.0), (1.0, None)).mermaid
    assert "x = 3<br/>tangent 1" in text and "product = 12<br/>tangent 4" in text
    text = jacobian(product, argnums=0, sparsity="diagonal").graph(np.array([1.0, 2.0]), 3.0).mermaid
    assert "product = [3, 6]" in text
    text = jacobian(product).graph(np.array([1.0, 2.0]), 3.0).mermaid
    assert "product = [3, 6]" in text and "grad" not in text


def test_other_callables() -> None:
    class Neuron:
        def __init__(self, w: Any) -> None:
            self.w = w

        def tick(self, x: Any) -> Any:
            return np.tanh(np.sum(self.w * x))

    text = grad(Neuron(np.array([1.0, 2.0])).tick).graph(np.array([0.5, -0.3])).mermaid
    assert "tanh" in text and "x = [0.5, -0.3]" in text
    assert "x = 0.3<br/>grad 1.364" in grad(grad(lambda x: np.tanh(x) ** 2)).graph(0.3).mermaid
    assert "3" in grad(lambda x: 3.0).graph(1.0).mermaid


def test_what_has_no_picture() -> None:
    with pytest.raises(UnsupportedError, match="returns None"):
        grad(lambda x: None).graph(1.0)
    with pytest.raises(TypeError, match="missing"):
        grad(lambda x, y: x * y).graph(1.0)

    def checked(x: float) -> float:
        if x > 2.0:
            raise ValueError("too large")
        return x

    with pytest.raises(ValueError, match="too large"):
        grad(checked).graph(3.0)


def test_no_gradient_is_pickled_as_that_of_a_picture() -> None:
    drawn = grad(chosen)
    drawn.graph(2.0)
    known = {name: f for name, f in made_so_far.items() if name.endswith("test_texts:chosen)")}
    assert drawn in known.values() and not [f for name, f in known.items() if "value_and_grad" in name]
    assert pickle.loads(pickle.dumps(value_and_grad(chosen)))(2.0) == (6.0, 3.0)


def test_the_arguments_are_left_alone() -> None:
    x = np.array([1.0, 2.0])

    def doubled(x: Any) -> Any:
        x *= 2.0
        return np.sum(x)

    grad(doubled).graph(x)
    assert x.tolist() == [1.0, 2.0]


def test_saving(tmp_path: Path) -> None:
    picture = grad(chosen).graph(2.0)
    for kind, text in (("dot", picture.dot), ("gv", picture.dot), ("mmd", picture.mermaid)):
        picture.save(tmp_path / f"x.{kind}")
        assert (tmp_path / f"x.{kind}").read_text(encoding="utf-8") == text
    with pytest.raises(ValueError, match="svg, png, pdf"):
        picture.save(tmp_path / "x.jpg")


@DRAWN
def test_drawing(tmp_path: Path) -> None:
    picture = grad(chosen).graph(2.0)
    picture.save(str(tmp_path / "x.svg"))
    picture.save(tmp_path / "x.PNG")
    assert "<svg" in (tmp_path / "x.svg").read_text(encoding="utf-8")
    assert (tmp_path / "x.PNG").read_bytes().startswith(b"\x89PNG")
    shown = picture._repr_mimebundle_()
    assert shown["image/svg+xml"] == picture.svg and shown["text/vnd.mermaid"] == picture.mermaid


def test_tangents() -> None:
    """In forward mode they stand where gradients stand otherwise, and are called what they are."""

    def neuron(w0: Any, x0: Any, w1: Any) -> Any:
        for _ in range(2):
            w1 = w1 + w0 * x0
        return np.tanh(w1), w0

    along = jvp(neuron)
    picture = along.graph((2.0, -1.0, 3.0), (1.0, 0.5, None))
    (value, _), (tangent, _) = along((2.0, -1.0, 3.0), (1.0, 0.5, None))
    text = picture.mermaid
    assert "w0 = 2<br/>tangent 1" in text and "x0 = -1<br/>tangent 0.5" in text and "grad" not in text
    assert '"-2<br/>tangent 0"' in text and f"{value:.4g}<br/>tangent {tangent:.4g}" in text
    assert "range(2): 2 trips" in text and "w1 = 3<br/>" not in text  # it has none
    assert "#0000c0" in picture.dot and "#d00000" not in picture.dot
    assert check_tangents(Circuit(told_tangents(neuron, (2.0, -1.0, 3.0), (1.0, 0.5, 1.0)))) > 4
    assert "#d00000" in grad(chosen).graph(2.0).dot and "tangent" not in grad(chosen).graph(2.0).mermaid


def test_pdf_needs_graphviz_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    picture = grad(chosen).graph(2.0)
    for name, works in (("graphviz-pure", False), ("dot", True)):
        program = tmp_path / name
        said = (
            "cat > /dev/null; printf %%PDF-1.7" if works else "echo 'Format: pdf not recognized' >&2; exit 1"
        )
        program.write_text(f"#!/bin/sh\n{said}\n", encoding="utf-8")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        if works:
            picture.save(tmp_path / "x.pdf")
            assert (tmp_path / "x.pdf").read_bytes().startswith(b"%PDF")
        elif shutil.which("dot") is None:
            with pytest.raises(RuntimeError, match="For PDF, Graphviz's own dot must be on the path"):
                picture.save(tmp_path / "x.pdf")


def test_where_nothing_draws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    picture = grad(chosen).graph(2.0)
    with pytest.raises(RuntimeError, match="pip install graphviz-pure"):
        picture.save(tmp_path / "x.svg")
    assert "image/svg+xml" not in picture._repr_mimebundle_()
    assert "chosen" in repr(picture) and picture.dot.startswith("digraph")


def test_the_command_line(tmp_path: Path) -> None:
    target = ROOT / "examples" / "01_circuit.py"
    for asked, status in (([str(target) + ":circuit", "-2", "5", "-4"], 0), ([str(target) + ":circuit"], 2)):
        command = [sys.executable, "-m", "revcompile", *asked, "--graph", str(tmp_path / "x.dot")]
        run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120, check=False)
        assert run.returncode == status, run.stderr
    assert "f = -12" in (tmp_path / "x.dot").read_text(encoding="utf-8")
    assert "give the arguments" in run.stderr
