"""7. The Jacobian that nobody should build: ReLU on 4096 inputs.

max(0, x) on a vector of 4096 elements has a Jacobian of 4096 x 4096 numbers, 128 MB of them, and on a
minibatch of a hundred it is a hundred times as wide and as high. All of it is zero but for the diagonal.
Backpropagation multiplies by that matrix without ever forming it: the upstream gradient passes where the
input was positive and stops elsewhere.

`upstream` below stands for whatever comes back from the rest of the network: the gradient of
sum(upstream * relu(x)) is the upstream gradient times the Jacobian. The memory that one call takes is
measured.
"""

import tracemalloc

import numpy as np

from revcompile import grad

N = 4096


def relu(x):
    return np.maximum(0, x)


@grad(argnums=0)
def backpropagated(x, upstream):
    return np.sum(upstream * relu(x))


@grad(argnums=0)
def relu_output(x, k):
    return relu(x)[k]


def jacobian_of_relu(x):
    """One gradient per output: what backpropagation avoids. Entry (i, j): output j by input i."""
    return np.stack([relu_output(x, k) for k in range(x.shape[0])], axis=1)


def peak_memory(x, upstream):
    """The most bytes that one gradient call holds at any time."""
    backpropagated(x, upstream)  # compiled before the measurement
    tracemalloc.start()
    backpropagated(x, upstream)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def main() -> None:
    rng = np.random.default_rng(0)
    x, upstream = rng.standard_normal(N), rng.standard_normal(N)
    peak = peak_memory(x, upstream)
    print(f"{N} inputs: one gradient call takes {peak / 1024:.0f} KB, {peak / x.nbytes:.1f} such vectors;")
    print(f"the Jacobian alone would take {N * N * 8 / 2**20:.0f} MB")
    print()
    print(backpropagated.backward_source)
    small = np.array([1.0, -2.0, 3.0, -1.0])
    print(f"the whole Jacobian, where x = {small}:")
    print(jacobian_of_relu(small))


if __name__ == "__main__":
    main()
