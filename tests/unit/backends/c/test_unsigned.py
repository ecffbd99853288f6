"""Networks of uint8, compiled as twins in int8: the bits of LiteRT, since TFLM has no kernels for them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from random import Random

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

NAMING = Naming("net")
MAKERS = dict.fromkeys([*IMAGES, *ENDS, binary, fully_connected, function, padding, reduction])
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
        if model.graph.operators[0].kind == "RESIZE_BILINEAR":
            with pytest.raises(ModelError, match="uint8"):
                _check(model)
        else:
            _check(model)


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
