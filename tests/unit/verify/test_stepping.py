"""Wrong arenas are caught by running in them, without any other check before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from onnx import ModelProto

from hmcos.errors import VerifyError
from hmcos.frontends.feeding import random_inputs
from hmcos.frontends.model import Model
from hmcos.frontends.onnx import load
from hmcos.plan.plan import Plan
from hmcos.verify.operators import Operators
from hmcos.verify.stepping import Ran, run_in_arena
from unit.verify import faults


def ran(source: ModelProto, plan: Plan) -> Ran:
    opened: Model = load(source)
    return run_in_arena(
        Operators(source, opened.graph, Path()), plan, random_inputs(opened.graph, seed=3, run=0)
    )


def caught(plan: Plan, text: str = faults.NET) -> str:
    with pytest.raises(VerifyError) as raised:
        ran(faults.model(text), plan)
    return str(raised.value)


@pytest.mark.parametrize("target", ["none", "default", "hmcos"])
def test_a_right_plan_runs(target: str) -> None:
    plan = faults.planned(target=target)
    found = ran(faults.model(), plan)
    assert plan.arena is not None
    assert (found.steps, found.end, found.unproved) == (6, plan.arena.size, [])
    assert found.in_place == (0 if target == "none" else sum(b.takes_over is not None for b in plan.buffers))


def test_a_view_is_not_counted_as_an_overwrite() -> None:
    text = (
        "net (float[4] x) => (float[2,2] y) <int64[2] s = {2, 2}> { a = Neg(x) b = Reshape(a, s) y = Exp(b) }"
    )
    found = ran(faults.model(text), faults.planned(text, target="default"))
    assert (found.in_place, found.views) == (2, 1)


def test_one_byte_of_overlap() -> None:
    plan, lower, upper = faults.overlapping(faults.planned())
    said = caught(plan)
    assert said.startswith("step ") and ("differs from byte" in said or "uses" in said)
    assert lower != upper


def test_a_life_one_step_short_reads_poison() -> None:
    plan = faults.planned()
    last = max(i for i, number in enumerate(plan.order) if number in (1, 3))
    said = caught(faults.short_lived(plan, "a"))
    assert said.startswith(f"step {last}, operator {plan.order[last]} ") and "differs from byte 0" in said


def test_an_overwrite_of_what_is_read_later() -> None:
    plan = faults.planned()
    assert plan.order.index(2) > plan.order.index(3)
    said = caught(faults.overwriting(plan, "d", "b"))
    assert (
        f"step {plan.order.index(2)}, operator 2 (MatMul): tensor 'b', which it reads, differs from byte 0"
        in said
    )


def test_a_comparison_over_a_broadcast_input() -> None:
    plan = faults.planned(faults.COMPARISON, target="hmcos")
    assert any(b.name == "y" and b.takes_over is not None for b in plan.buffers)
    found = [_error(faults.model(faults.COMPARISON), plan, run) for run in range(8)]
    said = [str(error) for error in found if error is not None]
    assert said
    assert all("step 1, operator 1 (Less): tensor 'y' differs" in words for words in said)


def _error(source: ModelProto, plan: Plan, run: int) -> VerifyError | None:
    graph = load(source).graph
    try:
        run_in_arena(Operators(source, graph, Path()), plan, random_inputs(graph, 0, run))
    except VerifyError as error:
        return error
    return None


def test_memory_that_the_plan_does_not_tell() -> None:
    plan = faults.planned()
    running = (plan.memory.running[0] + 1, *plan.memory.running[1:])
    said = caught(replace(plan, memory=replace(plan.memory, running=running)))
    assert said.startswith("step 0, operator 0 (Sin") and "but the plan says" in said


def test_an_arena_larger_than_what_is_used() -> None:
    plan = faults.planned()
    assert plan.arena is not None
    said = caught(replace(plan, arena=replace(plan.arena, size=plan.arena.size + 1)))
    assert said.startswith("the highest byte in use is ")


def test_a_kernel_that_forbids_overwriting_is_told() -> None:
    found = ran(faults.model(faults.GELU), faults.planned(faults.GELU, target="default"))
    assert found.unproved == ["operator 1 (Gelu)"]
