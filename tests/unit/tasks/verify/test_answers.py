"""What the runtime cannot run says nothing about a plan; what is wrong with a plan is found all the same."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, parser

import hmcos
from hmcos import verify
from hmcos.__main__ import run
from hmcos.plan.plan import Plan
from hmcos.verify.checks import Answer, Verification
from unit.verify import faults

pytestmark = pytest.mark.slow

COUNTED = ["source", "target", "order", "memory", "arena", "written model"]
WRITTEN = ["source", "files", *COUNTED[1:]]
RUN = ["same function", "in the arena"]


def model(opsets: str, text: str, ir_version: int = 8) -> ModelProto:
    return parser.parse_model(f"<ir_version: {ir_version}, opset_import: [{opsets}]>\n{text}")


def adam() -> ModelProto:
    """An operator for training."""
    vectors = ", ".join(f"float[4] {name}" for name in "xgvhk")
    return model(
        '"": 17, "ai.onnx.preview.training": 1',
        f"""g (float r, int64 t, {vectors}) => (float[4] y) <float[4] w = {{1, 1, 1, 1}}> {{
        a = Neg(x) b = Mul(a, k) n, vn, hn = ai.onnx.preview.training.Adam(r, t, b, g, v, h)
        c = Add(a, n) y = Add(c, w) }}""",
    )


def bfloat16() -> ModelProto:
    """An element type for which ONNX Runtime has few kernels."""
    return model(
        '"": 17',
        """g (float[2,2] x, float[2,2] k) => (float[2,2] y) <float[2,2] w = {1, 1, 1, 1}> {
        a = Cast<to=16>(x) b = Relu(a) c = Relu(b) d = Add(b, c)
        e = Cast<to=1>(d) f = Mul(e, k) y = Add(f, w) }""",
    )


def custom() -> ModelProto:
    """An operator of somebody's own."""
    found = model(
        '"": 17, "qonnx": 1',
        """g (float[4,4] x, float[4,4] k) => (float[4,4] y)
        <float[4,4] w = {1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1}> {
        a = qonnx.Quant(x) b = Relu(a) c = Neg(a) d = Mul(b, k) e = Add(c, d) y = MatMul(e, w) }""",
    )
    found.graph.value_info.append(helper.make_tensor_value_info("a", TensorProto.FLOAT, [4, 4]))
    return found


def opset6() -> ModelProto:
    """An operator as it was in an old opset."""
    return model(
        '"": 6',
        """g (float[1,3,4,4] x, float[3] w) => (float[1,3,4,4] y) <float[3] w = {1,1,1}> {
        a = Relu(x) b = Neg(a) c = Exp(a) d = Mul(b, c) y = Add<axis=1,broadcast=1>(d, w) }""",
        3,
    )


def from_the_future() -> ModelProto:
    """A version of the format that is yet to come."""
    return model('"": 17', "g (float[4] x) => (float[4] y) <float[4] w = {1,2,3,4}> { a = Sin(x) b = Exp(a) "
                 "c = Mul(a, b) y = Add(c, w) }", 99)  # fmt: skip


NOWHERE = [adam, custom, opset6]
"""Neither ONNX Runtime nor onnx's reference evaluator runs these."""
UNCOMMON = [*NOWHERE, bfloat16, from_the_future]


def names(found: Verification, answer: Answer) -> list[str]:
    return [check.name for check in found.checks if check.answer == answer]


def written(folder: Path, source: ModelProto) -> tuple[Path, Path]:
    """Return a model's file and its plan's file."""
    path = folder / "net.onnx"
    path.write_bytes(source.SerializeToString())
    hmcos.schedule(path, output=folder / "out")
    return path, folder / "out" / "plan.json"


