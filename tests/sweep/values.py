"""What the calls of the sweep are made of: variables, patterns of positional arguments, keywords with values.

A call is text. Its lower-case and upper-case names of one letter are the variables below; those that hold floats are
differentiated. No two numbers are equal, none is a whole number, so that few comparisons are ties.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np


def _spread(*shape: int, seed: int) -> np.ndarray:
    return np.round(np.random.default_rng(seed).uniform(-2.0, 2.0, shape), 3) + 1e-4


VARIABLES = {
    "a": 0.7341, "b": 1.3127, "c": -0.8213,  # numbers
    "z": np.array(0.5719),  # an array without axes
    "v": np.array([0.6137, -1.2419, 1.8173]), "w": np.array([1.1039, 0.3171, -0.8117]),
    "p": np.array([0.5147, 0.2129, 0.8081]), "q": np.array([1.5147, 3.1291, 2.0327]),  # in (0, 1), above 1
    "u": np.array([0.4219, 1.0341, -0.7127, 1.9013]), "o": np.array([0.9137]), "e": np.zeros(0),
    "M": _spread(2, 3, seed=1), "T": _spread(3, 2, seed=2), "A": _spread(3, 3, seed=3), "B": _spread(3, 3, seed=4),
    "D": np.array([[3.1207, 0.4119, -0.2231], [0.4119, 2.7173, 0.6141], [-0.2231, 0.6141, 4.0091]]),
    "S": _spread(2, 3, 3, seed=5), "R": _spread(2, 3, 4, seed=6),
    "n": np.array([2, 0, 1]), "k": np.array([True, False, True]), "i": 2,
}  # fmt: skip

REAL, UNIT, LARGE = "real", "between 0 and 1", "above 1"
DOMAINS = {REAL: lambda x: x, UNIT: lambda x: 0.5 + 0.45 * np.tanh(x), LARGE: lambda x: 1.1 + 0.5 * np.exp(x)}


def given_values(names: Iterable[str], domain: str = REAL) -> dict[str, Any]:
    """Those of these variables; what floats they hold are in this domain."""
    found: dict[str, Any] = {}
    for name in names:
        value = np.copy(VARIABLES[name])
        value = DOMAINS[domain](value) if value.dtype.kind == "f" else value
        found[name] = np.asarray(value) if isinstance(VARIABLES[name], np.ndarray) else value.item()
    return found


ONE = """a;c;b;z;v;p;q;u;o;e;M;T;A;D;S;R;n;k;i;-3;[v, w];(v, w);[a, b, 1];[v, p, q];[[a, b], [c, 1.5]];[M, M];(a, v);[v, u]
(2, 3);3;[0.3, 1.7];v > 0;A[0];M.T;[[v, w], [p, q]];(2.5,)""".replace("\n", ";").split(";")  # fmt: skip

TWO = """a, b;c, 2;3, b;v, a;a, v;v, w;p, q;q, p;z, v;v, z;o, v;e, v;e, e;v, u;M, v;v, M;M, T;T, M;A, B;A, v;v, A;S, A;S, v;S, S;D, v;D, A
R, u;R, M;v, 2;v, 1;v, 0;v, -1;M, 0;M, 1;R, (0, 2);R, 1;M, (3, 2);v, (2, 3);v, n;n, v;n, n;v, k;k, v;v, [0, 2];v, [0.5, 1.5, 2.5];[0.5, 1.5, 2.5], v
v, (1, 2, 3);[v, w], 0;[v, w], 1;[v, w], [p, q];(v, w), -1;A, [0, 1];M, n;M, k;A, 0.5;v, 0.5;v, 0.3;M, np.array([[0, 1, 0], [1, 0, 0]]);M, M;M, w[:2, None]
v, True;v, None;v, "C";v, "F";M, "F";v, float;v, int;v, bool;v, np.float32;v, M > 0;3, 2;(2, 3), a;(2, 3), v;3, v;2, u;a, 5;v, w[:2];v[:2], w;v[:2], w[:2]
v, v;A, A.T;v, np.zeros(3);M, np.zeros((2, 3));np.zeros(3), v;v, i;i, v;M, [v, w];M, ((1, 0), (0, 2))""".replace("\n", ";").split(";")  # fmt: skip

THREE = """a, b, 5;a, b, c;a, b, 0.3;v, w, p;k, v, w;v > 0, v, w;k, a, b;k, v, a;M > 0, M, v;v, 0, 1;v, -0.5, 0.5;v, None, 0.5;v, a, None;v, c, b;v, p, q
v, w, 0;M, 1, 0;M, 0, 1;R, 0, 1;R, 1, 2;R, (0, 1), (1, 2);A, 0, 1;A, B, 1;A, B, 2;M, v, 0;M, v, 1;v, n, w;v, n, a;v, [0, 2], [0.5, 1.5];v, 1, a;v, k, a
v, 2, "edge";v, 1, "constant";v, u, "same";v, u, "full";v, p, "valid";v, 1, None;v, 0, None;M, 2, 1;M, 1, True;v, w, 2;v, None, np.zeros(3);v, [-2.0, 0.0, 2.0], w
v, q, w;M, [0, 1], 1;v, 0.3, "linear";v, w, np.zeros(3);A, v, B;p, q, v;z, v, a;a, v, b;v, a, b;M, n, 1;v, 3, 0;S, 1, 2;A, 1, "U";M, None, float;M, 0, float;M, 1, None""".replace("\n", ";").split(";")  # fmt: skip

FOUR = """v, -0.5, 0.5, np.zeros(3);M, 0, None, None;M, 1, float, None;a, b, 5, False;v, w, p, q;A, 0, 0, 1;R, 1, 0, 2;v, c, b, None;M, v, a, 0;M, None, a, 1
v, 1, 0, None;v, [-2.0, 0.0, 2.0], w, a;A, B, 0, 1;M, 0, 1, float;v, 0.3, None, None""".replace("\n", ";").split(";")  # fmt: skip

PATTERNS = ONE + TWO + THREE + FOUR

# The calls that a function needs beside those of the patterns.
OWN = {
    "np.einsum": '"i,i", v, w;"ij,jk->ik", A, B;"ii", A;"ii->i", A;"ij->j", M;"ij,j", M, v;"...i,i", R, u;"i,j->ij", v, u;"bij,bjk->bik", S, S;A, [0, 1], B, [1, 2], [0, 2];A, [0, 0]',
    "np.pad": 'v, (1, 2), "constant";v, 1, "linear_ramp";v, 2, "mean";M, ((1, 0), (0, 2)), "wrap";v, 2, "symmetric";M, 1, "edge";v, 2, "reflect";v, 1, "empty"',
    "np.select": "[k, ~k], [v, w];[v > 0, v > 1], [v, w], a;[v > 1], [a]",
    "np.piecewise": "v, [v > 0], [1.0, 2.0];v, [v > 0, v > 1], [a, b, c]",
    "np.block": "[v, w];[[A, B], [B, A]];[[A], [M]];[a, v]",
    "np.linalg.multi_dot": "[A, B];[A, B, T];[v, A, w];[M, A, B, T]",
    "np.linalg.matrix_power": "A, 3;A, -2;A, 0;S, 2",
    "np.take_along_axis": "M, np.argsort(M, 1), 1;v, n, 0;M, np.array([[0], [2]]), axis=1;M, np.array([0, 2]), None",
    "np.put_along_axis": "t, n, w, 0;t, np.array([0, 2]), a, 0",
    "np.unravel_index": "n, (2, 3)",
    "np.apply_along_axis": "np.sum, 0, M;np.cumsum, 1, M;np.max, 0, A;np.mean, 2, R;lambda row: row * a, 1, M;lambda row: row @ row, 0, A",
    "np.fromfunction": "lambda row: row * a + b, (3,);lambda row, column: row * a + column, (2, 3);lambda row: v * row, (3,)",
    "np.fromiter": "[a, b, c], float;(a, b), np.float32;v, float;(number * a for number in v), float, 3",
    "np.mask_indices": "3, np.triu;3, np.tril, -1;4, np.triu, 1",
    "np.ravel_multi_index": "(n, n), (3, 3)",
    "np.polyval": "[a, b, c], v;[1, 2], v;v, a;v, w",
    "np.polyfit": "v, w, 1;v, w, 2",
    "np.insert": "v, 1, a;v, [0, 2], w[:2];M, 1, v, 0;M, 1, a",
    "np.delete": "v, 1;v, [0, 2];M, 1, 0;M, 1",
    "np.append": "v, a;M, M, 0;M, [v], 0",
    "np.gradient": "v;v, 0.5;v, w;M;M, axis=0;M, 0.5, a;v, np.cumsum(q);R, axis=(0, 2);u, edge_order=2",
    "np.transpose": "R, (1, 0, 2);R, [2, 0, 1];M",
    "np.moveaxis": "R, 0, -1;R, [0, 1], [1, 0]",
    "np.tile": "v, (2, 1);M, 2;a, 3;v, [2]",
    "np.repeat": "v, [1, 2, 0];M, 2, 1;M, [1, 2], 0;a, 3;v, n",
    "np.rot90": "M, 2;M, -1;R, 1, (1, 2);M, 0.5",
    "np.cross": "v, w;w[:2], v;v[:2], w[:2];A, B;A, v;A, B, 0;A, B, axis=0;A, B, 0, 0, 0",
    "np.linalg.cross": "v, w;A, B;A, B, axis=0",
    "np.trapezoid": "v, (0.5, 1.0, 2.5);v, w;M, v;M, [0.5, 1.0, 2.5];v, None, 0.3;M, axis=0;v, dx=a",
    "np.meshgrid": "v, u;v, u, a;a, b;v;v, 2, u;v, [1, 2];n, v",
    "np.tensordot": "A, B;A, B, 1;S, R, ([0, 1], [0, 1]);A, v, 1;A, B, 0;R, M, ([0, 1], [0, 1]);A, B, (1, 0)",
    "np.interp": "v, [-2.0, 0.0, 2.0], w;a, [0.0, 1.0], v[:2];v, np.cumsum(q), w;v, [0.1, 0.5, 1.7], w, left=a, right=b;v, [0.0, 1.0, 2.0], w, period=2.5",
    "np.linalg.norm": 'v;M;v, 1;v, np.inf;v, -np.inf;v, 3;v, 0;M, "fro";M, "nuc";M, 1;M, 2;M, -2;M, np.inf;R, axis=(0, 1);M, 2, 1;S, "fro", (1, 2);A, 2, (0, 1), True;v, 0.5',
    "np.histogram": "v, 3;v, [-2.0, 0.0, 2.0]",
    "np.clip": "v, -0.5, 0.5;v, w, None;v, None, a;v, -0.5, 0.5, order=\"F\";v, min=-0.5;v, max=a, min=c;a, b, c",
    "np.arange": "a;a, 5;a, 3.1, 0.4;3;0, 3, a;0.1, b;2, 5",
    "np.full": "3, a;(2, 3), v;(2, 2), [a, b];(), a;3, a, float;3, a, int",
    "np.copyto": "t, w;t, a;t, w, where=k;t, w, \"unsafe\";t, 2",
    "np.put": "t, [0, 2], w[:2];t, 1, a;t, [0, 5], a, \"clip\";t, [0, 1], w;t, [0, -1], [a, b], mode=\"wrap\"",
    "np.place": "t, k, w;t, t > 0, [a]",
    "np.putmask": "t, k, w;t, t > 0, a",
    "np.fill_diagonal": "tA, a;tA, v;tM, a;tA, 0.5, True",
    **dict.fromkeys(
        [f"np.{u}.at" for u in ("add", "subtract", "multiply", "maximum", "divide")],
        "t, [0, 0, 1], w;t, n, a;t, 1, a;tM, ([0, 1, 0], n), w;t, slice(1, None), a",
    ),
    **dict.fromkeys(["np.percentile", "np.nanpercentile"], "v, 30;M, 30, 1;v, [10, 90];M, 55.5, 0"),
}  # fmt: skip

# What is nonsense on other calls, as NumPy says itself: `xp` must increase.
ONLY_OWN = frozenset(
    {"np.interp", "np.apply_along_axis", "np.fromfunction", "np.fromiter", "np.mask_indices"}
)

KEYWORDS = {
    "axis": "0;1;-1;None;(0, 1);(0,);(0, 2);[0]", "keepdims": "True;False;1", "dtype": "float;np.float32;int;bool;'f8';np.float16;None",
    "where": "k;v > 0;True;M > 0;[True, False, True];False", "initial": "0.5;a;None;2", "out": "np.zeros(3);None;np.zeros((2, 3));np.zeros(2);(np.zeros(3),)",
    "order": '"C";"F";"A";"K"', "casting": '"unsafe";"same_kind";"safe"', "subok": "True;False", "ddof": "1;0;0.5", "correction": "1;0",
    "mode": '"clip";"wrap";"raise";"same";"full";"valid";"r";"complete";"reduced";"raw";"edge";"reflect"', "copy": "True;False;None",
    "n": "2;0;1;4", "k": "1;-1;0;2", "offset": "1;-1;0", "axis1": "1;0", "axis2": "0;1;2", "weights": "p;w;[0.2, 0.3, 0.5];None", "returned": "True;False",
    "prepend": "a;0;v;[1.5]", "append": "b;0;w", "ndmin": "2;0;1", "like": "None;v", "full_matrices": "False;True", "compute_uv": "False;True",
    "UPLO": "'U';'L'", "upper": "True;False", "hermitian": "True;False", "rcond": "0.01;None;1e-15", "rtol": "0.01;None;1e-10", "atol": "0.01",
    "ord": "1;2;'fro';'nuc';np.inf;3;0;-1;None", "decimals": "1;0;2;-1", "ndigits": "1;0", "side": "'left';'right'", "sorter": "None;n", "num": "4;1;0",
    "endpoint": "False;True", "retstep": "True", "base": "2;2.5;v", "start": "a;1", "stop": "5;b", "step": "2;0.5", "repeats": "2;[1, 2, 0]",
    "shift": "1;-2;(1, 2);0", "kind": "'stable';'quicksort';None", "stable": "True;None", "nan": "0.5;0.0", "posinf": "1.0;None", "neginf": "-1.0", "bins": "3;5",
    "method": "'lower';'linear';'nearest';'hazen';'higher';'midpoint'", "overwrite_input": "False;True", "equal_nan": "True;False", "assume_unique": "True",
    "invert": "True", "increasing": "True;False", "N": "2;4", "M": "2;4", "x": "q;w;[0.5, 1.0, 2.5];None", "dx": "0.3;a", "bias": "True;False", "rowvar": "False;True",
    "aweights": "p;None", "fweights": "n;None", "minlength": "4", "axes": "(1, 0);None;2;1;([0], [0]);(0, 1)", "shape": "(3, 1);3;(2, 3)", "newshape": "(3, 1)",
    "edge_order": "1;2", "constant_values": "a;1;(0.5, 1.5)", "end_values": "0.5", "stat_length": "2", "reflect_type": "'odd';'even'", "indexing": "'ij';'xy'", "sparse": "True;False",
    "left": "a;0.0", "right": "b", "period": "2.5;None", "discont": "1.0;None", "fill_value": "a;1;v", "min": "-0.5;c;None", "max": "0.5;b;None", "a_min": "-0.5;None", "a_max": "0.5;b",
    "return_index": "True", "return_inverse": "True", "return_counts": "True", "ddim": "1", "strict": "True;False", "sorted": "True;False", "optimize": "True;False;'greedy'",
    "indices": "n;[0, 2];1", "values": "a;w", "obj": "1;[0, 2]", "condition": "k", "choices": "[v, w]", "default": "a;0", "source": "0", "destination": "1;-1",
    "lo": "0", "axisa": "0;1", "axisb": "0", "axisc": "0", "deg": "1", "rowsum": "1", "trim": "'f';'b'", "mean": "None;a", "normed": "True", "density": "True", "range": "(-2.0, 2.0)",
    "base_start": "1", "rel_tol": "0.1", "abs_tol": "0.1", "p": "2", "indices_or_sections": "3", "sections": "3", "ndim": "2", "pad_width": "1;(1, 2)", "reps": "2;(2, 1)", "window_shape": "2",
    "width": "4", "decimal": "2", "device": "'cpu';None", "unique": "True", "offsets": "1", "a": "v", "b": "w", "x1": "v", "x2": "w", "A": "A", "arr": "v", "m": "M", "y": "w", "array": "v", "ary": "v",
    "compute": "True", "signature": "'dd->d';None;'d->d'", "val": "a", "wrap": "True;False", "matrix": "A", "f": "M", "digits": "1", "rcond_": "1", "full": "True;False", "cov": "True;False", "w": "p",
}  # fmt: skip
