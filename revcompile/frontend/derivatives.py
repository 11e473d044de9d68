"""Derivatives inside a function that is compiled: `jvp(h, primals, tangents)`, `jacobian(h)(x)` and others.

As with a gradient (`frontend/gradients`), the primal is interpreted on copies of its arguments as a function
of its own; its statements, and those of the derivative, become statements of the function around it. Two
operations are enough, `along` and `pulled`; what others mean is Python code of these (`frontend/columns`),
read like the program's own.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from types import MethodType
from typing import Any

import numpy as np

from revcompile.errors import HostError, UnsupportedError, an, form_of, host
from revcompile.frontend import columns, regained
from revcompile.frontend.gradients import call as call_gradient
from revcompile.frontend.gradients import (
    gradient_of,
    is_gradient,
    is_number_like,
    like_its_value,
    signature_of,
    silent,
)
from revcompile.frontend.lowering import Lowering
from revcompile.frontend.names import HostObject
from revcompile.frontend.wanted import explicit_names, is_method, names_by_call, picked
from revcompile.gates.effects import has_effects, identity
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import (
    Block,
    Function,
    Instance,
    Parameter,
    Structure,
    Value,
    applications,
    map_structure,
    map_values,
)
from revcompile.ir.types import is_float
from revcompile.syntax.abstract import Gradient, Left, Native

# -- the operations --------------------------------------------------------------------------------


def along(low: Lowering, f: Any, primals: Any, tangents: Any, quietly: bool = False) -> Structure:
    """The value of `f(*primals)`, and its derivative in the direction of the tangents."""
    primals, tangents = low.items(primals), low.resolve(low.items(tangents))
    if low.slots and not low.pairs.closed and (isinstance(f, Gradient) or is_gradient(f)):
        gradient = f if isinstance(f, Gradient) else gradient_of(low, f)
        return None, _across(low, gradient, primals, tangents)  # nobody asks for the value
    if len(primals) != len(tangents):
        raise HostError(TypeError(f"{len(primals)} arguments have {len(tangents)} tangents"))
    signature, name = signature_of(low, f)
    with host():
        signature.bind(*primals)
    names = [p.name for p in signature.parameters.values() if p.kind < p.VAR_POSITIONAL][: len(primals)]
    names += [f"x{i}" for i in range(len(names), len(primals))]
    known: dict[Value, Structure] = {}
    pairs = zip(primals, tangents, strict=True)
    copies = [_copied(low, x, t, f"argument {i}", known) for i, (x, t) in enumerate(pairs)]
    given = [low.mutables.adopt(c, copied=True) for c in copies]
    parameters = tuple(
        Parameter(n, map_structure(lambda x: x, c)) for n, c in zip(names, copies, strict=True)
    )
    builder = low.builder
    before = builder.statements
    try:
        with builder.tentatively() as inner, low.pairs.none():
            result = low.invoke(f, *given)
            regained.hand_out(low, result)
            result = low.resolve(result)
    except Left:
        before.extend(inner)
        raise
    builder.statements = before
    body = Block(tuple(inner), (result,))
    primal = Function(name, parameters, silent(body) if quietly else body, builder.table)
    done = low.push_forward(primal, known)
    builder.statements = before
    builder.statements.extend(done.body.statements)
    ((value, tangent),) = done.body.yields
    return value, low.mutables.adopt(map_values(lambda v: _own(low, v), tangent))


def _across(low: Lowering, gradient: Gradient, primals: Sequence[Structure], tangents: Any) -> Structure:
    """The derivative of a gradient in a direction as the gradient of that in the direction: of a loop that
    carries its tangents, states can be kept."""
    f = gradient.function

    def slope(*args: Structure) -> Structure:
        _, tangent = along(low, f, args, tangents, quietly=True)
        return low.items(tangent)[0] if gradient.has_aux else tangent

    return call_gradient(low, Gradient(Native(slope, f), gradient.argnums, silent=True), tuple(primals), {})


def _own(low: Lowering, v: Value) -> Value:
    """A tangent shares storage with nothing, so that the program may write into it."""
    return low.emit(identity, v) if v.type.dims else v


def _copied(
    low: Lowering, x: Structure, tangent: Structure, what: str, known: dict[Value, Structure]
) -> Structure:
    """An argument whose numbers and arrays with tangents are the primal's own; notes these in `known`."""
    if tangent is None:
        return x
    _check(x)
    if isinstance(x, (tuple, list)) and type(x) is type(tangent) and len(x) == len(tangent):
        items = [
            _copied(low, a, t, f"{what}[{i}]", known) for i, (a, t) in enumerate(zip(x, tangent, strict=True))
        ]
        return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)
    if isinstance(x, dict) and isinstance(tangent, dict) and x.keys() == tangent.keys():
        return {k: _copied(low, a, tangent[k], f"{what}[{k!r}]", known) for k, a in x.items()}
    if isinstance(x, Instance) and isinstance(tangent, Instance) and x.cls is tangent.cls:
        named = tangent.attributes
        return Instance(
            x.cls, {k: _copied(low, a, named.get(k), f"{what}.{k}", known) for k, a in x.attributes.items()}
        )
    if not is_number_like(x) or not is_number_like(tangent):
        said = f"the tangent of {what} must be of the argument's own structure"
        raise HostError(TypeError(f"{said}: {form_of(x)}, not {form_of(tangent)}"))
    new = low.emit(identity, x)
    table = low.builder.table
    table.name(new, table.hints.get(x) if isinstance(x, Value) else None)
    known[new] = like_its_value(low, tangent, new, f"the tangent of {what}")
    low.varied |= {new}
    return new


