"""A run of the primal that finds out what a call as it is gives: see `frontend/foreign`.

Imports the front end's names, the IR and what loads text.
"""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from revcompile.codegen.linked import Linked, Texts
from revcompile.codegen.load import Namespace, make_function
from revcompile.codegen.module import function_text
from revcompile.errors import HostError, host
from revcompile.frontend.names import HostNames
from revcompile.frontend.undone import undone
from revcompile.gates.draws import unseen
from revcompile.ir.nodes import Function


@dataclass(frozen=True)
class Run:
    """A call of `function` with these arguments."""

    function: FunctionType
    signature: inspect.Signature
    arguments: Mapping[str, Any]
    namespace: Namespace
    host: HostNames

    def find_out(self, linked: Linked, primal: Function, changing: Sequence[Any]) -> None:
        """Run the primal up to a call of which it is not known what it gives. Raises NotKnownYet there.

        Random numbers are drawn again when the function runs, what raises will raise again, and what calls
        on `changing` do to the program is undone.
        """
        live = [(item.value, item.path.text) for item in self.host.live.values()]
        roots = {item.path.root for item in self.host.live.values()}
        texts = Texts(self.namespace, (primal.name,), live, roots, True)
        lines, helpers = texts.write(linked, linked.function.result)
        text = function_text(primal.name, self.signature, lines)
        code = self.namespace.compile(text, f"first run of {primal.name}")
        run = make_function(code, self.namespace, self.function, self.namespace.having(helpers))
        given = inspect.BoundArguments(self.signature, OrderedDict(self.arguments))
        try:
            objects = self.host.objects_of.values()
            with unseen(self.arguments, objects), undone(changing), host():
                run(*given.args, **given.kwargs)
        except HostError:
            if primal.body.raises:  # there is nothing else that it does
                raise
