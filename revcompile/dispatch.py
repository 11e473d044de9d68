"""From a call to the specialisation that serves it: the only state of the compiler.

What `grad` returns is a plain function. Its code tests, inline, whether the arguments have the latest
signature and whether the guards hold, and then runs the gradient's statements (for numbers) or calls
the gradient's function (for arrays). Otherwise it comes here: the table of signatures is searched, a
missing specialisation is compiled, and the function is given new code.
"""

from __future__ import annotations

import inspect
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import CodeType, FunctionType, MethodType
from typing import Any

import numpy as np

from revcompile.codegen.entry import answering, condition_lines, hand_over, kept, pass_on, products_returned
from revcompile.codegen.forks import renew_cached_properties
from revcompile.codegen.guards import guard_tests, signature_tests
from revcompile.codegen.load import Namespace, make_function
from revcompile.codegen.module import function_text, module_text
from revcompile.codegen.places import same_place
from revcompile.codegen.recent import MAX_SPECIALIZATIONS, Recent
from revcompile.codegen.specialization import ARITHMETIC, Blame, Careful, Mistaken, Specialization
from revcompile.compiler import Compiled, MustBeStatic, Request, compile_gradient
from revcompile.errors import HostError, UnsupportedError, seen_outside, trimmed
from revcompile.frontend.arguments import Place, describe, key_of
from revcompile.frontend.names import is_host_object
from revcompile.frontend.wanted import (
    explicit_names,
    is_method,
    names_by_call,
    unwrapped_signature,
    without_defaults,
)
from revcompile.gates.foreign import Learning, NotKnownYet
from revcompile.ir.identifiers import function_name
from revcompile.runtime import ChangedKind
from revcompile.syntax.source import Source, find_source
from revcompile.syntax.stack import deep_stack, renew_lock

MAX_TRIES = 12  # of a call that is begun again
_all: weakref.WeakSet[Dispatcher] = weakref.WeakSet()
_stubs: weakref.WeakValueDictionary[str, Dispatcher] = weakref.WeakValueDictionary()  # by file of their code
_all_lock = threading.Lock()


@dataclass(frozen=True)
class Options:
    """What a user asked of `grad` or `value_and_grad`."""

    argnums: int | str | tuple[int | str, ...] | None
    has_aux: bool
    optimize: bool
    with_value: bool

    @property
    def label(self) -> str:
        return "value_and_grad" if self.with_value else "grad"


