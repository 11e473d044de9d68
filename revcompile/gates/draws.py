"""Random numbers. A draw is made once, where the program makes it: it is never left out, repeated or moved.

The result carries no gradient. What a sample owes to the parameters of its distribution is written out by
the front end (`frontend/draws`): a draw from N(m, s) is m + s times one from N(0, 1). The type of a result
is found by drawing from a generator of our own. Imports NumPy, the gate table and the axis arithmetic.
"""

from __future__ import annotations

import inspect
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from revcompile.gates.axes import Dims, dims_of, extent, is_value, shape_dims
from revcompile.gates.effects import EFFECTS
from revcompile.gates.record import Gate
from revcompile.gates.table import register
from revcompile.ir.lengths import Facts
from revcompile.ir.types import Array, Opaque, Scalar, Type

GENERATOR, STATE = Opaque("Generator"), Opaque("RandomState")
NEEDED = inspect.Parameter.empty

# The parameters of the distributions, which come before `size`, with their defaults.
DISTRIBUTIONS: dict[str, dict[str, Any]] = {
    "normal": {"loc": 0.0, "scale": 1.0}, "uniform": {"low": 0.0, "high": 1.0},
    "exponential": {"scale": 1.0}, "laplace": {"loc": 0.0, "scale": 1.0},
    "logistic": {"loc": 0.0, "scale": 1.0}, "gumbel": {"loc": 0.0, "scale": 1.0},
    "lognormal": {"mean": 0.0, "sigma": 1.0}, "rayleigh": {"scale": 1.0}, "standard_exponential": {},
    "standard_cauchy": {}, "standard_gamma": {"shape": NEEDED}, "gamma": {"shape": NEEDED, "scale": 1.0},
    "beta": {"a": NEEDED, "b": NEEDED}, "chisquare": {"df": NEEDED}, "standard_t": {"df": NEEDED},
    "weibull": {"a": NEEDED}, "pareto": {"a": NEEDED}, "power": {"a": NEEDED}, "poisson": {"lam": 1.0},
    "binomial": {"n": NEEDED, "p": NEEDED}, "geometric": {"p": NEEDED},
}  # fmt: skip
DISCRETE = frozenset({"poisson", "binomial", "geometric"})
EXAMPLES: dict[str, Any] = {"n": 3, "low": 0.0, "high": 1.0}  # of parameters, where one half will not do

DRAWS: dict[Callable[..., Any], tuple[str, bool]] = {}  # its name, and whether the generator comes first


