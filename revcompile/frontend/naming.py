"""What functions and objects are called in messages: by the names under which a program reaches them.

Imports the errors.
"""

from __future__ import annotations

import ast
import builtins
import functools
import inspect
import re
import sys
from typing import Any

import numpy as np

from revcompile.errors import UnsupportedError, module_of
from revcompile.ir.nodes import ATOMS

# How the numbers are got out of objects that hold an array, by the names of their classes.
VALUES = {
    "Series": ".to_numpy()", "DataFrame": ".to_numpy()", "Index": ".to_numpy()", "DataArray": ".to_numpy()",
    "Dataset": ".to_array().to_numpy()", "Quantity": ".magnitude", "MaskedArray": ".filled(0.0)",
    "masked_array": ".filled(0.0)", "matrix": ".A", "csr_matrix": ".toarray()", "csc_matrix": ".toarray()",
    "coo_matrix": ".toarray()", "csr_array": ".toarray()", "csc_array": ".toarray()",
    "coo_array": ".toarray()",
}  # fmt: skip


VECTORIZED = "numpy.vectorize of "


def name_of(function: Any) -> str:
    """What a function is called: its public name, where the module in which it is defined is private."""
    if isinstance(function, functools.partial):
        return name_of(function.func)
    if isinstance(function, np.vectorize):
        return f"{VECTORIZED}{name_of(function.pyfunc)}"
    owner = getattr(function, "__self__", None)
    if isinstance(owner, np.ufunc):
        return f"{name_of(owner)}.{function.__name__}"
    name = getattr(function, "__qualname__", None) or getattr(function, "__name__", None)
    if name is None:
        return f"{type(function).__name__} object"
    if isinstance(function, np.ufunc):
        homes = ["numpy", "scipy.special"]
    else:
        home = module_of(function)
        parts = home.split(".")
        public = next((i for i, part in enumerate(parts) if part.startswith("_")), len(parts))
        homes = [".".join(parts[:i]) for i in range(1, public + 1)]
        is_private = public < len(parts)
        homes = homes if is_private or parts[0] == "numpy" else [home]
        homes = [*homes, *_siblings(parts[0])] if is_private else homes
        homes = ["builtins", *homes] if getattr(builtins, name, None) is function else homes
        homes = homes or [home.lstrip("_")]
    for module in homes:
        found: Any = sys.modules.get(module)
        for part in name.split("."):  # of a method, its class
            found = getattr(found, part, None)
        if found is function:
            return name if module in ("builtins", "__main__") else f"{module}.{name}"
    home = module_of(function)
    return f"{home}.{name}" if home and home not in ("builtins", "__main__") else str(name)


def _siblings(root: str) -> list[str]:
    """The public modules of a package, those of short names first."""
    names = [name for name in sys.modules if name.startswith(f"{root}.") and "._" not in name]
    return sorted(names, key=lambda name: (name.count("."), name))


def is_hashable(function: Any) -> bool:
    try:
        hash(function)
    except Exception:  # whatever its class says
        return False
    return True


def is_atomic(x: Any) -> bool:
    """Whether it is a constant of Python's, or a tuple of such, and stands for nothing else."""
    return all(map(is_atomic, x)) if type(x) is tuple else type(x) in ATOMS


def plain(signature: inspect.Signature) -> inspect.Signature:
    """A signature without annotations."""
    return inspect.Signature([p.replace(annotation=p.empty) for p in signature.parameters.values()])


# Modules and functions that give complex numbers of real ones.
COMPLEX = frozenset(
    {
        "cmath", "numpy.lib.scimath", "complex",
        "numpy.sort_complex",
        "scipy.linalg.eig", "scipy.linalg.eigvals",
        "scipy.linalg.sqrtm", "scipy.linalg.logm", "scipy.linalg.schur",
        "numpy.polynomial.polynomial.polyroots",
        "scipy.signal.hilbert",
    }
)  # fmt: skip


_TRANSFORMS = re.compile(r"(numpy|scipy)\.fft\.(i?fft|rfft|ihfft)(2|n)?")  # the others give real numbers


def no_rule(name: str, reason: str = "") -> UnsupportedError:
    """The refusal of a call of what has that name; the `reason` why `np.vectorize` is no plain loop."""
    way_out = "take the result as a constant: stop_gradient(...) of it."
    module, _, last = name.rpartition(".")
    if module in COMPLEX or name in COMPLEX or _TRANSFORMS.fullmatch(name):
        real = f"Use numpy.{last}, which gives NaN outside its domain"
        wrapped = (
            "Register a rule with @revcompile.gate for a function of yours from real numbers to real ones"
        )
        is_extended = module == "numpy.lib.scimath" and hasattr(np, last)
        return UnsupportedError(
            f"no gate rule for {name}, which gives complex numbers: only real ones are differentiated",
            way_out=f"{real if is_extended else wrapped}, or {way_out}",
        )
    if name.startswith(VECTORIZED):
        inner = name.removeprefix(VECTORIZED)
        inner = "the function" if "<" in inner else inner
        return UnsupportedError(
            f"no gate rule for {name}, which calls it for each element",
            way_out=f"Call {inner} with the whole array, np.where in place of if, "
            f"or in a loop: np.array([{'f' if ' ' in inner else inner}(v) for v in x])."
            + (f" Or as numpy.vectorize: {reason}." if reason else ""),
        )
    values = VALUES.get(name.rpartition(" ")[2])
    if values is not None:
        return UnsupportedError(
            f"no gate rule for {name}", way_out=f"Use the numbers in it, {values}, or {way_out}"
        )
    if _may_have_rule(name):
        return UnsupportedError(
            f"no gate rule for {name}", way_out=f"Register a rule with @revcompile.gate({name}), or {way_out}"
        )
    return UnsupportedError(f"no gate rule for {name}", way_out=f"{way_out[0].upper()}{way_out[1:]}")


def _may_have_rule(name: str) -> bool:
    """Whether a name is that of a function for which a rule can be registered: no builtin, no method."""
    module, _, last = name.rpartition(".")
    if not all(part.isidentifier() for part in name.split(".")) or last.startswith("__"):
        return False
    return (module in sys.modules or not module) and not hasattr(builtins, name)


def describe(node: ast.AST) -> str:
    """What a piece of syntax is called."""
    words = {
        ast.For: "a for loop", ast.While: "a while loop", ast.With: "a with block", ast.Try: "a try block",
        ast.Delete: "del", ast.Global: "global", ast.Nonlocal: "nonlocal", ast.ClassDef: "a class definition",
        ast.Yield: "yield", ast.Await: "await", ast.NamedExpr: "an assignment expression (:=)",
        ast.Import: "an import inside the function", ast.ImportFrom: "an import inside the function",
        ast.YieldFrom: "yield from", ast.AsyncFunctionDef: "async def", ast.AsyncFor: "async for",
        ast.AsyncWith: "async with", ast.Match: "a match statement",
        ast.GeneratorExp: "a generator expression",
    }  # fmt: skip
    plain = {"TryStar": "except*", "TypeAlias": "a type statement", "TemplateStr": "a t-string"}
    name = type(node).__name__  # some are of later Pythons
    return words.get(type(node)) or plain.get(name, f"the syntax {name}")
