"""The house has floors: a room imports only what is below it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import revcompile

HOUSE = Path(revcompile.__file__).parent
FLOORS = [
    "__main__",
    "autograd",
    "autograd_misc",
    "__init__",
    "transforms",
    "dispatch",
    "compiler",
    "attempts",
    "native",
    "codegen",
    "passes",
    "autodiff",
    "frontend",
    "statements",
    "syntax",
    "dataflow",
    "gates",
    "ir",
    "runtime",
    "checkpoints",
    "foreign",
    "given",
    "errors",
    "lazy",
]


def room_of(module: str) -> str:
    """The room of `revcompile.gates.table` is gates; of `revcompile` itself, __init__."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def modules() -> list[Path]:
    return sorted(HOUSE.rglob("*.py"))


def imports(path: Path) -> list[tuple[int, str]]:
    """The modules of ours that a file imports when it is loaded."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("revcompile"):
            for alias in node.names:
                module = node.module or ""
                whole = f"{module}.{alias.name}"
                is_module = (HOUSE.parent / whole.replace(".", "/")).with_suffix(".py").exists()
                is_package = (HOUSE.parent / whole.replace(".", "/")).is_dir()
                found.append((node.lineno, whole if is_module or is_package else module))
        elif isinstance(node, ast.Import):
            found += [(node.lineno, a.name) for a in node.names if a.name.startswith("revcompile")]
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(HOUSE)))
def test_imports_go_downward(path: Path) -> None:
    relative = path.relative_to(HOUSE)
    own = relative.parts[0].removesuffix(".py")
    assert own in FLOORS, f"{own} has no floor"
    for line, module in imports(path):
        room = room_of(module)
        if own == room:
            continue
        assert FLOORS.index(own) < FLOORS.index(room), f"{relative}:{line} imports {module}, which is above"


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(HOUSE)))
def test_files_are_rooms_not_halls(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 500, "two rooms?"
    assert ast.get_docstring(ast.parse(path.read_text())) or path.stat().st_size == 0, "what lives here?"


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(HOUSE.parent).with_suffix("").parts).removesuffix(".__init__")


def test_no_modules_stand_in_a_circle() -> None:
    """Imports for annotations only, and those inside functions, count too."""
    needs = {name_of(path): {module for _, module in imports(path)} for path in modules()}
    while leaves := {name for name, needed in needs.items() if not needed & needs.keys() - {name}}:
        for name in leaves:
            del needs[name]
    assert not needs, f"these stand in a circle, or above one: {sorted(needs)}"
