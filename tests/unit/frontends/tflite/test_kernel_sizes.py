"""The sizes of scratch are those that the libraries' own functions gave, compiled and called."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest

from hmcos.frontends.tflite.kernels import cmsis_nn_sizes as cmsis
from hmcos.frontends.tflite.kernels import esp_nn_sizes as esp
from hmcos.frontends.tflite.kernels.cmsis_nn_sizes import Build, Extension
from hmcos.frontends.tflite.kernels.node import Image, Sliding

TABLE = Path(__file__).with_name("kernel_sizes.csv")
"""Per line: kind; input and window as NHWC; stride, dilation, padding, rows first; output; multiplier; then
what the functions of CMSIS-NN 4ab83cc gave in each build, and that of esp-nn d45b843 for an ESP32-S3.

The C sources of these functions were compiled with GCC, with and without ARM_MATH_DSP, ARM_MATH_MVEI and
__ARMCC_VERSION, and called for 60,000 random shapes; the lines are a choice of them.
"""
BUILDS = [
    Build(Extension.NONE),
    Build(Extension.DSP),
    Build(Extension.DSP, arm_compiler=True),
    Build(Extension.MVE),
    Build(Extension.MVE, arm_compiler=True),
]
ROWS = [(row[0], [int(number) for number in row[1:]]) for row in csv.reader(TABLE.read_text().splitlines())]


def sizes(kind: str, shape: list[int]) -> Sequence[int | None]:
    data, window = Image(*shape[:4]), Image(*shape[4:8])
    how = Sliding((shape[8], shape[9]), (shape[10], shape[11]), (shape[12], shape[13]))
    output, multiplier = Image(*shape[14:18]), shape[18]
    if kind == "conv":
        return [cmsis.convolution(build, data, window, output, how) for build in BUILDS] + [
            esp.convolution(data, window, output, how)
        ]
    if kind == "conv16":
        return [cmsis.wide_columns(build, window.h * window.w * data.c) for build in BUILDS]
    if kind == "dw":
        return [cmsis.depthwise(build, data, window, output, how) for build in BUILDS] + [
            esp.depthwise(data, window, output, how, multiplier)
        ]
    if kind == "dw4":
        return [cmsis.packed_depthwise(build, data, window, output, how) for build in BUILDS]
    assert kind == "t"
    pairs = [cmsis.transposed(build, data, window, output, how.stride) for build in BUILDS]
    return [size for pair in pairs for size in pair]


@pytest.mark.parametrize("kind", ["conv", "conv16", "dw", "dw4", "t"])
def test_sizes_are_those_of_the_compiled_libraries(kind: str) -> None:
    rows = [numbers for name, numbers in ROWS if name == kind]
    assert len(rows) == 40
    for numbers in rows:
        found = sizes(kind, numbers[:19])
        known = [(size, given) for size, given in zip(found, numbers[19:], strict=True) if size is not None]
        assert [size for size, _ in known] == [given for _, given in known], numbers
        assert len(known) >= len(found) - 2, numbers


def test_a_size_that_depends_on_what_nobody_sets_is_unknown() -> None:
    line, window, output = Image(1, 1, 40, 1), Image(1, 1, 5, 16), Image(1, 1, 40, 16)
    how = Sliding((1, 1), (1, 1), (0, 2))
    found = [cmsis.depthwise(build, line, window, output, how) for build in BUILDS]
    assert found == [0, 0, 0, None, None]


def test_sums_are_one_per_channel_or_row() -> None:
    assert [cmsis.average(build, 10) for build in BUILDS] == [0, 40, 40, 0, 0]
    assert [cmsis.weight_sums(build, 10) for build in BUILDS] == [0, 0, 0, 40, 40]
    assert [cmsis.pixels(build, 10) for build in BUILDS] == [0, 0, 40, 0, 0]
    assert esp.softmax(10) == 40
