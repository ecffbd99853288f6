"""Laws of leaving out operators that take and free no memory: the optimum stays, the order is complete."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from hmcos.limits import Limits, Status, Watch
from hmcos.memory.problem import Problem
from hmcos.memory.profile import peak
from hmcos.plan.schedule import Schedule
from hmcos.schedulers.idle import idle_operators, without_idle
from hmcos.schedulers.optimal import optimal
from networks import problem_of
from oracle import optimum
from property.strategies import generators, problems


def emptied(problem: Problem, source: Random) -> Problem:
    """Return a problem of which many buffers take no bytes, as tokens and tensors updated in place do."""
    sizes = tuple(size if source.random() < 0.4 else 0 for size in problem.sizes)
    scratch = tuple(size if source.random() < 0.2 else 0 for size in problem.scratch)
    nothing = ((),) * problem.operators
    return replace(problem, sizes=sizes, scratch=scratch, may_overwrite=nothing)


@given(problems(max_operators=8), generators())
def test_the_optimum_stays(problem: Problem, source: Random) -> None:
    problem = emptied(problem, source)
    found = optimal(problem, Limits(), Watch())
    assert found.status is Status.OPTIMAL
    assert peak(problem, found.order) == found.peak == found.lower_bound == optimum(problem)


@given(problems(max_operators=8), generators(), st.integers(0, 300))
def test_a_budget_is_decided_the_same(problem: Problem, source: Random, budget: int) -> None:
    problem = emptied(problem, source)
    fits = optimum(problem) <= budget
    found = optimal(problem, Limits(budget=budget), Watch())
    assert found.status is (Status.FITS if fits else Status.DOES_NOT_FIT)


@given(problems(max_operators=8), generators())
def test_only_busy_operators_are_searched(problem: Problem, source: Random) -> None:
    problem = emptied(problem, source)
    seen: list[Problem] = []

    def noted(problem: Problem, limits: Limits, watch: Watch) -> Schedule:
        seen.append(problem)
        return optimal(problem, limits, watch)

    without_idle(noted)(problem, Limits(), Watch())
    (part,) = seen
    assert part.operators == problem.operators - len(idle_operators(problem))


def test_an_operator_that_nothing_needs_runs_last() -> None:
    problem = problem_of([[0], [1], [0]], [0, 4, 4, 0], kept=[2])
    assert idle_operators(problem) == {2}
    assert optimal(problem, Limits(), Watch()).order == (0, 1, 2)


def test_a_chain_of_a_thousand_is_no_recursion() -> None:
    problem = problem_of([[number] for number in range(3000)], [0] * 3000 + [8], kept=[3000])
    assert optimal(problem, Limits(), Watch()).order == tuple(range(3000))
