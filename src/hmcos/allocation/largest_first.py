"""The largest first."""

from __future__ import annotations

from hmcos.allocation.fit import first_fit, meetings_of
from hmcos.allocation.outcome import outcome
from hmcos.allocation.problem import Lives
from hmcos.plan.arena import Arena
from hmcos.plan.limits import Limits, Observer


def largest_first(lives: Lives, limits: Limits, observer: Observer) -> Arena:
    """Return the arena of placing lives from the largest to the smallest, ties by number.

    Source: greedy by size, Pisarchyk and Lee, Efficient Memory Management for Deep Neural Net Inference,
    2020, section 5.2; here each goes to the lowest gap, as in TensorFlow Lite and TVM.
    """
    met = meetings_of(lives)
    order = sorted(range(len(met.items)), key=lambda i: (-met.items[i].size, i))
    return outcome(lives, (met.items, first_fit(met, order)), "largest_first", limits)
