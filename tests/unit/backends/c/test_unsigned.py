"""Networks of uint8, compiled as twins in int8: the bits of LiteRT, since TFLM has no kernels for them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from hmcos.backends.c.comparing import compare, reference
from hmcos.backends.c.generating import generate
from hmcos.backends.c.naming import Naming
from hmcos.errors import ModelError
from hmcos.frontends.model import Model
from hmcos.frontends.tflite.reading import model_in
from hmcos.limits import Limits, Watch
from hmcos.network.streaming import program_of
from hmcos.runtimes.tflite.litert import random_inputs
from hmcos.streaming.program import Feeding, Rows
from int8_networks import (
    ENDS,
    IMAGES,
    MORE,
    Grower,
    binary,
    convolution,
    fully_connected,
    function,
    image,
    padding,
    pool,
    reduction,
    unsigned,
)
from tflite_models import S, Sketch

NAMING = Naming("net")
MAKERS = dict.fromkeys([*IMAGES, *MORE, *ENDS, binary, fully_connected, function, padding, reduction])
pytestmark = [
    pytest.mark.skipif(
        not any(shutil.which(name) for name in ("cc", "gcc", "clang")), reason="no C compiler is installed"
    ),
    pytest.mark.skipif(find_spec("ai_edge_litert") is None, reason="LiteRT is not installed"),
]


def _check(model: Model, feeding: Feeding = Feeding.WHOLE) -> None:
    program = program_of(model, Rows(feeding), Limits(), Watch())
    inputs = [random_inputs(model.graph, seed) for seed in range(3)]
    code = generate(model, program, NAMING), NAMING
    for found in compare(model, program, code, inputs, reference(model, inputs, "litert")):
        assert found.equal == found.runs == 3, found


@pytest.mark.slow
@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_every_kind_has_the_bits_of_litert(maker: Callable[[Grower, int], int]) -> None:
    for seed in range(3):
        grow = Grower(Random(seed))
        made = maker(grow, image(grow))
        if made in grow.inputs:
            continue
        model = model_in(unsigned(grow.ended(made), Random(seed)), Path("net.tflite"))
        try:
            _check(model)
        except ModelError as error:
            assert "resizes uint8 by factors" in str(error)


@pytest.mark.parametrize(
    ("made", "options"),
    [
        ([1, 32, 64, 1], {}),
        ([1, 32, 32, 1], {"halfPixelCenters": True}),
        ([1, 61, 31, 1], {"alignCorners": True}),
        ([1, 8, 4, 1], {"halfPixelCenters": True}),
    ],
)
def test_images_are_resized_by_factors_that_floats_hold(made: list[int], options: dict[str, bool]) -> None:
    sketch = Sketch()
    sketch.subgraph()
    fed, end = _tensor(sketch, (0.5, 128)), _tensor(sketch, (0.5, 128), None, made)
    sizes = sketch.tensor([2], "INT32", np.array(made[1:3], "int32"))
    sketch.operator("RESIZE_BILINEAR", [fed, sizes], [end], **options)
    _bits(sketch, fed, end)


def test_other_factors_are_refused() -> None:
    sketch = Sketch()
    sketch.subgraph()
    made = [1, 33, 30, 1]
    fed, end = _tensor(sketch, (0.5, 128)), _tensor(sketch, (0.5, 128), None, made)
    sizes = sketch.tensor([2], "INT32", np.array(made[1:3], "int32"))
    sketch.operator("RESIZE_BILINEAR", [fed, sizes], [end])
    with pytest.raises(ModelError, match="resizes uint8 by factors"):
        _bits(sketch, fed, end)


@pytest.mark.parametrize("feeding", Feeding)
def test_ends_stay_unsigned(feeding: Feeding) -> None:
    grow = Grower(Random(5))
    made = grow.fed([1, 8, 7, 4])
    for maker in (convolution, convolution, convolution, pool):
        made = maker(grow, made)
    model = model_in(unsigned(grow.ended(made), Random(5)), Path("net.tflite"))
    _check(model, feeding)
    header = generate(model, program_of(model, Rows(feeding), Limits(), Watch()), NAMING).header
    assert "const uint8_t *net_output(void);" in header


# -- Where LiteRT reckons uint8 in another way than TFLM int8: each on all 256 numbers ----------------------

ALL = [1, 16, 16, 1]


def _by(scale: float, zero: int) -> Any:
    return S.QuantizationParametersT(scale=[scale], zeroPoint=[zero])


def _tensor(sketch: Sketch, by: tuple[float, int], numbers: object = None, shape: Any = ALL) -> int:
    data = None if numbers is None else np.array(numbers, "uint8")
    return sketch.tensor(shape, "UINT8", data, quantization=_by(*by))


def _bits(sketch: Sketch, fed: int, made: int) -> bytes:
    """Return what LiteRT makes of an image of all numbers; the code has to make the same."""
    sketch.ports([fed], [made])
    model = model_in(sketch.bytes(), Path("net.tflite"))
    inputs = [[np.arange(256, dtype="uint8").reshape(ALL)]]
    program = program_of(model, Rows(), Limits(), Watch())
    (wanted,) = reference(model, inputs, "litert")
    code = generate(model, program, NAMING), NAMING
    assert all(found.equal == 1 for found in compare(model, program, code, inputs, [wanted])), wanted
    return wanted


def test_a_fully_connected_operator_rounds_once() -> None:
    """32 / 64.001 is below a half; rounded to 31 bits first, it would be one and become 1."""
    sketch = Sketch()
    sketch.subgraph()
    fed, made = _tensor(sketch, (1.0, 128)), _tensor(sketch, (64.001, 100))
    weights = _tensor(sketch, (1.0, 128), [[129]], [1, 1])
    sketch.operator("FULLY_CONNECTED", [fed, weights], [made], keepNumDims=True)
    assert _bits(sketch, fed, made)[160] == 100


@pytest.mark.parametrize(
    ("kind", "scales", "number"), [("SUB", (0.033, 0.04, 0.19), 127), ("MUL", (0.13, 0.18, 0.96), 47)]
)
def test_scales_of_two_inputs_are_reckoned_in_other_floats(
    kind: str, scales: tuple[float, float, float], number: int
) -> None:
    sketch = Sketch()
    sketch.subgraph()
    first, second, out = scales
    fed, made = _tensor(sketch, (first, 0)), _tensor(sketch, (out, 100 if kind == "SUB" else 0))
    sketch.operator(kind, [fed, _tensor(sketch, (second, 0), [number], [1])], [made])
    _bits(sketch, fed, made)


@pytest.mark.parametrize(
    ("kind", "by"), [("LOGISTIC", (1 / 256, 3)), ("TANH", (1 / 64, 100)), ("RELU6", (0.05, 20))]
)
def test_functions_of_one_number_are_those_of_litert(kind: str, by: tuple[float, int]) -> None:
    sketch = Sketch()
    sketch.subgraph()
    fed, made = _tensor(sketch, (0.031, 99)), _tensor(sketch, by)
    sketch.operator(kind, [fed], [made])
    _bits(sketch, fed, made)


def test_operators_on_int8_beside_those_on_uint8_are_refused() -> None:
    sketch = Sketch()
    sketch.subgraph()
    fed, inner = _tensor(sketch, (0.5, 128)), _tensor(sketch, (0.5, 128))
    sketch.operator("RELU", [fed], [inner])
    other, made = sketch.tensor(ALL), sketch.tensor(ALL)
    sketch.operator("QUANTIZE", [inner], [other])
    sketch.operator("RELU", [other], [made])
    sketch.ports([fed], [made])
    model = model_in(sketch.bytes(), Path("net.tflite"))
    with pytest.raises(ModelError, match="works on int8 where others work on uint8"):
        generate(model, program_of(model, Rows(), Limits(), Watch()), NAMING)


@pytest.mark.parametrize("axis", [1, 3])
@pytest.mark.parametrize("is_output", [True, False])
def test_numbers_of_several_scales_are_not_put_together(axis: int, is_output: bool) -> None:
    """LiteRT scales them; rows that are not moved cannot be."""
    sketch = Sketch()
    sketch.subgraph()
    fed, inner = _tensor(sketch, (0.5, 128)), _tensor(sketch, (0.25, 128))
    sketch.operator("RELU", [fed], [inner])
    shape = [1, 32, 16, 1] if axis == 1 else [1, 16, 16, 2]
    made = _tensor(sketch, (0.5, 128), None, shape)
    sketch.operator("CONCATENATION", [fed, inner], [made], axis=axis)
    end = made if is_output else _tensor(sketch, (0.5, 128), None, shape)
    if not is_output:
        sketch.operator("RELU", [made], [end])
    sketch.ports([fed], [end])
    with pytest.raises(ModelError, match="several scales"):
        program_of(model_in(sketch.bytes(), Path("net.tflite")), Rows(), Limits(), Watch())
