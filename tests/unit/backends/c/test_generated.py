"""Generated code, compiled and run: the bits of TFLM, with sanitizers, with dead bytes overwritten."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from random import Random

import numpy as np
import pytest

from hmcos.backends.c.comparing import BUILDS, Build, compare, reference
from hmcos.backends.c.generating import generate
from hmcos.backends.c.harness import WARNINGS, Compiler, build, code_bytes, compiler, main_of, run
from hmcos.backends.c.naming import Naming
from hmcos.errors import ModelError, NotRunError
from hmcos.frontends.model import Model
from hmcos.frontends.tflite.reading import model_in
from hmcos.limits import Limits, Watch
from hmcos.network.streaming import program_of
from hmcos.runtimes.tflite.litert import random_inputs
from hmcos.streaming.program import Feeding, RowProgram, Rows
from int8_networks import ANY, ENDS, IMAGES, MORE, Grower, convolution, image, random_network
from row_programs import whole_program
from tflite_models import Sketch, one_operator

NAMING = Naming("net")
needs_compiler = pytest.mark.skipif(
    not any(shutil.which(name) for name in ("cc", "gcc", "clang")), reason="no C compiler is installed"
)
needs_tflm = pytest.mark.skipif(find_spec("tflite_micro") is None, reason="tflite-micro is not installed")
pytestmark = [needs_compiler]
MAKERS = dict.fromkeys([*IMAGES, *ANY, *MORE, *ENDS])


def _model(content: bytes) -> Model:
    return model_in(content, Path("net.tflite"))


def _small(seed: int = 1) -> Model:
    grow = Grower(Random(seed))
    made = grow.fed([1, 5, 6, 3])
    while made in grow.inputs:
        made = convolution(grow, made)
    return _model(grow.ended(made))


@needs_tflm
@pytest.mark.slow
@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_every_kind_has_the_bits_of_tflm(maker: Callable[[Grower, int], int]) -> None:
    for seed in range(3):
        grow = Grower(Random(seed))
        made = maker(grow, image(grow))
        if made in grow.inputs:
            continue
        _check(_model(grow.ended(made)))


@needs_tflm
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1008))
def test_random_networks_have_the_bits_of_tflm(seed: int) -> None:
    model = _model(random_network(Random(seed), 6, MORE))
    _check(model)
    for feeding in Feeding if len(model.graph.inputs) == 1 else (Feeding.WHOLE,):
        _check(model, program_of(model, Rows(feeding), Limits(seconds=2), Watch()))


@needs_tflm
@pytest.mark.slow
@pytest.mark.parametrize("feeding", Feeding)
@pytest.mark.parametrize("last", ["INT8", "UINT8", "FLOAT32"])
@pytest.mark.parametrize("first", ["UINT8", "FLOAT32"])
def test_ends_of_floats_and_of_unsigned_integers(first: str, last: str, feeding: Feeding) -> None:
    grow = Grower(Random(5))
    by = None if first == "FLOAT32" else grow.quantized(0.05, 131)
    fed = grow.sketch.tensor([1, 8, 7, 3], first, quantization=by)
    grow.inputs.append(fed)
    inner = made = grow.tensor([1, 8, 7, 3], quantization=grow.quantized(0.05, 3))
    grow.sketch.operator("QUANTIZE", [fed], [inner])
    while made == inner:
        made = convolution(grow, inner)
    if last != "INT8":
        by = None if last == "FLOAT32" else grow.quantized(0.05, 100)
        end = grow.sketch.tensor(grow.shape(made), last, quantization=by)
        grow.sketch.operator("DEQUANTIZE" if last == "FLOAT32" else "QUANTIZE", [made], [end])
        made = end
    model = _model(grow.ended(made))
    program = program_of(model, Rows(feeding), Limits(seconds=2), Watch())
    _check(model, program)
    assert ("float" in generate(model, program, NAMING).source) == ("FLOAT32" in (first, last))


def _check(model: Model, program: RowProgram | None = None) -> None:
    """Check a network that TFLM runs."""
    inputs = [random_inputs(model.graph, seed) for seed in range(3)]
    try:
        wanted = reference(model, inputs)
    except NotRunError as error:
        assert "refuses the model" in str(error)
        return
    program = program or whole_program(model)
    code = generate(model, program, NAMING), NAMING
    for found in compare(model, program, code, inputs, wanted):
        assert found.equal == found.runs == len(inputs), found


@needs_tflm
@pytest.mark.parametrize("feeding", Feeding)
def test_a_wide_dense_layer_reads_all_rows_at_once(feeding: Feeding) -> None:
    """Its sums would take more bytes than the rows that it sums over."""
    grow = Grower(Random(1))
    inner = made = grow.fed([1, 4, 4, 8])
    while made == inner:
        made = convolution(grow, inner)
    count = int(np.prod(grow.shape(made)))
    flat, end = grow.tensor([1, count], like=made), grow.tensor([1, count])
    grow.sketch.operator("RESHAPE", [made, grow.integers([1, count])], [flat], newShape=[1, count])
    weights, _ = grow.weights([count, count], 0, count, flat)
    grow.sketch.operator("FULLY_CONNECTED", [flat, weights], [end])
    model = _model(grow.ended(end))
    program = program_of(model, Rows(feeding), Limits(), Watch())
    assert "hm_dense_all_step" in generate(model, program, NAMING).source
    _check(model, program)


@needs_tflm
def test_an_input_that_comes_by_rows_gives_the_same() -> None:
    model = _small()
    program = whole_program(model, Feeding.ROWS)
    inputs = [random_inputs(model.graph, seed) for seed in range(4)]
    code = generate(model, program, NAMING), NAMING
    wanted = reference(model, inputs)
    assert all(found.equal == 4 for found in compare(model, program, code, inputs, wanted))


def _two_outputs() -> Model:
    grow = Grower(Random(4))
    fed = grow.fed([1, 6, 5, 3])
    first, second = grow.tensor([1, 6, 5, 3]), grow.tensor([1, 6, 5, 3])
    for made in (first, second):
        grow.sketch.operator("QUANTIZE", [fed], [made])
    grow.sketch.ports([fed], [first, second])
    return _model(grow.sketch.bytes())


@needs_tflm
@pytest.mark.parametrize("model", [_small(), _two_outputs()], ids=["one output", "two outputs"])
def test_rows_are_pushed_into_an_arena_of_the_caller(model: Model) -> None:
    """The test program also gives up a run after its first row, before every run that it finishes."""
    program = program_of(model, Rows(Feeding.ROWS), Limits(seconds=2), Watch())
    _check(model, program)
    source = main_of(program, NAMING)
    assert "net_push_row_in(arena, row)" in source
    assert "net_restart();" in source


@needs_tflm
def test_a_run_can_be_given_up_after_any_row(tmp_path: Path) -> None:
    model = _small()
    program = program_of(model, Rows(Feeding.ROWS), Limits(seconds=2), Watch())
    main = """#include "net.c"
