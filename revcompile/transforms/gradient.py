"""`grad` and `value_and_grad`: what a user calls.

Imports the dispatcher; everything else follows from it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Protocol, get_args, get_origin, overload

import numpy as np

from revcompile.dispatch import Dispatcher
from revcompile.errors import (
    PYTHON_ERRORS,
    InternalError,
    UnsupportedError,
    host,
    public,
    seen_outside,
    trimmed,
)
from revcompile.frontend.gradients import refuse_states, states_of
from revcompile.frontend.naming import name_of, no_rule
from revcompile.frontend.wanted import Options
from revcompile.ir.identifiers import function_name
from revcompile.ir.rebuild import replace
from revcompile.statements.probe import Probe
from revcompile.syntax.source import place_of
from revcompile.syntax.stack import deep_stack
from revcompile.transforms import lazily, pickling
from revcompile.transforms.around import around, function_around, has_rule, is_callable_object

if TYPE_CHECKING:
    from revcompile.transforms.picture import Picture

Argnums = int | str | tuple[int | str, ...] | None
BACKENDS = ("numpy", "numba")
PREVENTS = (UnsupportedError, InternalError, *PYTHON_ERRORS, ArithmeticError)  # a preview for floats


class GradientFunction(Protocol):
    """What `grad` returns: a plain function with these attributes."""

    __name__: str
    __wrapped__: Callable[..., Any]
    primal: Callable[..., Any]
    value_and_grad: GradientFunction
    source: str
    backward_source: str
    source_for: Callable[..., str]
    graph: Callable[..., Picture]
    specializations: Mapping[str, str]

    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...


class Specializations(Mapping[str, str]):
    """A live view: signature → generated source. Before any call, to go through it is a look."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self.options = dispatcher.options

    def __getitem__(self, signature: str) -> str:
        _preview(self._dispatcher)
        return self._dispatcher.specializations()[signature]

    def __iter__(self) -> Any:
        _preview(self._dispatcher)
        return iter(self._dispatcher.specializations())

    def __len__(self) -> int:
        return len(self._dispatcher.specializations())

    def __repr__(self) -> str:
        return f"<specializations: {', '.join(self._dispatcher.specializations()) or 'none yet'}>"


@overload
def grad(
    f: Callable[..., Any],
    argnums: Argnums = None,
    *,
    has_aux: bool = False,
    optimize: bool = True,
    backend: str = "numpy",
    checkpoint: int | None = None,
) -> GradientFunction: ...
@overload
def grad(
    f: None = None,
    argnums: Argnums = None,
    *,
    has_aux: bool = False,
    optimize: bool = True,
    backend: str = "numpy",
    checkpoint: int | None = None,
) -> Callable[[Callable[..., Any]], GradientFunction]: ...
@public
def grad(
    f: Callable[..., Any] | None = None,
    argnums: Argnums = None,
    *,
    has_aux: bool = False,
    optimize: bool = True,
    backend: str = "numpy",
    checkpoint: int | None = None,
) -> Any:
    """The gradient of a Python/NumPy function, as a compiled function.

    Reads the source of `f`, differentiates it in reverse mode and compiles the result. The function
    returned takes the arguments of `f`. Use it as a decorator, with or without options, or call it.

    Parameters
    ----------
    f : function
        Returns one real number (a 0-d or size-1 array counts).
    argnums : int, str, tuple of them, or None
        The arguments to differentiate, by position or by name. One gives a bare gradient, a tuple a
        tuple of gradients. None, the default: every argument that has no default value or is passed
        by position; a single one comes bare. An argument that only steers (an index, a bound, an
        axis, a string, None) gets None.
    has_aux : bool
        `f` returns `(value, aux)`; the result is `(gradient, aux)`.
    optimize : bool
        False writes the textbook form, one gate a statement.
    backend : str
        "numpy"; or "numba": native code, which Numba compiles in seconds. Loops over numbers and elements
        run as fast as if they were written for it.
    checkpoint : int
        So many states of a long loop are kept for the backward pass, which computes the others again from
        them; without it, what that reads of each trip is kept. 10,000 trips with 20 take two to three times
        as long. What is kept is that of the outermost loops, if it is numbers and arrays.

    Returns
    -------
    function
        With the attributes `primal` (`f` itself), `value_and_grad`, `source`, `backward_source`,
        `source_for(*args)`, `specializations`, and `graph(*args)`: a picture of a call. A gradient has
        the shape, dtype and structure of its variable; integers count as real numbers and have float64
        gradients. The gradient of an object of a user's class is an object of that class, made without
        its `__init__`: attributes that hold numbers have their gradients, all others are None. What
        stands in two places of an argument has a gradient in each. The arguments, and the program's own
        objects, are never changed: what the function assigns to their attributes or items is seen by the
        function alone.

    Raises
    ------
    UnsupportedError
        For what the compiler does not differentiate, at the line where it stands.

    Examples
    --------
    >>> from revcompile import grad
    >>> @grad
    ... def area(width, height):
    ...     return width * height
    >>> area(3.0, 4.0)
    (4.0, 3.0)
    >>> print(area.backward_source)
    def grad_area(width, height):
        # backward pass
        return height, width
    <BLANKLINE>

    Reverse-mode differentiation is described in Griewank and Walther, *Evaluating Derivatives*
    (2nd ed., 2008), chapters 3 and 5.
    """
    return _transform(f, argnums, has_aux, optimize, backend, checkpoint, with_value=False)


