"""Exported programs of PyTorch the whole way: scheduled, written, verified, measured, explained."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch

import hmcos
from hmcos.frontends.loading import load, serialised
from hmcos.frontends.torch.archive import open_archive
from hmcos.frontends.torch.exported import saved
from torch_models import FAMILIES

pytestmark = pytest.mark.slow


def written(name: str, folder: Path, *, decomposed: bool = False) -> Path:
    """Return the file of an exported network."""
    example = FAMILIES[name]()
    program = torch.export.export(example.module, example.inputs)
    place = folder / f"{name}.pt2"
    place.write_bytes(saved(program.run_decompositions() if decomposed else program))
    return place


@pytest.mark.parametrize(
    ("family", "decomposed"),
    [("nas-cells", False), ("transformer", True), ("control-flow", False), ("lstm", False)],
)
def test_what_verify_measures_is_what_the_plan_says(family: str, decomposed: bool, tmp_path: Path) -> None:
    place = written(family, tmp_path, decomposed=decomposed)
    plan = hmcos.schedule(place, output=tmp_path / "out")
    assert plan.status is hmcos.Status.OPTIMAL and plan.target.name == "torch"
    found = hmcos.verify(place, tmp_path / "out/plan.json")
    assert [check.words for check in found.checks if not check.held] == []
    assert [check.name for check in found.checks][-3:] == ["written model", "same function", "live storages"]
    assert f"at most {plan.peak:,} bytes at once" in found.checks[-1].words


def run(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hmcos", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_command_takes_a_program(tmp_path: Path) -> None:
    place = written("nas-cells", tmp_path)
    made = run("schedule", place, "-o", tmp_path / "out", "--json")
    assert made.returncode == 0 and json.loads(made.stdout)["peak"] == 209_664
    for words, says in (
        (("inspect", place), "conv2d"),
        (("explain", place), "209,664"),
        (("compare", place), "serenity"),
        (("measure", place), "planned order, live storages"),
        (("verify", place, tmp_path / "out/nas-cells.pt2"), "all holds"),
        (("verify", place, tmp_path / "out"), "name a plan.json"),
        (("report", tmp_path / "out/plan.json", "-o", tmp_path / "page.html"), "page.html"),
        (("draw", place, "-o", tmp_path / "graph.svg"), ""),
    ):
        ended = run(*words)
        assert says in ended.stdout + ended.stderr, ended.stderr
        assert "Traceback" not in ended.stderr


def test_a_file_that_computes_something_else_does_not_hold(tmp_path: Path) -> None:
    place = written("residual", tmp_path)
    hmcos.schedule(place, output=tmp_path / "out")
    result = tmp_path / "out/residual.pt2"
    archive = open_archive(result)
    graph = json.loads(json.dumps(archive.graph()).replace("aten.relu.default", "aten.tanh.default", 1))
    for content, says in (
        (archive.with_graph(graph), "is not that of the source"),
        (result.read_bytes().replace(b"aten.relu.default", b"aten.tanh.default", 1), "cannot be read"),
    ):
        result.write_bytes(content)
        checks = hmcos.verify(place, result).checks
        assert [(check.name, check.answer) for check in checks] == [("written model", "does not hold")]
        assert says in checks[0].words


def test_a_result_in_another_order_than_the_plan_does_not_hold(tmp_path: Path) -> None:
    place = written("nas-cells", tmp_path)
    hmcos.schedule(place, output=tmp_path / "out")
    (tmp_path / "out/nas-cells.pt2").write_bytes(serialised(load(place), {}))
    ended = run("verify", place, tmp_path / "out/plan.json")
    assert ended.returncode == 5 and "step" in ended.stdout


def test_inputs_of_the_user_are_fed(tmp_path: Path) -> None:
    place = written("residual", tmp_path)
    hmcos.schedule(place, output=tmp_path / "out")
    shape = hmcos.inspect(place).inputs[0].shape
    assert shape is not None
    np.save(tmp_path / "x.npy", np.zeros([int(n) for n in shape], np.float32))
    found = hmcos.verify(place, tmp_path / "out/plan.json", inputs={"0": tmp_path / "x.npy"})
    assert found.holds


def test_without_torch_the_way_out_is_named(tmp_path: Path) -> None:
    place = tmp_path / "m.pt2"
    place.write_bytes(b"")
    hidden = (
        "import sys; sys.modules['torch'] = None\n"
        f"from hmcos.__main__ import run\nrun(['schedule', {str(place)!r}])"
    )
    ended = subprocess.run([sys.executable, "-c", hidden], capture_output=True, text=True, check=False)
    assert ended.stderr.strip() == f"hmcos: error: {place}: needs PyTorch: pip install 'hmcos[torch]'"


def test_import_loads_no_torch() -> None:
    program = "import sys, hmcos, hmcos.torch; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
