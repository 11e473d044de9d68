"""Generated text, saved to a file and imported; and its derivatives against differences of what it gives."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from revcompile import jvp, vjp
from tests.corpus.differences import copied, leaves, mapped

STEP = 1e-6


def imported(text: str, file: Path) -> ModuleType:
    """The module of a text, saved as this file."""
    file.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = sys.modules[file.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def function_of(module: ModuleType, name: str) -> Callable[..., Any]:
    """The one function of a module, of those that it defines, with a name that begins so; the last one."""
    own = [f for f in vars(module).values() if getattr(f, "__module__", "") == module.__name__]
    found: Callable[..., Any] = [f for f in own if f.__name__.startswith(name)][-1]
    return found


def differentiates(
    again: Callable[..., Any],
    derived: Callable[..., Any],
    args: tuple[Any, ...],
    positions: tuple[int, ...],
    modes: tuple[str, ...] = ("fwd", "rev"),
) -> None:
    """`again` gives what `derived` gives, and is differentiated in both modes as differences say."""
    random = np.random.default_rng(1)
    with np.errstate(all="ignore"):
        value = again(*copied(args))
        expected = dict(leaves(derived(*copied(args))))
        assert _alike(dict(leaves(value)), expected, 1e-9)
        along = {path: _drawn(leaf, random) for path, leaf in leaves(args) if path[0] in positions}
        up, down = (dict(leaves(derived(*_moved(args, along, by)))) for by in (STEP, -STEP))
        slope = {path: (np.asarray(up[path]) - down[path]) / (2 * STEP) for path in expected}
        if "fwd" in modes:
            tangents = mapped(args, lambda path, _: along.get(path))
            _, found = jvp(again)(copied(args), tangents)
            assert _alike(dict(leaves(found)), slope, 2e-4), (found, slope)
        if "rev" in modes:
            _, pullback = vjp(again, argnums=positions)(*copied(args))
            cotangents = {path: _drawn(leaf, random) for path, leaf in leaves(value)}
            gradients = pullback(mapped(value, lambda path, _: cotangents.get(path)))
            pulled = {(positions[i], *path): g for (i, *path), g in leaves(gradients)}
            here, there = _product(cotangents, slope), _product(along, pulled)
            np.testing.assert_allclose(there, here, rtol=2e-4, atol=2e-4)


def _drawn(leaf: Any, random: np.random.Generator) -> Any:
    drawn = random.uniform(-1, 1, np.shape(leaf))
    return drawn.astype(leaf.dtype) if isinstance(leaf, np.ndarray) else type(leaf)(drawn)


def _moved(args: tuple[Any, ...], along: dict[Any, Any], by: float) -> Any:
    return mapped(copied(args), lambda path, leaf: leaf + by * along[path] if path in along else leaf)


def _alike(found: dict[Any, Any], expected: dict[Any, Any], tolerance: float) -> bool:
    return found.keys() == expected.keys() and all(
        np.shape(found[path]) == np.shape(x)
        and np.allclose(found[path], x, rtol=tolerance, atol=tolerance, equal_nan=True)
        for path, x in expected.items()
    )


def _product(a: dict[Any, Any], b: dict[Any, Any]) -> float:
    return sum(float(np.sum(np.asarray(x) * b[path])) for path, x in a.items() if path in b)