@overload
def value_and_grad(
    f: Callable[..., Any],
    argnums: Argnums = None,
    *,
    has_aux: bool = False,
    optimize: bool = True,
    backend: str = "numpy",
    checkpoint: int | None = None,
) -> GradientFunction: ...
@overload
def value_and_grad(
    f: None = None,
    argnums: Argnums = None,
    *,
    has_aux: bool = False,
    optimize: bool = True,
    backend: str = "numpy",
    checkpoint: int | None = None,
) -> Callable[[Callable[..., Any]], GradientFunction]: ...
@public
def value_and_grad(
    f: Callable[..., Any] | None = None,
    argnums: Argnums = None,
    *,
    has_aux: bool = False,
    optimize: bool = True,
    backend: str = "numpy",
    checkpoint: int | None = None,
) -> Any:
    """The value and the gradient of a function, in one compiled function.

    Takes the options of `grad`. The result is `(value, gradient)`, with `has_aux` `((value, aux), gradient)`.

    >>> from revcompile import value_and_grad
    >>> value_and_grad(lambda x: x * x)(3.0)
    (9.0, 6.0)
    """
    return _transform(f, argnums, has_aux, optimize, backend, checkpoint, with_value=True)


def _transform(
    f: Any,
    argnums: Argnums,
    has_aux: bool,
    optimize: bool,
    backend: str,
    checkpoint: int | None,
    with_value: bool,
) -> Any:
    argnums = tuple(argnums) if isinstance(argnums, list) else argnums
    options = Options(
        argnums, has_aux, optimize, with_value, checkpoint=slots_of(checkpoint), backend=backend_of(backend)
    )
    return make_gradient(f, options) if f is not None else trimmed(lambda g: make_gradient(g, options))


def backend_of(backend: str) -> str:
    """Which backend is asked for; it is there."""
    if backend not in BACKENDS:
        raise ValueError(f"unknown backend {backend!r}; there is {', '.join(map(repr, BACKENDS))}")
    if backend == "numba" and find_spec("numba") is None:
        raise ImportError('backend="numba" needs Numba: pip install "revcompile[native]"')
    return backend


def slots_of(checkpoint: int | None) -> int:
    """How many states are kept of a long loop; 0: what is read of each trip."""
    if checkpoint is not None and (type(checkpoint) is not int or checkpoint < 1):
        raise ValueError(f"checkpoint is the number of states to keep, 1 or more, not {checkpoint!r}")
    return checkpoint or 0


