"""The analyses, on small pieces of IR: what is found at branches, at loops and through calls of gates."""

from __future__ import annotations

import operator

import numpy as np

from revcompile.dataflow.activity import active
from revcompile.dataflow.integrality import Integrality
from revcompile.dataflow.knowledge import Calls, Context, Knowledge
from revcompile.dataflow.presence import missing
from revcompile.dataflow.signs import Signs
from revcompile.dataflow.variance import Variance
from revcompile.gates.numbers import (
    ANY_SIGN,
    CHOSEN,
    EXPONENTIAL,
    NEGATIVE,
    PARTS,
    POSITIVE,
    SINGULAR,
    WHOLE,
    ZERO,
)
from revcompile.ir.nodes import UNDEFINED, Apply, Block, Branch, Each, Loop, Value
from revcompile.ir.types import BOOL, FLOAT, INT, Array, Dim

VECTOR = Array(np.dtype(float), (Dim(size=3),))


class Piece:
    """A list of statements under construction."""

    def __init__(self):
        self.statements = []

    def apply(self, function, *args, of=VECTOR):
        result = Value(of)
        self.statements.append(Apply(function, args, result))
        return result

    def block(self, *yields):
        return Block(tuple(self.statements), yields)


def know(body, x, loss):
    active = {v for v in (x, *body.defined)}
    return Knowledge(body, active, Context({}, {loss: 0}, {loss: 0}), Calls())


def total(piece, v):
    return piece.apply(np.sum, v, None, None, False, True, of=FLOAT)


def test_signs():
    p, x = Piece(), Value(VECTOR)
    e = p.apply(np.exp, x)
    n = p.apply(operator.neg, e)
    q = p.apply(operator.mul, x, x)
    d = p.apply(operator.add, q, 1.0)
    signs = Signs()
    signs.block(p.block())
    assert [signs.of(v) for v in (x, e, n, q, d)] == [ANY_SIGN, POSITIVE, NEGATIVE, ZERO | POSITIVE, POSITIVE]


def test_the_largest_is_not_below_any():
    p, x = Piece(), Value(VECTOR)
    m = p.apply(np.max, x, None, False, of=FLOAT)
    shifted = p.apply(operator.sub, x, m)
    e = p.apply(np.exp, shifted)
    found = know(p.block(total(p, e)), x, x)
    assert found.signs.of(shifted) == NEGATIVE | ZERO
    assert found.finite.of(e) == 0


def test_finiteness():
    p, x = Piece(), Value(VECTOR)
    e = p.apply(np.exp, x)
    b = p.apply(operator.add, 1.0, e)
    y = p.apply(operator.truediv, 1.0, b)
    r = p.apply(operator.truediv, 1.0, x)
    found = know(p.block(), x, y)
    assert [found.finite.of(v) for v in (x, e, b, y, r)] == [0, EXPONENTIAL, EXPONENTIAL, 0, SINGULAR]


def test_a_branch_takes_one_side():
    p, x, c = Piece(), Value(VECTOR), Value(BOOL)
    y = p.apply(np.log, x)
    z = p.apply(np.sin, x)
    then, s, result = Piece(), total(p, z), Value(FLOAT)
    t = total(then, y)
    p.statements.append(Branch(c, then.block(t), Block((), (s,)), (result,)))
    found = know(p.block(result), x, result)
    assert found.zeros[y] == WHOLE | CHOSEN
    assert found.zeros[result] == 0
    assert found.keeps_zeros(p.statements[0], x)


def test_a_value_that_both_sides_read_is_dense():
    p, x, c = Piece(), Value(VECTOR), Value(BOOL)
    y = p.apply(np.log, x)
    sides, result = [], Value(FLOAT)
    for function in (np.sin, np.cos):
        side = Piece()
        sides.append(side.block(total(side, side.apply(function, y))))
    p.statements.append(Branch(c, *sides, (result,)))
    found = know(p.block(result), x, result)
    assert found.zeros[y] == 0
    assert not found.keeps_zeros(p.statements[0], x)


def test_a_loop_may_make_no_trip():
    p, x, i = Piece(), Value(VECTOR), Value(FLOAT)
    y = p.apply(np.log, x)
    body, s, result = Piece(), Value(FLOAT), Value(FLOAT)
    term = total(body, y)
    end = body.apply(operator.add, s, term, of=FLOAT)
    p.statements.append(
        Loop(((i, Each("range", (0, 5, 1))),), None, (0.0,), (s,), body.block(end, False), (result,))
    )
    found = know(p.block(result), x, result)
    assert found.zeros[y] == WHOLE
    assert found.zeros[term] == found.zeros[s] == 0  # inside, each trip adds it


def test_a_carried_value_settles():
    p, x, i = Piece(), Value(VECTOR), Value(FLOAT)
    body, h, result = Piece(), Value(VECTOR), Value(VECTOR)
    end = body.apply(np.cosh, h)
    p.statements.append(
        Loop(((i, Each("range", (0, 5, 1))),), None, (x,), (h,), body.block(end, False), (result,))
    )
    loss = total(p, result)
    found = know(p.block(loss), x, loss)
    assert found.finite.of(h) == found.finite.of(result) == EXPONENTIAL
    assert found.signs.of(result) == ANY_SIGN  # it may make no trip
    assert found.zeros[h] == found.zeros[x] == 0


