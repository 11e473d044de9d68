"""What the compiler writes it can read: saved to a file and imported, generated text is differentiated again.

Every function of the examples, by every operator; and a share of the corpus.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from revcompile import InternalError, UnsupportedError, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from tests.corpus.cases import Case, calls_of
from tests.corpus.differences import Differences, assert_gradient, copied, is_float, leaves, mapped
from tests.derivatives.again import differentiates, function_of, imported
from tests.derivatives.trees import is_tree
from tests.lecture.conftest import EXAMPLES, load_example

Call = tuple[
    str, tuple[Any, ...], tuple[int, ...]
]  # a function of an example, arguments, what is differentiated


def _calls(name: str) -> Iterator[Call]:
    """The functions of an example that are differentiated, each with arguments; those of objects stand below."""
    m, random = load_example(name), np.random.default_rng(0)
    normal = random.standard_normal
    match int(name[:2]):
        case 1:
            yield "circuit", (-2.0, 5.0, -4.0), (0, 1, 2)
        case 2 | 3:
            yield "textbook", m.POINT, (0, 1, 2, 3, 4)
            yield "optimized", m.POINT, (0, 1, 2, 3, 4)
        case 4:
            yield from ((f, (3.0, -2.0), (0, 1)) for f in ("add", "mul", "route"))
            yield "fork", (1.5,), (0,)
            yield "all_of_them", (3.0, -4.0, 2.0, -1.0), (0, 1, 2, 3)
        case 5:
            yield "loss", (m.X, m.W), (0, 1)
        case 6:
            yield "cube", (2.0,), (0,)
            yield "length", (normal(3),), (0,)
            yield "polar_output", (np.array([1.5, 0.3]), 1), (0,)
        case 7:
            yield "backpropagated", (normal(5), normal(5)), (0,)
            yield "relu_output", (normal(5), 2), (0,)
        case 8:
            yield "layer", (normal((5, 3)), normal((3, 4)), normal((5, 4))), (0, 1)
        case 9:
            yield "loss", m.data(), (0, 1, 3)
        case 10:
            yield "hinge_classifier", m.data(), (0, 1)
            yield "softmax_classifier", m.data(), (0, 1)
        case 11:
            X, y = m.spirals(4)
            yield "two_layer_loss", (m.start(3, 5, 2), X, y), (0,)
            yield "three_layer_loss", (m.start(3, 4, 5, 2), X, y), (0,)
            yield "any_layer_loss", (m.start(3, 4, 4, 2), X, y), (0,)
        case 12:
            sums = (
                "sigmoid_sum",
                "tanh_sum",
                "relu_sum",
                "leaky_relu_sum",
                "elu_sum",
                "leaky_relu_one_by_one",
            )
            yield from ((f, (m.X,), (0,)) for f in sums)
            yield "maxout", (m.X, 2.0, 1.0, -1.0, 0.5), (0, 1, 2, 3, 4)
            yield "elu", (-0.5,), (0,)
        case 14:
            yield "barrier", (m.X,), (0,)
            yield "distance", (m.X,), (0,)
        case 15:
            yield "loss_loops", m.layer(5, 2, 2, 3, 2, 1), (0, 1, 2)
            yield "loss_windows", m.layer(5, 2, 2, 3, 2, 1), (0, 1, 2)
        case 16:
            yield "loss", (m.start(2), *m.strokes(3, 0)), (0,)
            x, upstream = normal((2, 2, 4, 4)), normal((2, 2, 2, 2))
            yield "pooled_sum", (x, upstream), (0,)
            yield "pooled_sum_loops", (x, upstream), (0,)
        case 17:
            yield "loss", (m.start(), m.X, m.Y), (0,)
        case 18:
            yield "loss", (normal((2, 3)), normal(2), normal(3)), (0, 1, 2)
        case 19:
            yield "gradient", (normal((2, 2)), normal((6, 2))), (0,)
            yield "product", (normal((2, 2)), normal((6, 2)), normal((2, 2))), (0, 2)
            yield "worst_case", (np.array([2.0, -1.0]),), (0,)
        case 20:
            yield "miss", (0.2,), (0,)
            yield "curvature", (0.2,), (0,)
            yield "by_angles", (), ()  # of a hand, an object
        case 21:
            names = ("stored", "kept", "slope", "curvature")
            yield from ((f, (m.start, m.begin, m.seen, 22), (0,)) for f in names)


NAMES = sorted(script.stem for script in EXAMPLES.glob("[0-9]*.py"))
FUNCTIONS = [
    pytest.param(name, *call, id=f"{name[:2]}-{call[0]}")
    for name in NAMES
    for call in _calls(name)
    if call[1]
]
# No tangent of a pair of functions that run as they are, where it gives an array.
ONLY_BACKWARDS = {("14_custom_gate", "distance")}


@pytest.mark.parametrize(("example", "name", "args", "positions"), FUNCTIONS)
def test_the_text_of_every_example(
    example: str, name: str, args: tuple[Any, ...], positions: tuple[int, ...], tmp_path: Path
) -> None:
    derived = getattr(load_example(example), name)
    again = written(derived, args, tmp_path)
    modes = ("rev",) if (example, name) in ONLY_BACKWARDS else ("fwd", "rev")
    differentiates(again, derived, args, positions, modes)


OF_OBJECTS = {"fire", "surprise"}
OBJECTS = """
import numpy as np
from fire_again import grad_fire
from surprise_again import value_and_grad_surprise

