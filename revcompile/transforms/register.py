"""`@gate`, with which users give rules for functions of their own, and `stop_gradient`.

Imports the gate table and the dispatcher.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from revcompile import dispatch
from revcompile.errors import HostError, host, seen_outside
from revcompile.gates import foreign, table
from revcompile.gates.effects import stop_gradient
from revcompile.gates.options import signature_of
from revcompile.gates.traits import Memory
from revcompile.statements.hook import on_gradient

Rule = Callable[..., Any]
__all__ = ["gate", "on_gradient", "stop_gradient"]


def gate(
    function: Callable[..., Any],
    *,
    forward: Callable[..., Any] | None = None,
    tangent: Rule | None = None,
    name: str | None = None,
    like: Any = None,
) -> Callable[[Rule], Rule]:
    """Register the decorated backward rule for `function`, which is then called as it is.

    Without `forward`, the rule is ordinary code `def rule(grad_y, [y,] a, b)`: the upstream gradient
    `grad_y`, then `y`, the output, if the rule wants it, then the parameters of `function`. The
    compiler reads it and writes it into the backward pass. It returns the gradients of the leading
    parameters, in order.

    Forward mode, as in `jvp` and `hvp`, is made of that rule, which is linear in `grad_y`; or it is
    `tangent`, a rule `def rule(tangent_a, tangent_b, [y,] a, b)` for the tangent of the output. It is read,
    too, so that it is differentiated again; it takes the tangents that it names, zeros of what is still.

    With `forward`, nothing else is read: `forward(a, b)` returns `(y, saved)` and runs in place of
    `function`; the rule `def backward(grad_y, saved)` is called in the backward pass.

    Calls whose results are needed are made in order, each once: two with the same arguments are two.
    Where `function` returns a tuple, `grad_y` is a tuple of the same form: zeros for a result that is not
    used, None for one that carries no gradient, as a whole number.

    In either form None stands for a gradient that is zero. A parameter that is left out at the end has none.

    A gradient is summed over the axes along which its operand was broadcast, and cast to its dtype.

    Parameters
    ----------
    function : callable
        Takes and returns numbers or arrays. It is tried on small arrays to learn the type of its result;
        where it takes none of these, on the arguments of the call.
    forward : callable, optional
        Makes the output and what the backward pass needs of the forward pass.
    tangent : callable, optional
        The rule of forward mode. Without it, a gate with `forward` that gives more than one number has none.
    name : str, optional
        What the generated code calls the gate; by default the function's name.
    like : str or array or number or tuple of them, optional
        What the result is like: the name of the parameter whose dtype and shape it has, or an example of
        it, of any lengths. Then the function is not tried. Only of a parameter's name is it known how long
        the result is, which spares the run to look.

    Raises
    ------
    ValueError
        If `function` has a built-in rule, or `tangent` takes a tangent of what is no parameter of it.

    Examples
    --------
    >>> import numpy as np
    >>> from revcompile import gate, grad
    >>> def softplus(x):
    ...     return np.logaddexp(0.0, x)
    >>> @gate(softplus)
    ... def softplus_rule(grad_y, y, x):
    ...     return grad_y * (1.0 - np.exp(-y))
    >>> round(grad(lambda x: softplus(x))(0.0), 3)
    0.5
    """
    with _seen:
        if not callable(function):
            raise HostError(TypeError(f"gate takes the function that gets the rule, not {function!r}"))
        with host():
            hash(function)
        if function in table.TABLE and not table.TABLE[function].foreign:
            raise HostError(ValueError(f"{getattr(function, '__name__', function)} has a rule already"))

    def register(rule: Rule) -> Rule:
        with _seen:
            label = str(name or getattr(function, "__name__", "gate"))
            signature = signature_of(function)
            types = None if like is None else foreign.like(like, signature, label)
            if tangent is not None:
                foreign.check_tangent_rule(tangent, signature, label)
            if forward is None:  # it may return its argument
                table.gate(
                    function, name=label, memory=Memory.SHARED, foreign=True, types=types, tangent=tangent
                )(rule)
            else:
                n = len(signature.parameters)
                pair = foreign.forward_half(forward, label), foreign.backward_half(rule, n, label)
                table.opaque(function, *pair, label, types, tangent)
            dispatch.forget_all()
        return rule

    return register


_seen = seen_outside(lambda: None)
