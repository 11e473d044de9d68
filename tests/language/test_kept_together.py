"""What nested loops save, as one tuple a trip in one list a loop; and what the next trip begins with."""

from __future__ import annotations

import math

import numpy as np
import pytest

from revcompile import grad
from tests.support.oracle import assert_close, numerical_gradients

A, B = np.array([0.4, 0.7, -0.2]), np.array([0.3, -0.5, 0.8, 0.1])


def two_deep(a, b):
    t = 0.0
    for i in range(3):
        for j in range(4):
            d = a[i] - b[j]
            e = math.exp(-d * d)
            s = math.sin(e * t)
            q = s * e + d * t
            t = t + q * s * math.cos(q)
    return t


def three_deep(a, b):
    t = 0.1
    for i in range(3):
        for j in range(2):
            for k in range(3):
                d = a[i] - b[j] * t
                e = math.exp(-d * d * a[k])
                s = math.sin(e * t)
                q = s * e + d * t
                t = t + q * s * math.cos(q)
    return t


def at_two_depths(a, b):
    t = 0.1
    for i in range(3):
        u = math.sin(t) * a[i]
        v = math.cos(u) * t
        w = u * v * t
        x = math.exp(-w * w) * u
        for j in range(2):
            d = a[i] - b[j] * t
            e = math.exp(-d * d * x)
            s = math.sin(e * t)
            q = s * e + d * t
            t = t + q * s * math.cos(q)
            if t > 0.5:
                t = t * 0.5 + math.sin(w * t)
        t = t * u * v * w * x
        for j in range(4):
            t = t + math.sin(a[i] * t) * b[j]
    return t


def of_arrays(a, b):
    y = a * 1.0
    for _ in range(3):
        for j in range(len(b)):
            p = np.sin(y)
            q = p * np.cos(y) * b[j]
            r = np.exp(-q * q * p)
            y = y + r * q * p
    return np.sum(y * y)


def with_a_break(a, b):
    t = 0.1
    for i in range(3):
        for j in range(4):
            d = a[i] - b[j] * t
            e = math.exp(-d * d)
            s = math.sin(e * t)
            q = s * e + d * t
            if q > 0.5:
                break
            t = t + q * s * math.cos(q)
    return t


FUNCTIONS = [two_deep, three_deep, at_two_depths, of_arrays, with_a_break]


@pytest.mark.parametrize("optimize", [True, False], ids=["default", "textbook"])
@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_gradients(f, optimize):
    gradient = grad(f, optimize=optimize)
    for args in ((A, B), (2.0 * A, -B)):
        assert_close(gradient(*args), numerical_gradients(f, args))


@pytest.mark.parametrize(("f", "deep"), [(two_deep, 2), (three_deep, 3), (at_two_depths, 2), (of_arrays, 2)])
def test_a_trip_of_each_loop_keeps_one_thing(f, deep):
    lines = [line.strip() for line in grad(f).source_for(A, B).splitlines()]
    assert len([line for line in lines if ".append((" in line and "row" in line]) == 1
    assert len(
        [line for line in lines if ".append(row" in line and "_t" not in line and "_y" not in line]
    ) == (deep - 1)


def powers(P):
    for _ in range(3):
        P = P @ P
    return np.sum(P)


def steps(P, Q):
    for _ in range(3):
        P = np.sin(P @ Q) * P
    return np.sum(P)


def products(P, Q):
    for _ in range(3):
        P = P @ Q
    return np.sum(P)


@pytest.mark.parametrize("f", [powers, steps, products], ids=lambda f: f.__name__)
def test_what_the_next_trip_begins_with_has_one_name(f):
    args = (A * np.eye(3) + 0.3, np.outer(A, A) + np.eye(3))[: f.__code__.co_argcount]
    assert_close(grad(f)(*args) if len(args) > 1 else (grad(f)(*args),), numerical_gradients(f, args))
    assert "grad_P_1" not in grad(f).source_for(*args)
