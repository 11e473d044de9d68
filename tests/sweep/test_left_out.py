"""What the sweep leaves out, in programs: files, types, other number systems, objects that are no numbers.

With a differentiated value it is right or refused; of constants it is what NumPy gives, effects included.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, value_and_grad
from tests.support.program import make

X = np.array([0.3, 0.5, 0.6])
C = np.array([1.0, 2.0, 4.0])

# A line of a program of x, which is differentiated, and of the constants C and n = 3; y is what it gives.
OF_X = """
np.save(PATH, x); y = x * 2
np.savetxt(PATH, x); y = x * 2
np.savez(PATH, a=x); y = x * 2
x.tofile(PATH); y = x * 2
x.dump(PATH); y = x
y = np.frombuffer(x.tobytes())
y = np.fromstring(str(x[0]), sep=' ')
y = np.memmap(PATH, dtype=float, mode='w+', shape=3); y[:] = x
y = np.array([float(str(x[0])), 1.0, 2.0])
y = np.array(x.tolist())
y = np.empty(3); y[:] = x
y = np.empty_like(x); y[...] = x * x
y = np.empty((n, 3)); y[0] = x; y[1:] = C; y = y.sum(0)
y = np.empty(3, np.float32); y[:] = x
y = np.empty_like(x, dtype=int); y[:] = x * 9
y = np.ndarray(3); y[:] = x
y = np.asmatrix(x)
y = np.matrix(x).A1
y = np.ma.array(x, mask=[0, 1, 0]).filled(0.0)
y = np.ma.masked_less(x, 0.4)
y = np.rec.array(x)
y = np.char.add(str(x[0]), 'a')
y = np.polynomial.Polynomial(x)(C)
y = np.polynomial.polynomial.polyval(C, x)
y = np.polynomial.chebyshev.chebval(C, x)
y = np.polynomial.polynomial.polyval(x, C)
y = np.polynomial.legendre.legfit(C, x, 1)
y = np.poly1d(x)(C)
y = np.polyval(np.poly1d(C), x)
np.testing.assert_allclose(x, x); y = x * 3
np.testing.assert_array_equal(x, C); y = x
np.testing.assert_(x[0] < 1); y = x * 3
y = np.random.default_rng(3).normal(size=3) * x
y = np.random.default_rng(3).normal(x, 1.0)
y = np.random.default_rng(3).permutation(x)
y = np.random.RandomState(1).rand(3) * x
y = np.fromiter((v * v for v in x), float)
y = np.fromiter(x, float)
y = np.fromfunction(lambda i: x[0] * i, (3,))
y = np.fft.fft(x).real
y = np.fft.irfft(np.fft.rfft(C))[:3] * x[:2].sum()
y = np.fft.fftshift(x)
y = np.fft.fftfreq(3) * x
y = np.array([v for i, v in np.ndenumerate(x)])
y = np.zeros(3)
for i in np.ndindex(3): y[i] = x[i] * 2
y = np.array([v * 2 for v in np.nditer(x)])
y = np.array([v for v in x.flat])
y = x.view(np.int64)
y = x.view(np.float32)[:3]
y = x.byteswap()
y = x.getfield(np.float64)
y = x.astype(np.complex128).real
y = x.astype(np.longdouble)
y = x.astype(np.float16)
y = np.longdouble(x[0]) * x
y = np.float16(x[0]) * x
y = np.half(x[0]) * x
y = np.int8(x[0] * 9) * x
y = np.uint16(x[0] * 9) * x
y = np.bool(x[0]) * x
y = np.complex64(x[0]).real * x
y = np.str_(x[0]); y = x
y = np.datetime64(3, 'D'); y = x
y = np.can_cast(x.dtype, int) * x
y = np.result_type(x, 1.0).type(2) * x
y = np.finfo(x.dtype).eps + x
y = np.finfo(float).max * 1e-308 * x
y = np.iinfo(np.int32).bits * x
y = np.shares_memory(x, C) * x
y = np.may_share_memory(x, x[1:]) * x
y = np.isrealobj(x) * x
y = np.issubdtype(x.dtype, np.floating) * x
y = np.common_type(x)(3) * x
y = np.array_str(x); y = x
y = len(np.array2string(C)) * x
y = len(np.base_repr(5)) * x
y = np.char.count('aba', 'a') * x
y = np.strings.str_len('aba') * x
y = np.ma.sum(np.ma.array(C, mask=[0, 1, 0])) * x
y = np.rec.array([(1.0, 2)], names='a,b').a[0] * x
y = np.array([(1.0, 2)], dtype=[('a', float), ('b', int)])['a'][0] * x
y = np.busday_count('2020-01-01', '2020-02-01') * x
y = np.seterr(all='ignore'); y = x
y = np.geterr(); y = x
with np.errstate(all='ignore'): y = np.log(x)
with np.printoptions(precision=3): y = np.log(x)
np.set_printoptions(precision=8); y = x
y = np.from_dlpack(x)
y = np.einsum_path('i,i', x, x)[0]; y = x
y = np.broadcast(x, C[:, None]).shape[0] * x
y = np.lib.scimath.sqrt(x)
y = np.emath.log(x)
y = x.flat[1] * x
x.flat[1] = 2.0; y = x * C
y = x * 1.0; y.flat[:2] = x[1:]
y = x.ctypes; y = x
y = x.data; y = x
y = x.itemsize * x
y = x.nbytes * x
y = x.strides[0] * x
y = x.flags.c_contiguous * x
y = x.base is None; y = x
y = np.ogrid[0:3] * x
y = np.mgrid[0:3] * x[0]
y = np.r_[x, 1.0]
y = np.c_[x, C]
y = np.s_[1:]; y = x[y]
y = np.load(FILE) * x
y = np.loadtxt(TEXT) * x
y = np.genfromtxt(TEXT) * x
y = np.fromfile(RAW) * x
y = np.memmap(RAW, float, 'r') * x
y = np.memmap(RAW, float, 'c') * x
y = np.load(FILE, mmap_mode='r'); y = y * x
""".strip().splitlines()


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    names = {name: str(tmp_path / name.lower()) for name in ("PATH", "TEXT", "RAW")}
    names["FILE"] = str(tmp_path / "file.npy")
    np.save(names["FILE"], C)
    np.savetxt(names["TEXT"], C)
    C.tofile(names["RAW"])
    return names


def _programs() -> list[str]:
    found: list[str] = []
    for line in OF_X:
        if line.startswith(("for", "with")) and "y = np.zeros(3)" in found[-1:]:
            found[-1] += "\n    " + line
        else:
            found.append(line)
    return found


def _written(path: str) -> Any:
    return Path(path).read_bytes() if os.path.exists(path) else None


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("text", _programs())
def test_right_or_refused(text: str, optimize: bool, files: dict[str, str]) -> None:
    program = f"def f(x, n):\n    {text}\n    return np.sum(y * WEIGHTS[:np.size(y)].reshape(np.shape(y)))\n"
    names = {**files, "C": C, "WEIGHTS": np.array([0.7, -1.3, 2.1, 0.4, 1.9, -0.6, 0.2])}
    f = make(program, **names)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            wanted = f(X.copy(), 3)
        except Exception as e:
            with pytest.raises((type(e), UnsupportedError)):
                value_and_grad(f, argnums=0, optimize=optimize)(X, 3)
            return
        wrote = _written(files["PATH"])
        if wrote is not None:
            os.remove(files["PATH"])
        try:
            value, found = value_and_grad(f, argnums=0, optimize=optimize)(X, 3)
        except UnsupportedError as e:
            assert "\n" in str(e)
            return
        assert _written(files["PATH"]) == wrote
        np.testing.assert_allclose(value, wanted, rtol=1e-6)
        if wanted.dtype != np.float64:
            return
        rounds = any(kind in text for kind in ("float32", "float16", "half"))
        step = 0.04 if rounds else 1e-6
        slope = [(f(X + e, 3) - f(X - e, 3)) / (2 * step) for e in step * np.eye(3)]
        np.testing.assert_allclose(found, slope, rtol=2e-2 if rounds else 1e-5, atol=1e-7)