def fired(neuron, inputs):
    gradient, grad_inputs = grad_fire(neuron, inputs)
    return np.sum(gradient.weights * inputs) + gradient.bias**2 + np.sum(grad_inputs**2)

def surprised(brain, inputs):
    value, gradient = value_and_grad_surprise(brain, inputs, 1)
    return value + np.sum(gradient.layer.weights ** 2) + np.sum(gradient.neuron.weights) * gradient.neuron.bias
"""


def test_gradients_that_are_objects(tmp_path: Path) -> None:
    m = load_example("13_neuron_object")
    imported(m.fire.source_for(m.NEURON, m.INPUTS), tmp_path / "fire_again.py")
    imported(m.surprise.source_for(m.start(), m.INPUTS, 1), tmp_path / "surprise_again.py")
    module = imported(OBJECTS, tmp_path / "objects_again.py")
    for f, args in ((module.fired, (m.NEURON, m.INPUTS)), (module.surprised, (m.start(), m.INPUTS))):
        expected = Differences(f, args, (0, 1)).gradients
        for i, gradient in enumerate(grad(f)(*args)):
            assert_gradient(args[i], gradient, expected, (i,), 1.0)


def written(derived: Any, args: tuple[Any, ...], folder: Path) -> Callable[..., Any]:
    """The function that is saved: what `derived` runs for such arguments."""
    name = f"{derived.__name__}_again"
    module = imported(derived.source_for(*copied(args)), folder / f"{name}.py")
    own = [f for f in vars(module).values() if getattr(f, "__module__", "") == name]
    found: Callable[..., Any] = own[-1]
    return found


# -- each operator -------------------------------------------------------------------------------

Args = tuple[Any, ...]
Made = tuple[Any, Args, tuple[int, ...]]  # a compiled function, its arguments, and the differentiated ones


def _vector(args: Args, positions: tuple[int, ...]) -> Args:
    """Something of the structure of each argument, None for what is not differentiated."""
    random = np.random.default_rng(2)
    return tuple(
        mapped(
            x,
            lambda _, leaf: type(leaf)(random.uniform(-1, 1)) if type(leaf) is float else _like(leaf, random),
        )
        if i in positions
        else None
        for i, x in enumerate(args)
    )


def _like(leaf: Any, random: np.random.Generator) -> Any:
    return random.uniform(-1, 1, np.shape(leaf)).astype(leaf.dtype)[()] if is_float(leaf) else None


def _gradient(f: Any, args: Args, positions: tuple[int, ...]) -> Made:
    return grad(f, argnums=positions), args, positions


def _textbook(f: Any, args: Args, positions: tuple[int, ...]) -> Made:
    return grad(f, argnums=positions, optimize=False), args, positions


def _value_and_gradient(f: Any, args: Args, positions: tuple[int, ...]) -> Made:
    return value_and_grad(f, argnums=positions), args, positions


def _jacobian(f: Any, args: Args, positions: tuple[int, ...]) -> Made:
    return jacobian(f, argnums=positions), args, positions


def _hessian(f: Any, args: Args, positions: tuple[int, ...]) -> Made:
    return hessian(f, argnums=positions), args, positions


def _hessian_product(f: Any, args: Args, positions: tuple[int, ...]) -> Made:
    vector = tuple(v for i, v in enumerate(_vector(args, positions)) if i in positions)
    return hvp(f, argnums=positions), (*args, vector), (*positions, len(args))


OPERATORS = {
    "gradient": _gradient,
    "textbook": _textbook,
    "value and gradient": _value_and_gradient,
    "Jacobian": _jacobian,
    "Hessian": _hessian,
    "Hessian product": _hessian_product,
}


def reads(operator: str, f: Any, args: Args, positions: tuple[int, ...], folder: Path) -> None:
    """The text of an operator, applied to a function, is differentiated again."""
    if operator == "tangent":
        along = jvp(f)
        vector = _vector(args, positions)
        along(copied(args), vector)
        module = imported(along.source, folder / "tangent_again.py")
        both = (*args, *vector)
        active = (*positions, *(len(args) + i for i in positions))
        differentiates(
            function_of(module, "jvp_"), lambda *x: along(x[: len(args)], x[len(args) :]), both, active
        )
    elif operator == "pullback":
        module = imported(vjp(f, argnums=positions).source_for(*copied(args)), folder / "pullback_again.py")
        name = function_of(module, "vjp_").__name__
        own = ", ".join(f"a{i}" for i in range(len(args)))
        text = ROUND_TRIP.format(module=module.__name__, name=name, args=own)
        again = imported(text, folder / "round_trip_again.py").round_trip
        gradient = grad(f, argnums=positions)
        differentiates(again, lambda *x: _one_or_more(gradient(*x)), args, positions)
    else:
        derived, given, active = OPERATORS[operator](f, args, positions)
        differentiates(written(derived, given, folder), derived, given, active)


def _one_or_more(gradients: Any) -> Any:
    """The numbers and arrays in gradients as a tuple; where there is one, that."""
    found = tuple(leaf for _, leaf in leaves(gradients))
    return found[0] if len(found) == 1 else found


ROUND_TRIP = """
from {module} import {name}

