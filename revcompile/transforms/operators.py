"""The operators on functions besides `grad`: `jvp`, `vjp`, `linearize`, `jacobian`, `hessian`, `hvp`, …

What is compiled is a function that applies the operator to the user's: it is interpreted where it stands
(`frontend/derivatives`), so that the text is that of the value and of its derivatives.
Imports the dispatcher and `around`.
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from revcompile.dispatch import Dispatcher
from revcompile.errors import public, seen_outside, trimmed
from revcompile.frontend.operators import apply
from revcompile.frontend.wanted import Argnums, Options, explicit_names, names_by_call
from revcompile.ir.identifiers import function_name
from revcompile.transforms import lazily
from revcompile.transforms.around import function_of, signature_of
from revcompile.transforms.gradient import graph_of, place_of
from revcompile.transforms.pullback import Linear, Pullback, sizes

_made: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()  # what was made for calls with arguments


@public
def jvp(
    f: Callable[..., Any],
    primals: Any = None,
    tangents: Any = None,
    *,
    has_aux: bool = False,
    optimize: bool = True,
) -> Any:
    """The value of a function and its derivative in a direction, in forward mode.

    `jvp(f, (x, w), (tangent_x, tangent_w))` gives `(value, tangent)`: `f(x, w)`, and its derivative in the
    direction of the tangents. Each has the structure and the shapes of its argument; None stands for that of
    an argument that is not differentiated. What `f` gives may be a number, an array or a structure of them.
    `jvp(f)` compiles once, and is a decorator: it gives a function of the arguments and the tangents.
    With `has_aux`, `f` gives `(value, aux)`, and the result is `(value, tangent, aux)`.

    >>> from revcompile import jvp
    >>> jvp(lambda x, y: x * y, (3.0, 4.0), (1.0, 0.0))
    (12.0, 4.0)
    >>> @jvp
    ... def area(width, height):
    ...     return width * height
    >>> area((3.0, 4.0), (1.0, 0.0))
    (12.0, 4.0)
    >>> print(area.tangent_source)
    def jvp_area(width, height, tangent_width, tangent_height):
        tangent_s0 = tangent_width * height + tangent_height * width  # mul gate
        return width * height, tangent_s0
    <BLANKLINE>
    """
    make = partial(_make, f, "jvp", {"has_aux": has_aux}, optimize)
    if primals is None and tangents is None:
        return make()
    return _once(f, ("jvp", has_aux, optimize), make)(primals, tangents)


@public
def vjp(f: Any, *args: Any, argnums: Argnums = None, has_aux: bool = False, optimize: bool = True) -> Any:
    """The value of a function, and its pullback, in reverse mode.

    `vjp(f, *args)` gives `(value, pullback)`. `pullback(cotangent)`, with a cotangent of the structure of the
    value, gives what `grad` gives of the product of both; it may be called many times. The forward pass is
    computed once, and keeps what the pullback reads: that may be an argument, which must not be written into
    in between. `vjp(f)` compiles once: it gives a function of the arguments.
    With `has_aux`, `f` gives `(value, aux)`, and the result is `(value, pullback, aux)`.

    >>> import numpy as np
    >>> from revcompile import vjp
    >>> value, pullback = vjp(np.tanh, np.array([0.0, 1.0]))
    >>> pullback(np.array([1.0, 2.0]))
    array([1.        , 0.83994868])
    """
    make = partial(_make, f, "vjp", {"argnums": argnums, "has_aux": has_aux}, optimize)
    return _once(f, ("vjp", repr(argnums), has_aux, optimize), make)(*args) if args else make()


@public
def linearize(f: Any, *args: Any, optimize: bool = True) -> Any:
    """The value of a function, and its derivative at that point, as a function of the tangents.

    `linearize(f, *args)` gives `(value, f_jvp)`. `f_jvp(*tangents)`, with a tangent for each argument, as in
    `jvp`, gives the derivative in that direction. It keeps copies of the arguments, nothing else: what `f`
    computes is computed again in each direction, so that its memory does not grow with the trips of a loop.
    `linearize(f)` compiles once: it gives a function of the arguments.

    >>> import numpy as np
    >>> from revcompile import linearize
    >>> value, f_jvp = linearize(np.sin, 0.0)
    >>> f_jvp(2.0), f_jvp(-1.0)
    (2.0, -1.0)
    """
    make = partial(_make, f, "linear", {}, optimize)
    return _once(f, ("linear", optimize), make)(*args) if args else make()


def _once(f: Any, key: Any, make: Callable[[], Any]) -> Any:
    """What `make` makes of a function, kept as long as that is."""
    try:
        made = _made.setdefault(f, {})
    except TypeError:  # it cannot be kept
        return make()
    if key not in made:
        made[key] = make()
    return made[key]


@public
def jacobian(f: Any = None, argnums: Argnums = None, *, has_aux: bool = False, optimize: bool = True) -> Any:
    """The Jacobian of a function, in forward or in reverse mode, whichever needs fewer directions.

    The function returned takes the arguments of `f`. Its result has the structure of what `f` gives; each
    Jacobian has the shape of the result followed by that of the argument. `argnums` is that of `grad`.
    With `has_aux`, `f` gives `(value, aux)`, and the result is `(jacobian, aux)`.

    >>> import numpy as np
    >>> from revcompile import jacobian
    >>> jacobian(lambda x: x * x)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    options = {"argnums": argnums, "has_aux": has_aux}
    return _bysizes(f, options, optimize) if f is not None else lambda g: _bysizes(g, options, optimize)


