"""Which rows and columns operators of TensorFlow Lite need, and why some need all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hmcos.frontends.tflite.format import TFLITE
from hmcos.frontends.tflite.reading import model_in
from hmcos.graph.windows import (
    Barrier,
    Blocks,
    Bordered,
    Linear,
    Nearest,
    Pads,
    Rounding,
    Spatial,
    Spread,
    Whole,
    Window,
)
from hmcos.memory.target import load_target
from tflite_models import NUMPY, S, Sketch, conditional

SAME, VALID = S.Padding.SAME, S.Padding.VALID


def ints(sketch: Sketch, *numbers: int, shape: list[int] | None = None) -> int:
    data = NUMPY.array(numbers, "int32")
    return sketch.tensor([len(numbers)] if shape is None else shape, "INT32", data.reshape(shape or -1))


def known(sketch: Sketch, number: int = 0, target: str | None = None) -> Spatial | Barrier:
    """Return what tiling knows of an operator of a sketch."""
    wanted = None if target is None else load_target(target)
    return TFLITE.windows(model_in(sketch.bytes(), None), wanted)[number]


def sliding(kind: str, fed: list[int], made: list[int], **options: Any) -> Sketch:
    """Return one convolution or pool with a window of 3 x 2."""
    sketch = Sketch()
    sketch.subgraph()
    element = options.pop("element", "INT8")
    x, y = sketch.tensor(fed, element), sketch.tensor(made, element)
    inputs = [x]
    if "CONV" in kind:
        filters = [1, 3, 2, made[3]] if kind.startswith("DEPTH") else [made[3], 3, 2, fed[3]]
        inputs.append(sketch.tensor(filters, "INT8", NUMPY.zeros(filters, "int8")))
    else:
        options |= {"filterHeight": 3, "filterWidth": 2}
    sketch.operator(kind, inputs, [y], **options)
    sketch.ports([x], [y])
    return sketch


@pytest.mark.parametrize(
    ("kind", "macs", "fill"),
    [("CONV_2D", 3 * 2 * 4, None), ("DEPTHWISE_CONV_2D", 3 * 2, None), ("MAX_POOL_2D", 0, -128.0)],
)
def test_a_window_slides_with_the_padding_of_same(kind: str, macs: int, fill: float | None) -> None:
    # 3 rows with stride 2 over 7 need one more at both ends; 2 columns with stride 1 over 6 one more behind.
    found = known(sliding(kind, [1, 7, 6, 4], [1, 4, 6, 4], padding=SAME, strideH=2, strideW=1))
    assert isinstance(found, Spatial)
    assert found.axes == (1, 2)
    assert found.inputs[0] == (Window(3, 2, 1, 1), Window(2, 1, 1, 0))
    assert (found.macs, found.pads, found.fill) == (macs, Pads.SAME_OR_VALID, fill)


def test_dilation_widens_the_window() -> None:
    sketch = sliding(
        "CONV_2D",
        [1, 9, 6, 4],
        [1, 5, 5, 4],
        padding=VALID,
        strideH=1,
        strideW=1,
        dilationHFactor=2,
        dilationWFactor=1,
    )
    found = known(sketch)
    assert isinstance(found, Spatial)
    assert found.inputs[0] == (Window(3, 1, 2, 0), Window(2, 1, 1, 0))


def test_means_at_the_border_are_made_with_a_rim() -> None:
    sketch = sliding("AVERAGE_POOL_2D", [1, 7, 6, 4], [1, 7, 6, 4], padding=SAME, strideH=1, strideW=1)
    found = known(sketch)
    assert isinstance(found, Spatial)
    assert (found.inputs[0], found.pads) == ((Bordered(1, 1), Bordered(0, 1)), Pads.NONE)


def test_strided_means_at_the_border_say_how_many_inputs_a_tile_has_beyond_whole_steps() -> None:
    sketch = sliding("AVERAGE_POOL_2D", [1, 7, 6, 4], [1, 4, 3, 4], padding=SAME, strideH=2, strideW=2)
    found = known(sketch)
    assert isinstance(found, Spatial)
    assert (found.inputs[0], found.pads) == ((Bordered(1, 1, 2, 1), Bordered(0, 1, 2, 2)), Pads.NONE)


def pixelwise(kind: str, *shapes: list[int], constant: bool = False, element: str = "INT8") -> Sketch:
    """Return an operator on tensors of some shapes; the last may be a constant."""
    sketch = Sketch()
    sketch.subgraph()
    inputs = [sketch.tensor(shape, element) for shape in shapes]
    if constant:
        inputs[-1] = sketch.tensor(shapes[-1], element, NUMPY.zeros(shapes[-1], element.lower()))
    made = sketch.tensor([1, 8, 6, 4], element)
    options = {"axis": 3} if kind == "CONCATENATION" else {}
    sketch.operator(kind, inputs, [made], **options)
    sketch.ports([t for t in inputs if not constant or t != inputs[-1]], [made])
    return sketch


def test_an_operand_of_one_pixel_is_read_whole() -> None:
    found = known(pixelwise("MUL", [1, 8, 6, 4], [1, 1, 6, 4]))
    assert isinstance(found, Spatial)
    assert found.inputs == ((Window(), Window()), (Whole(), Window()))
    found = known(pixelwise("ADD", [1, 8, 6, 4], [4], constant=True))
    assert isinstance(found, Spatial)
    assert found.inputs == ((Window(), Window()), None)


def test_a_quantized_square_may_round_by_place() -> None:
    sketch = pixelwise("MUL", [1, 8, 6, 4])
    sketch.model.subgraphs[0].operators[0].inputs = [0, 0]
    found = known(sketch)
    assert isinstance(found, Spatial)
    assert found.bits == Rounding()


def resized(kind: str, made: list[int], **options: bool) -> Sketch:
    sketch = Sketch()
    sketch.subgraph()
    x, y = sketch.tensor([1, 8, 6, 4]), sketch.tensor(made)
    sketch.operator(kind, [x, ints(sketch, *made[1:3])], [y], **options)
    sketch.ports([x], [y])
    return sketch


def test_resizes_by_whole_numbers() -> None:
    found = known(resized("RESIZE_NEAREST_NEIGHBOR", [1, 24, 6, 4]))
    assert isinstance(found, Spatial)
    assert found.inputs == ((Nearest(3), Nearest(1)), None)
    found = known(resized("RESIZE_BILINEAR", [1, 32, 12, 4], halfPixelCenters=True))
    assert isinstance(found, Spatial)
    assert found.inputs == ((Linear(4), Linear(2)), None)


def without_size() -> Sketch:
    sketch = resized("RESIZE_NEAREST_NEIGHBOR", [1, 16, 12, 4])
    sketch.model.subgraphs[0].operators[0].inputs = [0]
    return sketch


def transposed(stride: int, made: int, padding: int) -> Sketch:
    sketch = Sketch()
    sketch.subgraph()
    x, y = sketch.tensor([1, 8, 8, 4]), sketch.tensor([1, made, made, 2])
    filters = sketch.tensor([2, 3, 3, 4], "INT8", NUMPY.zeros([2, 3, 3, 4], "int8"))
    size = ints(sketch, 1, made, made, 2)
    sketch.operator(
        "TRANSPOSE_CONV", [size, filters, x], [y], padding=padding, strideH=stride, strideW=stride
    )
    sketch.ports([x], [y])
    return sketch


def test_transposed_convolutions_make_all_that_inputs_reach() -> None:
    found = known(transposed(2, 15, SAME))
    assert isinstance(found, Spatial)
    assert found.inputs == (None, None, (Spread(8, 3, 2, 1), Spread(8, 3, 2, 1)))
    assert (found.macs, found.macs_of) == (3 * 3 * 2, 2)


def test_blocks_become_channels() -> None:
    sketch = Sketch()
    sketch.subgraph()
    x, y = sketch.tensor([1, 8, 6, 4]), sketch.tensor([1, 4, 3, 16])
    sketch.operator("SPACE_TO_DEPTH", [x], [y], blockSize=2)
    sketch.ports([x], [y])
    found = known(sketch)
    assert isinstance(found, Spatial)
    assert found.inputs == ((Blocks(2, 1), Blocks(2, 1)),)


def padded_by_an_input() -> Sketch:
    sketch = Sketch()
    sketch.subgraph()
    x, pads, y = sketch.tensor([1, 8, 6, 4]), sketch.tensor([4, 2], "INT32"), sketch.tensor([1, 9, 6, 4])
    sketch.operator("PAD", [x, pads], [y])
    sketch.ports([x, pads], [y])
    return sketch


def with_options_of_another_kind() -> Sketch:
    sketch = sliding("MAX_POOL_2D", [1, 7, 6, 4], [1, 7, 6, 4], padding=SAME, strideH=1, strideW=1)
    operator = sketch.model.subgraphs[0].operators[0]
    operator.builtinOptionsType, operator.builtinOptions = S.BuiltinOptions.AddOptions, S.AddOptionsT()
    return sketch


def hybrid() -> Sketch:
    sizes = [1, 7, 6, 4], [1, 7, 6, 4]
    return sliding("CONV_2D", *sizes, element="FLOAT32", padding=SAME, strideH=1, strideW=1)


def vector() -> Sketch:
    sketch = Sketch()
    sketch.subgraph()
    x, y = sketch.tensor([1, 8]), sketch.tensor([1, 8])
    sketch.operator("RELU", [x], [y])
    sketch.ports([x], [y])
    return sketch


BARRIERS: dict[str, tuple[Callable[[], Sketch], str]] = {
    "a body": (conditional, "runs other graphs"),
    "a custom kind": (lambda: pixelwise("Mystery", [1, 8, 6, 4]), "may keep something from run to run"),
    "a kind without rule": (lambda: pixelwise("GATHER", [1, 8, 6, 4], [4]), "not made in pieces"),
    "a vector": (vector, "images have 4"),
    "half an image": (lambda: pixelwise("ADD", [1, 8, 6, 4], [1, 4, 6, 4]), "unlike rows"),
    "a map": (lambda: pixelwise("ADD", [1, 8, 6, 4], [8, 6, 4], constant=True), "from pixel to pixel"),
    "an input of weights": (hybrid, "quantizes its input"),
    "other options": (with_options_of_another_kind, "least is not known"),
    "unknown pads": (padded_by_an_input, "numbers that are not in the file"),
    "a wrong size": (
        lambda: sliding("CONV_2D", [1, 7, 6, 4], [1, 7, 5, 4], padding=SAME, strideH=1, strideW=1),
        "as its window says",
    ),
    "corners": (lambda: resized("RESIZE_BILINEAR", [1, 16, 12, 4], alignCorners=True), "align_corners"),
    "points": (lambda: resized("RESIZE_BILINEAR", [1, 16, 12, 4]), "half_pixel_centers"),
    "thirds": (lambda: resized("RESIZE_BILINEAR", [1, 24, 18, 4], halfPixelCenters=True), "power of two"),
    "a shrunk image": (lambda: resized("RESIZE_NEAREST_NEIGHBOR", [1, 4, 3, 4]), "whole number"),
    "no size": (without_size, "is not told its size"),
    "gaps": (lambda: transposed(4, 32, SAME), "no input reaches"),
}


@pytest.mark.parametrize("name", BARRIERS)
def test_what_stays_whole_says_why(name: str) -> None:
    sketch, reason = BARRIERS[name]
    found = known(sketch())
    assert isinstance(found, Barrier)
    assert reason in found.reason


def test_bytes_without_sign_are_cut_where_a_runtime_can() -> None:
    sketch = pixelwise("RELU", [1, 8, 6, 4], element="UINT8")
    for target in (None, "tflm"):
        found = known(sketch, target=target)
        assert isinstance(found, Barrier)
        assert "TFLM has no SLICE, PAD and CONCATENATION for it" in found.reason
    assert isinstance(known(sketch, target="none"), Spatial)
