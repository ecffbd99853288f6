"""Cores: the items of a large cluster that probably decide how small its arena can be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hmcos.allocation.crowd import Crowd


@dataclass(frozen=True, slots=True)
class Core:
    """Which items are in a core; the pinned ones always are."""

    fullness: float
    """They live at a moment at which at least this part of the most bytes is alive."""
    part: int
    """They have at least this part (1 / part) of the most bytes that are alive at one moment."""


CORES = (Core(0.95, 300), Core(0.0, 1000), Core(0.9, 300), Core(0.0, 3000), Core(0.0, 300), Core(0.98, 1000))
"""The cores to try, in this order."""


def core_of(crowd: Crowd, core: Core) -> list[int]:
    """Return the items of a core, ascending."""
    change = np.zeros(crowd.steps + 1, crowd.whole)
    for pieces in crowd.pieces:
        for begin, end, size in pieces:
            change[begin] += size
            change[end] -= size
    alive = change.cumsum()
    most = int(alive.max())
    full = np.concatenate(([0], (alive >= int(core.fullness * most)).cumsum())).tolist()
    return [
        i
        for i, item in enumerate(crowd.items)
        if item.offset is not None
        or (item.size * core.part >= most and any(full[a] < full[b] for a, b, _ in crowd.pieces[i]))
    ]
