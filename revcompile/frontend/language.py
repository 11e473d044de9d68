"""What the parts of the interpreter ask of it about objects, containers and functions of the program.

The half of `Lowerer` that says which room answers.
"""

from __future__ import annotations

import ast
import operator
from collections import deque
from collections.abc import Callable, ItemsView, Iterator, Mapping, ValuesView
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from revcompile.errors import UnsupportedError
from revcompile.frontend import (
    absent,
    builtin,
    calls,
    containers,
    draws,
    expressions,
    foreign,
    gradients,
    growing,
    identities,
    iterators,
    membership,
    objects,
    outside,
    regained,
    writing,
)
from revcompile.frontend.lowering import Lowering
from revcompile.frontend.names import HostObject
from revcompile.gates.halves import Pair, Variant
from revcompile.ir.nodes import Function, Instance, Structure, Value
from revcompile.ir.types import Array, is_float, is_number
from revcompile.statements import iterables, simple
from revcompile.statements.iterables import Bar, Iteration, is_beginning
from revcompile.syntax.abstract import Frame, Gradient, Left, NeedShape, NeedStatic, Regained
from revcompile.syntax.decisions import Restart
from revcompile.syntax.mutable import KINDS, Mutables, is_growing
from revcompile.syntax.operators import symbol_of
from revcompile.syntax.source import Source, find_source, parameters

OWN_SCOPE = (ast.Lambda, ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp)
MAKES_CONTAINER = (ast.List, ast.ListComp, ast.Dict, ast.DictComp, ast.Set, ast.SetComp, ast.BinOp)


class Cells(Instance):
    """The variables `shared` of one activation of a function."""

    __slots__ = ("shared",)

    def __init__(self, shared: frozenset[str], given: dict[str, Structure]) -> None:
        super().__init__(object, given)
        self.shared = shared


@lru_cache(maxsize=1024)
def cell_names(node: ast.FunctionDef | ast.Lambda) -> frozenset[str]:
    """The variables of a function that functions inside it declare `nonlocal`."""
    if isinstance(node, ast.Lambda):
        return frozenset()
    own: set[str] = {a.arg for a in parameters(node)}
    declared: set[str] = set()
    inside: set[str] = set()

    def walk(part: ast.AST) -> None:
        for child in ast.iter_child_nodes(part):
            if isinstance(child, ast.FunctionDef):
                own.add(child.name)
                inside.update(n for s in ast.walk(child) if isinstance(s, ast.Nonlocal) for n in s.names)
            elif isinstance(child, (ast.Nonlocal, ast.Global)):
                declared.update(child.names)
            elif isinstance(child, ast.Name) and not isinstance(child.ctx, ast.Load):
                own.add(child.id)
            elif not isinstance(child, OWN_SCOPE):
                walk(child)

    for statement in node.body:
        walk(ast.Module([statement], []))
    return frozenset((own - declared) & inside)


