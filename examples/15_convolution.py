"""15. A convolution layer, written with loops and written with sliding windows.

A filter slides over an image and takes a dot product wherever it stops. On an image of N x N pixels a
filter of F x F with stride S stops (N - F) / S + 1 times in each direction; with P zeros around the image,
(N - F + 2 P) / S + 1 times. Ten filters of 5 x 5 x 3 have 5 * 5 * 3 + 1 = 76 parameters each, 760 in all.

The loops say exactly that and are slow, as loops in Python are. `sliding_window_view` makes a view in which
every stop is an entry, so that one product does all of them. The two are different programs with the same
gradient: what the filter does forwards, the gradient does backwards, adding up wherever windows overlap.
"""

import numpy as np

from revcompile import grad


def output_size(N, F, S=1, P=0):
    """How many times a filter of size F stops, with stride S and P zeros on both sides."""
    if (N - F + 2 * P) % S:
        raise ValueError(f"a filter of {F} with stride {S} does not fit {N} + 2 * {P}")
    return (N - F + 2 * P) // S + 1


def convolution_loops(x, filters, bias, F, S, P):
    """x: depth x height x width; filters: K x depth x F x F; out: K x rows x columns."""
    K = filters.shape[0]
    rows, columns = output_size(x.shape[1], F, S, P), output_size(x.shape[2], F, S, P)
    padded = np.zeros((x.shape[0], x.shape[1] + 2 * P, x.shape[2] + 2 * P))
    padded[:, P : P + x.shape[1], P : P + x.shape[2]] = x
    out = np.zeros((K, rows, columns))
    for k in range(K):
        for i in range(rows):
            for j in range(columns):
                window = padded[:, i * S : i * S + F, j * S : j * S + F]
                out[k, i, j] = np.sum(window * filters[k]) + bias[k]
    return out


def convolution_windows(x, filters, bias, F, S, P):
    """The same, every stop at once."""
    padded = np.pad(x, ((0, 0), (P, P), (P, P)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (F, F), axis=(1, 2))[:, ::S, ::S]
    return np.einsum("dijab,kdab->kij", windows, filters) + bias[:, None, None]


@grad(argnums=("x", "filters", "bias"))
def loss_loops(x, filters, bias, target, F, S, P):
    return np.sum((convolution_loops(x, filters, bias, F, S, P) - target) ** 2)


@grad(argnums=("x", "filters", "bias"))
def loss_windows(x, filters, bias, target, F, S, P):
    return np.sum((convolution_windows(x, filters, bias, F, S, P) - target) ** 2)


def layer(N, depth, K, F, S=1, P=0):
    """A random image, K filters, and a target of the right size, as the losses take them."""
    rng = np.random.default_rng(0)
    size = output_size(N, F, S, P)
    filters = rng.standard_normal((K, depth, F, F)) / F
    x, target = rng.standard_normal((depth, N, N)), rng.standard_normal((K, size, size))
    return x, filters, rng.standard_normal(K), target, F, S, P


def main() -> None:
    print("a filter of 3 on 7 pixels stops", output_size(7, 3), "times, with stride 2", output_size(7, 3, 2))
    print("with one zero around it", output_size(7, 3, 1, 1), "times: the size is kept")
    x, filters, bias, _, *hyperparameters = layer(N=32, depth=3, K=10, F=5, S=1, P=2)
    out = convolution_windows(x, filters, bias, *hyperparameters)
    print("ten 5x5x3 filters on 32x32x3, padded by 2:", out.shape, filters.size + bias.size, "parameters\n")
    for S, P in ((1, 0), (2, 0), (1, 1), (2, 1)):
        arguments = layer(N=7, depth=3, K=2, F=3, S=S, P=P)
        pairs = zip(loss_loops(*arguments), loss_windows(*arguments))
        worst = max(np.abs(a - b).max() for a, b in pairs)
        print(f"stride {S}, padding {P}: {arguments[3].shape}, loops and windows differ by {worst:.1e}")
    print()
    print(loss_windows.backward_source)


if __name__ == "__main__":
    main()
