"""A walk through separate blocks finds every buffer that is not where it can be."""

from __future__ import annotations

from dataclasses import replace

import pytest

import hmcos
from hmcos.errors import VerifyError
from hmcos.frontends.onnx import load
from hmcos.plan.arena import PlacedBuffer
from hmcos.plan.memory_blocks import MemoryBlock
from hmcos.plan.plan import Plan
from hmcos.verify.counted.stepping import stepped
from hmcos.verify.counted.steps import Execution, run_of_graph
from unit.verify import faults

FAST = 64
CAPACITIES = (FAST, None)


def planned(text: str = faults.NET, target: str = "none") -> Plan:
    memories = [MemoryBlock("fast", FAST), MemoryBlock("slow", None)]
    return hmcos.schedule(faults.model(text), target=target, memories=memories)


def run_of(plan: Plan, text: str = faults.NET) -> Execution:
    data = {**plan.target.data, "alignment": plan.target.alignment}
    return run_of_graph(load(faults.model(text)).graph, data, {}, plan.order)


def caught(plan: Plan, i: int, **changes: object) -> str:
    buffers = list(plan.buffers)
    buffers[i] = replace(buffers[i], **changes)
    with pytest.raises(VerifyError) as raised:
        stepped(run_of(plan), buffers, CAPACITIES)
    return str(raised.value)


def test_the_bytes_of_each_memory_are_counted() -> None:
    plan = planned()
    assert plan.memories is not None
    moved = stepped(run_of(plan), plan.buffers, CAPACITIES)
    assert moved.traffic == plan.memories.placement.traffic
    # Seven tensors of 32 bytes: x, a, b, c, d, e, y are written once; a, b are read twice, the others once.
    assert sum(moved.traffic) == 32 * (7 + 9)
    assert moved.traffic[1] == plan.memories.placement.lower_bound > 0


def test_views_move_nothing() -> None:
    text = (
        "net (float[4] x) => (float[2,2] y) <int64[2] s = {2, 2}> { a = Neg(x) b = Reshape(a, s) y = Exp(b) }"
    )
    plan = planned(text, "default")
    moved = stepped(run_of(plan, text), plan.buffers, CAPACITIES)
    assert sum(moved.traffic) == 16 * 6  # x, a and y are written and read once each


def test_two_buffers_in_one_place() -> None:
    plan = planned()
    a, b = faults.buffer(plan, "a"), faults.buffer(plan, "b")
    there = plan.buffers[b]
    said = caught(plan, a, memory=there.memory, offset=there.offset)
    assert said.startswith("step ")
    assert "was overwritten by" in said


def test_the_same_place_in_another_memory_is_another_place() -> None:
    plan = planned()
    apart = tuple(replace(buffer, memory=1, offset=32 * i) for i, buffer in enumerate(plan.buffers))
    one = faults.buffer(plan, "a")
    moved = stepped(
        run_of(plan), [*apart[:one], replace(apart[one], memory=0, offset=32), *apart[one + 1 :]], CAPACITIES
    )
    assert moved.traffic[0] == 32 * 3


def test_a_buffer_beyond_its_memory() -> None:
    plan = planned()
    inside = next(i for i, buffer in enumerate(plan.buffers) if buffer.memory == 0)
    assert "memory 0 has 64 bytes" in caught(plan, inside, offset=FAST)
    assert "which there is not" in caught(plan, inside, memory=2)
    assert "which there is not" in caught(plan, inside, memory=None)


def test_an_output_that_is_overwritten_later() -> None:
    steps = planned()
    buffers = tuple(replace(buffer, memory=1, offset=64 * i) for i, buffer in enumerate(steps.buffers))
    x, y = faults.buffer(steps, "x"), faults.buffer(steps, "y")
    assert stepped(run_of(steps), buffers, CAPACITIES).traffic[0] == 0
    moved: list[PlacedBuffer] = list(buffers)
    moved[y] = replace(moved[y], offset=moved[x].offset)
    assert sum(stepped(run_of(steps), moved, CAPACITIES).traffic) == 32 * 16
