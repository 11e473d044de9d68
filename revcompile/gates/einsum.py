"""`np.einsum`. Imports NumPy, the gate table and `products`.

The gradient of an operand is an einsum again: the upstream gradient takes the operand's place, and
the operand's labels take the result's. `ij,jk->ik` gives `ik,jk->ij` for the first operand and
`ij,ik->jk` for the second. Three things are added to that rule:

- a label that no other array has was summed out: the gradient is constant along it;
- a label that is repeated within the operand took a diagonal: an identity matrix puts it back;
- where an axis of length 1 met a longer one, the compiler sums, as for every gate.

Everything about labels is string work, done while compiling.
"""

from __future__ import annotations

import string
from typing import Any

import numpy as np

from revcompile.errors import HostError
from revcompile.gates.axes import is_value
from revcompile.gates.compositions import as_array
from revcompile.gates.numbers import PARTS, Numbers
from revcompile.gates.products import Dims, axes_of, permuted
from revcompile.gates.samples import example, real
from revcompile.gates.table import gate
from revcompile.gates.traits import Memory
from revcompile.ir.lengths import Facts
from revcompile.runtime import diagonals


def labelled(lists: Any, output: Any) -> str:
    """The subscripts that lists of axes mean.

    >>> labelled([[0, 1], [..., 1]], [0])
    'ab,...b->a'
    """
    terms = [
        "".join("..." if i is ... else string.ascii_letters[i] for i in axes)
        for axes in (*lists, output or ())
    ]
    return ",".join(terms[:-1]) + ("" if output is None else "->" + terms[-1])


def einsum_otherwise(*args: Any, dtype: Any = None, **options: Any) -> Any:
    """`np.einsum(A, [0, 1], B, [1, 2], [0, 2])`; in another dtype, if it is no view."""
    if isinstance(args[0], str):
        subscripts, arrays = args[0], args[1:]
    else:
        pairs = len(args) // 2 * 2
        subscripts = labelled(args[1:pairs:2], args[-1] if len(args) % 2 else None)
        arrays = args[0:pairs:2]
    if dtype is not None and not gives_view(subscripts, tuple(np.ndim(x) for x in arrays)):
        arrays = [as_array(x, dtype) for x in arrays]
    return np.einsum(subscripts, *arrays, **options)


def gives_view(subscripts: str, ranks: tuple[int, ...]) -> bool:
    terms, output = spelled_out(subscripts, ranks)
    return len(terms) == 1 and set(terms[0]) == set(output)


def means_einsum(args: Any, kwargs: Any) -> Any:
    is_text = bool(args) and isinstance(args[0], str)
    if not is_text or kwargs.get("dtype") is not None:
        return einsum_otherwise
    ranks = tuple(len(axes_of(x)) for x in args[1:] if is_value(x))
    is_view = len(args) == 2 and any(ranks) and gives_view(args[0], ranks)
    return einsum_of_axes if is_view and kwargs.get("out") is None else None


def einsum_of_axes(subscripts: str, a: Any, **_: Any) -> Any:
    """An einsum that is a view: the axes in another order, or diagonals."""
    (term,), output = spelled_out(subscripts, (a.ndim,))
    if len(term) > len(output):
        return diagonals(a, subscripts)
    return np.transpose(a, tuple([term.index(axis) for axis in output]))


# ----- labels: strings in, strings out -----------------------------------------------------------


