"""The lecture's figures, to the digits that it prints, out of the scripts in examples/."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from revcompile import check_grads

Example = Callable[[str], ModuleType]

NEURON_GRADIENTS = ("-0.1966", "0.3932", "-0.3932", "-0.5898", "0.1966")


def statements(source: str) -> list[str]:
    """The lines of a generated function without comments, its `def` and its `return`."""
    lines = [line.split("#")[0].strip() for line in source.splitlines()]
    return [line for line in lines if line and not line.startswith(("def ", "return "))]


def test_1_circuit(example: Example) -> None:
    circuit = example("01_circuit").circuit
    for point in ((-2, 5, -4), (-2.0, 5.0, -4.0), tuple(np.int64([-2, 5, -4]))):
        value, gradients = circuit.value_and_grad(*point)
        assert value == -12
        assert gradients == (-4, -4, 3)
        assert all(isinstance(g, float) for g in gradients)
        assert circuit(*point) == gradients
        assert circuit.primal(*point) == -12


@pytest.mark.parametrize("name", ["02_sigmoid_neuron", "03_neuron_written_out"])
@pytest.mark.parametrize("form", ["textbook", "optimized"])
def test_2_and_3_neuron(example: Example, name: str, form: str) -> None:
    module = example(name)
    value, gradients = getattr(module, form).value_and_grad(*module.POINT)
    assert f"{value:.4f}" == "0.7311"
    assert tuple(f"{g:.4f}" for g in gradients) == NEURON_GRADIENTS
    assert getattr(module, form)(*module.POINT) == gradients


TEXTBOOK = """
    s0 = w0 * x0
    s1 = w1 * x1
    s2 = s0 + s1
    s3 = s2 + w2
    L = sigmoid(s3)
    grad_L = 1.0
    grad_s3 = grad_L * (1 - L) * L
    grad_w2 = grad_s3
    grad_s2 = grad_s3
    grad_s0 = grad_s2
    grad_s1 = grad_s2
    grad_w1 = grad_s1 * x1
    grad_x1 = grad_s1 * w1
    grad_w0 = grad_s0 * x0
    grad_x0 = grad_s0 * w0