@public
def value_and_jacobian(
    f: Any = None, argnums: Argnums = None, *, has_aux: bool = False, optimize: bool = True
) -> Any:
    """The value and the Jacobian of a function, in one compiled function.

    Takes the options of `jacobian`. The result is `(value, jacobian)`, with `has_aux` that and `aux` first:
    `((value, aux), jacobian)`.

    >>> import numpy as np
    >>> from revcompile import value_and_jacobian
    >>> value_and_jacobian(lambda x: x * x)(3.0)
    (9.0, 6.0)
    """
    options = {"argnums": argnums, "has_aux": has_aux, "with_value": True}
    return _bysizes(f, options, optimize) if f is not None else lambda g: _bysizes(g, options, optimize)


def _bysizes(f: Any, options: dict[str, Any], optimize: bool) -> Any:
    """The Jacobian in forward or in reverse mode: it is known after a call how many results there are."""
    forward, reverse = (_make(f, mode, options, optimize) for mode in ("jacfwd", "jacrev"))
    better: dict[Any, Any] = {}  # by the shapes of the arguments

    def choose(*args: Any, **kwargs: Any) -> Any:
        key = tuple(map(_shapes, args))
        found = better.get(key)
        if found is None:
            varied = forward.applied.varied(args)
            given = copy.deepcopy((args, kwargs))
            value = f(*given[0], **given[1]) if varied > FEW else None
            count = varied if value is None else sum(sizes(value[0] if options["has_aux"] else value))
            found = better[key] = forward if varied <= count else reverse
        return found

    def call(*args: Any, **kwargs: Any) -> Any:
        return choose(*args, **kwargs)(*args, **kwargs)

    def source_for(*args: Any, **kwargs: Any) -> str:
        """The generated module for arguments like these."""
        return str(choose(*args, **kwargs).source_for(*args, **kwargs))

    made: Any = trimmed(call)
    functools.update_wrapper(made, f, updated=())
    made.__signature__ = forward.__signature__
    made.primal, made.operator, made.options = f, "jacfwd", options
    made.source_for, made.graph = trimmed(source_for), forward.graph
    latest = partial(lambda: next(reversed(better.values()), forward))
    for name in ("source", "derivative_source"):
        lazily.attribute(made, name, partial(lambda name: setattr(made, name, getattr(latest(), name)), name))
    return made


FEW = 8  # directions that are worth no question


def _shapes(x: Any) -> Any:
    """The shapes of the arrays in a tree of arguments."""
    if isinstance(x, np.ndarray):
        return x.shape
    if isinstance(x, Mapping):
        return tuple((key, _shapes(item)) for key, item in x.items())
    return tuple(map(_shapes, x)) if isinstance(x, (tuple, list)) else ()


@public
def jacfwd(f: Any = None, argnums: Argnums = None, *, has_aux: bool = False, optimize: bool = True) -> Any:
    """The Jacobian of a function in forward mode, column by column: for few arguments and many results.

    See `jacobian`."""
    return _operator(f, "jacfwd", {"argnums": argnums, "has_aux": has_aux}, optimize)


@public
def jacrev(f: Any = None, argnums: Argnums = None, *, has_aux: bool = False, optimize: bool = True) -> Any:
    """The Jacobian of a function in reverse mode, row by row: for many arguments and few results.

    See `jacobian`."""
    return _operator(f, "jacrev", {"argnums": argnums, "has_aux": has_aux}, optimize)


@public
def hessian(f: Any = None, argnums: Argnums = None, *, has_aux: bool = False, optimize: bool = True) -> Any:
    """The matrix of second derivatives of a function that returns one real number.

    With `has_aux`, `f` gives `(value, aux)`, and the result is `(hessian, aux)`.

    >>> import numpy as np
    >>> from revcompile import hessian
    >>> hessian(lambda x: x[0] * x[1] + np.sum(x**3))(np.array([1.0, 2.0]))
    array([[ 6.,  1.],
           [ 1., 12.]])
    """
    return _operator(f, "hessian", {"argnums": argnums, "has_aux": has_aux}, optimize)


