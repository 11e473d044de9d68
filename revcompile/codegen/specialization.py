"""What is compiled for one signature: its text, what is asked before it runs, what is done when it fails.

Imports the errors and the places of lines.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from revcompile.codegen.module import Module
from revcompile.codegen.places import explain
from revcompile.errors import UnsupportedError, seen_outside
from revcompile.foreign import ChangedKind, results_watched
from revcompile.frontend.undone import undone_by
from revcompile.gates.foreign import NotKnownYet

ARITHMETIC = (OverflowError, ZeroDivisionError, ValueError)  # what `math` raises where NumPy gives inf or nan


class Mistaken(Exception):
    """What the compiler took for a proof that lengths agree was none."""


class Careful:
    """The text for numbers beyond what `math` computes: NumPy's inf and nan, or the user's own error.

    It starts from the caller's arguments. Made when it is first needed.
    """

    def __init__(
        self, make: Callable[[tuple[Any, ...], Mapping[str, Any]], FunctionType], seen: seen_outside
    ) -> None:
        self.make = make
        self.seen = seen
        self.made: FunctionType | None = None

    def __call__(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        if self.made is None:
            with self.seen:
                self.made = self.make(args, kwargs)
        return self.made(*args, **kwargs)


@dataclass(eq=False)
class Blame:
    """Told of the error that is being handled, which a run raised: notes the user's line on it.

    Gives whether the error is the program's for sure. Where numbers of the program are read, another
    thread may have changed them since the guards were tested: then the call begins again, unless what it
    does must not be done twice.
    """

    sure: bool

    def __call__(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
        error = sys.exc_info()[1]
        if isinstance(error, (ChangedKind, NotKnownYet)):  # no error: the function is compiled again
            return False
        explain(error)
        return self.sure


def _read_only(structure: Any) -> dict[int, Any]:
    """Copies, by the `id` of what they are of, of the arrays that cannot be written: nor can these."""
    if isinstance(structure, np.ndarray):
        if structure.flags.writeable:
            return {}
        alike = structure.copy()
        alike.flags.writeable = False
        return {id(structure): alike}
    items = structure.values() if isinstance(structure, Mapping) else structure
    if not isinstance(structure, (tuple, list, Mapping)):
        items = getattr(structure, "__dict__", {}).values()
    return {key: alike for item in items for key, alike in _read_only(item).items()}


@dataclass(eq=False)
class Specialization:
    """One signature's code: the gradient function, the dispatching function's code, the text."""

    run: FunctionType
    careful: Careful | None
    holds: Callable[..., bool]
    reads: bool  # whether it reads numbers of the program, which another thread may change meanwhile
    blame: Blame
    entry: CodeType | None  # None where the public function always comes here
    module: Module
    backward_source: str
    description: str
    primal: Callable[..., Any]
    agrees: Callable[..., bool | None] | None  # whether lengths do; None: not in each block
    compared: frozenset[Any]  # the places and paths of the arrays whose lengths those are
    together: Callable[..., str] | None  # what is written and shares memory with another argument, and which
    helpers: tuple[str, ...]  # the functions that `run` calls, which are among its globals
    changing: tuple[Any, ...] = ()  # what it calls that changes the program: undone where it is begun again
    beyond: tuple[type[Exception], ...] = (
        ARITHMETIC  # what it raises for numbers that the careful text is for
    )
    heading: tuple[str, str] = ("", "")  # the parameters as the module has them, and as they are

    def __call__(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], carefully: bool = False) -> Any:
        shared = self.together(*args, **kwargs) if self.together is not None else ""
        if shared:
            raise UnsupportedError(
                f"{shared} share memory, and {self.primal.__name__} writes into {shared.split(' and ')[0]}",
                way_out=f"Pass a copy: {shared.split(' and ')[0]}.copy().",
            )
        agreed = self.agrees(*args, **kwargs) if self.agrees is not None else True
        if not agreed:
            try:
                given, options = copy.deepcopy((args, dict(kwargs)), _read_only((args, kwargs)))
            except Exception:  # of an object that cannot be copied
                if agreed is False:
                    raise ValueError(
                        f"the lengths of the arguments of {self.primal.__name__} do not agree"
                    ) from None
            else:
                self.primal(*given, **options)  # which says what is wrong, and may write into its arguments
                if agreed is False:
                    raise Mistaken
        if self.changing:
            again = ChangedKind, NotKnownYet, UnsupportedError
            with undone_by(again, self.changing), results_watched():
                return self._run(args, kwargs, carefully)
        return self._run(args, kwargs, carefully)

    def _run(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], carefully: bool) -> Any:
        if self.careful is None:
            return self.run(*args, **kwargs)
        try:
            if not carefully:
                return self.run(*args, **kwargs)
        except self.beyond:
            pass
        return self.careful(args, kwargs)

    @property
    def source(self) -> str:
        return self.module.text.replace(*self.heading)

    @property
    def codes(self) -> Iterator[CodeType]:
        careful = self.careful.made if self.careful is not None else None
        for function in (self.run, careful, self.holds, self.agrees, self.together):
            if function is not None:
                yield function.__code__
        for function in (self.run, careful):
            if function is not None:
                yield from (function.__globals__[name].__code__ for name in self.helpers)
        if self.entry is not None:
            yield self.entry
