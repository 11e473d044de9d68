"""What NumPy means by the names of its parameters: which must be known while compiling, which are lengths.

Imports the errors.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from revcompile.errors import HostError, host, is_own

# They decide what a call means: the compiler must know them.
MUST_BE_KNOWN = frozenset(
    {"axis", "axes", "axis1", "axis2", "source", "destination", "keepdims", "k", "offset", "ord", "mode",
     "indexing", "subscripts", "n", "ddof", "dtype", "sparse", "order", "decimals", "pad_width", "reps",
     "rcond", "window_shape"}
)  # fmt: skip
COUNTS = frozenset({"indices_or_sections"})  # so is a number given for them, of parts; places need not be
# A whole number of the run given for them is a length, or a place along an axis.
STEERING = frozenset({"shape", "newshape", "num", "shift", "repeats", "indices", "index", "N", "M", "bounds"})
# They may hold several numbers, in an array, too: which are taken apart.
SEVERAL = frozenset({"shape", "newshape"})
# They say how long a result is, so that an example of it is small where they are.
LENGTHS = frozenset(
    {"shape", "newshape", "num", "N", "M", "n", "reps", "repeats", "pad_width", "window_shape"}
)
# They say how the result lies in memory, or of which class it is, and nothing of its numbers.
LAYOUT = frozenset({"order", "subok", "like", "device", "casting"})
INDICES = frozenset({"index", "indices"})


def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """A function's own signature; builtins and ufuncs that have none take positional arguments."""
    try:
        with host():
            signature = inspect.signature(function)
    except HostError as e:
        e.unless(ValueError)
        return inspect.Signature([inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL)])
    kinds = {p.kind for p in signature.parameters.values()}
    if (inspect.Parameter.VAR_KEYWORD in kinds and not is_own(function)) or hasattr(function, "nin"):
        names = "abcd"[: getattr(function, "nin", 1)]
        kind = inspect.Parameter.POSITIONAL_ONLY
        return inspect.Signature([inspect.Parameter(n, kind) for n in names])
    return signature
