"""Placing again and again, each time the lives earlier that had no room the time before.

Squeaky wheel optimization: Joslin and Clements, Journal of Artificial Intelligence Research 10 (1999).
"""

from __future__ import annotations

from hmcos.allocation.alive_bound import lower_bound
from hmcos.allocation.fit import board_of, first_fit, highest_end
from hmcos.allocation.lives import Lives
from hmcos.allocation.outcome import outcome
from hmcos.limits import Limits, Watch
from hmcos.plan.arena import Arena

ROUNDS = 300
"""Give up after this many placements. For rows, most arenas are as small as their bound after 150."""
BLAME = 2.0
"""By how much a life that ends above the bound weighs more from then on."""


def squeaky_wheel(lives: Lives, limits: Limits, watch: Watch, rounds: int = ROUNDS) -> Arena:
    """Return the smallest arena of many placements, the first of which places the largest lives first.

    A life that ends above the lower bound counts as larger from then on, so that it is placed earlier. Two
    runs give the same arena unless the time limit ends them.
    """
    board = board_of(lives)
    items, bound = board.items, lower_bound(board.items)
    weights = [float(item.size) for item in items]
    best: list[int] | None = None
    size = 0
    for tried in range(rounds):
        offsets = first_fit(board, sorted(range(len(items)), key=lambda i: (-weights[i], i)))
        reached = highest_end(items, offsets)
        if best is None or reached < size:
            best, size = offsets, reached
            watch.progress("squeaky wheel", size, bound, tried)
        if size <= bound or watch.is_over(limits):
            break
        for i, item in enumerate(items):
            if offsets[i] + item.size > bound and item.pieces:
                weights[i] *= BLAME
    assert best is not None, "at least one round"
    return outcome(lives, (items, best), "squeaky_wheel", limits, watch)
