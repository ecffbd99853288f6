"""Laws of the orders: the exact search against brute force, with every pruning rule on and off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmcos.limits import Limits, Status, Watch
from hmcos.memory.bounds import must_live_bound
from hmcos.memory.forced import forced_states
from hmcos.memory.problem import Problem
from hmcos.memory.profile import peak
from hmcos.plan.schedule import Schedule
from hmcos.schedulers.exact.commits import PruningRules
from hmcos.schedulers.exact.descent import Descent
from hmcos.schedulers.exact.effects import Effects
from hmcos.schedulers.exact.joins import join
from hmcos.schedulers.exact.moves import Moves
from hmcos.schedulers.exact.pace import SearchPace
from hmcos.schedulers.exact.splitting import Line
from hmcos.schedulers.exact.thresholds import Stretch
from hmcos.schedulers.optimal import search
from hmcos.schedulers.scheduler_table import names, scheduler
from networks import problem_of
from oracle import optimum, orders
from property.drawn_rules import SWITCHES, drawn_rules
from property.least_peak import least_peak
from property.order_trials import Witness, faults_of, search_faults
from property.search_parts import PARTS, reached
from property.strategies import generators, problems, random_problem
from property.stretch_trials import stretch_faults
from property.wide_problems import wide_problem


@pytest.fixture(
    params=[SearchPace(uncut=0, often=1), SearchPace()], ids=["cuts at once", "cuts later"], scope="module"
)
def pace(request: pytest.FixtureRequest) -> SearchPace:
    """Small problems take few states: without this no valley would ever be cut and no effect remembered."""
    return request.param


def assert_proved(problem: Problem, rules: PruningRules, expected: int) -> Schedule:
    witness = Witness()
    found = search(problem, Limits(), Watch(witness), rules)
    assert peak(problem, found.order) == found.peak == found.lower_bound == expected, rules
    assert found.status is Status.OPTIMAL
    assert all(bound <= expected <= reached for reached, bound in witness.reports), rules
    return found


@pytest.mark.slow
@given(problems(max_operators=8), st.randoms(use_true_random=False))
def test_the_search_finds_the_optimum_under_any_rules(
    pace: SearchPace, problem: Problem, source: Random
) -> None:
    expected = optimum(problem)
    assert_proved(problem, PruningRules(pace=pace), expected)
    assert_proved(problem, drawn_rules(source, pace), expected)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_a_seeded_sweep_finds_the_optimum_under_any_rules(seed: int, pace: SearchPace) -> None:
    source = Random(seed)
    for _ in range(120):
        problem = random_problem(source, source.randrange(1, 11))
        expected = optimum(problem)
        assert_proved(problem, PruningRules(pace=pace), expected)
        for _ in range(4):
            assert_proved(problem, drawn_rules(source, pace), expected)


def test_a_share_of_the_trials() -> None:
    """`property.order_trials` tries any number of cases."""
    assert [fault for case in range(100_000, 100_200) for fault in faults_of(case)] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("faults", "least"), [(search_faults, 3), (stretch_faults, 14)], ids=["whole problems", "stretches"]
)
def test_the_trials_reach_every_part_of_the_search(
    faults: Callable[[int], Sequence[str]], least: int
) -> None:
    """Of four hundred cases; whole problems have no budget here."""
    numbers = reached(faults, range(400))
    missed = {"a budget"} if faults is search_faults else set[str]()
    assert {part.name: numbers[part.name] for part in PARTS if numbers[part.name] < least}.keys() == missed


@pytest.mark.slow
@given(generators(), st.integers(0, 8), st.booleans())
def test_the_quick_oracle_agrees_with_the_plain_one(source: Random, operators: int, wide: bool) -> None:
    problem = (wide_problem if wide else random_problem)(source, operators)
    assert least_peak(problem) == max(optimum(problem), problem.floor)


@pytest.mark.parametrize("beams", [False, True])
@pytest.mark.parametrize(("operators", "floor"), [(0, 0), (0, 9), (3, 9)])
def test_a_stretch_meets_where_no_move_costs_the_peak(operators: int, floor: int, beams: bool) -> None:
    """The floor, or the inputs of a problem without operators: every threshold below has a path."""
    problem = replace(problem_of([[k] for k in range(operators)], [4] + [1] * operators), floor=floor)
    order = range(operators)
    stretch = Stretch(problem, order, peak(problem, order), PruningRules(beams=beams))
    assert len(list(islice(stretch.meet(), 1_000))) < 1_000
    assert stretch.lower_bound == stretch.peak == max(floor, 4)


@pytest.mark.slow
@pytest.mark.parametrize("switch", SWITCHES)
def test_each_rule_may_be_switched_off_by_itself(switch: str, pace: SearchPace) -> None:
    source = Random(switch)
    for _ in range(150):
        problem = random_problem(source, source.randrange(4, 11))
        assert_proved(problem, PruningRules(**{switch: False}, pace=pace), optimum(problem))


def test_the_plain_search_in_one_direction_finds_the_optimum() -> None:
    """With every other rule off and slices of one state, so that searches stop and resume all the time."""
    pace = SearchPace(uncut=0, often=2, slice=1, first_probe=1)
    off = dict.fromkeys(SWITCHES, False)
    source = Random(5)
    for _ in range(250):
        problem = random_problem(source, source.randrange(2, 10))
        expected = optimum(problem)
        for direction in ({"forward": True}, {"backward": True}, {"forward": True, "backward": True}):
            assert_proved(problem, PruningRules(**{**off, **direction}, pace=pace), expected)
            assert_proved(
                problem,
                PruningRules(**{**off, **direction, "commit": True, "valley_cuts": True}, pace=pace),
                expected,
            )


@pytest.mark.slow
def test_pieces_and_brackets_find_the_optimum_where_the_quick_search_is_off(pace: SearchPace) -> None:
    pace = replace(pace, quick_operators=0, first_steps=2, slice=2, first_probe=2, beam_states=1)
    source = Random(6)
    for _ in range(300):
        problem = random_problem(source, source.randrange(6, 12))
        expected = optimum(problem)
        assert_proved(problem, PruningRules(split=False, commit_ends=False, pace=pace), expected)
        assert_proved(problem, drawn_rules(source, pace), expected)


PACES = st.builds(
    SearchPace,
    quick_operators=st.sampled_from([0, 1_500]),
    instant_states=st.integers(0, 20),
    quick_states=st.integers(0, 20),
    first_round=st.integers(0, 20),
    slice=st.integers(1, 20),
    first_steps=st.integers(1, 20),
    patience=st.integers(1, 20),
    first_probe=st.integers(1, 20),
    beam_states=st.integers(0, 3),
    level_states=st.sampled_from([1, 5, 100_000]),
    often=st.integers(1, 20),
    long_run=st.integers(0, 5),
    uncut=st.integers(0, 20),
)


@given(problems(max_operators=9), PACES)
def test_no_pace_changes_the_optimum(problem: Problem, pace: SearchPace) -> None:
    assert_proved(problem, PruningRules(pace=pace), optimum(problem))


@pytest.mark.slow
@given(generators(), st.integers(10, 40), st.booleans(), st.integers(0, 8))
def test_a_search_that_remembers_rests_of_runs_enters_the_same_states(
    source: Random, operators: int, backward: bool, above: int
) -> None:
    problem = wide_problem(source, operators)
    moves = Moves(problem, join(problem), backward=backward)
    bound, given_peak = must_live_bound(problem), peak(problem, range(operators))
    threshold = bound + (given_peak - bound) * above // 8

    def searched(long_run: int) -> Descent:
        pace = SearchPace(uncut=0, often=10_000, long_run=long_run)
        descent = Descent(Effects(moves, pace.often), threshold, PruningRules(pace=pace))
        descent.advance(2_000)
        return descent

    found, expected = searched(0), searched(1_000)
    assert (found.path, found.least_need, found.seen) == (expected.path, expected.least_need, expected.seen)


@given(problems(max_operators=8), st.integers(min_value=-3, max_value=3))
def test_a_budget_is_decided_exactly(pace: SearchPace, problem: Problem, distance: int) -> None:
    least = optimum(problem)
    budget = max(0, least + distance)
    found = search(problem, Limits(budget=budget), Watch(), PruningRules(pace=pace))
    assert found.status is (Status.FITS if least <= budget else Status.DOES_NOT_FIT)
    assert found.lower_bound <= least <= found.peak == peak(problem, found.order)
    assert (found.peak <= budget) == (least <= budget)


@given(problems(max_operators=8), st.integers(min_value=0, max_value=4))
def test_a_search_cut_short_is_valid_and_no_worse_than_the_baselines(
    pace: SearchPace, problem: Problem, states: int
) -> None:
    limits = Limits(states=states, seconds=None if states else 0.0)
    found = search(problem, limits, Watch(), PruningRules(pace=pace))
    assert peak(problem, found.order) == found.peak
    assert found.lower_bound <= optimum(problem)
    for baseline in ("given", "rpo", "greedy"):
        assert found.peak <= scheduler(baseline)(problem, Limits(), Watch()).peak
    if found.status is not Status.OPTIMAL:
        assert found.lower_bound < found.peak


@pytest.mark.slow
@given(problems(max_operators=9))
def test_every_scheduler_gives_a_complete_order_with_true_figures(problem: Problem) -> None:
    least = optimum(problem)
    for name in names():
        found = scheduler(name)(problem, Limits(), Watch())
        assert peak(problem, found.order) == found.peak
        assert found.lower_bound <= least <= found.peak
        assert (found.status is Status.OPTIMAL) == (found.peak == found.lower_bound)


@given(problems(max_operators=12))
def test_the_same_problem_has_the_same_answer(problem: Problem) -> None:
    first, second = (search(problem, Limits(), Watch(), PruningRules()) for _ in range(2))
    assert (first.order, first.states) == (second.order, second.states)


@given(problems(max_operators=6))
def test_forced_states_are_those_that_every_order_passes(problem: Problem) -> None:
    every = list(orders(problem))
    n = problem.operators
    passed = [k for k in range(n + 1) if len({frozenset(order[:k]) for order in every}) == 1]
    assert forced_states(problem, range(n)) == passed


@given(problems(max_operators=7))
def test_a_stretch_costs_what_its_steps_cost_in_the_whole(problem: Problem) -> None:
    order = next(iter(orders(problem)))
    line = Line(problem, order)
    states = forced_states(problem, order)
    for start in states:
        for stop in states:
            if start < stop:
                part = line.stretch(start, stop)
                assert peak(part, range(stop - start)) == max(line.stable(start), line.peak(start, stop))


@given(problems(max_operators=9), st.booleans(), st.booleans())
def test_joined_operators_lie_back_to_back_in_some_optimal_order(
    problem: Problem, forward: bool, mirror: bool
) -> None:
    sequences = join(problem, forward=forward, mirror=mirror)
    assert sorted(op for steps in sequences for op in steps) == list(range(problem.operators))
    expected = optimum(problem)
    following = {u: v for steps in sequences for u, v in pairwise(steps)}
    assert any(
        peak(problem, order) == expected and all(order[order.index(u) + 1] == v for u, v in following.items())
        for order in orders(problem)
    )
