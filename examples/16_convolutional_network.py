"""16. A small convolutional network: convolution -> ReLU -> pooling -> fully connected -> softmax.

Pooling keeps the largest of each 2 x 2 block, so the image shrinks and a shift by a pixel changes little.
Its gradient is the max gate's: it goes to the pixel that won. It is written here twice, with loops and
with a reshape. The network learns to tell horizontal, vertical and diagonal strokes apart, wherever they
lie in an 8 x 8 image under noise, and its first-layer filters begin to look like strokes.
"""

import numpy as np

from revcompile import grad, value_and_grad

F = 3  # the filters' size


def convolution(images, filters, bias):
    """images: batch x height x width; filters: K x F x F; out: batch x K x rows x columns."""
    windows = np.lib.stride_tricks.sliding_window_view(images, (F, F), axis=(1, 2))
    return np.einsum("nijab,kab->nkij", windows, filters) + bias[:, None, None]


def pool(x):
    """The largest of each 2 x 2 block of the last two axes."""
    n, k, rows, columns = x.shape
    return x.reshape(n, k, rows // 2, 2, columns // 2, 2).max(axis=(3, 5))


def pool_loops(x):
    n, k, rows, columns = x.shape
    out = np.zeros((n, k, rows // 2, columns // 2))
    for i in range(rows // 2):
        for j in range(columns // 2):
            out[:, :, i, j] = np.max(x[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2], axis=(2, 3))
    return out


def network(params, images):
    """Class scores, one row an image."""
    maps = np.maximum(0, convolution(images, params["filters"], params["bias"]))
    pooled = pool(maps)
    return pooled.reshape(len(images), -1) @ params["W"] + params["b"]


@value_and_grad(argnums="params")
def loss(params, images, labels):
    scores = network(params, images)
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    return -np.mean(log_probabilities[np.arange(len(labels)), labels])


@grad(argnums="x")
def pooled_sum(x, upstream):
    return np.sum(upstream * pool(x))


@grad(argnums="x")
def pooled_sum_loops(x, upstream):
    return np.sum(upstream * pool_loops(x))


def strokes(count, seed):
    """Images of one stroke each: 0 lies, 1 stands, 2 falls."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    images = 0.3 * rng.standard_normal((count, 8, 8))
    for image, label in zip(images, labels):
        i, j = rng.integers(0, 5, 2)
        if label == 0:
            image[i, j : j + 4] += 1
        elif label == 1:
            image[i : i + 4, j] += 1
        else:
            image[np.arange(i, i + 4), np.arange(j, j + 4)] += 1
    return images, labels


def start(K=6):
    rng = np.random.default_rng(0)
    pooled = K * ((8 - F + 1) // 2) ** 2
    return {
        "filters": rng.standard_normal((K, F, F)) / F,
        "bias": np.zeros(K),
        "W": rng.standard_normal((pooled, 3)) / np.sqrt(pooled),
        "b": np.zeros(3),
    }


def train(steps=100, learning_rate=1.0):
    """The loss at every step, and the parameters at the end."""
    images, labels = strokes(400, seed=0)
    params, losses = start(), []
    for _ in range(steps):
        value, gradient = loss(params, images, labels)
        losses.append(value)
        params = {name: params[name] - learning_rate * gradient[name] for name in params}
    return losses, params


def accuracy(params, seed):
    images, labels = strokes(200, seed)
    return np.mean(np.argmax(network(params, images), axis=1) == labels)


def main() -> None:
    losses, params = train()
    for step in (0, 10, 50, len(losses) - 1):
        print(f"step {step:3d}: loss {losses[step]:.3f}")
    print(f"right on images never seen: {accuracy(params, seed=1):.0%}, before training", end=" ")
    print(f"{accuracy(start(), seed=1):.0%}")
    print()
    print(loss.backward_source)


if __name__ == "__main__":
    main()
