"""Laws of sizes whose sums are beyond 64 bits: answers are those of small sizes, times a number."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings

import hmcos
from hmcos.allocation.exact.constraint import Effort, constrain
from hmcos.allocation.exact.proof import exact
from hmcos.allocation.items import items
from hmcos.allocation.lives import Demand, Lives
from hmcos.allocation.planner_table import allocator
from hmcos.allocation.planner_table import names as allocators
from hmcos.errors import InstanceError
from hmcos.limits import Limits, Status, Watch
from hmcos.memory.instance import parse_instance, write_instance
from hmcos.memory.lifetimes import Life
from hmcos.memory.problem import LARGEST, Problem
from hmcos.memory.profile import peak, profile
from hmcos.schedulers.exact.splitting import Line
from hmcos.schedulers.optimal import optimal
from hmcos.schedulers.scheduler_table import names as schedulers
from hmcos.schedulers.scheduler_table import scheduler
from property.arena_strategies import dense_lives
from property.strategies import problems, random_problem


def magnification(problem: Problem) -> int:
    return (LARGEST - 1) // max((1, *problem.sizes))


def magnified(problem: Problem) -> Problem:
    """The problem with its largest size just within what a size may be; scratch may be beyond it."""
    times = magnification(problem)
    return replace(
        problem,
        sizes=tuple(size * times for size in problem.sizes),
        scratch=tuple(size * times for size in problem.scratch),
    )


@settings(max_examples=60, deadline=None)
@given(problems())
def test_orders_of_huge_sizes_are_proved(problem: Problem) -> None:
    huge = magnified(problem)
    found, expected = optimal(huge, Limits(), Watch()), optimal(problem, Limits(), Watch())
    assert found.status is Status.OPTIMAL
    assert found.peak == expected.peak * magnification(problem)
    assert parse_instance(write_instance(huge)) == huge


def cells_under_huge_inputs(cells: int) -> Problem:
    """Three inputs, huge together, that live to the end, over a long row of cells to be solved one by one."""
    sizes, reads, last = [2**62, 2**62, 2**62, 10], list[tuple[int, ...]](), 3

    def operator(read: list[int], size: int) -> int:
        reads.append(tuple(read))
        sizes.append(size)
        return len(sizes) - 1

    for _ in range(cells):
        wide = [operator([last], 100) for _ in range(3)]
        last = operator([operator([operator([b], 7) for b in wide], 10)], 10)
    none = ((),) * len(reads)
    return Problem(
        names=("",) * len(reads),
        sizes=tuple(sizes),
        inputs=(0, 1, 2, 3),
        kept=(),
        reads=tuple(reads),
        makes=tuple((b,) for b in range(4, len(sizes))),
        may_overwrite=none,
        scratch=(0,) * len(reads),
    )


@pytest.mark.parametrize("name", schedulers())
def test_every_scheduler_takes_sums_beyond_64_bits(name: str) -> None:
    problem = cells_under_huge_inputs(200)
    found = scheduler(name)(problem, Limits(), Watch())
    assert found.peak == peak(problem, found.order) > 3 * 2**62
    if name == "optimal":
        assert found.status is Status.OPTIMAL


def test_a_stretch_holds_what_lives_through_it_in_several_buffers_when_one_would_be_too_large() -> None:
    problem = cells_under_huge_inputs(3)
    line = Line(problem, range(problem.operators))
    part = line.stretch(8, 16)
    assert part.sizes[-2:] == (LARGEST - 1, 3 * 2**62 - LARGEST + 1)
    assert profile(part, range(8)).running == line.along.running[8:16]


def test_a_plan_with_scratch_beyond_64_bits_has_an_arena() -> None:
    problem = replace(cells_under_huge_inputs(4), scratch=(*(0,) * 31, 2**64))
    plan = hmcos.schedule(problem)
    assert plan.arena is not None
    assert plan.arena.size == plan.peak == plan.lower_bound > 2**64
    with pytest.raises(InstanceError, match="size 9223372036854775808 is not in"):
        replace(problem, sizes=(LARGEST, *problem.sizes[1:]))


@pytest.mark.parametrize("name", allocators())
@pytest.mark.parametrize("seed", range(6))
def test_arenas_of_huge_sizes(name: str, seed: int) -> None:
    small = dense_lives(Random(seed), 7)
    times = (LARGEST - 1) // 5 // 64 * 64
    huge = Lives(tuple(replace(life, size=life.size * times) for life in small.lives))
    found = allocator(name)(huge, Limits(), Watch())
    expected = allocator(name)(small, Limits(), Watch())
    if name == "tflite_arena":  # the small one is rounded up
        assert found.lower_bound > LARGEST
    else:
        assert (found.size, found.lower_bound) == (expected.size * times, expected.lower_bound * times)


def test_the_constraint_solver_leaves_open_what_is_beyond_it() -> None:
    """It computes in 64 bits: huge sizes are left to the search, and a huge step leaves a single start."""
    huge = items(Lives((Life(0, 2, 2**62, None), Life(1, 3, 2**62 - 1, None))))
    assert constrain(huge, 2**63, Effort(1.0, 10.0)) is None
    lives = Lives((Life(0, 2, 4, None), Life(1, 3, 5, None)), 1, (Demand(alignment=2**70), Demand()))
    assert constrain(items(lives), 9, Effort(1.0, 10.0)) == [0, 4]
    assert constrain(items(lives), 8, Effort(1.0, 10.0)) is False
    assert exact(lives, Limits(), Watch()).size == 9


def test_magnified_problems_are_beyond_64_bits() -> None:
    """Else the law above would say nothing."""
    drawn = [magnified(random_problem(Random(seed), 6)) for seed in range(40)]
    assert sum(peak(problem, range(6)) > LARGEST for problem in drawn) > 20