@public
def hvp(f: Any = None, argnums: Argnums = None, *, optimize: bool = True) -> Any:
    """The product of the Hessian of a function with a vector, which is the last argument.

    Forward over reverse: the derivative of the gradient in the direction of the vector. It costs a small
    multiple of the gradient, and no matrix is made. The vector has the structure of the gradient.

    >>> import numpy as np
    >>> from revcompile import hvp
    >>> hvp(lambda x: np.sum(x**3))(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    return _operator(f, "hvp", {"argnums": argnums}, optimize)


@public
def elementwise_grad(f: Any = None, argnums: Argnums = 0, *, optimize: bool = True) -> Any:
    """The derivative of each element of what a function gives by the element of the argument at its place.

    That is so of functions that go element by element; of others it gives the sum over all results.

    >>> import numpy as np
    >>> from revcompile import elementwise_grad
    >>> elementwise_grad(np.tanh)(np.array([0.0, 1.0]))
    array([1.        , 0.41997434])
    """
    return _operator(f, "elementwise_grad", {"argnums": argnums}, optimize)


def _operator(f: Any, operator: str, options: dict[str, Any], optimize: bool) -> Any:
    if f is None:
        return lambda g: _make(g, operator, options, optimize)
    return _make(f, operator, options, optimize)


def _make(f: Any, operator: str, options: dict[str, Any], optimize: bool) -> Any:
    """The compiled function of an operator: a plain function with its attributes."""
    with seen_outside(lambda: place_of(f)):
        applied = KINDS.get(operator, _Applied)(f, operator, options, optimize)
    made: Any = trimmed(applied.call)
    functools.update_wrapper(made, f, updated=())
    made.__signature__ = applied.face
    made.primal, made.operator, made.options, made.applied = f, operator, options, applied
    made.source_for = trimmed(applied.source_for)
    made.graph = graph_of(f, Options(options.get("argnums"), False, optimize, False))
    for name in ("source", applied.part):
        lazily.attribute(made, name, partial(_tell, made, applied, name))
    return made


def _tell(made: Any, applied: _Applied, name: str) -> None:
    shown = applied.shown()
    setattr(made, name, shown.source if name == "source" else shown.backward_source)


def _free(wish: str, taken: set[str]) -> str:
    """A name that is not taken, by now."""
    name = next(n for n in (wish, *map(f"{wish}_{{}}".format, range(1, len(taken) + 2))) if n not in taken)
    taken.add(name)
    return name


class _Applied:
    """What an operator makes of a function of these arguments."""

    part = "derivative_source"

    def __init__(self, f: Any, operator: str, options: dict[str, Any], optimize: bool) -> None:
        self.f, self.operator, self.options = f, operator, options
        self.name = function_name(f) if hasattr(f, "__name__") else "function"
        self.signature = signature_of(f)
        self.asked = Options((), False, optimize, False, operator=operator)
        self.known: dict[Any, Dispatcher] = {}
        self.face = self.signature

    def call(self, *args: Any, **kwargs: Any) -> Any:
        return self._for(args, kwargs).entry(*args, **kwargs)

    def source_for(self, *args: Any, **kwargs: Any) -> str:
        """The generated module for arguments like these."""
        return self._for(args, kwargs).find(args, kwargs).source

    def varied(self, args: tuple[Any, ...]) -> int:
        """How many numbers there are among the arguments that are differentiated."""
        with seen_outside(lambda: place_of(self.f)):
            names = explicit_names(self.signature, self.options["argnums"], self.name)
        if names is None:
            names, _ = names_by_call(self.signature, len(args), False)
        given = self.signature.bind_partial(*args).arguments
        return sum(sizes([given.get(name) for name in names]))

    def shown(self) -> Any:
        """What was called last; before any call, what is compiled for floats."""
        for dispatcher in reversed(self.known.values()):
            if dispatcher.shown is not None:
                return dispatcher.shown
        args = self._examples()
        return self._for(args, {}).find(args, {})

    def _examples(self) -> tuple[Any, ...]:
        required = (p for p in self.signature.parameters.values() if p.default is p.empty)
        return tuple(1.0 for p in required if p.kind < p.VAR_POSITIONAL)

    def _for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Dispatcher:
        """The dispatcher for calls with so many arguments by position and these by name."""
        key = len(args), *kwargs
        found = self.known.get(key)
        if found is None:
            for name in kwargs:
                self._check(name)
            found = self.known[key] = self._dispatcher(self._names(len(args)), list(kwargs))
        return found

    def _dispatcher(self, names: Sequence[str], keywords: Sequence[str], passed: str = "") -> Dispatcher:
        kind = inspect.Parameter
        parameters = [kind(n, kind.POSITIONAL_OR_KEYWORD) for n in names]
        parameters += [kind(n, kind.KEYWORD_ONLY) for n in keywords]
        given = [passed] if passed else [*names, *(f"{n}={n}" for n in keywords)]
        taken = {*names, *keywords}
        do, options, f = (_free(wish, taken) for wish in ("apply", "options", "function"))
        text = f"{do}({self.operator!r}, {options}, {f}, {', '.join(given)})"
        known = {do: apply, options: self.options, f: self.f}
        return Dispatcher(
            function_of(text, self.name, known, inspect.Signature(parameters), self.f), self.asked
        )

    def _check(self, name: str) -> None:
        """Raises TypeError where the function has no parameter of that name."""
        parameters = self.signature.parameters
        if name not in parameters and all(p.kind is not p.VAR_KEYWORD for p in parameters.values()):
            raise TypeError(f"{self.name}() got an unexpected keyword argument {name!r}")

    def _names(self, count: int) -> list[str]:
        """The names of so many arguments that are passed by position."""
        names: list[str] = []
        for p in self.signature.parameters.values():
            if p.kind is p.VAR_POSITIONAL:
                names += [f"{p.name}_{i}" for i in range(count - len(names))]
            elif p.kind < p.VAR_POSITIONAL:
                names.append(p.name)
        if len(names) < count:
            raise TypeError(f"{self.name} takes {len(names)} arguments by position, not {count}")
        return names[:count]


class _Vectors(_Applied):
    """A function of the arguments, and of a vector after them."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        parameters = [p.replace(default=p.empty) for p in self.signature.parameters.values()]
        names = {p.name for p in parameters}
        vector = _free("vector", names)
        first = [p.replace(kind=p.POSITIONAL_ONLY) for p in parameters if p.kind < p.VAR_POSITIONAL]
        self.face = inspect.Signature(
            [*first, inspect.Parameter(vector, inspect.Parameter.POSITIONAL_ONLY)]
            + [p for p in parameters if p.kind in (p.KEYWORD_ONLY, p.VAR_KEYWORD)]
        )

    def _examples(self) -> tuple[Any, ...]:
        args = super()._examples()
        return (*args, 1.0 if len(args) == 1 else args)

    def _names(self, count: int) -> list[str]:
        names = super()._names(count - 1)
        return [*names, _free("vector", set(names))]


