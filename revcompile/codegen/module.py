"""The text of generated functions, and of the module that they make together.

Imports the standard library, the run-time helpers and the front end's names.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np

import revcompile.runtime as runtime
from revcompile.codegen.places import Text, joined
from revcompile.errors import seen_outside
from revcompile.frontend.names import Live
from revcompile.ir.identifiers import is_name, literal
from revcompile.syntax.stack import deep_stack


def function_text(name: str, signature: inspect.Signature, lines: Sequence[str]) -> Text:
    return joined([heading(name, signature), *lines])


def heading(name: str, signature: inspect.Signature) -> str:
    return f"def {name}({parameter_list(signature)}):"


def parameter_list(signature: inspect.Signature) -> str:
    """The parameters as text; defaults are the function object's."""
    if all(p.kind is p.POSITIONAL_OR_KEYWORD and p.default is p.empty for p in signature.parameters.values()):
        return ", ".join(signature.parameters)
    plain = [
        p.replace(annotation=p.empty, default=p.empty if p.default is p.empty else _Default(p.default))
        for p in signature.parameters.values()
    ]
    return str(inspect.Signature(plain))[1:-1]


class _Default:
    """A default value as text: a plain constant as it is, for others an ellipsis."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return literal(self.value) or "..."


def origin(name: str, target: Any) -> str:
    """How a module of its own would come by what has this name in generated code."""
    if isinstance(target, np.dtype):
        return f"{name} = np.dtype({str(target)!r})"
    home = target if isinstance(target, ModuleType) else sys.modules.get(_home(target))
    if home is None or home.__name__ == "__main__" or not all(map(is_name, home.__name__.split("."))):
        return f"# {name}: names of the user's program"
    if home is target:
        parent, dot, last = home.__name__.rpartition(".")
        renamed = f" as {name}" * (home.__name__ != name)
        return f"from {parent} import {name}" if dot and last == name else f"import {home.__name__}{renamed}"
    user = getattr(target, "__wrapped__", target)  # a half of a pair, which is checked
    for wish in (name, str(getattr(target, "__qualname__", ""))):
        if is_name(wish) and getattr(home, wish, None) in (target, user):
            return f"from {home.__name__} import {wish}" + f" as {name}" * (wish != name)
    return f"# {name}: names of the user's program"


def _home(target: Any) -> str:
    is_named = inspect.isroutine(target) or isinstance(target, type)
    return str(getattr(target, "__module__", "")) if is_named else ""


class Module:
    """A gradient, behind its primal, as a module. Its text is written when it is read: that of few is."""

    def __init__(
        self,
        heading: str,
        primal: Callable[[], tuple[list[str], dict[str, str]]] | None,
        helpers: Mapping[str, str],
        gradient: str,
        live: Sequence[Live],
        named: Mapping[str, str],
    ) -> None:
        """`primal` gives the lines of the primal, whose heading this is, and the texts of what it calls; None
        where the gradient stands alone. `named` says where the names come from that the texts use; it is
        complete when these are written."""
        self._primal = primal
        self._heading, self._helpers, self._gradient = heading, helpers, gradient
        read = (item.path for item in live if not item.path.is_parameter)
        self._named, self._roots = named, {path.root: origin(path.root, path.target) for path in read}
        self._text = "" if primal is not None else self._with({})

    def _with(self, helpers: Mapping[str, str], *primal: str) -> str:
        functions = [*{**helpers, **self._helpers}.values(), *primal, self._gradient]
        return _module_text(functions, {**self._roots, **self._named})

    @property
    def text(self) -> str:
        primal = self._primal
        if primal is not None:  # two threads write the same
            with seen_outside(lambda: None), deep_stack():
                lines, helpers = primal()
            self._text = self._with(helpers, joined([self._heading, *lines]))
            self._primal = None
        return self._text


def _together(lines: Iterable[str]) -> Iterator[str]:
    """Each line once, what comes from one module on one line."""
    names: dict[str, list[str]] = {}
    for line in dict.fromkeys(lines):
        home, joins, name = line.partition(" import ")
        names.setdefault(home + joins, []).append(name)
    for home, found in names.items():
        yield home + ", ".join(found)


def _module_text(functions: Sequence[str], named: Mapping[str, str]) -> str:
    """A module of these functions, and where the names come from that they use."""
    text = "\n\n".join(functions)
    header = []
    owners, called = set(re.findall(r"\b(math|np)\.", text)), set(re.findall(r"\b(\w+)\(", text))
    if "math" in owners:
        header.append("import math")
    if "np" in owners:
        header.append("import numpy as np")
    if "@njit(" in text:
        header.append("from numba import njit")
    helpers = [n for n in sorted(called & vars(runtime).keys()) if inspect.isfunction(vars(runtime)[n])]
    if helpers:
        header.append(f"from revcompile.runtime import {', '.join(helpers)}")
    header += [line for line in _together(named.values()) if line not in header]
    return "\n".join(header) + ("\n\n\n" if header else "") + text
