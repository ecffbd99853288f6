"""Placing lives by falling size."""

from __future__ import annotations

from hmcos.allocation.lives import Lives
from hmcos.allocation.simple.ordered import by_size
from hmcos.limits import Limits, Watch
from hmcos.plan.arena import Arena


def largest_first(lives: Lives, limits: Limits, watch: Watch) -> Arena:
    """Return the arena of placing lives from the largest to the smallest, ties by number.

    It ignores the limits, so there is always an arena. Each life goes to the lowest gap, as in TensorFlow
    Lite and TVM. Source: greedy by size, Pisarchyk and Lee, Efficient Memory Management for Deep Neural Net
    Inference, 2020, section 5.2.
    """
    return by_size(lives, limits, watch)
