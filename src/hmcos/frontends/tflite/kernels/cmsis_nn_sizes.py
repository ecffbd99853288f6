"""The sizes that CMSIS-NN's `get_buffer_size` functions give, as numbers from numbers.

Source: CMSIS-NN at 4ab83cc (2026-06, after 7.0.0), which tflite-micro at 90b983c builds; the function named
at each rule, in Source/*/arm_*_get_buffer_sizes_*.c.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from hmcos.alignment import round_up
from hmcos.frontends.tflite.kernels.node import Image, Sliding

BLOCK = 124
"""CH_IN_BLOCK_MVE in arm_nnsupportfunctions.h: channels that a depthwise convolution takes together."""
_MANY = 16
"""REVERSE_TCOL_EFFICIENT_THRESHOLD there: a transposed convolution of more channels becomes a convolution."""
_WORD = 4
"""Bytes of a sum."""


class Extension(IntEnum):
    """The instructions of a processor that compute several numbers at once."""

    NONE = 0
    """Cortex-M0, M0+, M3, M23."""
    DSP = 1
    """Cortex-M4, M7, M33, M35P."""
    MVE = 2
    """Helium, on integers: Cortex-M52, M55, M85."""


@dataclass(frozen=True, slots=True)
class Build:
    """How the library is built."""

    extension: Extension
    arm_compiler: bool = False
    """Whether with Arm's compiler, __ARMCC_VERSION, instead of GCC, Clang or IAR's."""

    @property
    def is_mve(self) -> bool:
        """Whether for Helium."""
        return self.extension is Extension.MVE


def columns(build: Build, numbers: int) -> int:
    """Return the bytes of the copies of what is under the window at several places.

    `numbers` is how many numbers there are under it at one. Source: arm_convolve_s8_get_buffer_size and its
    _mve.
    """
    return 4 * round_up(numbers, 16) if build.is_mve else 2 * 2 * round_up(numbers, 4)


def wide_columns(build: Build, numbers: int) -> int:
    """Return the bytes of such copies for numbers of 16 bits.

    Source: arm_convolve_s16_get_buffer_size and its _mve.
    """
    return 4 * 2 * round_up(numbers, 8) if build.is_mve else 2 * 2 * numbers


def convolution(build: Build, data: Image, window: Image, output: Image, how: Sliding) -> int:
    """Return the bytes for a convolution of 8 bits.

    Source: arm_convolve_wrapper_s8_get_buffer_size, its _dsp and _mve; arm_nn_is_convolve_1x1,
    arm_nn_is_convolve_1x1_fast and arm_nn_is_convolve_1_x_n in arm_nnsupportfunctions.h.
    """
    is_grouped = data.c != window.c
    if how.pad == (0, 0) and window[1:3] == (1, 1) and how.dilation == (1, 1) and not is_grouped:
        return pixels(build, data.c) if how.stride == (1, 1) else 0
    general = columns(build, window.h * window.w * data.c)
    is_line = data.h == window.h == 1 and how.dilation[1] == 1 and not is_grouped
    if not build.is_mve or not is_line or how.stride[1] * data.c % 4:
        return general
    return _line(data, window, output, how) or general


def pixels(build: Build, channels: int) -> int:
    """Return the bytes for a convolution of one pixel that skips none.

    Source: arm_convolve_1x1_s8_fast_get_buffer_size and its _dsp: Arm's compiler makes code for the DSP
    extension that reads two columns of 16 bits.
    """
    return 2 * 2 * channels if build.extension is Extension.DSP and build.arm_compiler else 0


def _line(data: Image, window: Image, output: Image, how: Sliding) -> int:
    """Return the bytes for a convolution of one line with Helium; 0 where the general one is taken.

    Source: arm_convolve_1_x_n_s8_get_buffer_size_mve. The remainder of a negative number is negative in C.
    """
    pad, stride, channels = how.pad[1], how.stride[1], data.c
    in_all = (output.w - 1) * stride + window.w - data.w
    uneven = abs(in_all) % 2 * (1 if in_all > 0 else -1)
    right = max(1, _quotient(pad + uneven + stride - 1, stride)) if pad + uneven else 0
    left = max(1, (pad + stride - 1) // stride) if pad else 0
    if right + left + max(output.w - (right + left), 0) != output.w:
        return 0
    beside = right * channels if uneven else pad * channels
    return max(window.w * channels + pad * channels, (window.w - 1) * channels + beside)


def _quotient(number: int, by: int) -> int:
    """Return a quotient rounded to zero, as C does."""
    return number // by if number >= 0 else -(-number // by)


def depthwise(build: Build, data: Image, window: Image, output: Image, how: Sliding) -> int | None:
    """Return the bytes for a depthwise convolution of 8 bits; None where it depends on garbage.

    Source: arm_depthwise_conv_wrapper_s8_get_buffer_size. The kernel of tflite-micro passes no stride
    (DepthwiseConvPrepare in cmsis_nn/depthwise_conv.cc); where that decides, nobody knows.
    """
    if build.is_mve and data.c == 1 and output.c > (8 if build.arm_compiler else 1):
        weights = Image(window.c, window.h, window.w, window.n)
        if data.h == window.h == 1 and how.dilation[1] == 1 and window.w != 1:
            return None
        return convolution(build, data, weights, output, how) + window.h * window.w * window.c
    if not _is_plain(data, output, how):
        return 0
    if not build.is_mve and window[1:3] == (3, 3) and max(how.pad) <= 1:
        return 0
    return 0 if build.extension is Extension.NONE else channels_under(build, data.c, window.h * window.w)


def packed_depthwise(build: Build, data: Image, window: Image, output: Image, how: Sliding) -> int:
    """Return the bytes for a depthwise convolution with weights of 4 bits.

    Source: arm_depthwise_conv_wrapper_s4_get_buffer_size.
    """
    return channels_under(build, data.c, window.h * window.w) if _is_plain(data, output, how) else 0


def _is_plain(data: Image, output: Image, how: Sliding) -> bool:
    return data.c == output.c and data.n == 1 and how.dilation == (1, 1)


def channels_under(build: Build, channels: int, area: int) -> int:
    """Return the bytes of what is under the window of a depthwise convolution, at as many places as it takes.

    Source: arm_depthwise_conv_s8_opt_get_buffer_size_dsp and its _mve.
    """
    return 4 * BLOCK * area if build.is_mve else 2 * channels * area


def average(build: Build, channels: int) -> int:
    """Return the bytes of a sum for each channel of an average.

    Source: arm_avgpool_s8_get_buffer_size and arm_avgpool_s16_get_buffer_size.
    """
    return _WORD * channels if build.extension is Extension.DSP else 0


def weight_sums(build: Build, rows: int) -> int:
    """Return the bytes of a sum for each row of a matrix of weights.

    Source: arm_fully_connected_s8_get_buffer_size and arm_svdf_s8_get_buffer_size.
    """
    return _WORD * rows if build.is_mve else 0


def transposed(
    build: Build, data: Image, window: Image, output: Image, stride: tuple[int, int]
) -> tuple[int, int]:
    """Return the bytes for a transposed convolution of 8 bits, and those of its reversed weights.

    Source: arm_transpose_conv_s8_get_buffer_size and arm_transpose_conv_s8_get_reverse_conv_buffer_size. The
    width of the buffer is compared with the stride of rows there, too.
    """
    if max(stride) <= 2 and data.c > _MANY:
        numbers = data.c * window.h * window.w
        return columns(build, numbers), numbers * window.n
    width = (data.w - 1) * stride[1] + max(window.w, stride[0])
    return width * output.c * max(window.h, stride[0]) * _WORD, 0