def _signature(parameters: dict[str, Any]) -> Callable[..., Any]:
    """A function with these parameters and defaults."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD

    def template() -> None: ...

    template.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, kind, default=default) for name, default in parameters.items()]
    )
    return template


def _scalar(x: Any) -> Scalar:
    return Scalar(x.dtype) if isinstance(x, np.generic) else Scalar(np.dtype(type(x)), python=True)


def _drawn(number: Any, dims: Dims | None, dtype: Any = None) -> Type:
    """The type of a result of which `number` is one element: without dims, a number."""
    if dims is None:
        return _scalar(number)
    return Array(np.dtype(dtype) if dtype is not None else np.asarray(number).dtype, dims)


def _sample(function: Callable[..., Any], owner: type | None, *args: Any, **options: Any) -> Any:
    scratch = np.random.default_rng(0) if owner is np.random.Generator else np.random.RandomState(0)
    return getattr(scratch, function.__name__)(*args, **options)


def _add(
    function: Callable[..., Any], owner: type | None, parameters: dict[str, Any], types: Callable[..., Any]
) -> None:
    """Register a draw: a method of a generator, whose first parameter is that; or a function of np.random."""

    def of_call(facts: Facts, *args: Any) -> Any:
        return types(facts, *(args[1:] if owner is not None else args))

    first = {"self": NEEDED} if owner is not None else {}
    register(Gate(function.__name__, (function,), _signature({**first, **parameters}), types=of_call))
    _note(function, owner)


def _note(function: Callable[..., Any], owner: type | None) -> None:
    DRAWS[function] = (function.__name__, owner is not None)
    EFFECTS.add(function)


def _distribution(function: Callable[..., Any], owner: type | None, parameters: dict[str, Any]) -> None:
    def types(facts: Facts, *args: Any) -> Type:
        *given, size = args
        number = _sample(function, owner, *(EXAMPLES.get(name, 0.5) for name in parameters))
        dims: Dims | None = facts.broadcast(*(dims_of(facts, g) for g in given)) if size is None else None
        return _drawn(number, dims or None if size is None else shape_dims(facts, size))

    _add(function, owner, {**parameters, "size": None}, types)


def _plain(function: Callable[..., Any], owner: type | None, has_dtype: bool) -> None:
    """`random(size)`, `standard_normal(size, dtype)`."""

    def types(facts: Facts, size: Any, dtype: Any = np.float64) -> Type:
        number = _sample(function, owner, dtype=dtype) if has_dtype else _sample(function, owner)
        return _drawn(number, None if size is None else shape_dims(facts, size), dtype)

    _add(function, owner, {"size": None, **({"dtype": np.float64} if has_dtype else {})}, types)


def _choice(function: Callable[..., Any], owner: type | None) -> None:
    def types(facts: Facts, a: Any, size: Any, *_: Any) -> Type:
        return _drawn(_sample(function, owner, 3), None if size is None else shape_dims(facts, size))

    parameters: dict[str, Any] = {"a": NEEDED, "size": None, "replace": True, "p": None}
    if owner is np.random.Generator:
        parameters |= {"axis": 0, "shuffle": True}
    _add(function, owner, parameters, types)


def _permutation(function: Callable[..., Any], owner: type | None) -> None:
    _add(function, owner, {"x": NEEDED}, lambda facts, x: Array(np.dtype(np.int64), (extent(facts, x),)))


def _integers(function: Callable[..., Any], owner: type | None) -> None:
    def types(facts: Facts, low: Any, high: Any, size: Any, dtype: Any, *_: Any) -> Type:
        number = _sample(function, owner, 5, dtype=dtype)
        dims = facts.broadcast(*(dims_of(facts, b) for b in (low, high) if b is not None))
        return _drawn(number, (dims or None) if size is None else shape_dims(facts, size), dtype)

    last = {"endpoint": False} if function.__name__ == "integers" else {}
    dtype = np.int64 if function.__name__ == "integers" else int
    _add(function, owner, {"low": NEEDED, "high": None, "size": None, "dtype": dtype, **last}, types)


def _multivariate(function: Callable[..., Any], owner: type | None) -> None:
    def types(facts: Facts, mean: Any, cov: Any, size: Any) -> Type:
        many = () if size is None else shape_dims(facts, size)
        return Array(np.dtype(float), (*many, *dims_of(facts, mean)))

    _add(function, owner, {"mean": NEEDED, "cov": NEEDED, "size": None}, types)


def _of_shape(function: Callable[..., Any], owner: type | None) -> None:
    """`np.random.rand(3, 4)`."""

    def types(facts: Facts, *args: Any) -> Type:
        return _drawn(0.5, shape_dims(facts, args[-1]) if args[-1] else None)

    def template(*d: Any) -> None: ...

    def method(self: Any, /, *d: Any) -> None: ...

    register(Gate(function.__name__, (function,), method if owner else template, types=types))
    _note(function, owner)


def _register_all() -> None:
    for owner in (np.random.Generator, np.random.RandomState, None):
        home: Any = owner or np.random
        for name, parameters in DISTRIBUTIONS.items():
            _distribution(getattr(home, name), owner, parameters)
        has_dtype = owner is np.random.Generator
        for name in ("random", "standard_normal"):
            _plain(getattr(home, name), owner, has_dtype)
        _choice(home.choice, owner)
        _permutation(home.permutation, owner)
        _multivariate(home.multivariate_normal, owner)
        _integers(np.random.Generator.integers if has_dtype else home.randint, owner)
        if owner is not np.random.Generator:
            _plain(home.random_sample, owner, False)
            _of_shape(home.rand, owner)
            _of_shape(home.randn, owner)
    for make, what in ((np.random.default_rng, GENERATOR), (np.random.RandomState, STATE)):
        _add(make, None, {"seed": None}, lambda facts, seed, what=what: what)
    _add(np.random.seed, None, {"seed": None}, lambda facts, seed: Opaque("None"))


def is_draw(function: Callable[..., Any]) -> bool:
    """Whether a function draws random numbers. (NumPy imports its own when they are first asked for.)"""
    if not DRAWS and "numpy.random" in sys.modules:
        _register_all()
    return function in DRAWS


def generator_type(obj: Any) -> Opaque | None:
    """The type of a generator of random numbers."""
    kind = type(obj)
    if not kind.__module__.startswith("numpy.random"):
        return None
    return next((what for what in (GENERATOR, STATE) if class_of(what) is kind), None)


def class_of(what: Opaque) -> type:
    return np.random.Generator if what == GENERATOR else np.random.RandomState


def method_of(what: Opaque, name: str) -> Callable[..., Any] | None:
    """The method of a generator that draws, by its name."""
    found = getattr(class_of(what), name, None) if what in (GENERATOR, STATE) else None
    return found if found is not None and is_draw(found) else None


def is_array_like(x: Any) -> bool:
    return (is_value(x) and bool(x.type.dims)) or isinstance(x, (list, tuple))


@contextmanager
def unseen(arguments: Any, others: Iterable[Any]) -> Iterator[None]:
    """What is drawn inside is drawn again afterwards: by generators among these, and by the global ones."""
    found = [x for x in (*_objects(arguments), *others) if generator_type(x) is not None]
    states = [(x, state_of(x)) for x in found]
    whole = np.random.get_state()
    plain = random.getstate()
    try:
        yield
    finally:
        for x, state in states:
            set_state(x, state)
        np.random.set_state(whole)
        random.setstate(plain)


def state_of(x: Any) -> Any:
    """Where a generator of random numbers is."""
    if isinstance(x, random.Random):
        return x.getstate()
    return x.bit_generator.state if isinstance(x, np.random.Generator) else x.get_state()


def set_state(x: Any, state: Any) -> None:
    if isinstance(x, random.Random):
        x.setstate(state)
    elif isinstance(x, np.random.Generator):
        x.bit_generator.state = state
    else:
        x.set_state(state)


def _objects(x: Any) -> Iterator[Any]:
    if isinstance(x, (tuple, list)):
        for item in x:
            yield from _objects(item)
    elif isinstance(x, Mapping):
        for item in x.values():
            yield from _objects(item)
    else:
        yield x
