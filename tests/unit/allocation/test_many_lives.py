"""Thousands of lives: no list of who meets whom, a clock that is asked, never above the simple arena."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

import numpy as np
import pytest

from hmcos.allocation.crowd import Crowd
from hmcos.allocation.exact.proof import prove
from hmcos.allocation.exact.shrink import postponable
from hmcos.allocation.fit import Meetings, board, count_pairs, meetings
from hmcos.allocation.items import Item, items
from hmcos.allocation.lives import Demand, Lives
from hmcos.allocation.planner_table import allocator, names
from hmcos.allocation.simple.largest_first import largest_first
from hmcos.limits import Limits, Status, Watch
from hmcos.memory.lifetimes import Life

TOGETHER = Lives(
    tuple(Life(0, 2, 1 + 2 * (i % 5), None) for i in range(2000)),
    demands=tuple(Demand(alignment=1 + i % 4) for i in range(2000)),
)
"""All alive at once, and no planner that is done soon reaches the bound."""


class Clock:
    """Says that somebody asked to stop from the given reading on, and counts the readings."""

    def __init__(self, stops_at: int | None = None) -> None:
        self.readings, self._stops_at = 0, stops_at

    def __call__(self) -> bool:
        self.readings += 1
        return self._stops_at is not None and self.readings > self._stops_at


@pytest.fixture
def no_long_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody list who meets whom where that list is long."""

    def listed(made: Callable[[Sequence[Item]], Meetings]) -> Callable[[Sequence[Item]], Meetings]:
        def guarded(given: Sequence[Item]) -> Meetings:
            assert count_pairs(given) <= 500_000
            return made(given)

        return guarded

    for module in ("fit", "layout"):
        name = f"hmcos.allocation.{module}.meetings"
        monkeypatch.setattr(name, listed(meetings))


@pytest.mark.slow
@pytest.mark.usefixtures("no_long_tables")
@pytest.mark.parametrize("name", names())
def test_no_planner_lists_who_meets_whom(name: str) -> None:
    clock = Clock(20_000)
    arena = allocator(name)(TOGETHER, Limits(states=3_000), Watch(interrupted=clock))
    assert len(arena.offsets) == 2000
    assert arena.status in (Status.STATE_LIMIT, Status.FEASIBLE, Status.OPTIMAL)


@pytest.mark.parametrize("name", [name for name in names() if name != "largest_first"])
def test_the_clock_is_asked_before_every_placement(name: str) -> None:
    clock = Clock(100)
    arena = allocator(name)(TOGETHER, Limits(), Watch(interrupted=clock))
    assert clock.readings < 120
    if name == "tflite_arena":  # at multiples of 64 bytes, even the arena that stands in is the smallest
        assert (arena.allocator, arena.alignment) == ("largest_first", 64)
    else:
        assert arena.status is Status.INTERRUPTED
        assert arena.offsets == largest_first(TOGETHER, Limits(), Watch()).offsets


def test_largest_first_runs_to_its_end_whatever_the_limits() -> None:
    clock = Clock(0)
    arena = largest_first(TOGETHER, Limits(seconds=0.0), Watch(interrupted=clock))
    assert arena.offsets == largest_first(TOGETHER, Limits(), Watch()).offsets
    assert arena.allocator == "largest_first"


def test_an_arena_that_a_limit_ends_keeps_what_is_proved() -> None:
    lives = Lives(tuple(Life(0, 1, 4, None) for _ in range(2000)))
    arena = allocator("auto")(lives, Limits(seconds=0.0), Watch())
    assert (arena.size, arena.status) == (8000, Status.OPTIMAL)


@pytest.mark.usefixtures("no_long_tables")
def test_a_few_that_matter_are_proved_beside_thousands_that_do_not() -> None:
    """Small lives are put aside by counting, without a list of meetings; then little is left to search."""
    rng = Random(3)
    large = [Life(b, b + rng.randint(1, 4), 1000 * rng.randint(5, 40), None) for b in range(12) for _ in "ab"]
    small = [Life(11, 20, 1, None) for _ in range(1000)]
    lives = Lives((*large, *small))
    met = board(items(lives))
    assert isinstance(met, Crowd)
    start = largest_first(lives, Limits(), Watch())
    assert set(postponable(met, start.lower_bound)) >= set(range(len(large), len(lives.lives)))
    arena = prove(lives, start, Limits(), Watch())
    assert arena.status is Status.OPTIMAL
    assert arena.size <= start.size


def test_thousands_that_cannot_be_put_aside_are_a_limit_of_states() -> None:
    start = largest_first(TOGETHER, Limits(), Watch())
    arena = prove(TOGETHER, start, Limits(states=5_000), Watch())
    assert arena.status is Status.STATE_LIMIT
    assert arena.size <= start.size


def sleeping(seed: int) -> list[Item]:
    """Lives with dozens of gaps, and chains that become smaller and grow again, beside plain ones."""
    rng = Random(seed)
    lives: list[Life] = []
    demands: list[Demand] = []
    for _ in range(12):
        cuts = sorted(rng.sample(range(60), rng.choice((24, 40))))
        lives.append(Life(0, 60, rng.randint(1, 9), None))
        demands.append(Demand(gaps=tuple(zip(cuts[::2], cuts[1::2], strict=True))))
        lives += [Life(step, step + rng.randint(1, 3), rng.randint(1, 9), None) for step in range(0, 56, 7)]
        first = len(lives)
        lives += [
            Life(2 * k, 2 * k + 1 + k % 2, 1 + k % 3, None, None if not k else first + k - 1)
            for k in range(30)
        ]
        demands += [Demand()] * (len(lives) - len(demands))
    return list(items(Lives(tuple(lives), demands=tuple(demands))))


@pytest.mark.parametrize("seed", range(10))
def test_lives_of_many_pieces_lie_where_the_list_of_meetings_puts_them(seed: int) -> None:
    given = sleeping(seed)
    order = sorted(range(len(given)), key=lambda i: (-given[i].size, i))
    listed, among_all = meetings(given).empty(), Crowd(given).empty()
    for i in order:
        at = listed.lowest(i)
        assert (among_all.lowest(i), among_all.tightest(i)) == (at, listed.tightest(i))
        listed.put(i, at)
        among_all.put(i, at)


def test_a_life_of_thousands_of_pieces_looks_once_through_what_is_placed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gaps = tuple((step, step + 1) for step in range(1, 4000, 2))
    lives = Lives((Life(0, 4001, 8, None), Life(0, 4001, 8, None)), demands=(Demand(gaps=gaps), Demand()))
    placement = Crowd(items(lives)).empty()
    placement.put(1, 0)
    looks: list[int] = []
    look = np.flatnonzero
    monkeypatch.setattr(np, "flatnonzero", lambda rows: looks.append(1) or look(rows))  # type: ignore[func-returns-value]
    assert placement.lowest(0) == 8
    assert len(looks) < 10
