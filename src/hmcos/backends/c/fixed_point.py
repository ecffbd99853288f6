"""Fixed-point arithmetic as TensorFlow Lite's reference kernels do it, on Python's integers.

Fractions are integers of 31 bits behind the point; functions of one number are computed as gemmlowp does.
"""

from __future__ import annotations

from collections.abc import Callable
from math import floor, frexp
from typing import NamedTuple

_ONE = 2**31 - 1
"""The largest fraction, which stands for 1."""
_POWERS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
"""The exponentials of -1/4, -1/2, -1, ... -16, as fractions."""
_EIGHTH = 1895147668
"""The exponential of -1/8, as a fraction."""


class Scale(NamedTuple):
    """A positive real number as `multiplier * 2**(shift - 31)`."""

    multiplier: int
    shift: int


def scale_of(number: float) -> Scale:
    """Return a real number as an integer in [2**30, 2**31) and a shift; numbers below 2**-32 become zero.

    Raises:
        OverflowError: it is 2**31 or above, or not finite, so that no kernel could shift by it.
    """
    if not number < 2.0**31:
        raise OverflowError(f"a scale of {number}")
    if number == 0:
        return Scale(0, 0)
    fraction, shift = frexp(number)
    multiplier = round_away(fraction * 2**31)
    if multiplier == 2**31:
        multiplier, shift = multiplier // 2, shift + 1
    return Scale(0, 0) if shift < -31 else Scale(multiplier, shift)


def scale_once(number: float) -> Scale:
    """Return the scale by which integers rounded once, halves away from zero, are those of floats of 64 bits.

    So LiteRT multiplies in FULLY_CONNECTED of uint8. Only products up to 256 matter: no output shows more.

    Raises:
        OverflowError: no multiplier of 31 bits does it for all integers of 32 bits.
    """
    near = scale_of(number)
    if near.shift > 30:
        raise OverflowError(f"a scale of {number}")
    right, least, most = 31 - near.shift, 0, _ONE
    for wanted in range(1, 257 if near.multiplier else 1):
        first = _first(number, wanted)
        if first > _ONE:
            break
        half = (2 * wanted - 1) << (right - 1)
        least = max(least, -(-half // first))
        most = min(most, (half - 1) // (first - 1) if first > 1 else _ONE)
    if least > most:
        raise OverflowError(f"a scale of {number}, between two multipliers")
    return Scale(clamped(near.multiplier, least, most), near.shift)


def _first(number: float, wanted: int) -> int:
    """Return the least positive integer whose product with a number, as floats, rounds to one or above."""
    first = max(1, floor((wanted - 0.5) / number))
    while first > 1 and (first - 1) * number >= wanted - 0.5:
        first -= 1
    while first * number < wanted - 0.5:
        first += 1
    return first


def round_away(number: float) -> int:
    """Return the nearest integer; halves go away from zero."""
    return floor(number + 0.5) if number >= 0 else -floor(-number + 0.5)


def product(a: int, b: int, bits: int = 31) -> int:
    """Return the product of two fractions; halves go up."""
    return (a * b + (1 << (bits - 1))) >> bits


def divide(value: int, shift: int) -> int:
    """Return an integer divided by a power of two; halves go away from zero."""
    half = (1 << shift) >> 1
    return (value + half) >> shift if value >= 0 else -((-value + half) >> shift)


def scaled(value: int, by: Scale) -> int:
    """Return an integer times a real number, rounded twice."""
    left = max(by.shift, 0)
    return divide(product(value << left, by.multiplier), left - by.shift)


def clamped(value: int, least: int = -128, most: int = 127) -> int:
    """Return the nearest integer within bounds."""
    return max(least, min(most, value))


def radius(integer_bits: int, shift: int) -> int:
    """Return from which input on a function of so many integer bits does not change any more."""
    return floor(((1 << integer_bits) - 1) * (1 << (31 - integer_bits)) / (1 << shift))


def exponential(x: int, integer_bits: int) -> int:
    """Return exp(-x) as a fraction, of x >= 0 with so many bits before the point."""
    if x == 0:
        return _ONE
    quarter = 1 << (29 - integer_bits)
    part = (-x & (quarter - 1)) - quarter
    t = (part << integer_bits) + (1 << 28)
    t2 = product(t, t)
    t3, t4 = product(t2, t), divide(product(t2, t2), 2)
    tail = divide(product(t4 + t3, 715827883) + t2, 1)
    result = _EIGHTH + product(_EIGHTH, t + tail)
    for k, power in enumerate(_POWERS[: integer_bits + 2]):
        if (part + x) & (quarter << k):
            result = product(result, power)
    return result


def _newton(x: int) -> int:
    """Return 2 / (1 + x) of a fraction x, with two bits before the point, from three steps."""
    half = (x + _ONE + 1) // 2
    guess = 1515870810 + product(half, -1010580540)
    for _ in range(3):
        guess += product(guess, (1 << 29) - product(half, guess)) * 4
    return guess


def _fraction(value: int, left: int) -> int:
    return clamped(value << left, -(2**31), _ONE)


def logistic(x: int) -> int:
    """Return 1 / (1 + exp(-x)) as a fraction, of x with four bits before the point."""
    if x == 0:
        return 1 << 30
    positive = _fraction(_newton(exponential(abs(x), 4)), 1)
    return positive if x > 0 else _ONE - positive


def hyperbolic_tangent(x: int) -> int:
    """Return tanh(x) as a fraction, of x with four bits before the point."""
    if x == 0:
        return 0
    positive = _fraction(_newton(exponential(abs(x), 5)) - (1 << 29), 2)
    return positive if x > 0 else -positive


def sigmoid_table(
    zero: int, scale: float, function: Callable[[int], int], bits: int, offset: int
) -> list[int]:
    """Return LOGISTIC or TANH of -128 to 127, given the zero point and the scale of the input.

    `bits` are those of the output's fraction, and `offset` is added to it.
    """
    fraction, shift = frexp(scale * (1 << 27))
    by, reach = Scale(round_away(fraction * 2**31), shift), radius(4, shift)
    found: list[int] = []
    for number in range(-128, 128):
        x = number - zero
        if abs(x) >= reach:
            found.append(-128 if x <= -reach else 127)
        else:
            found.append(clamped(divide(function(scaled(x, by)), 31 - bits) + offset))
    return found
