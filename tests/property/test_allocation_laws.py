"""Laws of all planners, on small random lives with everything that a life may ask for."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from math import lcm
from random import Random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from hmcos.allocation.alive_bound import lower_bound
from hmcos.allocation.auto import auto
from hmcos.allocation.crowd import Crowd
from hmcos.allocation.exact.cluster import ProofSettings
from hmcos.allocation.exact.constraint import Effort, constrain
from hmcos.allocation.exact.placement_rules import PlacementRules, Style
from hmcos.allocation.exact.proof import exact, prove
from hmcos.allocation.exact.search import Search
from hmcos.allocation.exact.shrink import postponable, scaled, unit_of
from hmcos.allocation.files.lives_file import (
    Instance,
    parse_csv,
    parse_json_lives,
    write_csv,
    write_json_lives,
)
from hmcos.allocation.fit import Board, first_fit, highest_end, meetings
from hmcos.allocation.items import Item, items
from hmcos.allocation.layout import layout
from hmcos.allocation.lives import Lives
from hmcos.allocation.planner_table import allocator, names
from hmcos.errors import InstanceError
from hmcos.limits import Limits, Status, Watch
from property.arena_oracle import end, faults, smallest
from property.arena_strategies import dense_lives, random_lives, stepped_lives
from property.strategies import generators

sweep = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def small(most: int) -> st.SearchStrategy[Lives]:
    """Lives that can be placed: pins that meet, or a chain that is pinned apart, are wrong input."""
    return st.builds(random_lives, generators(), st.just(most)).filter(is_sound)


def is_sound(lives: Lives) -> bool:
    try:
        items(lives)
    except InstanceError:
        return False
    return True


def in_units(lives: Lives) -> tuple[list[Item], int]:
    """The items that need room, and how many bytes a unit has."""
    given = items(lives)
    unit = unit_of(given)
    return [scaled(item, unit) for item in given if item.pieces], unit


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in names() if name != "tflite_arena"])
@sweep
@given(lives=small(9))
def test_arenas_are_valid_and_sizes_and_bounds_true(name: str, lives: Lives) -> None:
    arena = allocator(name)(lives, Limits(), Watch())
    assert faults(lives, arena.offsets) == []
    assert arena.size == end(lives, arena.offsets)
    assert arena.lower_bound <= arena.size


@sweep
@given(lives=small(9))
def test_tflite_arena_is_aligned_to_64(lives: Lives) -> None:
    assume(all((lives.demand(i).offset or 0) % lcm(64, lives.step(i)) == 0 for i in range(len(lives.lives))))
    assume(not lives.pools)
    arena = allocator("tflite_arena")(lives, Limits(), Watch())
    aligned = Lives(lives.lives, 64, lives.demands)
    assert faults(aligned, arena.offsets) == []
    assert arena.size == end(aligned, arena.offsets)


@pytest.mark.slow
@pytest.mark.parametrize("plan", [exact, auto])
@sweep
@given(lives=small(5))
def test_exact_is_as_small_as_brute_force(plan: type, lives: Lives) -> None:
    arena = plan(lives, Limits(), Watch())
    least = smallest(lives, arena.size)
    assert arena.size == least
    over = lives.capacity is not None and least > lives.capacity
    if not over and plan is exact:
        assert arena.status == Status.OPTIMAL
        assert arena.lower_bound == least
    assert not over or arena.status in (Status.DOES_NOT_FIT, Status.OPTIMAL)


SETTINGS = st.builds(
    ProofSettings,
    rules=st.builds(PlacementRules, *[st.booleans()] * 6),
    first_run=st.integers(1, 20),
    solver_after=st.integers(0, 3),
    first_work=st.floats(0.001, 0.1),
    most_work=st.floats(0.1, 0.8),
)


@settings(max_examples=60)
@given(lives=small(5), chosen=SETTINGS)
def test_no_settings_change_the_smallest_arena(lives: Lives, chosen: ProofSettings) -> None:
    far = allocator("birth_order")(lives, Limits(), Watch())
    usual, unusual = (prove(lives, far, Limits(), Watch(), 1, how) for how in (ProofSettings(), chosen))
    assert faults(lives, unusual.offsets) == []
    assert (unusual.size, unusual.lower_bound, unusual.status) == (
        usual.size,
        usual.lower_bound,
        usual.status,
    )


@sweep
@given(lives=small(5), spare=st.integers(-3, 3))
def test_a_budget_is_answered_with_proof(lives: Lives, spare: int) -> None:
    assume(not lives.pools)
    least = smallest(lives, exact(lives, Limits(), Watch()).size)
    budget = max(0, least + spare)
    arena = auto(lives, Limits(budget=budget), Watch())
    assert arena.status == (Status.FITS if budget >= least else Status.DOES_NOT_FIT)
    assert (arena.size <= budget) == (arena.status == Status.FITS)


@settings(sweep, max_examples=40)
@given(lives=small(7))
def test_every_combination_of_rules_gives_the_same_answer(lives: Lives) -> None:
    found, unit = in_units(lives)
    assume(found)
    least = end(lives, exact(lives, Limits(), Watch()).offsets)
    for flags in itertools.product((False, True), repeat=6):
        for capacity in (least // unit, (least - 1) // unit):
            search = Search(layout(found), capacity, PlacementRules(*flags))
            answer = search.run(5, Style(1, True, 0.5))
            while answer is None:
                answer = search.run(10_000, Style())
            assert answer == (capacity * unit >= least)
            if answer:
                assert no_two_meet(found, search.offsets(), capacity)


@settings(sweep, max_examples=40)
@given(lives=small(7))
def test_the_constraint_solver_gives_the_same_answer(lives: Lives) -> None:
    found, unit = in_units(lives)
    assume(found)
    least = exact(lives, Limits(), Watch()).size
    offsets = constrain(found, least // unit, Effort(1.0, 60.0))
    assert isinstance(offsets, list)
    assert no_two_meet(found, offsets, least // unit)
    assert constrain(found, (least - 1) // unit, Effort(1.0, 60.0)) is False


def no_two_meet(found: list[Item], offsets: list[int], capacity: int) -> bool:
    legal = all(
        at == (item.legal(at) if item.offset is None else item.offset) and 0 <= at <= capacity - item.size
        for item, at in zip(found, offsets, strict=True)
    )
    return legal and not any(
        p[0] < q[1] and q[0] < p[1] and offsets[i] < offsets[j] + q[2] and offsets[j] < offsets[i] + p[2]
        for j in range(len(found))
        for i in range(j)
        for p in found[i].pieces
        for q in found[j].pieces
    )


@pytest.mark.parametrize("board", [meetings, Crowd])
@sweep
@given(lives=small(9), slack=st.integers(0, 12), seed=st.integers(0, 99))
def test_postponed_items_fit_wherever_the_others_are(
    board: Callable[[list[Item]], Board], lives: Lives, slack: int, seed: int
) -> None:
    """The others are spread at random; then the postponed ones must still end within the capacity."""
    met = board(in_units(lives)[0])
    size = max((item.size for item in met.items), default=0)
    capacity = size + slack
    late = postponable(met, capacity)
    rng = Random(seed)
    offsets: list[int | None] = [item.offset for item in met.items]
    for i, item in enumerate(met.items):
        if i not in late and item.offset is None:
            offsets[i] = rng.randint(0, capacity)  # even where it meets others: it blocks no more than alone
    for i in late:
        offsets[i] = free_start(met.items, offsets, i)
        assert (offsets[i] or 0) + met.items[i].size <= capacity


def free_start(found: tuple[Item, ...], offsets: list[int | None], i: int) -> int:
    """The first start of an item that is free, found by trying all of them."""
    item = found[i]
    for start in itertools.count():
        tried = [start if k == i else at for k, at in enumerate(offsets)]
        clash = any(
            p[0] < q[1] and q[0] < p[1] and start < at + q[2] and at < start + p[2]
            for k, at in enumerate(tried)
            if k != i and at is not None
            for p in item.pieces
            for q in found[k].pieces
        )
        if not clash and item.legal(start) == start:
            return start
    raise AssertionError


@sweep
@given(lives=small(9))
def test_planning_twice_gives_the_same_arena(lives: Lives) -> None:
    for name in ("hill_climb", "ejection", "best_fit", "exact"):
        first, second = (allocator(name)(lives, Limits(), Watch()) for _ in range(2))
        assert (first.offsets, first.size, first.status) == (second.offsets, second.size, second.status)


@sweep
@given(lives=small(9))
def test_files_hold_lives_without_loss(lives: Lives) -> None:
    instance = Instance(tuple(f"b{i}" for i in range(len(lives.lives))), lives)
    read = parse_json_lives(write_json_lives(instance))
    assert read.names == instance.names
    for i in range(len(lives.lives)):
        assert read.lives.demand(i) == lives.demand(i)
    assert (read.lives.lives, read.lives.pools, read.lives.alignment) == (
        lives.lives,
        lives.pools,
        lives.alignment,
    )
    try:
        text = write_csv(instance)
    except InstanceError:
        return
    if all(life.size and life.birth < life.death for life in lives.lives):
        assert parse_csv(text).lives.lives == lives.lives


@pytest.mark.slow
@sweep
@given(rng=generators(), count=st.integers(8, 24))
def test_dense_lives_are_proved(rng: Random, count: int) -> None:
    lives = dense_lives(rng, count)
    arena = exact(lives, Limits(), Watch())
    assert faults(lives, arena.offsets) == []
    assert arena.status == Status.OPTIMAL


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30))
def test_every_combination_of_rules_refutes_what_is_above_the_bound(seed: int) -> None:
    """Where the bytes alive at once are not enough, so that the proof is left to the search."""
    lives, size = beyond_its_bound(Random(seed))
    found, unit = in_units(lives)
    for flags in itertools.product((False, True), repeat=6):
        assert (
            Search(layout(found), size // unit - 1, PlacementRules(*flags)).run(
                1_000_000, Style(1, True, 0.5)
            )
            is False
        )
        assert Search(layout(found), size // unit, PlacementRules(*flags)).run(1_000_000, Style(2)) is True
    assert size == smallest(lives, size)


def beyond_its_bound(rng: Random) -> tuple[Lives, int]:
    """Lives whose smallest arena is larger than the bound, and its size; about one in ten are like that."""
    while True:
        lives = random_lives(rng, 5)
        if is_sound(lives):
            size = exact(lives, Limits(), Watch()).size
            if size > lower_bound(items(lives)):
                return lives, size


@pytest.mark.slow
@pytest.mark.parametrize("block", range(8))
def test_the_search_is_as_good_as_the_best_order_of_placement(block: int) -> None:
    """A smallest arena comes out when its items are placed in order of offset, each as low as it can."""
    for seed in range(block * 40, block * 40 + 40):
        found, _ = in_units(stepped_lives(Random(seed)))
        met = meetings(found)
        orders = itertools.permutations(range(len(found)))
        least = min(highest_end(found, first_fit(met, order)) for order in orders)
        for capacity in range(least - 2, least + 3):
            assert Search(layout(found), capacity).run(100_000, Style(seed % 3)) is (capacity >= least)
