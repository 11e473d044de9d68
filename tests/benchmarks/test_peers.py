"""README's table against the peers: what it says about their behaviour, where they are installed."""

from __future__ import annotations

import numpy as np
import pytest

from revcompile import grad


def square_if_positive(x):
    if x > 0:
        return x * x
    return 0.0 * x


def test_ours() -> None:
    compiled = grad(square_if_positive)
    assert compiled(3.0) == 6.0
    assert compiled(3) == 6.0
    assert compiled(-3.0) == 0.0


def test_autograd() -> None:
    autograd = pytest.importorskip("autograd")
    assert autograd.grad(square_if_positive)(3.0) == 6.0
    with pytest.raises(TypeError, match="int"):
        autograd.grad(square_if_positive)(3)

    def update(x):
        y = autograd.numpy.zeros(2)
        y[0] = x
        return y[0]

    with pytest.raises((TypeError, ValueError)):
        autograd.grad(update)(3.0)


def test_jax() -> None:
    jax = pytest.importorskip("jax")
    assert jax.grad(square_if_positive)(3.0) == 6.0
    with pytest.raises(jax.errors.TracerBoolConversionError):
        jax.jit(jax.grad(square_if_positive))(3.0)
    with pytest.raises(TypeError, match="real- or complex-valued inputs"):
        jax.grad(square_if_positive)(3)
    with pytest.raises(jax.errors.TracerArrayConversionError):
        jax.grad(lambda x: np.sin(x))(3.0)

    def update(x):
        y = jax.numpy.zeros(2)
        y[0] = x
        return y[0]

    with pytest.raises(TypeError):
        jax.grad(update)(3.0)


def test_torch() -> None:
    torch = pytest.importorskip("torch")
    x = torch.tensor(3.0, requires_grad=True)
    (gradient,) = torch.autograd.grad(square_if_positive(x), x)
    assert gradient == 6.0
    with pytest.raises(RuntimeError, match="floating point"):
        torch.tensor(3, requires_grad=True)
    with pytest.raises(RuntimeError):
        np.sin(x)

    y = torch.zeros(2)
    y[0] = x * x
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert gradient == 6.0
