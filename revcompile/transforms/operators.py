"""The operators on functions besides `grad`: `jvp`, `vjp`, `linearize`, `jacobian`, `hessian`, `hvp`, …

What is compiled is a function that applies the operator to the user's (`applied`): it is interpreted where it
stands (`frontend/derivatives`), so that the text is that of the value and of its derivatives.
Imports `applied`.
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from types import FunctionType
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from revcompile.errors import public, seen_outside, trimmed
from revcompile.frontend.wanted import Argnums, Options
from revcompile.statements.probe import Probe
from revcompile.syntax.source import place_of
from revcompile.transforms import lazily, pickling
from revcompile.transforms.applied import KINDS, Applied, Directions
from revcompile.transforms.gradient import backend_of, graph_of, picture_of, slots_of
from revcompile.transforms.pullback import sizes
from revcompile.transforms.sparse import Compressed, pattern_of

_made: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()  # what was made for calls with arguments


@public
def jvp(
    f: Callable[..., Any] | None = None,
    primals: Any = None,
    tangents: Any = None,
    *,
    has_aux: bool = False,
    optimize: bool = True,
    backend: str = "numpy",
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
    options = _options(None, has_aux, None, backend)
    make = partial(_make, f, "jvp", {key: options[key] for key in options if key != "argnums"}, optimize)
    if f is None:
        return lambda g: jvp(g, has_aux=has_aux, optimize=optimize, backend=backend)
    if primals is None and tangents is None:
        return make()
    return _once(f, ("jvp", has_aux, optimize, backend), make)(primals, tangents)


@public
def vjp(
    f: Any = None,
    *args: Any,
    argnums: Argnums = None,
    has_aux: bool = False,
    optimize: bool = True,
    checkpoint: int | None = None,
) -> Any:
    """The value of a function, and its pullback, in reverse mode.

    `vjp(f, *args)` gives `(value, pullback)`. `pullback(cotangent)`, with a cotangent of the structure of the
    value, gives what `grad` gives of the product of both; it may be called many times. The forward pass is
    computed once, and keeps what the pullback reads: that may be an argument, which must not be written into
    in between. `vjp(f)` compiles once: it gives a function of the arguments.
    With `has_aux`, `f` gives `(value, aux)`, and the result is `(value, pullback, aux)`. `checkpoint` is that
    of `grad`: so many states of a long loop are kept, and up to as many more while a pullback is called.

    >>> import numpy as np
    >>> from revcompile import vjp
    >>> value, pullback = vjp(np.tanh, np.array([0.0, 1.0]))
    >>> pullback(np.array([1.0, 2.0]))
    array([1.        , 0.83994868])
    """
    options = _options(argnums, has_aux, checkpoint)
    if f is None:
        return lambda g: _make(g, "vjp", options, optimize)
    make = partial(_make, f, "vjp", options, optimize)
    return _once(f, ("vjp", repr(options), optimize), make)(*args) if args else make()


@public
def linearize(f: Any = None, *args: Any, optimize: bool = True) -> Any:
    """The value of a function, and its derivative at that point, as a function of the tangents.

    `linearize(f, *args)` gives `(value, f_jvp)`. `f_jvp(*tangents)`, with a tangent for each argument, as in
    `jvp`, gives the derivative in that direction; it may be called many times. What `f` computes is computed
    once: what is needed of it for a direction is kept, of a loop one item a trip. (`jvp` keeps nothing.)
    `linearize(f)` compiles once: it gives a function of the arguments.

    >>> from revcompile import linearize
    >>> value, f_jvp = linearize(lambda x: x * x, 3.0)
    >>> f_jvp(1.0), f_jvp(-2.0)
    (6.0, -12.0)
    """
    if f is None:
        return lambda g: _make(g, "linear", {}, optimize)
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
def jacobian(
    f: Any = None,
    argnums: Argnums = None,
    *,
    sparsity: Any = None,
    has_aux: bool = False,
    optimize: bool = True,
    checkpoint: int | None = None,
    backend: str = "numpy",
) -> Any:
    """The Jacobian of a function, in forward or in reverse mode, whichever needs fewer directions.

    The function returned takes the arguments of `f`. Its result has the structure of what `f` gives; each
    Jacobian has the shape of the result followed by that of the argument. `argnums` is that of `grad`.
    With `has_aux`, `f` gives `(value, aux)`, and the result is `(jacobian, aux)`. `checkpoint` is that of
    `grad`, for reverse mode; forward mode keeps nothing of a loop.

    `sparsity` says where the Jacobian of one array by one array may have other numbers than zero: an array
    or a matrix of `scipy.sparse`, with a row for each number of the result and a column for each of the
    argument, or "diagonal". Columns, or rows, that do not meet are computed as one (Curtis, Powell and Reid,
    1974). The result is what it is without; for a sparse matrix, one of its kind. Each call tries a random
    direction, too, and raises ValueError if the Jacobian has other numbers than zero elsewhere. Inside a
    function that is compiled, the Jacobian is computed in full.

    >>> import numpy as np
    >>> from revcompile import jacobian
    >>> jacobian(lambda x: x * x)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    >>> jacobian(lambda x: x * x, sparsity="diagonal")(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    options = _options(argnums, has_aux, checkpoint, backend)
    if sparsity is not None:
        if has_aux:
            raise TypeError("sparsity is of one array: it does not go with has_aux")
        options["sparsity"] = sparsity
    return _bysizes(f, options, optimize) if f is not None else lambda g: _bysizes(g, options, optimize)


@public
def value_and_jacobian(
    f: Any = None,
    argnums: Argnums = None,
    *,
    has_aux: bool = False,
    optimize: bool = True,
    checkpoint: int | None = None,
    backend: str = "numpy",
) -> Any:
    """The value and the Jacobian of a function, in one compiled function.

    Takes the options of `jacobian`. The result is `(value, jacobian)`, with `has_aux` that and `aux` first:
    `((value, aux), jacobian)`.

    >>> import numpy as np
    >>> from revcompile import value_and_jacobian
    >>> value_and_jacobian(lambda x: x * x)(3.0)
    (9.0, 6.0)
    """
    options = {**_options(argnums, has_aux, checkpoint, backend), "with_value": True}
    return _bysizes(f, options, optimize) if f is not None else lambda g: _bysizes(g, options, optimize)


def _by_pattern(f: Any, options: dict[str, Any], optimize: bool) -> Any:
    """The Jacobian from the products that its pattern asks for."""
    known = pattern_of(options["sparsity"])
    chosen = {key: x for key, x in options.items() if key in ("argnums", "checkpoint", "backend")}
    forward, reverse = (_make(f, mode, chosen, optimize) for mode in ("jvps", "vjps"))
    compressed = Compressed(f, known, forward.applied.alone, forward, reverse)
    made: Any = trimmed(compressed.__call__)
    _wrap(made, f, BY_SIZES, options, optimize)
    _face(made, f, chosen, forward, trimmed(compressed.source_for), lambda: compressed.products)
    return made


def _bysizes(f: Any, options: dict[str, Any], optimize: bool) -> Any:
    """The Jacobian in forward or in reverse mode: it is known after a call how many results there are."""
    if "sparsity" in options:
        return _by_pattern(f, options, optimize)
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
    _wrap(made, f, BY_SIZES, options, optimize)
    made.__signature__ = forward.__signature__
    _face(made, f, options, forward, trimmed(source_for), lambda: next(reversed(better.values()), forward))
    return made


def _face(
    made: Any, f: Any, options: dict[str, Any], forward: Any, source_for: Any, latest: Callable[[], Any]
) -> None:
    """Give what makes a Jacobian in one way or another its attributes; `latest` tells the way it was made."""
    made.primal, made.operator, made.options = f, "jacfwd", options
    made.source_for, made.graph = source_for, forward.graph
    for name in ("source", "derivative_source"):
        lazily.attribute(made, name, partial(lambda name: setattr(made, name, getattr(latest(), name)), name))


FEW = 8  # directions that are worth no question


def _shapes(x: Any) -> Any:
    """The shapes of the arrays in a tree of arguments."""
    if isinstance(x, np.ndarray):
        return x.shape
    if isinstance(x, Mapping):
        return tuple((key, _shapes(item)) for key, item in x.items())
    return tuple(map(_shapes, x)) if isinstance(x, (tuple, list)) else ()


@public
def jacfwd(
    f: Any = None,
    argnums: Argnums = None,
    *,
    has_aux: bool = False,
    optimize: bool = True,
    backend: str = "numpy",
) -> Any:
    """The Jacobian of a function in forward mode, column by column: for few arguments and many results.

    See `jacobian`."""
    return _operator(f, "jacfwd", _options(argnums, has_aux, None, backend), optimize)


@public
def jacrev(
    f: Any = None,
    argnums: Argnums = None,
    *,
    has_aux: bool = False,
    optimize: bool = True,
    checkpoint: int | None = None,
    backend: str = "numpy",
) -> Any:
    """The Jacobian of a function in reverse mode, row by row: for many arguments and few results.

    See `jacobian`."""
    return _operator(f, "jacrev", _options(argnums, has_aux, checkpoint, backend), optimize)


@public
def hessian(
    f: Any = None,
    argnums: Argnums = None,
    *,
    has_aux: bool = False,
    optimize: bool = True,
    checkpoint: int | None = None,
    backend: str = "numpy",
) -> Any:
    """The matrix of second derivatives of a function that returns one real number.

    With `has_aux`, `f` gives `(value, aux)`, and the result is `(hessian, aux)`. `checkpoint` is that of
    `grad`: of a long loop so many states are kept; the columns are computed one by one then.

    >>> import numpy as np
    >>> from revcompile import hessian
    >>> hessian(lambda x: x[0] * x[1] + np.sum(x**3))(np.array([1.0, 2.0]))
    array([[ 6.,  1.],
           [ 1., 12.]])
    """
    return _operator(f, "hessian", _options(argnums, has_aux, checkpoint, backend), optimize)


@public
def hvp(
    f: Any = None,
    argnums: Argnums = None,
    *,
    optimize: bool = True,
    checkpoint: int | None = None,
    backend: str = "numpy",
) -> Any:
    """The product of the Hessian of a function with a vector, which is the last argument.

    Forward over reverse: the derivative of the gradient in the direction of the vector. It costs a small
    multiple of the gradient, and no matrix is made. The vector has the structure of the gradient. With
    `checkpoint`, which is that of `grad`, it is reverse over forward: the gradient of the derivative in the
    direction of the vector, whose loops have states that can be kept.

    >>> import numpy as np
    >>> from revcompile import hvp
    >>> hvp(lambda x: np.sum(x**3))(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    return _operator(f, "hvp", _options(argnums, None, checkpoint, backend), optimize)


@public
def elementwise_grad(
    f: Any = None,
    argnums: Argnums = 0,
    *,
    optimize: bool = True,
    checkpoint: int | None = None,
    backend: str = "numpy",
) -> Any:
    """The derivative of each element of what a function gives by the element of the argument at its place.

    That is so of functions that go element by element; of others it gives the sum over all results.

    >>> import numpy as np
    >>> from revcompile import elementwise_grad
    >>> elementwise_grad(np.tanh)(np.array([0.0, 1.0]))
    array([1.        , 0.41997434])
    """
    return _operator(f, "elementwise_grad", _options(argnums, None, checkpoint, backend), optimize)


@public
def checkpoint(f: Callable[..., Any]) -> Any:
    """The same function, whose inside a gradient computes again in its backward pass: nothing of it is kept.

    What is kept are its arguments: of a loop over `checkpoint(step)(state)`, one state for each trip instead
    of all that a step computes. It must be a function of its arguments alone.

    >>> import numpy as np
    >>> from revcompile import checkpoint, grad
    >>> @checkpoint
    ... def step(x):
    ...     return np.sin(x * np.exp(-x))
    >>> @grad
    ... def f(x):
    ...     for _ in range(3):
    ...         x = step(x)
    ...     return x
    >>> round(f(0.5), 6)
    0.090586
    """

    def made(*args: Any, **kwargs: Any) -> Any:
        return f(*args, **kwargs)

    functools.update_wrapper(made, f)
    vars(made).update(primal=f, operator="checkpoint", options={})
    return made


def _options(
    argnums: Argnums, has_aux: bool | None, checkpoint: int | None, backend: str = "numpy"
) -> dict[str, Any]:
    """What was asked for of what an operator may be asked for."""
    for which in () if argnums is None else argnums if isinstance(argnums, (tuple, list)) else (argnums,):
        if isinstance(which, bool) or not isinstance(which, (int, str, np.integer)):
            raise TypeError(f"argnums must be integers or parameter names, not {which!r}")
    asked = {"argnums": argnums, "has_aux": has_aux, "checkpoint": slots_of(checkpoint) or None}
    if backend_of(backend) != "numpy":
        asked["backend"] = backend
    return {key: x for key, x in asked.items() if x is not None or key == "argnums"}


def _operator(f: Any, operator: str, options: dict[str, Any], optimize: bool) -> Any:
    if f is None:
        return lambda g: _make(g, operator, options, optimize)
    return _make(f, operator, options, optimize)


def _make(f: Any, operator: str, options: dict[str, Any], optimize: bool) -> Any:
    """The compiled function of an operator: a plain function with its attributes."""
    with seen_outside(lambda: place_of(f)):
        applied = KINDS.get(operator, Applied)(f, operator, options, optimize)
    made: Any = trimmed(applied.call)
    _wrap(made, f, operator, options, optimize)
    made.__signature__ = applied.face
    made.primal, made.operator, made.options, made.applied = f, operator, options, applied
    applied.made = made
    made.source_for = trimmed(applied.source_for)
    wanted = Options(options.get("argnums"), options.get("has_aux", False), optimize, False)
    made.graph = trimmed(partial(_tangents_drawn, f)) if operator == "jvp" else graph_of(f, wanted)
    for name in ("source", applied.part):
        lazily.attribute(made, name, partial(_tell, made, applied, name))
    return made


def _tangents_drawn(f: Any, primals: Any, tangents: Any) -> Any:
    """A picture of the call with these arguments: its gates, with values and tangents."""
    return picture_of(f, told_tangents(f, primals, tangents))


def told_tangents(f: Any, primals: Any, tangents: Any) -> Probe:
    """What a call in forward mode tells."""
    probe, applied = Probe("tangent"), Directions(f, "jvp", {"has_aux": False}, False)
    applied.asked = replace(applied.asked, probe=probe)
    applied.call(primals, tangents)
    return probe


def _wrap(made: Any, f: Any, operator: str, options: dict[str, Any], optimize: bool) -> None:
    """Let what is made of a function have its name, say what it is, and be found by pickle."""
    functools.update_wrapper(made, f, updated=())
    said = f"{SAYS[operator].format(getattr(f, '__name__', 'a function'))} `.source` is its text."
    made.__doc__ = f"{said}\n\n{inspect.getdoc(f) or ''}".rstrip()
    if isinstance(f, FunctionType) and isinstance(options.get("sparsity", ""), str):
        pickling.make_importable(made, f, operator, (options, optimize))


def _tell(made: Any, applied: Applied, name: str) -> None:
    shown = applied.shown()
    setattr(made, name, shown.source if name == "source" else shown.backward_source)


BY_SIZES = "jacobian"
SAYS = {
    "jvp": "The value and the tangent of {}: takes two tuples, the arguments and their tangents.",
    "linear": "The value of {}, and its derivative there: a function of the arguments' tangents.",
    "vjp": "The value of {}, and its pullback: a function of a cotangent, which gives gradients.",
    "jacobian": "The Jacobian of {}, in forward or in reverse mode.",
    "jacfwd": "The Jacobian of {}, in forward mode.",
    "jacrev": "The Jacobian of {}, in reverse mode.",
    "hessian": "The second derivatives of {}.",
    "jvps": "The derivatives of {} in several directions, a stack of which is the last argument.",
    "vjps": "The gradients of {} for several cotangents, a stack of which is the last argument.",
    "hvp": "The product of the Hessian of {} with a vector, the last argument.",
    "elementwise_grad": "The derivative of each element that {} gives, by the one at its place.",
}
OPERATORS: dict[str, Callable[..., Any]] = {  # what makes each of its function, its options, and `optimize`
    BY_SIZES: _bysizes,
    **{
        operator: partial(
            lambda operator, f, options, optimize: _make(f, operator, options, optimize), operator
        )
        for operator in (
            "jvp",
            "jvps",
            "linear",
            "vjp",
            "vjps",
            "jacfwd",
            "jacrev",
            "hessian",
            "hvp",
            "elementwise_grad",
        )
    },
}
