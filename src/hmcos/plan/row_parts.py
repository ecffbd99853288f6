"""What row programs and row plans have in common: what steps do, what they read, and where they add up."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What one step of an operator does."""

    FEED = "feed"
    """It takes one row of the network's input from the caller."""
    ROW = "row"
    """Step s makes row s of each output."""
    SUM = "sum"
    """Each step adds one row of the input to the accumulator, ascending; the last one makes the output."""
    WHOLE = "whole"
    """The only step reads all rows of the inputs and makes all rows of the outputs."""


@dataclass(frozen=True, slots=True)
class RowInput:
    """An input of an operator that other steps make."""

    position: int
    """Among the inputs of the operator."""
    tensor: int
    """The tensor whose rows are read: behind a folded operator, that operator's input."""
    needs: tuple[tuple[int, ...], ...]
    """Per step: the rows that it reads, ascending; rows of padding are left out."""


@dataclass(frozen=True, slots=True)
class Accumulator:
    """Sums in the arena, from the first step of an operator to its last."""

    elements: int
    width: int
    """Bytes per element: 1, 2 or 4; the offset is a multiple of it."""
    offset: int = -1
    """Bytes from the start of the arena; -1 until it has a place."""

    @property
    def size(self) -> int:
        """Bytes in all."""
        return self.elements * self.width


@dataclass(frozen=True, slots=True)
class RowTensor:
    """Where the rows of a tensor are; views of one tensor share their offsets."""

    tensor: int
    rows: int
    size: int
    """Bytes of one row."""
    offsets: tuple[int, ...]
    """Per row: bytes from the start of the arena; -1 for a row that nobody needs, so that nobody makes it."""
