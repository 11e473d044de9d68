"""Calls as programs write them, of every function that is said to be supported: right in value and gradient.

Alone, in a loop and in a branch. A line is a program: `y` is what it makes of two arrays, a matrix and a number.
"""

from __future__ import annotations

import itertools
import math
import statistics
import warnings
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad, value_and_grad
from tests.support.oracle import assert_close, numerical_gradients
from tests.support.program import make

X = np.array([0.3, 0.55, 0.9, 1.4])
A = np.array([[0.5, -0.8, 1.1], [0.2, 0.9, -0.4]])
S = np.array([[2.0, 0.3, 0.1], [0.4, 1.5, 0.2], [0.1, 0.3, 1.2]])
NAMES = {
    "W": np.random.default_rng(3).uniform(-2.0, 2.0, 200), "ONE": 1, "N1": 1,
    "math": math, "statistics": statistics, "itertools": itertools,
}  # fmt: skip
LOSS = "np.sum(W[:np.size(y)].reshape(np.shape(y)) * y)"
FORMS = {
    "alone": f"def f(x, A, S, s):\n{{body}}    return {LOSS}\n",
    "for": f"def f(x, A, S, s):\n    sum_ = 0.0\n    for _ in range(ONE + 1):\n{{deep}}        sum_ = sum_ + {LOSS}\n    return sum_\n",
    "if": f"def f(x, A, S, s):\n    if ONE > 0.5:\n{{deep}}        return {LOSS}\n    return 0.0\n",
}
# Of newer versions of NumPy, or of Python.
NEWER = ("unstack", "cumulative_", "matvec", "vecdot", "svdvals", "matrix_norm", "vector_norm", "matrix_transpose", "np.linalg.",
         "sumprod", "correction=", "mean=", "copy=", "weights=[1, 2, 3, 4]", "covariance", "correlation", "np.trapezoid", "np.pow")  # fmt: skip

