"""Models that lose their float inputs and outputs: written, proved, and run against their sources."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper

import hmcos
from hmcos.errors import PlanError
from hmcos.frontends.format import OffsetsInFiles
from hmcos.frontends.loading import format_called, load
from hmcos.frontends.tflite.reading import model_in, parse
from hmcos.frontends.tflite.writing import pack
from hmcos.tasks.verify.run_options import Running
from hmcos.tasks.verify.tflite_runs import outputs_checks
from hmcos.tasks.verify.tflite_trial import TfliteTrial
from hmcos.verify.checks import Answer
from tflite_models import NUMPY, S, Sketch

pytest.importorskip("tflite_micro")

WIDE = 6
"""Channels between two convolutions."""
STRIPPING = hmcos.Tiling(max_extra_macs=0.4, strip_quantize=True, tile_for="peak")


def scaled(scale: float, zero: int) -> Any:
    return S.QuantizationParametersT(scale=[scale], zeroPoint=[zero])


def ends(inputs: int = 1, *, between: bool = True) -> Sketch:
    """Return float images that are quantized, subtracted, convolved or turned, and given back as floats."""
    sketch = Sketch()
    sketch.subgraph()
    floats = [sketch.tensor([1, 16, 16, 2], "FLOAT32") for _ in range(inputs)]
    read = [sketch.tensor([1, 16, 16, 2], quantization=scaled(0.5, 3)) for _ in floats]
    for one, other in zip(floats, read, strict=True):
        sketch.operator("QUANTIZE", [one], [other])
    last = read[0]
    if inputs > 1:
        last = sketch.tensor([1, 16, 16, 2], quantization=scaled(0.7, 0))
        sketch.operator("SUB", read, [last])
    if between:
        last = convolved(sketch, last, WIDE)
        last = convolved(sketch, last, 2)
        return given_back(sketch, floats, last)
    axes = sketch.tensor([4], "INT32", NUMPY.array([0, 3, 1, 2], "int32"))
    turned = sketch.tensor([1, 2, 16, 16], quantization=scaled(0.5, 3))
    sketch.operator("TRANSPOSE", [last, axes], [turned])
    return given_back(sketch, floats, turned)


def given_back(sketch: Sketch, floats: list[int], last: int) -> Sketch:
    made = sketch.tensor([*sketch.model.subgraphs[0].tensors[last].shape], "FLOAT32")
    sketch.operator("DEQUANTIZE", [last], [made])
    sketch.ports(floats, [made])
    return sketch


def convolved(sketch: Sketch, x: int, channels: int) -> int:
    read = sketch.model.subgraphs[0].tensors[x].shape[3]
    numbers = NUMPY.random.default_rng(x).integers(-127, 128, [channels, 3, 3, read]).astype("int8")
    weights = sketch.tensor([*numbers.shape], "INT8", numbers, quantization=scaled(0.004, 0))
    bias = sketch.tensor([channels], "INT32", NUMPY.arange(channels).astype("int32"))
    y = sketch.tensor([1, 16, 16, channels], quantization=scaled(0.5, -4))
    sketch.operator("CONV_2D", [x, weights, bias], [y], padding=S.Padding.SAME, strideH=1, strideW=1)
    return y


def saved(sketch: Sketch, folder: Path) -> Path:
    path = folder / "floats.tflite"
    path.write_bytes(sketch.bytes())
    return path


def test_a_tiled_model_takes_and_makes_quantized_tensors_where_that_is_asked_for(tmp_path: Path) -> None:
    path = saved(ends(), tmp_path)
    plain = hmcos.schedule(path, tile=hmcos.Tiling(max_extra_macs=0.4))
    assert plain.rewriting is None or not plain.rewriting.stripped
    plan = hmcos.schedule(path, output=tmp_path / "out", tile=STRIPPING)
    assert plan.rewriting is not None
    assert plan.rewriting.stripped == (0, 3)
    assert plan.rewriting.regions
    assert set(plan.rewriting.order) == {1, 2}
    assert plan.rewriting.operators_before == 4
    assert plan.peak < plain.peak
    written = load(str(plan.outputs.model)).graph
    assert [written.tensors[t].element for t in (*written.inputs, *written.outputs)] == ["int8", "int8"]
    found = hmcos.verify(path, plan)
    assert found.holds, found
    words = {check.name: check.words for check in found.checks}
    for engine in ("LiteRT", "XNNPACK", "TFLM"):
        assert "floats taken as what they are quantized to" in words[f"outputs in {engine}"]
    assert f"head {plan.rewriting.peak_before:,} -> {plan.peak:,}" in words["arena in TFLM"]


def test_stripping_alone_is_a_result(tmp_path: Path) -> None:
    path = saved(ends(between=False), tmp_path)
    plan = hmcos.schedule(path, output=tmp_path / "out", tile=STRIPPING)
    assert plan.rewriting is not None
    assert (plan.rewriting.stripped, plan.rewriting.regions) == ((0, 2), ())
    assert (plan.rewriting.peak_before, plan.rewriting.peak_best_order, plan.peak) == (2560, 2560, 1024)
    assert "TRANSPOSE" in plan.untiled
    assert hmcos.verify(path, plan).holds
    assert hmcos.explain(path, plan).tiling.rewriting == plan.rewriting


def test_a_budget_that_stripping_meets_needs_no_tiling(tmp_path: Path) -> None:
    path = saved(ends(), tmp_path)
    plan = hmcos.schedule(path, budget=16 * 16 * (WIDE + 2), tile=STRIPPING)
    assert plan.rewriting is not None
    assert plan.rewriting.stripped == (0, 3)
    assert plan.rewriting.regions == ()


def test_nothing_to_strip_is_said(tmp_path: Path) -> None:
    sketch = Sketch()
    sketch.subgraph()
    x, y = sketch.tensor([1, 64]), sketch.tensor([1, 64])
    sketch.operator("TRANSPOSE", [x, sketch.tensor([2], "INT32", NUMPY.array([0, 1], "int32"))], [y])
    sketch.ports([x], [y])
    plan = hmcos.schedule(saved(sketch, tmp_path), tile=STRIPPING)
    assert plan.rewriting is None
    assert plan.untiled.endswith("and it has no float inputs or outputs to strip")


def test_a_plan_that_strips_something_else_is_refused(tmp_path: Path) -> None:
    path = saved(ends(), tmp_path)
    hmcos.schedule(path, output=tmp_path / "out", tile=STRIPPING)
    file = tmp_path / "out" / "plan.json"
    record = json.loads(file.read_text())
    for wrong in ([0], [1, 2], [0, 99]):
        record["rewriting"]["stripped"] = wrong
        file.write_text(json.dumps(record))
        with pytest.raises(PlanError, match=r"rewriting\.stripped: are not the float ends of the model"):
            hmcos.verify(path, file)


def test_inputs_that_changed_places_are_found_by_running(tmp_path: Path) -> None:
    """A stripping that is wrong is wrong in the plan and in the written model alike."""
    path = saved(ends(2), tmp_path)
    bare = hmcos.tile(path, STRIPPING).model
    file: Any = parse(cast(bytes, bare.proto))
    graph = file.subgraphs[0]
    graph.inputs = [*graph.inputs][::-1]
    wrong = replace(model_in(pack(file), path), origin=load(path))
    held = cast(OffsetsInFiles, format_called("tflite").offsets)
    for model, answer in ((bare, Answer.HOLDS), (wrong, Answer.FAILS)):
        trial = TfliteTrial(model, held, Running(runs=1), {}, (0, 1, 5))
        answers = {check.name: check.answer for check in outputs_checks(trial, cast(bytes, model.proto))}
        assert set(answers.values()) == {answer}


def test_signatures_name_the_quantized_tensors(tmp_path: Path) -> None:
    sketch = ends()
    graph = sketch.model.subgraphs[0]
    sketch.model.signatureDefs = [
        S.SignatureDefT(
            inputs=[S.TensorMapT(name="in", tensorIndex=graph.inputs[0])],
            outputs=[S.TensorMapT(name="out", tensorIndex=graph.outputs[0])],
            signatureKey="serve",
        )
    ]
    file: Any = parse(cast(bytes, hmcos.tile(saved(sketch, tmp_path), STRIPPING).model.proto))
    signature, graph = file.signatureDefs[0], file.subgraphs[0]
    assert signature.inputs[0].tensorIndex == graph.inputs[0]
    assert signature.outputs[0].tensorIndex == graph.outputs[0]


def quantized_onnx(folder: Path, *, shared: bool) -> Path:
    """Return two quantized convolutions between floats; the ends may have scales of their own."""
    stored: dict[str, Any] = {
        "scale": np.float32(0.05),
        "zero": np.int8(5),
        "own scale": np.float32(0.02),
        "own zero": np.int8(-3),
        "weights": np.random.default_rng(0).integers(-99, 99, (16, 3, 3, 3)).astype(np.int8),
        "more weights": np.random.default_rng(1).integers(-99, 99, (8, 16, 3, 3)).astype(np.int8),
        "weight scale": np.float32(0.01),
        "weight zero": np.int8(0),
    }
    same = ["scale", "zero"]
    entering = same if shared else ["own scale", "own zero"]
    weighted = ["weight scale", "weight zero", *same]
    nodes = [
        helper.make_node("QuantizeLinear", ["x", *entering], ["x quantized"]),
        helper.make_node("QLinearConv", ["x quantized", *same, "weights", *weighted], ["a"], pads=[1] * 4),
        helper.make_node("QLinearConv", ["a", *same, "more weights", *weighted], ["b"], pads=[1] * 4),
        helper.make_node("DequantizeLinear", ["b", *same], ["y"]),
    ]
    ports = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, 24, 24]),
        helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 8, 24, 24]),
    ]
    parameters = [numpy_helper.from_array(value, name) for name, value in stored.items()]
    graph = helper.make_graph(nodes, "quantized", ports[:1], ports[1:], parameters)
    path = folder / "quantized.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("shared", [False, True])
def test_onnx_is_stripped_too(tmp_path: Path, shared: bool) -> None:
    path = quantized_onnx(tmp_path, shared=shared)
    plan = hmcos.schedule(path, bind={"batch": 1}, output=tmp_path / "out", tile=STRIPPING)
    assert plan.rewriting is not None
    assert plan.rewriting.stripped == (0, 3)
    written = ModelProto.FromString(Path(str(plan.outputs.model)).read_bytes())
    cast(Any, checker).check_model(written, full_check=True)
    assert [value.name for value in (*written.graph.input, *written.graph.output)] == ["x quantized", "b"]
    assert {value.type.tensor_type.elem_type for value in written.graph.input} == {TensorProto.INT8}
    assert written.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    kept = {tensor.name for tensor in written.graph.initializer}
    assert ("own scale" in kept) is shared  # then nobody has read it before either
    assert {"scale", "zero", "weights"} <= kept
    found = hmcos.verify(path, plan)
    assert found.holds, found
    words = {check.name: check.words for check in found.checks}
    assert "floats taken as what they are quantized to" in words["same function"]
