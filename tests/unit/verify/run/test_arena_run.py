"""Wrong arenas are caught by running in them, without any other check before."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper

import hmcos
from hmcos.errors import LimitError, NotRunError, VerifyError
from hmcos.frontends.feeding import random_inputs
from hmcos.frontends.model import Model
from hmcos.frontends.onnx import load
from hmcos.graph.graph import Operator
from hmcos.plan.memory_blocks import MemoryBlock
from hmcos.plan.plan import Plan
from hmcos.verify.run.arena_run import Ran, run_in_arena
from hmcos.verify.run.operators import Lent, Operators
from hmcos.verify.run.telling import RunPart
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
    assert (found.steps, found.ends[0], found.unproved) == (6, plan.arena.size, [])
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


@pytest.mark.parametrize(("kind", "first"), [("Sum", 2), ("Mean", 2), ("Max", 1), ("Min", 1)])
def test_old_kernels_that_add_one_input_after_the_other(kind: str, first: int) -> None:
    """Until opset 7 they filled the result before they had read all inputs."""
    for place in range(3):
        names = ["d", "d", "d"]
        names[place] = "a"
        made = f"a = Neg(x) y = {kind}({', '.join(names)}) z = Tanh(d)"
        text = f"net (float[8] x, float[8] d) => (float[8] y, float[8] z) {{ {made} }}"
        for opset, unproved in ((6, ["operator 1 (" + kind + ")"] if place >= first else []), (21, [])):
            source = faults.model(text)
            source.opset_import[0].version, source.ir_version = opset, 3 if opset == 6 else 10
            plan = hmcos.schedule(source, scheduler="given")
            assert plan.buffers[faults.buffer(plan, "y")].takes_over == faults.buffer(plan, "a")
            assert ran(source, plan).unproved == unproved


def moved(plan: Plan, name: str, offset: int) -> Plan:
    """The plan with a buffer at another place, and memory that counts bytes once that two buffers share."""
    i = faults.buffer(plan, name)
    buffers = list(plan.buffers)
    buffers[i] = replace(buffers[i], offset=offset)
    wrong = faults.with_buffers(plan, buffers)
    running = tuple(
        len({k for b in buffers if b.birth <= step < b.death for k in range(b.offset, b.offset + b.size)})
        for step in range(len(plan.memory.running))
    )
    return replace(wrong, memory=replace(wrong.memory, running=running))


def test_bytes_that_change_nothing_in_what_is_computed_are_missed_too() -> None:
    """Shape reads no element: only what it reads can show that it was overwritten."""
    text = """net (float[4] x) => (int64[1] y, float[4] z)
    { a = Neg(x) b = Exp(x) y = Shape(a) c = Sin(b) z = Add(b, c) }"""
    plan = hmcos.schedule(faults.model(text), target="none", scheduler="given")
    said = caught(moved(plan, "b", plan.buffers[faults.buffer(plan, "a")].offset), text)
    assert "(Shape): tensor 'a', which it reads, differs from byte 0" in said


def test_an_index_that_was_overwritten_is_a_fault_of_the_plan() -> None:
    """The runtime would refuse to run with poison for an index, and must not be asked to."""
    text = """net (float[4] x, float[6,2] t) => (float[1,2] y, float[4] e)
    { a = Abs(x) i = ArgMax<axis=0,keepdims=1>(a) b = Exp(a) c = Sin(b) e = Neg(c) y = Gather(t, i) }"""
    plan = hmcos.schedule(faults.model(text), target="none", scheduler="given")
    said = caught(moved(moved(plan, "i", 256), "c", 256), text)
    assert "tensor 'i', which it reads, differs from byte 0" in said


def test_an_output_that_is_overwritten_after_it_was_made() -> None:
    """In 16 bits, too, where the outputs of a whole run are no measure."""
    text = "net (float16[32] x) => (float16[32] y, float16[32] z) { y = Neg(x) a = Exp(x) z = Sin(a) }"
    plan = hmcos.schedule(faults.model(text), target="none", scheduler="given")
    said = caught(moved(plan, "z", plan.buffers[faults.buffer(plan, "y")].offset), text)
    assert said == "after step 2: output 'y' is not what it was when it was made"


BOUND = "net (float[4,4] x) => (float[2,N] y) { i = NonZero(x) y = Cast<to=1>(i) }"


def bound(size: int) -> Ran:
    source = faults.model(BOUND)
    source.graph.value_info.add().CopyFrom(helper.make_tensor_value_info("i", TensorProto.INT64, [2, "N"]))
    opened = load(source, {"N": size})
    plan = hmcos.schedule(source, bind={"N": size})
    return run_in_arena(Operators(source, opened.graph, Path()), plan, random_inputs(opened.graph, 0, 0))


def test_the_true_shape_is_lent_where_the_plan_has_room_for_it() -> None:
    assert bound(16).shapes == {}
    found = bound(40)
    assert list(found.shapes.values()) == [(2, 16), (2, 16)]
    assert found.outputs["y"].shape == (2, 16)
    assert found.outputs["y"].content.tobytes() == bound(16).outputs["y"].content.tobytes()


def test_a_shape_for_which_the_plan_has_no_room_is_not_run() -> None:
    words = r"operator 0 \(NonZero\): makes 'i' of \[2, 16\] from these inputs, but the plan counts \[2, 4\]"
    with pytest.raises(NotRunError, match=words):
        bound(4)


def test_a_fault_in_a_plan_with_bounds_is_found() -> None:
    source = faults.model(BOUND.replace("y =", "j = Neg(i) y =").replace("(i) }", "(j) }"))
    for name in ("i", "j"):
        source.graph.value_info.add().CopyFrom(
            helper.make_tensor_value_info(name, TensorProto.INT64, [2, "N"])
        )
    opened = load(source, {"N": 40})
    plan = hmcos.schedule(source, bind={"N": 40}, target="none")
    wrong, _, _ = faults.overlapping(plan)
    with pytest.raises(VerifyError, match=r"^step "):
        run_in_arena(Operators(source, opened.graph, Path()), wrong, random_inputs(opened.graph, 0, 0))


def test_an_operator_that_cannot_run_by_itself_is_not_run() -> None:
    text = "net (float[4] x) => (float[4] y) { a = Relu(x) y = my.lib.Op(a) }"
    source = faults.model(text)
    source.opset_import.add(domain="my.lib", version=1)
    with pytest.raises(
        NotRunError, match=r"operator 1 \(Op\): ONNX Runtime cannot run it by itself: it has no"
    ):
        ran(source, hmcos.schedule(source))


def test_parts_are_told_before_they_begin() -> None:
    parts: list[RunPart] = []
    source = faults.model()
    graph = load(source).graph
    run_in_arena(Operators(source, graph, Path()), faults.planned(), random_inputs(graph, 0, 0), parts.append)
    assert parts == [RunPart.APART, RunPart.ARENA] * 6


@pytest.mark.parametrize("linear", [True, False])
def test_sparse_constants(linear: bool) -> None:
    values = helper.make_tensor("v", TensorProto.FLOAT, [3], [1.0, -2.0, 3.0])
    places = [1, 6, 8] if linear else [0, 1, 2, 0, 2, 2]
    indices = helper.make_tensor("i", TensorProto.INT64, [3] if linear else [3, 2], places)
    sparse = helper.make_sparse_tensor(values, indices, [3, 3])
    constant = helper.make_node("Constant", [], ["w"], sparse_value=sparse)
    source = faults.model("net (float[3,3] x) => (float[3,3] y) { y = MatMul(x, x) }")
    source.graph.node[0].input[1] = "w"
    source.graph.node.insert(0, constant)
    graph = load(source).graph
    dense = next(iter(Operators(source, graph, Path()).parameters.values()))[:36].view(np.float32)
    assert dense.reshape(3, 3).tolist() == [[0, 1, 0], [0, 0, 0], [-2, 0, 3]]
    assert ran(source, hmcos.schedule(source)).steps == 1


def test_a_sparse_constant_that_does_not_fit_its_shape_is_not_run() -> None:
    values = helper.make_tensor("v", TensorProto.FLOAT, [1], [1.0])
    for place in (9, -1):
        indices = helper.make_tensor("i", TensorProto.INT64, [1], [place])
        sparse = helper.make_sparse_tensor(values, indices, [3, 3])
        source = faults.model("net (float[3,3] x) => (float[3,3] y) { y = MatMul(x, x) }")
        source.graph.node[0].input[1] = "w"
        source.graph.node.insert(0, helper.make_node("Constant", [], ["w"], sparse_value=sparse))
        with pytest.raises(NotRunError, match=r"operator 0 \(Constant\): is not a valid sparse constant"):
            ran(source, hmcos.schedule(source))


def test_an_operator_that_differs_from_itself_excuses_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator of which nobody knows that it draws numbers."""
    count, right = iter(range(1, 100)), Operators.run

    def noisy(self: Operators, op: Operator, inputs: Mapping[int, Lent], outputs: Mapping[int, Lent]) -> None:
        right(self, op, inputs, outputs)
        if op.number == 1:
            ctypes.memset(outputs[op.makes[0]].address, next(count), 1)

    monkeypatch.setattr(Operators, "run", noisy)
    with pytest.raises(NotRunError, match=r"^operator 1 \(MatMul\): makes other bytes of 'b' each time"):
        ran(faults.model(), faults.planned())


