from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from hmcos.backends.c.generating import generate
from hmcos.backends.c.naming import Naming
from hmcos.backends.c.structures import fits
from hmcos.errors import ModelError
from hmcos.frontends.tflite.reading import model_in
from int8_networks import Grower
from row_programs import whole_program


def test_numbers_fit_into_the_fields_that_kernels_declare() -> None:
    assert fits("hm_clip", (65535, -128, 127))
    assert not fits("hm_clip", (65536, -128, 127))
    assert not fits("hm_clip", (1, -129, 127))
    assert fits("hm_gather", (-5, 70000, 0, "{1, 2, 3}", "{1, 2, 3}", 1, 2, 3))
    assert fits("hm_table", (4, "a_pointer"))


def test_a_structure_has_as_many_numbers_as_fields() -> None:
    with pytest.raises(ValueError, match="3 fields"):
        fits("hm_clip", (1, 2))


@pytest.mark.parametrize("kind", ["RELU6", "LOGISTIC"])
def test_a_row_that_is_too_long_for_its_kernel_is_one_line(kind: str) -> None:
    grow = Grower(Random(1))
    by = grow.quantized(1 / 256, -128)
    fed, made = grow.fed([1, 70000], quantization=by), grow.tensor([1, 70000], quantization=by)
    grow.sketch.operator(kind, [fed], [made])
    model = model_in(grow.ended(made), Path("net.tflite"))
    with pytest.raises(ModelError, match="too large for its kernel") as raised:
        generate(model, whole_program(model), Naming("net"))
    assert kind in str(raised.value)
