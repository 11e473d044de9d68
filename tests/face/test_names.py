"""No name of the user's collides with one that generated code needs."""

from __future__ import annotations

import numpy
import numpy as np
import pytest

from revcompile import grad
from tests.support.oracle import assert_close, numerical_gradients


def helper(z):
    return z * 2


def named_like_a_module(x, w):
    numpy = w * 2.0
    helper_1 = numpy * numpy
    helper_ = helper(helper_1)
    ndarray = np.exp(x)
    return numpy * ndarray + helper_


def named_like_a_guard(x):
    ndarray = x * 2.0
    float64_dtype = np.sum(ndarray)
    numpy = float64_dtype * helper(ndarray)
    dispatch_named_like_a_guard = numpy.sum()
    return dispatch_named_like_a_guard


def parameters_named_np_and_math(np, math):
    return numpy.sum(np * numpy.exp(math)) + numpy.sqrt(math)


def parameters_named_like_builtins(x, min, max, sum):
    return np.var(x, ddof=1) * min + max * np.sum(x) ** 2 - sum


def variables_named_like_generated_ones(s0, grad_s0, L, safe_divide, unbroadcast, saved):
    x_1 = s0 * grad_s0
    grad_L = np.sin(x_1) + L * safe_divide
    scatter = unbroadcast * saved
    sum = grad_L * scatter + safe_divide
    return sum


@pytest.mark.parametrize(
    "f, args",
    [
        (named_like_a_module, (1.0, 2.0)),
        (named_like_a_module, (np.float64(1.0), np.float64(2.0))),
        (named_like_a_guard, (np.arange(3.0),)),
        (parameters_named_np_and_math, (np.arange(3.0), 1.5)),
        (parameters_named_np_and_math, (0.5, 1.5)),
        (parameters_named_like_builtins, (np.arange(3.0), 1.5, 2.0, 3.0)),
        (variables_named_like_generated_ones, (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)),
    ],
)
@pytest.mark.parametrize("optimize", [True, False])
def test_gradients(f, args, optimize):
    g = grad(f, argnums=tuple(range(len(args))), optimize=optimize)
    for _ in range(2):  # compiled, then dispatched inline
        assert_close(g(*args), numerical_gradients(f, args))
