from __future__ import annotations

from fractions import Fraction
from math import exp, floor, tanh

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmcos.backends.c.fixed_point import (
    Scale,
    divide,
    exponential,
    hyperbolic_tangent,
    logistic,
    product,
    round_away,
    scale_of,
    scale_once,
    scaled,
    sigmoid_table,
)


@given(st.floats(1e-6, 1e4))
def test_a_scale_is_the_number_to_31_bits(number: float) -> None:
    multiplier, shift = scale_of(number)
    assert 2**30 <= multiplier < 2**31
    assert abs(Fraction(multiplier) * Fraction(2) ** (shift - 31) / Fraction(number) - 1) <= Fraction(
        1, 2**31
    )


def test_what_rounds_up_to_a_power_of_two_is_one() -> None:
    assert scale_of(1 - 2.0**-40) == Scale(2**30, 1)
    assert scale_of(0.0) == scale_of(2.0**-40) == Scale(0, 0)


@given(st.integers(-(2**20), 2**20), st.floats(1e-4, 100))
def test_scaling_rounds_at_most_twice(value: int, number: float) -> None:
    exact = Fraction(value) * Fraction(number)
    assert abs(scaled(value, scale_of(number)) - exact) <= Fraction(3, 2)


@given(st.floats(2.0**-20, 4), st.integers(1, 256), st.integers(-1, 1))
def test_scaling_once_is_what_floats_of_64_bits_give(number: float, wanted: int, beside: int) -> None:
    """Where the product passes a half, one integer can make the difference."""
    value = round((wanted - 0.5) / number) + beside
    multiplier, shift = scale_once(number)
    for given_one in (value, -value):
        exact = abs(given_one) * number
        nearest = floor(exact) + (exact - floor(exact) >= 0.5)
        half = 1 << (30 - shift)
        found = (abs(given_one) * multiplier + half) >> (31 - shift)
        assert found == nearest or min(found, nearest) > 256


def test_no_scale_is_too_large_to_be_rounded_once() -> None:
    with pytest.raises(OverflowError):
        scale_once(2.0**30)
    assert scale_once(0.0) == Scale(0, 0)


def test_halves() -> None:
    assert [divide(value, 1) for value in (-3, -1, 1, 3)] == [-2, -1, 1, 2]
    assert [product(value, 2**30) for value in (-3, -1, 1, 3)] == [-1, 0, 1, 2]
    assert [round_away(value) for value in (-1.5, -0.5, 0.5, 1.5)] == [-2, -1, 1, 2]


@given(st.integers(1, 2**31 - 1))
def test_exponentials(x: int) -> None:
    assert abs(exponential(x, 5) / 2**31 - exp(-x / 2**26)) < 1e-6


@given(st.integers(-(2**31) + 1, 2**31 - 1))
def test_sigmoids(x: int) -> None:
    number = x / 2**27
    assert abs(logistic(x) / 2**31 - 1 / (1 + exp(-number))) < 1e-5
    assert abs(hyperbolic_tangent(x) / 2**31 - tanh(number)) < 1e-5


def test_a_table_is_the_function_to_one_step() -> None:
    found = sigmoid_table(3, 0.05, logistic, 8, -128)
    for number, value in zip(range(-128, 128), found, strict=True):
        exact = floor(256 / (1 + exp(-(number - 3) * 0.05)) + 0.5) - 128
        assert abs(value - min(127, exact)) <= 1