def spelled_out(subscripts: str, ranks: tuple[int, ...]) -> tuple[tuple[str, ...], str]:
    """The labels of each operand and of the result: no ellipsis, no implicit output, no spaces.

    >>> spelled_out("...ij, jk", (3, 2))
    (('Aij', 'jk'), 'Aik')
    """
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if len(terms) != len(ranks):
        raise HostError(
            ValueError(f"einsum: {len(terms)} operands in {subscripts!r}, but {len(ranks)} were given")
        )
    if not arrow:
        letters = inputs.replace(",", "").replace(".", "")
        once = [letter for letter in sorted(set(letters)) if letters.count(letter) == 1]
        output = ("..." if "..." in inputs else "") + "".join(once)
    stretched = [
        rank - len(term) + 3 if "..." in term else 0 for term, rank in zip(terms, ranks, strict=True)
    ]
    batch = unused_labels(subscripts, max(stretched))
    terms = [term.replace("...", batch[len(batch) - n :]) for term, n in zip(terms, stretched, strict=True)]
    for term, rank in zip(terms, ranks, strict=True):
        if len(term) != rank:
            raise HostError(ValueError(f"einsum: {subscripts!r} does not fit an operand of rank {rank}"))
    return tuple(terms), output.replace("...", batch)


def unused_labels(used: str, count: int) -> str:
    """Letters for axes that the user's subscripts do not name."""
    free = [letter for letter in string.ascii_uppercase + string.ascii_lowercase if letter not in used]
    return "".join(free[:count])


def without_repeats(term: str, used: str) -> tuple[str, tuple[str, ...]]:
    """A term with its repeated labels renamed, and the identity matrices that tie them.

    >>> without_repeats("iij", "iij")
    ('iAj', ('iA',))
    """
    fresh = iter(unused_labels(used, len(term)))
    labels: list[str] = []
    ties: list[str] = []
    for label in term:
        if label in labels:
            ties.append(label + next(fresh))
            label = ties[-1][1]
        labels.append(label)
    return "".join(labels), tuple(ties)


# ----- the rule ----------------------------------------------------------------------------------


def _einsum_dims(facts: Facts, subscripts: str, operands: Any, optimize: Any = False) -> Dims:
    shapes = [axes_of(x) for x in operands]
    terms, output = spelled_out(subscripts, tuple(len(shape) for shape in shapes))
    lengths: dict[str, Dims] = {}
    for term, shape in zip(terms, shapes, strict=True):
        own: dict[str, Dims] = {}
        for label, length in zip(term, shape, strict=True):
            facts.unify(own.setdefault(label, (length,))[0], length)
        for label, axis in own.items():
            lengths[label] = facts.broadcast(lengths[label], axis) if label in lengths else axis
    return tuple(lengths[label][0] for label in output)


def zeros_of_einsum(args: Any, operand: int) -> int:
    """What is not on a diagonal."""
    terms = args[0].partition("->")[0].replace(" ", "").replace(".", "").split(",")
    return PARTS if any(len(set(term)) < len(term) for term in terms) else 0


def where_it_meets_in_einsum(passes: Any, subscripts: str, operands: Any, optimize: Any = False) -> Any:
    """The operands with zeros where they meet zeros alone backwards; see `products.where_it_meets`."""
    terms, output = spelled_out(subscripts, tuple(np.ndim(x) for x in operands))
    return subscripts, tuple([met(passes, t, output, x) for t, x in zip(terms, operands)]), optimize


def met(passes: Any, term: str, output: str, x: Any) -> Any:
    if np.ndim(x) == 0 or len(output) == 0 or any([term.count(axis) > 1 for axis in term]):
        return x
    shared = "".join([axis for axis in term if axis in output])
    place = tuple([slice(None) if axis in output else None for axis in term])
    return np.where((np.einsum(f"{output}->{shared}", 1.0 * passes) != 0)[place], x, 0.0)


