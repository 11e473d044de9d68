"""A little knowledge of numbers: what may be Python's. Imports the IR."""

from __future__ import annotations

from collections.abc import Container, Mapping

import numpy as np

from revcompile.ir.nodes import Apply, Structure, Value
from revcompile.ir.types import Array, Scalar


def may_be_python(x: Structure, definitions: Mapping[Value, Apply], given: Container[Value]) -> bool:
    """Whether what has the type of a NumPy scalar may be a Python number: the zero that a loop or a branch
    began with, or what is computed from such numbers alone. What is `given` is what its type says.
    """
    seen: set[Value] = set()
    ahead = [x]
    while ahead:
        x = ahead.pop()
        t = x.type if isinstance(x, Value) else None
        if isinstance(x, np.generic) or isinstance(t, Array):
            return False
        if not isinstance(x, Value) or x in seen or (isinstance(t, Scalar) and t.python):
            continue
        seen.add(x)
        made = definitions.get(x)
        if x in given or (made is not None and isinstance(made.function, type)):  # a cast
            return False
        ahead.extend(made.args if made is not None else ())
    return True
