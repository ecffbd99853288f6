"""The waiting items of best fit, and which of them is first in rank within a range of sections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Waiting(Protocol):
    """The items without a place yet, numbered by first section, each with its own rank."""

    def first(self, begin: int, end: int) -> int | None:
        """Return the lowest rank of the waiting items within sections [begin, end), None if there is none."""
        ...

    def remove(self, k: int) -> None:
        """Remove item k: it has its place now."""
        ...


def waiting(ranks: Sequence[int], ends: Sequence[int], starts: Sequence[int], few: int) -> Waiting:
    """Return the waiting items: all of those that are given.

    Args:
        ranks: one per item.
        ends: per item, the first section after its last one.
        starts: per section s and one entry more, the first item whose first section is s or later.
        few: for at most this many items, plain lists do.
    """
    if len(ranks) <= few:
        return Few(ranks, ends, starts)
    from hmcos.allocation.simple.waiting_many import Many  # noqa: PLC0415 (numpy takes 100 ms)

    return Many(ranks, ends, starts)


class Few:
    """`Waiting` for hundreds of items: plain lists."""

    def __init__(self, ranks: Sequence[int], ends: Sequence[int], starts: Sequence[int]) -> None:
        self._ranks, self._ends, self._starts = ranks, list(ends), starts

    def first(self, begin: int, end: int) -> int | None:
        """Return the lowest rank of the waiting items within sections [begin, end), None if there is none."""
        i, j = self._starts[begin], self._starts[end]
        rows = zip(self._ranks[i:j], self._ends[i:j], strict=True)
        return min((rank for rank, last in rows if last <= end), default=None)

    def remove(self, k: int) -> None:
        """Remove item k: it has its place now."""
        self._ends[k] = len(self._starts)  # after every section, so no range holds it
