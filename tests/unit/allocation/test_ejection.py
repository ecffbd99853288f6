"""Lives without room that take it from others."""

from __future__ import annotations

from random import Random

import pytest

from hmcos.allocation.items import items
from hmcos.allocation.lives import Demand, Lives, Pool
from hmcos.allocation.simple.ejecting import Ejecting
from hmcos.allocation.simple.ejection import ejection
from hmcos.allocation.simple.largest_first import largest_first
from hmcos.limits import Limits, Status, Watch
from hmcos.memory.lifetimes import Life
from property.arena_oracle import faults
from property.cut_lives import cut_lives

TRAP = Lives(tuple(Life(*each, None) for each in ((4, 5, 2), (1, 2, 2), (3, 5, 3), (2, 4, 4), (4, 6, 3))))
"""Largest first needs 9 bytes for them, because the life of 2 bytes from step 4 on comes too late."""


def never(_: int) -> bool:
    return False


def rows(rng: Random, steps: int, bytes_: int) -> Lives:
    """Lives of a few sizes that fill a block of memory at all steps, as rows of a network do."""
    lives: list[Life] = []
    bottom = 0
    while bottom < bytes_:
        size = min(rng.choice((1, 1, 1, 2, 4)), bytes_ - bottom)
        begin = 0
        while begin < steps:
            end = min(steps, begin + rng.randint(2, 12))
            lives.append(Life(begin, end, size, None))
            begin = end
        bottom += size
    rng.shuffle(lives)
    return Lives(tuple(lives))


def test_a_life_without_room_takes_it_from_others() -> None:
    assert largest_first(TRAP, Limits(), Watch()).size == 9
    found = ejection(TRAP, Limits(), Watch())
    assert (found.size, found.lower_bound, found.status) == (8, 8, Status.OPTIMAL)
    assert faults(TRAP, found.offsets) == []


@pytest.mark.parametrize("seed", range(6))
def test_a_block_that_rows_fill_without_a_hole_is_filled_again(seed: int) -> None:
    lives = rows(Random(seed), 40, 24)
    found = ejection(lives, Limits(), Watch())
    assert found.size == found.lower_bound == 24 < largest_first(lives, Limits(), Watch()).size
    assert faults(lives, found.offsets) == []


@pytest.mark.parametrize("seed", range(30))
def test_what_is_pinned_or_aligned_stays_so(seed: int) -> None:
    rng = Random(seed)
    cut = cut_lives(rng, mirrored=seed % 2 == 1).asking(rng)
    found = ejection(cut.lives, Limits(), Watch(), runs=range(2))
    assert faults(cut.lives, found.offsets) == []
    assert found.size <= largest_first(cut.lives, Limits(), Watch()).size


def test_nothing_ejects_a_life_that_is_pinned() -> None:
    lives = Lives((Life(0, 2, 2, None), Life(0, 1, 2, None)), demands=(Demand(offset=1), Demand()))
    searching = Ejecting(items(lives))
    assert searching.run([1, 3], 4, [1, 1], Random(0), never) is None
    assert searching.run([1, 3], 5, [1, 1], Random(0), never) == [1, 3]


def test_a_pinned_life_stays_where_it_is_if_the_bound_is_above_all_pools() -> None:
    """The bound, 12 bytes, is met and does not fit: there was a run for less, which moved the pinned life."""
    lives = Lives(
        (Life(0, 2, 2, None), Life(0, 1, 2, None)), 1, (Demand(offset=10), Demand()), (Pool("p", 4),)
    )
    found = ejection(lives, Limits(), Watch())
    assert (found.offsets, found.size, found.status) == ((10, 0), 12, Status.DOES_NOT_FIT)


def test_a_run_ends_when_it_is_told_to() -> None:
    searching = Ejecting(items(Lives((Life(0, 1, 2, None), Life(0, 1, 2, None)))))
    assert searching.run([0, 2], 3, [1, 1], Random(0), lambda steps: steps >= 50) is None
    assert searching.steps == 50


def test_the_state_limit_counts_placements() -> None:
    lives = rows(Random(0), 40, 24)
    found = ejection(lives, Limits(states=1), Watch())
    assert found.status is Status.STATE_LIMIT
    assert found.size == largest_first(lives, Limits(), Watch()).size