@dataclass(eq=False)
class Dispatcher:
    """The specialisations of one gradient function, and its public face `entry`."""

    function: FunctionType
    options: Options
    owner: Any = None  # the object that a bound method is bound to
    table: Recent = field(default_factory=Recent)
    static: frozenset[Place] = frozenset()
    lock: Any = field(default_factory=threading.RLock)
    learning: Learning = field(default_factory=Learning)
    shown: Specialization | None = None
    retired: deque[Specialization] = field(default_factory=lambda: deque(maxlen=MAX_SPECIALIZATIONS))

    def __post_init__(self) -> None:
        self.namespace = Namespace()
        self._read()
        self._dispatch = self.namespace.put(f"dispatch_{self.name}", trimmed(self.dispatch))
        self._carefully = self.namespace.put(f"carefully_{self.name}", trimmed(self.dispatch_carefully))
        self.entry = make_function(self._stub(), self.namespace, self.like)
        self._leave_out_defaults()
        with _all_lock:
            _all.add(self)

    def _read(self) -> None:
        """The function as it is now: a notebook may replace its code in place."""
        self.source: Source = find_source(self.function)
        self._read_signature()
        self.namespace.reserve(self.signature.parameters)
        self.explicit = explicit_names(self.signature, self.options.argnums, self.name)
        self._wanted: dict[int, tuple[tuple[str, ...], bool]] = {}
        parameters = self.signature.parameters.values()
        positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        whole = all(p.kind in kinds for p in parameters)
        self.plain = tuple(self.signature.parameters) if whole else None  # if all can be passed by position
        self.lent = {n: p.default for n, p in self.signature.parameters.items() if _may_change(p.default)}
        # Without argnums, which parameters are differentiated depends on how defaults were passed.
        self.by_call = self.explicit is None and any(p.default is not p.empty for p in positional)
        self._as_read = self._made_of()

    def _leave_out_defaults(self) -> None:
        if self.by_call:
            self.entry.__defaults__ = self.entry.__kwdefaults__ = None

    def noticing(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of a call of the function as it is now."""
        if all(a is b for a, b in zip(self._made_of(), self._as_read)):
            return args, kwargs
        with self.lock:
            if not self.by_call:  # the entry has filled in the old defaults
                args, kwargs = without_defaults(self.signature, args, kwargs)
            self._read_again()
        return args, kwargs

    def _read_again(self) -> None:
        """Take notice of new code, or new defaults, of the function."""
        self._read()
        self.forget()
        self.entry.__defaults__ = self.like.__defaults__
        self.entry.__kwdefaults__ = self.like.__kwdefaults__
        self._leave_out_defaults()
        self.entry.__signature__ = self.signature  # type: ignore[attr-defined]

    def _read_signature(self) -> None:
        """The parameters: without a bound method's first; those of the function that a wrapper wraps."""
        self.signature, self.packed = unwrapped_signature(self.function)
        self.like: Any = inspect.unwrap(self.function) if self.packed else self.function  # has the defaults
        self.bound: tuple[str, Any] | None = None
        if self.owner is not None:
            first, *parameters = self.signature.parameters.values()
            self.bound = (first.name, self.owner)
            self.signature = self.signature.replace(parameters=parameters)

    def _made_of(self) -> tuple[Any, ...]:
        """What the function's meaning follows from, and what may be replaced in place."""
        return self.function.__code__, self.like.__defaults__, self.like.__kwdefaults__

    @property
    def is_method(self) -> bool:
        """Whether the first parameter is the object that a method is called on."""
        return self.owner is None and is_method(self.function.__qualname__, self.signature)

    @property
    def name(self) -> str:
        return function_name(self.function)

    # -- which gradients ----------------------------------------------------------------------

    def wanted(self, positional: int) -> tuple[tuple[str, ...], bool]:
        """The parameters whose gradients a call with so many arguments by position returns, and whether
        one comes bare."""
        self._wanted[positional] = answer = self._find_wanted(positional)
        return answer

    def _find_wanted(self, positional: int) -> tuple[tuple[str, ...], bool]:
        if self.explicit is not None:
            return self.explicit, not isinstance(self.options.argnums, (tuple, list))
        return names_by_call(self.signature, positional, self.is_method)

    # -- a call -------------------------------------------------------------------------------

    def dispatch(self, args: tuple[Any, ...], kwargs: dict[str, Any], carefully: bool = False) -> Any:
        """The slow way of a call: find or make its specialisation, and run it."""
        home = _stubs.get(self.entry.__code__.co_filename, self)
        if home is not self:  # a notebook has given this gradient function the code of a newer one
            return home.dispatch(args, kwargs, carefully)
        args, kwargs = self.noticing(args, kwargs)
        tried: list[Specialization] = []
        changes = 0
        while True:
            specialization = self.find(args, kwargs, tried)
            if self.shown is not specialization:
                self.show(specialization)
            try:
                answer = specialization(args, kwargs, carefully)
                settled = not specialization.reads or changes >= MAX_TRIES
                if settled or specialization.holds(*args, **kwargs):
                    return answer
            except Mistaken:  # with the lengths known, nothing need be proved
                self._make_static(specialization.compared)
            except ChangedKind as e:
                tried.append(specialization)
                with self.lock:
                    self.learning.has_changed(e, len(tried))
            except NotKnownYet as e:
                if len(tried) >= MAX_TRIES:
                    raise TypeError(str(e)) from None
                tried.append(specialization)
            except Exception:
                known = specialization.blame(args, kwargs)
                if known or changes >= (2 if specialization.holds(*args, **kwargs) else MAX_TRIES):
                    raise
            changes += 1

    def dispatch_carefully(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The same for numbers beyond `math`, as the entry has found out."""
        return self.dispatch(args, kwargs, carefully=True)

    def find(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], tried: Sequence[Specialization] = ()
    ) -> Specialization:
        """The specialisation for these arguments, compiled if need be; none that was `tried`.

        Raises what the program raises.
        """
        arguments = self._arguments(args, kwargs)
        with self._seen():
            return self._find(arguments, args, kwargs, tried)

    def _seen(self) -> seen_outside:
        return seen_outside(lambda: self.source.place(self.source.node))

    def _find(
        self,
        arguments: Mapping[str, Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        tried: Sequence[Specialization],
    ) -> Specialization:
        wanted, bare = self._wanted.get(len(args)) or self.wanted(len(args))
        found = self._known(self._key(wanted, arguments), args, kwargs, tried)
        if found is not None:
            return found
        with self.lock:
            while True:
                key = self._key(wanted, arguments)  # what must be static may have changed meanwhile
                found = self._known(key, args, kwargs, tried)
                if found is not None:
                    return found
                try:
                    with deep_stack():
                        return self._compile(key, arguments, wanted, bare)
                except MustBeStatic as e:
                    self._make_static(e.places, e.refusal)

    def _make_static(self, places: frozenset[Place], refusal: Exception | None = None) -> None:
        with self.lock:
            if places <= self.static:
                raise refusal or UnsupportedError("this number must be known while compiling") from None
            self.static |= places

    def _arguments(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
        """Every parameter with its argument. The entry passes all by position, which needs no binding."""
        if self.plain is not None and not kwargs and len(args) == len(self.plain):
            return dict(zip(self.plain, args))
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return bound.arguments

    def _key(self, wanted: tuple[str, ...], arguments: Mapping[str, Any]) -> Any:
        parts = (key_of(v, (n,), self.static, () if n in wanted else None) for n, v in arguments.items())
        lent = tuple(name for name, default in self.lent.items() if arguments[name] is default)
        return ((wanted, lent), *parts)

    def _known(
        self, key: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], tried: Sequence[Specialization]
    ) -> Specialization | None:
        try:
            candidates = self.table.of(key)
        except TypeError as e:
            raise UnsupportedError(f"an argument of {self.name} cannot be part of a signature: {e}") from None
        for specialization in candidates:
            if specialization not in tried and specialization.holds(*args, **kwargs):
                if self.lock.acquire(blocking=False):  # else another thread compiles
                    self.table.use(key, specialization)
                    self.lock.release()
                return specialization
        return None

    # -- compilation --------------------------------------------------------------------------

    def _compile(
        self, key: Any, arguments: Mapping[str, Any], wanted: tuple[str, ...], bare: bool
    ) -> Specialization:
        o = self.options
        request = Request(
            self.source, self.signature, o.with_value, o.has_aux, o.optimize, wanted, bare,
            nested=self.explicit is not None, owner=self.bound, packed=self.packed, lent=key[0][1],
        )  # fmt: skip
        compiled = self._compiled(request, arguments)
        specialization = self._load(compiled, key, list(arguments))
        old = self.table.add(key, specialization, self.shown)
        if old:
            self._retire(old)
        return specialization

    def _compiled(self, request: Request, arguments: Mapping[str, Any]) -> Compiled:
        for again in (True, True, False):
            try:
                return compile_gradient(request, arguments, self.static, self.namespace, self.learning)
            except MustBeStatic:
                raise
            except Exception as e:  # another thread may have changed what was being read
                read = [g for g in self.learning.guards.values() if not g.path.is_parameter]
                tests = [t for g in read for t in guard_tests(g, self.namespace.refer)]
                changes = isinstance(e, HostError) and any(g.kind == "length" for g in read)
                if not again or not (changes or not self._hold(tests)):
                    raise
        raise AssertionError  # never reached

    def _hold(self, tests: list[str]) -> bool:
        try:
            return bool(eval(" and ".join(tests) or "True", self.namespace.globals))
        except Exception:
            return False

    def _retire(self, old: list[Specialization]) -> None:
        """Forget the names of specialisations a while later, when no thread can be running them."""
        self.retired.extend(old)
        alive = [*self.retired, *self.table]
        codes = [code for s in alive for code in s.codes]
        self.namespace.keep([*codes, self.entry.__code__], [self._dispatch, self._carefully])

    def _load(self, compiled: Compiled, key: Any, names: list[str]) -> Specialization:
        label = f"{self.options.label}_{compiled.name}"
        text = function_text(label, self.signature, compiled.body)
        helpers = self.namespace.having(compiled.helpers)
        run = make_function(self.namespace.compile(text, label), self.namespace, self.like, helpers)

        def make_careful() -> FunctionType:
            assert compiled.careful is not None
            with self.lock, self._seen(), deep_stack():
                lines, texts = compiled.careful()
                code = self.namespace.compile(function_text(label, self.signature, lines), label)
                return make_function(code, self.namespace, self.like, self.namespace.having(texts))

        refer = self.namespace.refer
        guards = [test for g in compiled.guards for test in guard_tests(g, refer)]
        guards += compiled.layouts
        condition = " and ".join(guards) or "True"
        lines = [
            "    try:",
            f"        return {condition}",
            f"    except {refer(Exception)}:  # what cannot be read is not what was compiled for",
            "        return False",
        ]
        holds = function_text("holds", self.signature, lines)
        holds_code = self.namespace.compile(holds, f"guards of {label}")
        tests = [t for n, k in zip(names, key[1:], strict=True) for t in signature_tests(n, k, refer)]
        for name, default in self.lent.items():
            tests.append(f"{name} {'is' if name in key[0][1] else 'is not'} {refer(default)}")
        agrees: Callable[..., bool] | None = None
        if compiled.agreements:
            lines = [f"    return {' and '.join(compiled.agreements)}"]
            agrees_code = self.namespace.compile(
                function_text("agrees", self.signature, lines), f"lengths of {label}"
            )
            agrees = make_function(agrees_code, self.namespace, self.like)
        together: Callable[..., str] | None = None
        share = self.namespace.refer(np.may_share_memory)
        separate = [f"not {share}({a}, {b})" for a, b in compiled.apart]
        if separate:
            lines = [
                f"    if {share}({a}, {b}):\n        return {f'{a} and {b}'!r}" for a, b in compiled.apart
            ]
            lines.append("    return ''")
            code = self.namespace.compile(
                function_text("together", self.signature, lines), f"memory of {label}"
            )
            together = make_function(code, self.namespace, self.like)
        tests = [*tests, *guards, *compiled.agreements, *separate]
        unchanged = [
            test
            for g in compiled.guards
            if g.kind in ("length", "type") and not g.path.is_parameter and not compiled.once
            for test in guard_tests(g, refer)
        ]
        blame = Blame(compiled.once or not unchanged)
        entry = None if self.by_call else self._entry(compiled, tests, run, blame, unchanged)
        signature = ", ".join(describe(k) for k in key[1:])
        forward = function_text(compiled.name, self.signature, compiled.forward)
        return Specialization(
            run,
            Careful(make_careful) if compiled.careful is not None else None,
            make_function(holds_code, self.namespace, self.like),
            bool(unchanged),
            blame,
            entry,
            module_text([*{**compiled.primals, **compiled.helpers}.values(), forward, text], compiled.live),
            "\n\n".join([*compiled.helpers.values(), text]),
            f"({signature})",
            self.function if self.owner is None else MethodType(self.function, self.owner),
            agrees,
            compiled.compared,
            together,
            tuple(compiled.helpers),
        )

    def _entry(
        self, compiled: Compiled, tests: list[str], run: FunctionType, blame: Blame, unchanged: list[str]
    ) -> CodeType:
        """Dispatch, generated: the latest signature is tested inline and served without a call."""
        refer, indent = self.namespace.refer, "    "
        name = function_name(self.function)
        for part, made in zip(("__defaults__", "__kwdefaults__"), self._as_read[1:], strict=True):
            if made is not None:
                path = self.namespace.put(f"{name}__function", self.function)
                tests = [*tests, f"{path}.{part} is {self.namespace.put(f'{name}{part}', made)}"]
        tests = list(dict.fromkeys(tests))
        may_fail = any(g.kind not in ("code", "lacks") for g in compiled.guards)  # where something is gone
        on_math = compiled.careful is not None
        call = f"{indent}return {refer(run)}({pass_on(self.signature)})"
        inline = products_returned(compiled.body) if on_math and not compiled.helpers else [call]
        body = answering(inline, unchanged, self.signature)
        condition, failure = " and ".join(tests) or "True", refer(Exception) if may_fail else ""
        lines = condition_lines(condition, failure)
        keep, give_back = kept(self.signature, body, self.namespace.globals)
        back = [indent * 3 + line for line in give_back]
        lines += [
            *(indent * 2 + line for line in keep),
            f"{indent * 2}try:",
            *(same_place(indent * 2 + line, line) for line in body),
        ]
        if on_math:
            lines.append(f"{indent * 2}except ({', '.join(map(refer, ARITHMETIC))}):")
            lines += back or [f"{indent * 3}pass"]
        blamed = hand_over(self.signature, self.namespace.put(f"blame_{name}", blame))
        lines += [f"{indent * 2}except {refer(Exception)}:", *back]
        lines += [f"{indent * 3}if {blamed}:", f"{indent * 4}raise"]
        if on_math:
            lines += [indent * 2 + line for line in give_back if unchanged]
            lines.append(f"{indent * 2}return {hand_over(self.signature, self._carefully)}")
        lines.append(self._fall_back(indent))
        return self.namespace.compile_fast(
            function_text(self.name, self.signature, lines), tests, f"dispatch of {compiled.name}"
        )

    def _stub(self) -> CodeType:
        if self.by_call:
            text = f"def {self.name}(*args, **kwargs):\n    return {self._dispatch}(args, kwargs)\n"
        else:
            text = function_text(self.name, self.signature, [self._fall_back("    ")])
        code = self.namespace.compile(text, f"dispatch of {self.name}")
        _stubs[code.co_filename] = self
        return code

    def _fall_back(self, indent: str) -> str:
        return f"{indent}return {hand_over(self.signature, self._dispatch)}"

    def forget(self) -> None:
        """Drop what is compiled: a rule that it may use has changed."""
        with self.lock:
            old = self.table.clear()
            self.entry.__code__ = self._stub()
            self._retire(old)

    # -- the face -----------------------------------------------------------------------------

    def show(self, specialization: Specialization) -> None:
        """Make a specialisation the one that the public function runs first and shows."""
        with self.lock:
            self.shown = specialization
            if specialization.entry is not None:
                self.entry.__code__ = specialization.entry
            self.entry.source = specialization.source  # type: ignore[attr-defined]
            self.entry.backward_source = specialization.backward_source  # type: ignore[attr-defined]

    def specializations(self) -> dict[str, str]:
        """Signature → generated source, of all that is compiled."""
        return {s.description: s.source for s in self.table}


def _may_change(default: Any) -> bool:
    """Whether a default value is, or holds, an object that the function could change."""
    if isinstance(default, tuple):
        return any(map(_may_change, default))
    return isinstance(default, (np.ndarray, list, dict)) or is_host_object(default)


def forget_all() -> None:
    """Let every gradient function compile anew at its next call."""
    with _all_lock:
        dispatchers = list(_all)
    for dispatcher in dispatchers:
        dispatcher.forget()


def _renew_locks() -> None:
    """In the child of a fork, no thread is left that could release what another held."""
    global _all_lock
    _all_lock = threading.Lock()
    renew_lock()
    for dispatcher in list(_all):
        dispatcher.lock = threading.RLock()
    renew_cached_properties()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)
