"""What gives several views at once, `.flat`, diagonals by einsum, orders that follow the layout: written through."""

from __future__ import annotations

import numpy as np
import pytest

from revcompile import UnsupportedError, grad
from tests.language.checking import check
from tests.support.program import make

X = np.arange(12.0).reshape(3, 4) * 0.3 - 1.5
Y = X[::-1, ::-1] * 0.7 + 0.2
W = 0.7

PARTS = """
p, q = np.split(b, 2, axis=1)
p, q = np.array_split(b, 2)
p, q = np.hsplit(b, [1])
p, q = np.vsplit(b, [2])
p, q = np.dsplit(b[None], 2)
q, _, p = np.split(b, [2, 1])
p, q = np.split(b, np.array([1]))
p, _, q = np.vsplit(b, 3)
p, q = np.einsum('ii->i', b[:, :3]), np.einsum('ij->ji', b)
p, q = np.einsum(b[:, 1:], [0, 0], [0])[1:], b
p, q = b[:, 1:3].reshape(-1), b[1:, 1:-1].ravel()
p, q = b.T[::2].reshape(3, 2), b[1:2].reshape(2, -1)
p, q = b.ravel('K'), b.T.ravel('K')
p, q = b.ravel('A'), b.T.reshape((6, 2), order='A')
""".strip().splitlines()
WRITES = ["p *= w", "q[0] = w * q[-1] + p[0].sum()", "b[0] = w * b[1]", "p[...] = w; q[...] = q * b[1, 1]"]
WAYS = {
    "plain": "{parts}\n{write}",
    "if": "{parts}\nif w > 0.1:\n    {write}\nelse:\n    q[...] = w",
    "for": "{parts}\nfor i in range(2):\n    {write}\n    b[i] *= 0.5",
    "in a loop": "for i in range(2):\n    {parts}\n    {write}",
    "while": "n = 0\nwhile n < 2:\n    {parts}\n    if b[n, 0] > 9.0:\n        break\n    {write}\n    n += 1",
    "helper": "p, q = parts(b)\nwrite(p, q, b, w)",
    "list": "{parts}\nps = [p, q]\np, q = ps[0], ps[1]\n{write}\np = ps.pop(0)",
}
END = "\nreturn np.sum(np.sin(p)) + np.sum(q * q * w) + np.sum(b * b * C)\n"


def program(parts, write, way):
    lines = WAYS[way].format(
        parts=parts, write=write.replace("; ", "\n    " if "    {write}" in WAYS[way] else "\n")
    )
    body = "b = x * 1.0\n" + lines + END
    helpers = f"def parts(b):\n    {parts}\n    return p, q\n\n\ndef write(p, q, b, w):\n    {write}\n\n\n"
    return make(
        helpers + "def f(x, w):\n" + "".join(f"    {line}\n" for line in body.splitlines()), C=np.cos(X)
    )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("parts", PARTS)
def test_parts_are_views_of_their_array(parts, way):
    for write in WRITES:
        f = program(parts, write, way)
        check(f, X, W)
        check(f, Y, 0.4)
        if "reshape(" in parts or "ravel()" in parts:
            try:
                check(f, np.asfortranarray(X), W)
            except UnsupportedError as e:
                assert "may share" in str(e)
        else:
            check(f, np.asfortranarray(X), W)


FLAT = """
b.flat[1:5] = w
b.T.flat[1] = w * b[0, 0]
b.T.flat[1:5] *= w
b[:, ::2].flat[2:4] = [w, 2.0]
b.T.flat[[1, 2, 1]] = w * b[0, :3]*1.0
b.flat = w * b.ravel()
b.T.flat = np.sin(b) * w
b.T.flat = np.sin(b[1]) * w
b.flat[::5] += w
g = b.flat[2:6]; g[0] = w; b[1] *= g
f = b.T.flat; b[0] *= w; b[1, 1] = f[3] * f[6]
b[1] = sum(v * w for v in b.T.flat)
""".strip().splitlines()


@pytest.mark.parametrize("line", FLAT)
def test_elements_by_their_numbers(line):
    lines = line.replace("; ", "\n    ")
    f = make(
        f"def f(x, w):\n    b = x * 1.0\n    {lines}\n    return np.sum(b * b * C) + np.sum(np.sin(b))\n",
        C=np.cos(X),
    )
    g = make(
        f"def f(x, w):\n    b = x\n    {lines}\n    return np.sum(b * b * C) + np.sum(np.sin(b))\n",
        C=np.cos(X),
    )
    for one in (f, g):
        check(one, X, W)
        check(one, np.asfortranarray(Y), W)
        check(one, np.repeat(X, 2, axis=1)[:, ::2], W)


def test_what_is_written_by_numbers_is_not_read_meanwhile():
    def f(x):
        x.flat = x[:, ::-1]
        return np.sum(x * x)

    with pytest.raises(UnsupportedError, match="may be read after they were written"):
        grad(f)(X)


def test_parts_that_are_only_read_are_given_at_once():
    def f(x):
        p, q = np.split(x, 2, axis=1)
        return np.sum(p * q)

    assert "np.split(x, 2, axis=1)" in grad(f).source_for(X)
