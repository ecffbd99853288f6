"""Which size of an arena to aim at next, where nobody knows how small it can be."""

from __future__ import annotations


class Aims:
    """Sizes between a bound and the best size, in rounds.

    A round aims halfway from the bound to the best size. As long as that fails, the next aim is halfway from
    there to the best size; a better size lowers the next aim. Close below the best size a new round begins,
    in which each try should take longer, or be another one. So no time is lost on one size that is out of
    reach: the smallest arena may be anywhere in between.
    """

    def __init__(self) -> None:
        self.round = 0
        """The number of rounds that have ended."""
        self._failed = -1
        """The largest size that failed in this round, -1 for none."""

    def next(self, bound: int, size: int, finest: int) -> int:
        """Return the size to aim at, at least the bound and below the best size.

        A round ends where the last size that failed is at most `finest` below the best size.
        """
        failed = max(self._failed, bound - 1)
        if size - failed <= max(1, finest):
            self.round += 1
            self._failed, failed = -1, bound - 1
        return (failed + size) // 2

    def fail(self, aim: int) -> None:
        """Record that a size was tried in vain."""
        self._failed = max(self._failed, aim)
