from __future__ import annotations

from collections.abc import Sequence

import pytest

from hmcos.allocation.lives import Demand
from hmcos.allocation.memories.question import question
from hmcos.allocation.memories.spreading import spread
from hmcos.errors import InstanceError, OptionError
from hmcos.limits import Limits, Status, Watch
from hmcos.memory.lifetimes import Life
from hmcos.plan.memory_blocks import MemoryBlock, MemoryPlacement

FAST, SLOW = MemoryBlock("fast", 6), MemoryBlock("slow", None)


def spread_over(
    lives: Sequence[Life],
    traffic: Sequence[int],
    *blocks: MemoryBlock,
    demands: Sequence[Demand] = (),
    states: int = 100_000,
) -> MemoryPlacement:
    asked = question(lives, traffic, blocks, demands=demands)
    return spread(asked, Limits(states=states), Watch())


def test_what_moves_the_least_leaves() -> None:
    lives = (Life(0, 2, 4, None), Life(0, 2, 3, None), Life(0, 2, 3, None))
    found = spread_over(lives, (40, 3, 6), FAST, SLOW)
    assert (found.memory, found.traffic, found.lower_bounds) == ((0, 1, 1), (40, 9), (9,))
    assert found.status is Status.OPTIMAL
    assert (found.slower, found.lower_bound, found.fits) == (9, 9, True)


def test_everything_stays_where_it_fits() -> None:
    found = spread_over((Life(0, 2, 4, None), Life(2, 4, 6, None)), (4, 6), FAST, SLOW)
    assert (found.memory, found.slower, found.status) == ((0, 0), 0, Status.OPTIMAL)


@pytest.mark.parametrize("capacity", [None, 100])
def test_no_more_of_a_memory_is_used_than_needed(capacity: int | None) -> None:
    """What moves the most is placed first, which alone would leave a gap here."""
    lives = (Life(0, 1, 1, None), Life(3, 4, 1, None), Life(2, 5, 1, None), Life(0, 3, 1, None))
    found = spread_over(lives, (1, 2, 1, 2), MemoryBlock("only", capacity))
    assert (found.status, found.sizes) == (Status.OPTIMAL, (2,))
    slow = MemoryBlock("slow", capacity)
    behind = spread_over(lives, (1, 2, 1, 2), MemoryBlock("fast", 0), slow)
    assert (behind.status, behind.sizes) == (Status.OPTIMAL, (0, 2))


def test_lives_that_share_an_offset_leave_together() -> None:
    lives = (Life(0, 2, 4, None), Life(2, 4, 4, None, takes_over=0), Life(1, 3, 4, None))
    found = spread_over(lives, (1, 1, 3), FAST, SLOW)
    assert found.memory == (1, 1, 0)
    assert found.traffic == (3, 2)


def test_room_without_offsets_is_not_enough() -> None:
    """Four bytes are live at once, but there are no offsets for all: what moves the least leaves."""
    lives = (
        *(Life(0, 1, 2, None), Life(0, 2, 1, None), Life(0, 1, 1, None), Life(1, 3, 2, None)),
        *(Life(2, 3, 1, None), Life(1, 2, 1, None)),
    )
    small, demands = MemoryBlock("fast", 4), [Demand(alignment=2)] * len(lives)
    found = spread_over(lives, (9, 1, 9, 9, 9, 9), small, SLOW, demands=demands)
    assert (found.status, found.slower, found.lower_bound) == (Status.OPTIMAL, 1, 1)
    assert found.memory == (0, 1, 0, 0, 0, 0)


def test_the_third_memory_is_used_the_least_next() -> None:
    lives = tuple(Life(0, 1, 4, None) for _ in range(3))
    blocks = (MemoryBlock("a", 4), MemoryBlock("b", 4), MemoryBlock("c", None))
    found = spread_over(lives, (5, 9, 7), *blocks)
    assert found.memory == (2, 0, 1)
    assert (found.traffic, found.lower_bounds, found.behind) == ((9, 7, 5), (12, 5), (12, 5))


def test_what_has_room_in_no_memory_is_said_to() -> None:
    lives = (Life(0, 1, 4, None), Life(0, 1, 4, None))
    found = spread_over(lives, (1, 1), FAST, MemoryBlock("slow", 3))
    assert (found.status, found.fits) == (Status.DOES_NOT_FIT, False)
    assert sorted(found.memory) == [0, 2]
    one = spread_over(lives, (1, 1), FAST)
    assert (one.status, one.fits, one.lower_bounds) == (Status.DOES_NOT_FIT, False, ())


def test_what_the_caller_supplies_is_in_no_memory() -> None:
    found = spread_over((Life(0, 1, 9, None),), (9,), FAST, SLOW, demands=[Demand(external=True)])
    assert (found.memory, found.offsets, found.traffic, found.fits) == ((-1,), (-1,), (0, 0), True)


def test_a_life_may_be_kept_out_of_a_memory() -> None:
    found = spread_over((Life(0, 1, 4, None),), (8,), FAST, SLOW, demands=[Demand(pools=(1,))])
    assert (found.memory, found.lower_bounds, found.status) == ((1,), (8,), Status.OPTIMAL)


def test_a_limit_ends_the_search_with_a_place_for_everything() -> None:
    lives = tuple(Life(i % 5, i % 5 + 1 + i % 4, 1 + i % 7, None) for i in range(40))
    found = spread_over(lives, [life.size * 3 for life in lives], FAST, SLOW, states=0)
    assert found.status is Status.STATE_LIMIT
    assert found.fits
    assert found.lower_bound <= found.slower


@pytest.mark.parametrize(
    ("lives", "traffic", "said"),
    [
        ((Life(0, 1, 1, None),), (), "0 numbers of traffic, but 1 lives"),
        ((Life(0, 1, 1, None),), (-1,), "life 0: moves -1 bytes"),
        ((Life(0, 1, 1, None),), (2**62,), "not below 2\\*\\*62"),
        ((Life(2, 1, 1, None),), (1,), "not an interval"),
    ],
)
def test_wrong_lives_are_refused(lives: tuple[Life, ...], traffic: tuple[int, ...], said: str) -> None:
    with pytest.raises(InstanceError, match=said):
        question(lives, traffic, (FAST, SLOW))


def test_wrong_memories_are_refused() -> None:
    with pytest.raises(OptionError, match="at least 1 byte"):
        question((), (), (FAST,), alignment=0)
    with pytest.raises(OptionError, match="two memories have this name"):
        question((), (), (FAST, FAST))
