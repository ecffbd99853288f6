"""Plans of networks in which sizes depend on data: at most, never optimal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import hmcos
from hmcos.__main__ import run
from hmcos.limits import Status
from hmcos.verify.checks import Answer
from onnx_models import graph, model, node, value


def positives(folder: Path) -> Path:
    """Return a model that picks what is positive of 64 numbers."""
    nodes = [
        node("Relu", "x", "a"),
        node("NonZero", "a", "i"),
        node("Transpose", "i", "t"),
        node("GatherND", "a t", "g"),
        node("Exp", "g", "e"),
        node("Log", "e", "l"),
        node("Add", "l e", "y"),
    ]
    path = folder / "positives.onnx"
    made = model(graph(nodes, [value("x", [8, 8])], [value("y", ["k"])]))
    path.write_bytes(made.SerializeToString())
    return path


def test_peak_and_arena_are_at_most(tmp_path: Path) -> None:
    plan = hmcos.schedule(positives(tmp_path))
    assert plan.arena is not None
    assert (plan.status, plan.arena.status) == (Status.AT_MOST, Status.AT_MOST)
    assert plan.peak == plan.lower_bound == 256 + 2 * 1024


def test_a_budget_is_kept_or_undecided(tmp_path: Path) -> None:
    path = positives(tmp_path)
    assert hmcos.schedule(path, budget=2304).status is Status.FITS
    assert hmcos.schedule(path, budget=2303).status is Status.AT_MOST
    assert run(["schedule", str(path), "--budget", "2303"]) == 4
    rows = list(hmcos.evaluate([path], budget=2303))
    assert [(row.status, row.fits) for row in rows] == [(Status.AT_MOST, None)]


def test_no_command_calls_it_optimal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(positives(tmp_path))
    for arguments in (["schedule", path], ["explain", path]):
        run(arguments)
        words = capsys.readouterr().out
        assert "optimal" not in words
        assert "at most" in words
    run(["schedule", path, "--json"])
    record = json.loads(capsys.readouterr().out)
    assert (record["status"], record["arena"]["status"]) == ("at most", "at most")
    compared = {schedule.scheduler: schedule for schedule in hmcos.compare(path).schedules}
    assert all(schedule.status is not Status.OPTIMAL for schedule in compared.values())


@pytest.mark.slow
def test_a_run_stays_within_the_bounds_and_a_claim_of_a_proof_does_not_hold(tmp_path: Path) -> None:
    path = positives(tmp_path)
    hmcos.schedule(path, output=tmp_path / "out")
    file = tmp_path / "out/plan.json"
    assert hmcos.verify(path, file).answer is Answer.HOLDS
    text = file.read_text()
    file.write_text(text.replace('"status": "at most"', '"status": "optimal"'))
    found = hmcos.verify(path, file)
    assert found.answer is Answer.FAILS
    assert any("only bounds are counted" in check.words for check in found.checks)
