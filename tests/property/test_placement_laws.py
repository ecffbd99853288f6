"""Laws of placing many items: the quick ways find what the plain ones do, and limits cost no arena."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hmcos.allocation.crowd import Crowd
from hmcos.allocation.exact.shrink import clusters
from hmcos.allocation.fit import board, count_pairs, first_fit, meetings
from hmcos.allocation.items import Item, items
from hmcos.allocation.lives import Lives
from hmcos.allocation.planner_table import allocator, names
from hmcos.allocation.sections import entries, sections
from hmcos.allocation.simple.best_fit import Skyline
from hmcos.allocation.simple.largest_first import largest_first
from hmcos.allocation.simple.waiting import Few
from hmcos.allocation.simple.waiting_many import Many
from hmcos.errors import InstanceError
from hmcos.limits import Limits, Status, Watch, never
from property.arena_oracle import best_fit_offsets, faults
from property.arena_strategies import dense_lives, random_lives
from property.strategies import generators

sweep = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def is_sound(lives: Lives) -> bool:
    try:
        items(lives)
    except InstanceError:
        return False
    return True


def some_lives(most: int = 14) -> st.SearchStrategy[Lives]:
    return st.builds(random_lives, generators(), st.just(most)).filter(is_sound)


def magnified(given: tuple[Item, ...], factor: int) -> tuple[Item, ...]:
    """The same items with all addresses larger, the last ones beyond 64 bits."""
    return tuple(
        replace(
            item,
            pieces=tuple((begin, end, size * factor) for begin, end, size in item.pieces),
            size=item.size * factor,
            step=item.step * factor,
            spans=tuple(
                (first * factor, None if last is None else last * factor) for first, last in item.spans
            ),
            offset=None if item.offset is None else item.offset * factor,
        )
        for item in given
    )


@sweep
@given(lives=some_lives(), rng=generators(), factor=st.sampled_from((1, 1, 2**61)))
def test_the_lowest_start_is_the_same_with_and_without_a_list_of_meetings(
    lives: Lives, rng: Random, factor: int
) -> None:
    found = magnified(items(lives), factor)
    order = rng.sample(range(len(found)), len(found))
    assert first_fit(Crowd(found), order) == first_fit(meetings(found), order)


@sweep
@given(lives=some_lives(), rng=generators(), address=st.integers(0, 9))
def test_starts_from_an_address_on_and_tight_gaps_are_the_same_too(
    lives: Lives, rng: Random, address: int
) -> None:
    found = items(lives)
    listed, crowd = meetings(found).empty(), Crowd(found).empty()
    for i in rng.sample(range(len(found)), len(found)):
        at = listed.tightest(i)
        assert crowd.tightest(i) == at
        assert crowd.lowest(i, address) == listed.lowest(i, address)
        listed.put(i, at)
        crowd.put(i, at)


@sweep
@given(lives=some_lives())
def test_both_know_who_meets_whom(lives: Lives) -> None:
    found = items(lives)
    listed, crowd = meetings(found), Crowd(found)
    for i in range(len(found)):
        assert set(crowd.meeting(i)) == set(listed.meeting(i))
        assert len(crowd.meeting(i)) == len(listed.meeting(i))
    assert listed.pairs() <= crowd.pairs() == count_pairs(found)
    if all(len(item.pieces) <= 1 for item in found):
        assert listed.pairs() == crowd.pairs()


@pytest.mark.slow
@sweep
@given(lives=some_lives())
def test_sections_tell_who_meets_whom(lives: Lives) -> None:
    found = items(lives)
    rows = sections(found)
    assert entries(found) == sum(map(len, rows))
    together = {(i, j) for row in rows for i, _ in row for j, _ in row if i != j}
    assert together == {(i, j) for i, others in enumerate(meetings(found).meets) for j in others}
    for row in rows:
        assert all(size in {size for _, _, size in found[i].pieces} for i, size in row)


@sweep
@given(lives=some_lives())
def test_clusters_meet_nobody_of_another_one(lives: Lives) -> None:
    found = items(lives)
    left = [i for i, item in enumerate(found) if item.pieces]
    groups = clusters(found, left)
    of = {i: k for k, group in enumerate(groups) for i in group}
    assert sorted(of) == left
    met = meetings(found)
    assert all(of[j] == of[i] for i in left for j in met.meets[i])
    for group in groups:  # each is held together by meetings
        reached, new = {group[0]}, [group[0]]
        while new:
            new = [j for i in new for j in met.meets[i] if j not in reached]
            reached.update(new)
        assert reached == set(group)


@sweep
@given(lives=some_lives(10))
def test_best_fit_is_what_is_published(lives: Lives) -> None:
    found = board(items(lives))
    assert Skyline(found).filled(never) == best_fit_offsets(found)


@sweep
@given(rng=generators(), count=st.integers(1, 12), sections=st.integers(1, 9))
def test_few_and_many_that_wait_are_asked_alike(rng: Random, count: int, sections: int) -> None:
    begins = sorted(rng.randrange(sections) for _ in range(count))
    ends = [rng.randint(begin + 1, sections) for begin in begins]
    ranks = rng.sample(range(count), count)
    starts = [sum(begin < s for begin in begins) for s in range(sections + 1)]
    few, many = Few(ranks, ends, starts), Many(ranks, ends, starts)
    waiting = set(range(count))
    for _ in range(2 * count):
        begin = rng.randrange(sections)
        end = rng.randint(begin + 1, sections)
        inside = [ranks[k] for k in waiting if begin <= begins[k] and ends[k] <= end]
        assert few.first(begin, end) == many.first(begin, end) == min(inside, default=None)
        if inside and rng.random() < 0.7:
            gone = ranks.index(rng.choice(inside))
            waiting.remove(gone)
            few.remove(gone)
            many.remove(gone)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in names() if name != "tflite_arena"])
@sweep
@given(
    lives=st.one_of(some_lives(), st.builds(dense_lives, generators(), st.integers(2, 12))),
    asked=st.integers(0, 40),
)
def test_limits_never_cost_the_arena_of_largest_first(name: str, lives: Lives, asked: int) -> None:
    """Whenever the limit comes, the answer is valid, and `auto` and `exact` are never above largest first."""
    arena = allocator(name)(lives, Limits(states=200), Watch(interrupted=after(asked)))
    assert faults(lives, arena.offsets) == []
    if name in ("auto", "exact"):
        assert arena.size <= largest_first(lives, Limits(), Watch()).size
    if arena.status is Status.INTERRUPTED:
        assert arena.size > arena.lower_bound


def after(times: int) -> Callable[[], bool]:
    """Return what says yes when it was asked so many times before."""
    left = [times]

    def interrupted() -> bool:
        left[0] -= 1
        return left[0] < 0

    return interrupted
