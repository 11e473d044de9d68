"""The command line: `python -m revcompile FILE.py:FUNCTION [ARGS…]`, or the console script `revcompile`.

Prints what the compiler makes of a function; without arguments, a tour; or what is supported. Imports the
public names, and the table of that.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.util
import inspect
import json
import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from revcompile import check_grads, grad
from revcompile.transforms import support

DESCRIPTION = """\
Print the gradient of a Python/NumPy function as source code: a forward pass, then a backward pass of
plain statements, each the rule of one gate. Given arguments, run it as well."""

EPILOG = """\
examples:
  revcompile                                     the tour: a neuron, its gradient, a check
  revcompile model.py:loss                       the gradient's source, for floats
  revcompile model.py:loss 2.0 -1.0              ... for these arguments, and value and gradients there
  revcompile model.py:loss '[[1, 2], [3, 4]]'    a list of numbers is an array of floats
  revcompile model.py:loss 2.0 --textbook        one gate a statement: upstream × local = downstream
  revcompile package.module:loss 2.0 --json      for programs
  revcompile gates                               what of NumPy and math is differentiated
  revcompile gates np.quantile .sum              ... and what runs of these: each form, in each mode

The source depends on the arguments: each signature (float, array of rank 2, ...) gets code of its own.
Whether the function is decorated with @grad already makes no difference."""


class Refused(Exception):
    """What the user asked for cannot be done; the message says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status: 0, or 2 for anything that did not work."""
    options = _read(sys.argv[1:] if arguments is None else arguments)
    try:
        if options.target is None:
            _tour()
        elif options.target == "gates":
            _gates(options.values)
        else:
            _compile(options)
    except Refused as e:
        print(f"revcompile: {e}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of a pipe has seen enough
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    return 0


def _read(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "revcompile",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "target",
        nargs="?",
        metavar="FILE.py:FUNCTION",
        help="the function: in a file, or as package.module:function",
    )
    parser.add_argument(
        "values",
        nargs="*",
        metavar="ARG",
        help="its arguments, as Python literals; lists of numbers become arrays",
    )
    parser.add_argument(
        "--textbook", action="store_true", help="the unoptimised form: one gate a statement (optimize=False)"
    )
    parser.add_argument(
        "--argnums",
        metavar="WHICH",
        help="what to differentiate, by name or position: x, or 0, or x,y (default: every argument)",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print one JSON object: source, backward_source, value, gradients by name (nan and inf as text)",
    )
    parser.add_argument(
        "--graph",
        metavar="FILE",
        help="also draw the call, with values and gradients: out.svg, .png, .pdf, .dot, .mmd",
    )
    # argparse takes -1e3 for an option; behind a space it is an argument.
    numbers = [f" {a}" if a[:1] == "-" and a[1:2] and a[1] in ".0123456789(" else a for a in arguments]
    options = parser.parse_intermixed_args(numbers)
    if options.target is None and (options.textbook or options.json or options.argnums or options.graph):
        parser.error("name a function: FILE.py:FUNCTION")
    return options


# -- one function --------------------------------------------------------------------------------


def _compile(options: argparse.Namespace) -> None:
    function = find_function(options.target)
    gradient = _gradient_of(function, options)
    args = tuple(read_literal(text) for text in options.values)
    report: dict[str, Any] = {"source": None, "backward_source": None, "value": None, "gradients": None}
    if args:
        _attempt(lambda: inspect.signature(gradient).bind(*args))
        value, gradients = _attempt(lambda: gradient.value_and_grad(*args))
        _attempt(lambda: gradient(*args))  # now its text is that of these arguments
        report["value"], report["gradients"] = (
            value,
            _by_name(gradient, options.argnums, gradients, len(args)),
        )
        if options.graph is not None:
            _attempt(lambda: gradient.graph(*args).save(options.graph))
    elif options.graph is not None:
        raise Refused(
            "a picture is of a call: give the arguments, revcompile FILE.py:FUNCTION ARG ... --graph out.svg"
        )
    elif gradient.source.startswith("# "):
        reason = gradient.source.splitlines()[0].removeprefix("# ")
        raise Refused(
            f"{reason}\n  Give the arguments to compile it for: revcompile {options.target} ARG ..."
        )
    report["source"], report["backward_source"] = gradient.source, gradient.backward_source
    if options.json:
        print(json.dumps(_plain(report)))
        return
    print(report["source"], end="")
    if args:
        print()
        _show("value", report["value"])
        for name, g in report["gradients"].items():
            _show(f"grad_{name}", g)


def _gradient_of(function: Callable[..., Any], options: argparse.Namespace) -> Any:
    """The gradient function: the user's own where there is nothing to change about it."""
    if hasattr(function, "primal") and not options.textbook and options.argnums is None:
        return function
    primal = getattr(function, "primal", function)
    return _attempt(lambda: grad(primal, read_argnums(options.argnums), optimize=not options.textbook))


