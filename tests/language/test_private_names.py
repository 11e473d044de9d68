"""`__x` in a class is `_Class__x`, whatever it names but the keyword of a call: as Python has it."""

from __future__ import annotations

import functools

import pytest

from revcompile import grad, value_and_grad

_Model__rate = 2.0
__rate = 100.0
_Model__ = 5.0
__dunder__ = 3.0


def _Model__helper(x):
    return x * 3.0


def __helper(x):
    return x * 100.0


def outside(*, _Model__a=1.0, **others):
    return 2.0 * _Model__a + sum(others.values())


class Base:
    __w = 7.0

    def of_base(self, x):
        return self.__w * x


class Model(Base):
    __w = 2.0
    __shared = 3.0

    def __init__(self, w):
        self.__v = w
        self.__list = [w]

    def attribute(self, x):
        return self.__v * self.__w * x

    def assigned(self, x):
        made = Model(x)
        made.__y = x * x
        made.__y += x
        return made.__y * self.__v * made._Model__y

    def inherited(self, x):
        return self.of_base(x) + self.__w * x

    def of_the_class(self, x):
        return Model.__shared * x + type(self).__w * x

    def a_global(self, x):
        return x * __rate + __dunder__ * x + _Model__ * x

    def a_helper(self, x):
        return __helper(x)

    def a_parameter(self, __x, *, __k=2.0):
        return __x * __k * __x

    def passed(self, x):
        return self.a_parameter(x, _Model__k=3.0) + outside(__a=x, b=x) + outside(_Model__a=x)

    def a_local(self, x):
        __y = x * x
        for __i in range(3):
            __y = __y * x + __i
        return __y

    def __method(self, x):
        return x * x

    def calls(self, x):
        return self.__method(x) + self.__list[0] * x

    def inner(self, x):
        __c = x * 2.0

        def f(__z):
            nonlocal __c
            __c = __c * __rate
            return __z * __c + self.__v

        return f(x) + (lambda __z: __z * __rate)(x)

    def comprehension(self, x):
        return sum([__a * x for __a in [1.0, 2.0]]) + sum(__b * self.__w for __b in [x, x])

    def by_getattr(self, x):
        return getattr(self, "__w", 10.0) * x

    @staticmethod
    def static(__x):
        return __x * __rate

    @classmethod
    def of_class(cls, x):
        return cls.__shared * x

    @property
    def __half(self):
        return self.__v / 2.0

    def a_property(self, x):
        return self.__half * x

    class __Inner:
        __w = 11.0

        def f(self, x):
            return self.__w * x

    def of_inner(self, x):
        return Model.__Inner().f(x) * x


class __Odd:
    __w = 2.0

    def f(self, x):
        return self.__w * x


class _:
    __w = 2.0

    def f(self, x):
        return self.__w * x


def made_in_a_function():
    class Local:
        __w = 4.0

        def f(self, x):
            def g(y):
                return y * self.__w

            return g(x) * x

    return Local()


METHODS = [name for name, member in vars(Model).items() if not name.startswith("_") and name != "a_parameter"]
ODD = globals()["__Odd"]()


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("name", METHODS)
def test_methods(name, optimize):
    model = Model(1.5)

    def f(x):
        return getattr(model, name)(x)

    for function in (getattr(model, name), f):
        g = value_and_grad(function, optimize=optimize)
        for x in (1.25, 1.25, 0.5):
            value, gradient = g(x)
            expected = (f(x + 1e-6) - f(x - 1e-6)) / 2e-6
            assert value == f(x)
            assert abs(gradient - expected) < 1e-6 * max(1.0, abs(expected))


def test_parameters_of_an_entry():
    g = grad(Model.static)
    assert [g(2.0), g(_Model__x=2.0)] == [2.0, 2.0]
    g = grad(Model(1.0).a_parameter)
    assert [g(2.0), g(2.0, _Model__k=1.0)] == [8.0, 4.0]


def test_an_attribute_that_changes():
    model = Model(1.5)
    g = grad(lambda x: model.attribute(x))
    assert g(1.0) == 3.0
    model._Model__v = 2.0
    assert g(1.0) == 4.0
    g = grad(lambda m, x: m.attribute(x), argnums=0)
    assert vars(g(model, 3.0)) == {"_Model__v": 6.0, "_Model__list": [0.0]}


def test_classes_of_odd_names():
    for thing, slope in ((ODD, 2.0), (_(), 2.0), (made_in_a_function(), 8.0)):
        assert grad(thing.f)(1.0) == slope
        assert grad(lambda x, thing=thing: thing.f(x), argnums=0)(1.0) == slope


def wrapper(method):
    @functools.wraps(method)
    def call(self, x):
        return method(self, x) * __rate

    return call


class Wrapped:
    @wrapper
    def f(self, x):
        return x * x


def test_a_wrapper_belongs_to_where_it_stands():
    wrapped = Wrapped()
    assert grad(lambda x: wrapped.f(x))(3.0) == 600.0
