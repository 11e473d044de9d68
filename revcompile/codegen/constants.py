"""Objects as constants of generated code, which are loaded faster than globals.

Code takes no part in garbage collection: an object of the program's would be kept for ever if it led back
to the code. Only what the process keeps anyhow becomes a constant.
Imports the standard library and NumPy.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from types import CodeType, FunctionType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

MATH = ModuleType("math", math.__doc__)  # as it was: what generated text computes with is not to be replaced
MATH.__dict__.update(vars(math))
HEAP_TYPE = 1 << 9  # a flag of classes that can be collected


class Names:
    """The names of a module as attributes, for a module that defines `__getattr__`: of such a module, an
    attribute is looked up slowly."""

    def __init__(self, module: ModuleType) -> None:
        self.__dict__ = module.__dict__

    @classmethod
    def of(cls, module: ModuleType) -> Names:
        return _names.get(module) or _names.setdefault(module, cls(module))


_names: WeakKeyDictionary[ModuleType, Names] = WeakKeyDictionary()


def is_lasting(obj: Any) -> bool:
    """Whether it holds nothing that would go before the process does."""
    if isinstance(obj, FunctionType):
        return False
    if isinstance(obj, type):
        return not obj.__flags__ & HEAP_TYPE
    if isinstance(obj, np.ufunc):  # not one that `np.frompyfunc` has made
        return getattr(np, obj.__name__, None) is obj
    if isinstance(obj, np.dtype):
        return obj.isbuiltin == 1
    if isinstance(obj, Names):
        return obj.__dict__ is vars(np)
    return obj is np or obj is MATH or isinstance(obj, CodeType)


class Marks:
    """Marks in a text, in the places of globals that become constants of its code.

    A mark is an f-string without fields. That is compiled to a constant, but the compiler does not warn of
    an identity test with it, as it does of a literal.
    """

    def __init__(self, text: str, constants: Mapping[str, Any]) -> None:
        self.prefix = "constant "
        while self.prefix in text:
            self.prefix += "_"
        self.constants = constants

    def test(self, test: str) -> str:
        """A test where what is compared with, and what an attribute is read of, is marked."""
        return test if "'" in test or '"' in test else re.sub(r"(?<= is )\w+|^\w+(?=\.)", self._mark, test)

    def _mark(self, name: re.Match[str]) -> str:
        return f'f"{self.prefix}{name[0]}"' if name[0] in self.constants else name[0]

    def fill(self, code: CodeType) -> CodeType:
        """Code of a text with marks: the objects take their places."""
        objects = {self.prefix + name: obj for name, obj in self.constants.items()}
        consts = [objects.get(c, c) if isinstance(c, str) else c for c in code.co_consts]
        return code.replace(co_consts=tuple(consts))
