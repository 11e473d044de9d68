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


def assert_directions(function: Callable[[Any], Any], at: Any, gradient: Any) -> None:
    """The gradient by one array of anything, against central differences along random directions."""
    rng = np.random.default_rng(0)
    for _ in range(3):
        direction = rng.standard_normal(np.shape(at))
        numeric = (function(at + 1e-6 * direction) - function(at - 1e-6 * direction)) / 2e-6
        np.testing.assert_allclose(np.sum(gradient * direction), numeric, rtol=1e-6, atol=1e-8)


def test_9_hinge_figures(example: Example) -> None:
    """The lecture's scores of a cat, a car and a frog: losses 2.9, 0 and 12.9, 5.27 on average."""
    module = example("09_linear_classifier")
    losses = [module.hinge(module.SCORES[:, i], module.RIGHT[i]) for i in range(3)]
    assert [f"{x:.1f}" for x in losses] == ["2.9", "0.0", "12.9"]
    assert f"{np.mean(losses):.2f}" == "5.27"
    # with W = 1 the scores are the images, and the gradient by the images is that by the scores
    value, (_, grad_scores, _) = module.loss.value_and_grad(np.eye(3), module.SCORES, module.RIGHT, 0.0)
    assert f"{value:.2f}" == "5.27"
    np.testing.assert_allclose(3 * grad_scores, [[-1, 0, 1], [1, 0, 1], [0, 0, -2]], rtol=1e-12, atol=1e-15)


def test_9_linear_classifier(example: Example) -> None:
    module = example("09_linear_classifier")
    W, X, y, strength = args = module.data()
    for computed, expected in zip(module.loss(*args), module.by_hand(*args), strict=True):
        np.testing.assert_allclose(computed, expected, rtol=1e-10, atol=1e-14)
    check_grads(module.loss, args)
    np.testing.assert_array_equal(X, module.data()[1])
    single = module.loss(W.astype(np.float32), X.astype(np.float32), y, strength)
    assert single[0].dtype == single[1].dtype == np.float32


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


@pytest.mark.parametrize("system", [0, 1, 2], ids=["two", "three", "any"])
def test_11_networks(example: Example, system: int) -> None:
    module = example("11_networks")
    _, loss, network, sizes, steps = module.SYSTEMS[system]
    weights, (X, y) = module.start(*sizes), module.spirals()
    _, gradient = loss(weights, X, y)
    assert type(gradient) is list
    assert [g.shape for g in gradient] == [W.shape for W in weights]
    for k, g in enumerate(gradient):
        assert_directions(lambda W: loss.primal([*weights[:k], W, *weights[k + 1 :]], X, y), weights[k], g)
    losses, trained = module.train(loss, weights, steps)
    assert 0.5 < losses[0] < 1.5
    assert losses[-1] < 0.1
    assert module.accuracy(network, weights) < 0.8
    assert module.accuracy(network, trained) == 1.0


def test_11_one_function_for_every_depth(example: Example) -> None:
    module = example("11_networks")
    X, y = module.spirals()
    for sizes in ((3, 2), (3, 5, 2), (3, 5, 4, 2), (3, 1, 2)):
        weights = module.start(*sizes)
        value, gradient = module.any_layer_loss(weights, X, y)
        assert [g.shape for g in gradient] == [W.shape for W in weights]
        for k, g in enumerate(gradient):
            assert_directions(
                lambda W: module.any_layer_loss.primal([*weights[:k], W, *weights[k + 1 :]], X, y),
                weights[k],
                g,
            )
    two = module.start(3, 8, 2)
    for a, b in zip(module.two_layer_loss(two, X, y)[1], module.any_layer_loss(two, X, y)[1]):
        np.testing.assert_allclose(a, b, atol=1e-2)  # the same but for the small penalty


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


def test_12_an_if_for_each_element(example: Example) -> None:
    module = example("12_activations")
    np.testing.assert_array_equal(module.leaky_relu_one_by_one(module.X), [0.1, 0.1, 1.0, 1.0])
    check_grads(module.leaky_relu_one_by_one, (module.X,))
    np.testing.assert_array_equal(module.leaky_relu_one_by_one(np.array([-1.0])), [0.1])


def test_13_neuron_object(example: Example) -> None:
    module = example("13_neuron_object")
    value, (g, grad_inputs) = module.fire.value_and_grad(module.NEURON, module.INPUTS)
    assert f"{value:.4f}" == "0.7311"
    assert type(g) is module.Neuron and g is not module.NEURON
    w0, x0, w1, x1, w2 = NEURON_GRADIENTS
    assert [f"{x:.4f}" for x in g.weights] == [w0, w1]
    assert [f"{x:.4f}" for x in grad_inputs] == [x0, x1]
    assert f"{g.bias:.4f}" == w2 and isinstance(g.bias, float)
    np.testing.assert_array_equal(module.NEURON.weights, [2.0, -3.0])
    assert module.NEURON.bias == -3.0
    assert set(vars(g)) == {"weights", "bias"}


