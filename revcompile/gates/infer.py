"""The type of a gate's result, found by running the function on small examples.

NumPy's own promotion and shape rules are the type rules: nothing is restated here, so a new gate
needs no type rule. The function runs twice, with different sizes for the axes; an axis of the
result that follows an argument's axis in both runs is that axis.
Imports the IR's types and the gate table.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np

from revcompile.errors import HostError, an, host, is_defect, is_own
from revcompile.gates import kinds, small
from revcompile.gates.record import Gate
from revcompile.ir.lengths import Facts, LengthError
from revcompile.ir.nodes import Value, leaves, map_structure, map_values
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Array, Dim, Opaque, Rows, Scalar, Type

Function = Callable[..., Any]
MISFIT = (ValueError, IndexError, np.linalg.LinAlgError)  # what lengths that do not fit make NumPy raise


def infer(gate: Gate, function: Function, args: tuple[Any, ...], facts: Facts) -> Any:
    """The structure of types that `function(*args)` gives. Raises what NumPy would raise."""
    try:
        if gate.locals is not None:
            keys = _plain_keys(args)
            if keys is not None:
                return _elementwise(function, keys, args, facts)
        numbers = [v.type for v in leaves(args) if isinstance(v.type, (Scalar, Rows))]
        if any([isinstance(t, Scalar) and t.varies for t in numbers]):
            return kinds.of_any_kind(lambda args: _infer(gate, function, args, facts), args)
        if any([t.others for t in numbers]):
            return kinds.of_others(function, lambda args: _infer(gate, function, args, facts), args)
        return _infer(gate, function, args, facts)
    except LengthError as e:
        ask_host(function, *gate.split(args))
        raise NotImplementedError(f"{gate.name} of such lengths: {e}") from None
    except Exception as e:
        if is_defect(e):
            ask_host(function, *gate.split(args))
        raise


def _infer(gate: Gate, function: Function, args: tuple[Any, ...], facts: Facts) -> Any:
    if gate.types is not None:
        return gate.types(facts, *args)
    if gate.locals is not None:
        return _elementwise(function, tuple(map(_key, args)), args, facts)
    try:
        found = _by_example(gate, function, args, facts, 0.5)
    except HostError as e:
        e.unless(ValueError)
        if not any(isinstance(v.type, Scalar) for v in leaves(args)):
            raise
        found = _by_example(gate, function, args, facts, 1.5)  # math.acosh takes no 0.5
    return kinds.one_of(found, args) if function in (max, min) else found


def _by_example(gate: Gate, function: Function, args: tuple[Any, ...], facts: Facts, number: float) -> Any:
    """The type of a result. For a call of these types it is the same each time, if no length in it is new."""
    dims = None if gate.dims is None else gate.dims(facts, *args)
    try:
        key = None if gate.foreign else _hashed(function, number, dims, *map(_hashable_type, args))
        known = _types.get(key)
        if known is not None:
            return known
    except NoKey:
        key = None
    lengths = facts.count
    found = _of_examples(gate, function, args, facts, number, dims)
    if key is not None and facts.count == lengths:
        if len(_types) >= MOST_OUTCOMES:
            _types.clear()
        _types[key] = found
    return found


def _hashable_type(structure: Any) -> Any:
    """The same for operands of the same types. Raises NoKey where that is not known."""
    if type(structure) is Value and isinstance(structure.type, (Scalar, Array)):
        return structure.type
    if type(structure) in (tuple, list):
        return (type(structure), *map(_hashable_type, structure))
    if type(structure) is slice:
        return slice, *map(_hashable_type, (structure.start, structure.stop, structure.step))
    return _hashable(structure)


def _of_examples(
    gate: Gate, function: Function, args: tuple[Any, ...], facts: Facts, number: float, dims: Any
) -> Any:
    call = gate.split(args)
    run = partial(_run, again=gate.foreign)
    if gate.dims is not None:
        is_large = small.is_large(gate, args, dims)
        try:
            if is_large:
                call = gate.split(small.with_ones(gate, args))
                return _with_dims(run(function, *call, small.ones, number), dims)
            return _with_dims(_run_somehow(function, *call, number, run), dims)
        except (HostError, NotImplementedError) as e:
            if isinstance(e, HostError):
                e.unless(*MISFIT)
            elif not is_large:  # where all lengths are 1, np.squeeze gives another rank
                raise
            if not all(isinstance(d, Dim) for d in dims):
                raise
            return _of_operands(gate, args, tuple(dims))
    known = small.axes(args)
    for scaled in (True, False) if small.is_large(gate, args) else (False,):
        sizes = small.distinct_sizes(args, scaled)
        try:
            first, second = (run(function, *call, s, number, i) for i, s in enumerate(sizes))
            products = small.products(args) if scaled else []
            found = _merge(first, second, known, sizes, facts, products)
            return _loosened(found, facts) if gate.foreign else found
        except HostError as e:
            e.unless(*MISFIT)
    sizes = [small.equal_sizes(4), small.equal_sizes(6)]
    first, second = (run(function, *call, s, number, i) for i, s in enumerate(sizes))
    known = known if len({d for d in known if d.size is None}) == 1 else []
    found = _merge(first, second, known, sizes, facts)
    return _loosened(found, facts) if gate.foreign else found


def _loosened(found: Any, facts: Facts) -> Any:
    """The types of what a user's function gives, each length one of its own.

    It may be as long as the elements say, in a way that no trial shows: `x[x != 7.0]`.
    """
    if isinstance(found, (tuple, list)):
        items = [_loosened(t, facts) for t in found]
        return type(found)(*items) if hasattr(found, "_fields") else type(found)(items)
    return (
        replace(found, dims=tuple(facts.fresh() for _ in found.dims)) if isinstance(found, Array) else found
    )


def ask_host(function: Function, args: Sequence[Any], keywords: Mapping[str, Any] | None = None) -> None:
    """Raise what Python or NumPy raises for a call that makes no sense to us, if it makes none to them."""
    if not is_own(function):
        _run_somehow(function, args, keywords or {}, 0.5)


def _run_somehow(
    function: Function,
    args: Sequence[Any],
    keywords: Mapping[str, Any],
    number: float,
    run: Callable[..., Any] | None = None,
) -> Any:
    """An outcome for some choice of the unknown lengths: equal ones, of a size that occurs or that fits."""
    run = run or _run
    sizes = [4, *sorted({d.size for d in small.axes((args, keywords)) if d.size is not None}), 3]
    for size in sizes[:-1]:
        try:
            return run(function, args, keywords, small.equal_sizes(size), number)
        except HostError as e:
            e.unless(*MISFIT)
    return run(function, args, keywords, small.equal_sizes(sizes[-1]), number)


def _of_operands(gate: Gate, args: tuple[Any, ...], dims: tuple[Dim, ...]) -> Type:
    """Where no example fits the shapes: the dtype of the operands, the axes that the gate states.

    A view without axes is an array still; an element is a number.
    """
    types = [v.type for v in leaves(args) if isinstance(v.type, (Array, Scalar))]
    is_element = False
    if gate.name == "getitem":  # what an index names has the dtype of what it is applied to
        is_element = not (isinstance(args[1], tuple) and any(part is Ellipsis for part in args[1]))
        types = types[:1]
    floats = [t for t in types if isinstance(t, Array) or t.dtype.kind == "f"]
    weak = [0.0 if isinstance(t, Scalar) and t.python else t.dtype for t in floats]
    dtype = np.result_type(*weak) if floats else np.dtype(float)
    is_array = bool(dims) or (gate.view and not is_element)
    return Array(dtype, dims) if is_array else Scalar(dtype)


def _with_dims(outcome: Any, dims: Any) -> Any:
    if isinstance(outcome, (tuple, list)):
        items = [_with_dims(o, d) for o, d in zip(outcome, dims, strict=True)]
        return type(outcome)(*items) if hasattr(outcome, "_fields") else type(outcome)(items)
    if isinstance(outcome, np.ndarray):
        if outcome.ndim != len(dims):
            raise NotImplementedError(f"what it gives has {outcome.ndim} axes, and not {len(dims)}")
        return Array(outcome.dtype, dims)
    return _scalar(outcome)


def _merge(
    first: Any,
    second: Any,
    known: list[Dim],
    sizes: list[Any],
    facts: Facts,
    products: Sequence[tuple[Dim, ...]] = (),
) -> Any:
    """Types from two runs: the same structure, and each axis as far as both runs agree on it."""
    if isinstance(first, (tuple, list)):
        if len(first) != len(second):
            raise NotImplementedError("its number of results depends on the arguments' lengths")
        items = [_merge(a, b, known, sizes, facts, products) for a, b in zip(first, second, strict=True)]
        return type(first)(*items) if hasattr(first, "_fields") else type(first)(items)
    if isinstance(first, np.ndarray):
        if first.ndim != second.ndim:
            raise NotImplementedError("the rank of its result depends on the arguments' lengths")
        pairs = zip(first.shape, second.shape, strict=True)
        return Array(first.dtype, tuple(_axis(m, n, known, sizes, facts, products) for m, n in pairs))
    return _scalar(first)


def _axis(
    m: int,
    n: int,
    known: list[Dim],
    sizes: list[Any],
    facts: Facts,
    products: Sequence[tuple[Dim, ...]],
) -> Dim:
    for dim in known:
        if sizes[0](dim) != sizes[1](dim) and (m, n) == (sizes[0](dim), sizes[1](dim)):
            return dim
    for factors in products:
        if [m, n] == [math.prod(map(size, factors)) for size in sizes]:
            return Dim(size=math.prod(d.size or 0 for d in factors))
    return Dim(size=m) if m == n else facts.fresh()


def _scalar(outcome: Any) -> Type:
    if isinstance(outcome, np.generic):
        return Scalar(outcome.dtype) if outcome.dtype.kind in "fiubc" else Opaque(str(outcome.dtype))
    if isinstance(outcome, (bool, int, float, complex)):
        return Scalar(np.dtype(type(outcome)), python=True)
    return Opaque(type(outcome).__name__)


class Sample:
    """An array to try a function on: the same object for the same array."""

    __slots__ = ("example",)

    def __init__(self, example: np.ndarray[Any, Any]) -> None:
        self.example = example


def _run(
    function: Function,
    args: Sequence[Any],
    keywords: Mapping[str, Any],
    size: Callable[[Dim], int],
    number: float,
    which: int = 0,
    again: bool = True,
) -> Any:
    """Run the function on examples; the two runs that are compared use different ones.

    `again`: even if it has run on the same; not for a function that gives the same each time.
    """
    call = _examples(function, (list(args), dict(keywords)), size, number, which)
    try:
        key = None if again else _hashed(function, _hashable(call))
    except NoKey:
        key = None
    if key is None:
        return _outcome(function, call)
    if key not in _outcomes:
        if len(_outcomes) >= MOST_OUTCOMES:
            _outcomes.clear()
        _outcomes[key] = _outcome_or_misfit(function, call)
    found = _outcomes[key]
    if type(found) is Misfit:
        raise HostError(found.kind(*found.args))
    return found


def _hashed(*parts: Any) -> tuple[Any, ...]:
    try:
        hash(parts)
    except TypeError:
        raise NoKey from None
    return parts


class NoKey(Exception):
    """Whether another call is the same as this one is not known."""


class Misfit(NamedTuple):
    """That a call raises such an exception: each time another one, which has its own traceback."""

    kind: type[Exception]
    args: tuple[Any, ...]


def _outcome_or_misfit(function: Function, call: tuple[list[Any], dict[str, Any]]) -> Any:
    try:
        return _outcome(function, call)
    except HostError as e:
        kind = type(e.original)
        if kind not in MISFIT:
            raise
        return Misfit(kind, e.original.args)


MOST_OUTCOMES = 4096
_outcomes: dict[Any, Any] = {}  # of functions that are ours, NumPy's or Python's
_types: dict[Any, Any] = {}  # of their results, by the types of the operands
_KEYS = frozenset({Sample, int, float, bool, complex, str, type(None), type(Ellipsis), type})


def _hashable(structure: Any) -> Any:
    """The same for calls that are the same. Raises NoKey where that is not known."""
    kind = type(structure)
    if kind in (tuple, list):
        return (kind, *map(_hashable, structure))
    if kind is slice:
        return slice, *map(_hashable, (structure.start, structure.stop, structure.step))
    if kind is dict:
        return dict, *((name, _hashable(item)) for name, item in structure.items())
    if kind not in _KEYS and not isinstance(structure, (np.dtype, np.generic)):
        raise NoKey
    return kind, structure


def _outcome(function: Function, call: tuple[list[Any], dict[str, Any]]) -> Any:
    args, keywords = map_structure(lambda x: x.example if type(x) is Sample else x, call)
    with warnings.catch_warnings(), np.errstate(all="ignore"), host():
        warnings.simplefilter("ignore")
        return function(*args, **keywords)


def _examples(
    function: Function, call: Any, size: Callable[[Dim], int], number: float, which: int
) -> tuple[list[Any], dict[str, Any]]:
    """A call with examples for what is known at run time only."""

    def stand_in(value: Value) -> Any:
        t = value.type
        if isinstance(t, Rows):
            rows = example_array(tuple(map(size, t.dims)), t.dtype, which, False).example
            return rows.tolist() if t.python else list(rows)
        if isinstance(t, Array):
            return example_array(tuple(map(size, t.dims)), t.dtype, which, function is np.linalg.cholesky)
        if isinstance(t, Scalar):
            if t.dtype.kind in "iu" and t.extent is not None:
                return size(t.extent)
            if t.dtype.kind in "iu" and not t.python:
                return t.dtype.type((3, 2)[which])
            if t.dtype.kind in "iu":
                return (3, 2)[which]
            return example_scalar(t, number)
        return t.what

    return map_values(stand_in, call)


@lru_cache(maxsize=512)
def example_array(shape: tuple[int, ...], dtype: np.dtype[Any], which: int, definite: bool) -> Sample:
    """A read-only array to try a function on: nonsingular matrices, valid indices.

    What depends on the elements (a mask's count, the number of nonzeros) differs between the runs.
    """
    size = int(np.prod(shape))
    if dtype.kind == "b":  # half of it: a mask's count must not look like an axis's length
        x = np.arange(size) % (2 + which) == 0
    elif dtype.kind in "iu":
        x = np.zeros(size)
    else:
        x = np.random.default_rng(size).permutation(size) / (size + 1) + 0.25
        if shape:  # a number has none that count
            x[: which * size] = np.where(np.arange(which * size) == 0, 0.0, x[: which * size])
    x = np.asarray(x, dtype).reshape(shape)
    if definite and len(set(shape[-2:])) == 1:  # else the function says that it takes square matrices only
        x = x + x.swapaxes(-1, -2) + shape[-1] * np.eye(shape[-1], dtype=dtype)
    x.flags.writeable = False
    return Sample(x)


def example_scalar(t: Scalar, number: float) -> Any:
    example = {"f": number, "i": 1, "u": 1, "b": True, "c": 0.5j}[t.dtype.kind]
    return t.dtype.type(example) if not t.python else example


def _elementwise(function: Function, keys: tuple[Any, ...], args: tuple[Any, ...], facts: Facts) -> Type:
    arrays = [a.type for a in args if type(a) is Value and isinstance(a.type, Array)]
    if not arrays:
        return _element_type(function, keys)
    dims = facts.broadcast(*[t.dims for t in arrays])
    t = _element_type(function, keys)
    if isinstance(t, Scalar) and not dims:
        return Scalar(t.dtype)
    assert isinstance(t, (Scalar, Array))
    for a in arrays:
        if a.dims is dims and a.dtype is t.dtype and type(a) is Array:
            return a
    return Array(t.dtype, dims)


def _plain_keys(args: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """The keys of numbers and arrays, each of one kind; None if there is anything else."""
    keys: list[Any] = []
    for a in args:
        if type(a) is not Value:
            keys.append((type(a), a))
            continue
        t = a.type
        if type(t) is Array:
            keys.append(("array", t.dtype, bool(t.dims)))
        elif type(t) is Scalar and not (t.varies or t.others):
            keys.append(("scalar", t.dtype, t.python))
        else:
            return None
    return tuple(keys)


def _key(argument: Any) -> Any:
    if type(argument) is not Value:
        return (type(argument), argument)
    t = argument.type
    if isinstance(t, Array):
        return ("array", t.dtype, bool(t.dims))
    if isinstance(t, Scalar):
        return ("scalar", t.dtype, t.python)
    raise HostError(TypeError(f"{an(t)} is not a number"))


@lru_cache(maxsize=4096)
def _element_type(function: Function, keys: tuple[Any, ...]) -> Type:
    """The type of one element of the result (of rank 1 where any argument has axes)."""
    error: Exception | None = None
    for number in (0.5, 1.5):
        try:
            elements = [_element(key, number) for key in keys]
            with warnings.catch_warnings(), np.errstate(all="ignore"), host():
                warnings.simplefilter("ignore")
                outcome = function(*elements)
        except HostError as e:
            e.unless(ValueError, ZeroDivisionError)
            error = e
            continue
        if isinstance(outcome, np.ndarray):
            return Array(outcome.dtype, ())
        return _scalar(outcome)
    assert error is not None
    raise error


def _element(key: Any, number: float) -> Any:
    if key[0] == "array":
        return np.full((1,) if key[2] else (), number if key[1].kind == "f" else 1, key[1])
    if key[0] == "scalar":
        return example_scalar(Scalar(key[1], python=key[2]), number)
    return key[1]