#include <stdio.h>
int main(void)
{
    static int8_t given[NET_INPUT_ROWS][NET_ROW_BYTES], other[NET_ROW_BYTES];
    int k, row;
    if (fread(given, 1, sizeof given, stdin) != sizeof given) {
        return 1;
    }
    memset(other, 77, sizeof other);
    for (k = 0; k < NET_INPUT_ROWS; k++) {
        for (row = 0; row < k; row++) {
            if (net_push_row(other)) {
                return 2;
            }
        }
        net_restart();
        for (row = 0; row < NET_INPUT_ROWS; row++) {
            if (net_push_row(given[row]) != (row == NET_INPUT_ROWS - 1)) {
                return 3;
            }
        }
        fwrite(net_output(), 1, NET_OUTPUT_BYTES, stdout);
    }
    return 0;
}
"""
    built = build(generate(model, program, NAMING), NAMING, main, tmp_path, compiler())
    fed = random_inputs(model.graph, 3)
    (wanted,) = reference(model, [fed])
    rows = program.tensor(program.inputs[0]).rows
    size = model.graph.tensors[model.graph.outputs[0]].size
    assert run(built, [np.asarray(fed[0]).tobytes()], size * rows) == [wanted * rows]


@pytest.mark.parametrize("feeding", Feeding)
def test_without_an_arena_in_the_code_only_what_takes_one_is_left(feeding: Feeding, tmp_path: Path) -> None:
    model = _small()
    program = whole_program(model, feeding)
    alone = replace(compiler(), flags=("-O1", *WARNINGS, "-DNET_NO_ARENA"))
    code = generate(model, program, NAMING)
    build(code, NAMING, main_of(program, NAMING), tmp_path, alone)
    unused = main_of(program, NAMING).replace(
        "int main(void)\n{", "int main(void)\n{\n    (void)net_output();"
    )
    with pytest.raises(NotRunError):
        build(code, NAMING, unused, tmp_path, alone)


@pytest.mark.parametrize("length", [65_535, 65_536])
def test_pieces_that_a_table_cannot_tell_are_refused(length: int) -> None:
    grow = Grower(Random(1))
    parts = [grow.fed([1, 1, 1, size]) for size in (length, 3)]
    made = grow.tensor([1, 1, 1, length + 3], like=parts[0])
    for part in parts:
        grow.known(part).quantization = grow.known(made).quantization
    grow.sketch.operator("CONCATENATION", parts, [made], axis=3)
    model = _model(grow.ended(made))
    if length > 65_535:
        with pytest.raises(ModelError, match=r"operator 0 .*pieces of more than 65,535 bytes"):
            generate(model, whole_program(model), NAMING)
    else:
        assert "65535" in generate(model, whole_program(model), NAMING).source


@pytest.mark.parametrize(
    ("standard", "is_cplusplus"),
    [("c99", False), ("c11", False), ("c++17", True)],
    ids=["c99", "c11", "c++17"],
)
@pytest.mark.parametrize("feeding", Feeding)
def test_code_compiles_without_a_warning(
    standard: str, is_cplusplus: bool, feeding: Feeding, tmp_path: Path
) -> None:
    if is_cplusplus and not shutil.which("g++"):
        pytest.skip("no C++ compiler is installed")
    with_ = Compiler("g++", standard) if is_cplusplus else replace(compiler(), standard=standard)
    flags = (*WARNINGS, "-Wconversion", "-Wshadow", "-pedantic")
    model = _model(random_network(Random(3), 6))
    program = whole_program(model, feeding)
    code = generate(model, program, NAMING)
    build(
        code,
        NAMING,
        main_of(program, NAMING),
        tmp_path,
        replace(with_, flags=flags, is_cplusplus=is_cplusplus),
    )


@needs_tflm
def test_a_kernel_that_reads_what_is_dead_is_found() -> None:
    model = _small()
    program = whole_program(model)
    first = program.operators[0]
    nothing = replace(first.inputs[0], needs=((),) * first.steps)
    lying = replace(program, operators=(replace(first, inputs=(nothing,)), *program.operators[1:]))
    code = generate(model, lying, NAMING), NAMING
    inputs = [random_inputs(model.graph, seed) for seed in range(3)]
    wanted = reference(model, inputs)
    poisoned = [Build("", ("-O1",), is_poisoned=True)]
    assert compare(model, lying, code, inputs, wanted, poisoned)[0].equal == 0
    plain = [Build("", ("-O1",))]
    assert compare(model, lying, code, inputs, wanted, plain)[0].equal == 3


def test_writing_beyond_the_arena_is_found() -> None:
    model = _small()
    program = whole_program(model)
    lying = replace(program, arena=program.arena - 8)
    code = generate(model, lying, NAMING), NAMING
    inputs = [random_inputs(model.graph, 0)]
    with pytest.raises(NotRunError, match=r"AddressSanitizer|buffer"):
        compare(model, lying, code, inputs, [b""], BUILDS[1:])


def test_flash_is_what_the_compiler_takes(tmp_path: Path) -> None:
    model = _small()
    program = whole_program(model)
    found = generate(model, program, Naming("net", flash=".net_flash"))
    build(found, NAMING, main_of(program, NAMING), tmp_path, compiler())
    listed = subprocess.run(
        ["objdump", "-h", str(tmp_path / "check-c99")], capture_output=True, text=True, check=False
    )
    sizes = re.findall(r"\.net_flash\s+([0-9a-f]+)", listed.stdout)
    if not sizes:
        pytest.skip("no objdump is installed")
    assert 0 <= int(sizes[0], 16) - sum(found.flash.values()) < 150  # pointers here have eight bytes


def test_code_is_counted_apart_from_constants(tmp_path: Path) -> None:
    model = _small()
    found = code_bytes(generate(model, whole_program(model), NAMING), NAMING, tmp_path, compiler())
    assert found is None or 500 < found < 5000


def test_inputs_and_outputs_are_told() -> None:
    header = generate(_small(), whole_program(_small()), Naming("eyes")).header
    for line in ("#define EYES_INPUT_BYTES 90", "#define EYES_INPUT_DIM_3 3", "int8_t *eyes_input(void);"):
        assert line in header
    assert "#define EYES_ARENA_BYTES" in header
    assert "float" not in header


def test_code_is_the_same_every_time() -> None:
    first, second = (generate(_small(), whole_program(_small()), NAMING) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("kind", "element", "words"),
    [("ADD", "INT16", "int16"), ("COS", "INT8", "no kernel"), ("FLOOR_DIV", "INT8", "no kernel")],
)
def test_what_cannot_be_compiled_is_one_line(kind: str, element: str, words: str) -> None:
    sketch: Sketch = one_operator(kind, element, [1, 2, 2, 3])
    model = _model(sketch.bytes())
    with pytest.raises(ModelError, match=words) as raised:
        generate(model, whole_program(model), NAMING)
    assert "\n" not in str(raised.value)
    assert "operator 0" in str(raised.value)


def test_a_program_that_reads_numbers_from_standard_input(tmp_path: Path) -> None:
    model = _small()
    program = whole_program(model)
    built = build(generate(model, program, NAMING), NAMING, main_of(program, NAMING), tmp_path, compiler())
    size = model.graph.tensors[model.graph.outputs[0]].size
    given = np.zeros(model.graph.tensors[model.graph.inputs[0]].shape, "int8").tobytes()
    first, second = run(built, [given, given], size)
    assert first == second
