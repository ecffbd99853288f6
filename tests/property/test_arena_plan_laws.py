"""Laws of plans with an arena, on random problems: everything that is promised passes the verifier."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

import hmcos
from hmcos.limits import Status, Watch
from hmcos.memory.changes import without_external
from hmcos.memory.problem import Problem
from hmcos.memory.target import load_target
from hmcos.network.opening import open_source
from hmcos.tasks.request import Request
from hmcos.tasks.schedule.recheck import recheck
from hmcos.tasks.schedule.solving import lowered
from oracle import optimum
from property.strategies import problems


@settings(max_examples=60)
@given(problems(), st.booleans(), st.sampled_from((1, 4, 16)), st.sampled_from(("peak", "arena")))
def test_every_plan_passes_the_verifier(
    problem: Problem, external: bool, alignment: int, minimize: str
) -> None:
    plan = hmcos.schedule(problem, external_io=external, alignment=alignment, minimize=minimize)
    opened = open_source(problem)
    recheck(opened, plan)
    request = Request(load_target("default"), alignment=alignment, external_io=external)
    network, _ = lowered(request, opened, Watch())
    assert plan.arena is not None
    assert plan.lower_bound <= plan.peak <= plan.arena.lower_bound <= plan.arena.size
    assert (plan.arena.status is Status.OPTIMAL) == (plan.arena.size == plan.arena.lower_bound)
    assert plan.lower_bound == optimum(network.problem)
    if minimize == "peak":
        assert plan.peak == plan.lower_bound


@given(problems())
def test_what_the_caller_supplies_never_raises_the_peak(problem: Problem) -> None:
    assert optimum(without_external(problem)) <= optimum(problem)
