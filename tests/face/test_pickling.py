"""Gradient functions pickle where the user's function does, into this process and into a fresh one."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest

from revcompile import grad
from tests.face import living_module as living

MODEL = living.Model(2.0)


def in_fresh_process(function, *args):
    """`function(*args)`, computed by another interpreter that unpickles it."""
    script = "import pickle, sys; g = pickle.loads(eval(sys.argv[1])); print(repr(g(*eval(sys.argv[2]))))"
    command = [sys.executable, "-c", script, repr(pickle.dumps(function)), repr(args)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return eval(done.stdout, {"np": np})


@pytest.mark.parametrize(
    "function, args",
    [
        (living.decorated, (2.0,)),
        (living.gradient, (3.0,)),
        (living.again, (3.0,)),
        (living.both, (3.0, 5.0)),
        (living.second, (3.0, 5.0)),
        (living.decorated.value_and_grad, (2.0,)),
        (living.gradient.value_and_grad, (2.0,)),
        (grad(MODEL.loss), (3.0,)),
        (grad(MODEL.loss).value_and_grad, (3.0,)),
        (MODEL.slope, (3.0,)),
        (living.Model.inside, (3.0,)),
        (living.Model.outside, (3.0,)),
        (living.Model.slope_of_class, (3.0,)),
        (grad(living.Model.of_class), (3.0,)),
    ],
)
def test_round_trips(function, args):
    assert pickle.loads(pickle.dumps(function))(*args) == function(*args)
    assert in_fresh_process(function, *args) == function(*args)


def test_the_same_object_comes_back():
    for function in (living.decorated, living.gradient, living.again, living.decorated.value_and_grad):
        assert pickle.loads(pickle.dumps(function)) is function
        assert copy.copy(function) is function
        assert copy.deepcopy({"f": function})["f"] is function


def test_what_python_cannot_pickle_is_not_pickled():
    def local(x):
        return x * x

    for function in (grad(local), grad(lambda x: x * x)):
        with pytest.raises((pickle.PicklingError, AttributeError)):
            pickle.dumps(function)


def test_a_bound_gradient_keeps_its_object():
    model = living.Model(7.0)
    loaded = pickle.loads(pickle.dumps(grad(model.loss)))
    model.k = 0.0
    assert loaded(1.0) == 14.0