@gate(
    np.einsum,
    means=means_einsum,
    reads_late=True,
    numbers=Numbers(zeros=zeros_of_einsum, as_read=where_it_meets_in_einsum),
    dims=_einsum_dims,
    examples=[
        example("ij,jk->ik", real(2, 3), real(3, 4)),
        example("ij,jk", real(2, 3), real(3, 4)),
        example("ji,jk->ki", real(3, 2), real(3, 4)),
        example("ij,kj->ik", real(2, 3), real(4, 3)),
        example(" ij , j -> i ", real(2, 3), real(3)),
        example("i,ij->j", real(2), real(2, 3)),
        example("i,i->", real(3), real(3)),
        example("i,i", real(3), real(3)),
        example("i,i->i", real(3), real(3)),
        example("i,j->ij", real(3), real(2)),
        example("i,j->ji", real(3), real(2)),
        example("ij,ij->", real(2, 3), real(2, 3)),
        example("ij,ji->", real(2, 3), real(3, 2)),
        example("ij,j->ij", real(2, 3), real(3)),
        example("ij,i->ij", real(2, 3), real(2)),
        example("ij->ji", real(2, 3)),
        example("ba", real(2, 3)),
        example("ijk->kij", real(2, 3, 4)),
        example("ij->i", real(2, 3)),
        example("ij->j", real(2, 3)),
        example("ij->", real(2, 3)),
        example("ijk->ki", real(2, 3, 4)),
        example("i,j->", real(2), real(3)),
        example("i,j->j", real(2), real(3)),
        example("ij,kl->", real(2, 3), real(3, 2)),
        example("ij,k->i", real(2, 3), real(4)),
        example("ij,jk->k", real(2, 3), real(3, 4)),
        example("ii->i", real(3, 3)),
        example("ii", real(3, 3)),
        example("ii->", real(3, 3)),
        example("iij->j", real(3, 3, 2)),
        example("ijj->i", real(2, 3, 3)),
        example("iji->ij", real(3, 2, 3)),
        example("iii->i", real(3, 3, 3)),
        example("iijj->ij", real(2, 2, 3, 3)),
        example("ii,i->i", real(3, 3), real(3)),
        example(",ii->i", real(), real(3, 3)),
        example(",ij->ji", real(), real(2, 3)),
        example("i,->i", real(3), real()),
        example("ii,ij->j", real(3, 3), real(3, 2)),
        example("ii,jj->", real(3, 3), real(2, 2)),
        example("i,ij,j->", real(2), real(2, 3), real(3)),
        example("i,ij,j", real(2), real(2, 3), real(3)),
        example("ij,jk,kl->il", real(2, 3), real(3, 4), real(4, 2), optimize=True),
        example("ij,jk,kl->il", real(2, 3), real(3, 4), real(4, 2)),
        example("ij,jk,ki->", real(2, 3), real(3, 4), real(4, 2)),
        example("ij,ij,ij->ij", real(2, 3), real(2, 3), real(2, 3)),
        example("bij,bjk->bik", real(2, 3, 4), real(2, 4, 5)),
        example("bqd,bkd->bqk", real(2, 3, 4), real(2, 5, 4)),
        example("...ij,...jk->...ik", real(2, 3, 4), real(2, 4, 5)),
        example("...ij,jk->...ik", real(2, 3, 4), real(4, 5)),
        example("...ij,...jk->...ik", real(6, 2, 3, 4), real(2, 4, 5)),
        example("...ij,...jk->...ik", real(1, 3, 4), real(2, 4, 5)),
        example("...i,...i", real(2, 3), real(3)),
        example("i...->...", real(2, 3, 4)),
        example("i...,i...->i...", real(2, 3, 4), real(2, 4)),
        example("...ii->...i", real(2, 3, 3)),
        example("...,i->i...", real(2, 4), real(3)),
        example("...i->...", real(3)),
        example(",i->i", real(), real(3)),
        example(",->", real(), real()),
        example("->", real()),
        example("ij,jk->ik", real(3, 1), real(4, 5)),
        example("ij,ij->i", real(3, 1), real(3, 4)),
        example("ij,j->i", real(3, 4), real(1)),
        example("ij,ij->ij", real(3, 1), real(3, 4)),
        example("ij,ij->", real(1, 4), real(3, 1)),
        example("ii,i->i", real(1, 1), real(3)),
        example("ij,jk,ki->", real(2, 3), real(3, 1), real(4, 2)),
        example("ij,jk,k->i", real(2, 3), real(3, 1), real(4)),
    ],
)
def einsum(grad_y: Any, subscripts: str, *operands: Any, optimize: Any = False) -> Any:
    terms, output = spelled_out(subscripts, tuple(np.ndim(x) for x in operands))
    used = subscripts + "".join(terms)
    route = optimize if isinstance(optimize, (bool, str)) else True
    gradients = [_gradient(grad_y, output, k, terms, operands, used, route) for k in range(len(operands))]
    return None, gradients