@pytest.mark.parametrize("answer", [0, 1])
def test_13_objects_in_objects(example: Example, answer: int) -> None:
    module = example("13_neuron_object")
    inputs = np.array([0.3, -0.8])
    brain = module.start()
    _, g = module.surprise(brain, inputs, answer)
    assert type(g) is module.Brain
    assert type(g.layer) is module.Layer and type(g.neuron) is module.Neuron

    def loss(W: np.ndarray, b: np.ndarray, w: np.ndarray, bias: float) -> float:
        other = module.Brain(module.Layer(W, b), module.Neuron(w, bias))
        return module.surprise.primal(other, inputs, answer)

    at = (brain.layer.weights, brain.layer.bias, brain.neuron.weights, brain.neuron.bias)
    gradients = (g.layer.weights, g.layer.bias, g.neuron.weights, g.neuron.bias)
    for k, gradient in enumerate(gradients):
        assert np.shape(gradient) == np.shape(at[k])
        assert_directions(lambda x: loss(*at[:k], x, *at[k + 1 :]), at[k], gradient)


def test_13_the_object_learns(example: Example) -> None:
    module = example("13_neuron_object")
    brain = module.start()
    losses = module.train(brain)
    assert losses[0] > 2.5
    assert losses[-1] < 0.05
    rates = [brain.tick(inputs) for inputs in module.QUESTIONS]
    np.testing.assert_allclose(rates, module.ANSWERS, atol=0.05)
    # what was compiled in are types, not values: the same code serves the trained brain
    _, g = module.surprise(brain, module.QUESTIONS[1], 1)
    assert np.max(np.abs(g.neuron.weights)) < 0.05


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


@pytest.mark.parametrize(
    ("N", "F", "S", "P", "stops"),
    [
        (7, 3, 1, 0, 5),
        (7, 3, 2, 0, 3),
        (7, 3, 1, 1, 7),
        (32, 5, 1, 2, 32),
        (32, 5, 1, 0, 28),
        (28, 5, 1, 0, 24),
    ],
)
def test_15_output_size(example: Example, N: int, F: int, S: int, P: int, stops: int) -> None:
    module = example("15_convolution")
    assert module.output_size(N, F, S, P) == stops
    x, filters, bias, target, *hyperparameters = module.layer(N, 3, 2, F, S, P)
    out = module.convolution_windows(x, filters, bias, *hyperparameters)
    assert out.shape == target.shape == (2, stops, stops)


def test_15_what_does_not_fit_and_760_parameters(example: Example) -> None:
    module = example("15_convolution")
    with pytest.raises(ValueError, match="does not fit"):
        module.output_size(7, 3, 3)
    x, filters, bias, target, *_ = module.layer(N=32, depth=3, K=10, F=5, P=2)
    assert filters.size + bias.size == 760
    assert target.shape == (10, 32, 32)
    arguments = (*module.layer(N=7, depth=1, K=1, F=3)[:4], 3, 3, 0)
    for compiled in (module.loss_loops, module.loss_windows):  # raised by the user's code, out of ours
        with pytest.raises(ValueError):
            compiled(*arguments)


@pytest.mark.parametrize(("S", "P"), [(1, 0), (2, 0), (1, 1), (2, 1), (4, 0)])
@pytest.mark.parametrize("form", ["loops", "windows"])
def test_15_convolution(example: Example, form: str, S: int, P: int) -> None:
    module = example("15_convolution")
    compiled = getattr(module, f"loss_{form}")
    other = module.loss_windows if form == "loops" else module.loss_loops
    arguments = module.layer(N=7, depth=3, K=2, F=3, S=S, P=P)
    before = [np.copy(a) for a in arguments]
    gradients = compiled(*arguments)
    np.testing.assert_allclose(compiled.primal(*arguments), other.primal(*arguments), rtol=1e-12)
    for k, gradient in enumerate(gradients):
        assert gradient.shape == arguments[k].shape
        assert_directions(
            lambda a: compiled.primal(*arguments[:k], a, *arguments[k + 1 :]), arguments[k], gradient
        )
    for a, b in zip(arguments, before):
        np.testing.assert_array_equal(a, b)


def test_15_loops_and_windows_agree(example: Example) -> None:
    module = example("15_convolution")
    arguments = module.layer(N=8, depth=3, K=4, F=5, S=1, P=2)
    for a, b in zip(module.loss_loops(*arguments), module.loss_windows(*arguments), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


def test_16_pooling(example: Example) -> None:
    module = example("16_convolutional_network")
    rng = np.random.default_rng(0)
    x, upstream = rng.standard_normal((2, 3, 6, 4)), rng.standard_normal((2, 3, 3, 2))
    np.testing.assert_array_equal(module.pool(x), module.pool_loops(x))
    won = x == np.repeat(np.repeat(module.pool(x), 2, axis=2), 2, axis=3)
    expected = won * np.repeat(np.repeat(upstream, 2, axis=2), 2, axis=3)
    np.testing.assert_array_equal(module.pooled_sum(x, upstream), expected)
    np.testing.assert_array_equal(module.pooled_sum_loops(x, upstream), expected)


def test_16_a_convolutional_network_trains(example: Example) -> None:
    module = example("16_convolutional_network")
    images, labels = module.strokes(20, seed=2)
    params = module.start()
    _, gradient = module.loss(params, images, labels)
    assert {name: g.shape for name, g in gradient.items()} == {name: p.shape for name, p in params.items()}
    for name, g in gradient.items():
        assert_directions(lambda p: module.loss.primal({**params, name: p}, images, labels), params[name], g)
    losses, trained = module.train()
    assert losses[0] > 1.0
    assert losses[-1] < 0.15
    assert module.accuracy(params, seed=1) < 0.5
    assert module.accuracy(trained, seed=1) > 0.85


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
