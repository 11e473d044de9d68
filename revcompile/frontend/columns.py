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


def by_columns(f: Any, primals: Any, x: Any, placed: Any, flat: Any) -> Any:
    """The Jacobians of the results by one array or number `x` among the arguments; `placed(seed)` is the
    direction that changes it alone, `flat` gives the results one after the other."""
    if np.ndim(x) == 0:
        return flat(along(f, primals, placed(1.0))[1])
    results = flat(value(f, primals))
    jacobians = [empty((*np.shape(y), x.size), y) for y in results]
    for i in range(x.size):
        seed = np.zeros(x.size)
        seed[i] = 1.0
        tangents = flat(along(f, primals, placed(np.reshape(seed, x.shape)))[1])
        for jacobian, tangent in zip(jacobians, tangents):
            jacobian[..., i] = tangent
    return [np.reshape(jacobian, (*np.shape(y), *x.shape)) for jacobian, y in zip(jacobians, results)]


def by_rows(f: Any, primals: Any, argnums: Any, gradients: Any, y: Any, placed: Any, flat: Any) -> Any:
    """The Jacobians of one result `y`, an array or a number, by the arguments; `placed(seed)` is the
    cotangent of that alone, `gradients` are what gradients are of, `flat` gives them one after the other."""
    if np.ndim(y) == 0:
        return flat(pulled(f, primals, argnums, placed(1.0))[1])
    jacobians = [empty((y.size, *np.shape(x)), y) for x in gradients]
    for i in range(y.size):
        seed = np.zeros(y.size)
        seed[i] = 1.0
        rows = flat(pulled(f, primals, argnums, placed(np.reshape(seed, y.shape)))[1])
        for jacobian, row in zip(jacobians, rows):
            jacobian[i] = row
    return [np.reshape(jacobian, (*y.shape, *np.shape(x))) for jacobian, x in zip(jacobians, gradients)]
