"""Operands of one row, column or element, or whose rows are columns of the output, in generated code."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path
from random import Random

import pytest

from hmcos.backends.c.comparing import compare, reference
from hmcos.backends.c.generating import generate
from hmcos.backends.c.naming import Naming
from hmcos.frontends.tflite.reading import model_in
from hmcos.limits import Limits, Watch
from hmcos.network.streaming import program_of
from hmcos.runtimes.tflite.litert import random_inputs
from hmcos.streaming.program import Rows
from int8_networks import Grower

NAMING = Naming("net")
OTHERS = {
    "as large": [1, 5, 6, 4],
    "a row": [1, 1, 6, 4],
    "a row without its first dimensions": [6, 4],
    "a row of three dimensions": [1, 6, 4],
    "a column": [1, 5, 1, 4],
    "a plane": [1, 5, 6, 1],
    "a pixel": [1, 1, 1, 4],
    "channels": [4],
    "an element": [1],
    "columns": [6, 1],
}
pytestmark = [
    pytest.mark.skipif(
        not any(shutil.which(name) for name in ("cc", "gcc", "clang")), reason="no C compiler is installed"
    ),
    pytest.mark.skipif(find_spec("tflite_micro") is None, reason="tflite-micro is not installed"),
]


def _check(content: bytes) -> None:
    model = model_in(content, Path("net.tflite"))
    program = program_of(model, Rows(), Limits(), Watch())
    inputs = [random_inputs(model.graph, seed) for seed in range(2)]
    code = generate(model, program, NAMING), NAMING
    for found in compare(model, program, code, inputs, reference(model, inputs)):
        assert found.equal == found.runs == 2, found


@pytest.mark.parametrize("kind", ["ADD", "SUB", "MUL"])
@pytest.mark.parametrize("form", ["computed", "constant"])
def test_every_form_of_operand(kind: str, form: str) -> None:
    grow = Grower(Random(1))
    made = grow.fed([1, 5, 6, 4])
    for k, shape in enumerate(OTHERS.values()):
        if form == "constant":
            other = grow.constant(shape)
        else:
            other = grow.tensor(shape)
            grow.sketch.operator("QUANTIZE", [grow.fed(shape)], [other])
        pair, made = ([made, other] if k % 2 else [other, made]), grow.tensor([1, 5, 6, 4])
        grow.sketch.operator(kind, pair, [made])
    _check(grow.ended(made))


def test_channels_scaled_by_what_the_whole_image_says() -> None:
    grow = Grower(Random(2))
    made = grow.tensor([1, 9, 7, 8])
    grow.sketch.operator("QUANTIZE", [grow.fed([1, 9, 7, 8])], [made])
    mean, squeezed = grow.tensor([1, 1, 1, 8]), grow.tensor([1, 1, 1, 2])
    grow.sketch.operator("MEAN", [made, grow.integers([1, 2])], [mean], keepDims=True)
    weights, bias = grow.weights([2, 1, 1, 8], 0, 2, mean)
    grow.sketch.operator("CONV_2D", _wired(mean, weights, bias), [squeezed], strideH=1, strideW=1)
    weights, bias = grow.weights([8, 1, 1, 2], 0, 8, squeezed)
    excited = grow.tensor([1, 1, 1, 8])
    grow.sketch.operator("CONV_2D", _wired(squeezed, weights, bias), [excited], strideH=1, strideW=1)
    gate = grow.tensor([1, 1, 1, 8], quantization=grow.quantized(1 / 256, -128))
    grow.sketch.operator("LOGISTIC", [excited], [gate])
    scaled = grow.tensor([1, 9, 7, 8])
    grow.sketch.operator("MUL", [made, gate], [scaled])
    _check(grow.ended(scaled))


def _wired(fed: int, weights: int, bias: int) -> list[int]:
    return [fed, weights, bias] if bias >= 0 else [fed, weights]
