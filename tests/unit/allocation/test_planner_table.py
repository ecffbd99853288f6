from dataclasses import replace

import pytest

from hmcos.allocation.exact.proof import exact
from hmcos.allocation.lives import Demand, Lives, Pool
from hmcos.allocation.planner_table import allocator, names
from hmcos.errors import InstanceError, OptionError
from hmcos.limits import Limits, Status, Watch
from hmcos.memory.lifetimes import Life

# The example of MiniMalloc's README: five buffers that fill 12 units without a hole.
PUBLIC = Lives(
    tuple(Life(b, d, 4, None) for b, d in [(0, 3), (3, 9), (0, 9), (9, 21), (0, 21)]),
)
# Placed by size, the three large ones leave holes that the bound does not have.
HOLES = Lives(
    tuple(
        Life(b, d, s, None) for b, d, s in [(0, 2, 6), (2, 4, 6), (1, 3, 5), (0, 1, 5), (3, 4, 5), (0, 4, 1)]
    )
)


@pytest.mark.parametrize("name", names())
def test_every_planner_answers_the_published_example(name: str) -> None:
    arena = allocator(name)(PUBLIC, Limits(), Watch())
    if name == "tflite_arena":  # everything aligned to 64: that is no proof for who does not ask for it
        assert (arena.size, arena.lower_bound, arena.status) == (192, 12, Status.FEASIBLE)
    else:
        assert (arena.size, arena.lower_bound, arena.status) == (12, 12, Status.OPTIMAL)


def test_an_alignment_that_nobody_asked_for_refutes_nothing() -> None:
    tight = allocator("tflite_arena")(PUBLIC, Limits(budget=100), Watch())
    assert (tight.size, tight.status) == (192, Status.FEASIBLE)
    aligned = Lives(PUBLIC.lives, 64)
    assert allocator("tflite_arena")(aligned, Limits(), Watch()).status is Status.OPTIMAL
    assert allocator("tflite_arena")(aligned, Limits(budget=100), Watch()).status is Status.DOES_NOT_FIT
    stopped = allocator("tflite_arena")(PUBLIC, Limits(), Watch(interrupted=lambda: True))
    assert (stopped.lower_bound, stopped.status) == (12, Status.INTERRUPTED)


def test_tensorflow_lite_has_no_pools_that_end_between_its_multiples() -> None:
    assert allocator("tflite_arena")(Lives(PUBLIC.lives, 1, (), (Pool("fast", 128),)), Limits(), Watch())
    with pytest.raises(InstanceError, match="needs pools of whole multiples of 64 bytes"):
        allocator("tflite_arena")(Lives(PUBLIC.lives, 1, (), (Pool("fast", 100),)), Limits(), Watch())


@pytest.mark.parametrize("name", names())
def test_nothing_to_place_is_an_arena_of_no_bytes(name: str) -> None:
    arena = allocator(name)(Lives(()), Limits(), Watch())
    assert (arena.offsets, arena.size, arena.status) == ((), 0, Status.OPTIMAL)


@pytest.mark.parametrize("name", names())
def test_a_life_of_no_steps_or_bytes_takes_no_room(name: str) -> None:
    lives = Lives((Life(3, 3, 7, None), Life(0, 5, 0, None), Life(0, 5, 64, None)))
    assert allocator(name)(lives, Limits(), Watch()).size == 64


def test_an_unknown_planner_is_an_error_that_lists_the_known() -> None:
    with pytest.raises(OptionError, match=r"'nosuch'.*auto, exact, largest_first"):
        allocator("nosuch")


def test_the_largest_life_is_placed_first() -> None:
    arena = allocator("largest_first")(HOLES, Limits(), Watch())
    assert arena.offsets[:2] == (0, 0)
    assert arena.offsets[2] == 6


def test_a_life_that_takes_over_another_stays_at_its_offset_and_frees_its_tail() -> None:
    lives = Lives((Life(0, 2, 8, None), Life(2, 4, 3, None, takes_over=0), Life(2, 4, 5, None)))
    arena = exact(lives, Limits(), Watch())
    assert arena.offsets[0] == arena.offsets[1]
    assert arena.size == 8


def test_a_gap_is_used_by_another_life() -> None:
    lives = Lives((Life(0, 9, 4, None), Life(3, 5, 4, None)), demands=(Demand(gaps=((3, 5),)), Demand()))
    assert exact(lives, Limits(), Watch()).size == 4
    assert exact(replace(lives, demands=()), Limits(), Watch()).size == 8


def test_external_lives_have_no_offset_and_cost_nothing() -> None:
    lives = Lives((Life(0, 2, 100, None), Life(0, 2, 3, None)), demands=(Demand(external=True), Demand()))
    arena = exact(lives, Limits(), Watch())
    assert (arena.offsets, arena.size) == ((-1, 0), 3)


def test_others_go_around_a_pinned_life() -> None:
    lives = Lives((Life(0, 2, 4, None), Life(0, 2, 6, None)), demands=(Demand(offset=5), Demand()))
    arena = exact(lives, Limits(), Watch())
    assert (arena.offsets, arena.size, arena.status) == ((5, 9), 15, Status.OPTIMAL)


def test_sizes_are_rounded_up_to_the_alignment_and_single_lives_may_ask_for_more() -> None:
    lives = Lives((Life(0, 1, 5, None), Life(0, 1, 5, None)), 4, (Demand(), Demand(alignment=16)))
    arena = exact(lives, Limits(), Watch())
    assert (arena.offsets, arena.size, arena.status) == ((8, 0), 16, Status.OPTIMAL)


def test_the_first_pool_is_filled_as_well_as_possible_and_no_life_crosses_its_end() -> None:
    pools = (Pool("fast", 10), Pool("slow", 100))
    lives = Lives(tuple(Life(0, 1, size, None) for size in (6, 7, 5)), pools=pools)
    arena = exact(lives, Limits(), Watch())
    assert (arena.size, arena.status) == (21, Status.OPTIMAL)
    assert [lives.pool_of(at)[0] for at in arena.offsets] == [1, 0, 1]


def test_what_no_pool_has_room_for_does_not_fit() -> None:
    lives = Lives((Life(0, 1, 6, None), Life(0, 1, 6, None)), pools=(Pool("a", 8), Pool("b", 3)))
    assert exact(lives, Limits(), Watch()).status == Status.DOES_NOT_FIT


def test_a_budget_is_met_or_refuted() -> None:
    assert exact(HOLES, Limits(budget=12), Watch()).status == Status.FITS
    assert exact(HOLES, Limits(budget=11), Watch()).status == Status.DOES_NOT_FIT


def test_a_limit_ends_the_search_with_a_true_bound() -> None:
    lives = Lives(tuple(Life(i % 7, i % 7 + 1 + i % 5, 1 + i * i % 23, None) for i in range(80)))
    arena = exact(lives, Limits(), Watch(interrupted=lambda: True))
    assert arena.lower_bound <= arena.size
    assert arena.status in (Status.OPTIMAL, Status.INTERRUPTED)
