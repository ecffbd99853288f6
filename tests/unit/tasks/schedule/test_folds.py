"""Networks whose sizes are computed at run time, or that pad by operators of their own, tiled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime  # pyright: ignore[reportMissingTypeStubs]
import pytest
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

import hmcos
from hmcos.errors import PlanError
from hmcos.plan.file.plan_file import read_plan

GENEROUS = hmcos.Tiling(0.4)


def node(kind: str, inputs: str, output: str, **attributes: Any) -> NodeProto:
    return helper.make_node(kind, inputs.split(), [output], name=output, **attributes)


def model(nodes: list[NodeProto], weights: dict[str, Any], shape: tuple[int | str, ...]) -> ModelProto:
    graph = helper.make_graph(
        nodes,
        "folds",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (shape[0], None, "rows", "columns"))],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def floats(*shape: int) -> Any:
    return np.random.default_rng(len(shape) + shape[0]).standard_normal(shape).astype(np.float32) / 4


def upward(shape: tuple[int | str, ...] = (1, 3, 32, 32)) -> ModelProto:
    """What exporters write of interpolate(size=...): a small image becomes as large as the input."""
    nodes = [
        node("Conv", "x w", "small", pads=[1, 1, 1, 1], strides=[2, 2]),
        node("Shape", "small", "all"),
        node("Slice", "all zero two zero", "front"),
        node("Shape", "x", "given"),
        node("Gather", "given rows", "height"),
        node("Gather", "given columns", "width"),
        node("Concat", "height width", "image", axis=0),
        node("Concat", "front image", "size", axis=0),
        helper.make_node("Resize", ["small", "", "", "size"], ["large"], mode="nearest"),
        node("Conv", "large v", "wide", pads=[1, 1, 1, 1]),
        node("Relu", "wide", "more"),
        node("Conv", "more u", "y"),
    ]
    nodes[8].attribute.extend(
        helper.make_attribute(name, value)
        for name, value in (("coordinate_transformation_mode", "asymmetric"), ("nearest_mode", "floor"))
    )
    numbers = {name: np.array([value], np.int64) for name, value in
               (("zero", 0), ("two", 2), ("rows", 2), ("columns", 3))}  # fmt: skip
    weights = {"w": floats(8, 3, 3, 3), "v": floats(16, 8, 3, 3), "u": floats(2, 16, 1, 1)}
    return model(nodes, weights | numbers, shape)


def padded() -> ModelProto:
    """A large image that is padded before a convolution makes it small; no region helps here."""
    nodes = [
        node("Conv", "x w", "image"),
        node("Pad", "image pads", "larger"),
        node("Conv", "larger v", "y", strides=[2, 2]),
    ]
    weights = {"w": floats(3, 3, 1, 1), "v": floats(4, 3, 3, 3), "pads": np.array([0, 0, 0, 0, 0, 0, 1, 1])}
    return model(nodes, weights, (1, 3, 32, 32))


def saved(tmp_path: Path, source: ModelProto) -> Path:
    path = tmp_path / "source.onnx"
    path.write_bytes(source.SerializeToString())
    return path


def run(path: Path, x: Any) -> Any:
    runtime: Any = onnxruntime
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return runtime.InferenceSession(str(path), options).run(None, {"x": x})[0]


def test_sizes_computed_at_run_time_are_no_obstacle(tmp_path: Path) -> None:
    path = saved(tmp_path, upward())
    before = path.read_bytes()
    plan = hmcos.schedule(path, tile=GENEROUS, output=tmp_path / "out")
    rewriting = plan.rewriting
    assert rewriting is not None
    assert rewriting.folds == (1, 2, 3, 4, 5, 6, 7)
    assert plan.peak < rewriting.peak_best_order / 2
    written = onnx.load(str(tmp_path / "out/source.onnx"))  # pyright: ignore[reportUnknownMemberType]
    kinds = {node.op_type for node in written.graph.node}
    assert kinds == {"Concat", "Conv", "Relu", "Resize", "Slice"}
    assert hmcos.verify(path, tmp_path / "out/plan.json").holds
    assert path.read_bytes() == before


def test_what_computes_only_parameters_now_is_not_scheduled(tmp_path: Path) -> None:
    """A mask as large as the image is not folded, but all that it is made of is known."""
    source = upward()
    mask = [
        node("Shape", "more", "sizes"),
        node("ConstantOfShape", "sizes", "mask"),
        node("Add", "more mask", "sum"),
    ]
    mask[1].attribute.append(
        helper.make_attribute("value", helper.make_tensor("", TensorProto.FLOAT, [1], [0.5]))
    )
    last = source.graph.node.pop()
    last.input[0] = "sum"
    source.graph.node.extend([*mask, last])
    path = saved(tmp_path, source)
    plan = hmcos.schedule(path, tile=GENEROUS, output=tmp_path / "out")
    assert plan.rewriting is not None
    assert not {11, 12} & set(plan.rewriting.order)
    assert 12 not in plan.rewriting.folds
    assert hmcos.verify(path, tmp_path / "out/plan.json").holds


def test_bound_sizes_are_fixed_and_the_batch_stays_open(tmp_path: Path) -> None:
    path = saved(tmp_path, upward(("N", 3, "H", "W")))
    plan = hmcos.schedule(path, tile=GENEROUS, bind={"N": 1, "H": 32, "W": 32}, output=tmp_path / "out")
    assert plan.rewriting is not None
    assert plan.rewriting.fixed == {"H": 32, "W": 32}
    assert hmcos.verify(path, tmp_path / "out/plan.json").holds
    result = tmp_path / "out/source.onnx"
    written = onnx.load(str(result))  # pyright: ignore[reportUnknownMemberType]
    onnx.checker.check_model(written, full_check=True)  # pyright: ignore[reportUnknownMemberType]
    for value, channels in ((written.graph.input[0], 3), (written.graph.output[0], 0)):
        dims = value.type.tensor_type.shape.dim
        assert [dim.dim_param or dim.dim_value for dim in dims] == ["N", channels, 32, 32]
    x = floats(3, 3, 32, 32)
    assert np.array_equal(run(path, x), run(result, x))


def test_weights_are_shared_and_names_unique(tmp_path: Path) -> None:
    path = saved(tmp_path, upward())
    hmcos.schedule(path, tile=GENEROUS, output=tmp_path / "out")
    written = onnx.load(str(tmp_path / "out/source.onnx"))  # pyright: ignore[reportUnknownMemberType]
    parameters = [tensor.name for tensor in written.graph.initializer]
    assert {"w", "v", "u"} <= set(parameters)
    assert not {"zero", "two", "rows", "columns"} & set(parameters)
    assert sum(len(tensor.dims) == 4 for tensor in written.graph.initializer) == 3
    made = [name for node in written.graph.node for name in node.output] + parameters
    assert len(set(made)) == len(made)
    names = [node.name for node in written.graph.node]
    assert len(set(names)) == len(names)


def test_a_pad_alone_is_worth_a_change(tmp_path: Path) -> None:
    path = saved(tmp_path, padded())
    plan = hmcos.schedule(path, tile=hmcos.Tiling(0.0), output=tmp_path / "out")
    rewriting = plan.rewriting
    assert rewriting is not None
    assert (rewriting.folds, rewriting.regions, rewriting.extra_macs) == ((1,), (), 0)
    assert rewriting.peak_best_order == 12 * (32 * 32 + 33 * 33)
    assert plan.peak == 2 * 12 * 32 * 32
    assert hmcos.verify(path, tmp_path / "out/plan.json").holds
    assert read_plan(tmp_path / "out/plan.json").rewriting == rewriting


@pytest.mark.parametrize("change", [{"folds": []}, {"fixed": {"H": 32}}])
def test_folds_that_are_not_made_are_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    path = saved(tmp_path, upward())
    hmcos.schedule(path, tile=GENEROUS, output=tmp_path / "out")
    record = json.loads((tmp_path / "out/plan.json").read_text())
    record["rewriting"].update(change)
    (tmp_path / "out/plan.json").write_text(json.dumps(record))
    with pytest.raises(PlanError, match=f"rewriting.{next(iter(change))}: is .* in the plan, but"):
        hmcos.verify(path, tmp_path / "out/plan.json")