def make_gradient(f: Any, options: Options) -> Any:
    """The gradient function of `f`: a dispatcher's entry, with its attributes."""
    with seen_outside(lambda: place_of(f)):
        return _make_gradient(f, options)


def _make_gradient(f: Any, options: Options) -> Any:
    if isinstance(f, (staticmethod, classmethod)):
        return type(f)(_make_gradient(f.__func__, options))
    with host():
        is_gradient = hasattr(f, "primal")
    if is_gradient:
        return _of_gradient(f, options)
    if has_rule(f) or is_callable_object(f):
        return _of_callable(f, options)
    if isinstance(f, (np.ufunc, BuiltinFunctionType)):
        raise no_rule(name_of(f))
    if isinstance(f, MethodType):
        function: Any = f.__func__
        dispatcher = Dispatcher(function, options, f.__self__)
    else:
        dispatcher = Dispatcher(f, options)
    entry = dispatcher.entry
    functools.update_wrapper(entry, f)
    entry.__signature__ = dispatcher.signature  # type: ignore[attr-defined]
    if isinstance(f, FunctionType) and options.probe is None:
        pickling.make_importable(entry, f, options.label, pickling.words_of(options))
    entry.primal = f  # type: ignore[attr-defined]
    entry.argnums, entry.has_aux = options.argnums, options.has_aux  # type: ignore[attr-defined]
    entry.specializations = Specializations(dispatcher)  # type: ignore[attr-defined]
    entry.source_for = _source_for(dispatcher)  # type: ignore[attr-defined]
    entry.graph = graph_of(f, options)  # type: ignore[attr-defined]
    dispatcher.texts = tuple(
        lazily.attribute(entry, name, partial(_tell, dispatcher, name))
        for name in ("source", "backward_source")
    )
    if options.with_value:
        entry.value_and_grad = entry  # type: ignore[attr-defined]
    else:
        lazily.attribute(entry, "value_and_grad", lambda: _add_value(dispatcher, f))
    return entry if isinstance(f, FunctionType) else BoundGradient(entry, f, options)


def _add_value(dispatcher: Dispatcher, f: Any) -> None:
    """Give a gradient function its `value_and_grad`."""
    entry: Any = dispatcher.entry
    with seen_outside(lambda: place_of(f)):
        options = replace(dispatcher.options, with_value=True)
        made = _make_gradient(f, options)
        made.primal = entry.primal
        entry.value_and_grad = made
        if isinstance(f, FunctionType):
            pickling.make_attribute_importable(made, f, options)


def _of_gradient(gradient: Any, options: Options) -> Any:
    """The gradient of a gradient function: of a function that calls it, whose source is made here."""
    refuse_states(states_of(gradient))
    function = function_around(gradient, inspect.signature(gradient), function_name(gradient))
    entry = _make_gradient(function, options)
    entry.primal = gradient
    return entry


def _of_callable(f: Any, options: Options) -> Any:
    """The gradient of what has no source of its own: of a function that calls it."""
    entry: Any = _make_gradient(around(f), options)
    entry = getattr(entry, "_entry", entry)
    entry.primal = entry.value_and_grad.primal = f
    if entry.value_and_grad is not entry:
        both = replace(options, with_value=True)
        inner = entry.value_and_grad
        entry.value_and_grad = BoundGradient(getattr(inner, "_entry", inner), f, both)
    return BoundGradient(entry, f, options)


class BoundGradient:
    """The gradient of a bound method, a partial, an object, a builtin: it pickles with what it is of."""

    def __init__(self, entry: Any, f: Any, options: Options) -> None:
        self._entry = entry
        self._recipe = (f, options)
        self.__doc__ = entry.__doc__
        self.__module__ = entry.__module__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._entry(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._entry, name)

    def __repr__(self) -> str:
        return f"<gradient of {self._recipe[0]!r}>"

    def __reduce__(self) -> Any:
        return make_gradient, self._recipe


