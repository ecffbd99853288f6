"""The exact scheduler: limits, budgets, and problems of special shapes."""

from __future__ import annotations

from random import Random

import pytest

from hmcos.limits import Limits, Status, Watch
from hmcos.memory.problem import Problem
from hmcos.memory.profile import peak
from hmcos.schedulers.optimal import optimal
from property.strategies import random_problem
from unit.schedulers.corners import CORNERS


def chain(sizes: list[int]) -> Problem:
    n = len(sizes) - 1
    return Problem(
        names=("step",) * n,
        sizes=tuple(sizes),
        inputs=(0,),
        kept=(n,),
        reads=tuple((k,) for k in range(n)),
        makes=tuple((k + 1,) for k in range(n)),
        may_overwrite=((),) * n,
        scratch=(0,) * n,
    )


def ladder(sizes: list[int]) -> Problem:
    """Two chains; operator k of each reads operator k-1 of both."""
    n = len(sizes) // 2
    reads = [(0,), (0,)]
    for k in range(1, n):
        reads += [(2 * k - 1, 2 * k)] * 2
    return Problem(
        names=("rung",) * (2 * n),
        sizes=tuple(sizes),
        inputs=(0,),
        kept=(2 * n - 1, 2 * n),
        reads=tuple(reads),
        makes=tuple((k + 1,) for k in range(2 * n)),
        may_overwrite=((),) * (2 * n),
        scratch=(0,) * (2 * n),
    )


def star(scratch: list[int]) -> Problem:
    """Operators that only share their input, and whose outputs are all kept."""
    n = len(scratch)
    return Problem(
        names=("ray",) * n,
        sizes=(1,) * (n + 1),
        inputs=(0,),
        kept=tuple(range(1, n + 1)),
        reads=((0,),) * n,
        makes=tuple((k + 1,) for k in range(n)),
        may_overwrite=((),) * n,
        scratch=tuple(scratch),
    )


@pytest.mark.parametrize("name", CORNERS)
def test_corners_are_proved(name: str) -> None:
    found = optimal(CORNERS[name], Limits(), Watch())
    assert found.status is Status.OPTIMAL
    assert peak(CORNERS[name], found.order) == found.peak == found.lower_bound


@pytest.mark.slow
@pytest.mark.parametrize("equal", [True, False])
def test_long_chains_and_ladders_are_proved(equal: bool) -> None:
    source = Random(1)
    sizes = [1_000 if equal else source.randrange(1, 1_000_000) for _ in range(20_001)]
    for problem in (chain(sizes), ladder(sizes)):
        found = optimal(problem, Limits(), Watch())
        assert found.status is Status.OPTIMAL
        assert peak(problem, found.order) == found.peak


def test_a_star_runs_by_falling_scratch() -> None:
    source = Random(2)
    scratch = [source.randrange(100_000) for _ in range(2_000)]
    found = optimal(star(scratch), Limits(), Watch())
    falling = sorted(range(2_000), key=lambda op: -scratch[op])
    assert found.status is Status.OPTIMAL
    assert found.peak == peak(star(scratch), falling)


def wide(seed: int = 4) -> Problem:
    """A problem that takes more than a few thousand states."""
    source = Random(seed)
    n = 90
    reads = [
        tuple(sorted({0, *(source.randrange(max(0, k - 25), k + 1) for _ in range(2))})) for k in range(n)
    ]
    return Problem(
        names=("op",) * n,
        sizes=tuple(source.randrange(1, 100) for _ in range(n + 1)),
        inputs=(0,),
        kept=(n,),
        reads=tuple(reads),
        makes=tuple((k + 1,) for k in range(n)),
        may_overwrite=((),) * n,
        scratch=(0,) * n,
    )


def test_each_limit_is_a_status_with_a_valid_answer() -> None:
    problem = wide()
    calls = iter(range(10**9))
    for limits, watch, status in (
        (Limits(seconds=0.0), Watch(), Status.TIME_LIMIT),
        (Limits(states=300), Watch(), Status.STATE_LIMIT),
        (Limits(), Watch(interrupted=lambda: next(calls) >= 2), Status.INTERRUPTED),
    ):
        found = optimal(problem, limits, watch)
        assert found.status is status
        assert peak(problem, found.order) == found.peak > found.lower_bound > 0


@pytest.mark.slow
def test_a_limited_answer_improves_with_its_limit() -> None:
    problem = wide()
    short, long = (optimal(problem, Limits(states=states), Watch()) for states in (300, 30_000))
    assert long.peak <= short.peak
    assert long.lower_bound >= short.lower_bound


@pytest.mark.slow
def test_a_budget_that_is_hard_to_decide_ends_at_its_limit() -> None:
    problem = wide()
    best = optimal(problem, Limits(states=20_000), Watch())
    budget = (best.peak + best.lower_bound) // 2
    found = optimal(problem, Limits(states=300, budget=budget), Watch())
    assert found.status in (Status.STATE_LIMIT, Status.FITS, Status.DOES_NOT_FIT)
    assert (found.status is Status.FITS) == (found.peak <= budget)
    assert (found.status is Status.DOES_NOT_FIT) == (found.lower_bound > budget)


def test_large_random_problems_answer_alike_every_time() -> None:
    problem = random_problem(Random(9), 300)
    first, second = (optimal(problem, Limits(states=20_000), Watch()) for _ in range(2))
    assert (first.order, first.lower_bound, first.states) == (second.order, second.lower_bound, second.states)
