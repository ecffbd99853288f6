"""Inputs from which sizes follow are fed with the values that the declared sizes imply."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import parser

from hmcos.frontends.feeding import random_inputs
from hmcos.frontends.implied import implied_values
from hmcos.frontends.onnx import load
from hmcos.graph.graph import Graph


def network(text: str) -> Graph:
    head = '<ir_version: 10, opset_import: ["" : 21]>\n'
    return load(parser.parse_model(head + f"net {text}")).graph


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ("(float[2,6] x, int64[2] v) => (float[3,4] y) { y = Reshape(x, v) }", (3, 4)),
        ("(float[3,1] x, int64[3] v) => (float[2,3,4] y) { y = Expand(x, v) }", (2, 3, 4)),
        ("(int64[2] v) => (float[3,4] y) { y = ConstantOfShape(v) }", (3, 4)),
        ("(float[3,2] x, int64[2] v) => (float[6,2] y) { y = Tile(x, v) }", (2, 1)),
        ("(float[2,3] x, int64[1] v) => (float[2,1] y) { y = ReduceSum(x, v) }", (1,)),
        ("(float[2,3] x, int64[1] v) => (float[3] y) { y = ReduceSum<keepdims=0>(x, v) }", (0,)),
        ("(float[2,1,3] x, int64[1] v) => (float[2,3] y) { y = Squeeze(x, v) }", (1,)),
        ("(float[2,3] x, int64[2] v) => (float[1,2,1,3] y) { y = Unsqueeze(x, v) }", (0, 2)),
        ("(float[2,9] x, int64[1] v) => (float[2,4] y, int64[2,4] i) { y, i = TopK(x, v) }", (4,)),
        ("(int64[2,3] x, int64 v, float[2] o) => (float[2,3,7] y) { y = OneHot(x, v, o) }", (7,)),
        ("(float[2,3,4] t, int64[4] v) => (float[2,5,6,2] y) { y = AffineGrid(t, v) }", (2, 1, 5, 6)),
        ("(float[1,1,4,4] x, int64[4] v) => (float[1,1,8,3] y) { y = Resize(x, , , v) }", (1, 1, 8, 3)),
        ("(float[1,1,4,4] x, int64[2] v) => (float[1,1,8,3] y) { y = Resize<axes=[2,3]>(x, , , v) }", (8, 3)),
        ("(float[2,3,4] x, int64[2] v) => (float[3] y) { y = ReduceMax<keepdims=0>(x, v) }", (0, 2)),
        ("(float[2,3] x, int64[4] v) => (float[2,5] y) { y = Pad(x, v) }", (0, 0, 0, 2)),
        ("(float[2,6] x, int64[2] v) => (float[2,2] a, float[2,4] b) { a, b = Split<axis=1>(x, v) }", (2, 4)),
        ("(int64 v) => (float[7] y) { y = HannWindow(v) }", (7,)),
    ],
)
def test_sizes_imply_values(text: str, elements: tuple[int, ...]) -> None:
    graph = network(text)
    v = next(t for t in graph.inputs if graph.tensors[t].name == "v")
    assert implied_values(graph) == {v: elements}
    assert random_inputs(graph, 0, 0)[v].view(np.int64).tolist() == list(elements)
    assert set(random_inputs(graph, 0, 0, integers=1)[v].view(np.int64).tolist()) == {1}


def test_a_slice_cuts_from_the_front() -> None:
    graph = network(
        "(float[5,6,7] x, int64[2] s, int64[2] e, int64[2] a, int64[2] t) => (float[5,4,7] y)"
        " { y = Slice(x, s, e, a, t) }"
    )
    named = {graph.tensors[t].name: elements for t, elements in implied_values(graph).items()}
    assert named == {"s": (0, 0), "e": (5, 4), "a": (0, 1), "t": (1, 1)}


def test_scales_make_the_sizes() -> None:
    text = "(float[1,1,4,4] x, float[4] v) => (float[1,1,8,3] y) { y = Resize(x, , v) }"
    graph = network(text)
    scales = random_inputs(graph, 0, 0)[graph.inputs[1]].view(np.float32)
    assert np.floor(scales * np.array([1, 1, 4, 4], np.float32)).tolist() == [1, 1, 8, 3]


@pytest.mark.parametrize(
    "text",
    [
        "(float[2,6] x, int64[3] v) => (float[3,4] y) { y = Reshape(x, v) }",
        "(float[2,2] x, int64[2] v) => (float[2] y) { y = ReduceSum<keepdims=0>(x, v) }",
        "(float[2,3] x, int64[1] v) => (float[2,3] y) { w = Identity(v) y = ReduceSum(x, w) }",
    ],
)
def test_sizes_that_imply_nothing(text: str) -> None:
    assert implied_values(network(text)) == {}
