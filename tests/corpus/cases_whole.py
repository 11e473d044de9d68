"""Numbers of which only the run decides whether they are whole: what is computed with them, and stored."""

import numpy as np

from tests.corpus.table import ONE, U, V, case, refused


def step(c):
    if c > 1:
        return 1
    return 0.5 if c > 0 else 0


@case((V, 1.3), (V, 0.7), (V, -0.7), argnums=(0,))
def whole_weights_times_a_step(x, c):
    return x[1] * 0.3 + np.dot(x, np.arange(5)) * step(c)


@case((V, 1.3), (U, 0.7), argnums=(0,))
def whole_weights_are_scaled_first(x, c):
    return x[1] * 0.3 + np.sum(x * (np.arange(5) * step(c)))


@case((V, 0), (V, 2), (V, 3))
def whole_weights_times_a_sum_of_few(x, n):
    s = sum([x[0], 1, 2][:n])
    return np.sum(x * np.arange(5)) * s + x[1] * 0.3


@case((V, 0), (V, 1), (V, 3))
def last_index_where_there_is_one(x, n):
    k = 1.0
    for k in range(n):
        x = x * k * 0.3 + x
    return np.sum(x) * k


@refused(
    (V, 0),
    (V, 2),
    says="y, into which this writes a float, may be made of whole numbers alone, and so be an array of whole numbers",
    at="y[1] = x[1] * 0.5",
)
def filled_with_a_sum_that_may_be_none(x, n):
    k = 0
    for i in range(n):
        k = k + x[i]
    y = np.full(5, k)
    y[1] = x[1] * 0.5
    return np.sum(y * x) + k


@case((V, 0), (V, 2))
def filled_with_a_sum_of_floats(x, n):
    k = 0.0
    for i in range(n):
        k = k + x[i]
    y = np.full(5, k)
    y[1] = x[1] * 0.5
    return np.sum(y * x) + k


# functions that are called with the one and with the other


@case((V, 1.3), (V, 0.3), argnums=(0,))
def function_given_what_may_be_whole(x, c):
    k = 1 if c > 1 else 0.5
    weights = weighted(k, 1) * weighted(k, 2)
    return x[1] * 0.3 + np.sum(weights * x)


def weighted(k, a):
    w = np.arange(5) * k * a
    for _ in range(3):
        w = w * k + w * a - w
    return w * w + w * k + w * a - k * w


@case((V, 1.3), (V, 0.3))
def function_that_fills_given_floats(x, c):
    return np.sum(filled(x, c) * filled(x, 0.3))


@refused(
    (V, 1.3),
    (V, 0.3),
    says="y, into which this writes a float, may be made of whole numbers alone, and so be an array of whole numbers",
    at="y[1] = x[1] * 0.5",
)
def function_that_fills_given_what_may_be_whole(x, c):
    k = 1 if c > 1 else 0.5
    return np.sum(filled(x, k) * filled(x, 0.3))


def filled(x, k):
    y = np.full(5, k)
    y[1] = x[1] * 0.5
    y = y * np.sin(x)
    y = y * y + x * k + np.cos(y) * x - y * k
    return y * np.tanh(y) + x * y


@refused(
    (V, 0.5),
    (V, -0.5),
    says="y, into which this writes a float, may be made of whole numbers alone, and so be an array of whole numbers",
    at="y[1] = x[1]",
)
def whole_number_or_element_fills_an_array(x, c):
    k = 3 if c > 0 else x[0]
    y = np.full(6, k)
    y[1] = x[1]
    return np.sum(y * y)


@refused(
    (V, 3.5),
    (V, 0.5),
    (V, -0.5),
    argnums=(0,),
    says="y, into which this writes a float, may be made of whole numbers alone, and so be an array of whole numbers",
    at="y[1] = 0.5 * x[0]",
)
def larger_of_a_float_and_a_whole_number_fills_an_array(x, c):
    k = max(c, 2)
    y = np.full(6, k)
    y[1] = 0.5 * x[0]
    return np.sum(y * y)


@case(V, ONE, 0.7, -0.7)
def mask_times_a_negative(x):
    return np.sum(-x * (x > 0.5)) + np.sum((x < 0.9) * -(x * x))


@case((V, 0.3), (V, 0.9))
def hinge_loss(w, margin):
    y = np.array([1, -1, 1, 1, -1])
    active = 1.0 - y * w > margin
    loss = 0.0
    for i in range(3):
        loss = loss + np.mean(active * -(y * w)) - active[i] * w[i]
    return loss