def test_an_operator_that_no_longer_runs_excuses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    count, right = iter(range(100)), Operators.run

    def broken(
        self: Operators, op: Operator, inputs: Mapping[int, Lent], outputs: Mapping[int, Lent]
    ) -> None:
        at = next(count) if op.number == 1 else 0
        if at == 2:
            raise LimitError("no more memory")
        right(self, op, inputs, outputs)
        if at == 1:
            ctypes.memset(outputs[op.makes[0]].address, 99, 1)

    monkeypatch.setattr(Operators, "run", broken)
    assert "operator 1 (MatMul): tensor 'b' differs from byte 0" in caught(faults.planned())
    assert next(count) == 3


def test_an_operator_that_fails_only_in_the_arena_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    count, right = iter(range(100)), Operators.run

    def broken(
        self: Operators, op: Operator, inputs: Mapping[int, Lent], outputs: Mapping[int, Lent]
    ) -> None:
        if op.number == 1 and next(count) == 1:
            raise NotRunError("it does not like the address")
        right(self, op, inputs, outputs)

    monkeypatch.setattr(Operators, "run", broken)
    assert (
        caught(faults.planned())
        == "step 1: runs in memory of its own, but not in the arena: it does not like the address"
    )


def test_a_kernel_that_writes_behind_the_arena_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    plan, right = faults.planned(), Operators.run
    last = max(plan.buffers, key=lambda buffer: buffer.offset)
    assert plan.arena is not None

    def careless(
        self: Operators, op: Operator, inputs: Mapping[int, Lent], outputs: Mapping[int, Lent]
    ) -> None:
        right(self, op, inputs, outputs)
        if last.tensors[0] in outputs:
            ctypes.memset(outputs[last.tensors[0]].address + last.size, 0, 1)

    monkeypatch.setattr(Operators, "run", careless)
    assert last.offset + last.size == plan.arena.size
    assert caught(plan) == "after step 5: bytes behind the end of the arena were written"


