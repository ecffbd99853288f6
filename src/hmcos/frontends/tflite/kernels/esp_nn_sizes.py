"""The sizes that ESP-NN's `scratch_size` functions give on an ESP32-S3, as numbers from numbers.

Source: esp-nn 1.2.3 (d45b843, 2026-04), the function named at each rule. Versions before it give other sizes.
"""

from __future__ import annotations

from hmcos.alignment import round_up
from hmcos.frontends.tflite.kernels.node import Image, Sliding

_MARGIN = 64
"""Bytes beside all else of a convolution: for alignment, and for what is read before and behind."""
_LINE = 16
"""Numbers that are multiplied together."""
_HALF = 8
_SUM = 4
"""Bytes of a sum."""
_WIDE = 2
"""Bytes of a number that was widened to 16 bits."""
_MOST_PADDED = 40 * 1024
"""Bytes of a padded input; a larger one is padded strip by strip."""
_MOST_WIDENED = 48 * 1024
"""Bytes of widened weights and input; the input of more is widened strip by strip."""


def convolution(data: Image, window: Image, output: Image, how: Sliding) -> int:
    """Return the bytes for a convolution.

    Source: esp_nn_get_conv_scratch_size_esp32s3 in src/convolution/esp_nn_conv_esp32s3.c.
    """
    if window[1:3] == (1, 1) and how.pad == (0, 0) and how.stride == (1, 1):
        return _pixels(data, output) + _MARGIN
    row, numbers = window.w * data.c, window.w * window.h * data.c
    sums = _SUM * output.c
    if row < _LINE <= numbers:
        copied = round_up(numbers, _LINE)
        return sums + output.c * copied + copied + 2 * 16 + _MARGIN
    weights = window.w * window.h * round_up(data.c, _LINE) * output.c
    aligned = round_up(row, _LINE) * window.h * output.c
    (top, left), (below, beside) = how.pad, _behind(data, window, output, how)
    padded = (data.w + 2 * left) * (data.h + 2 * top) * data.c if top or left else 0
    bordered = (data.w + beside) * (data.h + below) * data.c if below or beside else 0
    return padded + weights + aligned + bordered + sums + _MARGIN


def _pixels(data: Image, output: Image) -> int:
    """Return the bytes for a convolution of one pixel that skips none."""
    channels, pixels = round_up(data.c, _HALF), data.w * data.h
    widened = 0 if channels == data.c else pixels * channels
    turned = 2 * _HALF * channels if pixels >= _HALF else 0
    return widened + channels * output.c + turned


def _behind(data: Image, window: Image, output: Image, how: Sliding) -> tuple[int, int]:
    """Return how far windows could reach behind the last row and column."""
    rows, columns = _beyond(data, window, output, how)
    return max(0, rows), max(0, columns)


def _beyond(data: Image, window: Image, output: Image, how: Sliding) -> tuple[int, int]:
    """Return the same, negative where they do not reach the end: dilated ones are taken for dense ones."""
    rows, columns = (
        made * stride + size - 1 - whole
        for made, stride, size, whole in zip(output[1:3], how.stride, window[1:3], data[1:3], strict=True)
    )
    return rows, columns


def depthwise(data: Image, window: Image, output: Image, how: Sliding, multiplier: int) -> int:
    """Return the bytes for a depthwise convolution.

    Source: esp_nn_get_depthwise_conv_scratch_size_esp32s3 in
    src/convolution/esp_nn_depthwise_conv_s8_esp32s3.c.
    """
    weights = window.w * window.h * data.c * multiplier
    pixels = data.w * data.h
    if multiplier == 1 and data.c % _HALF == 0:
        return _whole_lines(data, window, output, how)
    if multiplier == 1 and data.c > 3:
        return _padded_channels(pixels, window, output, round_up(data.c, _HALF))
    if multiplier % 4 == 0:
        return _WIDE * (weights + pixels * data.c) + 32
    return 32


def _whole_lines(data: Image, window: Image, output: Image, how: Sliding) -> int:
    """Return the bytes where each channel has one filter, and their number is a multiple of 8."""
    weights, everything = window.w * window.h * data.c, data.w * data.h * data.c
    if window[1:3] != (3, 3):
        widened = _WIDE * (weights + everything)
        strip = _WIDE * (weights + data.w * window.h * data.c)
        return (widened if widened <= _MOST_WIDENED else strip) + 32
    if data.c % _LINE == 0:
        return weights + _padded(data, window, output, how) + 16
    if data.c < 12:
        return _WIDE * (weights + everything) + 32
    channels, (below, beside) = round_up(data.c, _LINE), _behind(data, window, output, how)
    rows, columns = data.h + 2 * how.pad[0] + below, data.w + 2 * how.pad[1] + beside
    return 9 * channels + rows * columns * channels + output.w * output.h * channels + 64


def _padded(data: Image, window: Image, output: Image, how: Sliding) -> int:
    """Return the bytes of an input that is padded as a whole, or strip by strip; 0 where nothing is added."""
    more = (2 * how.pad[0], 2 * how.pad[1]) if any(how.pad) else _beyond(data, window, output, how)
    if not any(more):
        return 0
    columns = data.w + more[1]
    padded = columns * (data.h + more[0]) * data.c
    return padded if padded <= _MOST_PADDED else columns * window.h * data.c


def _padded_channels(pixels: int, window: Image, output: Image, channels: int) -> int:
    """Return the bytes where channels are added until their number is a multiple of 8."""
    size = round_up(_WIDE * window.w * window.h * channels, 16)
    size = round_up(size + _WIDE * pixels * channels, 16)
    size = round_up(size + output.w * output.h * channels, 16)
    return size + 3 * _SUM * channels + 16


def softmax(width: int) -> int:
    """Return the bytes for a softmax.

    Source: esp_nn_get_softmax_scratch_size_opt and _esp32s3 in src/softmax/.
    """
    return _SUM * width
