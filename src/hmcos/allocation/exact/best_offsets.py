"""The best offsets so far for the items of a cluster."""

from __future__ import annotations

from collections.abc import Sequence

from hmcos.allocation.fit import highest_end
from hmcos.allocation.items import Item


class BestOffsets:
    """Items with their best offsets so far, all in units."""

    def __init__(self, items: Sequence[Item], offsets: Sequence[int]) -> None:
        """Start from items that all need room, and offsets at which they do not overlap."""
        self.items = tuple(items)
        self.offsets = list(offsets)
        """Per item, in the smallest arena so far."""
        self.size = highest_end(items, offsets)
        """The size of that arena."""

    def adopt(self, offsets: Sequence[int]) -> int:
        """Keep offsets if they are better than the best; return the size of their arena."""
        size = highest_end(self.items, offsets)
        if size < self.size:
            self.offsets, self.size = list(offsets), size
        return size