def find_function(target: str) -> Callable[..., Any]:
    """The function that `FILE.py:FUNCTION` or `package.module:function` names. Raises Refused."""
    home, colon, name = target.rpartition(":")
    if not colon or not home or not name:
        raise Refused(f"{target!r} names no function; write FILE.py:FUNCTION or package.module:function")
    found: Any = _load_file(Path(home)) if home.endswith(".py") else _load_module(home)
    for step in name.split("."):
        if not hasattr(found, step):
            raise Refused(f"{home} has no {name!r}{_suggest(found)}")
        found = getattr(found, step)
    if not callable(found):
        raise Refused(f"{name} in {home} is not a function, it is a {type(found).__name__}")
    return found


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise Refused(f"there is no file {path}")
    sys.path.insert(
        0, str(path.resolve().parent)
    )  # what stands beside the file can be imported, as when it is run
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    _import(lambda: spec.loader.exec_module(module), str(path))  # type: ignore[union-attr]
    return module


def _load_module(name: str) -> Any:
    sys.path.insert(0, os.getcwd())
    return _import(lambda: importlib.import_module(name), name)


def _import(load: Callable[[], Any], what: str) -> Any:
    try:
        return load()
    except (Exception, SystemExit) as e:
        raise Refused(f"importing {what} failed: {type(e).__name__}: {e}") from None


def _suggest(module: Any) -> str:
    own = getattr(module, "__name__", None)
    names = [
        n for n, f in vars(module).items() if inspect.isfunction(f) and f.__module__ == own and n[0] != "_"
    ]
    return f"; it has {', '.join(names)}" if names else ""


def _attempt(action: Callable[[], Any]) -> Any:
    """What the compiler, or the user's function itself, refuses is a message and not a traceback."""
    try:
        return action()
    except Exception as e:
        kind = "" if type(e).__name__ == "UnsupportedError" else f"{type(e).__name__}: "
        raise Refused(f"{kind}{e}") from None


# -- what is differentiated ----------------------------------------------------------------------


def _gates(names: Sequence[str]) -> None:
    """The table of what is differentiated; of functions that are named, each form, and what ran of it."""
    rows = support.listed()
    unknown = set(names) - {row.name for row in rows}
    if unknown:
        raise Refused(f"there is no gate {', '.join(sorted(unknown))}; `revcompile gates` lists them")
    for row in rows:
        if not names:
            forms = f"{len(row.examples)} forms" if row.examples else ""
            print(f"{row.name + row.signature:80} {row.how:12} {forms}".rstrip())
        elif row.name in names:
            print(f"{row.name}{row.signature}  {row.how}")
            for form, ran in support.executed(row):
                _form(form, ran)
    if not names:
        print(", ".join(f"{n} {kind}" for kind, n in support.counted().items()))


def _form(form: str, ran: dict[str, str]) -> None:
    """A line of a form with the modes in which it ran; one more for each in which it did not."""
    modes = [mode for mode, what in ran.items() if what == support.RAN]
    print(f"    {form:50} {', '.join(modes)}".rstrip(), flush=True)
    for mode, what in ran.items():
        if what != support.RAN:
            print(f"        {mode} {what}", flush=True)


# -- arguments -----------------------------------------------------------------------------------


def read_literal(text: str) -> Any:
    """A Python literal; `nan` and `inf` are numbers too."""
    try:
        value = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        try:
            return float(text)
        except ValueError:
            raise Refused(
                f"cannot read the argument {text.strip()!r}: write a Python literal: 2.0, '[1.0, 2.0]', "
                "\"{'w': [1, 2]}\" or \"'text'\""
            ) from None
    return _as_arrays(value)


