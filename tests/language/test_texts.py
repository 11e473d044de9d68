"""What a function prints is printed by its gradient, to the letter."""

from __future__ import annotations

import pytest

from revcompile import value_and_grad
from tests.support.program import make

STRINGS = [
    r'f"a\n{x}"', r"f'\t{x}\\'", r'''f"it's \"{x:.3f}\" {{x}}"''', r'f"""{x!r}"\'\n{{{x}}}"""', r'f"{x:>12}\x00\r{x:<12}|"',
    r"f'{S}{x}{S!r}'", r'''f"{(S, x)}"''', r'''f"{({'a' + S: x})}"''', r"f'{x}' '\N{BULLET}' f'{x:e}\n'", r"f'{x:{W}.{W}f}\\{W}'",
    r"'%s\n%.2f' % (S, x)", r"'{}\n{!r}{:8.3f}{{'.format(S, x, x)", r"S + str(x) + '\n'", r"S.join(['\\', str(x), f'{x}\'\"'])",
    r"f'{[x, S]}{S * 2}\u2028'", r"f'{x}\x7f'", r"f'{x if x > 0 else S}'", r"f'{x!s:>{W}}{x!a:{W}}#'",
]  # fmt: skip
HELPERS = """
def small(x, say):
    say(TEXT)
    return x * x

def large(x, say):
    s = x
    for i in range(2):
        s = s * x + 0.1 * s * i - s * s * 0.01 + x / (1.0 + x * x) - s * 0.1 * x
        say(TEXT)
    return s

class Model:
    def method(self, x, say):
        say(TEXT)
        return x * x
"""
FORMS = [
    "say(TEXT)\n    return x * x",
    "if x > 0:\n        say(TEXT)\n        return x * x\n    return x",
    "for i in range(3):\n        say(TEXT)\n        x = x * x\n    return x",
    "while x < 10.0:\n        say(TEXT)\n        x = x * x + 1.0\n    return x",
    "for i in range(3):\n        say(TEXT)\n        if i > 0:\n            break\n    return x * x",
    "return small(x, say)", "return large(x, say) + large(2.0 * x, say)", "return Model().method(x, say)",
    "texts = []\n    for i in range(2):\n        texts.append(TEXT)\n    say(texts[1])\n    return x * x",
    "def inner(y):\n        say(TEXT)\n        return y * x\n    return inner(x)",
    "assert x > 0, TEXT\n    return x * x",
]  # fmt: skip
CASES = [(text, FORMS[i % len(FORMS)]) for i, text in enumerate(STRINGS)] + [
    (r'f"\\\n{x}\'{S}"', f) for f in FORMS
]


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("text, form", CASES)
def test_texts(text, form, optimize, capsys):
    program = (
        f"{HELPERS}\ndef f(x):\n    {form}\n".replace("TEXT", text)
        .replace("say(", "print(")
        .replace(", say", "")
    )
    f = make(program, S="a'\\\n\"{b}", W=9)
    g = value_and_grad(f, optimize=optimize)
    for x in (1.25, 1.25, 1.5):
        value = f(x)
        expected = capsys.readouterr().out
        assert g(x)[0] == value
        assert capsys.readouterr().out == expected
    compile(g.source, "source", "exec")


def test_a_failed_assertion_says_what_the_program_says():
    f = make("def f(x):\n    assert x < 0, f'{S}{x}\\n\\\\'\n    return x * x\n", S="'\"\\")
    with pytest.raises(AssertionError, match="1.5") as found:
        value_and_grad(f)(1.5)
    assert str(found.value) == "'\"\\1.5\n\\"


OBJECTS = {
    "plain": "",
    "repr": "    def __repr__(self):\n        return f'P({self.a!r})'\n",
    "str": "    def __str__(self):\n        return f'<{self.a}>'\n",
    "format": "    def __format__(self, spec):\n        return f'{spec}:{self.a}'\n",
}
WRITTEN = ["print(p, repr(p), str(p))", "print(f'{p} {p!r} {p!s}')", "print('%s %r' % (p, p), '%s' % p)",
           "print('{} {!r}'.format(p, p), format(p))", "print([p], (p, 1))", "s = f'{p}'; print(s + s)"]  # fmt: skip


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("kind", OBJECTS)
@pytest.mark.parametrize("written", WRITTEN)
def test_objects_of_the_program(written, kind, optimize, capsys):
    """What an object is written as is asked when the text is made: it may have changed since."""
    text = f"class P:\n    def __init__(self, a):\n        self.a = a\n{OBJECTS[kind]}\np = P(2.0)\n"
    f = make(f"{text}\ndef f(x):\n    if x > 0:\n        {written}\n    return x * x\n")
    g = value_and_grad(f, optimize=optimize)
    for a in (2.0, 3.0, 3.0):
        f.__globals__["p"].a = a
        value = f(1.25)
        expected = capsys.readouterr().out
        assert g(1.25)[0] == value
        assert capsys.readouterr().out == expected


def test_only_what_is_asked_for_is_made(capsys):
    text = "def shown(v):\n    print(v)\n    return v\n\n"
    for first in (
        "map(shown, [2, 3])",
        "(shown(v) for v in [2, 3] if shown(v) > 2)",
        "map(shown, [x, 2 * x])",
    ):
        f = make(f"{text}def f(x):\n    return x * next({first})\n")
        value = f(1.25)
        expected = capsys.readouterr().out
        assert value_and_grad(f)(1.25)[0] == value
        assert capsys.readouterr().out == expected
