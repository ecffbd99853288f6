"""Clusters that are too large for the search's tables: cores first, then ejection."""

from __future__ import annotations

from random import Random

import pytest

from hmcos.allocation.ejecting_crowd import CrowdEjecting
from hmcos.allocation.exact.cluster import ProofSettings
from hmcos.allocation.exact.cores import Core, core_of
from hmcos.allocation.exact.proof import prove
from hmcos.allocation.fit import board, first_fit
from hmcos.allocation.items import items
from hmcos.allocation.lives import Demand, Lives, Pool
from hmcos.allocation.simple.largest_first import largest_first
from hmcos.limits import Limits, Status, Watch
from hmcos.memory.lifetimes import Life
from hmcos.plan.arena import Arena
from property.arena_oracle import end, faults

LARGE = ProofSettings(largest=-1)


def mixed(seed: int, count: int = 300) -> Lives:
    """Most lives short, sizes over four orders of magnitude."""
    rng = Random(seed)
    births = [rng.randrange(2 * count) for _ in range(count)]
    return Lives(
        tuple(
            Life(
                b,
                b + 2 + rng.choice((0, int(2 * 10 ** (2.7 * rng.random())))),
                int(10 ** (3 + 4 * rng.random())),
                None,
            )
            for b in births
        )
    )


def improved(lives: Lives, limits: Limits) -> Arena:
    return prove(lives, largest_first(lives, Limits(), Watch()), limits, Watch(), 1, LARGE)


def test_cores_and_ejection_meet_bounds_that_the_largest_first_does_not() -> None:
    simple = [largest_first(mixed(seed), Limits(), Watch()) for seed in range(8)]
    found = [improved(mixed(seed), Limits(states=3_000)) for seed in range(8)]
    assert sum(arena.status is Status.OPTIMAL for arena in simple) <= 2
    assert sum(arena.status is Status.OPTIMAL for arena in found) >= 6
    for seed, arena in enumerate(found):
        assert arena.size <= simple[seed].size
        assert faults(mixed(seed), arena.offsets) == []


def test_equal_input_gives_equal_offsets() -> None:
    first, second = (improved(mixed(9), Limits(states=3_000)) for _ in range(2))
    assert first.offsets == second.offsets


@pytest.mark.parametrize("seed", range(20))
def test_ejection_keeps_to_what_lives_ask_for(seed: int) -> None:
    rng = Random(seed)
    lives = tuple(
        Life(b := rng.randrange(30), b + rng.randint(1, 9), rng.randint(1, 9), None) for _ in range(60)
    )
    demands = tuple(
        Demand(
            alignment=rng.choice((1, 2, 4)),
            gaps=((life.birth + 1, life.birth + 2),) if life.death - life.birth > 3 else (),
            pools=rng.choice(((), (), (0,), (1,))),
        )
        for life in lives
    )
    demands = (Demand(offset=20), *demands[1:])
    asked = Lives(lives, 1, demands, (Pool("fast", 40), Pool("slow", 60)))
    given = items(asked)
    order = rng.sample(range(len(given)), len(given))
    start = first_fit(board(given), order)
    top = max(offset + item.size for offset, item in zip(start, given, strict=True))
    capacity = max(top - rng.randint(1, 20), 29)
    found = CrowdEjecting(given).run(
        start, capacity, [item.size for item in given], rng, lambda steps: steps >= 300
    )
    assert faults(asked, tuple(found)) == []
    stopped: list[int] = []

    def stop(steps: int) -> bool:
        stopped.append(steps)
        return steps >= 300

    again = CrowdEjecting(given).run(start, top, [1.0] * len(given), rng, stop)
    assert again == start
    assert stopped == []
    assert end(asked, tuple(found)) <= capacity or found != start


def test_a_core_is_what_is_large_or_lives_where_memory_is_full() -> None:
    sizes = [(0, 2, 50), (0, 9, 1), (1, 3, 40), (5, 6, 60), (7, 9, 5)]
    ejecting = CrowdEjecting(items(Lives(tuple(Life(*row, None) for row in sizes))))
    assert core_of(ejecting.crowd, Core(1.0, 100)) == [0, 1, 2]
    assert core_of(ejecting.crowd, Core(0.5, 10)) == [0, 2, 3]
    assert core_of(ejecting.crowd, Core(0.0, 2)) == [0, 3]
