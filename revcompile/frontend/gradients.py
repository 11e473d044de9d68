"""Gradients inside a function that is differentiated: `grad(h)(x)`, or `dh(x)` of a gradient `dh`.

The primal is interpreted on copies of its arguments, its statements are differentiated as those of a
function of their own, and both passes become statements of the function around them. What they compute are
values like any other, which can be differentiated again. The differentiation itself is given from above.
"""

from __future__ import annotations

import inspect
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from revcompile.errors import HostError, UnsupportedError, host
from revcompile.frontend import functional, regained
from revcompile.frontend.binding import nested_signature
from revcompile.frontend.lowering import Lowering
from revcompile.frontend.names import HostObject
from revcompile.frontend.naming import is_hashable
from revcompile.frontend.wanted import explicit_names, is_method, names_by_call, picked, unwrapped_signature
from revcompile.gates.effects import begins_backward, identity, only_shows
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import (
    Apply,
    Block,
    Function,
    Instance,
    Parameter,
    Structure,
    Value,
    map_structure,
    map_values,
)
from revcompile.ir.types import Array, Dim, Scalar, gradient_type, is_float, is_number
from revcompile.syntax.abstract import Gradient, Left, Native, NeedStatic, NestedFunction, Partial
from revcompile.syntax.source import own_signature

HOME = "revcompile.transforms.gradient"
TRANSFORMS = ("grad", "value_and_grad")


def is_transform(function: Any) -> bool:
    """Whether it is `grad` or `value_and_grad`."""
    return (
        isinstance(function, FunctionType)
        and function.__module__ == HOME
        and function.__name__ in TRANSFORMS
        and "primal" not in vars(function)
    )


