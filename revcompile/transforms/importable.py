"""The module that compiled functions without a name of their own are imported from, when they are unpickled.

Its attributes are called `grad(module:f)`, and are made on demand; see `pickling`.
"""

from __future__ import annotations

import ast
import importlib
from typing import Any

from revcompile.frontend.wanted import Options
from revcompile.transforms.gradient import make_gradient
from revcompile.transforms.operators import OPERATORS
from revcompile.transforms.pickling import DOT, made_so_far


def __getattr__(name: str) -> Any:
    if name in made_so_far:
        return made_so_far[name]
    label, bracket, rest = name.replace(DOT, ".").partition("#")[0].partition("(")
    if not bracket or label not in ("grad", "value_and_grad", *OPERATORS):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    path, _, words = rest.removesuffix(")").partition(",")
    module, _, qualname = path.partition(":")
    f: Any = importlib.import_module(module)
    for part in qualname.split("."):
        f = getattr(f, part)
    if label in OPERATORS:
        made = f if hasattr(f, "operator") else OPERATORS[label](f, *ast.literal_eval(words))
        return made_so_far.get(name, made)
    if hasattr(f, "primal"):  # the name means the gradient itself by now
        return f if label == "grad" else f.value_and_grad
    options = ast.literal_eval(words) if words else (None, False, True, 0, "numpy")
    argnums, has_aux, optimize, checkpoint, backend = options
    with_value = label == "value_and_grad"
    made = make_gradient(
        f, Options(argnums, has_aux, optimize, with_value, checkpoint=checkpoint, backend=backend)
    )
    return made_so_far.get(name, made)
