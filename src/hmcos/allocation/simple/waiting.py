"""Which of the items that wait for a place is the first in rank among those between two sections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

FEW = 500
"""Items up to which looking through them in Python is as quick as loading numpy."""


class Waiting(Protocol):
    """Items in order of their first section, each with a rank of its own."""

    def first(self, begin: int, end: int) -> int | None:
        """Return the lowest rank of any item that is waiting and lies in sections [begin, end)."""
        ...

    def remove(self, k: int) -> None:
        """Let item k wait no longer."""
        ...


def waiting(ranks: Sequence[int], ends: Sequence[int], starts: Sequence[int]) -> Waiting:
    """Return items that wait for a place.

    Args:
        ranks: one per item.
        ends: per item, the first section after its last one.
        starts: per section and once more, the first item whose first section is this one or later.
    """
    if len(ranks) <= FEW:
        return Few(ranks, ends, starts)
    from hmcos.allocation.simple.waiting_many import Many  # noqa: PLC0415 (numpy takes 100 ms)

    return Many(ranks, ends, starts)


class Few:
    """Hundreds of items that wait for a place."""

    def __init__(self, ranks: Sequence[int], ends: Sequence[int], starts: Sequence[int]) -> None:
        self._ranks, self._ends, self._starts = ranks, list(ends), starts

    def first(self, begin: int, end: int) -> int | None:
        """Return the lowest rank of any item that is waiting and lies in sections [begin, end)."""
        i, j = self._starts[begin], self._starts[end]
        rows = zip(self._ranks[i:j], self._ends[i:j], strict=True)
        return min((rank for rank, last in rows if last <= end), default=None)

    def remove(self, k: int) -> None:
        """Let item k wait no longer."""
        self._ends[k] = len(self._starts)  # behind every section