@gate(
    diagonals,
    name="einsum",
    memory=Memory.VIEW,
    numbers=Numbers(zeros=PARTS),
    written="np.einsum(subscripts, a)",
    dims=lambda facts, a, subscripts: _einsum_dims(facts, subscripts, (a,)),
    examples=[
        example(real(3, 3), "ii->i"),
        example(real(3, 3, 2), "iij->ji"),
        example(real(3, 2, 3), "iji->ij"),
        example(real(2, 3, 3), "...ii->...i"),
        example(real(3, 3, 3), "iii->i"),
        example(real(2, 2, 3, 3), "iijj->ij"),
    ],
)
def diagonals_(grad_y: Any, a: Any, subscripts: str) -> Any:
    (term,), output = spelled_out(subscripts, (a.ndim,))
    return _gradient(grad_y, output, 0, (term,), (a,), subscripts + term, False)


def _gradient(grad_y: Any, output: str, k: int, terms: Any, operands: Any, used: str, route: Any) -> Any:
    """The gradient of operand `k`, with an axis of length 1 where it is constant."""
    target, ties = without_repeats(terms[k], used)
    eyes = [_eye(operands[k], terms[k].index(tie[0])) for tie in ties]
    others = (*terms[:k], *terms[k + 1 :], *ties)
    arrays = (*operands[:k], *operands[k + 1 :], *eyes)
    known = "".join(label for label in target if label in output + "".join(others))
    if output == "":
        product = grad_y if len(others) == 0 else grad_y * _product(known, others, arrays, route)
    elif others == (known,) and output == known:
        product = grad_y * arrays[0]
    elif len(others) == 1 and len(ties) == 0 and is_matrix_product(output, others[0], known):
        product = _matrix_product(grad_y, arrays[0], output, others[0], known)
    else:
        product = _product(
            known,
            (*others[:k], output, *others[k:]),
            (*arrays[:k], grad_y, *arrays[k:]),
            route,
        )
    constant = tuple(i for i, label in enumerate(target) if label not in known)
    return np.expand_dims(product, constant) if len(constant) > 0 and len(known) > 0 else product


def _eye(x: Any, axis: int) -> Any:
    return np.eye(x.shape[axis], dtype=x.dtype)


def _product(output: str, terms: Any, arrays: Any, route: Any) -> Any:
    """An einsum, or the transpose that it is."""
    if len(terms) == 1 and sorted(terms[0]) == sorted(output):
        return permuted(arrays[0], tuple(terms[0].index(label) for label in output))
    subscripts = ",".join(terms) + "->" + output
    if route is False:
        return np.einsum(subscripts, *arrays)
    return np.einsum(subscripts, *arrays, optimize=route)


def is_matrix_product(a: str, b: str, output: str) -> bool:
    """Whether two terms are matrices or vectors, with one label in common that is summed out."""
    common = set(a) & set(b)
    free = (set(a) | set(b)) - common
    plain = len(set(a)) == len(a) <= 2 and len(set(b)) == len(b) <= 2
    return plain and len(common) == 1 and sorted(free) == sorted(output)


def _matrix_product(a: Any, b: Any, of_a: str, of_b: str, output: str) -> Any:
    """`np.einsum` of two matrices or vectors, as a product with `@`."""
    if output != "".join(label for label in of_a + of_b if label not in of_a or label not in of_b):
        a, b, of_a, of_b = b, a, of_b, of_a
    left = a if of_a[-1] in of_b else a.T
    right = b if of_b[0] in of_a else b.T
    return left @ right
