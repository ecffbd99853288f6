"""Laws of the floor: what the memory has at least changes no order, only what is counted and proved."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from hmcos.limits import Limits, Status, Watch
from hmcos.memory.bounds import must_live_bound, operand_bound
from hmcos.memory.instance import parse_instance, write_instance
from hmcos.memory.problem import Problem
from hmcos.memory.profile import profile
from hmcos.schedulers.scheduler_table import names, scheduler
from oracle import optimum, peak_of
from property.strategies import problems

FLOORS = st.integers(0, 60)


@given(problems(), FLOORS)
def test_the_optimum_is_the_floor_or_the_least_of_all_orders(problem: Problem, floor: int) -> None:
    least = max(optimum(problem), floor)
    found = scheduler("optimal")(replace(problem, floor=floor), Limits(), Watch())
    assert (found.peak, found.lower_bound, found.status) == (least, least, Status.OPTIMAL)


@given(problems(), FLOORS, st.integers(0, 90), st.sampled_from(names()))
def test_every_scheduler_counts_it(problem: Problem, floor: int, budget: int, name: str) -> None:
    low = replace(problem, floor=floor)
    found = scheduler(name)(low, Limits(budget=budget), Watch())
    assert found.peak == max(peak_of(problem, found.order), floor) == profile(low, found.order).peak
    assert found.lower_bound <= max(optimum(problem), floor)
    assert found.lower_bound >= floor
    assert (found.status is Status.FITS) == (found.peak <= budget)
    assert (found.status is Status.DOES_NOT_FIT) == (found.lower_bound > budget)


@given(problems(), FLOORS)
def test_the_bounds_count_it(problem: Problem, floor: int) -> None:
    low = replace(problem, floor=floor)
    assert must_live_bound(low) == max(must_live_bound(problem), floor)
    assert operand_bound(low) == max(operand_bound(problem), floor)


@given(problems(), FLOORS)
def test_it_is_written_and_read(problem: Problem, floor: int) -> None:
    low = replace(problem, floor=floor)
    assert parse_instance(write_instance(low)) == low
