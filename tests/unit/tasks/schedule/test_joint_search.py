"""Orders and offsets together, on instances found by a seeded sweep over small random networks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

import hmcos
from hmcos.allocation.exact.proof import exact
from hmcos.allocation.lives import Lives
from hmcos.limits import Limits, Status, Watch
from hmcos.memory.lifetimes import lifetimes
from hmcos.memory.problem import Problem
from hmcos.memory.profile import peak
from hmcos.schedulers.optimal import optimal


def problem(sizes: Sequence[int], reads: Sequence[tuple[int, ...]], kept: tuple[int, ...]) -> Problem:
    """Operator k reads `reads[k]` and makes buffer k + 1."""
    n = len(reads)
    return Problem(
        names=tuple(f"op{k}" for k in range(n)),
        sizes=tuple(sizes),
        inputs=(0,),
        kept=kept,
        reads=tuple(reads),
        makes=tuple((k + 1,) for k in range(n)),
        may_overwrite=((),) * n,
        scratch=(0,) * n,
    )


OTHER_ORDER_HELPS = (
    problem(
        (3, 5, 4, 9, 5, 2, 6, 7, 5, 8),
        ((0,), (1,), (0,), (1, 3), (3,), (5,), (4, 6), (7,), (5, 7)),
        (2, 8, 9),
    ),
    problem(
        (3, 7, 4, 9, 5, 4, 6, 7, 5, 8),
        ((0,), (1,), (0,), (1, 3), (3,), (5,), (4, 6), (7,), (5, 7)),
        (2, 8, 9),
    ),
)
NO_ORDER_HELPS = problem(
    (3, 2, 3, 6, 3, 7, 2, 2, 8), ((0,), (1,), (1, 2), (1,), (0, 1), (3,), (5, 6), (6, 7)), (4, 8)
)
"""Every order needs an arena above the least peak."""


def least_arena(network: Problem, order: Sequence[int]) -> int:
    arena = exact(Lives(lifetimes(network, order)), Limits(), Watch())
    assert arena.status is Status.OPTIMAL
    return arena.size


def orders(network: Problem) -> Iterator[list[int]]:
    """All valid orders."""
    waiting: list[list[int]] = [[]]
    while waiting:
        order = waiting.pop()
        if len(order) == network.operators:
            yield order
        ready = (
            op
            for op in range(network.operators)
            if op not in order and set(network.predecessors[op]) <= set(order)
        )
        waiting += [[*order, op] for op in ready]


@pytest.mark.parametrize("network", OTHER_ORDER_HELPS)
def test_another_optimal_order_is_taken_where_the_first_one_wastes(network: Problem) -> None:
    first = optimal(network, Limits(), Watch())
    assert least_arena(network, first.order) > first.peak
    plan = hmcos.schedule(network)
    assert plan.arena is not None
    assert plan.arena.size == plan.peak == first.peak
    assert (plan.status, plan.arena.status) == (Status.OPTIMAL, Status.OPTIMAL)
    assert plan.schedule.order != first.order


def test_what_no_order_can_do_is_not_claimed() -> None:
    plan = hmcos.schedule(NO_ORDER_HELPS)
    best = min(
        least_arena(NO_ORDER_HELPS, order)
        for order in orders(NO_ORDER_HELPS)
        if peak(NO_ORDER_HELPS, order) <= plan.peak + 1
    )
    assert plan.arena is not None
    assert plan.arena.size == best == plan.peak + 1
    assert plan.status is Status.OPTIMAL
    assert (
        least_arena(NO_ORDER_HELPS, hmcos.schedule(NO_ORDER_HELPS, minimize="arena").schedule.order) == best
    )


def test_a_named_order_or_a_simple_planner_is_left_alone() -> None:
    network = OTHER_ORDER_HELPS[0]
    first = optimal(network, Limits(), Watch())
    assert hmcos.schedule(network, allocator="largest_first").schedule.order == first.order
    assert hmcos.schedule(network, scheduler="given").schedule.order == tuple(range(9))


def test_the_same_pair_every_time() -> None:
    plans = [hmcos.schedule(OTHER_ORDER_HELPS[1]) for _ in range(2)]
    assert plans[0].schedule.order == plans[1].schedule.order
    assert plans[0].buffers == plans[1].buffers
