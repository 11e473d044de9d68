"""All passes, in order: for a function, for the pairs that it calls, and for each of their texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from revcompile.autodiff.reverse import learn
from revcompile.autodiff.signs import has_narrow
from revcompile.frontend.lower import Lowerer
from revcompile.gates.halves import Half, Variant
from revcompile.ir.lengths import Facts
from revcompile.ir.nodes import Function, Value
from revcompile.ir.rebuild import replace
from revcompile.ir.verify import check
from revcompile.passes import scalar_math
from revcompile.passes.before_loops import compute_before_loops
from revcompile.passes.cse import eliminate_common
from revcompile.passes.dead import eliminate_dead
from revcompile.passes.extents import query_live_shapes
from revcompile.passes.hoist import use_before_store
from revcompile.passes.in_place import write_in_place
from revcompile.passes.last import compute_ends_last
from revcompile.passes.real_powers import complex_powers, keep_powers_real
from revcompile.passes.simplify import drop_casts, simplify
from revcompile.passes.split import choose_halves
from revcompile.passes.unguarded import has_guards, looking_at_gradients, of_numbers_alone


class Line:
    """The passes, for a gradient function and for the pairs that it calls."""

    def __init__(
        self, low: Lowerer, gradient: Function, optimize: bool, with_value: bool, restarts: bool = True
    ) -> None:
        """`restarts` says whether what raises on `math` is run again on NumPy, if nobody sees that."""
        self.low, self.facts, self.optimize, self.with_value = low, low.builder.facts, optimize, with_value
        self.foreign = low.host.values()
        pairs = [p.function for p in low.pairs.made() if p.function is not None]
        variants = [v.function for v in low.pairs.variants.values() if v.function is not None]
        both = (gradient, *pairs, *variants)
        self.on_numpy = scalar_math.has_floats(*both)  # has text whose backward pass is on NumPy
        self.once = not scalar_math.may_restart(*both)
        self.on_math = self.on_numpy and not self.once and restarts  # begins with another text
        of_numbers = self.on_math and of_numbers_alone((gradient, *pairs), both)
        self.guarded = of_numbers and any(has_guards(f.body) for f in both)

    def final(self, gradient: Function, half: Half | None = None) -> Function:
        gradient = _with_own_table(gradient)
        optimize, before = self.optimize, gradient
        on_numpy = self.on_numpy and not self.on_math and (half is None or half.variant is not None)
        if self.on_math:
            gradient = scalar_math.use_math(gradient, as_floats=optimize, guarded=not self.guarded)
            gradient = looking_at_gradients(gradient) if self.guarded else gradient
        elif on_numpy:
            gradient = drop_casts(scalar_math.on_numpy(gradient), self.facts)
        is_real = self.on_math or not complex_powers(gradient)
        if optimize and not self.with_value and not gradient.called and is_real:
            gradient = _without_value(gradient)
        done = optimise(gradient, self.facts) if optimize else drop_casts(gradient, self.facts)
        if on_numpy and not gradient.called:  # at the end: simplifying takes such a cast for one of a float
            done = scalar_math.float_gradients(done, before)
        return self.finishing(half)(done)

    def finishing(self, half: Half | None = None) -> Callable[[Function], Function]:
        """The passes that every function needs, which keep nothing else of what is known here."""
        chosen = self.low.pairs.chosen
        if half is not None and half.variant is not None:
            chosen = chosen | half.variant.chosen
        return partial(_finish, on_numpy=self.on_numpy, chosen=chosen, foreign=self.foreign)

    def careful(self, gradient: Function) -> Function:
        """On NumPy throughout."""
        return self.finishing()(self._on_numpy(gradient))

    def _on_numpy(self, gradient: Function) -> Function:
        careful = drop_casts(scalar_math.on_numpy(_with_own_table(gradient)), self.facts)
        return careful if gradient.called else scalar_math.float_gradients(careful, gradient)

    def of_half(self, half: Half) -> Function:
        return self._knowing(half, lambda: self.final(self._function(half), half))

    def primal_of(self, half: Half) -> Function:
        return self._knowing(half, lambda: self.finishing(half)(self._function(half)))

    def careful_of(self, half: Half) -> Function:
        function = self._function(half)
        if half.variant is None and function.table.derived.isdisjoint(function.body.defined):
            return self.primal_of(half)
        return self._knowing(half, lambda: self.finishing(half)(self._on_numpy(function)))

    def _function(self, half: Half) -> Function:
        """Both passes of a pair; of a primal, what it gives."""
        if half.variant is not None:
            assert half.variant.function is not None
            return half.variant.function
        function = half.pair.function
        assert function is not None
        body = replace(function.body, yields=((function.result, None, ()),))
        return replace(function, body=body, called=True, spellings=self.low.spellings)

    def _knowing(self, half: Half, make: Callable[[], Function]) -> Function:
        """What `make` gives where it is known what running the pair proves about lengths."""
        assert half.pair.function is not None
        known = self.facts.snapshot()
        learn(half.pair.function.body, self.facts)
        try:
            return make()
        finally:
            self.facts.restore(known)


def _finish(
    function: Function, on_numpy: bool, chosen: Mapping[Value, Variant], foreign: tuple[Value, ...]
) -> Function:
    own = _with_own_table(function)
    function = keep_powers_real(own if on_numpy else scalar_math.divide_on_numpy(own))
    function = choose_halves(eliminate_dead(function), chosen)
    function = compute_ends_last(use_before_store(function))
    function = eliminate_dead(write_in_place(function, foreign))
    return check(function, "the passes", foreign)


def _with_own_table(function: Function) -> Function:
    """The function for the passes of one text: how they name values is no matter of another one."""
    return replace(function, table=function.table.copy())


def _without_value(function: Function) -> Function:
    """Only what the gradients need: the value itself is not asked for."""
    ((_, aux, gradients),) = function.body.yields
    return replace(function, body=replace(function.body, yields=((None, aux, gradients),)))


def optimise(function: Function, facts: Facts) -> Function:
    """The passes, in order."""
    simplified = partial(simplify, facts=facts, mixed=has_narrow(function))
    function = eliminate_common(simplified(eliminate_dead(function), algebra=False))
    function = eliminate_common(compute_before_loops(simplified(eliminate_dead(function))))
    return query_live_shapes(eliminate_dead(simplified(eliminate_dead(function))), facts)
