"""The two texts of a gradient, for tests of many forms: the optimised one daily, both with the fuzzers."""

from __future__ import annotations

import pytest

TEXTS = [True, pytest.param(False, marks=pytest.mark.fuzz)]  # for `optimize`
