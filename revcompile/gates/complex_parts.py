"""What asks for the parts of complex numbers, of real ones. Imports NumPy and the compositions."""

from __future__ import annotations

from typing import Any

import numpy as np

from revcompile.gates.compositions import as_array
from revcompile.gates.samples import example, real
from revcompile.gates.table import composed, elementwise, known

REAL = [example(real()), example(real(3)), example(real(2, 3))]

known(np.iscomplex, np.isreal, np.angle)
known(np.isposinf, np.isneginf, signature=("x",))
elementwise("conjugate", np.conjugate, x="1")


@composed(np.real, examples=REAL)
def real_(val: Any) -> Any:
    return np.asarray(val) if isinstance(val, (list, tuple)) else val


@composed(np.imag)
def imag(val: Any) -> Any:
    return np.zeros_like(val) if np.ndim(val) else val * 0


@composed(np.iscomplexobj)
def iscomplexobj(x: Any) -> Any:
    return False


@composed(np.isrealobj)
def isrealobj(x: Any) -> Any:
    return True


@composed(np.real_if_close, examples=REAL)
def real_if_close(a: Any, tol: Any = 100) -> Any:
    return as_array(a)
