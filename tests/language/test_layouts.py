"""Writing through `ravel` and `reshape` of an argument: a view where the argument lies in C order."""

from __future__ import annotations

import numpy as np
import pytest

from revcompile import UnsupportedError, grad, value_and_grad
from tests.fuzz.imperative.arguments import stepped
from tests.language.checking import check
from tests.support.program import make

X = np.arange(6.0).reshape(2, 3) * 0.3 + 0.5


def through_ravel(x, w):
    y = x.ravel()
    y[0] = w
    y[1:] += w * y[:-1]
    return np.sum(x * x)


def through_reshape(x, w):
    y = x.reshape(-1)
    for i in range(3):
        y[i] = y[i + 1] * w
    z = y.reshape(x.shape)
    z[1] *= 0.5
    return np.sum(x**2 * w) + np.sum(z[0])


def of_a_part(p, w):
    y = p["x"].ravel()
    y *= w
    return np.sum(p["x"] ** 3)


@pytest.mark.parametrize("f", [through_ravel, through_reshape])
def test_a_view_of_what_lies_in_order(f):
    check(f, X, 0.7)


def test_a_part_of_an_argument():
    check(of_a_part, {"x": X}, 0.7)


def views():
    """Ways to the elements of a matrix that are views of it or copies, as it lies."""
    return [
        "x.ravel()", "np.ravel(x, order='F')", "x.T.ravel()", "x.reshape(-1)", "x.T.reshape(-1)", "x.reshape(-1, order='F')",
        "np.ascontiguousarray(x)", "np.asfortranarray(x)", "np.asarray(x, order='C')", "np.array(x, copy=None, order='F')",
        "x.astype(float, order='F', copy=False)", "np.sin(x).ravel()", "x[1:].ravel()", "x[0].reshape(3, 1)", "np.flip(x)",
        "np.flip(x, 1)", "np.rot90(x)", "np.fliplr(x).T", "np.atleast_3d(x)", "np.atleast_1d(x)",
        "np.split(x, [0])[1]", "np.array_split(x, 2, axis=1)[0]", "np.hsplit(x, [2])[1]", "np.einsum('ij->ji', x)[1:]",
        "np.einsum('ii->i', x[:, 1:])", "x[:, 1:].reshape(-1)", "x[1:, 1:].ravel()", "x.T[1:].reshape(2, 2)",
    ]  # fmt: skip


WRITES = ["y *= w", "y[0] = w * y[1]", "x *= w", "x[0] = w * x[1]"]
LAYOUTS = [X, np.asfortranarray(X), X[:, ::-1], np.repeat(X, 2, axis=1)[:, ::2]]
FORMS = {
    "plain": "    y = {view}\n    {write}\n",
    "if": "    y = {view}\n    if w > 0.1:\n        {write}\n",
    "for": "    y = {view}\n    for _ in range(2):\n        {write}\n",
    "in a loop": "    for _ in range(2):\n        y = {view}\n        {write}\n",
}


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("view", views())
def test_each_layout_has_its_specialisation(view, optimize):
    """One gradient function is called with all of them in turn, and is right or says that it does not know."""
    known = 0
    for write, form in zip([*WRITES, *WRITES[:2]], [*FORMS.values(), *FORMS.values()][1:], strict=False):
        end = "    return np.sum(y * y * w) + np.sum(np.sin(x) * w * x)\n"
        f = make("def f(x, w):\n" + form.format(view=view, write=write) + end)
        both = value_and_grad(f, (0, 1), optimize=optimize)
        for x in [*LAYOUTS, X]:
            try:
                value, (gx, gw) = both(x, 0.7)
            except UnsupportedError as e:
                assert "may share" in str(e)
                continue
            known += 1
            assert value == pytest.approx(f(stepped(x, None), 0.7))
            direction = np.arange(6.0).reshape(2, 3) - 2.3
            steps = [f(stepped(x, s * 1e-6 * direction.ravel()), 0.7 + s * 1e-6) for s in (1, -1)]
            assert np.sum(gx * direction) + gw == pytest.approx(
                (steps[0] - steps[1]) / 2e-6, rel=1e-6, abs=1e-6
            )
    assert known >= 10  # of what lies in C order, at least


def test_what_is_known_of_other_layouts():
    gradient = grad(through_ravel, (0, 1))
    expected = gradient(X, 0.7)
    for other in LAYOUTS[1:]:
        assert not np.array_equal(gradient(other, 0.7)[0], expected[0])  # it is a copy that is written
    np.testing.assert_array_equal(gradient(X, 0.7)[0], expected[0])
    flat = X.reshape(-1).copy()
    assert gradient(flat, 0.7)[0].shape == flat.shape


@pytest.mark.parametrize("write", ["t[0] = w", "t.reshape(-1)[::2] = w", "t *= w", "t[1:][0] = w"])
def test_what_is_spread_over_a_shape_is_not_written(write):
    """Its elements may stand in several places, where NumPy writes all of them at once."""
    f = make(f"def f(x, w):\n    t = np.broadcast_arrays(x[0], w)[1]\n    {write}\n    return np.sum(t)\n")
    with pytest.raises(UnsupportedError, match=r"is known only at run time(.|\n)*\.copy\(\)"):
        grad(f)(X, 0.7)


def between(x, w):
    y = np.linspace(x, x + w, 3)
    y.reshape(-1)[1] = 0.0
    return np.sum(y * y)


def test_points_between_arrays_lie_as_the_arrays_do():
    with pytest.raises(UnsupportedError, match="may share"):
        grad(between)(np.asfortranarray(X), 0.7)


def test_points_between_numbers_lie_in_order():
    check(between, 0.5, 0.7)
