"""Generated code on an emulated Cortex-M4."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from random import Random

import pytest

from hmcos.backends.c import cortex_m
from hmcos.backends.c.comparing import reference
from hmcos.backends.c.generating import generate
from hmcos.backends.c.naming import Naming
from hmcos.errors import ToolError
from hmcos.frontends.tflite.reading import model_in
from hmcos.runtimes.tflite.litert import random_inputs
from int8_networks import Grower, convolution
from row_programs import whole_program

NAMING = Naming("net")


@pytest.mark.slow
@pytest.mark.skipif(cortex_m.missing() is not None, reason=cortex_m.missing() or "")
@pytest.mark.skipif(find_spec("tflite_micro") is None, reason="tflite-micro is not installed")
def test_a_cortex_m4_gives_the_bits_of_tflm(tmp_path: Path) -> None:
    grow = Grower(Random(1))
    made = convolution(grow, convolution(grow, grow.fed([1, 5, 6, 3])))
    model = model_in(grow.ended(made), Path("net.tflite"))
    program = whole_program(model)
    inputs = [random_inputs(model.graph, seed) for seed in range(2)]
    given = [[array.tobytes() for array in arrays] for arrays in inputs]
    found = cortex_m.emulated(program, (generate(model, program, NAMING), NAMING), given, tmp_path)
    assert list(found.outputs) == reference(model, inputs)
    assert 500 < found.code < 6000
    assert 0 < found.stack < 1000
    assert found.constants > 0


def test_without_the_tools_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cortex_m, "missing", lambda: "not installed: ziglang")
    grow = Grower(Random(1))
    made = convolution(grow, convolution(grow, grow.fed([1, 5, 6, 3])))
    model = model_in(grow.ended(made), Path("net.tflite"))
    program = whole_program(model)
    with pytest.raises(ToolError, match="pip install ziglang unicorn"):
        cortex_m.emulated(program, (generate(model, program, NAMING), NAMING), [], tmp_path)
