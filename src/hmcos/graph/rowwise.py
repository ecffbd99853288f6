"""How an operator can run row by row: what running a network in rows has to know of it.

A tensor's rows are its slices along one axis, each of which is contiguous in memory: images (1, rows,
columns, channels) by axis 1, sequences (1, steps, channels) by axis 1, tables (rows, columns) by axis 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import NamedTuple

from hmcos.graph.graph import Tensor
from hmcos.graph.windows import AxisMap, Window

Needs = tuple[tuple[int, ...], ...]
"""Per row of an output the rows of an input that it is computed from, ascending; padding is left out."""


class RowShape(NamedTuple):
    """How a tensor lies in memory, row behind row."""

    rows: int
    size: int
    """Bytes of one row."""


def row_axis(shape: tuple[int, ...]) -> int:
    """Return the axis along which a tensor is cut into rows; 0 also where it is one row."""
    return 1 if len(shape) > 2 and shape[0] == 1 else 0


def row_shape(tensor: Tensor) -> RowShape:
    """Return how many rows a tensor has, and their bytes; its elements fill whole bytes."""
    rows = tensor.shape[row_axis(tensor.shape)] if len(tensor.shape) > 1 else 1
    return RowShape(rows, prod(tensor.shape) * tensor.bits // 8 // rows if rows else 0)


@dataclass(frozen=True, slots=True)
class RowByRow:
    """An operator that makes one row of its outputs after the other, each from some rows of its inputs."""

    needs: tuple[Needs | None, ...]
    """Per input; None for parameters, and for inputs that are left out."""
    overwrites: tuple[int, ...] = ()
    """The inputs whose row may hold the row that is made, because every element depends on its own place."""
    rows: AxisMap | None = None
    """The window over the rows of the first input that has needs; None where there is none."""
    columns: AxisMap | None = None
    outside_is_zero: bool = False
    """Whether what lies outside of the input counts as the type's zero: then PAD can be a part of it."""
    surrounds: bool = False
    """Whether the operator only surrounds its input by rows and columns of the type's zero."""


@dataclass(frozen=True, slots=True)
class Moved:
    """An operator whose output rows are rows of its inputs, unchanged."""

    rows: tuple[tuple[tuple[int, int], ...], ...]
    """Per output and row: the position of an input, and a row of it."""


@dataclass(frozen=True, slots=True)
class Summed:
    """An operator that makes one row from sums, to which rows of its first input are added one by one."""

    needed: tuple[int, ...]
    """The rows that are added, ascending."""
    width: int
    """Bytes of a sum: as many sums as the output has elements."""
    rows: AxisMap | None = None
    columns: AxisMap | None = None


@dataclass(frozen=True, slots=True)
class Reduced:
    """An operator that sums its first input along some axes, such as a mean, or finds extremes there."""

    axes: tuple[int, ...]
    """Ascending, none negative."""
    widens: bool = True
    """Whether what is found so far takes more bytes than an element, as sums do and extremes do not."""


@dataclass(frozen=True, slots=True)
class Dense:
    """A layer each output of which sums over all elements of the first input."""


@dataclass(frozen=True, slots=True)
class Reshaped:
    """The bytes of the first input under another shape."""


@dataclass(frozen=True, slots=True)
class Permuted:
    """The first input with its axes in another order."""

    axes: tuple[int, ...]
    """Per axis of the output the axis of the input."""


@dataclass(frozen=True, slots=True)
class AtOnce:
    """An operator that runs in one step, on all rows of its inputs."""


@dataclass(frozen=True, slots=True)
class Known:
    """An operator that computes numbers from fixed shapes and constants alone: it never has to run."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An operator that cannot run in rows."""

    reason: str
    """Why, in words that end a sentence after the operator's name, with the way out if there is one."""


RowRule = RowByRow | Moved | Summed | Reduced | Dense | Reshaped | Permuted | AtOnce | Known | Refused
RowRules = tuple[RowRule, ...]
"""Per operator of the source."""

SUMS_OF_BYTES = 256
"""Most numbers of 8 bits whose sum always fits into 16 bits: 256 x -128 is the least of them."""


def sum_width(summed: int, bits: int) -> int:
    """Return the bytes of a sum of so many integers of some bits: 2 or 4."""
    return 2 if bits <= 8 and summed <= SUMS_OF_BYTES else 4


def sliding(window: Window, outputs: int, inputs: int) -> Needs:
    """Return the rows under a sliding window, per output; a dilated one skips the rows between its taps."""
    return tuple(
        tuple(
            row
            for k in range(window.kernel)
            if 0 <= (row := o * window.stride - window.pad + k * window.dilation) < inputs
        )
        for o in range(outputs)
    )


def same_rows(rows: int) -> Needs:
    """Return the needs of an operator that makes every row from the same row."""
    return tuple((row,) for row in range(rows))


def only_row(rows: int) -> Needs:
    """Return the needs of an operator that makes every row from the only one."""
    return ((0,),) * rows


def every_row(outputs: int, inputs: int) -> Needs:
    """Return the needs of an operator that makes every row from all of them."""
    return (tuple(range(inputs)),) * outputs
