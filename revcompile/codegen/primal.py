"""The function that is to be differentiated, as it is now: its source, its parameters, what a call passes.

Imports the front end, the namespace of generated code.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from types import CodeType, FunctionType, MethodType
from typing import Any

import numpy as np

from revcompile.codegen.load import Namespace
from revcompile.codegen.module import parameter_list
from revcompile.errors import host
from revcompile.frontend.arguments import Place, key_of
from revcompile.frontend.names import is_host_object
from revcompile.frontend.wanted import (
    Options,
    counts_as_wrapped,
    explicit_names,
    is_method,
    names_by_call,
    unwrapped_signature,
)
from revcompile.ir.identifiers import function_name
from revcompile.syntax.source import Source, find_source


@dataclass(eq=False)
class Primal:
    """A function, with what a user asked of its gradients."""

    function: FunctionType
    options: Options
    owner: Any = None  # the object that a bound method is bound to

    def __post_init__(self) -> None:
        self.namespace = Namespace()
        self.own: tuple[str, ...] = ()  # the names there of what is the gradient function's
        self._read()

    def _read(self) -> None:
        """The function as it is now: a notebook may replace its code in place."""
        self.source: Source = find_source(self.function)
        self._read_signature()
        self.namespace.reserve(self.signature.parameters)
        self.explicit = explicit_names(self.signature, self.options.argnums, self.name)
        self._wanted: dict[int, tuple[tuple[str, ...], bool]] = {}
        parameters = self.signature.parameters.values()
        positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        whole = all(p.kind in kinds for p in parameters)
        self.plain = tuple(self.signature.parameters) if whole else None  # if all can be passed by position
        self.lent = {n: p.default for n, p in self.signature.parameters.items() if _may_change(p.default)}
        # Without argnums, which parameters are differentiated depends on how defaults were passed.
        self.by_call = self.explicit is None and any(p.default is not p.empty for p in positional)
        self.kinds = tuple((p.name, p.kind, p.default is p.empty) for p in parameters)
        self._as_read = self._made_of()

    def _read_signature(self) -> None:
        """The parameters: without a bound method's first; those of the function that a wrapper wraps."""
        self.signature, self.packed = unwrapped_signature(self.function)
        self.like: Any = inspect.unwrap(self.function) if self.packed else self.function  # has the defaults
        self.bound: tuple[str, Any] | None = None
        if self.owner is not None:
            with host():
                self.signature.bind_partial(self.owner)  # it may take no argument
            first, *parameters = self.signature.parameters.values()
            self.bound = (first.name, self.owner)
            self.signature = self.signature.replace(parameters=parameters)

    def _made_of(self) -> tuple[Any, ...]:
        """What the function's meaning follows from, and what may be replaced in place."""
        return self.function.__code__, self.like.__defaults__, self.like.__kwdefaults__

    @property
    def is_method(self) -> bool:
        """Whether the first parameter is the object that a method is called on."""
        return self.owner is None and is_method(self.function.__qualname__, self.signature)

    @property
    def callable(self) -> Any:
        """The function, bound to its object if it has one."""
        return self.function if self.owner is None else MethodType(self.function, self.owner)

    @property
    def code(self) -> CodeType:
        """The function's code, as it was read."""
        return self._as_read[0]

    @property
    def parameters(self) -> str:
        """Its parameters, as text."""
        return parameter_list(self.signature)

    @property
    def alike(self) -> Any:
        """What functions of one code object agree in whose gradients may be computed by the same code."""
        o = self.options
        asked = o.argnums, bool(o.has_aux), bool(o.optimize), bool(o.with_value), o.operator, o.checkpoint
        return asked, self.name, self.kinds, self.owner is None, self.packed, self.own

    @property
    def name(self) -> str:
        return function_name(self.function)

    # -- which gradients ----------------------------------------------------------------------

    def wanted(self, positional: int) -> tuple[tuple[str, ...], bool]:
        """The parameters whose gradients a call with so many arguments by position returns, and whether
        one comes bare."""
        self._wanted[positional] = answer = self._find_wanted(positional)
        return answer

    def _find_wanted(self, positional: int) -> tuple[tuple[str, ...], bool]:
        if self.explicit is not None:
            return self.explicit, not isinstance(self.options.argnums, (tuple, list))
        names, bare = names_by_call(self.signature, positional, self.is_method)
        return names, bare or (positional == 1 and counts_as_wrapped(self.function))

    def _arguments(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
        """Every parameter with its argument. The entry passes all by position, which needs no binding."""
        if self.plain is not None and not kwargs and len(args) == len(self.plain):
            return dict(zip(self.plain, args))
        with host():
            bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return bound.arguments

    def _key(self, wanted: tuple[str, ...], arguments: Mapping[str, Any], static: frozenset[Place]) -> Any:
        parts = (key_of(v, (n,), static, () if n in wanted else None) for n, v in arguments.items())
        lent = tuple(name for name, default in self.lent.items() if arguments[name] is default)
        return ((wanted, lent), *parts)


def _may_change(default: Any) -> bool:
    """Whether a default value is, or holds, an object that the function could change."""
    if isinstance(default, tuple):
        return any(map(_may_change, default))
    return isinstance(default, (np.ndarray, list, dict)) or is_host_object(default)
