"""What is printed of an expression is read as that expression, on one line, without needless parentheses."""

from __future__ import annotations

import ast
import random

import pytest

from revcompile.codegen.text import to_text
from revcompile.errors import InternalError

LOAD = ast.Load()
BINARY = (
    ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.MatMult, ast.Mod, ast.FloorDiv, ast.BitOr, ast.BitAnd,
    ast.BitXor, ast.LShift, ast.RShift,
)  # fmt: skip


def expression(r: random.Random, depth: int) -> ast.expr:
    """A random expression of the forms that generated code has."""

    def inner() -> ast.expr:
        return expression(r, depth - 1)

    def some() -> list[ast.expr]:
        return [inner() for _ in range(r.randrange(3))]

    if depth <= 0 or r.random() < 0.2:
        constants = (1, 0, True, None, ..., "a", "it's", b"q")
        return r.choice([ast.Name(r.choice("xyz"), LOAD), ast.Constant(r.choice(constants))])
    form = r.randrange(13)
    if form == 0:
        return ast.BinOp(inner(), r.choice(BINARY)(), inner())
    if form == 1:
        return ast.UnaryOp(r.choice([ast.USub, ast.Not, ast.Invert, ast.UAdd])(), inner())
    if form == 2:
        return ast.BoolOp(r.choice([ast.And, ast.Or])(), [inner(), inner(), inner()])
    if form == 3:
        return ast.Compare(inner(), [ast.Lt(), ast.NotIn()], [inner(), inner()])
    if form == 4:
        return ast.IfExp(inner(), inner(), inner())
    if form == 5:
        return ast.Call(inner(), [*some(), ast.Starred(inner(), LOAD)], [ast.keyword("k", inner())])
    if form == 6:
        return ast.Call(inner(), some(), [ast.keyword(None, inner())])
    if form == 7:
        return ast.Attribute(inner(), "T", LOAD)
    if form == 8:
        return ast.Subscript(inner(), ast.Tuple([inner(), ast.Slice(None, inner())], LOAD), LOAD)
    if form == 9:
        return ast.Subscript(inner(), ast.Slice(inner(), None, inner()), LOAD)
    if form == 10:
        return r.choice([ast.Tuple, ast.List])(some(), LOAD)
    if form == 11:
        return ast.Dict([inner(), inner()], [inner(), inner()])
    return ast.Lambda(ast.arguments([], [], None, [], [], None, []), inner())


@pytest.mark.parametrize("seed", range(8))
def test_what_is_printed_is_read_again(seed: int) -> None:
    r = random.Random(seed)
    for _ in range(100):
        tree = expression(r, r.randrange(1, 4))
        text = to_text(tree)
        assert "\n" not in text
        assert ast.dump(ast.parse(text, mode="eval").body) == ast.dump(tree), text


@pytest.mark.parametrize(
    "text",
    [
        "a - (b + c)", "a - b + c", "a / b * c", "a / (b * c)", "-x ** 2", "(-x) ** 2", "x ** -y", "a ** b ** c",
        "(a ** b) ** c", "a * -b", "not a == b", "(not a) + b", "(a if b else c) + d", "f(a if b else c)",
        "x[0, 1:]", "x[:, (a, b)]", "x.T @ (w * x)", "(a + b).T", "(1).real", "a < b", "(a, b)", "f((a, b))",
    ],
)  # fmt: skip
def test_parentheses_stand_where_they_are_needed(text: str) -> None:
    assert to_text(ast.parse(text, mode="eval").body) == text


@pytest.mark.parametrize("text", ["[x for x in y]", "lambda x: x", "f(x for x in y)", "{x: y for x, y in z}"])
def test_what_is_rare_is_printed_too(text: str) -> None:
    tree = ast.parse(text, mode="eval").body
    assert ast.dump(ast.parse(to_text(tree), mode="eval").body) == ast.dump(tree)


@pytest.mark.parametrize(
    "tree",
    [
        ast.Name("x; y", LOAD),
        ast.Attribute(ast.Name("x", LOAD), "T + y", LOAD),
        ast.Call(ast.Name("f", LOAD), [], [ast.keyword("a=1, b", ast.Constant(1))]),
        ast.Dict([ast.Name("x, y", LOAD)], [ast.Constant(1)]),
        ast.Return(ast.Name("x; y", LOAD)),
        ast.Constant(1j),
        ast.Return(ast.Constant(1j)),
    ],
)
def test_what_would_be_other_code_is_refused(tree: ast.AST) -> None:
    with pytest.raises(InternalError):
        to_text(tree)