RIGHT = r"""
y = np.zeros((2, 3))\nfor i, j in np.ndindex(2, 3):\n    y[i, j] = A[i, j] ** 2
y = np.zeros((2, 3))\nfor i, j in np.ndindex(*A.shape):\n    y[i, j] = A[i, j] * s
y = 0.0\nfor idx in np.ndindex(A.shape):\n    if A[idx] > 0:\n        y += A[idx] ** 2
y = 0.0\nfor (i, j), v in np.ndenumerate(A):\n    y += v * s * (1 + j)
y = 0.0\nfor v in np.nditer(A):\n    y += v * v
y = np.array([v * v for v in np.nditer(x)])
y = np.array([A[idx] for idx in np.ndindex(2, 3)])
y = np.zeros(4)\nfor i in np.ndindex(4):\n    y[i] = x[i] * s
y = A.item(1, 2) * x
y = x.item(-1) * A
y = np.sum(A).item() * x
y = x.view() * 2
y = A.T.view() * s
z = x * 1.0\nv = z.view()\nv[0] = s\ny = z * z
y = np.vectorize(lambda t, u: t * u)(x, s)
def q(t):\n    return t ** 3 if t > 0.5 else t\ny = np.vectorize(q)(x)
y = np.vectorize(lambda t: t * s, otypes=[float])(A)
y = statistics.fmean(x) * A
y = statistics.pstdev(x) * x
y = statistics.pvariance(x)
y = statistics.mean([s, x[0], x[1]])
y = statistics.stdev([s, x[0], x[1]])
y = statistics.geometric_mean(x)
y = statistics.variance(list(x))
y = statistics.correlation(x, x * x)
y = np.cov(A)
y = np.cov(A[[0]])
y = np.diff(x[:1])
y = np.diff(A[:N1])
y = np.diff(np.sum(A, axis=0, keepdims=True), axis=0)
y = np.log(x, out=np.zeros(4), where=x > 0.5)
y = np.multiply.accumulate(x)
y = np.add.reduceat(x, [0, 2, 3])
y = np.sum(A, axis=0, initial=s, where=A > 0)
y = np.var(A, axis=0, correction=1)
y = np.delete(x, 1) * s
y = np.insert(x, 2, s)
y = np.append(x, [s, s * s])
y = np.block([[S, S * s], [S * 2, S]])
y = np.resize(x, (2, 3)) * s
a, b = np.unstack(A)\ny = a * b
y = x.astype(float) * s
y = A[np.ix_([0, 1], [0, 2])] * s
y = S[np.diag_indices(3)] * s
y = S[np.triu_indices_from(S, 1)]
y = np.r_[x, s, 1.0]
g = np.mgrid[0:2, 0:3]\ny = A * g[0]
y = np.fromiter((v * s for v in x), float)
y = np.piecewise(x, [x < 0.5, x >= 0.5], [lambda t: t * t, lambda t: t * s])
y = np.apply_over_axes(np.sum, A, [0])
y = np.select([x < 0.5, x < 1.0], [x * x, s * x], default=s)
z = x * 1.0\nnp.place(z, z > 0.5, [s, s * s])\ny = z
z = A * 1.0\nnp.put_along_axis(z, np.argmax(A, axis=1, keepdims=True), s, axis=1)\ny = z
y = np.array(x.tolist()) * s
y = x.real * s + x.imag
y = x[np.where(x > 0.5)] * s
i, j = np.where(A > 0)\ny = A[i, j] * s
y = np.stack(A, axis=1) * s
y = np.einsum(A, [0, 1], S, [1, 2], [0, 2])
y = np.einsum('ij,jk,kl->il', A, S, S, optimize='greedy')
z = np.diag(S).copy()\nz[0] = s\ny = z
y = np.gradient(x, 0.5)
y = np.gradient(A, axis=1)
y = np.interp(s, [0.0, 1.0], x[:2])
y = np.interp(x, [0.0, 0.5, 1.0], [s, 1.0, s * s], period=1.0)
y = np.polyval(x, s)
y = np.polyfit(x, x ** 3, 2) * s
y = np.polyadd(x, [s, 1.0])
q, r = np.polydiv(x, [s, 1.0])\ny = q
y = np.polyder(x)
y = np.roots([1.0, -3.0 - s, 2.0])
y = np.cov(x, x ** 2)
y = np.corrcoef(A)
y = np.bincount([0, 1, 1, 2], x, minlength=5)
h, e1, e2 = np.histogram2d(np.arange(4.0), np.arange(4.0), bins=2, weights=x)\ny = h * s
y = np.percentile(x, 30)
y = np.quantile(x, s)
y = np.nanpercentile(x, 30)
y = np.nanmedian(A, axis=0)
y = np.nancumprod(x)
y = np.cumulative_prod(x)
q, r = divmod(s * 3, 0.4)\ny = r * x
m, e = np.frexp(x)\ny = m * s
y = np.nextafter(x, 2.0)
y = np.logaddexp.accumulate(x)
y = np.i0(x)
y = np.hanning(4) * x
y = np.trapezoid(x, x ** 2)
y = math.gamma(s)
f, w = math.modf(s * 3)\ny = f * x
y = math.hypot(s, s * s, 1.0)
y = math.prod([s, s, 2.0])
y = np.polynomial.polynomial.polyval(x, [1.0, 2.0, 3.0])
y = np.polynomial.chebyshev.chebval(x, [1.0, 2.0, 3.0])
y = np.polynomial.hermite.hermval(s, x)
w, V = np.linalg.eigh(S + S.T)\ny = V * V * w
y = np.linalg.eigvals(S)
u, t, v = np.linalg.svd(A, full_matrices=False)\ny = t * s
u, t, v = np.linalg.svd(S)\ny = u * t @ v
q, r = np.linalg.qr(S)\ny = r
y = np.linalg.qr(S, mode='r')
y = np.linalg.lstsq(A.T, x[:3], rcond=None)[0]
y = np.linalg.pinv(A)
y = np.linalg.cond(S)
y = np.linalg.cond(S, 'fro')
y = np.linalg.matrix_power(S, -2)
y = np.linalg.tensorsolve(S, x[:3])
y = np.linalg.matrix_norm(A)
y = np.linalg.vector_norm(x)
y = np.linalg.vecdot(A, A * s)
y = np.linalg.diagonal(S)
y = np.linalg.outer(x, x)
y = np.cross(A, A[::-1] * s)
y = np.linalg.norm(A, 'fro')
y = np.linalg.norm(A, 2)
y = np.linalg.norm(A, 1)
y = np.linalg.norm(A, axis=1)
y = np.linalg.norm(x, np.inf)
y = np.linalg.norm(A, axis=(0, 1), keepdims=True)
y = np.linalg.inv(S)
y = np.linalg.slogdet(S)[1]
y = np.linalg.solve(S, x[:3])
y = np.linalg.matmul(A, S)
y = np.linalg.matrix_rank(S) * x
y = np.linalg.svd(A).S
v = np.atleast_2d(x)\ny = v * s
y = np.broadcast_to(x, (3, 4)) * s
z = x * 1.0\nv = np.asarray(z)\nv[0] = s\ny = z * z
z = A * 1.0\nfor r in z:\n    r *= s\ny = z * z
y = np.real(x) * np.imag(x) + x
y = np.angle(x) + x
a, b = np.split(x, 2)\ny = a * b
a, b = np.hsplit(S[:2, :2], 2)\ny = a * b
a, b, c = np.array_split(x, 3)\ny = s * np.sum(a) + np.sum(b * b) + np.sum(c)
u, c = np.unique(x, return_counts=True)\ny = u * c
y = np.pad(x, 1) * s
y = np.pad(x, 2, mode='reflect')
y = np.tile(A, (2, 1))
y = np.tril(S) * s
y = np.fft.fftshift(x) * s
y = np.fft.fftfreq(4) * x
y = np.correlate(x, x, mode='full')
y = np.roll(A, 1, axis=1) * s
y = x[np.argsort(-x)] * s
y = np.clip(x, 0.4, s)
y = np.ptp(A, axis=1)
y = np.cumsum(A, axis=1) * s
y = np.ediff1d(x)
y = np.logspace(0, s, 4)
y = np.linspace(s, x[0], 5)
y = np.take(A, [0, 2], axis=1) * s
y = np.compress([True, False, True, True], x)
y = np.flatnonzero(x > 0.5) * s
y = np.count_nonzero(x > 0.5) * x
y = np.nan_to_num(x) * s
y = np.float_power(x, s)
y = np.deg2rad(x)
y = np.cbrt(x)
y = np.inner(A, A)
y = np.matvec(S, x[:3])
y = np.moveaxis(A, 0, 1) * s
y = np.squeeze(x[None]) * s
y = np.dstack([A, A * s])
y = np.full((2, 2), s)
y = np.ones_like(A) * s
y = np.lcm(4, 6) * x
y = np.c_[x, x * s, 1.0 * x] @ S[:, :1]
y = np.c_[s, x[0]]
y = np.c_[np.ones(4), x]
y = np.r_[0.0, np.cumsum(x)]
y = np.r_[A, S]
y = np.r_[x[0], x[1]]
a, b = np.ogrid[0:2, 0:1:3j]\ny = A * (a + b)
a, b = np.mgrid[0:2, 0:3]\ny = A * (a + b * s)
y = statistics.variance(x, statistics.mean(x))
y = statistics.median_high(x)
y = statistics.mean(A.ravel())
y = np.polynomial.polynomial.polyval([s, 1.0], [s, 2.0])
y = np.polynomial.chebyshev.chebval(A, x)
y = np.polynomial.chebyshev.chebval(s, x[:1])
y = np.polynomial.laguerre.lagval(x, x)
y = np.polynomial.hermite.hermval(x, [1.0, 2.0, 3.0, 4.0])
y = np.polynomial.hermite_e.hermeval(s, [1.0, 2.0, 3.0, 4.0])
y = np.fromfunction(lambda i, j: i + j, (2, 3)) * A
y = statistics.mean([v * v for v in x])
y = np.average(x, weights=[1, 2, 3, 4])
y = np.average(A, axis=1, weights=[1, 2, 0])
y = np.average(A, axis=0, weights=[True, False], keepdims=True)
y, w = np.average(A, axis=0, weights=[1, s], returned=True)\ny = y * w
y = np.average(A, axis=0, weights=[1.0, 0.5], keepdims=True)
y = -np.broadcast_to(x[:3], (2, 3)) * A[:, :1]
y = np.vectorize(lambda t: math.sin(t) * s)(x)
y = np.vectorize(math.exp)(A)
y = np.vectorize(lambda t: t if t > 0 else 0.0)(A)
y = np.vectorize(lambda t, n: t * n)(x, np.arange(4))
y = np.vectorize(lambda t, p=2: t ** p)(x)
y = np.zeros((2, 3))\nfor i, j in np.ndindex(A.shape):\n    y[i, j] = A[i, j] * s
y = np.zeros((2, 3))\nfor idx in np.ndindex(A.shape):\n    y[idx] = A[idx] * s
y = 0.0\nfor idx, v in np.ndenumerate(A):\n    y += v * s * (1 + idx[0])
y = 0.0\nfor (i,), v in np.ndenumerate(x):\n    y += v * v * i
y = np.array([v * idx[0] for idx, v in np.ndenumerate(x)])
y = np.array([A[i, j] * S[i, j] for i, j in np.ndindex(2, 3) if i != j])
y = A.item(3) * x
y = A.item((1, 2)) * x
y = x.item(0) + x.item(1)
y = x[1].item() * A
y = A.view()[0] * x[0]
y = np.vectorize(lambda t: t * t + 1)(x)
y = np.vectorize(lambda t, u: t * u if t > u else t + u)(A, 0.3)
y = np.vectorize(lambda t: np.where(t > 0.5, t, 0.0))(x)
g = np.vectorize(lambda t: t * s)\ny = g(x)
y = statistics.mean(x)
y = statistics.stdev(x)
y = statistics.variance(x)
y = statistics.median(x)
y = statistics.fmean([s, x[0], x[1]])
y = statistics.harmonic_mean(x)
y = statistics.median_low(x)
y = statistics.fmean(x, weights=[1, 2, 3, 4])
y = statistics.covariance(x, x * x)
y = np.cov(x, x * x)
y = np.diff(A[:1], axis=0)
y = np.diff(A[:, :N1], axis=1)
y = np.corrcoef(A[:N1], S)
y = np.add.reduce(A, axis=1) * s
y = np.subtract.outer(x, x) * s
z = x * 1.0\nnp.add.at(z, [0, 0, 1], s)\ny = z * z
y = np.mean(A, axis=1, where=A > -0.5)
y = np.std(x, mean=np.mean(x, keepdims=True))
y = np.delete(A, [0, 2], axis=1)
y = np.insert(A, 1, s, axis=1)
y = np.append(A, A * s, axis=0)
y = np.block([x, s])
y = np.trim_zeros(np.concatenate([[0.0], x, [0.0, 0.0]]))
y = np.vstack([x, x * s])
y = x.astype(np.float32).astype(float) * 0 + x
i, j = np.indices((2, 3))\ny = A * (i + j)
y = S[np.tril_indices(3)] * s
y = np.c_[x, x * s]
y = x[np.s_[1:3]] * s
a, b = np.ogrid[0:2, 0:3]\ny = A * (a + b)
y = np.fromiter((v * s for v in x), dtype=float, count=4)
y = np.apply_along_axis(np.sum, 0, A)
y = np.apply_over_axes(np.mean, A, (0, 1))
y = np.choose([0, 1, 0, 1], [x, x * s])
z = x * 1.0\nnp.putmask(z, z > 0.5, s)\ny = z * x
y = x.flat[2] * s
y = np.array([[v * s for v in r] for r in A.tolist()])
y = np.conj(x) * s
i, = np.where(x > 0.5)\ny = x[i] * s
y = np.concatenate(A) * s
y = np.hstack(A)
y = np.einsum('ij,jk->ik', A, S, optimize=True)
z = np.diag(x)\nz[0, 1] = s\ny = z * z
y = np.gradient(x)
y = np.gradient(x, np.cumsum(x))
a, b = np.gradient(S)\ny = a * b
y = np.interp(x, np.linspace(0, 2, 4), x * s, left=s, right=0.0)
y = np.unwrap(x * 7)
y = np.polyfit(np.arange(4.0), x, 1)
y = np.poly(x)
y = np.polymul(x, [s, 1.0])
y = np.polysub(x, [s])
y = np.polyint(x)
y = np.vander(x, 3)
y = np.cov(A, bias=True)
y = np.bincount([0, 1, 1, 2], weights=x)
h, e = np.histogram(np.arange(4.0), bins=3, weights=x)\ny = h * s
y = x[np.digitize([0.4, 1.2], x)] * s
y = np.percentile(A, [20, 50], axis=1)
y = np.quantile(A, 0.3, axis=0, method='linear')
y = np.nanquantile(A, 0.4, axis=1)
y = np.nancumsum(x) * s
y = np.cumulative_sum(x, include_initial=True)
f, w = np.modf(x * 3)\ny = f * s
y = np.ldexp(x, 2)
y = np.spacing(x) + x
y = np.logaddexp.reduce(x)
y = np.bartlett(4) * x
y = np.partition(x, 2)
y = np.trapezoid(A, dx=s, axis=1)
y = math.lgamma(s + 1)
y = math.remainder(s, 0.4)
y = math.dist([s, 1.0], [0.0, s * s])
y = math.sumprod([s, 1.0], [s, s]) if hasattr(math, 'sumprod') else s
y = np.polynomial.polynomial.polyval(s, x)
y = np.polynomial.legendre.legval(s, x)
y = np.linalg.eigvalsh(S + S.T)
y = np.linalg.eigvalsh(S, UPLO='U')
w, V = np.linalg.eig(S)\ny = w * s
y = np.linalg.svd(A, compute_uv=False)
y = np.linalg.svdvals(A)
q, r = np.linalg.qr(A)\ny = r * s
sol, res, rank, sv = np.linalg.lstsq(A.T, x[:3], rcond=None)\ny = sol
y = np.linalg.pinv(A, rcond=1e-10) * s
y = np.linalg.cond(S, 1)
y = np.linalg.matrix_power(S, 3)
y = np.linalg.multi_dot([A, S, S.T, x[:3]])
y = np.linalg.tensorinv(S, ind=1)
y = np.linalg.matrix_norm(A, ord=2)
y = np.linalg.vector_norm(A, axis=1, ord=3)
y = np.linalg.matrix_transpose(A) * s
y = np.linalg.trace(S)
y = np.linalg.cross(A[0], A[1])
y = np.cross(A[0], S)
y = np.cross(A[:, :2], S[:2, :2])
y = np.cross([s, A[0, 0]], A[1, :2])
y = np.cross(A[0, :2], S[1])
y = np.linalg.norm(A)
y = np.linalg.norm(A, 'nuc')
y = np.linalg.norm(A, -2)
y = np.linalg.norm(A, np.inf)
y = np.linalg.norm(x, 3)
y = np.linalg.norm(x, 0) * s
y = np.linalg.norm(np.stack([S, S * s]), axis=(1, 2))
y = np.linalg.det(S)
sign, ld = np.linalg.slogdet(S)\ny = ld * sign
y = np.linalg.cholesky(S @ S.T)
y = np.linalg.tensordot(A, S, axes=1)
y = np.linalg.eigh(S @ S.T).eigenvalues
z = A * 1.0\na, b = z\na[0] = s\ny = z * z
z = A * 1.0\nv = z.T\nv[0] = s\ny = z * z
z = A * 1.0\nfor r in z:\n    r[0] = s\ny = z * z
y = np.real_if_close(x) * s
y = np.isreal(x) * x
y = np.split(x, [1, 3])[1] * s
y = np.array_split(x, 3)[0] * s
a, b = np.vsplit(A, 2)\ny = a * b
u, i = np.unique(x, return_inverse=True)\ny = u[i] * s
y = np.unique(x) * s
y = np.pad(A, ((1, 0), (0, 2)), mode='edge')
y = np.tile(x, 2) * s
y = np.tri(3) * S
y = np.rot90(S) * s
y = np.fft.ifftshift(x) * s
y = np.convolve(x, [1.0, s, 0.5], mode='same')
y = np.kron(A, S)
y = np.sort(x * s)[::-1]
y = np.maximum.reduce(A, axis=1)
y = np.heaviside(x - 0.5, 0.5) * x
y = np.average(A, axis=1, weights=[s, 1.0, 2.0])
y = np.diff(x, n=2, prepend=s)
y = np.meshgrid(x, A[0])[0] * s
y = np.geomspace(0.5, s + 1, 4) * x
y = np.searchsorted(x, s) * x
y = np.take_along_axis(A, np.argsort(A, axis=1), axis=1)
y = np.extract(x > 0.5, x) * s
y = np.lexsort((x,)) * x
y = np.isclose(x, 0.3) * x
y = np.fmin(x, s)
y = np.sinc(x)
y = np.exp2(x) * np.log1p(s)
y = np.vdot(A, A)
y = np.tensordot(A, S, axes=([1], [0]))
y = np.vecdot(A, A)
y = np.expand_dims(x, (0, 2)) * s
y = np.fliplr(A) * s
y = np.column_stack([x, x * s])
y = np.full_like(A, s)
y = np.fromfunction(lambda i, j: A[0, 0] * i + j, (2, 3))
y = np.mask_indices(3, np.triu)[0] * s
y = np.c_[A.T, A[0]]
y = np.c_[[1.0, 2.0], A[:, 0]]
y = np.r_[s, x[1:], -s]
y = np.r_[x, [1.0, 2.0], [s, s]]
y = np.r_[x, 0:3, 1:2:3j]
y = np.r_[x]
g = np.ogrid[0:2, 0:3]\ny = A * g[0] * g[1]
y = statistics.pvariance(x, s)
y = statistics.harmonic_mean(x, weights=[1, 2, 3, 4])
y = statistics.mean([1.0, 2.0, 4.0]) * x
y = np.polynomial.polynomial.polyval(A, x)
y = np.polynomial.polynomial.polyval(s, [s])
y = np.polynomial.chebyshev.chebval(s, x[:2])
y = np.polynomial.legendre.legval(x, [0.0, 0.0, 1.0])
y = np.polynomial.laguerre.lagval(s, [1.0, 2.0, 3.0, 4.0])
y = np.polynomial.hermite_e.hermeval(x, x)
y = np.fromfunction(lambda i: i * s, (4,), dtype=int)
y = np.fromfunction(lambda i, j: A[i, j] * s, (2, 3), dtype=int)
y = np.average(x, weights=np.arange(4))
y = np.average(A, weights=A > 0)
y, w = np.average(A, axis=0, weights=[1, 2], returned=True)
y = np.average(A, axis=1, weights=[1, s, 2.0])
y = np.broadcast_to(x[:3], (1, 3)) * A[:, :1]
y = A[:, :1] / np.broadcast_to(x[:3], (1, 3))
y = np.vectorize(np.sin)(x)
y = np.vectorize(lambda t: max(0.0, t))(A)
def q(t):\n    z = 0.0\n    for k in range(3):\n        z += t ** k\n    return z\ny = np.vectorize(q)(A)
y = np.pad(x, 2, mode='mean')
y = np.pad(x, (1, 3), mode='mean', stat_length=2)
y = np.pad(x, 2, mode='maximum') * s
y = np.pad(A, ((1, 0), (2, 1)), mode='minimum')
y = np.pad(x, 2, mode='linear_ramp', end_values=s)
y = np.pad(x, 2, mode='linear_ramp')
y = np.pad(A, ((1, 2), (0, 1)), mode='linear_ramp', end_values=((s, 1.0), (2.0, s)))
y = np.pad(A, 1, 'mean') * s
y = x.view(np.ndarray) * s
y = x.view() * s
y = np.cov(A[:, :1].T)
y = np.cov(A[:N1])
y = np.cov(A[:N1 + 1])
y = np.squeeze(A[:N1]) * s
y = np.squeeze(A[:N1 + 1]) * s
y = np.iscomplexobj(x) + x * s
y = x * s if np.isrealobj(x) else x
y = np.power(x, x > 0.5) * s
y = A ** (A > 0)
y = np.float_power(A, A > 0)
y = max(x, default=s)
y = max(x[:0], default=s)
y = min(x[x > 0.5], default=s)
y = max(x[x > 10.0], default=s * s)
y = max([v * s for v in x], default=0.0)
y = A.all(1, None, None) * A[:, 0]
y = A.any(axis=1, keepdims=True) * A
y = (A > 0).any(0) * A
z = x * 1.0\nv = np.ravel(z)\nv[0] = s\ny = z * z
z = A * 1.0\nv = z.reshape(3, 2)\nv[0] = s\ny = z * z
z = A * 1.0\nv = z.ravel()\nv[1] = s\ny = z * z
z = A * 1.0\nnp.flip(z)[0, 0] = s\ny = z * z
z = S * 1.0\nv = np.rot90(z)\nv[0, 0] = s\ny = z * z
z = x * 1.0\nv = np.atleast_2d(z)\nv[0, 1] = s\ny = z * z
z = x * 1.0\nv = np.ascontiguousarray(z)\nv[0] = s\ny = z * z
z = A * 1.0\nz.flat = x[0]\nz.T.flat[::4] = s\ny = z * A
""".strip().splitlines()

