"""The calls of the sweep: every public function and array method, with the arguments that NumPy itself accepts."""

from __future__ import annotations

import ast
import inspect
import math
import random
import re
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import Any

import numpy as np

from tests.sweep.values import DOMAINS, KEYWORDS, ONLY_OWN, OWN, PATTERNS, REAL, VARIABLES, given_values

# What is not swept, by the reason why; `test_left_out` has programs with most of it.
REASONS = {
    "it reads or writes a file, or the memory of an array as it lies there": """save savez savez_compressed savetxt load loadtxt
        genfromtxt fromfile fromregex fromstring frombuffer memmap tofile dump dumps tobytes tostring from_dlpack byteswap getfield
        setfield setflags newbyteorder ctypes data flags device to_device""",
    "it reads or sets the state of NumPy": """seterr seterrcall geterr geterrcall set_printoptions get_printoptions printoptions
        setbufsize getbufsize errstate info show_config show_runtime test get_include lookfor source set_string_function""",
    "it gives a text": """array2string array_repr array_str typename base_repr binary_repr format_float_positional
        format_float_scientific mintypecode""",
    "what it gives is whatever was there": "empty empty_like ndarray",
    "it gives an object that is no number and no array of them": """asmatrix bmat matrix frompyfunc vectorize nditer nested_iters
        ndindex ndenumerate broadcast poly1d dtype finfo iinfo flatiter ufunc record recarray chararray flat LinAlgError busdaycalendar""",
    "it asks of what dtype something is, or where it lies": """shares_memory may_share_memory can_cast min_scalar_type common_type
        result_type promote_types isdtype issubdtype iscomplexobj isrealobj einsum_path""",
    "it gives complex numbers": "fft fft2 fftn ifft ifft2 ifftn rfft rfft2 rfftn ihfft",
    "it computes with dates": "datetime_as_string datetime_data busday_count busday_offset is_busday isnat datetime64 timedelta64",
    "it is a type of which there are no numbers, or none that are differentiated": """character complexfloating flexible floating
        generic inexact integer number signedinteger unsignedinteger bytes_ str_ void object_ cdouble clongdouble complex64
        complex128 complex192 complex256 csingle longdouble float96 float128""",
}  # fmt: skip
LEFT_OUT = frozenset(name for names in REASONS.values() for name in names.split())
# What NumPy takes no floats for; or no more than a shape, a count.
OF_NO_FLOATS = frozenset(
    """np.bitwise_and np.bitwise_left_shift np.bitwise_or np.bitwise_right_shift np.bitwise_xor np.left_shift np.right_shift
    np.bitwise_count np.bitwise_invert np.bitwise_not np.invert np.gcd np.lcm np.unpackbits np.packbits np.unravel_index
    np.broadcast_shapes np.eye np.identity np.indices np.mask_indices np.fromfunction np.apply_over_axes np.sort_complex
    math.comb math.factorial math.gcd math.isqrt math.lcm math.perm""".split()
)
SCALARS = tuple(
    name for name in dir(np) if isinstance(t := getattr(np, name), type) and issubclass(t, np.generic)
)
REDUCING = ("add", "subtract", "multiply", "maximum", "minimum", "logaddexp", "hypot")
CHANGING = frozenset({"sort", "partition", "fill", "put", "resize", "itemset"})
PLACES = {"t": "v", "tA": "A", "tM": "M"}  # arrays that a call may change
HOME = {"np": np, "math": math}
FLOATS = frozenset(x for x, value in VARIABLES.items() if np.asarray(value).dtype.kind == "f")
MOST = 70  # calls of one function


@dataclass(frozen=True)
class Call:
    """One call as text, and the program that weighs and sums what it gives."""

    text: str
    variables: tuple[str, ...]
    program: str
    weights: tuple[tuple[str, Any], ...]
    kinds: frozenset[str]  # the dtypes of what it gives
    domain: str  # in which its variables are

    @property
    def arguments(self) -> tuple[Any, ...]:
        return tuple(given_values(self.variables, self.domain).values())

    @property
    def differentiated(self) -> tuple[int, ...]:
        return tuple(i for i, x in enumerate(self.variables) if x in FLOATS)


def functions() -> list[str]:
    """The names of all that is swept, as a program writes them; a method begins with a dot."""
    found = [f"np.{name}" for name in dir(np) if _is_function(np, name)]
    found += ["np.array", *(f"np.{name}" for name in SCALARS if name not in LEFT_OUT)]
    found += [f"np.linalg.{name}" for name in dir(np.linalg) if _is_function(np.linalg, name)]
    found += [f"np.fft.{name}" for name in dir(np.fft) if _is_function(np.fft, name)]
    found += [f"math.{name}" for name in dir(math) if _is_function(math, name)]
    found += [f"np.{u}.{m}" for u in REDUCING for m in ("reduce", "accumulate", "outer", "reduceat")]
    found += [f"np.{u}.at" for u in ("add", "subtract", "multiply", "maximum", "divide")]
    found += [f".{name}" for name in dir(np.ndarray) if not name.startswith("_") and name not in LEFT_OUT]
    found += ["abs", "sum", "max", "min", "round", "pow", "divmod", "float", "int", "bool", "len"]
    return list(dict.fromkeys(found))


