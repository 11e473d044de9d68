"""What a user sees in a terminal when something is refused: the program's frames, the public call, the message."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

import revcompile

PROGRAM = """
import functools
import numpy as np
from revcompile import check_grads, gate, grad, value_and_grad

TABLE = {{"a": 1.0}}

class Model:
    @property
    def depth(self):
        return self.layers["none"]
    layers = {{}}

model = Model()

def helper(x):
    try:
        return x * x
    except ValueError:
        return x

def loss(x):
    {statement}

def main():
    {call}

main()
"""
REFUSED, LINE = "return helper(x)", "    return x * x"
CASES = {
    "a call": (REFUSED, "grad(loss)(1.0)", "UnsupportedError", 3),
    "of arrays": ("return np.sum(np.fft.fft(x)[0])", "grad(loss)(np.eye(2))", "UnsupportedError", 3),
    "value_and_grad": (REFUSED, "value_and_grad(loss)(1.0)", "UnsupportedError", 3),
    "source_for": (REFUSED, "grad(loss).source_for(1.0)", "UnsupportedError", 3),
    "decoration": ("return x", "grad(iter)", "UnsupportedError", 3),
    "a decorator with options": ("return x", "grad(argnums=0)(iter)", "UnsupportedError", 3),
    "argnums": ("return x", "grad(loss, argnums='y')", "ValueError", 3),
    "check_grads": (REFUSED, "check_grads(loss, (1.0,))", "UnsupportedError", 2),
    "a wrong kind of argument": ("return x", "grad(loss)(object())", "UnsupportedError", 3),
    "the user's error": ("return x * TABLE['b']", "grad(loss)(1.0)", "KeyError", 3),
    "the user's error in a property": ("return x * model.depth", "grad(loss)(1.0)", "KeyError", 3),
    "a reversal": ("return np.linalg.qr(x, 'raw')[0][0, 0]", "grad(loss)(np.eye(2))", "UnsupportedError", 3),
}  # fmt: skip


def written(tmp_path: Path, statement: str, call: str) -> Path:
    path = tmp_path / "model.py"
    path.write_text(PROGRAM.format(statement=statement, call=call))
    return path


def printed(tmp_path: Path, statement: str, call: str, **environment: str) -> list[str]:
    path = written(tmp_path, statement, call)
    environment = {**os.environ, "PYTHONPATH": str(Path(revcompile.__file__).parents[1]), **environment}
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, env=environment)
    assert done.returncode == 1
    return done.stderr.splitlines()


@pytest.mark.parametrize("what", CASES)
def test_the_programs_frames_and_the_message(what: str, tmp_path: Path) -> None:
    statement, call, kind, frames = CASES[what]
    path = written(tmp_path, statement, call)
    with pytest.raises(Exception) as caught:
        exec(compile(path.read_text(), path, "exec"), {"__name__": "model"})
    error = caught.value.with_traceback(caught.tb.tb_next)
    lines = "".join(traceback.format_exception(type(error), error, error.__traceback__)).splitlines()
    text = "\n".join(lines)
    assert lines[0] == "Traceback (most recent call last):"
    assert sum(line.startswith("  File") for line in lines[: _message(lines)]) <= 2 + frames - 1, text
    assert "During handling" not in text and "direct cause" not in text
    assert lines[_message(lines)].split(":")[0].endswith(kind), text
    assert len(lines) <= 22, text


def _message(lines: list[str]) -> int:
    """The line where the message begins: the last that stands at the margin."""
    return max(i for i, line in enumerate(lines) if not line.startswith(" "))


def test_in_a_terminal(tmp_path: Path) -> None:
    lines = printed(tmp_path, REFUSED, "grad(loss)(1.0)")
    assert lines[-5:-1] == [
        "revcompile.UnsupportedError: a try block is not supported yet",
        f'  File "{tmp_path / "model.py"}", line 17, in helper',
        "    try:",
        "    ^^^^",
    ]
    assert lines[-1].startswith("  ") and "stop_gradient" in lines[-1]  # the way out
    said = [line for line in lines if line.strip(" ~^")]  # how much Python underlines differs
    assert len(said) <= 13, "\n".join(lines)


def test_all_of_it_on_request(tmp_path: Path) -> None:
    lines = printed(tmp_path, REFUSED, "grad(loss)(1.0)", REVCOMPILE_TRACEBACK="full")
    assert len(lines) > 30 and any("lower.py" in line for line in lines)
