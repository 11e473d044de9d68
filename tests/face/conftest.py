"""How often functions are compiled."""

from __future__ import annotations

import pytest

from revcompile import dispatch


@pytest.fixture
def compilations(monkeypatch):
    """The functions that are compiled in a test, which begins with nothing remembered."""
    found = []
    original = dispatch.compile_gradient

    def counting(request, *rest):
        found.append(request.source.function.__name__)
        return original(request, *rest)

    dispatch.forget_all()
    monkeypatch.setattr(dispatch, "compile_gradient", counting)
    return found
