"""From a call to the specialisation that serves it: the only state of the compiler.

What `grad` returns is a plain function. Its code tests, inline, whether the arguments have the latest
signature and whether the guards hold, and then runs the gradient's statements (for numbers) or calls
the gradient's function (for arrays). Otherwise it comes here: the table of signatures is searched, a
missing specialisation is compiled, and the function is given new code.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from revcompile.codegen.entry import answering, entry_lines, hand_over, pass_on, products_returned
from revcompile.codegen.guards import guard_tests, reaching_builtins, signature_tests
from revcompile.codegen.likeness import weak_key
from revcompile.codegen.load import compile_again, make_function
from revcompile.codegen.module import Module, function_text, heading
from revcompile.codegen.places import places_of
from revcompile.codegen.primal import Primal
from revcompile.codegen.recent import MAX_SPECIALIZATIONS, Recent
from revcompile.codegen.sharing import Integers, Memory, Shared
from revcompile.codegen.specialization import Blame, Careful, Mistaken, Specialization
from revcompile.compiler import Compiled, Request, compile_gradient
from revcompile.errors import HostError, UnsupportedError, seen_outside, trimmed
from revcompile.foreign import ChangedKind
from revcompile.frontend.arguments import Place, describe
from revcompile.frontend.names import Guard, Path
from revcompile.frontend.naming import is_hashable
from revcompile.frontend.wanted import without_defaults
from revcompile.gates.foreign import Learning, NotKnownYet
from revcompile.ir.identifiers import function_name
from revcompile.ir.rebuild import replace
from revcompile.native.build import NativeBlame
from revcompile.syntax.stack import deep_stack, renew_lock

MAX_TRIES = 12  # of a call that is begun again
MAX_ERRORS = 5  # of it though the program is as it was: another thread may have put back what it changed
_all: weakref.WeakSet[Dispatcher] = weakref.WeakSet()
_stubs: weakref.WeakValueDictionary[str, Dispatcher] = weakref.WeakValueDictionary()  # by file of their code
_all_lock = threading.Lock()
_memory = Memory()  # of what was compiled for functions of the same code


@dataclass(eq=False)
class Dispatcher(Primal):
    """The specialisations of one gradient function, and its public face `entry`."""

    table: Recent = field(default_factory=Recent)
    static: frozenset[Place] = frozenset()  # the arguments whose values are part of a signature
    begun: frozenset[Place] = frozenset()  # those of them that lowering begins with
    lock: Any = field(default_factory=threading.RLock)
    learning: Learning = field(default_factory=Learning)
    shown: Specialization | None = None
    texts: tuple[Any, ...] = ()  # the attributes of `entry` that tell of what is shown
    retired: deque[Specialization] = field(default_factory=lambda: deque(maxlen=MAX_SPECIALIZATIONS))

    def __post_init__(self) -> None:
        super().__post_init__()
        self._seen = seen_outside(lambda: self.source.place(self.source.node))
        self._dispatch = self.namespace.put(f"dispatch_{self.name}", trimmed(self.dispatch))
        self._carefully = self.namespace.put(f"carefully_{self.name}", trimmed(self.dispatch_carefully))
        self.own = self._dispatch, self._carefully
        self.entry = make_function(self._stub(), self.namespace, self.like)
        self._leave_out_defaults()
        with _all_lock:
            _all.add(self)

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

    # -- a call -------------------------------------------------------------------------------

    def dispatch(self, args: tuple[Any, ...], kwargs: dict[str, Any], carefully: bool = False) -> Any:
        """The slow way of a call: find or make its specialisation, and run it."""
        home = _stubs.get(self.entry.__code__.co_filename, self)
        if home is not self:  # a notebook has given this gradient function the code of a newer one
            return home.dispatch(args, kwargs, carefully)
        tried: list[Specialization] = []
        with self._seen:
            args, kwargs = self.noticing(args, kwargs)
            specialization = self._served(args, kwargs, tried)
        changes = 0
        while True:
            try:
                answer = specialization(args, kwargs, carefully)
                settled = not specialization.reads or changes >= MAX_TRIES
                if settled or specialization.holds(*args, **kwargs):
                    return answer
            except Exception as e:
                with self._seen:
                    is_known = not self._learns(e, specialization, tried) and (
                        specialization.blame(args, kwargs)
                        or changes >= (MAX_ERRORS if specialization.holds(*args, **kwargs) else MAX_TRIES)
                    )
                if is_known:
                    raise
            changes += 1
            with self._seen:
                specialization = self._served(args, kwargs, tried)

    def _served(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], tried: Sequence[Specialization]
    ) -> Specialization:
        """The specialisation for these arguments, shown."""
        found = self._find(args, kwargs, tried)
        if self.shown is not found:
            self.show(found)
        return found

    def _learns(self, error: Exception, ran: Specialization, tried: list[Specialization]) -> bool:
        """Whether what has ended a run says how to compile again."""
        if isinstance(error, Mistaken):  # with the lengths known, nothing need be proved
            self._begin_with(ran.compared)
            tried.append(ran)
        elif isinstance(error, ChangedKind):
            tried.append(ran)
            with self.lock:
                self.learning.has_changed(error, len(tried), places_of(error))
        elif isinstance(error, NotKnownYet):
            if len(tried) >= MAX_TRIES:
                what = "what this call gives is of another kind each time"
                raise UnsupportedError(what, next(iter(places_of(error)), None)) from None
            tried.append(ran)
        else:
            return False
        return True

    def dispatch_carefully(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The same for numbers beyond `math`, as the entry has found out."""
        return self.dispatch(args, kwargs, carefully=True)

    def find(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Specialization:
        """The specialisation for these arguments, compiled if need be. Raises what the program raises."""
        with self._seen:
            args, kwargs = self.noticing(args, kwargs)
            found = self._find(args, kwargs)
            if self.shown is None:
                self.show(found)
            return found

    def _find(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], tried: Sequence[Specialization] = ()
    ) -> Specialization:
        """The same; none that was `tried`."""
        arguments = self._arguments(args, kwargs)
        wanted, bare = self._wanted.get(len(args)) or self.wanted(len(args))
        found = self._known(self._key(wanted, arguments, self.static), args, kwargs, tried)
        if found is not None:
            return found
        with self.lock:
            key = self._key(wanted, arguments, self.static)  # what must be static may have changed meanwhile
            found = self._known(key, args, kwargs, tried)
            if found is None and not tried:
                found = self._remembered(wanted, bare, arguments, args, kwargs)
            if found is not None:
                return found
            with deep_stack():
                return self._compile(key, arguments, wanted, bare)

    def _begin_with(self, places: frozenset[Place]) -> None:
        with self.lock:
            if places <= self.begun:
                raise UnsupportedError("this number must be known while compiling") from None
            self.begun |= places
            self.static |= places

    def _known(
        self, key: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], tried: Sequence[Specialization]
    ) -> Specialization | None:
        try:
            candidates = self.table.of(key)
        except TypeError as e:
            if is_hashable(key):
                raise
            raise UnsupportedError(f"an argument of {self.name} cannot be part of a signature: {e}") from None
        for specialization in candidates:
            if specialization not in tried and specialization.holds(*args, **kwargs):
                if self.lock.acquire(blocking=False):  # else another thread compiles
                    self.table.use(key, specialization)
                    self.lock.release()
                return specialization
        return None

    # -- what was compiled for functions of the same code ---------------------------------------

    @property
    def _is_shared(self) -> bool:
        """Whether what is compiled may serve other functions of the same code."""
        return not self.learning.patterns and self.options.probe is None and self.options.backend == "numpy"

    def _remembered(
        self,
        wanted: tuple[str, ...],
        bare: bool,
        arguments: Mapping[str, Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> Specialization | None:
        """What was compiled for a function like this one, and is right for it, too."""
        keys: dict[frozenset[Place], tuple[Any, Any]] = {}
        for shared in _memory.of(self) if self._is_shared else ():
            if shared.static not in keys:
                key = self._key(wanted, arguments, shared.static)
                keys[shared.static] = key, weak_key(key)
            key, weak = keys[shared.static]
            names = shared.serves(weak, self.static, self, args, kwargs)
            if names is not None:
                self.static = shared.static
                request = replace(self._request(key, wanted, bare), varying=shared.integers.varying)
                return self._take(shared, key, names, request)
        return None

    def _take(self, shared: Shared, key: Any, names: dict[str, Any], request: Request) -> Specialization:
        """Make what is remembered a specialisation of this function."""
        age, static = _memory.age, self.static  # which may grow until then

        def make(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> FunctionType:
            with self.lock, deep_stack():
                compiled = self._compiled(request, self._arguments(args, kwargs), static)
            if compiled.careful is None:  # the program has changed meanwhile
                return self._load(compiled, key, list(request.signature.parameters)).run
            careful = self._careful(compiled)
            _memory.complete(shared, careful, self, compiled.guards, age)
            return careful

        made = shared.load(names, self, Careful(make, self._seen))
        self._add(key, made)
        _memory.use(self, shared)
        return made

    def _remember(
        self, key: Any, made: Specialization, guards: Sequence[Guard], integers: Integers, age: int
    ) -> None:
        """Remember a specialisation for functions like this one."""
        if not self._is_shared:
            return
        shared = _memory.add(key, self.static, made, self, guards, integers, age)
        if shared is None or made.careful is None:
            return
        known, make = shared, made.careful.make

        def make_known(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> FunctionType:
            careful = make(args, kwargs)
            _memory.complete(known, careful, self, guards, age)
            return careful

        made.careful.make = make_known

    # -- compilation --------------------------------------------------------------------------

    def _compile(
        self, key: Any, arguments: Mapping[str, Any], wanted: tuple[str, ...], bare: bool
    ) -> Specialization:
        age, request = _memory.age, self._request(key, wanted, bare)
        varying, known = _memory.varying(self, weak_key(key), self.static), frozenset[Path]()
        try:
            compiled = self._compiled(replace(request, varying=varying), arguments, self.begun)
        except (UnsupportedError, HostError):
            if not varying:
                raise
            compiled = self._compiled(request, arguments, self.begun)
            varying, known = known, varying
        self.begun |= compiled.begun
        if not compiled.static <= self.static:
            self.static |= compiled.static
            key = self._key(wanted, arguments, self.static)
        specialization = self._load(compiled, key, list(arguments))
        self._add(key, specialization)
        self._remember(key, specialization, compiled.guards, Integers(varying, known), age)
        return specialization

    def _request(self, key: Any, wanted: tuple[str, ...], bare: bool) -> Request:
        o = self.options
        return Request(
            self.source, self.signature, o.label, o.with_value, o.has_aux, o.optimize, wanted, bare,
            owner=self.bound, nested=self.explicit is not None, packed=self.packed, lent=key[0][1],
            operator=o.operator, checkpoint=o.checkpoint, probe=o.probe, backend=o.backend,
        )  # fmt: skip

    def _add(self, key: Any, specialization: Specialization) -> None:
        old = self.table.add(key, specialization, self.shown)
        if old:
            self._retire(old)

    def _compiled(self, request: Request, arguments: Mapping[str, Any], static: frozenset[Place]) -> Compiled:
        for again in (True, True, False):
            try:
                return compile_gradient(request, arguments, static, self.namespace, self.learning)
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
        self.namespace.keep([*codes, self.entry.__code__], self.own)

    def _load(self, compiled: Compiled, key: Any, names: list[str]) -> Specialization:
        label = compiled.label
        text = function_text(label, self.signature, compiled.body)
        helpers = self.namespace.having(compiled.helpers)
        run = make_function(self.namespace.compile(text, label), self.namespace, self.like, helpers)
        refer = self.namespace.refer
        guards = [test for g in compiled.guards for test in guard_tests(g, refer)]
        guards += [*compiled.layouts, *(reaching_builtins(test, refer) for test in compiled.equal)]
        lines = [
            "    try:",
            f"        if {' and '.join(guards) or True}:",
            "            return True",
            f"    except {refer(Exception)}:  # what cannot be read is not what was compiled for",
            "        pass",
            "    return False",
        ]
        holds = self._function("holds", lines, f"guards of {label}")
        tests = [t for n, k in zip(names, key[1:], strict=True) for t in signature_tests(n, k, refer)]
        for name, default in self.lent.items():
            tests.append(f"{name} {'is' if name in key[0][1] else 'is not'} {refer(default)}")
        meetings = [reaching_builtins(test, refer) for test in compiled.meetings]
        agrees: Callable[..., bool | None] | None = None
        if compiled.agreements or compiled.meetings:
            met = " and ".join(meetings) or "True"
            lines = [f"    return {' and '.join([*compiled.agreements, f'({met} or None)'])}"]
            agrees = self._function("agrees", lines, f"lengths of {label}")
        together: Callable[..., str] | None = None
        share = self.namespace.refer(np.may_share_memory)
        separate = [f"not {share}({a}, {b})" for a, b in compiled.apart]
        if separate:
            lines = [
                f"    if {share}({a}, {b}):\n        return {f'{a} and {b}'!r}" for a, b in compiled.apart
            ]
            together = self._function("together", [*lines, "    return ''"], f"memory of {label}")
        tests = [*tests, *guards, *compiled.agreements, *meetings, *separate]
        unchanged = [
            test
            for g in compiled.guards
            if g.kind in ("length", "type") and not g.path.is_parameter and not compiled.once
            for test in guard_tests(g, refer)
        ]
        blame = (NativeBlame if compiled.native else Blame)(compiled.once or not unchanged)
        through = self.by_call or compiled.changing  # each call comes here
        entry = None if through else self._entry(compiled, tests, run, blame, unchanged)
        signature = ", ".join(describe(k) for k in key[1:])
        shown = compiled.native or compiled.helpers
        primal = heading(compiled.name, self.signature)
        return Specialization(
            run,
            Careful(lambda *_: self._careful(compiled), self._seen) if compiled.careful is not None else None,
            holds,
            bool(unchanged),
            blame,
            entry,
            Module(primal, compiled.primal, shown, text, compiled.live, compiled.named),
            "\n\n".join([*shown.values(), text]),
            f"({signature})",
            self.callable,
            agrees,
            compiled.compared,
            together,
            tuple(compiled.helpers),
            compiled.changing,
            compiled.beyond,
        )

    def _function(
        self, name: str, lines: Sequence[str], label: str, helpers: dict[str, Any] | None = None
    ) -> FunctionType:
        code = self.namespace.compile(function_text(name, self.signature, lines), label)
        return make_function(code, self.namespace, self.like, helpers)

    def _careful(self, compiled: Compiled) -> FunctionType:
        assert compiled.careful is not None
        label = compiled.label
        with self.lock, deep_stack():
            lines, texts = compiled.careful()
            return self._function(label, lines, label, self.namespace.having(texts))

    def _entry(
        self, compiled: Compiled, tests: list[str], run: FunctionType, blame: Blame, unchanged: list[str]
    ) -> CodeType:
        """Dispatch, generated: the latest signature is tested inline and served without a call."""
        refer = self.namespace.refer
        name = function_name(self.function)
        for part, made in zip(("__defaults__", "__kwdefaults__"), self._as_read[1:], strict=True):
            if made is not None:
                path = self.namespace.put(f"{name}__function", self.function)
                tests = [*tests, f"{path}.{part} is {self.namespace.put(f'{name}{part}', made)}"]
        tests = list(dict.fromkeys(tests))
        may_fail = any(g.kind not in ("code", "lacks") for g in compiled.guards)  # where something is gone
        on_math = compiled.careful is not None
        call = f"    return {refer(run)}({pass_on(self.signature)})"
        inline = products_returned(compiled.body) if on_math and not compiled.helpers else [call]
        body = answering(inline, unchanged, self.signature)
        lines = entry_lines(
            self.signature, " and ".join(tests) or "True", body, unchanged, self.namespace.globals,
            failure=refer(Exception), may_fail=may_fail, blame=self.namespace.put(f"blame_{name}", blame),
            carefully=self._carefully if on_math else "", beyond=[*map(refer, compiled.beyond)],
        )  # fmt: skip
        lines.append(self._fall_back())
        text = function_text(self.name, self.signature, lines)
        return self.namespace.compile_fast(text, tests, f"dispatch of {compiled.name}")

    def _stub(self) -> CodeType:
        if self.by_call:
            text = f"def {self.name}(*args, **kwargs):\n    return {self._dispatch}(args, kwargs)\n"
        else:
            text = function_text(self.name, self.signature, [self._fall_back()])
        code = compile_again(text, f"dispatch of {self.name}")
        _stubs[code.co_filename] = self
        return code

    def _fall_back(self) -> str:
        return f"    return {hand_over(self.signature, self._dispatch)}"

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
            for attribute in self.texts:
                attribute.renew()

    def specializations(self) -> dict[str, str]:
        """Signature → generated source, of all that is compiled."""
        return {s.description: s.source for s in self.table}


def forget_all() -> None:
    """Let every gradient function compile anew at its next call."""
    with _all_lock:
        dispatchers = list(_all)
    _memory.forget()
    for dispatcher in dispatchers:
        dispatcher.forget()


def _renew_locks() -> None:
    """In the child of a fork, no thread is left that could release what another held."""
    global _all_lock
    _all_lock = threading.Lock()
    renew_lock()
    _memory.renew_lock()
    for dispatcher in list(_all):
        dispatcher.lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)
