"""Objects as constants of generated code, which are loaded faster than globals.

Code takes no part in garbage collection: an object of the program's would be kept for ever if it led back
to the code. Only what the process keeps anyhow becomes a constant.
Imports the standard library and NumPy.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from types import CodeType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

MATH = ModuleType("math", math.__doc__)  # as it was: what generated text computes with is not to be replaced
MATH.__dict__.update(vars(math))
HEAP_TYPE = 1 << 9  # a flag of classes that can be collected


class Names:
    """The names of a module as attributes, for a module that defines `__getattr__`: of such a module, an
    attribute is looked up slowly."""

    __name__ = "names"
    known: WeakKeyDictionary[ModuleType, Names] = WeakKeyDictionary()

    def __init__(self, module: ModuleType) -> None:
        self.__dict__ = module.__dict__

    @classmethod
    def of(cls, module: ModuleType) -> Names:
        return cls.known.get(module) or cls.known.setdefault(module, cls(module))


def is_lasting(obj: Any) -> bool:
    """Whether it holds nothing that would go before the process does."""
    if isinstance(obj, type):
        return not obj.__flags__ & HEAP_TYPE
    if isinstance(obj, np.ufunc):  # not one that `np.frompyfunc` has made
        return getattr(np, obj.__name__, None) is obj
    if isinstance(obj, np.dtype):
        return obj.isbuiltin == 1
    if isinstance(obj, Names):
        return obj.__dict__ is vars(np)
    return obj is np or obj is MATH or isinstance(obj, CodeType)


class _Marking(ast.NodeTransformer):
    """Puts a mark in the place of each global that is to be a constant.

    A mark is an f-string without fields. That is compiled to a constant, but the compiler does not warn of
    an identity test with it, as it does of a literal. (It warns of a call, where the global stays.)
    """

    def __init__(self, tree: ast.Module, constants: Mapping[str, Any]) -> None:
        nodes = list(ast.walk(tree))
        stored = {n.id for n in nodes if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
        own = stored | {n.arg for n in nodes if isinstance(n, ast.arg)}
        self.constants = {name: obj for name, obj in constants.items() if name not in own}
        texts = [n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]
        self.prefix = "constant "
        while any(text.startswith(self.prefix) for text in texts):
            self.prefix += "_"
        self.marks: dict[str, Any] = {}

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        node.comparators = [self._mark(comparator) for comparator in node.comparators]
        return self.generic_visit(node)  # type: ignore[return-value]

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        node.value = self._mark(node.value)
        return self.generic_visit(node)  # type: ignore[return-value]

    def _mark(self, node: ast.expr) -> ast.expr:
        if not isinstance(node, ast.Name) or node.id not in self.constants:
            return node
        mark = self.prefix + node.id
        self.marks[mark] = self.constants[node.id]
        made = ast.JoinedStr([ast.copy_location(ast.Constant(mark), node)])
        return ast.copy_location(made, node)


def compile_with(text: str, filename: str, constants: Mapping[str, Any]) -> CodeType:
    """The code of a module that defines functions, where these globals of theirs are constants."""
    tree = ast.parse(text, filename)
    marking = _Marking(tree, constants)
    module = compile(marking.visit(tree), filename, "exec")
    return module.replace(co_consts=tuple(_filled(c, marking.marks) for c in module.co_consts))


def _filled(constant: Any, marks: Mapping[str, Any]) -> Any:
    """A constant of a module: in its functions the objects take the places of their marks."""
    if not isinstance(constant, CodeType):
        return constant
    return constant.replace(
        co_consts=tuple(marks.get(c, c) if isinstance(c, str) else c for c in constant.co_consts)
    )
