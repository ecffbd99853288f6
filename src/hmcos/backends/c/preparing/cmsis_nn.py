"""Operators that CMSIS-NN computes, one output row per call, and the scratch that its functions need.

The sizes are those that its `get_buffer_size` functions give (`frontends/tflite/kernels/cmsis_nn_sizes.py`),
with the compiler that makes them largest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

from hmcos.alignment import round_up
from hmcos.backends.c.preparing.case import Case, Kernel, Scratch, plane
from hmcos.frontends.tflite.kernels import cmsis_nn_sizes as sizes
from hmcos.frontends.tflite.kernels.cmsis_nn_sizes import Build, Extension
from hmcos.graph.windows import Window
from hmcos.plan.row_parts import Role

_GRAIN = 8
"""Bytes: what the scratch behind copied rows is aligned to."""
_BUILDS = tuple(Build(extension, arm_compiler=True) for extension in Extension)
_DSP, _MVE = _BUILDS[Extension.DSP], _BUILDS[Extension.MVE]


def library_kernel(case: Case, kernel: Kernel) -> Kernel:
    """Return the kernel that calls CMSIS-NN for an operator, or the plain one where it has no function.

    Networks of uint8 keep the plain ones: CMSIS-NN adds no zero point to weights.
    """
    scratch = _OF.get(kernel.name)
    if scratch is None or case.op.role is Role.WHOLE or case.source.is_unsigned:
        return kernel
    found = scratch(case, kernel)
    return kernel if found is None else replace(kernel, name=f"cmsis_{kernel.name}", scratch=found)


def most(scratches: list[Scratch]) -> Scratch:
    """Return what is enough for each of several kernels, one after the other."""
    return Scratch(*map(max, zip(Scratch(), *scratches, strict=True)))


def _convolution(case: Case, kernel: Kernel) -> Scratch | None:
    del kernel
    window = _window(case)
    if window is None:
        return None
    channels, (rows, columns) = case.tensor(0).shape[3], window
    if rows.kernel == columns.kernel == 1 and _has_all_columns(case, columns):
        return _behind(case, rows, Scratch(0, sizes.pixels(_DSP, channels) * (columns.stride == 1), 0))
    numbers = rows.kernel * columns.kernel * channels
    return _behind(case, rows, Scratch(*(sizes.columns(build, numbers) for build in _BUILDS)))


def _has_all_columns(case: Case, columns: Window) -> bool:
    """Return whether every output pixel of a window of one column has an input pixel, and none is left over.

    Its like is `hm_is_wrapped` in kernels/cmsis_conv.c.
    """
    width, made = _width(case), plane(case.output().shape)[0]
    return columns.pad == 0 and (
        made == width if columns.stride == 1 else (made - 1) * columns.stride < width
    )


def _depthwise(case: Case, kernel: Kernel) -> Scratch | None:
    del kernel
    window = _window(case)
    if window is None:
        return None
    height, width = window[0].kernel, window[1].kernel
    area, inputs, outputs = height * width, case.tensor(0).shape[3], case.output().shape[3]
    if (
        inputs == 1 and height == 1
    ):  # with Helium it becomes a convolution of one line, which hardly knows pads
        return None
    dsp = sizes.channels_under(_DSP, inputs, area) if inputs == outputs else 0
    if height == width == 3 and max(window[0].pad, window[1].pad) <= 1:  # has a function of its own
        dsp = 0
    mve = sizes.channels_under(_MVE, inputs, area) if inputs == outputs else 0
    if inputs == 1:
        mve = max(mve, sizes.columns(_MVE, area) + area * outputs)
    return _behind(case, window[0], Scratch(0, dsp, mve))


def _pool(case: Case, kernel: Kernel) -> Scratch | None:
    window, shape = _window(case), case.output().shape
    if window is None:
        return None
    if not all(_under(window[1], place, _width(case)) for place in range(plane(shape)[0])):
        return None
    return _behind(
        case, window[0], Scratch(0, sizes.average(_DSP, shape[-1]) * (kernel.name == "average_pool"), 0)
    )


def _dense(case: Case, kernel: Kernel) -> Scratch | None:
    del kernel
    channels = case.tensor(1).shape[0]
    return (
        None if len(case.of_input(1).scales) > 1 else _held(Scratch(0, 0, sizes.weight_sums(_MVE, channels)))
    )


def _binary(case: Case, kernel: Kernel) -> Scratch | None:
    """Two inputs whose rows are as long as those of the output."""
    del kernel
    if case.operator.kind == "SUB":
        return None
    row = plane(case.output().shape)
    is_same = all(_shape(case, position) == case.output().shape for position in (0, 1))
    return Scratch() if is_same and row[0] * row[1] == case.made().size else None


def _softmax(case: Case, kernel: Kernel) -> Scratch | None:
    del case, kernel
    return Scratch()


_OF: dict[str, Callable[[Case, Kernel], Scratch | None]] = {
    "add": _binary,
    "average_pool": _pool,
    "conv": _convolution,
    "dense": _dense,
    "depthwise": _depthwise,
    "max_pool": _pool,
    "mul": _binary,
    "softmax": _softmax,
}


def _shape(case: Case, position: int) -> tuple[int, ...]:
    return case.tensor(position).shape


def _window(case: Case) -> tuple[Window, Window] | None:
    """Return how the window moves; None where CMSIS-NN cannot be told, or where a row has no input at all."""
    rows, columns = case.op.rows, case.op.columns
    if not isinstance(rows, Window) or not isinstance(columns, Window):
        return None
    return (rows, columns) if all(_lines(case, rows)) else None


def _width(case: Case) -> int:
    """Return the columns of the rows that are read."""
    return plane(case.source.tensors[case.read().tensor].shape)[0]


def _lines(case: Case, rows: Window) -> list[list[int]]:
    """Return the input rows under the window, per output row that is made."""
    made = (row for row, offset in enumerate(case.made().offsets) if offset >= 0)
    return [_under(rows, row, case.read().rows) for row in made]


def _under(axis: Window, place: int, size: int) -> list[int]:
    """Return what of the input is under the window at a place of the output."""
    first = place * axis.stride - axis.pad
    return [
        one for one in range(first, first + axis.kernel * axis.dilation, axis.dilation) if 0 <= one < size
    ]


def _behind(case: Case, rows: Window, scratch: Scratch) -> Scratch:
    """Return a scratch behind the rows that are copied where they do not lie side by side."""
    copied = round_up(_copied(case, rows), _GRAIN)
    return _held(Scratch(*(copied + size for size in scratch)))


def _held(scratch: Scratch) -> Scratch:
    """Return a scratch for functions that are given one: of a byte at least, as C has no arrays of none.

    With Helium it is not less than with the DSP extension, which is used where Helium is turned off.
    """
    plain, dsp, mve = (max(1, size) for size in scratch)
    return Scratch(plain, dsp, max(dsp, mve))


def _copied(case: Case, rows: Window) -> int:
    """Return the most bytes of rows under the window that do not lie side by side in the arena."""
    read, found = case.read(), 0
    for lines in _lines(case, rows):
        offsets = [read.offsets[row] for row in lines]
        if any(b != a + read.size for a, b in pairwise(offsets)):
            found = max(found, len(offsets) * read.size)
    return found
