"""The orders that are found without search."""

from __future__ import annotations

from random import Random

import pytest

from hmcos.errors import OptionError
from hmcos.limits import Limits, Watch
from hmcos.schedulers.exact.pieces import CHEAP
from hmcos.schedulers.scheduler_table import names, scheduler
from hmcos.schedulers.simple.greedy import least_running_memory
from hmcos.schedulers.simple.random import random_order
from hmcos.schedulers.simple.rpo import reverse_post_order
from hmcos.schedulers.simple.walks import breadth_first, depth_first
from networks import problem_of
from property.strategies import random_problem


def diamond() -> list[list[int]]:
    """0 feeds 1 and 2, which 3 joins, reading 2's output first."""
    return [[0], [1], [1], [3, 2]]


def test_reverse_post_order_follows_inputs_in_their_order() -> None:
    assert reverse_post_order(problem_of(diamond(), [1] * 5, kept=[4])) == [0, 2, 1, 3]


def test_reverse_post_order_starts_at_the_lowest_end() -> None:
    assert reverse_post_order(problem_of([[0], [0], [1]], [1] * 4)) == [1, 0, 2]


def test_breadth_and_depth() -> None:
    problem = problem_of([[0], [0], [1], [2], [3, 4]], [1] * 6, kept=[5])
    assert breadth_first(problem) == [0, 1, 2, 3, 4]
    assert depth_first(problem) == [0, 2, 1, 3, 4]


def test_greedy_takes_the_least_running_memory_and_the_lowest_number() -> None:
    assert least_running_memory(problem_of([[0], [0], [0]], [9, 3, 1, 1])) == [1, 2, 0]


def test_random_orders_differ_by_seed_and_only_by_seed() -> None:
    problem = problem_of([[0]] * 12, [1] * 13)
    drawn = {tuple(random_order(problem, Random(seed))) for seed in range(10)}
    assert len(drawn) > 5
    twice = [scheduler("random")(problem, Limits(seed=3), Watch()).order for _ in range(2)]
    assert twice[0] == twice[1] == tuple(random_order(problem, Random(3)))


def test_cheap_orders_are_executable() -> None:
    source = Random(8)
    for _ in range(200):
        problem = random_problem(source, source.randrange(1, 30))
        for cheap in CHEAP:
            done: set[int] = set()
            for op in cheap(problem):
                assert done.issuperset(problem.predecessors[op])
                done.add(op)
            assert len(done) == problem.operators


def test_the_default_comes_first_and_others_are_told() -> None:
    assert names()[0] == "optimal"
    with pytest.raises(OptionError, match="no scheduler is called 'fastest'"):
        scheduler("fastest")
