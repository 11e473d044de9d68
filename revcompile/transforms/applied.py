"""What an operator makes of a function: a compiled function of its arguments, for each form of call.

What is compiled is a function that applies the operator to the user's (`frontend/operators`).
Imports the dispatcher and `around`.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from types import MethodType
from typing import Any

from revcompile.dispatch import Dispatcher
from revcompile.errors import form_of, seen_outside
from revcompile.frontend.gradients import refuse_states, states_of
from revcompile.frontend.operators import apply
from revcompile.frontend.wanted import Options, explicit_names, is_method, names_by_call
from revcompile.ir.identifiers import function_name
from revcompile.syntax.source import place_of
from revcompile.transforms.around import function_of, signature_of
from revcompile.transforms.pullback import Linear, Pullback, sizes


def _free(wish: str, taken: set[str]) -> str:
    """A name that is not taken, by now."""
    name = next(n for n in (wish, *map(f"{wish}_{{}}".format, range(1, len(taken) + 2))) if n not in taken)
    taken.add(name)
    return name


class Applied:
    """What an operator makes of a function of these arguments."""

    part = "derivative_source"

    def __init__(self, f: Any, operator: str, options: dict[str, Any], optimize: bool) -> None:
        refuse_states(states_of(f))
        slots, backend = options.get("checkpoint", 0), options.get("backend", "numpy")
        self.f, self.operator = f, operator
        self.options = {key: x for key, x in options.items() if key not in ("checkpoint", "backend")}
        self.name = function_name(f) if hasattr(f, "__name__") else "function"
        self.signature = signature_of(f)
        self.asked = Options((), False, optimize, False, operator=operator, checkpoint=slots, backend=backend)
        self.known: dict[Any, Dispatcher] = {}
        self.face = self.signature
        self.made: Any = None  # the function that a user has

    @property
    def is_of_class(self) -> bool:
        """Whether the first argument is the object of a method."""
        is_bound = isinstance(self.f, MethodType)
        return not is_bound and is_method(getattr(self.f, "__qualname__", ""), self.signature)

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

    def alone(self, args: tuple[Any, ...]) -> int:
        """Which argument it is that alone is differentiated."""
        with seen_outside(lambda: place_of(self.f)):
            names = explicit_names(self.signature, self.options["argnums"], self.name)
        if names is None:
            names, _ = names_by_call(self.signature, len(args), self.is_of_class)
        place = [*self.signature.parameters].index(names[0]) if len(names) == 1 else len(args)
        if place >= len(args):
            raise TypeError("sparsity is of a Jacobian by one argument, by position: choose with argnums=")
        return place

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


class Vectors(Applied):
    """A function of the arguments, and of a vector after them."""

    last = "vector"

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        parameters = [p.replace(default=p.empty) for p in self.signature.parameters.values()]
        names = {p.name for p in parameters}
        vector = _free(self.last, names)
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
        return [*names, _free(self.last, set(names))]


class Tangents(Vectors):
    """A function of the arguments, and of a stack of tangents of one of them."""

    last = "tangents"


class Cotangents(Vectors):
    """A function of the arguments, and of a stack of cotangents of what the function gives."""

    last = "cotangents"


class Directions(Applied):
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
        for given, what in ((primals, "the arguments"), (tangents, "the tangents")):
            if not isinstance(given, (tuple, list)):
                raise TypeError(f"{self.name}: {what} must be a tuple, not {form_of(given)}")
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


class LinearAt(Applied):
    """A function that gives the value and a function of tangents."""

    part = "tangent_source"

    def call(self, *args: Any, **kwargs: Any) -> Any:
        args, kwargs = copy.deepcopy((args, kwargs))  # what is kept of these may be read later
        value, found = super().call(*args, **kwargs)
        return value, Linear(self.made, args, kwargs, self.is_of_class, value, *found)


class Pulled(Applied):
    """A function that gives the value and a pullback."""

    part = "backward_source"

    def call(self, *args: Any, **kwargs: Any) -> Any:
        value, backward = super().call(*args, **kwargs)
        value, *aux = value if self.options["has_aux"] else (value,)
        return value, Pullback(value, args, *backward, of=self.f), *aux


KINDS: dict[str, type[Applied]] = {
    "jvp": Directions,
    "linear": LinearAt,
    "hvp": Vectors,
    "jvps": Tangents,
    "vjps": Cotangents,
    "vjp": Pulled,
}