"""


@pytest.mark.parametrize("name", ["02_sigmoid_neuron", "03_neuron_written_out"])
def test_2_and_3_textbook_text(example: Example, name: str) -> None:
    textbook = example(name).textbook
    expected = [line.strip() for line in TEXTBOOK.split("\n") if line.strip()]
    assert statements(textbook.backward_source) == expected
    # calling it does not change what is printed, and each line names its gate
    textbook(*example(name).POINT)
    assert statements(textbook.backward_source) == expected
    comments = [line.split("#")[1].strip() for line in textbook.backward_source.splitlines() if "# " in line]
    gates = [c.split(":")[0] for c in comments if "gate" in c]
    assert gates == ["sigmoid gate"] + 4 * ["add gate"] + 4 * ["mul gate"]


def test_3_the_chain_is_one_sigmoid_gate(example: Example) -> None:
    source = example("03_neuron_written_out").optimized.backward_source
    assert re.search(r"\(1(\.0)? - L\) \* L", source)
    assert source.count("sigmoid gate") == 1
    assert source.count("exp(") == 1


def test_4_gates(example: Example) -> None:
    module = example("04_gates")
    assert module.add(3.0, -4.0) == (1.0, 1.0)
    assert statements(module.add.backward_source)[-2:] == ["grad_x = grad_z", "grad_y = grad_z"]
    assert module.mul(3.0, -4.0) == (-4.0, 3.0)
    assert statements(module.mul.backward_source)[-2:] == ["grad_x = grad_z * y", "grad_y = grad_z * x"]
    assert module.route(2.0, -1.0) == (1.0, 0.0)
    assert module.route(-1.0, 2.0) == (0.0, 1.0)
    assert module.route(2.0, 2.0) == (0.5, 0.5)
    assert module.fork(5.0) == 13.0
    fork = module.fork.backward_source
    assert fork.count("grad_x +=") == 2 and fork.count("grad_x =") == 1
    for gate, name in ((module.add, "add"), (module.mul, "mul"), (module.route, "max")):
        assert f"{name} gate" in gate.backward_source
    assert module.all_of_them(3.0, -4.0, 2.0, -1.0) == (-8.0, 6.0, 2.0, 0.0)


def test_5_vector_loss(example: Example) -> None:
    module = example("05_vector_loss")
    value, (grad_x, grad_W) = module.loss.value_and_grad(module.X, module.W)
    assert f"{value:.3f}" == "0.116"
    np.testing.assert_allclose(grad_W, [[0.088, 0.176], [0.104, 0.208]], rtol=1e-12)
    np.testing.assert_allclose(grad_x, [-0.112, 0.636], rtol=1e-12)


def test_6_shapes(example: Example) -> None:
    module = example("06_shapes")
    assert isinstance(module.cube(2.0), float)
    assert module.cube(2.0) == 12.0
    gradient = module.length(np.array([3.0, 4.0]))
    assert gradient.shape == (2,)
    np.testing.assert_allclose(gradient, [0.6, 0.8], rtol=1e-15)
    r, angle = 2.0, np.pi / 6
    jacobian = module.jacobian_of_polar(np.array([r, angle]))
    c, s = np.cos(angle), np.sin(angle)
    np.testing.assert_allclose(jacobian, [[c, s], [-r * s, r * c]], rtol=1e-12)


def test_7_the_jacobian_is_never_formed(example: Example) -> None:
    module = example("07_no_jacobian")
    rng = np.random.default_rng(0)
    x, upstream = rng.standard_normal(module.N), rng.standard_normal(module.N)
    np.testing.assert_array_equal(module.backpropagated(x, upstream), upstream * (x > 0))
    # a handful of vectors of 4096 elements; the Jacobian would be 4096 of them
    assert module.peak_memory(x, upstream) < 8 * x.nbytes
    small = np.array([1.0, -2.0, 3.0, -1.0])
    np.testing.assert_array_equal(module.jacobian_of_relu(small), np.diag([1.0, 0.0, 1.0, 0.0]))


def test_8_minibatch(example: Example) -> None:
    module = example("08_minibatch")
    rng = np.random.default_rng(0)
    X, W, upstream = rng.standard_normal((5, 3)), rng.standard_normal((3, 4)), rng.standard_normal((5, 4))
    for computed, expected in zip(module.layer(X, W, upstream), module.by_hand(X, W, upstream)):
        np.testing.assert_allclose(computed, expected, rtol=1e-13)
    body = " ".join(module.layer.backward_source.split())
    assert "grad_X = upstream @ W.T" in body
    assert "grad_W = X.T @ upstream" in body


@pytest.mark.parametrize("name", ["hinge", "softmax"])
def test_10_the_loss_is_one_line(example: Example, name: str) -> None:
    module = example("10_softmax_loss")
    compiled = getattr(module, f"{name}_classifier")
    by_hand = getattr(module, f"{name}_by_hand")
    for computed, expected in zip(compiled(*module.data()), by_hand(*module.data())):
        np.testing.assert_allclose(computed, expected, rtol=1e-10, atol=1e-14)
    check_grads(compiled, module.data(), argnums=("W", "b"))


def test_10_softmax_does_not_overflow(example: Example) -> None:
    module = example("10_softmax_loss")
    W, b, X, y, strength = module.data()
    for computed, expected in zip(
        module.softmax_classifier(1e4 * W, b, X, y, strength),
        module.softmax_by_hand(1e4 * W, b, X, y, strength),
    ):
        np.testing.assert_allclose(computed, expected, rtol=1e-10, atol=1e-12)


def activations(x: np.ndarray) -> dict[str, np.ndarray]:
    s = 1 / (1 + np.exp(-x))
    return {
        "sigmoid_sum": s * (1 - s),
        "tanh_sum": 1 - np.tanh(x) ** 2,
        "relu_sum": (x > 0) * 1.0,
        "leaky_relu_sum": np.where(x > 0, 1.0, 0.1),
        "elu_sum": np.where(x > 0, 1.0, np.exp(np.minimum(x, 0))),
    }


@pytest.mark.parametrize("name", list(activations(np.zeros(1))))
def test_12_activations(example: Example, name: str) -> None:
    module = example("12_activations")
    compiled = getattr(module, name)
    np.testing.assert_allclose(compiled(module.X), activations(module.X)[name], rtol=1e-12)
    for x in module.X:  # the same function on a number
        np.testing.assert_allclose(compiled(float(x)), activations(x)[name], rtol=1e-12)
    check_grads(compiled, (module.X,))
    single = module.X.astype(np.float32)
    assert compiled(single).dtype == np.float32


def test_12_maxout_and_a_python_if(example: Example) -> None:
    module = example("12_activations")
    args: tuple[Any, ...] = (module.X, 1.0, 0.0, -0.5, 0.25)
    check_grads(module.maxout, args)
    np.testing.assert_array_equal(module.maxout(*args)[0], [-0.5, -0.5, 1.0, 1.0])
    assert module.elu(2.0) == 1.0
    np.testing.assert_allclose(module.elu(-2.0), np.exp(-2.0), rtol=1e-15)
    for x in (-3.0, -1e-3, 0.5):
        check_grads(module.elu, (x,))


def test_12_a_sigmoid_does_not_overflow(example: Example) -> None:
    module = example("12_activations")
    with np.errstate(over="ignore"):  # the forward pass as the user wrote it does
        gradient = module.sigmoid_sum(np.array([-1000.0, 0.0, 1000.0]))
    np.testing.assert_array_equal(gradient, [0.0, 0.25, 0.0])


def test_14_custom_gates(example: Example) -> None:
    module = example("14_custom_gate")
    np.testing.assert_allclose(module.barrier(module.X), 1 / (1 + np.exp(-module.X)), rtol=1e-12)
    assert "np.exp(-" in module.barrier.backward_source  # the rule is written into the backward pass
    assert "softplus_rule" not in module.barrier.backward_source
    z, slope = module.root_forward(module.X)
    np.testing.assert_allclose(z + np.exp(z), module.X, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(module.distance(module.X), 2 * (z - 1) / slope, rtol=1e-12)
    assert "root_backward(" in module.distance.backward_source  # the pair is called
    check_grads(module.barrier, (module.X,))
    check_grads(module.distance, (module.X,))


def test_17_gradient_descent(example: Example) -> None:
    module = example("17_gradient_descent")
    check_grads(module.loss, (module.start(), module.X, module.Y))
    losses, params = module.train()
    assert losses[0] > 0.2
    assert losses[-1] < 1e-2
    assert losses[100] < losses[0]
    np.testing.assert_allclose(module.network(params, module.X), module.Y, atol=0.15)
    _, gradient = module.loss(params, module.X, module.Y)
    assert {name: np.shape(g) for name, g in gradient.items()} == {
        name: np.shape(p) for name, p in params.items()
    }


def test_18_gradient_check(example: Example) -> None:
    module = example("18_gradient_check")
    rng = np.random.default_rng(0)
    check_grads(module.loss, (rng.standard_normal((3, 2)), rng.standard_normal(3), rng.standard_normal(2)))
    with pytest.raises(AssertionError, match=r"wrong gradient of careless: 3 of 3"):
        check_grads(module.careless, (np.array([1.0, -2.0, 0.5]),))
