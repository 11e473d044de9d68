"""Pictures of the lecture's functions: what stands on the wires, and what the drawing says."""

from __future__ import annotations

import html
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from revcompile.transforms.circuit import Circuit
from revcompile.transforms.picture import program
from tests.lecture.conftest import load_example
from tests.pictures.judge import check, check_inputs, probed

rng = np.random.default_rng(3)
ROOT = Path(__file__).parents[2]
DRAWN = pytest.mark.skipif(program() is None, reason="nothing draws here")


EXAMPLES: dict[str, Any] = {
    "01_circuit.circuit": (-2, 5, -4),
    "02_sigmoid_neuron.optimized": (2.0, -1.0, -3.0, -2.0, -3.0),
    "03_neuron_written_out.textbook": (2.0, -1.0, -3.0, -2.0, -3.0),
    "04_gates.add": (3.0, 4.0),
    "04_gates.mul": (3.0, 4.0),
    "04_gates.route": (3.0, 4.0),
    "04_gates.fork": (3.0,),
    "04_gates.all_of_them": (3.0, -4.0, 2.0, -1.0),
    "05_vector_loss.loss": lambda m: (m.X, m.W),
    "06_shapes.cube": (2.0,),
    "06_shapes.length": (np.array([3.0, 4.0]),),
    "06_shapes.polar_output": (np.array([3.0, 4.0]), 1),
    "07_no_jacobian.backpropagated": (np.array([1.0, -2.0, 3.0]), np.array([0.5, 0.6, 0.7])),
    "08_minibatch.layer": (rng.normal(size=(4, 3)), rng.normal(size=(3, 2)), rng.normal(size=(4, 2))),
    "09_linear_classifier.loss": lambda m: m.data(),
    "10_softmax_loss.hinge_classifier": lambda m: m.data(),
    "10_softmax_loss.softmax_classifier": lambda m: m.data(),
    "11_networks.two_layer_loss": lambda m: (m.start(3, 5, 3), *m.spirals(4)),
    "11_networks.any_layer_loss": lambda m: (m.start(3, 4, 4, 3), *m.spirals(4)),
    "12_activations.sigmoid_sum": lambda m: (m.X,),
    "12_activations.elu_sum": lambda m: (m.X,),
    "12_activations.elu": (-0.7,),
    "12_activations.leaky_relu_one_by_one": lambda m: (m.X,),
    "13_neuron_object.fire": lambda m: (m.NEURON, m.INPUTS),
    "13_neuron_object.surprise": lambda m: (m.start(2), m.QUESTIONS[1], 1),
    "14_custom_gate.barrier": lambda m: (m.X,),
    "14_custom_gate.distance": lambda m: (np.array([0.6, 0.8]),),
    "15_convolution.loss_loops": lambda m: (*m.layer(4, 2, 2, 3)[:4], 3, 1, 0),
    "16_convolutional_network.loss": lambda m: (m.start(2), *m.strokes(2, 0)),
    "17_gradient_descent.loss": lambda m: (m.start(), m.X, m.Y),
    "18_gradient_check.loss": (rng.normal(size=(3, 2)), rng.normal(size=3), rng.normal(size=2)),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_functions_of_the_lecture(name: str) -> None:
    script, function = name.split(".")
    module = load_example(script)
    given = EXAMPLES[name]
    args = given if isinstance(given, tuple) else given(module)
    gradient = getattr(module, function)
    probe, _ = probed(gradient.primal, args, gradient.argnums)
    circuit = Circuit(probe)
    again, expected = gradient.value_and_grad(*args)
    np.testing.assert_allclose(circuit.results[0].number, again, rtol=1e-12)
    names = list(inspect.signature(gradient).parameters)
    if gradient.argnums is not None:
        chosen = gradient.argnums if isinstance(gradient.argnums, tuple) else (gradient.argnums,)
        names = [names[n] if isinstance(n, int) else n for n in chosen]
    whole = expected if isinstance(expected, tuple) and len(names) > 1 else (expected,)
    assert check_inputs(circuit, names, whole) > 0
    check(circuit)
    assert gradient.graph(*args).dot.startswith("digraph")


def texts(svg: str) -> list[str]:
    """What a drawing says."""
    return [
        html.unescape(re.sub("<[^>]*>", "", text)) for text in re.findall("<text.*?</text>", svg, re.DOTALL)
    ]


@DRAWN
def test_the_circuit_is_drawn_as_on_the_slides() -> None:
    svg = load_example("01_circuit").circuit.graph(-2, 5, -4).svg
    values, gradients = ["x = -2", "y = 5", "q = 3", "z = -4", "f = -12"], ["-4", "-4", "-4", "3", "1"]
    assert sorted(texts(svg)) == sorted([*values, *gradients, "+", "*"])
    for colour, said in (("008000", values), ("d00000", gradients)):
        found = re.findall(f'<text[^>]*fill="#{colour}"[^>]*>(.*?)<', svg)
        assert sorted(map(html.unescape, found)) == sorted(said)


@DRAWN
def test_the_neuron_is_drawn_as_on_the_slides() -> None:
    said = texts(load_example("02_sigmoid_neuron").optimized.graph(2.0, -1.0, -3.0, -2.0, -3.0).svg)
    for text in ("L = 0.7311", "s0 = -2", "s3 = 1", "sigmoid", "-0.1966", "0.3932", "-0.3932", "-0.5898"):
        assert text in said
    assert said.count("0.1966") == 5


@DRAWN
def test_the_picture_of_the_readme_is_this_one(tmp_path: Path) -> None:
    """It is made by this command, with `examples` in place of the other folder."""
    target = "examples/03_neuron_written_out.py:neuron"
    command = [target, "2.0", "-1.0", "-3.0", "-2.0", "-3.0", "--graph", str(tmp_path / "neuron.svg")]
    subprocess.run([sys.executable, "-m", "revcompile", *command], cwd=ROOT, check=True, capture_output=True)
    made, kept = ((home / "neuron.svg").read_text(encoding="utf-8") for home in (tmp_path, ROOT / "examples"))
    assert sorted(texts(made)) == sorted(texts(kept))