def _as_arrays(value: Any) -> Any:
    """The same structure with rectangular lists of numbers as float arrays."""
    if isinstance(value, list) and _is_numeric(value):
        try:
            return np.array(value, dtype=float)
        except ValueError:  # rows of different lengths
            return [_as_arrays(item) for item in value]
    if isinstance(value, (list, tuple)):
        return type(value)(_as_arrays(item) for item in value)
    if isinstance(value, dict):
        return {key: _as_arrays(item) for key, item in value.items()}
    return value


def _is_numeric(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) > 0 and all(map(_is_numeric, value))
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def read_argnums(text: str | None) -> Any:
    """`0`, `x`, `0,2`, `x,y`: one gives a bare gradient, several a tuple, as in `grad`."""
    if text is None:
        return None
    parts = [p.strip() for p in text.split(",") if p.strip()]
    which = tuple(int(p) if p.lstrip("-").isdigit() else p for p in parts)
    if not which:
        raise Refused("--argnums names no argument")
    return which if "," in text else which[0]


# -- results -------------------------------------------------------------------------------------


def _by_name(gradient: Any, argnums: str | None, gradients: Any, count: int) -> dict[str, Any]:
    """Gradients under their parameters' names; under numbers where the names are not clear."""
    names = list(inspect.signature(gradient).parameters)
    if argnums is not None:
        which = read_argnums(argnums)
        chosen = [
            names[w] if isinstance(w, int) else w for w in (which if isinstance(which, tuple) else (which,))
        ]
        return dict(zip(chosen, gradients if isinstance(which, tuple) else (gradients,), strict=True))
    several = (
        isinstance(gradients, tuple) and not hasattr(gradients, "_fields") and len(gradients) == count > 1
    )
    items = gradients if several else (gradients,)
    return dict(zip(names if len(names) >= len(items) else map(str, range(len(items))), items, strict=False))


def _show(name: str, value: Any) -> None:
    if isinstance(value, np.ndarray):
        text = np.array2string(value, prefix=f"{name} = ", separator=", ")
    else:
        text = repr(value.item() if isinstance(value, np.generic) else value)
    print(f"{name} = {text}")


def _plain(value: Any) -> Any:
    """As JSON has it: arrays as nested lists, named tuples and dicts as objects, nan and inf as text."""
    if isinstance(value, (np.ndarray, np.generic)):
        return _plain(value.tolist())
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if hasattr(value, "_asdict"):
        return _plain(value._asdict())
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, (int, float, str, bool)) or value is None else repr(value)


# -- the tour ------------------------------------------------------------------------------------


def neuron(w0: float, x0: float, w1: float, x1: float, w2: float) -> Any:
    return 1.0 / (1.0 + np.exp(-(w0 * x0 + w1 * x1 + w2)))


POINT = (2.0, -1.0, -3.0, -2.0, -3.0)


def _tour() -> None:
    gradient, textbook = grad(neuron), grad(neuron, optimize=False)
    names = list(inspect.signature(neuron).parameters)
    value, gradients = gradient.value_and_grad(*POINT)
    print("A neuron with two inputs, two weights and a bias, as you would write it:\n")
    print(_indented(inspect.getsource(neuron).replace(": float", "").replace(" -> Any", "")))
    print("Its gradient, compiled by @grad. This text is what runs: grad(neuron).backward_source\n")
    print(_indented(gradient.backward_source))
    print("The same, one gate a statement, upstream gradient × local gradient: optimize=False\n")
    print(_indented(textbook.backward_source))
    print(f"At {', '.join(f'{n} = {v:g}' for n, v in zip(names, POINT, strict=True))}:\n")
    print(f"    L       = {value: .4f}")
    for name, g in zip(names, gradients, strict=True):
        print(f"    grad_{name} = {g: .4f}")
    check_grads(neuron, POINT)
    print("\nCentral differences of the neuron agree: check_grads(neuron, ...) passes.")
    print("Now your own function: python -m revcompile FILE.py:FUNCTION ARG ...")


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" if line else "\n" for line in text.rstrip("\n").split("\n"))


if __name__ == "__main__":
    sys.exit(main())