def test_a_kernel_that_demands_a_constant_only_when_it_runs_gets_it() -> None:
    text = """net (float[3,4] x, float[1,4] z) => (float[1,4] y, float[3,4] w) <int64[1] s = {0}> {
      y, w = Scan <num_scan_inputs = 1, body = row (float[1,4] a, float[4] r) => (float[1,4] b, float[4] o)
      { c = Unsqueeze(r, s) b = Add(a, c) o = Neg(r) }>(z, x) }"""
    source = faults.model(text)
    body = next(a.g for a in source.graph.node[0].attribute if a.HasField("g"))
    for value in (*body.input, *body.output):
        value.type.tensor_type.ClearField("shape")
    assert ran(source, hmcos.schedule(source)).steps == 1


def test_each_memory_is_a_block_of_its_own() -> None:
    memories = [MemoryBlock("fast", 64), MemoryBlock("slow", None)]
    plan = hmcos.schedule(faults.model(), target="none", memories=memories)
    assert plan.memories is not None
    found = ran(faults.model(), plan)
    assert (found.ends, found.steps) == (list(plan.memories.placement.sizes), 6)


def test_the_wrong_memory_is_found() -> None:
    memories = [MemoryBlock("fast", 64), MemoryBlock("slow", None)]
    plan = hmcos.schedule(faults.model(), target="none", memories=memories)
    a, b = (faults.buffer(plan, name) for name in "ab")
    buffers = list(plan.buffers)
    buffers[a] = replace(buffers[a], memory=buffers[b].memory, offset=buffers[b].offset)
    said = caught(replace(plan, buffers=tuple(buffers)))
    assert said.startswith("step ") and ("differs from byte" in said or "uses" in said)
    buffers[a] = replace(buffers[a], memory=2)
    assert "memory 2, which there is not" in caught(replace(plan, buffers=tuple(buffers)))
