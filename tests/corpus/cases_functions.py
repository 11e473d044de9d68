"""Functions: defaults, stars, closures, lambdas, methods, wrappers, functools, gradients, random draws."""

import functools
import math
import operator

import numpy as np

from revcompile import grad, value_and_grad
from tests.corpus.table import EMPTY, MANY, ONE, ROW, A, P, S, U, V, case, refused

# calls


def affine(x, a=2.0, b=1.0, *, power=1):
    return (a * x + b) ** power


@case(0.7, V)
def helper_with_a_literal(x):
    return np.sum(affine(x, 3) * affine(x, 0, 1) + affine(2, x))


@case(0.7, V)
def helper_with_an_omitted_default(x):
    return np.sum(affine(x) * affine(x, b=0.5) + affine(1.0, x, power=3) * affine(a=x, x=2))


def residual(x, bias=None, history=()):
    if bias is None:
        return x * x
    return x * bias + sum(history)


@case((V, 0.4))
def helper_with_none_as_default(x, b):
    return np.sum(residual(x) + residual(x, b) * residual(x, b, (b, 2.0)))


def total_of(*terms, scale=1.0, **named):
    return scale * sum(terms) + named.get("extra", 0.0) * len(named)


@case((0.5, 1.5))
def helper_with_stars(x, y):
    terms, options = (x, y, x * y), {"scale": y, "extra": x}
    return total_of(*terms, 2.0, **options) + total_of(x, *terms[1:]) * total_of()


@case((0.8, 0), (0.8, 6))
def helper_called_in_a_loop(x, n):
    y = x
    for i in range(n):
        y = affine(y, 0.5, i * 0.1) + affine(x)
    return y


def smooth(u, steps):
    for _ in range(steps):
        u = 0.25 * u[:-2] + 0.5 * u[1:-1] + 0.25 * u[2:] ** 2
    return u


@case((V, 0), (V, 1), (V, 2))
def helper_with_a_loop(x, n):
    return np.sum(smooth(x, n)) * np.sum(smooth(np.sin(x), 1))


def several(x, n):
    if n == 0:
        return x, 1.0
    total = 0.0
    for v in x:
        total += v * n
    return x * total, total


@case((V, 0), (V, 3))
def helper_with_two_results_and_two_exits(x, n):
    y, scale = several(x, n)
    z, _ = several(y, 2)
    return np.sum(z) * scale


@case((0.4, V), (-0.4, U))
def functions_as_arguments(x, v):
    def twice(f, t):
        return f(f(t))

    def compose(*functions):
        return lambda t: functools.reduce(lambda value, f: f(value), functions, t)

    return twice(np.sin, x) + np.sum(compose(np.tanh, lambda t: t * x, np.exp)(v))


@case((0.4, np.sin), (0.4, math.exp), (0.4, affine), (0.9, lambda t: t * t))
def function_is_an_argument(x, f):
    y = x
    for _ in range(3):
        y = f(y) * x
    return y


@case(0.4, 1.7)
def function_chosen_at_run_time(x):
    f = affine if x < 1 else residual
    g = {"sin": math.sin, "double": lambda t: 2 * t}["sin" if x > 0 else "double"]
    return f(x) * g(x)


# closures


@case((0.5, 2.0))
def closure_over_active_values(x, y):
    k = x * y

    def scaled(t):
        return t * k + x

    k = k * 2.0  # seen by the call
    return scaled(y) * scaled(2)


@case((0.5, 4), (0.5, 0))
def closure_with_nonlocal(x, n):
    total, calls = 0.0, 0

    def add(v):
        nonlocal total, calls
        total = total + v * v
        calls += 1

    for i in range(n):
        add(x * i)
    return total * calls + x


@case(0.7)
def closures_see_the_last_loop_variable(x):
    late = [lambda t: t * x * i for i in range(3)]
    early = [lambda t, i=i: t * x + i for i in range(3)]
    return late[0](x) + early[0](x) * early[1](2.0)