def valued(low: Lowering, f: Any, args: Iterable[Structure], quietly: bool = False) -> Structure:
    """What `f(*args)` gives; what it writes into are copies."""

    def copied(v: Value) -> Structure:
        return low.emit(identity, v) if v.type.dims else v

    before = low.builder.statements
    try:
        with low.builder.tentatively() as inner:
            result = low.invoke(f, *(low.mutables.adopt(map_values(copied, a), copied=True) for a in args))
    except Left:
        before.extend(inner)
        raise
    before.extend(silent(Block(tuple(inner))).statements if quietly else inner)
    return result


def first(low: Lowering, f: Any) -> Native:
    """A function that gives the value alone where `f` gives a pair of it and what comes with it."""
    return Native(lambda *args, **kwargs: with_aux(low, low.invoke(f, *args, **kwargs))[0], f)


def with_aux(low: Lowering, pair: Structure) -> Sequence[Structure]:
    """The value and what comes with it."""
    items = low.items(pair) if isinstance(pair, (tuple, list)) else ()
    if len(items) != 2:
        raise UnsupportedError("with has_aux=True the function must return a pair (value, aux)")
    return items


# -- the operators ---------------------------------------------------------------------------------


def pulled(
    low: Lowering, f: Any, primals: Any, argnums: Any, cotangent: Any, quietly: bool = False
) -> Structure:
    """The value of `f(*primals)`, and the gradients of its product with what `cotangent` gives of it."""
    gradient = Gradient(f, tuple(argnums), with_value=True, cotangent=cotangent, silent=quietly)
    return call_gradient(low, gradient, tuple(low.items(primals)), {})


class _Jacobian:
    """The Jacobian of one call: a tree as what the function gives, of trees as its arguments."""

    def __init__(self, low: Lowering, f: Any, args: tuple[Any, ...], which: Which, value: Structure) -> None:
        self.low, self.f, self.args, self.value = low, f, args, value
        self.argnums, self.bare = which
        self.frame = low.frames[-1]

    def by_columns(self) -> Structure:
        """In forward mode: for each number in the arguments."""
        found = [map_structure(self._columns(k), self.args[k]) for k in self.argnums]
        count = len(self._results(self.value))
        return self._joined([[_picked(tree, j) for tree in found] for j in range(count)])

    def _columns(self, k: int) -> Callable[[Structure], Structure]:
        place = iter(range(sum(1 for _ in _all_leaves(self.args[k]))))

        def of_leaf(x: Structure) -> Structure:
            at = next(place)
            if not _varies(x):
                return None

            def placed(seed: Structure) -> Structure:
                only = _only(self.args[k], at, seed)
                return tuple(only if i == k else None for i in range(len(self.args)))

            given = (self.f, self.args, x, Native(placed), Native(self._results))
            return _Entries(self.low.items(self.low.read(columns.by_columns, given, {}, self.frame)))

        return of_leaf

    def by_rows(self) -> Structure:
        """In reverse mode: for each number in the results."""
        rows = []
        for at, y in enumerate(_all_leaves(self.value)):
            if not _varies(y):
                continue

            def placed(seed: Structure, at: int = at) -> Structure:
                return Native(lambda value: _only(value, at, seed))

            wanted = [self.args[k] for k in self.argnums]
            xs = [x for x in _all_leaves(wanted) if _varies(x)]
            given = (self.f, self.args, self.argnums, xs, y, Native(placed), Native(self._results))
            rows.append(
                _placed(wanted, self.low.items(self.low.read(columns.by_rows, given, {}, self.frame)))
            )
        return self._joined(rows)

    def _results(self, structure: Structure) -> list[Structure]:
        """The numbers of what the function gives, or of gradients."""
        return [x for x in _all_leaves(structure) if _varies(x)]

    def _joined(self, rows: list[list[Structure]]) -> Structure:
        """The tree of the results with, for each, those of the arguments."""
        rest = iter(rows)

        def of_result(y: Structure) -> Structure:
            if not _varies(y):
                return None
            row = next(rest)
            return row[0] if self.bare else tuple(row)

        return self.low.mutables.adopt(map_structure(of_result, self.value))


