from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmcos.errors import VerifyError
from hmcos.limits import Watch
from hmcos.memory.bounds import operand_bound
from hmcos.memory.instance import write_instance
from hmcos.memory.problem import Problem
from hmcos.memory.profile import profile
from hmcos.memory.target import load_target
from hmcos.network.opening import open_source
from hmcos.plan.plan import Memory
from hmcos.schedulers.simple.rpo import reverse_post_order
from hmcos.tasks.request import Request
from hmcos.tasks.schedule.solving import lowered
from hmcos.verify.counted import claims
from hmcos.verify.counted.instance_count import Instance, as_counted, check_instance_order
from hmcos.verify.counted.recount import Recount, recount
from hmcos.verify.counted.steps import run_of_instance
from oracle import orders
from property.strategies import problems

SMALL: Instance = {
    "format": "hmcos-instance/1",
    "buffers": [4, 8, 8],
    "inputs": [0],
    "kept": [2],
    "operators": [
        {"name": "conv", "reads": [0], "makes": [1], "scratch": 3},
        {"name": "relu", "reads": [1], "makes": [2], "may_overwrite": [1]},
    ],
}


def counted(instance: Instance, order: Sequence[int]) -> Recount:
    check_instance_order(instance, order)
    return recount(run_of_instance(instance, order))


def test_an_instance_counted_by_hand() -> None:
    found = counted(SMALL, (0, 1))
    assert (found.start, found.running, found.stable, found.peak) == (4, (15, 8), (8, 8), 15)


def test_what_is_claimed_must_be_true() -> None:
    found = counted(SMALL, (0, 1))
    found.check(15, Memory(4, (15, 8), (8, 8)))
    with pytest.raises(VerifyError, match=r"step 1, operator 1 \('relu'\): the plan claims 16"):
        found.check(15, Memory(4, (15, 16), (8, 8)))
    with pytest.raises(VerifyError, match=r"step 0, operator 0 .* claims 9 bytes in use after it, .* are 8"):
        found.check(15, Memory(4, (15, 8), (9, 8)))
    with pytest.raises(VerifyError, match=r"memory\.start: the plan claims 5 bytes, but they are 4"):
        found.check(15, Memory(5, (15, 8), (8, 8)))
    with pytest.raises(VerifyError, match=r"memory\.stable: .* at 1 steps, but there are 2"):
        found.check(15, Memory(4, (15, 8), (8,)))
    with pytest.raises(VerifyError, match="peak of 14 bytes, but it is 15"):
        found.check(14, Memory(4, (15, 8), (8, 8)))


def test_orders_that_cannot_run_are_refused() -> None:
    with pytest.raises(VerifyError, match=r"step 0, operator 1 \('relu'\): reads buffer 1 before it is made"):
        check_instance_order(SMALL, (1, 0))
    with pytest.raises(VerifyError, match="operator 1 never runs"):
        check_instance_order(SMALL, (0,))


def test_sizes_are_counted_as_the_plan_says() -> None:
    assert counted(as_counted(SMALL, 16, external_io=False), (0, 1)).running == (16 + 16 + 16, 16)
    assert counted(as_counted(SMALL, 1, external_io=True), (0, 1)).running == (8 + 3, 8)


@given(problems(), st.sampled_from((1, 4)), st.booleans())
def test_it_counts_what_the_profile_counts(problem: Problem, alignment: int, external_io: bool) -> None:
    instance = as_counted(json.loads(write_instance(problem)), alignment, external_io)
    request = Request(load_target("none"), alignment=alignment, external_io=external_io)
    network, _ = lowered(request, open_source(problem), Watch())
    for order in islice(orders(problem), 5):
        cost = profile(network.problem, order)
        found = counted(instance, order)
        found.check(cost.peak, Memory(cost.start, cost.running, cost.stable))


@given(problems())
def test_the_baselines_are_those_of_the_schedulers(problem: Problem) -> None:
    instance = json.loads(write_instance(problem))
    run = run_of_instance(instance, range(problem.operators))
    assert claims.reverse_post_order(run.steps) == reverse_post_order(problem)
    assert claims.least_peak(run) <= operand_bound(problem)