def adder(a):
    def add(b):
        return a * b + a

    return add


@case((0.7, 1.2))
def closure_returned_by_a_helper(x, y):
    add = adder(x)
    twice = adder(add(y))
    return twice(y) * add(2)


def make_captured(weights, scale):
    table = {"bias": weights[0]}

    @case(V, ROW[0, :1], EMPTY)
    def closure_over_arrays_of_the_maker(x):
        y = x * scale
        for w in weights:
            y = np.sin(y * w + table["bias"])
        return np.sum(y)

    return closure_over_arrays_of_the_maker


make_captured(P, 0.7)


# methods and classes


class Activation:
    gain = 1.5

    def __init__(self, slope=0.1):
        self.slope = slope

    @property
    def double(self):
        return self.slope * 2.0

    @staticmethod
    def square(x):
        return x * x

    @classmethod
    def scaled(cls, x):
        return x * cls.gain

    def forward(self, x):
        return np.where(x > 0, x, self.slope * x)

    def __call__(self, x):
        return self.forward(x) * self.double


class Swish(Activation):
    gain = 0.5

    def __init__(self, slope, beta):
        super().__init__(slope)
        self.beta = beta

    def forward(self, x):
        return super().forward(x) / (1.0 + np.exp(-self.beta * x))

    @classmethod
    def scaled(cls, x):
        return super().scaled(x) + 1.0


LEAKY, SWISH = Activation(0.3), Swish(0.2, 1.1)


@case(V, ONE, EMPTY)
def methods_of_a_global_object(x):
    y = LEAKY(x) + LEAKY.forward(x) ** 2
    return np.sum(y) * LEAKY.double + np.sum(Activation.square(x) + LEAKY.scaled(x))


@case(V)
def methods_that_call_super(x):
    return np.sum(SWISH(x) * SWISH.scaled(x)) + np.sum(Swish.scaled(x))


@case((V, 0.2, 1.3), (V, 0.2, 0.0))
def methods_of_an_object_made_here(x, slope, beta):
    f = Swish(slope, beta)
    bound = f.forward
    return np.sum(bound(x) + f(x)) * f.beta + f.double


@case((V, 3), (V, 0))
def methods_as_functions_in_a_loop(x, n):
    layers = [LEAKY, SWISH, LEAKY.forward]
    for i in range(n):
        for layer in layers:
            x = layer(x) + 0.1 * i
    return np.sum(x)


# wrappers and functools


def clamped(low):
    def decorate(f):
        @functools.wraps(f)
        def wrapper(*args, **kwargs):
            result = f(*args, **kwargs)
            return result * 2.0 if result > low else result

        return wrapper

    return decorate


@clamped(1.0)
def cubed(x, factor=1.0):
    return factor * x**3


@case(0.5, 1.5)
def decorated_helper(x):
    return cubed(x) + cubed(x, factor=x) * cubed.__wrapped__(x)


@case(0.4, 1.4)
@clamped(0.5)
def decorated_itself(x):
    y = x
    for _ in range(3):
        y = y * x
    return y


@functools.cache
def binomials(n):
    return [math.comb(n, k) for k in range(n + 1)]


@case((0.4, 0), (0.4, 5))
def unknown_calls_run_as_they_are(x, n):
    total = 0.0
    for k, c in enumerate(binomials(n)):
        total += c * x**k * (1 - x) ** (n - k) * math.factorial(k)
    nodes, weights = np.polynomial.legendre.leggauss(3)
    return total + np.sum(weights * np.exp(x * nodes)) * float("2.5") + x * len("a,b".split(","))


@case((0.5, V))
def functools_partial(a, x):
    scale = functools.partial(affine, b=a)
    square = functools.partial(scale, power=2)
    fixed = functools.partial(operator.mul, a)
    return np.sum(scale(x, 3.0)) + np.sum(square(x)) + fixed(x[0])