def transform(low: Lowering, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Structure:
    """`grad(h, ...)`; without a function, what awaits it."""
    with host():
        bound = inspect.signature(function).bind(*args, **kwargs)
    bound.apply_defaults()
    given = bound.arguments
    if given["f"] is None:
        return Partial(function, (), kwargs)
    argnums = low.static(given["argnums"], "as argnums")
    refuse_states(given["checkpoint"])
    with_value = function.__name__ == "value_and_grad"
    return Gradient(given["f"], argnums, bool(given["has_aux"]), with_value)


def is_gradient(obj: Any) -> bool:
    """Whether it is what `grad` made of a function of the program."""
    if isinstance(obj, FunctionType):
        return "primal" in vars(obj) and "argnums" in vars(obj)
    return type(obj).__module__ == HOME and hasattr(obj, "primal")


def gradient_of(low: Lowering, function: Any) -> Gradient:
    """A gradient function of the program, by the function that it is the gradient of."""
    path = function.path if isinstance(function, HostObject) else low.host.path_of(function)
    obj = function.obj if isinstance(function, HostObject) else function
    primal = obj.primal
    if isinstance(primal, (staticmethod, classmethod)):
        primal = primal.__func__
    elif path is not None:
        primal = low.host.bring(path.attribute("primal"), primal, obj.__name__)
    refuse_states(states_of(obj))
    with_value = obj.value_and_grad in (obj, getattr(obj, "_entry", obj))
    if isinstance(function, HostObject):  # another one of its class may take its place
        asked = function.path.attribute("_recipe").item(1)
        for name, option in (("argnums", obj.argnums), ("has_aux", obj.has_aux), ("with_value", with_value)):
            low.host.bring(asked.attribute(name), option, name)
    return Gradient(primal, obj.argnums, obj.has_aux, with_value)


def states_of(made: Any) -> int:
    """How many states what `grad` or an operator has made of a function keeps of a long loop."""
    if is_gradient(made):
        return int(made.specializations.options.checkpoint)
    is_of_operator = isinstance(made, FunctionType) and "operator" in vars(made)
    return int(vars(made)["options"].get("checkpoint", 0)) if is_of_operator else 0


def refuse_states(checkpoint: Any) -> None:
    """A derivative of a function that has kept some states is not differentiated again."""
    if checkpoint:
        raise UnsupportedError(
            "a derivative with checkpoint= inside a function that is compiled would have to keep all states",
            way_out="Leave checkpoint= out here; of second derivatives, hvp and hessian have it themselves.",
        )


def attribute(low: Lowering, gradient: Gradient, name: str) -> Structure:
    if name == "primal":
        return gradient.function
    if name == "value_and_grad":
        return Gradient(gradient.function, gradient.argnums, gradient.has_aux, True)
    raise UnsupportedError(f"the attribute {name!r} of a gradient function is not supported here")


def call(low: Lowering, gradient: Gradient, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Structure:
    """What `gradient(*args, **kwargs)` returns."""
    known: frozenset[int] = frozenset()  # whole numbers of the arguments that have to be known
    while True:
        attempt = _Call(low, gradient, args, kwargs, known)
        try:
            return attempt.run()
        except NeedStatic as need:
            found = attempt.numbers_behind(need.value)
            if not found or found <= known:
                raise
            known |= found


class _Call:
    """One call of a gradient function, interpreted."""

    def __init__(
        self, low: Lowering, gradient: Gradient, args: Any, kwargs: dict[str, Any], known: frozenset[int]
    ) -> None:
        self.low, self.gradient, self.known = low, gradient, known
        self.signature, name = signature_of(low, gradient.function)
        explicit = explicit_names(self.signature, gradient.argnums, name)
        method = not isinstance(gradient.function, MethodType) and is_method(
            getattr(gradient.function, "__qualname__", ""), self.signature
        )
        by_call = names_by_call(self.signature, len(args), method)
        self.nested = explicit is not None
        alone = not isinstance(gradient.argnums, (tuple, list))
        self.wanted, self.bare = by_call if explicit is None else (explicit, alone)
        with host():
            self.given = self.signature.bind(*args, **kwargs)
        self.numbers: list[Value] = []  # in the order of the arguments' whole numbers
        self._default_arguments()

    def _default_arguments(self) -> None:
        """Defaults that are differentiated are arguments."""
        function = self.gradient.function
        for name in self.wanted:
            parameter = self.signature.parameters[name]
            if name in self.given.arguments or parameter.default is parameter.empty:
                continue
            if isinstance(function, FunctionType):
                self.given.arguments[name] = self.low.default(function, parameter)
            else:
                self.given.arguments[name] = parameter.default

    def run(self) -> Structure:
        with self.low.tentatively():
            return self._interpret()

    def _interpret(self) -> Structure:
        low, builder, gradient = self.low, self.low.builder, self.gradient
        parameters = []
        for name, argument in self.given.arguments.items():
            fresh = self._copied(argument, name in self.wanted)
            self.given.arguments[name] = low.mutables.adopt(fresh, copied=True)
            parameters.append(Parameter(name, map_structure(lambda leaf: leaf, fresh)))
        before = builder.statements
        result: Structure = None
        cotangent: Structure = None
        try:
            with builder.tentatively() as inner, low.pairs.none():
                result = low.invoke(gradient.function, *self.given.args, **self.given.kwargs)
                regained.hand_out(low, result)
                result = low.resolve(result)
                cotangent = self._cotangent(result)
        except Left:
            before.extend(inner)
            raise
        low.steering.update(self._steering())
        body = Block(tuple(inner), (result,))
        body = silent(body) if gradient.silent else body
        primal = Function("primal", tuple(parameters), body, builder.table)
        inner_defined = primal.body.defined
        memory, line = low.memory, builder.line
        done = low.differentiate(primal, self.wanted, gradient.has_aux, cotangent)
        low.memory, builder.line, builder.statements = memory, line, before
        builder.statements.extend(s for s in done.body.statements if not begins_backward(s))
        builder.table.derived.update(set(done.body.defined) - set(inner_defined))
        ((value, aux, gradients),) = done.body.yields
        return self._answer(value, aux, gradients)

    def _cotangent(self, result: Structure) -> Structure:
        """What the gradients of a function begin with that gives more than one number."""
        if self.gradient.cotangent is None:
            return None
        cotangent = self.low.resolve(self.low.invoke(self.gradient.cotangent, result))
        return matched(self.low, result, cotangent)

    def _copied(self, structure: Structure, wanted: bool) -> Structure:
        """An argument whose numbers and arrays are the primal's own."""

        def copy(leaf: Structure) -> Structure:
            if isinstance(leaf, Value):
                if not is_number(leaf.type) or not (wanted or leaf.type.dims):
                    return leaf
                if not is_float(leaf.type) and not leaf.type.dims:
                    return self._number(leaf)
                return self._varied(leaf) if wanted else self._emit_copy(leaf)
            if wanted and type(leaf) is int:
                return self._number(leaf)
            if wanted and isinstance(leaf, (float, np.floating, np.integer)):
                return self._varied(leaf)
            return leaf

        return map_structure(copy, structure)

    def _number(self, leaf: Structure) -> Structure:
        """A whole number: a run-time value that may be differentiated, unless the primal has to know it."""
        position = len(self.numbers)
        if position in self.known and not isinstance(leaf, Value):
            self.numbers.append(Value(None))  # type: ignore[arg-type]
            return leaf
        self.numbers.append(self._emit_copy(leaf))
        return self.numbers[-1]

    def _varied(self, leaf: Structure) -> Value:
        """What gradients are of: it cannot become static."""
        new = self._emit_copy(leaf)
        self.low.varied |= {new}
        return new

    def _emit_copy(self, leaf: Structure) -> Value:
        new = self.low.emit(identity, leaf)
        table = self.low.builder.table
        table.name(new, table.hints.get(leaf) if isinstance(leaf, Value) else None)
        return new

    def numbers_behind(self, value: Value) -> frozenset[int]:
        """Which of the arguments' known whole numbers a value is computed from."""
        seen: set[Value] = set()
        ahead = [value]
        while ahead:
            v = ahead.pop()
            if v not in seen:
                seen.add(v)
                made = self.low.builder.definitions.get(v)
                ahead.extend(made.inputs if made is not None else ())
        out = set()
        for i, number in enumerate(self.numbers):
            made = self.low.builder.definitions.get(number)
            if number in seen and made is not None and not made.inputs:
                out.add(i)
        return frozenset(out)

    def _steering(self) -> set[Value]:
        """What a number that steers is a copy of steers, too."""
        low = self.low
        copies = [low.builder.definitions[n] for n in self.numbers if n in low.steering]
        return {v for copy in copies for v in copy.inputs}

    def _answer(self, value: Structure, aux: Structure, gradients: tuple[Structure, ...]) -> Structure:
        low = self.low
        star = [p.name for p in self.signature.parameters.values() if p.kind is p.VAR_POSITIONAL]
        flat: list[Structure] = []
        for name, one in zip(self.wanted, gradients, strict=True):
            one = low.mutables.adopt(map_values(self._own, one))
            one = picked(name, one)
            flat.extend(one) if name in star and not self.nested else flat.append(one)
        answer: Structure = flat[0] if self.bare and len(flat) == 1 else tuple(flat)
        if self.gradient.with_value:
            return ((value, aux), answer) if self.gradient.has_aux else (value, answer)
        return (answer, aux) if self.gradient.has_aux else answer

    def _own(self, v: Value) -> Value:
        """A gradient shares storage with nothing, so that the program may write into it."""
        return self.low.emit(identity, v) if v.type.dims else v


def signature_of(low: Lowering, function: Any) -> tuple[inspect.Signature, str]:
    """The parameters of a function that is differentiated, and its name."""
    if isinstance(function, NestedFunction):
        return nested_signature(function), getattr(function.node, "name", "function")
    if isinstance(function, Gradient):
        return signature_of(low, function.function)
    if isinstance(function, MethodType) and isinstance(function.__func__, FunctionType):
        signature, _ = unwrapped_signature(function.__func__)
        return signature.replace(parameters=list(signature.parameters.values())[1:]), function.__name__
    if isinstance(function, Partial):
        return _of_partial(low, function)
    if isinstance(function, Native):
        return signature_of(low, function.of)
    if is_gradient(function):
        return signature_of(low, gradient_of(low, function))
    if isinstance(function, FunctionType):
        return unwrapped_signature(function)[0], function.__name__
    if is_hashable(function) and function in TABLE:
        return TABLE[function].signature, function.__name__
    if isinstance(function, HostObject) and isinstance(type(function.obj).__call__, FunctionType):
        signature = own_signature(type(function.obj).__call__)  # type: ignore[arg-type]
        return signature.replace(parameters=list(signature.parameters.values())[1:]), type(
            function.obj
        ).__name__
    unwrapped = functional.unwrapped(low, function)
    if isinstance(unwrapped, Partial) and unwrapped.function is functional.call_once:
        return signature_of(low, unwrapped.args[0])
    if unwrapped is not None:
        return signature_of(low, unwrapped)
    raise UnsupportedError(
        f"the gradient of {getattr(function, '__name__', type(function).__name__)} is not supported here",
        way_out="Differentiate a Python function: lambda x: ...",
    )


def _of_partial(low: Lowering, function: Partial) -> tuple[inspect.Signature, str]:
    signature, name = signature_of(low, function.function)
    with host():
        left = signature.bind_partial(*function.args, **function.kwargs).arguments
    rest = [p for n, p in signature.parameters.items() if n not in left or n in function.kwargs]
    keyword = inspect.Parameter.KEYWORD_ONLY
    seen = False
    out = []
    for p in rest:
        seen = seen or p.name in function.kwargs
        if p.name in function.kwargs:
            p = p.replace(kind=keyword, default=function.kwargs[p.name])
        elif seen and p.kind is p.POSITIONAL_OR_KEYWORD:
            p = p.replace(kind=keyword)
        out.append(p)
    return signature.replace(parameters=out), name


def silent(block: Block) -> Block:
    """The block without what only shows something: of a function that is gone through many times."""
    return block.map(lambda s: None if isinstance(s, Apply) and only_shows(s.function) else s)


def matched(low: Lowering, value: Structure, cotangent: Structure, what: str = "the result") -> Structure:
    """A cotangent with the structure, the shapes and the dtypes of a value; None for what is no number."""
    if cotangent is None or not (is_number_like(value) or isinstance(value, (tuple, list, dict, Instance))):
        return None
    if (
        isinstance(value, (tuple, list))
        and isinstance(cotangent, (tuple, list))
        and len(value) == len(cotangent)
    ):
        items = [matched(low, v, c, f"{what}[{i}]") for i, (v, c) in enumerate(zip(value, cotangent))]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    if isinstance(value, dict) and isinstance(cotangent, dict) and value.keys() == cotangent.keys():
        return {k: matched(low, v, cotangent[k], f"{what}[{k!r}]") for k, v in value.items()}
    if isinstance(value, Instance) and isinstance(cotangent, Instance) and value.cls is cotangent.cls:
        named = cotangent.attributes
        parts = {k: matched(low, v, named.get(k), f"{what}.{k}") for k, v in value.attributes.items()}
        return Instance(value.cls, parts)
    if not is_number_like(value) or not is_number_like(cotangent):
        raise HostError(TypeError(f"the cotangent of {what} must be of its structure"))
    return (
        like_its_value(low, cotangent, value, f"the cotangent of {what}")
        if isinstance(value, Value)
        else None
    )


def _shape(dims: tuple[Dim, ...]) -> str:
    lengths = [":" if d.size is None else str(d.size) for d in dims]
    return f"({', '.join(lengths)}{',' * (len(lengths) == 1)})"


def is_number_like(x: Structure) -> bool:
    if isinstance(x, Value):
        return is_number(x.type)
    return isinstance(x, (int, float, np.number)) and not isinstance(x, bool)


def like_its_value(low: Lowering, tangent: Structure, of: Value, what: str) -> Structure:
    """A tangent, or a cotangent, of the shape of its value, as it must be, in its dtype."""
    t = gradient_type(of.type)
    have = tangent.type.dims if isinstance(tangent, Value) else ()
    if len(have) != len(t.dims) or any(
        h.size != w.size for h, w in zip(have, t.dims, strict=True) if None not in (h.size, w.size)
    ):
        raise HostError(ValueError(f"{what} has the shape {_shape(have)}, not {_shape(t.dims)}"))
    for h, w in zip(have, t.dims, strict=True):
        low.builder.facts.unify(h, w)
    if isinstance(t, Scalar) and t.python:
        is_one = not isinstance(tangent, Value) or (isinstance(tangent.type, Scalar) and tangent.type == t)
        return (
            float(tangent)
            if not isinstance(tangent, Value)
            else tangent
            if is_one
            else low.apply(float, (tangent,), {})
        )
    if isinstance(t, Scalar):
        return low.apply(t.dtype.type, (tangent,), {})
    assert isinstance(t, Array)
    if isinstance(tangent, Value) and tangent.type.dtype != t.dtype:  # type: ignore[union-attr]
        return low.apply(np.ndarray.astype, (tangent, t.dtype.type), {})
    return tangent
