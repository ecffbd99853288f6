"""Operators of which onnx's inference is wrong: ONNX Runtime says what they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import pytest
from onnx import NodeProto, ValueInfoProto, numpy_helper

from hmcos.frontends.onnx import load
from onnx_models import graph, model, node, value

onnxruntime = pytest.importorskip("onnxruntime")

Given = Mapping[str, Any]


def floats(*shape: int) -> Any:
    return np.ones(shape, np.float32)


CEIL = {"ceil_mode": 1}
POOL = {"kernel_shape": [2], "strides": [2], "pads": [1, 1], **CEIL}
CASES: dict[str, tuple[list[NodeProto], Given, Given, int]] = {
    "a window in the padding": ([node("MaxPool", "x", "y", **POOL)], {"x": floats(4, 6, 1)}, {}, 17),
    "two of them": (
        [node("MaxPool", "x", "t", **POOL), node("MaxPool", "t", "y", **POOL)],
        {"x": floats(1, 2, 5)},
        {},
        17,
    ),
    "what follows": (
        [node("AveragePool", "x", "t", **POOL), node("Shape", "t", "s"), node("ConstantOfShape", "s", "y")],
        {"x": floats(1, 2, 5)},
        {},
        17,
    ),
    "a window behind the input": (
        [node("LpPool", "x", "y", kernel_shape=[2, 1], strides=[1, 2], auto_pad="VALID", **CEIL)],
        {"x": floats(3, 8, 6, 8)},
        {},
        20,
    ),
    "places of a dilated pooling": (
        [node("MaxPool", "x", "y i", kernel_shape=[2], strides=[3], dilations=[2], pads=[1, 1], **CEIL)],
        {"x": floats(1, 2, 4)},
        {},
        17,
    ),
    "Einsum that broadcasts": (
        [node("Einsum", "x z", "y", equation="ij,ij->ij")],
        {"x": floats(1, 4), "z": floats(8, 4)},
        {},
        17,
    ),
    "Einsum of what is computed": (
        [node("ConstantOfShape", "n", "z"), node("Einsum", "x z", "y", equation="ij,ij->i")],
        {"x": floats(1, 3)},
        {"n": np.array([3, 3])},
        17,
    ),
    "Einsum without an arrow": (
        [node("Einsum", "x z", "y", equation="bj, bi")],
        {"x": floats(1, 4), "z": floats(8, 3)},
        {},
        17,
    ),
    "Einsum with dots": (
        [node("Einsum", "x z", "y", equation="...ij,...jk->...ik")],
        {"x": floats(1, 2, 3), "z": floats(5, 3, 4)},
        {},
        17,
    ),
    "ConvTranspose to less": (
        [node("ConvTranspose", "x w", "y", auto_pad="SAME_LOWER", output_shape=[4], strides=[2])],
        {"x": floats(3, 3, 8), "w": floats(3, 2, 2)},
        {},
        13,
    ),
    "Resize by a scale that is rounded": (
        [node("Resize", "x _ f", "y")],
        {"x": floats(10, 2, 2)},
        {"f": np.array([0.7, 1.5, 1.5], np.float32)},
        18,
    ),
    "Resize of some axes": (
        [node("Resize", "x _ f", "y", axes=[-1])],
        {"x": floats(1, 2, 10)},
        {"f": np.array([0.7], np.float32)},
        18,
    ),
    "Upsample": (
        [node("Upsample", "x f", "y")],
        {"x": floats(1, 1, 10, 10)},
        {"f": np.array([1, 1, 1.1, 1.7], np.float32)},
        9,
    ),
    "NonZero of one number": (
        [node("NonZero", "x", "t"), node("ReduceMax", "t", "y", axes=[-1], keepdims=0)],
        {"x": floats()},
        {},
        13,
    ),
}


def made_by_runtime(nodes: Sequence[NodeProto], fed: Given, stored: Given, opset: int) -> tuple[Any, Any]:
    """Return the model, and shape by name of all that ONNX Runtime makes."""
    names = [name for each in nodes for name in each.output]
    inputs = [value(name, list(array.shape)) for name, array in fed.items()]
    weights = [numpy_helper.from_array(array, name) for name, array in stored.items()]
    made = model(graph(nodes, inputs, [ValueInfoProto(name=name) for name in names], weights), opset)
    made.ir_version = 8
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # Its optimizer believes the same wrong sizes.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        made.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    arrays = cast("list[Any]", session.run(names, dict(fed)))
    return made, {name: array.shape for name, array in zip(names, arrays, strict=True)}


@pytest.mark.parametrize("case", CASES)
def test_sizes_are_those_that_onnx_runtime_makes(case: str) -> None:
    made, shapes = made_by_runtime(*CASES[case])
    found = {tensor.name: tensor for tensor in load(made).graph.tensors}
    assert {name: found[name].shape for name in shapes} == shapes


def test_bounds_pass_on_through_them() -> None:
    nodes = [
        node("NonZero", "x", "i"),
        node("Cast", "i", "f", to=1),
        node("Unsqueeze", "f axes", "t"),
        node("MaxPool", "t", "y", **POOL),
    ]
    made, shapes = made_by_runtime(nodes, {"x": floats(5)}, {"axes": np.array([0])}, 17)
    found = {tensor.name: tensor for tensor in load(made).graph.tensors}
    assert found["y"].at_most
    assert found["y"].shape == shapes["y"]


def test_right_sizes_are_left_to_onnx() -> None:
    """Equations and scales that cannot be read change nothing."""
    nodes = [node("Einsum", "x x", "y", equation="ij,i j,->"), node("Relu", "x", "z")]
    made = model(graph(nodes, [value("x", [2, 3])], [value("y", [1]), value("z", [2, 3])]))
    assert [made.shape for made in load(made).graph.tensors] == [(2, 3), (1,), (2, 3)]
