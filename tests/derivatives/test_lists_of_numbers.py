"""Lists of numbers as operands, and in sequences of operands: tangents and Jacobians in both modes."""

from __future__ import annotations

import numpy as np
import pytest

from revcompile import jacfwd, jacrev, jvp
from tests.derivatives.test_operators import differences
from tests.support.program import make

CALLS = """
np.concatenate([[0.0], x])
np.concatenate([x, [0.0, 1.0]])
np.concatenate([[[0.0, 1.0]], np.outer(x, x[:2])])
np.stack([[1.0, 2.0], x[:2]])
np.stack([[1.0, 2.0], x[:2]], axis=1)
np.vstack([[1.0, 2.0], x[:2]])
np.hstack([[1.0, 2.0], x[:2]])
np.hstack([1.0, x[:2], [x[0]]])
np.column_stack([[1.0, 2.0], x[:2]])
np.dstack([[1.0, 2.0], x[:2]])
np.array([[1.0, 2.0], x[:2]])
np.select([x[:2]>0.4], [[1.0, x[0]]], x[1:3])
np.select([x[:2]>0.4], [x[:2]], [1.0, x[0]])
np.concatenate([[np.sum(x**2)], x[1:]*x[0]])
np.concatenate([[x[0], 1.0, x[1]], x[1:]*x[0]])
np.concatenate([[[x[0], 1.0]], [[x[2], x[1]]]], axis=1)
np.concatenate([[[x[0], 1.0]], W[:, :2]*x[1]], axis=0)
np.stack([[x[0], x[1]], x[:2]*x[2]])
np.stack([[x[0], x[1]], [1.0, 2.0]], axis=1)
np.vstack([[x[0], x[1]], x[:2]*x[2]])
np.vstack([[[x[0], x[1]]], [1.0, 2.0]])
np.hstack([[x[0], x[1]], x[:2]*x[2]])
np.hstack([[[x[0]], [x[1]]], W*x[0]])
np.column_stack([[x[0], x[1]], x[:2]*x[2]])
np.dstack([[x[0], x[1]], x[:2]*x[2]])
np.append([x[0]], x)
np.append(x, [x[0]*x[1]])
np.dot([x[0], x[1]], w)*x
np.sum([x[0], x[1]*x[2]])*x
np.max([x[0], x[1]*x[2]])*x
np.mean([[x[0], x[1]*x[2]], [1.0, x[2]]], axis=0)
np.outer([x[0], x[1]], x)
np.cumsum([x[0], x[1]**2])
np.prod([x[0], x[1]**2])*x
np.array([x[0], x[1]]) @ W
W.T @ [x[0], x[1]]
np.linalg.norm([x[0], x[1]])*x
np.einsum("i,j->ij", [x[0], x[1]], x)
np.where([True, False], [x[0], x[1]], x[:2]**2)
np.maximum([x[0], x[1]], x[1:3])
np.interp([x[0], x[1]], [0.,1.,2.], [0.,3.,4.])
np.cross([x[0], x[1], 1.0], x[:3])
np.linalg.solve([[x[0], 1.0],[2.0, x[1]]], [x[2], 1.0])
np.linalg.inv([[x[0], 1.0],[2.0, x[1]]])
np.diag([x[0], x[1]])
np.tile([x[0], x[1]], 2)
np.repeat([x[0], x[1]], 2)
np.roll([x[0], x[1], x[2]], 1)
np.kron([x[0], x[1]], x[:2])
np.sort([x[0], x[1], x[2]])
np.tensordot([x[0], x[1]], W, axes=(0,0))
np.insert(x, 1, [x[0]*x[1], 2.0])
np.pad([x[0], x[1]], 1)
np.diff([x[0], x[1]**2, x[2]])
np.convolve([x[0], x[1]], x)
np.var([x[0], x[1]**2])*x
np.trapezoid([x[0], x[1]**2, x[2]], [0.0, 1.0, x[3]*2])*x
np.array([[x[0], x[1]], x[:2]])
np.array([x[0], [x[1]]][1])
np.full(3, x[0])*x[:3]
np.select([[True, False]], [[x[0], x[1]]], x[:2]**2)
np.ravel([[x[0], x[1]], [x[2], 1.0]])
np.reshape([x[0], x[1]], (2, 1))
np.transpose([[x[0], x[1]], [x[2], 1.0]])
np.broadcast_to([x[0], x[1]], (3, 2))
np.linspace(x[0], [x[1], x[2]], 3)
np.median([x[0], x[1]*x[2], x[2]])*x
np.inner([x[0], x[1]], W.T)
np.vdot([x[0], x[1]], w)*x
np.matmul(W.T, [x[0], x[1]])
np.add.reduce([x[0], x[1]])*x
np.split(np.concatenate([[x[0]], x]), [2])[0]
np.flip([x[0], x[1]])
np.clip([x[0], x[1]*3], 0.2, x[2])
np.heaviside(x, 0.5)*np.hypot([x[0],x[1],x[2],x[3]], x)
""".strip().split("\n")
X = np.array([0.3, 0.5, 0.9, 0.7])
W = np.arange(6.0).reshape(2, 3) + 1.0
ARGS = X, W, np.array([2.0, 3.0])


@pytest.mark.parametrize("optimize", [True, False], ids=["optimised", "textbook"])
@pytest.mark.parametrize("call", CALLS)
def test_tangents_and_jacobians(call: str, optimize: bool) -> None:
    f = make(f"def f(x, W, w):\n    return {call}\n", name="f")
    expected = differences(f, ARGS, 0)
    for operator in (jacfwd, jacrev):
        found = operator(f, argnums=0, optimize=optimize)(*ARGS)
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)
    direction = np.array([1.0, -2.0, 0.5, 0.3])
    value, tangent = jvp(f, ARGS, (direction, None, None), optimize=optimize)
    np.testing.assert_allclose(value, f(*ARGS), rtol=1e-12)
    np.testing.assert_allclose(tangent, expected @ direction, rtol=1e-6, atol=1e-7)