class Language:
    """Attributes, items, operators and calls, as Python's statements need them."""

    mutables: Mutables
    frames: list[Frame]  # the activations that are being interpreted, the innermost last
    sources: dict[Callable[..., Any], Source]
    # given from above: the gradient function of a primal
    differentiate: Callable[[Function, tuple[str, ...], bool, Structure], Function]
    push_forward: Callable[[Function, Mapping[Value, Structure]], Function]
    batch: Callable[[Callable[[Value], Structure], Value], Structure]
    halve: Callable[[Pair, frozenset[int], frozenset[int]], Variant]
    part: Callable[[Pair, int], Variant]
    slots: int

    @contextmanager
    def tentatively(self: Lowering) -> Iterator[None]:
        """What is interpreted inside leaves no trace where it has to be done in another way."""
        builder, memory, mark = self.builder, self.memory.fork(), self.mutables.mark()
        line = builder.line
        try:
            with builder.tentatively() as statements:
                yield
        except Left:
            builder.statements.extend(statements)
            raise
        except (NeedStatic, Restart):
            self.memory, builder.line = memory, line
            self.mutables.take_back(mark)
            raise
        builder.line = line
        builder.statements.extend(statements)

    def undo(self: Lowering, frame: Frame) -> Callable[[], None]:
        """What takes back all that is done from now on, in the block under construction and to names."""
        builder, memory, mark = self.builder, self.memory.fork(), self.mutables.mark()
        line, block, facts = builder.line, builder.mark(), builder.facts.snapshot()
        names, unset = dict(frame.names), set(frame.unset)

        def undone() -> None:
            builder.take_back(block)
            builder.facts.restore(facts)
            builder.line, self.memory = line, memory
            self.mutables.take_back(mark)
            frame.names, frame.unset = names, unset

        return undone

    def made(self: Lowering, node: ast.expr, structure: Structure) -> Structure:
        """`structure`, which the expression `node` denotes; a new container is the program's own."""
        if type(structure) is Value:
            if self.builder.table.unset and node not in absent.handed_on(self.frames[-1].source.node):
                absent.must_be_there(self, structure)
        elif isinstance(structure, Regained):
            if node not in absent.handed_on(self.frames[-1].source.node):
                return self.regained(structure)
        elif isinstance(structure, KINDS):
            if isinstance(node, MAKES_CONTAINER):
                structure = _made_here(self, node, structure)
            self.mutables.read(structure)
        return structure

    def own(self: Lowering, container: Any) -> Any:
        """`container`, which the program has just made. (What a gate's rule makes is of no interest.)"""
        if self.frames and self.frames[-1].is_rule:
            return container
        return self.mutables.own(container)

    # -- calls --------------------------------------------------------------------------------

    def invoke(self: Lowering, function: Any, *args: Any, **kwargs: Any) -> Structure:
        """`function(*args, **kwargs)`, from where the interpreter is."""
        return calls.call(self, function, args, kwargs, None, self.frames[-1])

    def operate(self: Lowering, function: Callable[..., Any], *args: Structure) -> Structure:
        """A Python operator on what it is applied to."""
        self.work(1)
        return expressions.operate(self, function, *args)

    def operate_in_place(
        self: Lowering, function: Callable[..., Any], old: Structure, new: Structure
    ) -> Structure:
        """What `old op= new` makes of what is no array and no list."""
        if objects.is_object(old):
            return objects.operate_in_place(self, function, old, new)
        return self.operate(function, old, new)

    def condition(self: Lowering, node: ast.expr, frame: Frame) -> ast.expr:
        return iterators.condition(self, node, frame)

    def decisive(self: Lowering, test: Structure) -> Structure:
        """What decides a test: for an object, what its class says."""
        return builtin.truth(self, test) if objects.is_object(test) else test

    def truth(self: Lowering, x: Structure) -> Structure:
        return builtin.truth(self, x)

    def equal(self: Lowering, left: Structure, right: Structure) -> Structure:
        return membership.equal(self, left, right)

    def same(self: Lowering, left: Structure, right: Structure) -> Structure:
        return identities.is_same(self, left, right)

    def source_of(self: Lowering, function: Callable[..., Any]) -> Source:
        """The source of a function of the program, read once in a compilation."""
        if function not in self.sources:
            self.sources[function] = find_source(function)
            self.host.pin(function)
        return self.sources[function]

    # -- names --------------------------------------------------------------------------------

    def make_cells(self: Lowering, node: ast.FunctionDef | ast.Lambda, frame: Frame) -> None:
        """Set the variables of a function apart that functions inside it assign.

        A branch and a loop keep account of the names of the function that they stand in; these may be
        assigned from elsewhere, like the attributes of an object.
        """
        declares = not frame.is_rule and frame.source.may_have("nonlocal")
        shared = cell_names(node) if declares else frozenset[str]()
        if shared:
            given = {name: frame.names.pop(name) for name in shared & frame.names.keys()}
            frame.cells = self.mutables.own(Cells(shared, given))

    def assign_name(self: Lowering, name: str, value: Structure, frame: Frame) -> None:
        """`name = value`"""
        home = frame.outer.get(name, frame)
        if isinstance(home.cells, Cells) and name in home.cells.shared:
            self.mutables.change(home.cells, keeps_length=True)
            home.cells.attributes[name] = value
        else:
            home.names[name] = value

    def at_once(self: Lowering, node: ast.expr, frame: Frame) -> Structure:
        """The value of an expression that may be read more than once."""
        return iterators.at_once(self, node, frame)

    def lazily(self: Lowering, node: ast.expr, frame: Frame) -> Structure:
        """The value of an expression that is about to get a name."""
        return iterators.lazily(self, node, frame)

    def made_ahead(
        self: Lowering, node: ast.expr, frame: Frame
    ) -> tuple[Structure, Callable[[], None] | None]:
        """What a `for` goes through, and what tests in each trip that it could be made before the loop."""
        return iterators.made_ahead(self, node, frame)

    def begun(self: Lowering, iterator: Any) -> Any:
        """An iterator of Python's that is about to give items."""
        return iterators.go_on(self, iterator)

    def delete_name(self: Lowering, name: str, frame: Frame) -> None:
        """`del name`"""
        home = frame.outer.get(name, frame)
        if isinstance(home.cells, Cells) and name in home.cells.shared:
            self.mutables.change(home.cells)
            del home.cells.attributes[name]
        else:
            del home.names[name]

    def declare_nonlocal(self: Lowering, name: str, frame: Frame) -> None:
        """`nonlocal name`"""
        home = frame.parent
        while home is not None and not (isinstance(home.cells, Cells) and name in home.cells.shared):
            home = home.parent
        if home is None:
            raise UnsupportedError(
                f"{name} is a variable of the program, which a gradient function does not change", final=True
            )
        frame.outer[name] = home

    # -- containers and objects -----------------------------------------------------------------

    def check_may_assign(self: Lowering, owner: Structure, name: str) -> None:
        """Raises UnsupportedError where an object is one of the program's."""
        if isinstance(owner, HostObject) and self.host.is_programs(owner.path):
            raise UnsupportedError(
                f"{owner.path.shown} is an object of the program, which a gradient function does not change",
                way_out=f"Keep {name} in a variable, and return it beside the result (has_aux=True).",
                final=True,
            )

    def check_may_write(self: Lowering, array: Value) -> None:
        """Raises UnsupportedError where an array is, or may be a view of, one of the program's."""
        for other in (array, self.memory.root(array), *self.memory.related.get(array, ())):
            if other in self.host.arrays:
                raise UnsupportedError(
                    f"{self.host.arrays[other]} is an array of the program, which a gradient function "
                    "does not change",
                    way_out="Write into a copy, .copy(). Or pass it as an argument, and return what "
                    "it becomes beside the result (has_aux=True).",
                    final=True,
                )

    def regained(self: Lowering, structure: Structure) -> Structure:
        """A structure that is about to be taken apart."""
        return regained.regained(self, structure)

    def items(self: Lowering, source: Structure) -> list[Structure]:
        """A new list of the items of what can be gone through."""
        return list(self.iterate(source, None, None))

    def length_follows(self: Lowering, source: Structure) -> bool:
        """Whether it is known how many items there are once the arguments are, if it is an array."""
        if not isinstance(source, Value) or not isinstance(source.type, Array) or not source.type.dims:
            return True
        d = source.type.dims[0]
        need = NeedShape(source, "as the number of items to be taken apart")
        return d.size is not None or self.needed.may_specialize(
            self, need, lambda: self.builder.facts.size_of(d)
        )

    def item(self: Lowering, owner: Structure, index: Structure) -> Structure:
        """`owner[index]`"""
        if foreign.is_foreign(owner):
            return outside.item(self, owner, index)
        if isinstance(owner, Value):
            self.steer(index)
            return self.apply(operator.getitem, (owner, index), {})
        if is_growing(owner):
            return growing.get_item(self, owner, index)
        if objects.is_object(owner):
            method = objects.special(self, owner, "getitem")
            return objects.refuse((owner,), "indexing ") if method is None else self.invoke(method, index)
        if isinstance(owner, (range, Iteration)) and is_beginning(index):
            whole = self.iteration_of_range(owner) if isinstance(owner, range) else owner
            beginning = iterables.first(self, whole, index.stop)
            if beginning is not None:
                return beginning
        owner = self.items(owner) if isinstance(owner, Iteration) else owner
        return containers.get_item(self, owner, index)

    def set_item(
        self: Lowering, owner: Structure, index: Structure, value: Structure, node: ast.AST, frame: Frame
    ) -> None:
        """`owner[index] = value`, of what is no array."""
        if is_growing(owner):
            growing.set_item(self, owner, index, value)
            return
        if objects.is_object(owner):
            method = objects.special(self, owner, "setitem")
            if method is None:
                objects.refuse((owner,), "item assignment ")
            self.invoke(method, index, value)
            return
        containers.set_item(self, owner, index, value)

    def delete_item(self: Lowering, owner: Structure, index: Structure) -> None:
        """`del owner[index]`"""
        if is_growing(owner):
            raise growing.refuse("deleting from")
        method = objects.special(self, owner, "delitem") if objects.is_object(owner) else None
        if method is not None:
            self.invoke(method, index)
            return
        containers.delete_item(self, owner, index)

    def attribute(self: Lowering, owner: Structure, name: str, frame: Frame) -> Structure:
        """`owner.name`"""
        if isinstance(owner, Gradient):
            return gradients.attribute(self, owner, name)
        owner = owner.bar if isinstance(owner, Bar) else owner
        if isinstance(owner, Value):
            if frame is not None and not frame.is_rule:  # it is asked by the program
                outside.check_has(owner, name)
            return draws.attribute(owner, name) or expressions.value_attribute(self, owner, name)
        if is_growing(owner):
            return growing.attribute(self, owner, name)
        return expressions.static_attribute(self, owner, name, frame)

    def set_attribute(
        self: Lowering, owner: Structure, name: str, value: Structure, node: ast.AST, frame: Frame
    ) -> None:
        """`owner.name = value`"""
        if name == "flat" and isinstance(owner, Value):
            writing.all_of(self, owner, value)
            return
        objects.assign(self, owner, name, value)
        simple.name(self, value, name, frame)

    def delete_attribute(self: Lowering, owner: Structure, name: str, frame: Frame) -> None:
        objects.delete(self, owner, name)

    def extend(
        self: Lowering,
        owner: Structure,
        function: Callable[..., Any],
        new: Structure,
        node: ast.AST,
        frame: Frame,
    ) -> Structure:
        """`owner op= new` of a list or a dict: itself, changed, or something new."""
        if is_growing(owner) and symbol_of(function) == "+":
            growing.extend(self, owner, new)
            return owner
        if containers.in_place(self, function, owner, new):
            return owner
        return self.operate(function, owner, new)

    # -- what must be known ---------------------------------------------------------------------

    def known_number(self: Lowering, n: Structure, what: str) -> int:
        """A whole number that the compiler must know."""
        return int(self.static(n, what))

    def static(self: Lowering, structure: Structure, what: str) -> Any:
        """`structure`, which must not hold run-time values where the compiler has to know it.

        Raises NeedStatic, or NeedShape where a number is made of a length; if it is at hand, that is noted.
        """
        if isinstance(structure, Value):
            return self.needed.number(self, structure, what)
        if isinstance(structure, (tuple, list)):
            items = [self.static(item, what) for item in structure]
            return type(structure)(*items) if hasattr(structure, "_fields") else type(structure)(items)
        if isinstance(structure, (deque, set, frozenset, ValuesView, ItemsView)):
            items = [self.static(item, what) for item in structure]
            if any(a is not b for a, b in zip(items, structure, strict=True)):
                return items if isinstance(structure, (ValuesView, ItemsView)) else type(structure)(items)
        return structure

    def steer(self: Lowering, structure: Structure) -> None:
        """Note that integers among `structure` steer: they are an index, a bound or a length."""
        if isinstance(structure, Value):
            if is_number(structure.type) and not is_float(structure.type):
                self.steering.add(structure)
        elif isinstance(structure, (tuple, list)):
            for item in structure:
                self.steer(item)
        elif isinstance(structure, slice):
            self.steer((structure.start, structure.stop, structure.step))


def _made_here(low: Lowering, node: ast.expr, container: Any) -> Any:
    """A list or dict that a display makes; a list that was found to grow is one of its own kind."""
    if low.frames[-1].is_rule:
        return container
    site = low.frames[-1].site(node)
    if isinstance(container, list) and growing.is_begun(low, node, site, container):
        return growing.begin(low, container)
    low.own(container)
    if isinstance(container, list):
        low.mutables.at(container, site)
    return container
