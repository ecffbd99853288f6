"""Whether all that is in use at one time is apart in memory."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

Row = tuple[int, int, int, int, int]
"""First step, first step after the last, first byte, first byte after the last, and a number to name it by.

It is in use at one step and in one byte at least."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two that are in use at the same time, and share bytes."""

    step: int
    """The first step of the later one."""
    earlier: int
    later: int
    low: int
    """The first byte that they share."""
    high: int
    """The first byte after the last one."""


def first_overlap(rows: Iterable[Row]) -> Overlap | None:
    """Return two rows that overlap, the later one as early as there is any; None when all are apart.

    Walks through time with what is in use in order of address. All that is in use was compared when it
    began, so it lies apart: whatever begins need only be compared with the one below it and the one above.
    """
    given = list(rows)
    in_use: list[tuple[int, int, int]] = []
    events = sorted([(row[1], False, row) for row in given] + [(row[0], True, row) for row in given])
    for step, begins, (_, _, low, high, number) in events:
        at = bisect_left(in_use, (low, high, number))
        if not begins:
            del in_use[at]
            continue
        for other_low, other_high, other in in_use[max(0, at - 1) : at + 1]:
            if low < other_high and other_low < high:
                return Overlap(step, other, number, max(low, other_low), min(high, other_high))
        in_use.insert(at, (low, high, number))
    return None
