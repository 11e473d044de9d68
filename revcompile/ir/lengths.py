"""What a program proves about the lengths of axes, and what is taken to be so in a call.

Imports the types.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from revcompile.ir.rebuild import replace
from revcompile.ir.types import ONE, Dim

Comparison = tuple[Dim, Dim, bool]  # of lengths; whether a length of 1 is stretched


UNKNOWN = "not known"


class LengthError(Exception):
    """Lengths that are known do not agree where they must."""


class Facts:
    """What a program proves about lengths by running: `a @ b` proves that two axes agree.

    A union-find over symbols, and pairs of lengths of which the first is the second or 1: what is stored is
    stretched to its place, an operand to the result. Where each of two lengths is the other or 1, they are
    equal: `x[i:j] += v` proves the sum to be as long as the slice. Facts proved inside a branch hold only
    there: `snapshot` and `restore` bracket it.
    """

    def __init__(
        self,
        is_arithmetic: Callable[[Any], bool] = lambda function: False,
        symbol_of: Callable[[Any], str] = lambda function: "",
    ) -> None:
        self.is_arithmetic = is_arithmetic  # whether a function computes whole numbers from such alone
        self.symbol_of = symbol_of  # how it is written
        self._parent: dict[int, tuple[int, int]] = {}  # a length that is another one and so many more
        self._sizes: dict[int, int] = {}  # symbols that were proved to be a number
        self._stretched: dict[tuple[Dim, Dim], None] = {}  # lengths of which the first is the second or 1
        self._counted: dict[object, Dim] = {}
        self._parts: dict[int, tuple[Dim, object]] = {}  # of which length, by which slice
        self._in_blocks: dict[tuple[Dim, Dim], None] = {}  # lengths that agree where a block is run
        self._in_this_call: dict[int, int] = {}  # what the lengths of arguments are
        self._counts: dict[int, int] = {}  # what whole numbers are, of which a length may be made
        self.taken_alike: list[tuple[Dim, Dim]] = []  # lengths that are taken to be equal, as in this call
        self._of_a_helper: set[int] = set()  # those of a helper's arguments, in its first call
        self.wished: dict[tuple[int, int], None] = {}  # lengths of a helper that should be taken to be equal
        self.compared: dict[Comparison, None] = {}  # what statements compare, see `compare`
        self.doubts: list[
            Comparison
        ] = []  # what was compared that was not lengths of arguments, or in a block
        self._made: dict[int, tuple[str, tuple[Any, ...]]] = {}  # lengths that are a sum, a product, a number
        self.count = 0  # of symbols
        self.is_settled = False  # whether the primal is lowered: what is compared after that follows
        self.in_block = False  # whether what is proved now holds in a block only
        self.definitions: Mapping[Any, Any] = {}  # the statements that compute numbers

    def fresh(self, maybe_one: bool = True) -> Dim:
        self.count += 1
        return Dim(symbol=self.count, maybe_one=maybe_one)

    def of_argument(self, n: int) -> Dim:
        """The length of an argument's axis, which is `n` in this call and is not 1 in any."""
        dim = self.fresh(maybe_one=False)
        assert dim.symbol is not None
        self._in_this_call[dim.symbol] = n
        return dim

    def of_number(self, n: int) -> Dim:
        """The length of what is made as long as an argument says, which is `n` in this call."""
        dim = self.fresh()
        assert dim.symbol is not None
        self._counts[dim.symbol] = n
        return dim

    def of_helper(self, given: Dim) -> Dim:
        """A length of a helper's argument, of its own, where `given` is that in a call of it."""
        dim = self.fresh(maybe_one=given.can_be_one)
        assert dim.symbol is not None
        if given.symbol in self._in_this_call:
            self._in_this_call[dim.symbol] = max(self._in_this_call[given.symbol] - given.trim, 0)
            self._of_a_helper.add(dim.symbol)
        return dim

    def alike(self, a: Dim, b: Dim) -> bool:
        """Whether two lengths are equal, or follow from lengths of arguments and are equal in this call.

        They are taken to be equal then, which is tested at each later call.
        """
        if self.same(a, b):
            return True
        n, m = self._now(a), self._now(b)
        if n is None or n != m:
            return False
        if a.symbol in self._of_a_helper or b.symbol in self._of_a_helper:
            if a.symbol is not None and b.symbol is not None and a.trim == b.trim:
                self.wished[a.symbol, b.symbol] = None
            return False
        self.taken_alike.append((a, b))
        self._take_alike(a, b)
        return True

    def _now(self, dim: Dim) -> int | None:
        """What a length is in this call, as far as it follows from lengths of arguments."""
        if dim.symbol is None:
            return dim.size
        n, origin = self._in_this_call.get(dim.symbol, self._counts.get(dim.symbol)), self.origin(dim)
        if n is None and origin is not None:
            how, parts = origin
            dims = [p for p in parts if isinstance(p, Dim)]
            of = [None if d.symbol in self._of_a_helper else self._now(d) for d in dims]
            if how == "[]" and of[0] is not None:
                bounds = [self._number_now(k) for k in parts[1]]
                if UNKNOWN not in bounds:
                    n = len(range(of[0])[slice(*bounds)])
            elif how == "":
                number = self._number_now(self.number(parts[0]))
                n = None if number is UNKNOWN else number
            elif how == "+" and len(of) == len(parts) and None not in of:
                n = sum(k for k in of if k is not None)
        n = None if n is None else max(n, 0)
        return None if n is None else max(n - dim.trim, 0)

    def _number_now(self, n: Any) -> Any:
        """What a bound of a slice is in this call: a number, None, or UNKNOWN."""
        if n is None or type(n) is int:
            return n
        if isinstance(n, tuple):
            function, *terms = n
            numbers = [self._number_now(t) for t in terms]
            known = self.symbol_of(function) in ("+", "-", "*") and UNKNOWN not in numbers
            return function(*numbers) if known else UNKNOWN
        extent = getattr(getattr(n, "type", None), "extent", None)
        if extent is None or extent.symbol is None or extent.symbol in self._of_a_helper:
            return UNKNOWN
        if extent.symbol in self._counts:
            return self._counts[extent.symbol]
        length = self._now(extent)
        return UNKNOWN if length is None else length

    def _take_alike(self, a: Dim, b: Dim) -> None:
        if a.symbol is not None and b.symbol is not None:
            self._link(a.symbol, b.symbol, a.trim - b.trim)
        for known, dim in ((a.size, b), (b.size, a)):
            if known is not None and dim.symbol is not None:
                self.settle(dim, known)

    def compare(self, a: Dim, b: Dim, stretches: bool) -> None:
        """Note that NumPy raises where two lengths differ, `stretches`: unless one of them is 1."""
        if self.is_settled or self.same(a, b):
            return
        self.compared[a, b, stretches] = None
        own = all(d.size is not None or d.symbol in self._in_this_call for d in (a, b))
        if self.in_block or not own or a.trim or b.trim:
            self.doubts.append((a, b, stretches))

    def made(self, how: str, parts: Sequence[Any], maybe_one: bool = True) -> Dim:
        """A length that is the sum ("+") or the product ("*") of others, a number (""), or a range."""
        dim = self.fresh(maybe_one)
        assert dim.symbol is not None
        self._made[dim.symbol] = how, tuple(parts)
        return dim

    def origin(self, dim: Dim) -> tuple[str, tuple[Any, ...]] | None:
        """How a length was `made`, or of which one it is which `part`; None where that is not known."""
        if dim.symbol in self._made:
            return self._made[dim.symbol]
        part = self._parts.get(dim.symbol) if dim.symbol is not None else None
        return None if part is None else ("[]", part)

    def is_older(self, dim: Dim, count: int) -> bool:
        """Whether a length was there when there were so many symbols, or is made of such, and of no numbers
        that only the run knows."""
        if self.size_of(dim) is not None or dim.symbol is None:
            return True
        root, _ = self.root(dim.symbol)
        origin = self.origin(Dim(symbol=root))

        def is_old(part: Any) -> bool:
            if isinstance(part, Dim):
                return self.is_older(part, count)
            return all(map(is_old, part)) if isinstance(part, tuple) else part is None or type(part) is int

        return root <= count or (origin is not None and is_old(origin[1]))

    def restated(self, dim: Dim, bound: Mapping[int, Dim]) -> Dim | None:
        """A length in terms of others, which its symbols are bound to; None where that is not known."""
        if dim.symbol is None:
            return dim
        found = bound.get(dim.symbol)
        origin = self.origin(dim)
        if found is None and origin is not None:
            how, parts = origin
            if how == "[]":
                whole = self.restated(parts[0], bound)
                found = None if whole is None else self.part(whole, parts[1])
            else:
                texts = [self.restated(p, bound) if isinstance(p, Dim) else None for p in parts]
                found = None if None in texts else self.made(how, texts)
        return None if found is None else found.trimmed(dim.trim)

    def let_go(self) -> None:
        """Forget the call's own lengths: nothing more is taken to be equal for them."""
        self._in_this_call.clear()
        self._counts.clear()

    def counted(self, what: object) -> Dim:
        """The length that counts something, the elements that a mask picks: the same each time."""
        if what not in self._counted:
            self._counted[what] = self.fresh()
        return self._counted[what]

    def part(self, whole: Dim, bounds: object) -> Dim:
        """The length of a slice of an axis: the same for the same bounds on an axis of the same length."""
        found = self.counted((whole, bounds))
        assert found.symbol is not None
        self._parts[found.symbol] = whole, bounds
        return found

    def is_part(self, dim: Dim) -> bool:
        """Whether a length is that of a slice, which may be shorter than its bounds say."""
        return dim.symbol is not None and self.root(dim.symbol)[0] in self._parts

    def number(self, value: Any) -> object:
        """What is the same for whole numbers that are computed alike: `i + 1`, wherever it is written."""
        made = self.definitions.get(value)
        if made is None or not self.is_arithmetic(made.function):
            return value
        return made.function, *(self.number(a) if hasattr(a, "type") else a for a in made.args)

    def root(self, symbol: int) -> tuple[int, int]:
        """The symbol that stands for lengths that differ from it by a number; how much longer this one is."""
        more = 0
        while symbol in self._parent:
            symbol, by = self._parent[symbol]
            more += by
        return symbol, more

    def in_terms_of(self, dim: Dim, symbol: int) -> Dim | None:
        """A length in terms of another, if it differs from that by a number."""
        if dim.symbol is None:
            return dim
        (root, more), (other, others) = self.root(dim.symbol), self.root(symbol)
        return replace(dim, symbol=symbol, trim=dim.trim + others - more) if root == other else None

    def unify(self, a: Dim, b: Dim) -> None:
        """Record that two lengths agree. `max(n - 1, 0)` may agree with `max(m - 1, 0)` where n is not m.

        Raises LengthError where they do not.
        """
        if a.size is not None and b.size is not None and a.size != b.size:
            raise LengthError(f"{a.size} is not {b.size}")
        self.compare(a, b, stretches=False)
        if self.in_block:
            self._in_blocks[a, b] = None
        for known, symbol in ((a.size, b), (b.size, a)):
            if known is not None and symbol.symbol is not None and symbol.trim == 0:
                self._sizes[symbol.symbol] = known
        if a.symbol is None or b.symbol is None or a.trim != b.trim or a.trim > 0:
            self.stretch(a, b)
            self.stretch(b, a)
            return
        self._link(a.symbol, b.symbol)

    @contextmanager
    def of_all_blocks(self) -> Iterator[None]:
        """Inside, what is proved in any block holds."""
        before = self.snapshot()
        try:
            for a, b in list(self._in_blocks):
                try:
                    self.unify(a, b)
                except LengthError:  # in one of two branches
                    continue
            yield
        finally:
            self.restore(before)

    def _link(self, a: int, b: int, longer: int = 0) -> None:
        """Record that one length is another, or that it is so much longer."""
        (ra, more), (rb, others) = self.root(a), self.root(b)
        longer += others - more
        if ra > rb:
            self._parent[ra] = rb, longer
        elif ra < rb:
            self._parent[rb] = ra, -longer

    def stretch(self, a: Dim, b: Dim) -> None:
        """Record that a length is another or 1."""
        if not (a.is_one or self.node(a) == self.node(b)):
            self._stretched[a, b] = None

    def same(self, a: Dim, b: Dim) -> bool:
        """Whether two lengths are proved equal."""
        if a is b or a == b:
            return True
        x, y = self.node(a), self.node(b)
        if x == y or (isinstance(x, int) and isinstance(y, int)):
            return x == y
        if not self._stretched:
            return False
        ahead: dict[object, set[object]] = {}
        for p, q in self._stretched:
            ahead.setdefault(self.node(p), set()).add(self.node(q))
        return _reaches(ahead, x, y) and _reaches(ahead, y, x)

    def node(self, dim: Dim) -> object:
        """What is the same object for lengths that are equal by what they are."""
        size = self.size_of(dim)
        if size is not None:
            return size
        assert dim.symbol is not None
        root, more = self.root(dim.symbol)
        if root in self._parts:
            whole, bounds = self._parts[root]
            return self.node(whole), bounds, dim.trim - more
        return root, dim.trim - more

    def size_of(self, dim: Dim) -> int | None:
        """The number that a length is, or was proved to be."""
        if dim.symbol is None:
            return dim.size
        if not self._sizes:
            return None
        root, more = self.root(dim.symbol)
        for symbol, n in self._sizes.items():
            other, others = self.root(symbol)
            if other == root:
                return max(n - others + more - dim.trim, 0)
        return None

    def settle(self, dim: Dim, size: int) -> None:
        """Take a length to be a number, as it is in the call for which the compiler runs."""
        assert dim.symbol is not None
        self._sizes.setdefault(dim.symbol, size + dim.trim)

    def snapshot(self) -> tuple[dict[int, tuple[int, int]], dict[int, int], dict[tuple[Dim, Dim], None]]:
        return dict(self._parent), dict(self._sizes), dict(self._stretched)

    def restore(
        self, saved: tuple[dict[int, tuple[int, int]], dict[int, int], dict[tuple[Dim, Dim], None]]
    ) -> None:
        self._parent, self._sizes, self._stretched = saved
        for a, b in self.taken_alike:
            self._take_alike(a, b)

    def broadcast(self, *shapes: tuple[Dim, ...]) -> tuple[Dim, ...]:
        """The axes of a broadcast of `shapes`, as NumPy aligns them. May raise LengthError."""
        given = [shape for shape in shapes if shape]
        if not given:
            return ()
        if given.count(given[0]) == len(given):
            return given[0]
        rank = max(map(len, given))
        out: list[Dim] = [ONE] * rank
        for shape in given:
            for i, d in enumerate(shape, rank - len(shape)):
                out[i] = self._broadcast_axis(out[i], d)
        return tuple(out)

    def _broadcast_axis(self, a: Dim, b: Dim) -> Dim:
        if a.is_one or b.is_one:
            return b if a.is_one else a
        if self.same(a, b):
            return a
        if not a.can_be_one and not b.can_be_one:
            self.unify(a, b)
            return a if a.size is not None or b.size is None else b
        if self.alike(a, b):
            return a
        self.compare(a, b, stretches=True)
        out = a if not a.can_be_one else b if not b.can_be_one else self._stretched_to(a, b)
        self.stretch(a, out)
        self.stretch(b, out)
        return out

    def _stretched_to(self, a: Dim, b: Dim) -> Dim:
        """The length of an axis to which two are stretched that may be 1: the same each time."""
        if ("broadcast", b, a) in self._counted:
            a, b = b, a
        return self.counted(("broadcast", a, b))


def _reaches(ahead: dict[object, set[object]], start: object, end: object) -> bool:
    seen, waiting = {start}, [start]
    while waiting:
        for node in ahead.get(waiting.pop(), set()) - seen:
            if node == end:
                return True
            seen.add(node)
            waiting.append(node)
    return False


def same_axes(facts: Facts, a: tuple[Dim, ...], b: tuple[Dim, ...]) -> bool:
    return a is b or (len(a) == len(b) and all(facts.same(x, y) for x, y in zip(a, b, strict=True)))
