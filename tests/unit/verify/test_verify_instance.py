from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import islice

import pytest
from hypothesis import given

from hmcos.errors import VerifyError
from hmcos.memory.instance import write_instance
from hmcos.memory.problem import Problem
from hmcos.memory.profile import profile
from hmcos.verify.instance import recount_instance, verify_instance
from oracle import orders
from property.strategies import problems

SMALL: Mapping[str, object] = {
    "format": "hmcos-instance/1",
    "buffers": [4, 8, 8],
    "inputs": [0],
    "kept": [2],
    "operators": [
        {"name": "conv", "reads": [0], "makes": [1], "scratch": 3},
        {"name": "relu", "reads": [1], "makes": [2], "may_overwrite": [1]},
    ],
}


def test_an_instance_counted_by_hand() -> None:
    found = recount_instance(SMALL, (0, 1))
    assert (found.start, found.running, found.peak) == (4, (15, 8), 15)


def test_what_is_claimed_must_be_true() -> None:
    verify_instance(SMALL, (0, 1), 15, (15, 8))
    with pytest.raises(VerifyError, match=r"step 1, operator 1 \('relu'\): the plan claims 16"):
        verify_instance(SMALL, (0, 1), 15, (15, 16))
    with pytest.raises(VerifyError, match="peak of 14 bytes, but it is 15"):
        verify_instance(SMALL, (0, 1), 14, (15, 8))


def test_orders_that_cannot_run_are_refused() -> None:
    with pytest.raises(VerifyError, match=r"step 0, operator 1 \('relu'\): reads buffer 1 before it is made"):
        recount_instance(SMALL, (1, 0))
    with pytest.raises(VerifyError, match="operator 1 never runs"):
        recount_instance(SMALL, (0,))


@given(problems())
def test_it_counts_what_the_profile_counts(problem: Problem) -> None:
    instance = json.loads(write_instance(problem))
    for order in islice(orders(problem), 5):
        cost = profile(problem, order)
        assert recount_instance(instance, order).start == cost.start
        verify_instance(instance, order, cost.peak, cost.running)
