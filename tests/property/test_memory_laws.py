"""Laws of the memory model: profile, bounds, lives and the JSON form against brute force."""

from __future__ import annotations

from itertools import islice
from random import Random

from hypothesis import given

from hmcos.memory.instance import parse_instance, write_instance
from hmcos.memory.problem import Problem
from hmcos.memory.profile import profile
from oracle import all_orders_peak, optimum, orders, peak_of
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


def test_seeded_problems_are_reproducible() -> None:
    assert random_problem(Random(7), 40) == random_problem(Random(7), 40)
