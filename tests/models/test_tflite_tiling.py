"""TensorFlow Lite models that are tiled: written, proved, and run in three runtimes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

import hmcos
from hmcos.errors import NotRunError, OptionError
from hmcos.frontends.format import OffsetsInFiles
from hmcos.frontends.loading import format_called, load
from hmcos.frontends.tflite.arena.prediction import predicted_arena
from hmcos.frontends.tflite.reading import model_in, parse
from hmcos.frontends.tflite.writing import pack
from hmcos.report.tables.tiling_lines import tiling_lines
from hmcos.runtimes.tflite.litert import run
from hmcos.tasks.verify.run_options import Running
from hmcos.tasks.verify.tflite_runs import outputs_checks
from hmcos.tasks.verify.tflite_trial import TfliteTrial
from hmcos.verify.checks import Answer
from tflite_models import NUMPY, S, Sketch, filtered

pytest.importorskip("tflite_micro")

SAME = S.Padding.SAME


def convolution(sketch: Sketch, x: int, made: list[int], stride: int) -> int:
    """Return what 3 x 3 filters with weights from a seed make of an image."""
    channels = sketch.model.subgraphs[0].tensors[x].shape[3]
    numbers = NUMPY.random.default_rng(x).integers(-127, 128, [made[3], 3, 3, channels]).astype("int8")
    scale = S.QuantizationParametersT(scale=[0.004], zeroPoint=[0])
    weights = sketch.tensor([*numbers.shape], "INT8", numbers, quantization=scale)
    product = S.QuantizationParametersT(scale=[0.002], zeroPoint=[0])
    bias = sketch.tensor([made[3]], "INT32", NUMPY.arange(made[3]).astype("int32"), quantization=product)
    y = sketch.tensor(made)
    sketch.operator("CONV_2D", [x, weights, bias], [y], padding=SAME, strideH=stride, strideW=stride)
    return y


def network() -> Sketch:
    """Return three convolutions; the tensors between them are much larger than what goes in and out."""
    sketch = Sketch()
    sketch.subgraph()
    x = sketch.tensor([1, 32, 32, 1])
    wide = convolution(sketch, x, [1, 32, 32, 16], 1)
    half = convolution(sketch, wide, [1, 16, 16, 16], 2)
    small = convolution(sketch, half, [1, 8, 8, 8], 2)
    sketch.ports([x], [small])
    return sketch


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "network.tflite"
    path.write_bytes(network().bytes())
    return path


def test_tflm_needs_what_the_tiled_plan_says_and_all_runtimes_make_the_same_bits(
    model: Path, tmp_path: Path
) -> None:
    best = hmcos.schedule(model).peak
    plan = hmcos.schedule(model, output=tmp_path / "out", tile=hmcos.Tiling(max_extra_macs=0.1))
    assert best == 32 * 32 * 16 + 16 * 16 * 16
    assert plan.peak < 0.6 * best
    found = hmcos.verify(model, plan)
    assert found.holds, found
    words = {check.name: check.words for check in found.checks}
    assert "1 outputs and 1 inner tensors equal in every bit" in words["outputs in LiteRT"]
    assert "1 outputs and 1 inner tensors equal in every bit" in words["outputs in TFLM"]
    assert "1 outputs equal in every bit" in words["outputs in XNNPACK"]
    assert f"head {best:,} -> {plan.peak:,} bytes" in words["arena in TFLM"]


def test_what_is_printed_for_a_tiled_model_is_the_least_that_tflm_accepts(
    model: Path, tmp_path: Path
) -> None:
    plan = hmcos.schedule(model, output=tmp_path / "out", tile=hmcos.Tiling(max_extra_macs=0.1))
    assert plan.tflm is not None and plan.tflm.measured and plan.tflm.tiled is not None
    least = min(arena.declare for name, arena in plan.tflm.forms if name != "tiled")
    declared = plan.tflm.tiled.declare
    assert declared < least
    written = (tmp_path / "out/network.tflite").read_bytes()
    predicted = predicted_arena(written)
    assert predicted.total == plan.tflm.tiled.total
    assert 0 <= predicted.declare - declared <= 64
    run("tflm", written, arena=declared)
    with pytest.raises(NotRunError):
        run("tflm", written, arena=declared - 16)
    assert hmcos.verify(model, plan).holds


def test_what_the_caller_supplies_is_still_in_the_arena_of_tflm(model: Path, tmp_path: Path) -> None:
    tiling = hmcos.Tiling(max_extra_macs=0.1)
    plan = hmcos.schedule(model, output=tmp_path / "out", tile=tiling, external_io=True)
    found = hmcos.verify(model, plan)
    assert found.holds, found
    words = {check.name: check.words for check in found.checks}
    assert "which the plan leaves to the caller" in words["arena in TFLM"]


def test_the_source_itself_is_run_against_the_result(model: Path, tmp_path: Path) -> None:
    """A rewriting that is wrong is wrong in the plan and in the written model alike."""
    tiled = hmcos.tile(model, hmcos.Tiling(max_extra_macs=0.1)).model
    file: Any = parse(cast(bytes, tiled.proto))
    begin = file.subgraphs[0].tensors[file.subgraphs[0].operators[0].inputs[1]]
    file.buffers[begin.buffer].data = list(NUMPY.array([0, 1, 0, 0], "int32").tobytes())
    wrong = replace(model_in(pack(file), model), origin=load(model))
    held = cast(OffsetsInFiles, format_called("tflite").offsets)
    trial = TfliteTrial(wrong, held, Running(runs=1), {})
    answers = {check.name: check.answer for check in outputs_checks(trial, cast(bytes, wrong.proto))}
    assert set(answers.values()) == {Answer.FAILS}
    assert len(answers) == 3


def squares() -> Sketch:
    """Return a network that squares a quantized image."""
    sketch = network()
    graph = sketch.model.subgraphs[0]
    squared = sketch.tensor([1, 8, 8, 8])
    sketch.operator("MUL", [graph.outputs[0]] * 2, [squared])
    sketch.ports(graph.inputs, [squared])
    return sketch


def test_xnnpack_is_not_asked_for_squares(tmp_path: Path) -> None:
    path = tmp_path / "squares.tflite"
    path.write_bytes(squares().bytes())
    plan = hmcos.schedule(path, output=tmp_path / "out", tile=hmcos.Tiling(max_extra_macs=0.1))
    found = hmcos.verify(path, plan)
    assert found.holds, found
    check = next(check for check in found.checks if check.name == "outputs in XNNPACK")
    assert check.answer == Answer.NOT_RUN
    assert "rounds MUL 3" in check.words


def test_bytes_without_sign_are_left_whole_for_tflm(tmp_path: Path) -> None:
    sketch = Sketch()
    sketch.subgraph()
    x, y, z = (sketch.tensor([1, 16, 16, 1 + 7 * (k == 1)], "UINT8") for k in range(3))
    sketch.operator("CONCATENATION", [x] * 8, [y], axis=3)
    sketch.operator("SLICE", [y, *(numbers(sketch, n) for n in ([0, 0, 0, 0], [1, 16, 16, 1]))], [z])
    sketch.ports([x], [z])
    path = tmp_path / "unsigned.tflite"
    path.write_bytes(sketch.bytes())
    plan = hmcos.schedule(path, tile=hmcos.Tiling())
    assert plan.rewriting is None
    assert "TFLM has no SLICE, PAD and CONCATENATION for it" in (plan.untiled or "")


def numbers(sketch: Sketch, listed: list[int]) -> int:
    return sketch.tensor([len(listed)], "INT32", NUMPY.array(listed, "int32"))


def target_with(folder: Path, **scratch: int) -> Path:
    """Return a target whose kernels need scratch by the names of the operators of a source."""
    lines = [f'"{name.replace("_", " ").replace("CONV 2D", "CONV_2D")}" = {n}' for name, n in scratch.items()]
    path = folder / "firmware.toml"
    path.write_text("\n".join(["alignment = 16", "[scratch.operators]", *lines]))
    return path


def test_scratch_by_name_follows_the_operators_of_the_source(model: Path, tmp_path: Path) -> None:
    """Operators are named by number, and a tiled model has other numbers."""
    target = target_with(tmp_path, CONV_2D_2=64, CONV_2D_7=100_000)
    plan = hmcos.schedule(
        model, target=target, output=tmp_path / "out", tile=hmcos.Tiling(max_extra_macs=0.1)
    )
    assert plan.rewriting is not None
    places = {plan.rewriting.order[p] for row in plan.rewriting.regions for p in range(row.begin, row.end)}
    assert 2 not in places  # nobody knows the scratch of a piece of it
    last = len(plan.operators) - 1
    tables = cast("dict[str, object]", plan.target.data["scratch"])
    assert tables["operators"] == {f"CONV_2D {last}": 64}
    assert 2 * 16 * 16 * 8 < plan.peak < 20_000
    assert hmcos.verify(model, plan).holds
    assert hmcos.explain(model, plan).tiling.rewriting == plan.rewriting


def test_an_operator_with_scratch_by_name_is_the_reason_why_nothing_is_tiled(
    model: Path, tmp_path: Path
) -> None:
    plan = hmcos.schedule(model, target=target_with(tmp_path, CONV_2D_1=64), tile=hmcos.Tiling())
    assert plan.rewriting is None
    assert "CONV_2D 1" in plan.untiled
    assert "has a rule in the target that is for all of it" in plan.untiled


def test_pieces_leave_out_rows_that_nobody_needs(tmp_path: Path) -> None:
    """A pool of 2 x 2 does not read the last of an odd number of rows."""
    sketch = Sketch()
    sketch.subgraph()
    x = sketch.tensor([1, 33, 33, 1])
    wide = convolution(sketch, x, [1, 33, 33, 16], 1)
    small = sketch.tensor([1, 16, 16, 16])
    size = {"filterHeight": 2, "filterWidth": 2, "strideH": 2, "strideW": 2}
    sketch.operator("MAX_POOL_2D", [wide], [small], padding=S.Padding.VALID, **size)
    sketch.ports([x], [small])
    path = tmp_path / "odd.tflite"
    path.write_bytes(sketch.bytes())
    plan = hmcos.schedule(path, output=tmp_path / "out", tile=hmcos.Tiling(max_extra_macs=0))
    assert plan.rewriting is not None
    assert plan.rewriting.extra_macs < 0
    assert hmcos.verify(path, tmp_path / "out" / "plan.json").holds
    assert "% fewer multiplications" in next(line.plain for line in tiling_lines(plan))


class Unasked:
    """Fails a test in which a search begins."""

    def progress(self, phase: str, peak: int, lower_bound: int, states: int) -> None:
        pytest.fail(f"{phase} began: {peak}, {lower_bound}, {states}")


def test_an_alignment_that_offsets_cannot_have_is_refused_before_any_search(
    model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(OptionError, match="multiples of 16 bytes, but the alignment is 1"):
        hmcos.schedule(model, target="none", output=out, tile=hmcos.Tiling(), observer=Unasked())
    assert not (out / "plan.json").exists()


def test_weights_that_are_quantized_in_blocks_keep_their_scales(tmp_path: Path) -> None:
    sketch = Sketch()
    sketch.subgraph()
    given = sketch.tensor([1, 64, 64, 3])
    last = filtered(sketch, filtered(sketch, given, [1, 64, 64, 16]), [1, 64, 64, 2])
    scales = sketch.tensor([3], "FLOAT32", [0.5, 0.25, 0.125], name="scales")
    weights = sketch.model.subgraphs[0].tensors[1]
    weights.quantization = S.QuantizationParametersT(
        detailsType=S.QuantizationDetails.BlockwiseQuantization,
        details=S.BlockwiseQuantizationT(scales=scales, zeroPoints=-1, blockSize=9),
    )
    sketch.ports([given], [last])
    path = tmp_path / "m.tflite"
    path.write_bytes(sketch.bytes())
    tiled = hmcos.schedule(path, tile=hmcos.Tiling(max_extra_macs=0.5), output=tmp_path / "out")
    assert tiled.rewriting is not None
    tensors: Any = (parse((tmp_path / "out" / "m.tflite").read_bytes()).subgraphs or [])[0].tensors
    blocks = [t.quantization.details for t in tensors if t.quantization and t.quantization.details]
    assert blocks
    assert {tensors[block.scales].name for block in blocks} == {b"scales"}
