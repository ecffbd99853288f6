"""Laws of the memory model: profile, bounds, lives and the JSON form against brute force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from random import Random

from hypothesis import given

from hmcos.memory.bounds import must_live, must_live_bound
from hmcos.memory.instance import parse_instance, write_instance
from hmcos.memory.lifetimes import lifetimes
from hmcos.memory.problem import Problem
from hmcos.memory.problem_builder import ProblemBuilder
from hmcos.memory.profile import profile
from oracle import all_orders_peak, optimum, orders, peak_of, producers, readers, stays
from property.strategies import problems, random_problem


@given(problems())
def test_the_peak_is_what_the_plain_count_says(problem: Problem) -> None:
    for order in islice(orders(problem), 10):
        assert profile(problem, order).peak == peak_of(problem, order)


@given(problems(max_operators=5))
def test_the_oracle_agrees_with_listing_every_order(problem: Problem) -> None:
    assert optimum(problem) == all_orders_peak(problem)


@given(problems(max_operators=12))
def test_an_instance_survives_writing_and_reading(problem: Problem) -> None:
    text = write_instance(problem)
    assert parse_instance(text) == problem
    assert write_instance(parse_instance(text)) == text


@given(problems(max_operators=12))
def test_a_problem_built_by_name_is_the_one_made_of_numbers(problem: Problem) -> None:
    named = replace(problem, buffer_names=tuple(f"b{b}" for b in range(len(problem.sizes))))
    assert built(named).build() == named
    assert parse_instance(write_instance(named)) == named


def built(problem: Problem) -> ProblemBuilder:
    """A builder that was told a problem by the names of its buffers."""
    builder, names = ProblemBuilder(), problem.buffer_names
    for b in problem.inputs:
        builder.add_input(names[b], problem.sizes[b])
    for op, name in enumerate(problem.names):
        builder.add(
            name,
            reads=[names[b] for b in problem.reads[op]],
            makes={names[b]: problem.sizes[b] for b in problem.makes[op]},
            overwrites=[names[b] for b in problem.may_overwrite[op]],
            scratch=problem.scratch[op],
        )
    for b in reversed(problem.kept):
        builder.keep(names[b])
    return builder


def test_seeded_problems_are_reproducible() -> None:
    assert random_problem(Random(7), 40) == random_problem(Random(7), 40)


@given(problems())
def test_the_must_live_bound_is_never_above_the_optimum(problem: Problem) -> None:
    assert must_live_bound(problem) <= optimum(problem)


@given(problems())
def test_what_must_be_live_at_an_operator_is_live_in_every_order(problem: Problem) -> None:
    least = must_live(problem)
    for order in islice(orders(problem), 20):
        for op, bytes_in_use in zip(order, profile(problem, order).running, strict=True):
            assert least[op] <= bytes_in_use


@given(problems())
def test_must_live_counts_what_the_definition_lists(problem: Problem) -> None:
    for op, live in enumerate(must_live(problem)):
        before, after = reachable(problem.predecessors, op), reachable(problem.successors, op)
        expected = problem.scratch[op]
        for b, size in enumerate(problem.sizes):
            made = not producers(problem, b) or producers(problem, b) <= before
            wanted = stays(problem, b) or readers(problem, b) & (after | {op})
            expected += size if made and wanted else 0
        if not any(not readers(problem, b) & after for b in problem.overwritable[op]):
            expected += sum(problem.sizes[b] for b in problem.makes[op])
        assert live == expected


@given(problems())
def test_lives_add_up_to_the_running_memory_of_every_step(problem: Problem) -> None:
    for order in islice(orders(problem), 10):
        lives = lifetimes(problem, order)
        sums = [
            sum(life.size for life in lives if life.birth <= step < life.death) for step in range(len(order))
        ]
        assert tuple(sums) == profile(problem, order).running


@given(problems())
def test_every_buffer_lives_once_from_its_producer_to_its_last_reader(problem: Problem) -> None:
    for order in islice(orders(problem), 5):
        lives = lifetimes(problem, order)
        assert sorted(life.buffer for life in lives if life.buffer is not None) == [
            b for b, size in enumerate(problem.sizes) if size
        ]
        for life in lives:
            steps = range(life.birth, life.death)
            if life.buffer is None:
                assert life.operator is not None and list(steps) == [order.index(life.operator)]
            else:
                assert all(order.index(op) in steps for op in readers(problem, life.buffer))


@given(problems())
def test_a_life_continues_one_that_ends_when_it_begins(problem: Problem) -> None:
    for order in islice(orders(problem), 5):
        lives = lifetimes(problem, order)
        continued = [life.takes_over for life in lives if life.takes_over is not None]
        assert len(set(continued)) == len(continued)
        for life in lives:
            if life.takes_over is not None:
                before = lives[life.takes_over]
                assert before.death == life.birth and before.size >= life.size
                op = order[life.birth - 1]
                assert before.buffer in problem.overwritable[op] and life.buffer in problem.makes[op]


def test_the_bound_is_sound_and_often_tight_on_many_problems() -> None:
    tight = 0
    for seed in range(1000):
        problem = random_problem(Random(seed), 3 + seed % 6)
        bound, best = must_live_bound(problem), optimum(problem)
        assert bound <= best
        tight += bound == best
    assert tight > 500


def reachable(links: Sequence[Sequence[int]], op: int) -> set[int]:
    found: set[int] = set()
    unfinished = [op]
    while unfinished:
        new = set(links[unfinished.pop()]) - found
        found |= new
        unfinished.extend(new)
    return found
