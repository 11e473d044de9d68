"""`python -m revcompile`, as a user runs it: in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent

MODEL = """\
from typing import NamedTuple
import numpy as np
from revcompile import grad

def product(x, y):
    return x * y

@grad
def decorated(w, x):
    return np.sum((w * x - 1.0) ** 2)

@grad(argnums="x")
def one(w, x):
    return w * x * x

def network(params, X):
    return np.sum(np.tanh(X @ params["W"]))

def outside(x):
    return np.sqrt(x)

def spectrum(x):
    return np.fft.fft(x)

def broken(x):
    return [1, 2][x] * undefined

constant = 3.0
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "model.py"
    path.write_text(MODEL)
    return path


def run(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "revcompile", *map(str, arguments)]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=120)


def ask(*arguments: object, cwd: Path = ROOT) -> dict[str, object]:
    done = run(*arguments, "--json", cwd=cwd)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_the_tour():
    done = run()
    assert done.returncode == 0, done.stderr
    assert "grad_w1 = grad_w2 * x1                # mul gate" in done.stdout
    assert "grad_s3 = grad_L * (1 - L) * L" in done.stdout
    for figure in ("L       =  0.7311", "grad_w0 = -0.1966", "grad_x0 =  0.3932", "grad_x1 = -0.5898"):
        assert figure in done.stdout
    assert "check_grads(neuron, ...) passes" in done.stdout


def test_source_alone(model):
    done = run(f"{model}:product")
    assert done.returncode == 0, done.stderr
    assert "def product(x, y):" in done.stdout
    assert "return y, x" in done.stdout
    assert "value" not in done.stdout


def test_source_value_and_gradients(model):
    done = run(f"{model}:product", "2.0", "-1e3")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("value = -2000.0\ngrad_x = -1000.0\ngrad_y = 2.0\n")


def test_json_has_what_the_text_has(model):
    report = ask(f"{model}:decorated", "[1, 2]", "[3.0, 4.0]")
    assert list(report) == ["source", "backward_source", "value", "gradients"]
    assert report["value"] == 53.0
    assert report["gradients"] == {"w": [12.0, 56.0], "x": [4.0, 28.0]}
    assert str(report["backward_source"]) in str(report["source"])


def test_json_without_arguments(model):
    report = ask(f"{model}:product")
    assert report["value"] is None
    assert report["gradients"] is None
    assert "def grad_product(x, y):" in str(report["backward_source"])


def test_infinities_are_text(model):
    assert ask(f"{model}:outside", "0.0")["gradients"] == {"x": "inf"}
    assert ask(f"{model}:product", "nan", "inf")["gradients"] == {"x": "inf", "y": "nan"}


def test_structures(model):
    report = ask(f"{model}:network", "{'W': [[0.0], [0.0]]}", "[[1, 2]]", "--argnums", "params")
    assert report["gradients"] == {"params": {"W": [[1.0], [2.0]]}}


@pytest.mark.parametrize(
    ("which", "names"), [("y", ["y"]), ("0", ["x"]), ("1,0", ["y", "x"]), ("x,y", ["x", "y"])]
)
def test_argnums(model, which, names):
    gradients = ask(f"{model}:product", "2.0", "5.0", "--argnums", which)["gradients"]
    assert isinstance(gradients, dict)
    assert list(gradients) == names
    assert [gradients[n] for n in names] == [{"x": 5.0, "y": 2.0}[n] for n in names]


def test_textbook(model):
    text = str(ask(f"{model}:product", "2.0", "5.0", "--textbook")["backward_source"])
    assert "grad_x = grad_L * y                   # mul gate" in text


def test_a_gradient_keeps_its_own_options(model):
    assert "return grad_x" in run(f"{model}:one").stdout


def test_a_module_path(model):
    assert ask("model:product", "2.0", "5.0", cwd=model.parent)["value"] == 10.0


def test_the_source_printed_runs(model):
    report = ask(f"{model}:decorated", "[1, 2]", "[3.0, 4.0]")
    scope: dict[str, object] = {}
    exec(str(report["source"]), scope)
    w, x = scope["grad_decorated"](np.array([1.0, 2.0]), np.array([3.0, 4.0]))  # type: ignore[operator]
    np.testing.assert_array_equal((w, x), [[12.0, 56.0], [4.0, 28.0]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{model}:missing"], "has no 'missing'; it has product"),
        (["{model}:constant"], "is not a function, it is a float"),
        (["{model}"], "write FILE.py:FUNCTION"),
        (["nowhere.py:f"], "there is no file nowhere.py"),
        (["no_such_package:f"], "importing no_such_package failed"),
        (["{model}:product", "foo", "1.0"], "cannot read the argument 'foo'"),
        (["{model}:product", "1.0"], "missing a required argument: 'y'"),
        (["{model}:product", "1.0", "2.0", "--argnums", "z"], "no parameter 'z'"),
        (["{model}:product", "[1, 2]", "2.0"], "the function returns an array"),
        (["{model}:spectrum", "1.0"], "no gate rule for numpy.fft.fft"),
        (["{model}:spectrum"], "Give the arguments to compile it for"),
        (["{model}:broken", "0"], "undefined"),
        (["--textbook"], "name a function"),
        (["gates", "np.nothing"], "there is no gate np.nothing; `revcompile gates` lists them"),
    ],
)
def test_errors_are_messages(model, arguments, message):
    done = run(*[a.format(model=model) for a in arguments])
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_help_teaches():
    done = run("--help")
    assert done.returncode == 0
    assert "model.py:loss 2.0 -1.0" in done.stdout
    assert "revcompile gates np.quantile" in done.stdout


def test_gates_are_listed():
    done = run("gates")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "np.log(x, /)" in done.stdout
    assert any(line.startswith("np.sign(") and line.endswith("constant") for line in lines)
    assert any(line.startswith(".reshape(") for line in lines)
    assert lines[-1].endswith(" methods")


def test_forms_of_gates_are_run():
    done = run("gates", "np.arctan2", "math.sin")
    assert done.returncode == 0, done.stderr
    assert "math.sin(x, /)  formulas\n    x   " in done.stdout
    assert done.stdout.count("reverse, forward, second order") == 5