REFUSED = {
    "y = np.vectorize(lambda t: max(0, t))(A)": "a result of np.vectorize may be a whole number",
    "y = np.polynomial.Polynomial([1.0, 2.0])(x)": "no gate rule for a Polynomial",
    "y = np.poly1d(x)(s)": "no gate rule for numpy.poly1d",
    "y = np.abs(np.fft.rfft(x)) ** 2": "no gate rule for numpy.fft.rfft, which gives complex numbers",
    "y = np.r_['0,2', x, x]": "np.r_[...] with such an item is not supported",
}


def in_form(line: str, form: str) -> Any:
    body, deep = ("".join(f"{' ' * n}{part}\n" for part in line.split("\\n")) for n in (4, 8))
    return make(FORMS[form].format(body=body, deep=deep), **NAMES)


@pytest.mark.parametrize(("form", "optimize"), [("alone", True), ("for", False), ("if", True)])
@pytest.mark.parametrize("line", RIGHT)
def test_right(line: str, form: str, optimize: bool) -> None:
    f, args = in_form(line, form), (X, A, S, 0.7)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            expected = f(*args)
        except (AttributeError, TypeError, ValueError):
            assert any(name in line for name in (*NEWER, "np.cross("))  # which takes no pairs any more
            pytest.skip("of another version")
        value, found = value_and_grad(f, optimize=optimize)(*args)
        assert value == pytest.approx(expected, rel=1e-9)
        assert_close(found, numerical_gradients(f, args), 2e-5, 2e-6)


@pytest.mark.parametrize(("line", "words"), REFUSED.items())
def test_refused(line: str, words: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        grad(in_form(line, "alone"))(X, A, S, 0.7)
    assert caught.value.reason.startswith(words)
    assert caught.value.place is not None
