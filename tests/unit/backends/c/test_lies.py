"""Files that contradict themselves: each is refused by one line, before any code is made."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from hmcos.backends.c.generating import generate
from hmcos.backends.c.naming import Naming
from hmcos.errors import ModelError
from hmcos.frontends.tflite.reading import model_in, parse
from hmcos.frontends.tflite.writing import pack
from hmcos.limits import Limits, Watch
from hmcos.network.streaming import program_of
from hmcos.streaming.program import Rows
from int8_networks import Grower
from tflite_models import S, Sketch

IMAGE = [1, 4, 4, 2]


def _refusal(content: bytes) -> str:
    model = model_in(content, Path("net.tflite"))
    with pytest.raises(ModelError) as caught:
        generate(model, program_of(model, Rows(), Limits(), Watch()), Naming("net"))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def _one(kind: str, shapes: list[list[int]], *numbers: Any, ends: str = "INT8", **options: Any) -> bytes:
    """Return a file of one operator: shapes of its inputs and its output, and constants."""
    sketch = Sketch()
    sketch.subgraph()
    fed = [sketch.tensor(shape) for shape in shapes[:-1]]
    arrays = [np.asarray(each, "int32") for each in numbers]
    told = [sketch.tensor(list(array.shape), "INT32", array) for array in arrays]
    made = sketch.tensor(shapes[-1], ends)
    sketch.operator(kind, [*fed, *told], [made], **options)
    sketch.ports(fed, [made])
    return sketch.bytes()


@pytest.mark.parametrize(
    ("kind", "made", "numbers", "options"),
    [
        ("RELU", [1, 4, 4, 1], [], {}),
        ("RELU", [1, 4, 9, 2], [], {}),
        ("PAD", [1, 9, 4, 2], [[[0, 0], [1, 1], [0, 0], [0, 0]]], {}),
        ("PAD", [1, 3, 4, 2], [[[0, 0], [-1, 0], [0, 0], [0, 0]]], {}),
        ("SLICE", IMAGE, [[0, 0, 0, 0], [1, 4, 4, 1]], {}),
        ("SLICE", [1, 4, 4, 1], [[0, 0, 0, 7], [1, 4, 4, 1]], {}),
        ("SLICE", IMAGE, [[0, -2, 0, 0], [1, 4, 4, 2]], {}),
        ("STRIDED_SLICE", IMAGE, [[0, 0, 0, 0], [1, 2, 4, 2], [1, 1, 1, 1]], {}),
        ("STRIDED_SLICE", IMAGE, [[0, 0, 0, 0], [1, 4, 4, 2], [1, 0, 1, 1]], {}),
        ("TRANSPOSE", IMAGE, [[0, 3, 1, 2]], {}),
        ("MEAN", IMAGE, [[1, 2]], {"keepDims": True}),
        ("REDUCE_MAX", [1, 1, 1, 5], [[1, 2]], {"keepDims": True}),
        ("SPACE_TO_DEPTH", [1, 2, 2, 8], [], {"blockSize": 3}),
        ("DEPTH_TO_SPACE", [1, 8, 8, 2], [], {"blockSize": 4}),
        ("RESIZE_BILINEAR", [1, 8, 8, 3], [[8, 8]], {}),
        ("RESIZE_NEAREST_NEIGHBOR", [1, 8, 8, 2], [[9, 9]], {}),
    ],
)
def test_outputs_of_another_shape(
    kind: str, made: list[int], numbers: list[object], options: dict[str, Any]
) -> None:
    assert f"operator 0 ({kind}" in _refusal(_one(kind, [IMAGE, made], *numbers, **options))


@pytest.mark.parametrize(
    ("kind", "second", "made"),
    [
        ("ADD", [1, 4, 3, 2], IMAGE),
        ("ADD", IMAGE, [1, 4, 8, 2]),
        ("MAXIMUM", [1, 4, 4, 5], [1, 4, 4, 5]),
        ("PRELU", [1, 4, 4, 5], IMAGE),
        ("CONCATENATION", IMAGE, [1, 9, 4, 2]),
        ("CONCATENATION", [1, 4, 3, 2], [1, 8, 4, 2]),
    ],
)
def test_inputs_that_do_not_go_together(kind: str, second: list[int], made: list[int]) -> None:
    options: dict[str, Any] = {"axis": 1} if kind == "CONCATENATION" else {}
    assert "convert the model again" in _refusal(_one(kind, [IMAGE, second, made], **options))


def test_places_of_the_greatest_in_another_shape() -> None:
    content = _one("ARG_MAX", [IMAGE, IMAGE], [3], ends="INT32", outputType=S.TensorType.INT32)
    assert "has an output of shape [1, 4, 4, 2] where its inputs make [1, 4, 4]" in _refusal(content)


def _convolution() -> Any:
    grow = Grower(Random(3))
    fed = grow.fed([1, 6, 6, 3], quantization=grow.quantized(0.05, 3))
    weights, bias = grow.weights([4, 3, 3, 3], 0, 4, fed)
    made = grow.tensor([1, 6, 6, 4])
    grow.sketch.operator("CONV_2D", [fed, weights, bias], [made], padding=0, strideH=1, strideW=1)
    return parse(grow.ended(made))


@pytest.mark.parametrize("number", [2**31 - 1, -(2**31)])
def test_sums_that_leave_32_bits(number: int) -> None:
    model = _convolution()
    held = model.subgraphs[0].tensors[2].buffer
    model.buffers[held].data = np.full(4, number, "int32").view("uint8")
    assert "sums that can leave 32 bits" in _refusal(pack(model))


def test_biases_scales_and_zero_points_that_do_not_fit() -> None:
    model = _convolution()
    graph = model.subgraphs[0]
    graph.tensors[2].shape, graph.tensors[3].shape = [3], [1, 6, 6, 4]
    model.buffers[graph.tensors[2].buffer].data = np.zeros(3, "int32").view("uint8")
    assert "a bias for another number of channels" in _refusal(pack(model))
    model = _convolution()
    model.subgraphs[0].tensors[1].quantization.quantizedDimension = 3
    assert "scales for some channels only" in _refusal(pack(model))
    model = _convolution()
    model.subgraphs[0].tensors[3].quantization.zeroPoint = None
    assert "no zero point" in _refusal(pack(model))


@pytest.mark.parametrize(("kind", "options"), [("SOFTMAX", {"beta": -1.0}), ("LOGISTIC", {})])
def test_functions_that_no_runtime_takes(kind: str, options: dict[str, Any]) -> None:
    sketch = Sketch()
    sketch.subgraph()
    by = S.QuantizationParametersT(scale=[1 / 256], zeroPoint=[-128 if kind == "SOFTMAX" else 3])
    fed, made = sketch.tensor([1, 4]), sketch.tensor([1, 4], quantization=by)
    sketch.operator(kind, [fed], [made], **options)
    sketch.ports([fed], [made])
    assert kind in _refusal(sketch.bytes())
