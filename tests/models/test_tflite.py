"""TensorFlow Lite from end to end: planned, written, run on both runtimes, measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from hmcos import api
from hmcos.cli.commands import hmcos as command
from hmcos.errors import OptionError
from hmcos.frontends.tflite.offsets import offsets_in
from hmcos.frontends.tflite.reading import parse
from hmcos.frontends.tflite.writing import rewritten
from hmcos.frontends.tflite.written import written
from unit.frontends.test_tflite_reading import conditional
from unit.frontends.tflite_networks import branches, loop

pytest.importorskip("tflite_micro")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "branches.tflite"
    path.write_bytes(branches().bytes())
    return path


def test_the_least_arena_is_written_and_obeyed(model: Path, tmp_path: Path) -> None:
    plan = api.schedule(model, output=tmp_path / "out")
    assert plan.target.name == "tflm"
    assert (plan.given_peak, plan.peak, plan.lower_bound) == (16 + 3 * 256, 304, 304)
    assert plan.arena is not None
    assert plan.arena.size == plan.peak
    found = api.verify(model, plan)
    assert found.holds
    assert [check.name for check in found.checks][-5:] == [
        "written model",
        "offsets",
        "outputs in LiteRT",
        "outputs in TFLM",
        "arena in TFLM",
    ]
    assert "head 784 -> 304 bytes" in found.checks[-1].words


def test_offsets_can_be_left_out(model: Path, tmp_path: Path) -> None:
    api.schedule(model, output=tmp_path / "out", offsets=False)
    assert offsets_in(parse((tmp_path / "out/branches.tflite").read_bytes())) is None


def test_planted_faults_are_found(model: Path, tmp_path: Path) -> None:
    plan = api.schedule(model, output=tmp_path / "out")
    result = tmp_path / "out/branches.tflite"
    good = result.read_bytes()
    offsets = written(model.read_bytes(), good).offsets or ()
    result.write_bytes(rewritten(good, {}, dict.fromkeys(range(len(offsets)), 0)))
    found = api.verify(model, plan)
    assert [check.name for check in found.checks if not check.held] == ["offsets"]
    assert "overlaps" in found.checks[-1].words
    result.write_bytes(model.read_bytes())
    found = api.verify(model, plan)
    assert [check.name for check in found.checks if not check.held] == ["written model"]


def test_offsets_need_their_alignment(model: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"multiples of 16 bytes, but the alignment is 1.*--no-offsets"):
        api.schedule(model, target="none", output=tmp_path / "out")
    api.schedule(model, target="none", output=tmp_path / "out", offsets=False)


def test_the_command_line_measures(model: Path) -> None:
    ended = CliRunner().invoke(command, ["measure", str(model), "--json"], standalone_mode=False)
    found = json.loads(ended.stdout)
    assert [row["form"] for row in found["arenas"]] == ["source", "order alone", "order and offsets"]
    assert [row["head"] for row in found["arenas"]][::2] == [784, 304]
    assert found["arenas"][2]["predicted_head"] == found["lower_bound"] == 304


def test_bodies_are_planned_as_scratch(tmp_path: Path) -> None:
    path = tmp_path / "if.tflite"
    path.write_bytes(conditional().bytes())
    plan = api.schedule(path, output=tmp_path / "out")
    # Choice, input and output of the IF, and in its branch three tensors of 100 bytes.
    assert plan.peak == 16 + 2 * 112 + 3 * 112
    found = api.verify(path, plan)
    assert found.holds
    assert f"head {plan.peak} -> {plan.peak} bytes" in found.checks[-1].words
    made = written(path.read_bytes(), (tmp_path / "out/if.tflite").read_bytes()).offsets or ()
    assert len(made) == 9
    assert min(made) >= 0


def test_bodies_of_a_loop_are_placed_beside_what_is_live(tmp_path: Path) -> None:
    path = tmp_path / "while.tflite"
    path.write_bytes(loop().bytes())
    plan = api.schedule(path, output=tmp_path / "out")
    found = api.verify(path, plan)
    assert found.holds, found
    assert f"-> {plan.peak:,} bytes" in found.checks[-1].words
    result = tmp_path / "out/while.tflite"
    made = list(written(path.read_bytes(), result.read_bytes()).offsets or ())
    inner = next(i for i in range(len(made) - 1, 0, -1) if made[i] >= 0)
    result.write_bytes(rewritten(result.read_bytes(), {}, dict(enumerate(made)) | {inner: 0}))
    bad = api.verify(path, plan)
    assert [check.name for check in bad.checks if not check.held] == ["offsets"]
