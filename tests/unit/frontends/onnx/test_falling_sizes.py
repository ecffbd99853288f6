"""Sizes that grow when others shrink: a bound of an input is no bound of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import pytest
from onnx import NodeProto, TensorProto, ValueInfoProto
from onnx.reference import ReferenceEvaluator

from hmcos.errors import SizeError
from hmcos.frontends.onnx import load
from onnx_models import graph, model, node, value, weight

FEW = [node("NonZero", "x", "i"), node("Shape", "i", "s", start=1)]
"""Makes i [1, at most 10] and s, the number of its columns."""


def built(nodes: Sequence[NodeProto], constants: Mapping[str, object], size: int = 10) -> Any:
    weights = [weight(name, numbers, "int64") for name, numbers in constants.items()]
    return model(graph([*FEW, *nodes], [value("x", [size])], [ValueInfoProto(name="y")], weights), 18)


CUTS = [([-3], [3], [1]), ([5], [-4], [-1]), ([5], [-10], [-1])]


@pytest.mark.parametrize(("start", "end", "by"), CUTS)
def test_a_slice_between_both_ends_is_bounded_by_its_axis(
    start: list[int], end: list[int], by: list[int]
) -> None:
    made = built([node("Slice", "i a b c d", "y")], {"a": start, "b": end, "c": [1], "d": by})
    bound = next(tensor for tensor in load(made).graph.tensors if tensor.name == "y")
    assert bound.at_most
    runs = ReferenceEvaluator(made)
    for many in range(11):
        x = np.array([1] * many + [0] * (10 - many), np.float32)
        (y,) = cast("list[Any]", runs.run(None, {"x": x}))  # pyright: ignore[reportUnknownMemberType]
        assert y.shape[1] <= bound.shape[1]


def test_a_slice_whose_end_may_become_negative_is_bounded_by_its_axis() -> None:
    nodes = [node("Sub", "s three", "e"), node("Slice", "long zero e zero", "y")]
    made = built(nodes, {"three": [3], "zero": [0], "long": list(range(20))})
    assert next(t.shape for t in load(made).graph.tensors if t.name == "y") == (20,)


def test_a_slice_up_to_a_bound_keeps_it() -> None:
    nodes = [node("Slice", "long zero s zero", "y")]
    made = built(nodes, {"zero": [0], "long": list(range(20))})
    assert next(t.shape for t in load(made).graph.tensors if t.name == "y") == (10,)


NO_BOUND: dict[str, tuple[list[NodeProto], Mapping[str, object], int]] = {
    "an image that is scaled by the larger of its sides": (
        [
            node("Cast", "i", "f", to=TensorProto.FLOAT),
            node("Expand", "f tall", "q"),
            node("Transpose", "q", "t"),
            node("Resize", "t _ _ five", "y", keep_aspect_ratio_policy="not_larger"),
        ],
        {"tall": [10, 1], "five": [5, 5]},
        20,
    ),
    "a number that does not fit its type": (
        [
            node("Cast", "s", "small", to=TensorProto.INT8),
            node("Cast", "small", "n", to=TensorProto.INT64),
            node("ConstantOfShape", "n", "y"),
        ],
        {},
        300,
    ),
    "what may be broadcast to sizes that are unknown": (
        [
            node("Add", "i i", "n"),
            node("ReduceMax", "n", "m", axes=[1], keepdims=0),
            node("Expand", "i m", "y"),
        ],
        {},
        10,
    ),
}


@pytest.mark.parametrize("case", NO_BOUND)
def test_what_has_no_bound_is_refused(case: str) -> None:
    nodes, constants, size = NO_BOUND[case]
    made = built(nodes, constants, size)
    if case.startswith("what may"):
        made.opset_import[0].version = 17
    with pytest.raises(SizeError, match="'y'"):
        load(made)


def test_a_number_that_fits_its_type_keeps_its_bound() -> None:
    nodes = [
        node("Cast", "s", "small", to=TensorProto.INT8),
        node("Cast", "small", "n", to=TensorProto.INT64),
        node("ConstantOfShape", "n", "y"),
    ]
    assert next(t.shape for t in load(built(nodes, {})).graph.tensors if t.name == "y") == (10,)


def test_sums_of_bounds_stay_bounds() -> None:
    """FeatureVectorizer and QLinearConcat add sizes."""
    nodes = [
        node("NonZero", "x", "i"),
        node("Cast", "i", "f", to=TensorProto.FLOAT),
        node("ai.onnx.ml::FeatureVectorizer", "f f", "y"),
        node("Cast", "i", "u", to=TensorProto.UINT8),
        node("com.microsoft::QLinearConcat", "h z u h z u h z", "w", axis=1),
    ]
    outputs = [ValueInfoProto(name="y"), ValueInfoProto(name="w")]
    weights = [weight("h", 0.5), weight("z", 1, "uint8")]
    domains = {"ai.onnx.ml": 3, "com.microsoft": 1}
    made = model(graph(nodes, [value("x", [4])], outputs, weights), 17, domains)
    found = {t.name: (t.shape, t.at_most) for t in load(made).graph.tensors}
    assert found["y"] == ((1, 8), True)
    assert found["w"] == ((1, 8), True)