def _is_function(home: Any, name: str) -> bool:
    thing = getattr(home, name)
    return (
        not name.startswith("_") and name not in LEFT_OUT and callable(thing) and not isinstance(thing, type)
    )


def calls_of(function: str) -> list[Call]:
    """Calls that NumPy accepts: of each pattern, and with each keyword in each of its values."""
    draw = random.Random(zlib.crc32(function.encode()))
    plain = list(_accepted(function, [_positional(p) for p in _patterns(function)]))
    found = plain if len(plain) <= MOST // 2 else draw.sample(plain, MOST // 2)
    keywords = keywords_of(function)
    bases = [_arguments(function, c) for c in plain] if keywords else []
    singles: list[Call] = []
    for keyword in keywords:
        for value in KEYWORDS[keyword].split(";"):
            draw.shuffle(bases)
            tries = [(base, [(keyword, value)]) for base in bases[:12]]
            singles += _first(_with(function, tries), 2)
    pairs: list[Call] = []
    for _ in range(12 if len(keywords) > 1 else 0):
        one, two = draw.sample(keywords, 2)
        chosen = [(k, draw.choice(KEYWORDS[k].split(";"))) for k in (one, two)]
        draw.shuffle(bases)
        pairs += _first(_with(function, [(base, chosen) for base in bases[:12]]), 1)
    room = max(MOST - len(found), MOST // 2)
    more = [*singles, *pairs]
    return [*found, *(more if len(more) <= room else draw.sample(more, room))]


def a_call_of(function: str) -> Call | None:
    """One of the calls of a function, found quickly."""
    patterns = _patterns(function)
    random.Random(zlib.crc32(function.encode())).shuffle(patterns)
    return next(_accepted(function, map(_positional, patterns)), None)


def _first(calls: Iterator[Call], count: int) -> list[Call]:
    return [call for call, _ in zip(calls, range(count))]


def _with(function: str, tries: list[tuple[list[str], list[tuple[str, str]]]]) -> Iterator[Call]:
    return _accepted(function, ([*base, *(f"{k}={v}" for k, v in more)] for base, more in tries))


def _patterns(function: str) -> list[str]:
    own = OWN.get(function, "")
    return [*(own.split(";") if own else []), *(PATTERNS if function not in ONLY_OWN else [])]


@lru_cache(maxsize=4096)
def _positional(pattern: str) -> list[str]:
    node = ast.parse(f"f({pattern})", mode="eval").body
    assert isinstance(node, ast.Call)
    return [*map(ast.unparse, node.args), *(f"{k.arg}={ast.unparse(k.value)}" for k in node.keywords)]


def _arguments(function: str, call: Call) -> list[str]:
    node = ast.parse(call.text, mode="eval").body
    assert isinstance(node, ast.Call)
    own = [ast.unparse(node.func.value)] if function.startswith(".") else []  # type: ignore[attr-defined]
    return [*own, *map(ast.unparse, node.args), *(f"{k.arg}={ast.unparse(k.value)}" for k in node.keywords)]


def keywords_of(function: str) -> list[str]:
    """The keywords that a function documents, in its signature or in the first lines of its text."""
    thing = _thing(function)
    if not callable(thing):
        return []
    names: set[str] = set()
    if isinstance(thing, np.ufunc):
        names = {"out", "where", "casting", "order", "dtype", "subok", "signature"} | (
            {"axis", "axes", "keepdims"} if thing.signature else set()
        )
    else:
        try:
            names = {p.name for p in inspect.signature(thing).parameters.values() if p.kind.value in (1, 3)}
        except (ValueError, TypeError):
            pass
        names |= set(re.findall(r"(\w+)\s*=", " ".join((thing.__doc__ or "").split("\n")[:6])))
    return sorted(names & KEYWORDS.keys())


def _thing(function: str) -> Any:
    return getattr(np.ndarray, function[1:]) if function.startswith(".") else eval(function, dict(HOME))


def _accepted(function: str, tries: Any) -> Iterator[Call]:
    seen: set[str] = set()
    for arguments in tries:
        named = [a.partition("=")[0] for a in arguments if re.match(r"\w+=[^=]", a)]
        if "where" in named and "out" not in named and isinstance(_thing(function), np.ufunc):
            continue  # the rest of the result is whatever was there
        text = _written(function, arguments)
        if "out" in named and "e" in arguments:  # of nothing, NumPy takes arrays of any shape for that
            continue
        if text is None or text in seen or len(named) > len(set(named)):
            continue
        seen.add(text)
        call = call_of(text)
        if call is not None:
            yield call


def _written(function: str, arguments: list[str]) -> str | None:
    if not function.startswith("."):
        return f"{function}({', '.join(arguments)})"
    if not arguments or not isinstance(
        ast.parse(arguments[0], mode="eval").body, (ast.Name, ast.Attribute, ast.Subscript)
    ):
        return None
    receiver = arguments[0]
    if function[1:] in CHANGING:
        places = {v: k for k, v in PLACES.items()}
        receiver = places.get(receiver, receiver)
        if receiver not in PLACES:
            return None
    if not callable(_thing(function)):
        return f"{receiver}{function}" if len(arguments) == 1 else None
    return f"{receiver}{function}({', '.join(arguments[1:])})"


def call_of(text: str) -> Call | None:
    """The call, if NumPy accepts it, twice alike, and gives real numbers that may depend on floats.

    Its variables are in the domain in which most of what it gives is finite; the rest is not asked for.
    """
    code = compile(text, "call", "eval")
    places = [place for place in PLACES if place in code.co_names]
    used = {*code.co_names, *(PLACES[place] for place in places)}
    variables = tuple(x for x in VARIABLES if x in used)
    if FLOATS.isdisjoint(variables):
        return None
    outputs, again = _run(code, variables, places), _run(code, variables, places)
    if not outputs or not again or not _alike(outputs, again):
        return None
    if "e" in variables and all(np.isnan(x).all() for _, x in outputs):
        return None  # the mean of nothing, of which NumPy warns
    domain, outputs = max(_in_domains(code, variables, places, outputs), key=lambda x: _finite_part(x[1]))
    draw = np.random.default_rng(zlib.crc32(text.encode()))
    weights, terms = [], []
    for j, (path, value) in enumerate(outputs):
        weight = np.round(draw.uniform(-2.0, 2.0, np.shape(value)), 3)
        finite = np.isfinite(value)
        name = path if np.all(finite) or not np.any(finite) else f"{path}[F{j}]"
        if name != path:
            weights.append((f"F{j}", finite))
            weight = weight[finite]
        elif not np.any(finite) and np.size(value) and _finite_part(outputs):
            continue
        weights.append((f"W{j}", weight if weight.ndim else float(weight)))
        terms.append(f"np.sum(W{j} * {name})" if isinstance(value, np.ndarray) else f"W{j} * {name}")
    setup = "".join(f"    {p} = {PLACES[p]}.copy()\n" for p in places)
    own = f"    y = {text}\n" if outputs[0][0].startswith("y") else f"    {text}\n"
    program = f"def f({', '.join(variables)}):\n{setup}{own}    return {' + '.join(terms)}\n"
    kinds = frozenset(np.asarray(x).dtype.name for _, x in outputs)
    return Call(text, variables, program, tuple(weights), kinds, domain)


def _in_domains(code: CodeType, variables: tuple[str, ...], places: list[str], outputs: Any) -> Iterator[Any]:
    """What the call gives in each domain, until all is finite."""
    for domain in DOMAINS:
        found = outputs if domain == REAL else _run(code, variables, places, domain)
        if [path for path, _ in found] == [path for path, _ in outputs]:
            yield domain, found
            if _finite_part(found) == 1.0:
                return


def _finite_part(outputs: list[tuple[str, Any]]) -> float:
    finite = [np.isfinite(x).ravel() for _, x in outputs]
    return float(np.mean(np.concatenate(finite))) if any(x.size for x in finite) else 1.0


def _run(
    code: CodeType, variables: tuple[str, ...], places: list[str], domain: str = REAL
) -> list[tuple[str, Any]]:
    """What a call gives: each number or array with the text that reaches it. Nothing where it fails."""
    names = given_values(variables, domain)
    names.update(zip(places, given_values([PLACES[p] for p in places], domain).values(), strict=True))
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            outcome = eval(code, {**HOME, **names})
    except Exception:
        return []
    name = "y"
    if outcome is None and places:  # it has written
        outcome, name = names[places[0]], places[0]
    outputs = list(_outputs(outcome, name))
    return outputs if all(np.asarray(x).dtype.kind in "fiub" for _, x in outputs) else []


def _outputs(outcome: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(outcome, (tuple, list)):
        for j, item in enumerate(outcome):
            yield from _outputs(item, f"{path}[{j}]")
    elif isinstance(outcome, (np.ndarray, np.generic, bool, int, float, complex)):
        yield path, outcome
    else:
        yield path, "no number"


def _alike(a: list[tuple[str, Any]], b: list[tuple[str, Any]]) -> bool:
    return all(np.array_equal(x, y, equal_nan=True) for (_, x), (_, y) in zip(a, b, strict=True))