@case((V, 0.5), (ONE, 0.5), (EMPTY, 0.5))
def functools_reduce(x, a):
    horner = functools.reduce(lambda value, c: value * a + c, x, 1.0)
    product = functools.reduce(operator.mul, [a, horner, 2.0])
    return product * functools.reduce(lambda p, q: p + q * q, (horner, a, product))


@case((V, 0.5))
def lambdas(x, a):
    f = lambda t, k=a: t * k + a
    g = lambda *ts: sum(t**2 for t in ts)
    return (lambda y: y * f(y, 2))(a) + g(*[f(v) for v in (a, 1.0)]) + np.sum(f(x))


# gradients within


def quartic(w):
    return np.sum(w**4) + w[0] * w[1]


def product(a, b):
    return math.sin(a * b) * a


quartic_gradient = grad(quartic)


@case(V, V[:2])
def gradient_of_another_function(w):
    g = quartic_gradient(w)
    return np.sum(g * w)


@case((0.6, 0.9))
def gradient_made_inside(a, b):
    value, (da, db) = value_and_grad(product)(a, b)
    return value * da + db * grad(lambda t: t**3)(a)


@case((V, 0.05, 0), (V, 0.05, 3))
def gradient_descent_is_differentiated(w, rate, n):
    for _ in range(n):
        w = w - rate * quartic_gradient(w)
    return np.sum(w**2)


# random draws


@case(V, ONE)
def random_draws(x):
    rng = np.random.default_rng(0)
    noise = rng.normal(size=x.shape)
    return np.sum(np.sin(x * noise) * rng.uniform(0.5, 1.5, len(x))) + rng.integers(5) * x[0]


@case((V, 4), (V, 0))
def random_draws_in_a_loop(x, n):
    rng = np.random.default_rng(3)
    for i in range(n):
        mask = rng.random(x.shape) < 0.7
        x = np.tanh(x * mask / 0.7) + 0.1 * rng.standard_normal()
        x = x * x[rng.permutation(len(x))]
    return np.sum(x)


@case((V, 3), (V, 0))
def random_draws_of_the_global_generator(x, n):
    np.random.seed(1)
    total = 1.0
    for _ in range(n):
        total = total * np.sum(x * np.random.rand(len(x))) + np.random.normal()
        if np.random.randint(10) > 6:
            break
    return total * x[0]


@case((MANY, 5))
def random_choice_of_a_batch(x, n):
    rng = np.random.default_rng(7)
    total = 0.0
    for _ in range(n):
        batch = x[rng.choice(len(x), 3, replace=False)]
        total += np.sum(batch**2) * 0.1 + total * batch[0]
    return total


# arguments


@case((0.5, 1.5))
def arguments_positional_only_and_by_name(x, /, y, *, k=2.0):
    return x * y**k


@case((A, S))
def arguments_reassigned(a, b):
    a, b = b @ a, a.T
    a = a * 2.0
    return np.sum(a @ b)


@refused(V, says="yield is not supported", at="yield v * v")
def generator_function(x):
    def squares():
        for v in x:
            yield v * v

    return sum(squares())


class Vector:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __add__(self, other):
        return Vector(self.x + other.x, self.y * other.y)

    def __getitem__(self, i):
        return self.y if i else self.x


@case((0.5, 1.5))
def operators_of_a_class(x, y):
    v = Vector(x, y) + Vector(y, x * y)
    return v[0] * v[1]


@refused(0.5, says="a try block is not supported yet", at="try:")
def try_and_except(x):
    try:
        y = {"a": x}["b"]
    except KeyError:
        y = x * x
    return y * x


@refused((0.5, "double"), (0.5, "other"), says="a match statement is not supported yet", at="match how:")
def match_on_a_string(x, how):
    match how:
        case "double":
            return x * 2.0
        case _:
            return x * x
