"""What is a mapping by its methods: an object with `keys`, which `dict`, `update` and `**` take for one.

Imports the rooms of objects and of abstract values.
"""

from __future__ import annotations

from typing import Any

from revcompile.errors import host
from revcompile.frontend import containers, objects
from revcompile.frontend.lowering import Lowering
from revcompile.ir.nodes import Structure


def as_dict(low: Lowering, x: Structure) -> Structure:
    """An object with keys as the dict that Python makes of it; anything else as it is."""
    if not objects.is_object(x) or not hasattr(objects.class_of(x), "keys"):
        return x
    keys = low.items(low.invoke(objects.attribute(low, x, "keys")))
    return {low.static(k, "as a key of a dict"): low.item(x, k) for k in keys}


def with_keywords(low: Lowering, kwargs: dict[str, Structure], x: Structure) -> dict[str, Structure]:
    """The keywords of a call, with those that `**x` passes."""
    out: dict[Any, Structure] = {}
    containers.merge(out, as_dict(low, x))
    with host():
        return dict(**kwargs, **out)
