"""A .tflite model for firmware with other kernels, from the command to the files."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner

import hmcos
from hmcos.cli.commands import hmcos as command_line
from hmcos.errors import OptionError
from tflite_models import NUMPY, Sketch, one_operator

pytestmark = pytest.mark.slow


def images(folder: Path, size: int = 16, channels: tuple[int, int, int] = (8, 8, 8)) -> Path:
    """Return the file of two convolutions of 3 x 3 pixels and an average."""
    sketch = Sketch()
    sketch.subgraph()
    fed = first = sketch.tensor([1, size, size, channels[0]])
    how = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1, "padding": 0}
    for reads, makes in pairwise(channels):
        weights = sketch.tensor([makes, 3, 3, reads], data=NUMPY.zeros((makes, 3, 3, reads), "int8"))
        made = sketch.tensor([1, size, size, makes])
        sketch.operator("CONV_2D", [fed, weights, -1], [made], **how)
        fed = made
    made = sketch.tensor([1, 1, 1, channels[2]])
    pool = {"filterHeight": size, "filterWidth": size, "strideH": 1, "strideW": 1, "padding": 1}
    sketch.operator("AVERAGE_POOL_2D", [fed], [made], **pool)
    sketch.ports([first], [made])
    path = folder / "images.tflite"
    path.write_bytes(sketch.bytes())
    return path


def run(*words: object) -> str:
    result = CliRunner().invoke(command_line, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_scratch_of_the_kernels_is_in_peak_arena_plan_and_header(tmp_path: Path) -> None:
    model, out = images(tmp_path), tmp_path / "out"
    known = json.loads(
        run("schedule", model, "--kernels", "cmsis-nn:dsp", "-o", out, "--emit", "c", "--json")
    )
    assert (known["kernels"], known["unknown_scratch"]) == ("cmsis-nn:dsp", [])
    scratch = 2 * 2 * 72  # what is under the window, for two places, in 16 bits
    assert known["peak"] == known["arena"]["size"] == 2 * 2048 + scratch
    assert known["lower_bound"] == known["peak"]
    plan = hmcos.read_plan(out / "plan.json")
    assert plan.target.kernels == "cmsis-nn:dsp"
    (header,) = out.glob("*.h")
    assert "scratch of the kernels cmsis-nn:dsp." in header.read_text()
    told = run("schedule", model, "--kernels", "cmsis-nn:dsp")
    assert "kernels cmsis-nn:dsp" in " ".join(told.split())
    run("verify", model, out / "plan.json")


def test_without_a_name_the_reference_kernels_are_meant(tmp_path: Path) -> None:
    model = images(tmp_path)
    plan = hmcos.schedule(model)
    assert plan.target.kernels == "reference"
    assert plan.peak == 2 * 2048
    assert hmcos.schedule(model, kernels="reference").target == plan.target


def test_a_target_file_names_its_kernels(tmp_path: Path) -> None:
    target = tmp_path / "board.toml"
    target.write_text('alignment = 16\nkernels = "cmsis-nn:c"\n[scratch.operators]\n"CONV_2D 0" = 1000\n')
    plan = hmcos.schedule(images(tmp_path), target=target, output=tmp_path / "out")
    scratch = cast(Any, plan.target.data["scratch"])["operators"]
    assert scratch == {"CONV_2D 0": 1000, "CONV_2D 1": 288}
    assert plan.peak == 2 * 2048 + 1008
    run("verify", tmp_path / "images.tflite", tmp_path / "out" / "plan.json")


def test_tiles_have_the_scratch_of_their_own_sizes(tmp_path: Path) -> None:
    model = images(tmp_path, 32, (2, 16, 4))
    most = hmcos.Tiling(max_extra_macs=0.5)
    plan = hmcos.schedule(model, kernels="esp-nn:esp32s3", tile=most, output=tmp_path / "out")
    assert plan.rewriting is not None
    assert plan.rewriting.regions
    run("verify", model, tmp_path / "out" / "plan.json")
    assert plan.peak < plan.rewriting.peak_best_order


def test_operators_with_unknown_scratch_are_named(tmp_path: Path) -> None:
    model = tmp_path / "own.tflite"
    model.write_bytes(one_operator("Mystery").bytes())
    out = tmp_path / "out"
    told = run("schedule", model, "-o", out)
    assert "scratch unknown, counted as none: Mystery 0" in told
    assert json.loads(run("schedule", model, "--json"))["unknown_scratch"] == ["Mystery 0"]
    plan = hmcos.read_plan(out / "plan.json")
    assert plan.target.unknown_scratch == ("Mystery 0",)
    scratch = cast(dict[str, object], plan.target.data["scratch"])
    hidden: dict[str, object] = {**plan.target.data, "scratch": scratch | {"unknown": list[str]()}}
    forged = replace(plan, target=replace(plan.target, data=hidden))
    checks = hmcos.verify(model, forged).checks
    assert any(not check.held and "scratch.unknown" in check.words for check in checks)


def test_the_kernels_that_run_here_may_need_more_than_those_of_the_plan(tmp_path: Path) -> None:
    sketch = Sketch()
    sketch.subgraph()
    shape = sketch.tensor([4], "INT32", data=NUMPY.array([1, 8, 8, 32], "int32"))
    weights = sketch.tensor([32, 2, 2, 32], data=NUMPY.zeros((32, 2, 2, 32), "int8"))
    fed, made = sketch.tensor([1, 4, 4, 32]), sketch.tensor([1, 8, 8, 32])
    sketch.operator("TRANSPOSE_CONV", [shape, weights, fed], [made], strideH=2, strideW=2, padding=1)
    sketch.ports([fed], [made])
    model = tmp_path / "wide.tflite"
    model.write_bytes(sketch.bytes())
    plan = hmcos.schedule(model, kernels="cmsis-nn:dsp", output=tmp_path / "out")
    assert plan.peak < hmcos.schedule(model).peak
    found = hmcos.verify(model, plan)
    assert found.holds
    if found.checks[-1].name == "arena in TFLM":
        assert "with the reference kernels; the plan is for cmsis-nn:dsp" in found.checks[-1].words


@pytest.mark.parametrize("command", ["schedule", "compare", "explain"])
def test_wrong_names_are_one_line(command: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(command_line, [command, str(images(tmp_path)), "--kernels", "cmsis-nn"])
    assert result.exit_code != 0
    assert "no kernels are called 'cmsis-nn'; there are reference, cmsis-nn:c, " in str(
        result.exception or result.output
    )


def test_other_formats_and_targets_have_no_kernels(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"kernels are chosen for \.tflite models only"):
        hmcos.schedule("zoo:nasnet-cifar", kernels="reference")
    with pytest.raises(OptionError, match="the target 'none' has no kernels to choose"):
        hmcos.schedule(images(tmp_path), target="none", kernels="reference")
    problem = hmcos.lower(images(tmp_path), kernels="cmsis-nn:dsp")
    assert problem.scratch == (288, 288, 32)
    with pytest.raises(OptionError, match="is a problem"):
        hmcos.schedule(problem, kernels="reference")
