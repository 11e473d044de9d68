"""The generated source of every case equals its golden file, in any process; and it computes the gradient.

After a change of the compiler that changes texts on purpose: `python -m tests.golden`, then read
`git diff tests/golden` as a user would read the code.
"""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from revcompile import grad, hvp, jvp, value_and_grad, vjp
from tests.derivatives.test_operators import differences
from tests.golden.cases import CASES
from tests.support.oracle import assert_close, float_leaves, numerical_gradients

GRADIENTS = (grad, value_and_grad)
FILES = Path(__file__).parent
ROOT = FILES.parent.parent


def write() -> list[str]:
    """Write the files; the names of those that are not what they were."""
    changed = []
    for name, case in CASES.items():
        path, text = FILES / f"{name}.txt", case.text()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(name)
    for path in FILES.glob("*.txt"):
        if path.stem not in CASES:
            path.unlink()
    return changed


@pytest.mark.parametrize("name", CASES)
def test_text(name: str) -> None:
    expected = (FILES / f"{name}.txt").read_text(encoding="utf-8")
    assert CASES[name].text() == expected, "if this is meant: python -m tests.golden, and read the difference"


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.transform in GRADIENTS])
def test_gradient(name: str) -> None:
    """The texts are those of right gradients: central differences agree."""
    case = CASES[name]
    which = case.options.get("argnums")
    names = list(case.function.__code__.co_varnames[: case.function.__code__.co_argcount])
    chosen = [
        i
        for i, n in enumerate(names[: len(case.args)])
        if which is None or n in np.atleast_1d(which) or i == which
    ]
    if any(leaf.dtype == np.float32 for leaf in map(np.asarray, float_leaves(case.args))):
        tolerances = {"rtol": 2e-2, "atol": 2e-2}
    else:
        tolerances = {"rtol": 1e-5, "atol": 1e-6}

    def f(*variables: object) -> object:
        args = list(case.args)
        for i, v in zip(chosen, variables, strict=True):
            args[i] = v
        value = case.function(*copy.deepcopy(args))  # it may write into them
        return value[0] if case.options.get("has_aux") else value

    result = case.compiled()(*case.args)
    if case.options.get("has_aux"):
        result = result[0]
    if case.transform is not CASES["neuron"].transform:
        result = result[1]
    step = 1e-3 if tolerances["rtol"] > 1e-3 else 1e-6
    expected = numerical_gradients(f, tuple(case.args[i] for i in chosen), step)
    assert_close(result, expected, **tolerances)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.transform not in GRADIENTS])
def test_derivative(name: str) -> None:
    """The texts of other derivatives, of the first argument: central differences agree."""
    case = CASES[name]
    args, function = copy.deepcopy(case.args), case.function
    found: Any = case.compiled()(*args)
    if case.transform is jvp:
        args, (direction, *_) = args
        found = found[1]
    if case.transform is hvp:
        *args, direction = args
        function = grad(function, argnums=0)
    if case.transform is vjp:
        value, pullback = found
        found = np.array([pullback(unit) for unit in np.eye(len(value))])
    expected = differences(lambda *a: function(*copy.deepcopy(a)), tuple(args), 0)
    if case.transform in (jvp, hvp):
        expected = np.dot(expected, direction)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.fuzz
def test_same_text_in_every_process() -> None:
    """No order of a set, no address of an object, no earlier compilation shows in a text."""
    code = (
        "import hashlib, sys\n"
        "from tests.golden.cases import CASES\n"
        "names = sorted(CASES, reverse=sys.argv[1] == 'reversed')\n"
        "texts = {n: CASES[n].text() for n in names}\n"
        "print(hashlib.sha256(''.join(texts[n] for n in sorted(texts)).encode()).hexdigest())\n"
    )
    digests = set()
    for seed, order in (("0", "sorted"), ("1", "reversed"), ("4242", "sorted")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", code, order]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=True)
        digests.add(done.stdout)
    assert len(digests) == 1