def _source_for(dispatcher: Dispatcher) -> Callable[..., str]:
    def source_for(*args: Any, **kwargs: Any) -> str:
        """The generated module for arguments like these."""
        return dispatcher.find(args, kwargs).source

    return trimmed(source_for)


def graph_of(f: Any, options: Options) -> Callable[..., Picture]:
    """What draws a call of `f`."""

    def graph(*args: Any, **kwargs: Any) -> Picture:
        """A picture of the call with these arguments: its gates, with values and gradients."""
        probe = Probe()
        seen = replace(options, with_value=True, optimize=False, checkpoint=0, probe=probe, backend="numpy")
        make_gradient(f, seen)(*args, **kwargs)
        return picture_of(f, probe)

    return trimmed(graph)


def picture_of(f: Any, probe: Probe) -> Picture:
    """The picture of the call of `f` that a probe was told of."""
    from revcompile.transforms.picture import Picture  # importing this package is to be quick

    with seen_outside(lambda: place_of(f)), deep_stack():
        return Picture(probe)


def _tell(dispatcher: Dispatcher, name: str) -> None:
    """Assign `source`, or `backward_source`."""
    note = _preview(dispatcher)
    setattr(dispatcher.entry, name, note if dispatcher.shown is None else getattr(dispatcher.shown, name))


def _preview(dispatcher: Dispatcher) -> str:
    """Before any call: compile for annotated types, and for floats where there are none.

    Gives what is to be said where that fails.
    """
    if dispatcher.shown is not None:
        return ""
    parameters: list[inspect.Parameter] = []
    for parameter in dispatcher.signature.parameters.values():
        variadic = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        if not variadic and parameter.default is parameter.empty:
            parameters.append(parameter)
    annotations = _annotations(dispatcher)
    reason = ""
    for rank in (1, 2):  # of arrays, where the annotation says no more than that
        examples = {p: _example_of(annotations.get(p.name), rank) for p in parameters}
        args = tuple(x for p, x in examples.items() if p.kind is not p.KEYWORD_ONLY)
        static, begun = dispatcher.static, dispatcher.begun
        by_name = {p.name: x for p, x in examples.items() if p.kind is p.KEYWORD_ONLY}
        try:
            with dispatcher.learning.forbidden():
                dispatcher.find(args, by_name)
            return ""
        except PREVENTS as e:  # the call that has real arguments reports it
            reason = str(e).splitlines()[0] if str(e) else type(e).__name__
            # what must be known of these examples says nothing of a call's arguments
            dispatcher.static, dispatcher.begun = static, begun
        if not any(isinstance(x, np.ndarray) for x in args):
            break
    return (
        f"# {dispatcher.name} has no source yet: for floats it does not compile ({reason}).\n"
        "# Call it once, or ask for source_for(*args).\n"
    )


def _annotations(dispatcher: Dispatcher) -> dict[str, Any]:
    """The parameters' annotations as objects, where they can be evaluated."""
    try:
        signature = inspect.signature(
            dispatcher.function, follow_wrapped=dispatcher.packed is not None, eval_str=True
        )
    except Exception:  # a name that only a type checker knows
        signature = dispatcher.signature
    return {p.name: p.annotation for p in signature.parameters.values()}


def _example_of(annotation: Any, rank: int) -> Any:
    """An object of the annotated type: a number where there is no annotation, arrays of the given rank."""
    if annotation in (int, "int"):
        return 1
    if annotation in (bool, str):
        return annotation()
    if annotation is np.ndarray or get_origin(annotation) is np.ndarray:
        return np.ones((2,) * rank)
    if isinstance(annotation, type) and issubclass(annotation, np.floating):
        return annotation(1.0)
    if isinstance(annotation, type) and issubclass(annotation, tuple) and hasattr(annotation, "_fields"):
        return annotation(*(_example_of(annotation.__annotations__.get(n), rank) for n in annotation._fields))
    inner = get_args(annotation)
    if get_origin(annotation) is tuple and inner and inner[-1] is not Ellipsis:
        return tuple(_example_of(a, rank) for a in inner)
    return 1.0
