"""Generated code on an emulated Cortex-M4."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from random import Random

import pytest

from hmcos.backends.c import cortex_m
from hmcos.backends.c.comparing import reference
from hmcos.backends.c.cortex_m import Built, built, emulated
from hmcos.backends.c.generating import generate
from hmcos.backends.c.naming import Naming
from hmcos.errors import LimitError, NotRunError, ToolError, VerifyError
from hmcos.frontends.model import Model
from hmcos.frontends.tflite.reading import model_in
from hmcos.limits import Limits, Watch
from hmcos.network.streaming import program_of
from hmcos.processes import Allowance
from hmcos.runtimes.tflite.litert import random_inputs
from hmcos.streaming.program import Feeding, RowProgram, Rows
from int8_networks import Grower, convolution

NAMING = Naming("net")
needs_both = pytest.mark.skipif(
    find_spec("ziglang") is None or find_spec("unicorn") is None, reason="ziglang and unicorn not installed"
)


def network() -> Model:
    grow = Grower(Random(1))
    made = convolution(grow, convolution(grow, grow.fed([1, 5, 6, 3])))
    return model_in(grow.ended(made), Path("net.tflite"))


def in_rows(model: Model, feeding: Feeding = Feeding.WHOLE) -> RowProgram:
    return program_of(model, Rows(feeding), Limits(), Watch())


def linked(
    model: Model, program: RowProgram, folder: Path, change: Callable[[str], str] = lambda text: text
) -> Built:
    code = generate(model, program, NAMING)
    return built(program, (replace(code, source=change(code.source)), NAMING), folder / "cortex-m")


@needs_both
@pytest.mark.slow
@pytest.mark.skipif(find_spec("tflite_micro") is None, reason="tflite-micro is not installed")
@pytest.mark.parametrize("feeding", list(Feeding))
def test_a_cortex_m4_gives_the_bits_of_tflm(feeding: Feeding, tmp_path: Path) -> None:
    model = network()
    program = in_rows(model, feeding)
    inputs = [random_inputs(model.graph, seed) for seed in range(2)]
    given = [b"".join(array.tobytes() for array in arrays) for arrays in inputs]
    made = linked(model, program, tmp_path)
    found = emulated(program, made, given, Allowance())
    assert list(found.outputs) == reference(model, inputs)
    assert 500 < made.code < 6000
    assert 0 < found.stack < 1000
    assert made.constants > 0
    assert (made.variables > 0) is (feeding is Feeding.ROWS)  # where the run is


@needs_both
@pytest.mark.slow
def test_code_that_leaves_its_memory_is_told(tmp_path: Path) -> None:
    model = network()
    program = in_rows(model)
    made = linked(model, program, tmp_path, lambda text: text.replace("arena, number, row)", "0, 0, 0)"))
    with pytest.raises(VerifyError, match=r"an emulated Cortex-M4 stopped: .*UNMAPPED"):
        emulated(program, made, [bytes(90)], Allowance())


@needs_both
@pytest.mark.slow
def test_code_that_does_not_compile_is_told(tmp_path: Path) -> None:
    model = network()
    with pytest.raises(NotRunError, match="not C"):
        linked(model, in_rows(model), tmp_path, lambda text: text + "\n#error not C\n")


@needs_both
@pytest.mark.slow
def test_a_run_ends_with_the_time_given(tmp_path: Path) -> None:
    model = network()
    program = in_rows(model)
    endless = "{ for (;;) { } } static void hm_rest(int8_t *arena)\n{"
    made = linked(
        model,
        program,
        tmp_path,
        lambda text: text.replace("net_run_in(int8_t *arena)\n{", f"net_run_in(int8_t *arena)\n{endless}"),
    )
    with pytest.raises(LimitError, match="more than 1 seconds of processor time; raise --time-limit"):
        emulated(program, made, [bytes(90)], Allowance(seconds=1))


@pytest.mark.parametrize(
    ("there", "words"),
    [
        ((), "zig, unicorn"),
        (("ziglang",), "unicorn"),
        (("unicorn",), "zig"),
    ],
)
def test_without_the_tools_it_says_what_to_install(
    there: tuple[str, ...], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(name: str) -> str | None:
        return name if name in there else None

    monkeypatch.setattr(cortex_m, "find_spec", found)
    monkeypatch.setattr("shutil.which", found)
    model = network()
    with pytest.raises(ToolError, match=rf"^not installed: {words}; pip install 'hmcos\[cortex-m\]'"):
        linked(model, in_rows(model), tmp_path)
    assert not (tmp_path / "cortex-m").exists()
