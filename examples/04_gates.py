"""4. What each gate does to a gradient: distribute, switch, route, add up.

    add gate    distributes: both inputs receive the upstream gradient as it is
    mul gate    switches: each input receives the upstream gradient times the *other* input
    max gate    routes: the larger input receives all of it, the other nothing (a tie is shared)
    a fork      adds up: a value that is used twice receives the sum of what comes back

Look for each sentence in the generated source: it is one line there.
"""

from revcompile import grad


@grad(optimize=False)
def add(x, y):
    z = x + y
    return z


@grad(optimize=False)
def mul(x, y):
    z = x * y
    return z


@grad(optimize=False)
def route(x, y):
    z = max(x, y)
    return z


@grad(optimize=False)
def fork(x):
    a = 3.0 * x
    b = x * x
    z = a + b
    return z


@grad
def all_of_them(x, y, z, w):
    """The lecture's circuit: (x*y + max(z, w)) * 2."""
    return (x * y + max(z, w)) * 2


def main() -> None:
    for name, gate, point in (
        ("the add gate distributes", add, (3.0, -4.0)),
        ("the mul gate switches", mul, (3.0, -4.0)),
        ("the max gate routes", route, (2.0, -1.0)),
        ("a value that is used twice adds up", fork, (5.0,)),
        ("all of them, optimised", all_of_them, (3.0, -4.0, 2.0, -1.0)),
    ):
        print(f"--- {name}: at {point} the gradient is {gate(*point)}\n")
        print(gate.backward_source)


if __name__ == "__main__":
    main()
