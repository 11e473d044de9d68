"""README's table of what is refused: each row's statement is refused, in the words that stand beside it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from revcompile import UnsupportedError, grad
from tests.support.program import make

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SECTION = re.search(r"### What is refused\n(.*?)\n## ", README, re.DOTALL)
ROW = re.compile(r"^\| (`.*?) \| (.*) \|$", re.MULTILINE)


def rows() -> list[tuple[str, str]]:
    return ROW.findall(SECTION.group(1)) if SECTION else []


def refusal(cell: str) -> UnsupportedError:
    """What the compiler says of a function with the statement of that cell in it."""
    lines = [line.strip().removeprefix("`").removesuffix("`") for line in cell.split("<br>")]
    text = "HISTORY = []\nRUNNING = np.zeros(4)\ndef loss(x, A):\n    s = np.sum(A) * x[0]\n    parts = []\n"
    text += "".join(f"    {line}\n" for line in lines) + "    return s\n"
    with pytest.raises(UnsupportedError) as caught:
        grad(make(text, "loss", __name__="model"))(np.array([0.7, 1.2, 0.4, 1.5]), np.eye(2) + 1.0)
    assert caught.value.place is not None and caught.value.place.line > 5
    return caught.value


def test_there_is_a_table() -> None:
    assert len(rows()) > 20


@pytest.mark.parametrize(("cell", "words"), rows())
def test_refused_in_these_words(cell: str, words: str) -> None:
    assert refusal(cell).reason == words


def test_the_example_of_a_refusal() -> None:
    text = """import numpy as np


def loss(x):
    y = x[::2].reshape(-1)
    y[0] = 1.0
    return np.sum(x * x)
"""
    with pytest.raises(UnsupportedError) as caught:
        grad(make(text, "loss"))(np.ones((4, 4))[:, ::2])
    said = f"UnsupportedError: {caught.value}".replace(caught.value.place.filename, "model.py")
    example = re.search(r"(    UnsupportedError:.*?)\n\n", SECTION.group(1), re.DOTALL).group(1)
    assert re.sub(r"^    ", "", example, flags=re.MULTILINE) == said
