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
from hmcos.schedulers.exact.commits import PruningRules
from hmcos.schedulers.exact.pace import SearchPace
from hmcos.schedulers.exact.splitting import Line
from hmcos.schedulers.optimal import search
from hmcos.schedulers.scheduler_table import names, scheduler
from oracle import optimum, peak_of
from property.strategies import problems

FLOORS = st.integers(0, 60)


@given(problems(), FLOORS)
def test_the_optimum_is_the_floor_or_the_least_of_all_orders(problem: Problem, floor: int) -> None:
    least = max(optimum(problem), floor)
    found = scheduler("optimal")(replace(problem, floor=floor), Limits(), Watch())
    assert (found.peak, found.lower_bound, found.status) == (least, least, Status.OPTIMAL)


def test_a_stretch_from_the_start_holds_the_inputs_not_the_floor() -> None:
    """Cut pieces counted the floor as bytes that are live throughout: 16 were "proved" where 11 suffice."""
    problem = Problem(
        names=("left", "right", "both"),
        sizes=(1, 1, 1, 8),
        inputs=(0, 1),
        kept=(0,),
        reads=((1,), (1,), (2, 3)),
        makes=((2,), (3,), ()),
        may_overwrite=((), (), ()),
        scratch=(0, 0, 0),
        floor=8,
    )
    assert optimum(problem) == 11
    assert Line(problem, range(3)).stable(0) == 2
    found = search(problem, Limits(), Watch(), PruningRules(pace=SearchPace(quick_operators=0)))
    assert (found.peak, found.lower_bound) == (11, 11)


@given(problems(max_operators=9), FLOORS)
def test_the_exact_search_counts_it_itself(problem: Problem, floor: int) -> None:
    """Tiling and the search for an order with a small arena call it without `above_floor`."""
    least = max(optimum(problem), floor)
    for quick in (0, 1_500):
        rules = PruningRules(pace=SearchPace(quick_operators=quick))
        found = search(replace(problem, floor=floor), Limits(), Watch(), rules)
        assert (found.peak, found.lower_bound) == (least, least)


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