def _placed(trees: list[Structure], items: list[Structure]) -> list[Structure]:
    """Trees with these in place of their numbers, in order."""
    rest = iter(items)
    return [map_structure(lambda x: next(rest) if _varies(x) else None, tree) for tree in trees]


class _Entries(tuple[Any, ...]):
    """The Jacobians of all results by one number of the arguments."""

    _fields = ()


def _picked(tree: Structure, j: int) -> Structure:
    """The tree with, of each place's Jacobians, the one of a result."""
    if isinstance(tree, _Entries):
        return tree[j]
    if isinstance(tree, (tuple, list)):
        items = [_picked(item, j) for item in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    if isinstance(tree, dict):
        return {key: _picked(item, j) for key, item in tree.items()}
    if isinstance(tree, Instance):
        return Instance(tree.cls, _picked(tree.attributes, j))
    return tree


def _all_leaves(structure: Structure) -> Iterator[Structure]:
    found: list[Structure] = []
    map_structure(found.append, structure)
    return iter(found)


def _varies(x: Structure) -> bool:
    """Whether a leaf is a number that derivatives are of."""
    if isinstance(x, Value):
        return is_float(x.type)
    return isinstance(x, (float, np.floating))


def _only(tree: Structure, at: int, seed: Structure) -> Structure:
    """The tree with `seed` at one place, counted through its leaves, and None at all others."""
    places = iter(range(sum(1 for _ in _all_leaves(tree))))
    return map_structure(lambda leaf: seed if next(places) == at else None, tree)


Which = tuple[tuple[int, ...], bool]


def chosen(low: Lowering, f: Any, args: tuple[Any, ...], argnums: Any) -> Which:
    """The numbers of the arguments that are differentiated, and whether one comes bare."""
    signature, name = signature_of(low, f)
    names = explicit_names(signature, argnums, name)
    if names is None:
        method = not isinstance(f, MethodType) and is_method(getattr(f, "__qualname__", ""), signature)
        names, bare = names_by_call(signature, len(args), method)
    else:
        bare = not isinstance(argnums, (tuple, list))
    parameters = {p.name: (i, p.kind) for i, p in enumerate(signature.parameters.values())}
    places: list[int] = []
    for chosen_name in names:
        i, kind = parameters[chosen_name]
        which = picked(chosen_name, range(i, len(args))) if kind is inspect.Parameter.VAR_POSITIONAL else i
        places.extend((which,) if isinstance(which, int) else which)
    if any(p >= len(args) for p in places):
        raise HostError(
            TypeError(f"the arguments of {name} that are differentiated must be passed by position")
        )
    for place in places:
        _check(args[place])
    return tuple(places), bare


def _check(argument: Structure) -> None:
    if isinstance(argument, HostObject):
        raise UnsupportedError(
            f"derivatives by the attributes of {an(type(argument.obj).__name__)} are gradients only",
            way_out="Use grad, or pass its numbers in a tuple or a dict.",
        )


def jvp(low: Lowering, f: Any, primals: Any, tangents: Any, *, has_aux: bool = False) -> Structure:
    value, tangent = along(low, f, primals, tangents)
    if not has_aux:
        return value, tangent
    (value, aux), (tangent, _) = with_aux(low, value), low.items(tangent)
    return value, tangent, aux


def linearize(low: Lowering, f: Any, *args: Any) -> Structure:
    return valued(low, f, args), Native(lambda *tangents: linear(low, f, args, tangents))


def linear(low: Lowering, f: Any, primals: Any, tangents: Any) -> Structure:
    """The derivative of `f` in a direction, if that may be computed as often as is asked."""
    before = len(low.builder.statements)
    _, tangent = along(low, f, primals, tangents, quietly=True)
    for s in applications(Block(tuple(low.builder.statements[before:]))):
        if has_effects(s.function):
            raise UnsupportedError(
                "linearize computes the function again in each direction: "
                f"{TABLE[s.function].name} is not to be done again",
                way_out="Use jvp, which computes the value and the derivative at once.",
            )
    return tangent


def vjp(low: Lowering, f: Any, *args: Any, argnums: Any = None, has_aux: bool = False) -> Structure:
    numbers, bare = chosen(low, f, args, argnums)
    value = valued(low, f, args)
    value, *aux = with_aux(low, value) if has_aux else (value,)
    g = first(low, f) if has_aux else f

    def pullback(cotangent: Structure) -> Structure:
        _, gradients = pulled(low, g, args, numbers, Native(lambda _: cotangent), quietly=True)
        return gradients[0] if bare else gradients

    return value, Native(pullback), *aux


def _jacobian(
    low: Lowering, f: Any, args: tuple[Any, ...], which: Which, mode: Mode, has_aux: bool, with_value: bool
) -> Structure:
    value, *aux = with_aux(low, valued(low, f, args)) if has_aux else (valued(low, f, args),)
    jacobian = mode(_Jacobian(low, first(low, f) if has_aux else f, args, which, value))
    if with_value:
        return ((value, *aux) if has_aux else value), jacobian
    return (jacobian, *aux) if has_aux else jacobian


Mode = Callable[[_Jacobian], Structure]


def jacfwd(
    low: Lowering,
    f: Any,
    *args: Any,
    argnums: Any = None,
    has_aux: bool = False,
    with_value: bool = False,
    mode: Mode = _Jacobian.by_columns,
) -> Structure:
    which = chosen(low, f, args, argnums)
    return _jacobian(low, f, args, which, mode, has_aux, with_value)


def hessian(low: Lowering, f: Any, *args: Any, argnums: Any = None, has_aux: bool = False) -> Structure:
    numbers, bare = which = chosen(low, f, args, argnums)
    gradient = Gradient(f, numbers[0] if bare else numbers, has_aux=has_aux)
    return _jacobian(low, gradient, args, which, _Jacobian.by_columns, has_aux, with_value=False)


def hvp(low: Lowering, f: Any, *args: Any, argnums: Any = None) -> Structure:
    *args_, direction = args
    numbers, bare = chosen(low, f, tuple(args_), argnums)
    directions = (direction,) if bare else direction
    if not isinstance(directions, (tuple, list)) or len(directions) != len(numbers):
        said = f"the vector must be a tuple of {len(numbers)}, as the gradient is, not {form_of(directions)}"
        raise HostError(TypeError(said))
    given = dict(zip(numbers, directions, strict=True))
    tangents = tuple(given.get(i) for i in range(len(args_)))
    return along(low, Gradient(f, numbers[0] if bare else numbers), tuple(args_), tangents)[1]


def elementwise_grad(low: Lowering, f: Any, *args: Any, argnums: Any = 0) -> Structure:
    numbers, bare = chosen(low, f, args, argnums)
    ones = Native(lambda value: map_structure(lambda y: low.apply(np.ones_like, (y,), {}), value))
    _, gradients = pulled(low, f, args, numbers, ones)
    return gradients[0] if bare else gradients


def _by_itself(low: Lowering, f: Any, args: tuple[Any, ...], argnums: Any) -> int:
    """Which argument it is that alone is differentiated: an array."""
    numbers, _ = chosen(low, f, args, argnums)
    if len(numbers) != 1 or not isinstance(args[numbers[0]], Value):
        raise UnsupportedError("what has a pattern of zeros is a Jacobian by one array: choose with argnums=")
    return numbers[0]


def _one_array(structure: Structure) -> list[Structure]:
    if not isinstance(structure, Value) or not _varies(structure):
        raise UnsupportedError("what has a pattern of zeros is a Jacobian of one array")
    return [structure]


def jvps(low: Lowering, f: Any, *args: Any, argnums: Any = None) -> Structure:
    """The derivatives of an array by another in several directions, a stack of which is the last argument."""
    *primals, seeds = args
    k = _by_itself(low, f, tuple(primals), argnums)
    placed = Native(lambda seed: tuple(seed if i == k else None for i in range(len(primals))))
    given = (f, tuple(primals), seeds, placed, Native(_one_array))
    return low.items(low.read(columns.along_each, given, {}, low.frames[-1]))[0]


def vjps(low: Lowering, f: Any, *args: Any, argnums: Any = None) -> Structure:
    """The gradients by an array of the products of what a function gives with each of a stack of arrays."""
    *primals, seeds = args
    k = _by_itself(low, f, tuple(primals), argnums)
    placed, flat = Native(lambda seed: Native(lambda _: seed)), Native(lambda gradients: list(gradients))
    given = (f, tuple(primals), (k,), [primals[k]], seeds, placed, flat)
    return low.items(low.read(columns.pulled_each, given, {}, low.frames[-1]))[0]


def checkpoint(low: Lowering, f: Any, *args: Any) -> Structure:
    with low.pairs.computed_again():
        return low.invoke(f, *args)


jacrev = partial(jacfwd, mode=_Jacobian.by_rows)
OPERATORS: dict[str, Callable[..., Structure]] = {
    "jacobian": jacfwd,
    "jacrev": jacrev,
    "value_and_jacobian": partial(jacfwd, with_value=True),
    **{f.__name__: f for f in (jvp, jvps, vjp, vjps, linearize, jacfwd, hessian, hvp, elementwise_grad)},
    "checkpoint": checkpoint,
    "linear": linear,
}
