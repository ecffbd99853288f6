"""Functions of one number as tables of 256."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, inf
from math import tanh as real_tanh

import numpy as np

from hmcos.backends.c import fixed_point
from hmcos.backends.c.fixed_point import (
    clamped,
    divide,
    product,
    round_away,
    scale_of,
    scaled,
    sigmoid_table,
)
from hmcos.backends.c.tensors import Quantization

_INT16 = (-(2**15), 2**15 - 1)


def logistic(inner: Quantization) -> list[int]:
    """Return the table of LOGISTIC, whose output has scale 1/256 and zero point -128."""
    return sigmoid_table(inner.zero, inner.scale, fixed_point.logistic, 8, -128)


def tanh(inner: Quantization) -> list[int]:
    """Return the table of TANH, whose output has scale 1/128 and zero point 0."""
    return sigmoid_table(inner.zero, inner.scale, fixed_point.hyperbolic_tangent, 7, 0)


def sigmoid_in_floats(kind: str, inner: Quantization, outer: Quantization) -> list[int]:
    """Return the table of LOGISTIC or TANH as LiteRT reckons it for uint8: in floats of 32 bits."""
    function = _REAL[kind]
    by, scale = np.float32(inner.scale), np.float32(1) / np.float32(outer.scale)
    found: list[int] = []
    for number in range(-128, 128):
        value = np.float32(function(float(by * np.float32(number - inner.zero))))
        found.append(clamped(round_away(float(value * scale)) + outer.zero))
    return found


def _real_logistic(x: float) -> float:
    return float(np.float32(1) / (np.float32(1) + np.float32(exp(-x) if -x < 700 else inf)))


_REAL: dict[str, Callable[[float], float]] = {"LOGISTIC": _real_logistic, "TANH": real_tanh}


def leaky_relu(inner: Quantization, outer: Quantization, alpha: float) -> list[int]:
    """Return the table of LEAKY_RELU; its scales are reckoned in floats of 32 bits."""
    first, last = np.float32(inner.scale), np.float32(outer.scale)
    slope = float(first * np.float32(alpha) / last)
    below, above, sign = scale_of(abs(slope)), scale_of(float(first / last)), -1 if slope < 0 else 1
    found: list[int] = []
    for x in (number - inner.zero for number in range(-128, 128)):
        value = scaled(x, above) if x >= 0 else sign * scaled(x, below)
        found.append(clamped(value + outer.zero))
    return found


def hard_swish(inner: Quantization, outer: Quantization) -> list[int]:
    """Return the table of HARD_SWISH, in the kernel's fractions of 15 bits."""
    fine = np.float32(1 / 128) * np.float32(inner.scale)
    out_scale = scale_of(float(fine / np.float32(outer.scale)))
    in_scale = scale_of(float(fine / (np.float32(3) / np.float32(32768))))
    found: list[int] = []
    for number in range(-128, 128):
        x = (number - inner.zero) * 128
        gate = _gate(x, _short(in_scale.multiplier), in_scale.shift)
        value = _whole((gate * _product(x, _short(out_scale.multiplier))), 1 << 15)
        found.append(clamped(divide(value, -out_scale.shift) + outer.zero))
    return found


def _gate(x: int, multiplier: int, shift: int) -> int:
    """Return (x + 3) / 6 within 0 and 1, as a fraction of 15 bits."""
    value = clamped(x << max(shift - 1, 0), *_INT16)
    value = _product(value, multiplier)
    value = clamped(value * 2, *_INT16) if shift > 0 else divide(value, -shift)
    return (value + (1 << 15)) >> 1


def _product(a: int, b: int) -> int:
    return clamped(product(a, b, 15), *_INT16)


def _short(multiplier: int) -> int:
    return min((multiplier + (1 << 15)) >> 16, 2**15 - 1)


def _whole(value: int, by: int) -> int:
    """Return a quotient without its fraction."""
    return value // by if value >= 0 else -(-value // by)