def test_two_reads_are_zero_only_where_both_are():
    p, x = Piece(), Value(VECTOR)
    y = p.apply(np.log, x)
    part = p.apply(operator.getitem, y, slice(1))
    a = total(p, part)
    found = know(p.block(a), x, a)
    assert found.zeros[y] == PARTS
    b = p.apply(operator.add, a, total(p, y), of=FLOAT)
    found = know(p.block(b), x, b)
    assert found.zeros[y] == 0


def nest(depth):
    """Loops in loops: `h = exp(h)` in the innermost, `t` carried beside it all the way."""
    p, h = Piece(), Value(VECTOR)
    inner = p.apply(np.cosh, h)
    body = p.block(inner, False)
    for _ in range(depth):
        outer, result, i = Value(VECTOR), Value(VECTOR), Value(FLOAT)
        loop = Loop(((i, Each("range", (0, 5, 1))),), None, (outer,), (h,), body, (result,))
        body, h = Block((loop,), (result, False)), outer
    return Block(body.statements), h, body.yields[0]


def test_depth_does_not_multiply():
    """A statement in eight loops is looked at a few times more often than one in a single loop."""

    def looks(depth):
        body, x, result = nest(depth)
        count = 0

        class Counting(Signs):
            def apply(self, statement):
                nonlocal count
                count += 1
                return super().apply(statement)

        Counting().block(body)
        found = know(body, x, result)
        assert found.finite.of(result) == EXPONENTIAL
        return count

    assert looks(8) <= looks(1) + 2 * 8


def test_active_is_what_follows_smoothly():
    p, x, z = Piece(), Value(VECTOR), Value(VECTOR)
    y = p.apply(np.sin, x)
    c = p.apply(operator.lt, y, 0.0, of=Array(np.dtype(bool), VECTOR.dims))
    other = p.apply(np.cos, z)
    carried, result = Value(VECTOR), Value(VECTOR)
    body = Piece()
    end = body.apply(operator.mul, carried, y)
    loop = Loop(
        ((Value(INT), Each("range", (0, 3, 1))),),
        None,
        (other,),
        (carried,),
        body.block(end, False),
        (result,),
    )
    p.statements.append(loop)
    found = active(p.block(result), (x,), ())
    assert found == {x, y, carried, end, result}
    assert c not in found and other not in found
    assert active(p.block(result), (x,), (y,)) == {x}


def test_what_differs_from_trip_to_trip():
    """By what is carried, by a condition, by the number of an inner loop's trips, by a slice."""
    x, k, c = Value(VECTOR), Value(INT), Value(BOOL)
    body, then = Piece(), Piece()
    same = body.apply(np.sin, x)
    part = body.apply(operator.getitem, x, slice(None, k))
    side = then.apply(np.cos, same)
    chosen, kept = Value(VECTOR), Value(VECTOR)
    test = body.apply(operator.lt, k, 2, of=BOOL)
    body.statements.append(Branch(test, then.block(side, side), Block((), (same, UNDEFINED)), (chosen, kept)))
    params, results = [Value(VECTOR), Value(VECTOR)], [Value(VECTOR), Value(VECTOR)]
    for stop, param, result in zip((3, k), params, results, strict=True):
        inner = Piece()
        end = inner.apply(operator.mul, param, x)
        trips = ((Value(INT), Each("range", (0, stop, 1))),)
        body.statements.append(Loop(trips, None, (same,), (param,), inner.block(end, False), (result,)))
    loop = Loop(((k, Each("range", (0, 3, 1))),), None, (), (), body.block(False), ())
    found = Variance(loop, {k, *body.block().defined}, {})
    assert [found.of(v) for v in (x, same, side, results[0])] == [0, 0, 0, 0]
    assert [found.of(v) for v in (k, part, test, chosen, results[1])] == [1, 1, 1, 1, 1]
    assert found.of(c) == 0


def test_floats_that_may_be_whole():
    p, c, x = Piece(), Value(BOOL), Value(FLOAT)
    k, r = Value(FLOAT), Value(FLOAT)
    p.statements.append(Branch(c, Block((), (1,)), Block((), (0.5,)), (k,)))
    doubled = p.apply(operator.mul, k, 2, of=FLOAT)
    halved = p.apply(operator.mul, k, 0.5, of=FLOAT)
    p.statements.append(Branch(c, Block((), (x,)), Block((), (0.5,)), (r,)))
    found = Integrality(())
    found.block(p.block())
    assert [found.of(v) for v in (k, doubled, halved, r)] == [1, 1, 0, 0]


def test_what_may_be_missing():
    p, c, x = Piece(), Value(BOOL), Value(VECTOR)
    a, b = Value(VECTOR), Value(VECTOR)
    p.statements.append(Branch(c, Block((), (x, x)), Block((), (UNDEFINED, x)), (a, b)))
    view = p.apply(np.transpose, a, None)
    total(p, a)
    assert missing(p.block()) == {a, view}
