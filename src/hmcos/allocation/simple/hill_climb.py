"""Hill climbing over the order of placement."""

from __future__ import annotations

import random
from functools import partial

from hmcos.allocation.alive_bound import lower_bound
from hmcos.allocation.fit import Board, board_of, first_fit_until, highest_end
from hmcos.allocation.lives import Lives
from hmcos.allocation.outcome import outcome
from hmcos.allocation.simple.largest_area_first import area
from hmcos.allocation.simple.ordered import fallback
from hmcos.limits import Limits, Watch
from hmcos.plan.arena import Arena

STEPS = 500
"""Give up after this many orders in a row without a better arena."""
PAIRS = 20_000_000
"""Pairs of items looked at in all, so that large problems get fewer steps."""


def hill_climb(lives: Lives, limits: Limits, watch: Watch) -> Arena:
    """Return the best arena of many orders of placement, starting from the largest area first.

    Each step takes an item that ends at the top of the arena, or one that meets it, and moves it in the order
    before another item that it meets. Two runs with the same seed give the same arena unless the time limit
    ends them. After the planners of TVM (hill_climb) and Vela.
    """
    board = board_of(lives)
    bound = lower_bound(board.items)
    order = sorted(range(len(board.items)), key=lambda i: (-area(board.items[i]), i))
    best = first_fit_until(partial(watch.is_over, limits), board, order)
    if best is None:
        return fallback(lives, limits, watch)
    size = highest_end(board.items, best)
    rng = random.Random(limits.seed)
    steps = min(STEPS, PAIRS // (1 + board.pairs()))
    patience, tried = steps, 0
    while patience and size > bound and watch.reached(limits, tried) is None:
        tried += 1
        patience -= 1
        changed = _changed(board, order, best, rng)
        offsets = first_fit_until(partial(watch.is_over, limits), board, changed)
        if offsets is None:
            break
        reached = highest_end(board.items, offsets)
        if reached <= size:
            patience = steps if reached < size else patience
            order, best, size = changed, offsets, reached
            watch.progress("hill climbing", size, bound, tried)
    return outcome(lives, (board.items, best), "hill_climb", limits, watch)


def _changed(board: Board, order: list[int], offsets: list[int], rng: random.Random) -> list[int]:
    """Return the order with one item moved: one at the top, or that meets it, before one that it meets."""
    size = highest_end(board.items, offsets)
    tops = [i for i, item in enumerate(board.items) if item.pieces and offsets[i] + item.size == size]
    top = rng.choice(tops)
    moved = rng.choice([top, *board.meeting(top)])
    before = rng.choice(board.meeting(moved) or (moved,))
    changed = [i for i in order if i != moved]
    place = changed.index(before) if before != moved else 0
    changed.insert(min(place, order.index(moved)), moved)
    return changed
