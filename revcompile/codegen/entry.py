"""The text of a gradient's public function: the test of a call, and how its arguments are handed on.

Imports the standard library and the places of lines.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Container, Sequence
from inspect import Signature

from revcompile.codegen.places import same_place
from revcompile.syntax.stack import parsed

INDENT = "    "


def condition_lines(condition: str, failure: str) -> list[str]:
    """`if condition:`, before a body. What raises a `failure` does not hold; without any, nothing can be
    raised."""
    if not failure:
        return [f"{INDENT}if {condition}:"]
    return [
        f"{INDENT}try:",
        f"{INDENT * 2}if not ({condition}):",  # here, as an array has no truth value
        f"{INDENT * 3}raise {failure}",
        f"{INDENT}except {failure}:",
        f"{INDENT * 2}pass",
        f"{INDENT}else:",
    ]


def _own_name(wish: str, texts: Sequence[str]) -> str:
    """A name that stands in none of these texts."""
    name = f"{wish}__0"
    while any(name in text for text in texts):
        name += "_"
    return name


def answering(body: Sequence[str], unchanged: Sequence[str], signature: Signature) -> list[str]:
    """A body that returns its answer only where what was tested before it read it is still so.

    The last line of a body is its only `return`.
    """
    if not unchanged or not body[-1].startswith(f"{INDENT}return "):
        return list(body)
    name = _own_name(
        "answer", [*signature.parameters, *body, *unchanged]
    )  # it is tested before it is returned
    answer = same_place(body[-1].replace("return", f"{name} =", 1), body[-1])
    return [*body[:-1], answer, f"{INDENT}if {' and '.join(unchanged)}:", f"{INDENT * 2}return {name}"]


PRODUCT = re.compile(r"    (\w+) = (\w+ \* \w+)(?: +#.*)?")


def products_returned(body: Sequence[str]) -> list[str]:
    """A body that computes its last products where it returns them: a name costs a store and a load each."""
    lines, last = list(body), body[-1]
    if not last.startswith(f"{INDENT}return "):
        return lines
    names = last.removeprefix(f"{INDENT}return ").split(", ")
    moved: dict[str, str] = {}
    uses = Counter(re.findall(r"\w+", "\n".join(body)))
    while len(lines) > 1 and (found := PRODUCT.fullmatch(lines[-2])):
        name, product = found.groups()
        if name not in names or uses[name] != 2:
            break
        moved[name] = product
        del lines[-2]
    return [*lines[:-1], same_place(f"{INDENT}return {', '.join(moved.get(n, n) for n in names)}", last)]


def hand_over(signature: Signature, function: str) -> str:
    """The call of a function that takes the arguments as a tuple and a dict."""
    positional = [p for p in signature.parameters.values() if p.kind < p.KEYWORD_ONLY]
    args = ", ".join(("*" if p.kind is p.VAR_POSITIONAL else "") + p.name for p in positional)
    keywords = ", ".join(
        f"**{p.name}" if p.kind is p.VAR_KEYWORD else f"{p.name!r}: {p.name}"
        for p in signature.parameters.values()
        if p.kind in (p.KEYWORD_ONLY, p.VAR_KEYWORD)
    )
    comma = "," if len(positional) == 1 else ""
    return f"{function}(({args}{comma}), {{{keywords}}})"


def pass_on(signature: Signature) -> str:
    """The arguments of a call of a function with the same parameters."""
    parts = []
    for p in signature.parameters.values():
        if p.kind is p.VAR_POSITIONAL:
            parts.append(f"*{p.name}")
        elif p.kind is p.VAR_KEYWORD:
            parts.append(f"**{p.name}")
        else:
            parts.append(f"{p.name}={p.name}" if p.kind is p.KEYWORD_ONLY else p.name)
    return ", ".join(parts)


def parameters_kept(
    signature: Signature, body: Sequence[str], taken: Container[str]
) -> tuple[list[str], list[str]]:
    """Statements that keep the parameters which a body assigns to, and that give them back."""
    before = (line.partition("=")[0] for line in body if not line.startswith(f"{INDENT}return "))
    if set(re.findall(r"\w+", " ".join(before))).isdisjoint(signature.parameters):
        return [], []  # as nearly always; else the text may read them there, too
    nodes = list(ast.walk(parsed("\n".join(["def body():", *body]))))
    names = {n.id for n in nodes if isinstance(n, ast.Name)}
    assigned = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    keep, give_back = [], []
    for name in signature.parameters:
        if name in assigned:
            given = f"given_{name}"
            while given in names or given in signature.parameters or given in taken:
                given += "_"
            keep.append(f"{given} = {name}")
            give_back.append(f"{name} = {given}")
    return keep, give_back


def entry_lines(
    signature: Signature,
    condition: str,
    body: Sequence[str],
    unchanged: Sequence[str],
    taken: Container[str],
    *,
    failure: str,
    may_fail: bool,
    blame: str,
    carefully: str,
    beyond: Sequence[str],
) -> list[str]:
    """The lines that serve a call for which `condition` holds.

    `failure` names what any error is, `blame` what is told of it. `carefully` names what serves numbers
    beyond `math`, if there are any: those for which a body raises what `beyond` names.
    """
    lines = condition_lines(condition, failure if may_fail else "")
    keep, give_back = parameters_kept(signature, body, taken)
    back = [INDENT * 3 + line for line in give_back]
    lines += [
        *(INDENT * 2 + line for line in keep),
        f"{INDENT * 2}try:",
        *(same_place(INDENT * 2 + line, line) for line in body),
    ]
    if carefully:
        lines.append(f"{INDENT * 2}except ({', '.join(beyond)}):")
        lines += back or [f"{INDENT * 3}pass"]
    lines += [f"{INDENT * 2}except {failure}:", *back]
    lines += [f"{INDENT * 3}if {hand_over(signature, blame)}:", f"{INDENT * 4}raise"]
    if carefully:
        lines += [INDENT * 2 + line for line in give_back if unchanged]
        lines.append(f"{INDENT * 2}return {hand_over(signature, carefully)}")
    return lines