@pytest.mark.parametrize("uncommon", NOWHERE)
def test_what_no_runtime_loads_is_not_run(
    uncommon: Callable[[], ModelProto], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, plan = written(tmp_path, uncommon())
    found = verify(source, plan)
    assert (names(found, Answer.HOLDS), names(found, Answer.NOT_RUN)) == (WRITTEN, RUN)
    assert found.checks[-2].words.startswith("ONNX Runtime does not load the source: it ")
    assert not any("--input" in check.words for check in found.checks)
    assert run(["verify", str(source), str(plan), "--json"]) == 6
    record = json.loads(capsys.readouterr().out)
    assert (record["answer"], record["holds"]) == ("not run", None)


@pytest.mark.parametrize("uncommon", [bfloat16, from_the_future])
def test_what_only_the_reference_evaluator_loads_is_run_there(
    uncommon: Callable[[], ModelProto], tmp_path: Path
) -> None:
    found = verify(*written(tmp_path, uncommon()))
    assert names(found, Answer.HOLDS) == [*WRITTEN, *RUN]
    assert "reference evaluator" in found.checks[-2].words


def swapped(plan: Plan) -> Plan:
    return faults.with_order(plan, [*reversed(plan.order[:2]), *plan.order[2:]])


def overlapping(plan: Plan) -> Plan:
    return faults.overlapping(plan)[0]


@pytest.mark.parametrize("uncommon", UNCOMMON)
@pytest.mark.parametrize(("fault", "check"), [(swapped, "order"), (overlapping, "arena")])
def test_faults_of_a_plan_are_found_without_running(
    uncommon: Callable[[], ModelProto], fault: Callable[[Plan], Plan], check: str
) -> None:
    source = uncommon()
    found = verify(source, fault(hmcos.schedule(source, target="none")))
    assert found.answer == Answer.FAILS
    assert names(found, Answer.FAILS) == [check]


def a_weight(result: ModelProto) -> None:
    tensor = result.graph.initializer[0]
    numbers = np.frombuffer(tensor.raw_data, np.float32) if tensor.raw_data else np.array(tensor.float_data)
    tensor.ClearField("float_data")
    tensor.raw_data = (numbers.astype(np.float32) + 1).tobytes()


def a_weight_twice(result: ModelProto) -> None:
    """ONNX Runtime takes the first, other readers the last."""
    first = result.graph.initializer[0]
    result.graph.initializer.append(first)
    a_weight(result)


def an_output(result: ModelProto) -> None:
    result.graph.output[0].name = result.graph.node[-2].output[0]


def a_node(result: ModelProto) -> None:
    result.graph.node[-1].input.reverse()


def the_order(result: ModelProto) -> None:
    nodes = list(result.graph.node)[::-1]
    del result.graph.node[:]
    result.graph.node.extend(nodes)


@pytest.mark.parametrize("uncommon", UNCOMMON)
@pytest.mark.parametrize("change", [a_weight, a_weight_twice, an_output, a_node, the_order])
def test_faults_of_a_written_model_are_found_without_running(
    uncommon: Callable[[], ModelProto], change: Callable[[ModelProto], None], tmp_path: Path
) -> None:
    source, _ = written(tmp_path, uncommon())
    result = tmp_path / "out" / "net.onnx"
    model = ModelProto.FromString(result.read_bytes())
    change(model)
    result.write_bytes(model.SerializeToString())
    found = verify(source, result)
    assert found.answer == Answer.FAILS
    assert names(found, Answer.FAILS) == ["written model"]
    assert run(["verify", str(source), str(result)]) == 5


def test_a_runtime_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, plan = written(tmp_path, faults.model())

    def nothing(name: str, package: str | None = None) -> None:
        return None

    monkeypatch.setattr(importlib.util, "find_spec", nothing)
    found = verify(source, plan)
    assert (names(found, Answer.HOLDS), names(found, Answer.NOT_RUN)) == (WRITTEN, RUN)
    assert {check.words for check in found.checks[-2:]} == {
        "ONNX Runtime is not installed: pip install 'hmcos[verify]'"
    }
    assert run(["verify", str(source), str(plan)]) == 6
    wrong = verify(source, overlapping(hmcos.schedule(source, target="none")))
    assert (wrong.answer, names(wrong, Answer.FAILS)) == (Answer.FAILS, ["arena"])


def test_indices_are_drawn_within_their_table() -> None:
    source = faults.model(
        """net (float[8,4] x, int64[3] i) => (float[3,4] y) <int64 k = {100}>
        { j = Mul(i, k) y = Gather(x, j) }"""
    )
    found = verify(source, hmcos.schedule(source))
    assert found.holds
    assert "integer inputs" not in found.checks[-2].words


def test_integers_that_the_source_refuses_are_replaced_by_others() -> None:
    """No file tells that a number must not be 0: here what is divided by is computed."""
    source = faults.model("net (int32[40] x, int32[40] z) => (int32[40] y) { w = Neg(z) y = Div(x, w) }")
    found = verify(source, hmcos.schedule(source))
    assert found.holds
    assert "integer inputs are 1, as it fails on others" in found.checks[-2].words


def test_a_source_that_fails_on_all_inputs_is_not_run() -> None:
    source = faults.model(
        """net (float[4] x, int64[1] i) => (float[1] y) <int64[1] far = {9}>
        { j = Add(i, far) k = Max(j, far) y = Gather(x, k) }"""
    )
    found = verify(source, hmcos.schedule(source))
    assert (names(found, Answer.HOLDS), names(found, Answer.NOT_RUN)) == (COUNTED, RUN)
    words = found.checks[-2].words
    assert words.startswith(
        "ONNX Runtime fails to run the source on the random inputs of run 0: operator Gather"
    )
    assert words.endswith("; if an input has to be special, give it with --input")


def test_a_declared_output_shape_that_is_wrong_is_no_fault_of_the_plan(tmp_path: Path) -> None:
    source = faults.model(
        """net (float[1,400,W] x) => (float[1,16] y) <int64[1] two = {2}, int64[2] rest = {1, -1}>
        { a = Relu(x) s = Shape(a) n = Gather(s, two) p = Concat<axis=0>(n, rest) y = Reshape(a, p) }"""
    )
    plan = hmcos.schedule(source, bind={"W": 8})
    assert verify(source, plan).holds


def test_a_size_that_depends_on_the_data_is_no_fault_of_the_plan() -> None:
    source = faults.model("net (float[4,4] x) => (float[2,N] y) { i = NonZero(x) y = Cast<to=1>(i) }")
    source.graph.value_info.append(helper.make_tensor_value_info("i", TensorProto.INT64, [2, "N"]))
    holds = verify(source, hmcos.schedule(source, bind={"N": 40}))
    assert holds.holds
    assert "other than declared, 'i' is [2, 16], not [2, 40]" in holds.checks[-1].words
    small = verify(source, hmcos.schedule(source, bind={"N": 4}))
    assert (small.answer, names(small, Answer.NOT_RUN)) == (Answer.NOT_RUN, ["in the arena"])
    assert "makes 'i' of [2, 16] from these inputs, but the plan counts [2, 4]" in small.checks[-1].words


def test_outputs_that_are_all_drawn_cannot_be_compared() -> None:
    source = faults.model("net (float[4] x) => (float[4] y) { r = RandomNormalLike(x) y = Add(x, r) }")
    found = verify(source, hmcos.schedule(source))
    assert (found.answer, names(found, Answer.NOT_RUN)) == (Answer.NOT_RUN, ["same function"])
    assert "every output depends on the random operator 0 (RandomNormalLike)" in found.checks[-2].words
    assert found.checks[-1].held


def test_branches_of_different_sizes(tmp_path: Path) -> None:
    """The plan counts what the larger one makes; on these inputs the smaller one may run."""
    source = faults.model("""net (bool c, float[4] x) => (float[N] y) { y = If(c) <
        then_branch = t () => (float[4] a) { a = Relu(x) },
        else_branch = e () => (float[8] b) { b = Concat<axis=0>(x, x) }> }""")
    plan = hmcos.schedule(source, bind={"N": 8})
    for choice in (True, False):
        np.save(tmp_path / "c.npy", np.array(choice))
        assert verify(source, plan, inputs={"c": tmp_path / "c.npy"}).holds
