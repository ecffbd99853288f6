"""Generated code that calls CMSIS-NN: against plain kernels, by a stand-in that checks every call.

Set CMSIS_NN to the folder of the library to run the same with it, where softmax is its own too.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random
from typing import cast

import pytest

from hmcos.backends.c.cmsis_library import linked
from hmcos.backends.c.comparing import Build, compare
from hmcos.backends.c.generating import Generated, generate
from hmcos.backends.c.harness import SANITIZERS, WARNINGS, Compiler, build, compiler, main_of, run
from hmcos.backends.c.naming import Kernels, Naming
from hmcos.errors import ToolError
from hmcos.frontends.model import Model
from hmcos.frontends.tflite.reading import model_in
from hmcos.limits import Limits, Watch
from hmcos.network.streaming import program_of
from hmcos.runtimes.tflite.litert import random_inputs
from hmcos.streaming.program import RowProgram, Rows
from int8_networks import Grower, binary, convolution, fully_connected, image, pool, random_network, unsigned
from row_programs import whole_program

pytestmark = [
    pytest.mark.skipif(
        not any(shutil.which(name) for name in ("cc", "gcc", "clang")), reason="no C compiler is installed"
    )
]
NAMING = Naming("net")
STUB = Path(__file__).parents[3] / "cmsis_nn_stub"
LIBRARY = os.environ.get("CMSIS_NN", "")
CALLED = re.compile(r"\b(arm_\w+_s8)\(")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Compiler:
    """A compiler that finds the library, or the stand-in."""
    found, folder = compiler(), tmp_path_factory.mktemp("library") / "objects"
    return replace(found, linked=linked(Path(LIBRARY or STUB), folder, found, ("-O1", "-fsanitize=address")))


def _model(content: bytes) -> Model:
    return model_in(content, Path("net.tflite"))


@cache
def _one(maker: Callable[[Grower, int], int], seed: int) -> Model | None:
    grow = Grower(Random(seed))
    made = maker(grow, image(grow))
    return None if made in grow.inputs else _model(grow.ended(made))


def _networks(maker: Callable[[Grower, int], int], number: int) -> Iterator[Model]:
    """So many networks of one operator."""
    seed = 0
    while number:
        model = _one(maker, seed)
        seed += 1
        if model is not None:
            number -= 1
            yield model


def _library_code(model: Model, program: RowProgram) -> Generated:
    return generate(model, program, NAMING, Kernels.CMSIS_NN)


def _check(model: Model, program: RowProgram, library: Compiler, folder: Path) -> set[str]:
    """Check that the code gives the outputs of plain kernels; return the functions that it calls."""
    code, plain = _library_code(model, program), generate(model, program, NAMING)
    inputs = [random_inputs(model.graph, seed) for seed in range(2)]
    size = sum(model.graph.tensors[t].size for t in model.graph.outputs)
    fed = [b"".join(cast(bytes, array.tobytes()) for array in arrays) for arrays in inputs]
    wanted = run(build(plain, NAMING, main_of(program, NAMING), folder, compiler()), fed, size)
    sanitized = Build("sanitized", ("-O1", *WARNINGS, *SANITIZERS), True, library)
    (found,) = compare(model, program, (code, NAMING), inputs, wanted, [sanitized])
    assert found.equal == found.runs == len(inputs)
    return set(CALLED.findall(code.source))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("maker", "wanted"),
    [
        (
            convolution,
            {"arm_convolve_wrapper_s8", "arm_convolve_s8", "arm_depthwise_conv_wrapper_s8"},
        ),
        (pool, {"arm_max_pool_s8", "arm_avgpool_s8"}),
        (binary, {"arm_elementwise_add_s8", "arm_elementwise_mul_s8"}),
        (fully_connected, {"arm_fully_connected_s8"}),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_operators_give_the_outputs_of_plain_kernels(
    maker: Callable[[Grower, int], int], wanted: set[str], library: Compiler, tmp_path: Path
) -> None:
    called = set[str]()
    for model in _networks(maker, 8):
        called |= _check(model, whole_program(model), library, tmp_path)
    assert wanted <= called


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1000, 1003, 1009])
def test_networks_whose_rows_lie_apart_give_the_outputs_of_plain_kernels(
    seed: int, library: Compiler, tmp_path: Path
) -> None:
    model = _model(_without_softmax(seed))
    _check(model, program_of(model, Rows(), Limits(seconds=2), Watch()), library, tmp_path)


def _without_softmax(seed: int) -> bytes:
    """A network without the one function that the stand-in lacks."""
    for k in range(100):
        content = random_network(Random(seed + 1000 * k), 6)
        if LIBRARY or all(op.kind != "SOFTMAX" for op in _model(content).graph.operators):
            return content
    raise AssertionError


def test_a_plain_kernel_stays_where_the_library_has_none() -> None:
    for model in _networks(binary, 30):
        made = whole_program(model)
        (op, *_) = model.graph.operators
        shapes = {model.graph.tensors[t].shape for t in (*op.reads, *op.makes)}
        is_called = bool(CALLED.search(_library_code(model, made).source))
        assert is_called == (op.kind != "SUB" and len(shapes) == 1), (op.kind, shapes)


def test_networks_of_uint8_keep_plain_kernels() -> None:
    model = _model(unsigned(random_network(Random(3), 5), Random(3)))
    assert not CALLED.search(_library_code(model, whole_program(model)).source)


def test_plain_code_knows_nothing_of_the_library() -> None:
    (model,) = _networks(convolution, 1)
    code = generate(model, whole_program(model), NAMING)
    assert code.scratch is None
    assert code.scratch_sizes == {}
    assert "arm_" not in code.source + code.header
    assert "SCRATCH" not in code.source + code.header


def test_the_header_tells_the_scratch_for_each_kind_of_processor() -> None:
    (model,) = _networks(convolution, 1)
    code = _library_code(model, whole_program(model))
    told = re.findall(r"#define NET_SCRATCH_BYTES (\d+)", code.header)
    sizes = code.scratch_sizes
    assert list(sizes) == ["plain", "dsp", "mve"]
    assert [int(size) for size in told] == [sizes["mve"], sizes["dsp"], sizes["plain"]]
    assert min(sizes.values()) > 0


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("g++"), reason="g++ is not installed")
def test_the_code_is_cplusplus_too(tmp_path: Path) -> None:
    (model,) = _networks(convolution, 1)
    program = whole_program(model)
    code, flags = _library_code(model, program), ("-O1", "-c", *WARNINGS)
    with_ = Compiler(compiler("g++").path, "c++17", flags, True, ("-isystem", str(STUB / "Include")))
    assert build(code, NAMING, main_of(program, NAMING), tmp_path, with_).exists()


def test_a_folder_without_the_library_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="has no Include/arm_nnfunctions"):
        linked(tmp_path, tmp_path / "objects", compiler(), ())