def round_trip({args}):
    value, (*_, backward, saved) = {name}({args})
    return backward(1.0, saved)
"""
# The pair has no tangent; the others are derivatives themselves.
WITHOUT = {"14_custom_gate", "product", "gradient", "curvature"}
PLAIN = [call for call in FUNCTIONS if WITHOUT.isdisjoint(call.values[:2])]


@pytest.mark.parametrize("operator", [*OPERATORS, "tangent", "pullback"])
@pytest.mark.parametrize(("example", "name", "args", "positions"), PLAIN)
def test_the_texts_of_every_operator(
    example: str, name: str, args: Args, positions: tuple[int, ...], operator: str, tmp_path: Path
) -> None:
    f = getattr(load_example(example), name).primal
    reads(operator, f, args, positions, tmp_path)


def test_no_function_of_an_example_is_left_out() -> None:
    for name in NAMES:
        module = load_example(name)
        derived = {n for n, f in vars(module).items() if hasattr(f, "source_for") and hasattr(f, "primal")}
        assert derived == {call[0] for call in _calls(name)} | (OF_OBJECTS if name[:2] == "13" else set())


# -- a share of the corpus -----------------------------------------------------------------------


NAMES_OF_CLOSURES = (
    "is not defined"  # the variable of a closure, what a decorator hides: no import gives them
)
LISTS = "^a list whose length"  # of lists, or of arrays which only some trips set
UNREADABLE = {
    "functions.methods_that_call_super": NAMES_OF_CLOSURES,
    "functions.decorated_helper": NAMES_OF_CLOSURES,
    "functions.decorated_itself": NAMES_OF_CLOSURES,
    "found.last_element_written_while_going_backwards": LISTS,
    "found_names.container_assigned_before_a_later_trip_breaks": LISTS,
    "found_names.not_assigned_and_exchanged": LISTS,
    "found_saved.array_made_in_an_inner_loop_of_a_while_and_read_by_a_later_trip": LISTS,
    "found_saved.squares_of_what_an_inner_loop_may_not_compute": LISTS,
}
IN_FULL = {  # in the textbook form
    "exits.continue_and_return_and_else": "too long",  # of `result = None`, which trips may set
    "found_names.container_assigned_before_a_later_trip_breaks": "would have to be written out",
}


def _corpus() -> list[Any]:
    """One in five of the corpus' functions, with their first arguments."""
    found = [case for case, n in calls_of("case") if n == 0 and is_tree(case.inputs[0])]
    return [pytest.param(case, id=case.name) for case in found if zlib.crc32(case.name.encode()) % 5 == 0]


@pytest.mark.parametrize("operator", ["gradient", "textbook"])
@pytest.mark.parametrize("case", _corpus())
def test_texts_of_the_corpus(case: Case, operator: str, tmp_path: Path) -> None:
    args = case.inputs[0]
    refused = (operator == "textbook" and IN_FULL.get(case.name)) or UNREADABLE.get(case.name)
    if refused:
        with pytest.raises((UnsupportedError, InternalError, NameError), match=refused):
            reads(operator, case.function, args, case.positions(args), tmp_path)
        return
    reads(operator, case.function, args, case.positions(args), tmp_path)
