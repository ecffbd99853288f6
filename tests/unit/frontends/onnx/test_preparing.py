"""What disappears of an ONNX model before it is tiled, and what has to stay."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from hmcos.frontends.loading import load
from hmcos.frontends.onnx.format import ONNX

PADS = np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64)


def left(
    nodes: list[NodeProto], outputs: str = "y", element: int = TensorProto.FLOAT, **values: Any
) -> list[str]:
    """The kinds of the nodes that are left, in their order."""
    graph = helper.make_graph(
        nodes,
        "images",
        [helper.make_tensor_value_info("x", element, (1, 4, 8, 8))],
        [helper.make_empty_tensor_value_info(name) for name in outputs.split()],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in values.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    begin = ONNX.prepared(load(model))
    found = [node.op_type for node in cast(ModelProto, begin.model.proto).graph.node]
    assert [nodes[number].op_type for number in begin.kept] == found
    return found


def node(kind: str, inputs: str, output: str = "y", **attributes: Any) -> NodeProto:
    return helper.make_node(kind, inputs.split(), [output], **attributes)


WEIGHTS = np.ones((4, 4, 3, 3), np.float32)
PAD = node("Pad", "x pads", "p")
CONV = node("Conv", "p w")


def test_convolutions_pad_by_themselves() -> None:
    assert left([PAD, CONV], pads=PADS, w=WEIGHTS) == ["Conv"]


def test_a_pad_of_a_pad_goes_as_well() -> None:
    twice = [PAD, node("Pad", "p pads", "q"), node("Conv", "q w", pads=[0, 1, 0, 1])]
    assert left(twice, pads=PADS, w=WEIGHTS) == ["Conv"]


@pytest.mark.parametrize(
    ("nodes", "values"),
    [
        ([node("Pad", "x pads one", "p"), CONV], {"one": np.float32(1)}),
        ([node("Pad", "x pads zero", "p"), CONV], {"zero": np.float32(-0.0)}),
        ([node("Pad", "x pads", "p", mode="edge"), CONV], {}),
        ([PAD, node("Conv", "p w", auto_pad="SAME_UPPER")], {}),
        ([node("Pad", "x some", "p"), CONV], {"some": -PADS}),
        ([PAD, node("MaxPool", "p", kernel_shape=[3, 3])], {}),
        ([PAD, node("AveragePool", "p", kernel_shape=[3, 3], pads=[1, 1, 1, 1])], {}),
        ([PAD, node("AveragePool", "p", kernel_shape=[1, 1])], {}),
        ([PAD, node("Relu", "p")], {}),
    ],
)
def test_pads_stay_where_their_readers_would_compute_something_else(
    nodes: list[NodeProto], values: dict[str, Any]
) -> None:
    assert left(nodes, pads=PADS, w=WEIGHTS, **values) == [n.op_type for n in nodes]


def test_a_pad_of_nothing_goes_whoever_reads_it() -> None:
    more = [node("Pad", "x0 pads", "p"), node("Relu", "p", "r"), node("Concat", "p r p", axis=1)]
    nodes = [node("Abs", "x", "x0"), *more]
    assert left(nodes, pads=0 * PADS) == ["Abs", "Relu", "Concat"]
    assert left(nodes, "y p", pads=0 * PADS) == ["Abs", "Pad", "Relu", "Concat"]
    assert left([node("Pad", "x pads", "p"), node("Relu", "p")], pads=0 * PADS) == ["Pad", "Relu"]


def test_a_pad_stays_where_anyone_else_reads_it() -> None:
    assert left([PAD, CONV], "y p", pads=PADS, w=WEIGHTS) == ["Pad", "Conv"]
    assert left([PAD, CONV, node("Relu", "p", "z")], "y z", pads=PADS, w=WEIGHTS) == ["Pad", "Conv", "Relu"]
    other = node("Conv", "p w", "z")
    assert left([PAD, CONV, other], "y z", pads=PADS, w=WEIGHTS) == ["Conv", "Conv"]


@pytest.mark.parametrize(
    ("fill", "pools", "kinds"),
    [
        (0.0, node("AveragePool", "p", kernel_shape=[3, 3]), ["AveragePool"]),
        (-np.inf, node("MaxPool", "p", kernel_shape=[3, 3]), ["MaxPool"]),
        (-np.inf, node("MaxPool", "p", kernel_shape=[2, 2], dilations=[2, 2]), ["Pad", "MaxPool"]),
    ],
)
def test_pools_pad_by_themselves_with_what_they_count(
    fill: float, pools: NodeProto, kinds: list[str]
) -> None:
    pad = node("Pad", "x pads fill", "p")
    assert left([pad, pools], pads=PADS, fill=np.float32(fill)) == kinds


@pytest.mark.parametrize(("fill", "kinds"), [(3, ["QLinearConv"]), (0, ["Pad", "QLinearConv"])])
def test_quantized_convolutions_pad_with_their_zero_point(fill: int, kinds: list[str]) -> None:
    nodes = [node("Pad", "x pads fill", "p"), node("QLinearConv", "p s zero w s wzero s zero")]
    values: dict[str, Any] = {"s": np.float32(0.1), "zero": np.uint8(3), "wzero": np.uint8(0)}
    found = left(
        nodes,
        element=TensorProto.UINT8,
        pads=PADS,
        fill=np.uint8(fill),
        w=np.ones((2, 4, 3, 3), np.uint8),
        **values,
    )
    assert found == kinds


def test_sizes_stay_where_they_leave_the_network_or_are_stored() -> None:
    assert left([node("Shape", "x"), node("Relu", "x", "z")], "y z") == ["Shape", "Relu"]
    nodes = [node("Shape", "x", "s"), node("Reshape", "x s")]
    assert left(nodes) == ["Reshape"]
    assert left(nodes, "y s") == ["Shape", "Reshape"]


def test_gates_are_broadcast_by_their_readers() -> None:
    gate = node("GlobalAveragePool", "x", "g")
    expand = [gate, node("Shape", "x", "s"), node("Expand", "g s", "e")]
    assert left([*expand, node("Mul", "x e")]) == ["GlobalAveragePool", "Mul"]
    assert left([*expand, node("Relu", "e")]) == ["GlobalAveragePool", "Expand", "Relu"]
    assert left([*expand, node("Add", "e e")]) == ["GlobalAveragePool", "Expand", "Add"]


def test_what_has_nothing_to_fold_is_the_source_itself() -> None:
    graph = helper.make_graph(
        [node("Relu", "x"), node("Relu", "x", "unread")],
        "images",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 4, 8, 8))],
        [helper.make_empty_tensor_value_info("y")],
    )
    model = load(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8))
    assert ONNX.prepared(model).model is model
