"""What Jacobians are, in Python code that the compiler reads like the program's own.

`along` and `pulled` stand for the operations of `frontend/derivatives`. A matrix is computed column by column
or row by row: what the directions have in common is computed before the loop, by `passes/before_loops`.
Names may stand in generated text, so they say what things are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def along(f: Any, primals: Any, tangents: Any) -> Any:
    """The value of `f(*primals)`, and its derivative in a direction."""
    raise NotImplementedError("this is read, not run")


def pulled(f: Any, primals: Any, argnums: Any, cotangent: Callable[..., Any]) -> Any:
    """The value `y` of `f(*primals)`, and the gradients of its product with `cotangent(y)`."""
    raise NotImplementedError("this is read, not run")


def value(f: Any, primals: Any) -> Any:
    """`f(*primals)`, which leaves the primals as they are."""
    raise NotImplementedError("this is read, not run")


def empty(shape: Any, y: Any) -> Any:
    """An array for derivatives of `y`, in its dtype."""
    dtype = np.asarray(y).dtype
    return np.empty(shape, dtype) if dtype.kind == "f" and dtype.itemsize < 8 else np.empty(shape)


def mapped(function: Callable[..., Any], stack: Any, like: Callable[..., Any]) -> Any:
    """What `function` gives of each item of a stack: a list of arrays, each with one axis more in front. What
    it gives of one item is in shape and dtype as `like()`."""
    raise NotImplementedError("this is read, not run")


def last(stack: Any) -> Any:
    """A stack with its first axis behind the others."""
    raise NotImplementedError("this is read, not run")


def one_by_one(function: Callable[..., Any], stack: Any, like: Callable[..., Any]) -> Any:
    """What `mapped` gives, in a loop."""
    stacks = [empty((stack.shape[0], *np.shape(y)), y) for y in like()]
    for i in range(stack.shape[0]):
        for made, y in zip(stacks, function(stack[i])):
            made[i] = y
    return stacks


def directions(x: Any, count: int) -> Any:
    """For each number in `x`, of so many, what is one at its place, and zero elsewhere."""
    narrow = x.dtype.kind == "f" and x.dtype.itemsize < 8
    unit = np.eye(count, dtype=x.dtype) if narrow else np.eye(count)
    return unit if x.ndim == 1 else np.reshape(unit, (count, *x.shape))


def elements(shape: Any) -> int:
    """How many elements an array of that shape has: the lengths may be known where the array is not."""
    return shape[0] if len(shape) == 1 else shape[0] * elements(shape[1:])


def along_each(f: Any, primals: Any, seeds: Any, placed: Any, flat: Any) -> Any:
    """The derivatives of the results in each direction of a stack; `placed(seed)` is that of all primals,
    `flat` gives the results one after the other."""
    return mapped(
        lambda seed: flat(along(f, primals, placed(seed))[1]), seeds, lambda: flat(value(f, primals))
    )


def pulled_each(
    f: Any, primals: Any, argnums: Any, gradients: Any, seeds: Any, placed: Any, flat: Any
) -> Any:
    """The gradients for each cotangent of a stack; `placed(seed)` is that of all results, `gradients` are
    what gradients are of, `flat` gives them one after the other."""
    return mapped(lambda seed: flat(pulled(f, primals, argnums, placed(seed))[1]), seeds, lambda: gradients)


def by_columns(f: Any, primals: Any, x: Any, placed: Any, flat: Any) -> Any:
    """The Jacobians of the results by one array or number `x` among the arguments; `placed(seed)` is the
    direction that changes it alone, `flat` gives the results one after the other."""
    if np.ndim(x) == 0:
        return flat(along(f, primals, placed(1.0))[1])
    jacobians = [last(tangent) for tangent in along_each(f, primals, directions(x, x.size), placed, flat)]
    if x.ndim == 1:
        return jacobians
    return [np.reshape(jacobian, (*jacobian.shape[:-1], *x.shape)) for jacobian in jacobians]


def by_rows(f: Any, primals: Any, argnums: Any, gradients: Any, y: Any, placed: Any, flat: Any) -> Any:
    """The Jacobians of one result `y`, an array or a number, by the arguments; `placed(seed)` is the
    cotangent of that alone, `gradients` are what gradients are of, `flat` gives them one after the other."""
    if np.ndim(y) == 0:
        return flat(pulled(f, primals, argnums, placed(1.0))[1])
    rows = pulled_each(f, primals, argnums, gradients, directions(y, elements(y.shape)), placed, flat)
    if y.ndim == 1:
        return rows
    return [np.reshape(row, (*y.shape, *row.shape[1:])) for row in rows]
