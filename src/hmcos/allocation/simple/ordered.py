"""Planners that fix the order of placement beforehand, and what they return if a limit stops them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial

from hmcos.allocation.fit import board_of, first_fit, first_fit_until
from hmcos.allocation.items import Item
from hmcos.allocation.lives import Lives
from hmcos.allocation.outcome import outcome
from hmcos.limits import Limits, Status, Watch
from hmcos.plan.arena import Arena

LARGEST_FIRST = "largest_first"


def ordered(lives: Lives, rank: Callable[[Item], object], name: str, limits: Limits, watch: Watch) -> Arena:
    """Return the arena of placing items from the lowest rank to the highest, ties by number.

    If a limit stops it before all items are placed, the result is the arena of `largest_first`.
    """
    board = board_of(lives)
    offsets = first_fit_until(partial(watch.is_over, limits), board, _by_rank(board.items, rank))
    if offsets is None:
        return fallback(lives, limits, watch)
    return outcome(lives, (board.items, offsets), name, limits, watch)


def by_size(lives: Lives, limits: Limits, watch: Watch) -> Arena:
    """Return the arena of placing items from the largest to the smallest; no limit stops it."""
    return outcome(lives, (board_of(lives).items, _by_size(lives)), LARGEST_FIRST, limits, watch)


def fallback(lives: Lives, limits: Limits, watch: Watch) -> Arena:
    """Return what a planner returns if a limit stops it: the arena of `largest_first`."""
    return with_limit(by_size(lives, limits, watch), limits, watch)


def with_limit(arena: Arena, limits: Limits, watch: Watch, states: int = -1) -> Arena:
    """Return the arena with the limit that was reached as its status, unless its status is a proof.

    Placing enters no states, so by default the state limit does not count.
    """
    limit = watch.reached(limits, states)
    return replace(arena, status=limit) if limit is not None and arena.status is Status.FEASIBLE else arena


@lru_cache(maxsize=1)
def _by_size(lives: Lives) -> list[int]:
    """Return the offsets of `largest_first`; cached, since several planners use them."""
    board = board_of(lives)
    return first_fit(board, _by_rank(board.items, lambda item: -item.size))


def _by_rank(items: tuple[Item, ...], rank: Callable[[Item], object]) -> list[int]:
    return sorted(range(len(items)), key=lambda i: (rank(items[i]), i))
