"""Random draws, and other calls that run as they are.

A sample follows the parameters of its distribution: a draw from N(m, s) becomes m + s times a draw from
N(0, 1), of which only the latter carries no gradient; `choice` among the rows of an array becomes a draw of
indices. Functions of NumPy and SciPy that have no rule are called as they are where all arguments are known.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from revcompile.errors import UnsupportedError, module_of
from revcompile.frontend.at_hand import is_constant
from revcompile.frontend.expressions import axis_length, shape_of
from revcompile.frontend.lowering import Lowering
from revcompile.gates.draws import DISCRETE, DRAWS, GENERATOR, STATE, is_array_like, method_of
from revcompile.gates.known import as_it_is
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import Structure, Value, is_static, leaves
from revcompile.syntax.abstract import Method, Partial

# Of which distribution, and how: location, scale and the draw with which these are nought and one.
SHIFTED = {"normal": ("loc", "scale", "standard_normal"), "laplace": ("loc", "scale", "laplace"),
           "logistic": ("loc", "scale", "logistic"), "gumbel": ("loc", "scale", "gumbel")}  # fmt: skip
SCALED = {"exponential": "standard_exponential", "rayleigh": "rayleigh", "gamma": "standard_gamma"}
PURE = ("numpy", "numpy.lib", "numpy.polynomial", "numpy.fft", "scipy.special", "scipy.signal.windows")
IMPURE = frozenset(
    {"load", "loadtxt", "genfromtxt", "fromfile", "save", "savetxt", "savez", "fromregex", "memmap",
     "empty", "seterr", "errstate", "set_printoptions", "show_config", "test", "info", "put", "copyto",
     "fill_diagonal", "place", "putmask", "apply_along_axis", "apply_over_axes", "fromfunction",
     "vectorize", "fromiter"}
)  # fmt: skip


def attribute(value: Value, name: str) -> Structure:
    """`rng.normal` of a run-time generator, before it is called; None for anything else."""
    if value.type not in (GENERATOR, STATE):
        return None
    function = method_of(value.type, name)
    if function is not None:
        return Partial(function, (value,), {})
    return Method(value, name) if callable(getattr(type_of_owner((value,)), name, None)) else None


def call(low: Lowering, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Structure:
    """A draw."""
    name, has_owner = DRAWS[function]
    gate = TABLE[function]
    try:
        given = gate.signature.bind(*args, **kwargs)
    except TypeError as e:
        raise UnsupportedError(f"this form of {name} is not supported: {e}") from None
    given.apply_defaults()
    parameters = given.arguments
    low.steer(parameters.get("size"))
    if name in ("choice", "permutation") and is_array_like(parameters["a" if name == "choice" else "x"]):
        return _of_array(low, function, name, parameters)
    distribution = {n: v for n, v in parameters.items() if n not in ("self", "size", "dtype", "seed", "d")}
    active = [
        n for n, v in distribution.items() if not all(is_constant(low, x) for x in leaves(low.resolve(v)))
    ]
    if not active or name in DISCRETE or name in ("integers", "randint", "choice", "permutation"):
        return low.emit(function, *parameters.values())
    owner = (parameters["self"],) if has_owner else ()
    return _written_out(low, function, name, owner, parameters, active)


def _written_out(
    low: Lowering,
    function: Any,
    name: str,
    owner: tuple[Any, ...],
    parameters: dict[str, Any],
    active: list[str],
) -> Structure:
    """A sample as a function of the parameters of its distribution."""
    size = parameters["size"] if parameters["size"] is not None else _size(low, parameters, name)

    def draw(other: str, *first: Structure) -> Structure:
        home = type_of_owner(owner) if owner else np.random
        return low.invoke(getattr(home, other), *owner, *first, size=size)

    if name in SHIFTED:
        loc, scale, other = SHIFTED[name]
        return low.operate(
            operator.add, parameters[loc], low.operate(operator.mul, parameters[scale], draw(other))
        )
    if name == "uniform":
        span = low.operate(operator.sub, parameters["high"], parameters["low"])
        return low.operate(operator.add, parameters["low"], low.operate(operator.mul, span, draw("random")))
    if name == "lognormal":
        scaled = low.operate(operator.mul, parameters["sigma"], draw("standard_normal"))
        return low.apply(np.exp, (low.operate(operator.add, parameters["mean"], scaled),), {})
    if name in SCALED and active == ["scale"]:
        first = (parameters["shape"],) if name == "gamma" else ()
        return low.operate(operator.mul, parameters["scale"], draw(SCALED[name], *first))
    if name == "multivariate_normal" and active == ["mean"]:
        centred = low.invoke(function, *owner, low.apply(np.zeros_like, (parameters["mean"],), {}),
                             parameters["cov"], parameters["size"])  # fmt: skip
        return low.operate(operator.add, parameters["mean"], centred)
    raise UnsupportedError(
        f"the gradient of a sample by {active[0]}, a parameter of {name}, is not supported",
        way_out=f"If it is to be taken as a constant, write stop_gradient({active[0]}).",
    )


def type_of_owner(owner: tuple[Any, ...]) -> Any:
    return np.random.Generator if owner[0].type == GENERATOR else np.random.RandomState


def _size(low: Lowering, parameters: dict[str, Any], name: str) -> Structure:
    """The shape that the parameters have together."""
    arrays = [v for n, v in parameters.items() if n not in ("self", "size") and is_array_like(v)]
    if not arrays or name == "multivariate_normal":
        return None
    total = arrays[0]
    for array in arrays[1:]:
        total = low.operate(operator.add, total, array)
    total = low.apply(np.array, (total,), {}) if isinstance(total, (list, tuple)) else total
    return shape_of(low, total)


def _of_array(low: Lowering, function: Any, name: str, parameters: dict[str, Any]) -> Structure:
    """`rng.choice(a, ...)`, `rng.permutation(a)`: the rows at drawn indices."""
    which = "a" if name == "choice" else "x"
    array = parameters[which]
    if parameters.get("axis", 0) != 0:
        raise UnsupportedError(f"{name} along another axis than the first is not supported")
    if isinstance(array, (list, tuple)):
        array = low.apply(np.array, (array,), {})
    rest = {**parameters, which: axis_length(low, array, 0)}
    return low.apply(operator.getitem, (array, low.emit(function, *rest.values())), {})


# -- calls as they are ---------------------------------------------------------------------------


def runs_as_it_is(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a function without a rule is a pure one of a library, on arguments that are all known."""
    module = module_of(function)
    if isinstance(function, np.ufunc):
        module = "scipy.special" if function.__name__ not in dir(np) else "numpy"
    known = any(module == home or module.startswith(f"{home}.") for home in PURE)
    plain = getattr(function, "__name__", "") not in IMPURE and not module.startswith("numpy.random")
    return known and plain and not isinstance(function, type) and is_static((args, kwargs))


def run(low: Lowering, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Structure:
    """The call as a statement: what it gives is computed at each call, its type from one now."""
    return low.emit(as_it_is, function, args, kwargs)