class _Directions(_Applied):
    """A function of two tuples: the arguments, and the tangents."""

    part = "tangent_source"

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.face = inspect.signature(lambda primals, tangents: None)

    def call(self, *args: Any) -> Any:
        return super().call(*self._both(*args))

    def source_for(self, *args: Any) -> str:
        """The generated module for arguments and tangents like these."""
        return super().source_for(*self._both(*args))

    def _both(self, *args: Any) -> tuple[Any, ...]:
        """The arguments and their tangents. Before the two tuples, there is the object of a method."""
        if len(args) < 2:
            raise TypeError(f"{self.name}: two tuples are expected, the arguments and the tangents")
        *owner, primals, tangents = args
        return (*owner, *primals, *(None for _ in owner), *tangents)

    def _examples(self) -> tuple[Any, ...]:
        args = super()._examples()
        return (*args, *args)

    def _dispatcher(self, names: Sequence[str], keywords: Sequence[str], passed: str = "") -> Dispatcher:
        primals, tangents = names[: len(names) // 2], names[len(names) // 2 :]
        both = ("".join(f"{n}, " for n in some) for some in (primals, tangents))
        return super()._dispatcher(names, (), ", ".join(f"({some})" for some in both))

    def _names(self, count: int) -> list[str]:
        if count % 2:
            raise TypeError(f"{self.name}: there must be one tangent for each argument")
        names = super()._names(count // 2)
        taken = set(names)
        return [*names, *(_free(f"tangent_{name}", taken) for name in names)]


class _Linear(_Directions):
    """A function that gives the value and a function of tangents."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.face = self.signature

    def call(self, *args: Any) -> Any:
        value = self.f(*copy.deepcopy(args))
        return value, Linear(super().call, copy.deepcopy(args))


class _Pulled(_Applied):
    """A function that gives the value and a pullback."""

    part = "backward_source"

    def call(self, *args: Any, **kwargs: Any) -> Any:
        value, backward = super().call(*args, **kwargs)
        value, *aux = value if self.options["has_aux"] else (value,)
        return value, Pullback(value, args, *backward), *aux


KINDS: dict[str, type[_Applied]] = {
    "jvp": _Directions,
    "linear": _Linear,
    "hvp": _Vectors,
    "vjp": _Pulled,
}
