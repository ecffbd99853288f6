"""Operators that CMSIS-NN computes, one output row per call, and the scratch that its functions need.

The sizes are those that its `get_buffer_size` functions give (CMSIS-NN 7, Include/arm_nnfunctions.h).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import ceil

from hmcos.backends.c.preparing.case import Case, Kernel, Scratch, plane
from hmcos.graph.windows import AxisMap, Window
from hmcos.plan.row_parts import Role

_GRAIN = 8
"""Bytes: what the scratch behind copied rows is aligned to."""
_BLOCK = 124
"""Channels that a depthwise convolution takes together with Helium."""


def library_kernel(case: Case, kernel: Kernel) -> Kernel:
    """Return the kernel that calls CMSIS-NN for an operator, or the plain one where it has no function for it.

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
    height, width = window[0].kernel, window[1].kernel
    channels = case.tensor(0).shape[3]
    numbers = height * width * channels
    both = 4 * _rounded(numbers, 4)
    if height == width == 1 and window[1].pad == 0:  # one pixel at a time needs less, or is one of those below
        both = max(both, 4 * channels)
    return _behind(case, Scratch(both, both, 4 * _rounded(numbers, 16)))


def _depthwise(case: Case, kernel: Kernel) -> Scratch | None:
    del kernel
    window = _window(case)
    if window is None:
        return None
    height, width = window[0].kernel, window[1].kernel
    inputs, outputs = case.tensor(0).shape[3], case.output().shape[3]
    if inputs == 1:
        if height == 1:  # with Helium it becomes a convolution of one line, which knows no padding at one side
            return None
        area = height * width
        return _behind(case, Scratch(0, 2 * area, max(4 * _BLOCK * area, 4 * _rounded(area, 16) + area * outputs)))
    if inputs != outputs:
        return _behind(case, Scratch())
    is_small = height == width == 3 and max(window[0].pad, window[1].pad) <= 1  # has a function of its own
    return _behind(
        case, Scratch(0, 0 if is_small else 2 * inputs * height * width, 4 * _BLOCK * height * width)
    )


def _pool(case: Case, kernel: Kernel) -> Scratch | None:
    if _window(case) is None or not _covers(case.op.columns, *_columns(case)):
        return None
    is_mean = kernel.name == "average_pool"
    return _behind(case, Scratch(0, 4 * case.output().shape[3] * is_mean, 0))


def _dense(case: Case, kernel: Kernel) -> Scratch | None:
    del kernel
    channels = case.tensor(1).shape[0]
    return None if len(case.of_input(1).scales) > 1 else _held(Scratch(0, 0, 4 * channels))


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
    """Return how the window moves; None where CMSIS-NN cannot be told so, or where a row has no input at all."""
    rows, columns = case.op.rows, case.op.columns
    if not isinstance(rows, Window) or not isinstance(columns, Window):
        return None
    if any(not needed for needed in case.op.inputs[0].needs):
        return None
    return rows, columns


def _columns(case: Case) -> tuple[int, int]:
    """Return the columns of the input and of the output."""
    return plane(case.source.tensors[case.read().tensor].shape)[0], plane(case.output().shape)[0]


def _covers(axis: AxisMap | None, size: int, made: int) -> bool:
    """Return whether at each place the window has something of the input under it."""
    if not isinstance(axis, Window):
        return False
    places = (range(first, first + axis.kernel * axis.dilation, axis.dilation) for first in _firsts(axis, made))
    return all(any(0 <= place < size for place in window) for window in places)


def _firsts(axis: Window, made: int) -> range:
    return range(-axis.pad, made * axis.stride - axis.pad, axis.stride)


def _behind(case: Case, scratch: Scratch) -> Scratch:
    """Return a scratch behind the rows that are copied where they do not lie side by side."""
    copied = _rounded(_copied(case), _GRAIN)
    return _held(Scratch(*(copied + size for size in scratch)))


def _held(scratch: Scratch) -> Scratch:
    """Return a scratch for functions that are given one: of a byte at least, as C has no arrays of none.

    With Helium it is not less than with the DSP extension, which is used where Helium is turned off.
    """
    plain, dsp, mve = (max(1, size) for size in scratch)
    return Scratch(plain, dsp, max(dsp, mve))


def _copied(case: Case) -> int:
    """Return the most bytes of rows under the window that do not lie side by side in the arena."""
    read, found = case.read(), 0
    for needed in case.op.inputs[0].needs:
        offsets = [read.offsets[row] for row in needed]
        if any(b != a + read.size for a, b in zip(offsets, offsets[1:], strict=False)):
            found = max(found, len(offsets) * read.size)
    return found


def _rounded(size: int, to: int) -> int:
    return ceil(size / to) * to
