"""1. Two gates, three numbers: f(x, y, z) = (x + y) * z.

The smallest computational graph that is worth drawing. At (-2, 5, -4) the add gate makes 3 and the
mul gate makes -12. Walking back, the mul gate *switches* its inputs: z receives x + y = 3, and the sum
receives z = -4. The add gate *distributes* what it receives: x and y get -4 each.

How to read the gradient: make x a little larger and f falls four times as fast.
"""

from revcompile import grad


@grad
def circuit(x, y, z):
    q = x + y
    f = q * z
    return f


def main() -> None:
    value, gradients = circuit.value_and_grad(-2, 5, -4)  # integers are numbers, too
    print(f"f = {value}")
    for name, gradient in zip("xyz", gradients):
        print(f"df/d{name} = {gradient}")
    print()
    print(circuit.backward_source)


if __name__ == "__main__":
    main()
