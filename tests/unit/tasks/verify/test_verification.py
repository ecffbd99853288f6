"""`verify` holds for what is right, and names what is wrong."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from onnx import ModelProto, numpy_helper, parser

import hmcos
from hmcos import verify
from hmcos.__main__ import run
from hmcos.errors import OptionError, PlanError
from hmcos.plan.plan import Plan
from hmcos.verify.checks import Answer, Verification
from unit.verify import faults

pytestmark = pytest.mark.slow

BODY = """net (bool go, float[4] x) => (float[4] y)
{
  a = Relu(x)
  b = Exp(x)
  c = If (go) <
    then_branch = yes () => (float[4] t) { s = Add(a, b) r = Sqrt(s) t = Add(r, s) },
    else_branch = no () => (float[4] e) { e = Mul(a, b) }
  >
  y = Neg(c)
}"""
RANDOM = "net (float[4] x) => (float[4] y, float[4] z) { r = RandomNormalLike(x) y = Add(x, r) z = Exp(x) }"


def failed(source: ModelProto | Path, result: Plan | Path) -> tuple[str, str]:
    """Return name and words of the one check that failed, which is the last."""
    found = verify(source, result)
    assert not found.holds
    assert all(check.held for check in found.checks[:-1])
    return found.checks[-1].name, found.checks[-1].words


@pytest.mark.parametrize("text", [faults.NET, faults.GELU, BODY, RANDOM])
@pytest.mark.parametrize("external_io", [False, True])
def test_right_plans_hold(text: str, external_io: bool) -> None:
    source = faults.model(text)
    found = verify(source, hmcos.schedule(source, external_io=external_io))
    assert found.holds, found.checks
    names = [check.name for check in found.checks]
    assert names == [
        "source", "target", "order", "memory", "arena", "written model", "same function", "in the arena",
    ]  # fmt: skip


def test_random_operators_are_named() -> None:
    source = faults.model(RANDOM)
    words = verify(source, hmcos.schedule(source)).checks[-1].words
    assert "left out what depends on the random operator 0 (RandomNormalLike)" in words


def test_two_operators_swapped() -> None:
    plan = faults.planned()
    order = list(plan.order)
    order[0], order[1] = order[1], order[0]
    name, words = failed(faults.model(), faults.with_order(plan, order))
    assert name == "order"
    assert words == "step 0, operator 1 (MatMul): reads tensor 'a' before it is made"


def test_an_operator_missing() -> None:
    plan = faults.planned()
    assert failed(faults.model(), faults.with_order(plan, plan.order[:-1])) == (
        "order",
        "operator 5 never runs",
    )


def test_an_operator_doubled() -> None:
    plan = faults.planned()
    order = [*plan.order[:-1], plan.order[0]]
    name, words = failed(faults.model(), faults.with_order(plan, order))
    assert (name, words) == ("order", "step 5: operator 0 runs a second time")


def test_buffers_that_overlap_by_one_byte() -> None:
    plan, lower, upper = faults.overlapping(faults.planned())
    name, words = failed(faults.model(), plan)
    assert name == "arena"
    assert words.startswith("step ") and f"{lower!r}" in words and f"{upper!r}" in words
    first, end = (int(number) for number in words.rpartition("[")[2].rstrip(")").split(", "))
    assert end - first == 1


def test_a_life_one_step_short() -> None:
    plan = faults.planned()
    short = replace(faults.short_lived(plan, "a"), memory=plan.memory)
    name, words = failed(faults.model(), short)
    assert name == "arena" and words.startswith("'a': has its place in [")


def test_an_overwrite_of_what_is_read_later() -> None:
    lines = faults.NET.splitlines()
    late = next(i for i, line in enumerate(lines) if line.startswith("  c = "))
    lines.insert(-2, lines.pop(late))
    source = faults.model("\n".join(lines))
    plan = hmcos.schedule(source, scheduler="given")
    d, b = faults.buffer(plan, "d"), faults.buffer(plan, "b")
    assert plan.buffers[d].takes_over == faults.buffer(plan, "a")
    buffers = list(plan.buffers)
    buffers[d] = replace(buffers[d], takes_over=b, offset=buffers[b].offset)
    name, words = failed(source, faults.with_buffers(plan, buffers))
    assert name == "arena" and words.startswith("'d': is written over 'b', which is still needed")


def test_a_comparison_that_overwrites_a_broadcast_input() -> None:
    careless = faults.planned(faults.COMPARISON, target="hmcos")
    careful = faults.planned(faults.COMPARISON, target="default")
    wrong = replace(careless, target=careful.target)
    name, words = failed(faults.model(faults.COMPARISON), wrong)
    assert name == "memory" and words.startswith("step 1, operator 1 (Less)")
    wrong = replace(careful, arena=careless.arena, buffers=careless.buffers)
    name, words = failed(faults.model(faults.COMPARISON), wrong)
    assert name == "arena" and words.startswith("'y': operator 1 may not write it over")


def test_a_plan_of_another_model() -> None:
    name, words = failed(faults.model(faults.GELU), faults.planned())
    assert name == "source" and words.startswith("the plan is for another model")


def test_a_truncated_plan(tmp_path: Path) -> None:
    hmcos.schedule(faults.saved(tmp_path), output=tmp_path / "out")
    plan = tmp_path / "out" / "plan.json"
    plan.write_text(plan.read_text()[:-100])
    with pytest.raises(PlanError, match="not a plan, or cut off"):
        verify(tmp_path / "net.onnx", plan)


def changed(folder: Path, result: ModelProto) -> tuple[str, str]:
    """Return what fails when the written model is replaced by another one."""
    source = faults.saved(folder)
    out = folder / "out"
    hmcos.schedule(source, output=out)
    (out / "net.onnx").write_bytes(result.SerializeToString())
    found = verify(source, out / "plan.json")
    assert not found.holds
    return found.checks[-1].name, found.checks[-1].words


def test_weights_changed_in_the_result(tmp_path: Path) -> None:
    result = faults.model()
    result.graph.initializer[0].float_data[0] += 1
    name, words = changed(tmp_path, result)
    assert name == "written model" and words.startswith("parameter 'w' was changed")


def test_nodes_of_the_result_swapped_missing_doubled_or_changed(tmp_path: Path) -> None:
    result = faults.model()
    result.graph.node.reverse()
    assert "net.onnx: step 0 is operator 5, but the plan says 0" in changed(tmp_path, result)[1]
    result = faults.model()
    del result.graph.node[2]
    assert changed(tmp_path, result)[1] == "operator 2, (MatMul), of the source is missing"
    result = faults.model()
    result.graph.node.append(result.graph.node[0])
    assert changed(tmp_path, result)[1] == "step 6, (Sin): runs a second time"
    result = faults.model()
    result.graph.node[0].op_type = "Cos"
    assert changed(tmp_path, result)[1] == "step 0, (Cos): is not in the source, or was changed"
    result = faults.model()
    result.opset_import[0].version = 20
    assert "more than the order of its nodes" in changed(tmp_path, result)[1]


def test_data_files_changed_beside_the_result(tmp_path: Path) -> None:
    source, out = tmp_path / "net.onnx", tmp_path / "out"
    net, onnx = faults.model(), cast(Any, importlib.import_module("onnx"))
    weights = numpy_helper.to_array(net.graph.initializer[0])
    net.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, "w"))
    onnx.save_model(net, source, save_as_external_data=True, location="w.bin", size_threshold=0)
    hmcos.schedule(source, output=out)
    assert verify(source, out / "plan.json").holds
    content = bytearray((out / "w.bin").read_bytes())
    content[3] ^= 1
    (out / "w.bin").write_bytes(content)
    words = verify(source, out / "plan.json").checks[-1].words
    assert words == "data file 'w.bin' was changed: the result computes another function"


def test_local_functions_and_symbols(tmp_path: Path) -> None:
    source = faults.model(
        "net (float[N,8] x) => (float[N,8] y) { a = Relu(x) b = own.both(a) y = own.both(b) }"
    )
    text = '<opset_import: ["" : 21], domain: "own"> both (u) => (v) { s = Sin(u) c = Cos(u) v = Add(s, c) }'
    source.functions.append(parser.parse_function(text))
    source.opset_import.add(domain="own", version=1)
    (tmp_path / "net.onnx").write_bytes(source.SerializeToString())
    hmcos.schedule(tmp_path / "net.onnx", bind={"N": 3}, output=tmp_path / "out")
    assert verify(tmp_path / "net.onnx", tmp_path / "out" / "plan.json").holds
    assert verify(tmp_path / "net.onnx", tmp_path / "out" / "net.onnx", bind={"N": 5}).holds
    # The source itself still has its functions.
    assert verify(tmp_path / "net.onnx", tmp_path / "net.onnx", bind={"N": 5}).holds
    source.functions[0].node[0].op_type = "Tan"
    (tmp_path / "other.onnx").write_bytes(source.SerializeToString())
    found = verify(tmp_path / "net.onnx", tmp_path / "other.onnx", bind={"N": 5}).checks[-1]
    assert found.words.startswith("step 1, (Tan): is not in the source, or was changed")
    source.functions[0].node.add(op_type="both", domain="own", input=["u"], output=["w"])
    (tmp_path / "other.onnx").write_bytes(source.SerializeToString())
    found = verify(tmp_path / "net.onnx", tmp_path / "other.onnx", bind={"N": 5}).checks[-1]
    assert "other.onnx: its local functions cannot be inlined" in found.words


def test_a_body_of_the_result_in_another_order(tmp_path: Path) -> None:
    source, out = faults.saved(tmp_path, BODY), tmp_path / "out"
    hmcos.schedule(source, output=out)
    assert verify(source, out / "plan.json").holds
    result = ModelProto.FromString((out / "net.onnx").read_bytes())
    branch = next(node for node in result.graph.node if node.op_type == "If").attribute[0].g
    branch.node.reverse()
    (out / "net.onnx").write_bytes(result.SerializeToString())
    words = verify(source, out / "plan.json").checks[-1].words
    assert words == "node 2/then_branch: the result has its nodes in another order than the plan"


DRAWN_INSIDE = """net (bool go, float[4] x) => (float[4] y, float[4] z)
{
  z = Exp(x)
  y = If (go) <
    then_branch = yes () => (float[4] t) { r = RandomNormalLike(x) s = RandomUniformLike(x) t = Sub(r, s) },
    else_branch = no () => (float[4] e) { e = Neg(x) }
  >
}"""


@pytest.mark.parametrize(
    ("text", "first", "words"),
    [
        (BODY, 1, "then_branch: step 0, operator 1 (Sqrt): reads tensor 's' before it is made"),
        (DRAWN_INSIDE, 1, "then_branch: step 1, operator 0 (RandomNormalLike): runs after random operator 1"),
    ],
)
def test_a_body_in_a_wrong_order_is_found_without_a_plan(
    text: str, first: int, words: str, tmp_path: Path
) -> None:
    source = faults.saved(tmp_path, text)
    result = faults.model(text)
    branch = next(node for node in result.graph.node if node.op_type == "If").attribute[0].g
    nodes = list(branch.node)
    del branch.node[:]
    branch.node.extend([nodes.pop(first), *nodes])
    (tmp_path / "other.onnx").write_bytes(result.SerializeToString())
    name, found = failed(source, tmp_path / "other.onnx")
    assert name == "written model"
    assert found.endswith(words)


def test_a_plan_of_another_format_is_told_from_one_of_another_model() -> None:
    plan = faults.planned()
    other = replace(plan, source=replace(plan.source, format="tflite"))
    assert failed(faults.model(), other) == (
        "source",
        f"source.format: is 'tflite' in the plan, but {plan.source.name} is 'onnx'",
    )


def test_a_model_can_be_compared_without_its_plan(tmp_path: Path) -> None:
    source = faults.saved(tmp_path)
    hmcos.schedule(source, output=tmp_path / "out")
    found = verify(source, tmp_path / "out" / "net.onnx")
    assert found.holds
    assert [check.name for check in found.checks] == ["written model", "same function"]
    (tmp_path / "out" / "net.onnx").write_bytes(b"no model")
    assert "is not an ONNX model" in verify(source, tmp_path / "out" / "net.onnx").checks[-1].words


def test_a_written_model_that_is_gone_is_told(tmp_path: Path) -> None:
    source = faults.saved(tmp_path)
    hmcos.schedule(source, output=tmp_path / "out")
    (tmp_path / "out" / "net.onnx").unlink()
    words = {check.name: check.words for check in verify(source, tmp_path / "out" / "plan.json").checks}
    assert words["written model"].startswith(
        "net.onnx is missing; checked the source in the planned order instead"
    )


def test_a_source_beside_a_plan_is_not_taken_for_the_written_model(tmp_path: Path) -> None:
    source, out = faults.saved(tmp_path), tmp_path / "out"
    plan = hmcos.schedule(source, target="none", output=out)
    assert plan.order != tuple(range(6))
    (out / "net.onnx").unlink()
    (out / "plan.json").rename(tmp_path / "plan.json")
    found = verify(source, tmp_path / "plan.json")
    assert found.holds
    words = next(check.words for check in found.checks if check.name == "written model")
    assert words.startswith("net.onnx is missing; checked the source in the planned order instead")


def test_a_problem_is_checked_without_running_it(tmp_path: Path) -> None:
    instance = tmp_path / "net.json"
    hmcos.export_instance(faults.saved(tmp_path), instance)
    found = verify(instance, hmcos.schedule(instance))
    assert found.holds
    assert [check.name for check in found.checks] == ["source", "target", "order", "memory", "arena"]
    with pytest.raises(OptionError, match="can be compared with a model"):
        verify(instance, tmp_path / "net.onnx")


def test_own_inputs_are_used_and_checked(tmp_path: Path) -> None:
    source, plan = faults.model(), faults.planned()
    np.save(tmp_path / "x.npy", np.ones((1, 8), np.float32))
    assert verify(source, plan, inputs={"x": tmp_path / "x.npy"}).holds
    with pytest.raises(OptionError, match="no such input; it has x"):
        verify(source, plan, inputs={"u": tmp_path / "x.npy"})
    np.save(tmp_path / "x.npy", np.ones((1, 8)))
    with pytest.raises(OptionError, match="holds float64"):
        verify(source, plan, inputs={"x": tmp_path / "x.npy"})


def not_run(found: Verification) -> str:
    """Return why the models were not run, of a verification of which all else holds."""
    assert found.answer == Answer.NOT_RUN
    assert not found.holds
    assert not any(check.failed for check in found.checks)
    unknown = {check.name: check.words for check in found.checks if not check.held}
    assert list(unknown) == ["same function", "in the arena"]
    return unknown["same function"]


def test_a_model_that_takes_too_much_memory_is_not_run() -> None:
    text = """net (float[1] x) => (float[1] y) <int64[1] big = {200000000}>
    { a = Expand(x, big) b = ReduceMax<keepdims=0>(a) y = Add(b, x) }"""
    source, limit = faults.model(text), 1000 * 2**20
    assert verify(faults.model(), faults.planned(), memory_limit=limit).holds
    words = not_run(verify(source, hmcos.schedule(source), memory_limit=limit))
    assert "more than the 1,048,576,000 bytes of memory that it may take; raise --memory-limit" in words
    assert "--input" not in words


def test_inputs_that_are_too_large_are_not_drawn() -> None:
    source = faults.model("net (float[500000000] x) => (float[1] y) { y = ReduceMax<keepdims=1>(x) }")
    words = not_run(verify(source, hmcos.schedule(source), memory_limit=1000 * 2**20))
    assert "more than the 1,048,576,000 bytes of memory that it may take; raise --memory-limit" in words


def test_a_model_that_never_ends_is_not_run() -> None:
    text = """net (float[4] x) => (float[4] y) <bool go = {1}> {
      y = Loop (, go, x) <body = step (int64 i, bool before, float[4] s) => (bool after, float[4] t)
        { after = Identity(before) t = Neg(s) }>
    }"""
    source = faults.model(text)
    words = not_run(verify(source, hmcos.schedule(source), time_limit=2))
    # On a busy machine it may end by the clock, and before the model begins.
    assert words.startswith("running the ") and words.endswith("; raise --time-limit")


def test_operators_of_custom_libraries_are_not_run() -> None:
    source = faults.model("net (float[4] x) => (float[4] y) { a = Relu(x) y = my.lib.Op(a) }")
    del source.graph.value_info[:]
    source.opset_import.add(domain="my.lib", version=1)
    words = not_run(verify(source, hmcos.schedule(source)))
    assert words.startswith(
        "ONNX Runtime does not load the source: it has no operator my.lib:Op, and libraries of custom "
        "operators are never loaded; onnx's reference evaluator does not load the source: "
    )


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = str(faults.saved(tmp_path)), tmp_path / "out"
    assert run(["schedule", source, "-o", str(out), "--json"]) == 0
    capsys.readouterr()
    assert run(["verify", source, str(out / "plan.json"), "--runs", "1", "--seed", "9"]) == 0
    shown = capsys.readouterr().out
    assert "in the arena" in shown and "all holds" in shown
    text = (out / "plan.json").read_text()
    (out / "plan.json").write_text(text.replace('"peak": ', '"peak": 1', 1))
    assert run(["verify", source, str(out / "plan.json"), "--json"]) == 5
    record = json.loads(capsys.readouterr().out)
    assert record["holds"] is False
    assert record["checks"][-1]["check"] == "memory"
    assert run(["verify", source, str(out / "none.json")]) == 1
    assert run(["verify", source, str(out / "plan.json"), "--input", "x"]) == 2
