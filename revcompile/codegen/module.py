"""The text of generated functions, and of the module that they make together.

Imports the standard library, the run-time helpers and the front end's names.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any

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


def _import_line(root: str, target: Any) -> str:
    """How a module of its own would come by a name of the user's program."""
    name, home = str(getattr(target, "__name__", "")), str(getattr(target, "__module__", ""))
    names = f"# {root}: names of the user's program"
    if not all(map(is_name, (name if isinstance(target, ModuleType) else home).split("."))):
        return names
    if isinstance(target, ModuleType) and name != "__main__" and sys.modules.get(name) is target:
        parent, dot, last = name.rpartition(".")
        return (
            f"from {parent} import {root}"
            if dot and last == root
            else f"import {name}" + f" as {root}" * (name != root)
        )
    if (
        inspect.isfunction(target)
        and home != "__main__"
        and getattr(sys.modules.get(home), root, None) is target
    ):
        return f"from {home} import {root}"
    return names


class Module:
    """A gradient, behind its primal, as a module. Its text is written when it is read: that of few is."""

    def __init__(
        self,
        heading: str,
        primal: Callable[[], tuple[list[str], dict[str, str]]] | None,
        helpers: Mapping[str, str],
        gradient: str,
        live: Sequence[Live],
    ) -> None:
        """`primal` gives the lines of the primal, whose heading this is, and the texts of what it calls; None
        where the gradient stands alone."""
        self._primal = primal
        self._heading, self._helpers, self._gradient = heading, helpers, gradient
        read = (item.path for item in live if not item.path.is_parameter)
        self._imports = dict.fromkeys(_import_line(path.root, path.target) for path in read)
        self._text = "" if primal is not None else self._with({})

    def _with(self, helpers: Mapping[str, str], *primal: str) -> str:
        functions = [*{**helpers, **self._helpers}.values(), *primal, self._gradient]
        return _module_text(functions, self._imports)

    @property
    def text(self) -> str:
        primal = self._primal
        if primal is not None:  # two threads write the same
            with seen_outside(lambda: None), deep_stack():
                lines, helpers = primal()
            self._text = self._with(helpers, joined([self._heading, *lines]))
            self._primal = None
        return self._text


def _module_text(functions: Sequence[str], imports: Iterable[str]) -> str:
    """A module of these functions with the imports that they need, and others."""
    text = "\n\n".join(functions)
    header = []
    owners, called = set(re.findall(r"\b(math|np)\.", text)), set(re.findall(r"\b(\w+)\(", text))
    if "math" in owners:
        header.append("import math")
    if "np" in owners:
        header.append("import numpy as np")
    helpers = [n for n in sorted(called & vars(runtime).keys()) if inspect.isfunction(vars(runtime)[n])]
    if helpers:
        header.append(f"from revcompile.runtime import {', '.join(helpers)}")
    header += [line for line in imports if line not in header]
    return "\n".join(header) + ("\n\n\n" if header else "") + text
