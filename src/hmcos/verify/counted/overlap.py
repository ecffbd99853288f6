"""Find two blocks that are in use at the same time and overlap in memory."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

Row = tuple[int, int, int, int, int]
"""First step, end step (exclusive), first byte, end byte (exclusive), and a number that identifies the row.

A row covers at least one step and one byte."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two rows that are in use at the same time and share bytes."""

    step: int
    """The first step of the later one."""
    earlier: int
    later: int
    low: int
    """The first shared byte."""
    high: int
    """The byte after the last shared one."""


def first_overlap(rows: Iterable[Row]) -> Overlap | None:
    """Return the first overlap in time; None if no two rows overlap.

    Sweeps over time and keeps the rows in use sorted by address. These are already known to be apart, so a
    new row needs to be compared only with its neighbours below and above.
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
