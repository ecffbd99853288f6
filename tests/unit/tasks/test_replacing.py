"""A folder with the plan of another source is refused before the search, unless that is asked for."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from onnx import ModelProto

import hmcos
from hmcos.__main__ import run
from hmcos.cli.op_sched import op_sched
from hmcos.errors import OutputError
from networks import FORK
from onnx_models import branches, diamond


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "home/net.onnx"
    path.parent.mkdir()
    path.write_bytes(diamond().SerializeToString())
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def refused(source: object, out: Path) -> None:
    """Expect that a source is refused, and that nothing is changed."""
    before = contents(out)
    with pytest.raises(OutputError, match=r"holds the plan of another source.*--overwrite"):
        hmcos.schedule(source, output=out)  # pyright: ignore[reportArgumentType]
    assert contents(out) == before


def test_the_plan_of_another_source_stays(source: Path, tmp_path: Path) -> None:
    out, other = tmp_path / "out", tmp_path / "other.onnx"
    other.write_bytes(branches().SerializeToString())
    hmcos.schedule(source, output=out)
    hmcos.export_instance(FORK, tmp_path / "fork.json")
    for another in (other, "zoo:darts-cifar", branches(), FORK, tmp_path / "fork.json"):
        refused(another, out)
    assert hmcos.schedule(other, output=out, overwrite=True).outputs.model == str(out / "other.onnx")
    refused(source, out)


def test_the_same_source_again_is_fine(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    monkeypatch.chdir(source.parent)
    hmcos.schedule("net.onnx", output="../out")
    hmcos.schedule("net.onnx", output="../out", target="none")
    monkeypatch.chdir(tmp_path)
    hmcos.schedule("home/net.onnx", output="out")
    hmcos.schedule(source, output=out)
    hmcos.schedule(diamond(), output=out)  # in memory, but the same bytes
    hmcos.schedule(source, output=out)
    source.write_bytes(branches().SerializeToString())  # trained again
    hmcos.schedule(source, output=out)
    shutil.copy(source, tmp_path / "copy.onnx")
    hmcos.schedule(tmp_path / "copy.onnx", output=out)
    (tmp_path / "link.onnx").symlink_to(tmp_path / "copy.onnx")
    hmcos.schedule(tmp_path / "link.onnx", output=out)


def test_both_may_have_moved_together(source: Path, tmp_path: Path) -> None:
    hmcos.schedule(source, output=tmp_path / "home/out")
    (tmp_path / "home").rename(tmp_path / "moved")
    source = tmp_path / "moved/net.onnx"
    source.write_bytes(branches().SerializeToString())
    hmcos.schedule(source, output=tmp_path / "moved/out")


@pytest.mark.slow
def test_names_that_stand_for_networks(tmp_path: Path) -> None:
    hmcos.schedule("zoo:darts-cifar", output=tmp_path, time_limit=0.0)
    hmcos.schedule("zoo:darts-cifar", output=tmp_path, time_limit=0.0)
    refused("zoo:darts-imagenet", tmp_path)
    hmcos.schedule(FORK, output=tmp_path, overwrite=True)
    hmcos.schedule(replace(FORK, sizes=tuple(2 * size for size in FORK.sizes)), output=tmp_path)


def test_models_in_memory_are_told_by_their_bytes(tmp_path: Path) -> None:
    hmcos.schedule(diamond(), output=tmp_path)
    hmcos.schedule(ModelProto.FromString(diamond().SerializeToString()), output=tmp_path)
    refused(branches(), tmp_path)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"version": 4, "resources": []}', b"\xff", b"[" * 100_000])
def test_what_is_no_plan_stays(source: Path, tmp_path: Path, content: bytes) -> None:
    place = tmp_path / "plan.json"
    place.write_bytes(content)
    with pytest.raises(OutputError, match=r"plan\.json: is not a plan that hmcos can read.*--overwrite"):
        hmcos.schedule(source, output=tmp_path)
    assert place.read_bytes() == content
    hmcos.schedule(source, output=tmp_path, overwrite=True)
    assert hmcos.read_plan(place).source.absolute == str(source)


def test_a_plan_of_the_first_edition_is_known_again(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has only the name of its source, as it was given."""
    monkeypatch.chdir(tmp_path)
    hmcos.schedule("home/net.onnx", output="home/out")
    place = tmp_path / "home/out/plan.json"
    record = json.loads(place.read_text())
    del record["source"]["absolute"], record["source"]["relative"], record["outputs"]["sha256"]
    place.write_text(json.dumps(record))
    source.write_bytes(branches().SerializeToString())
    monkeypatch.chdir(os.sep)
    hmcos.schedule(source, output=tmp_path / "home/out")


@pytest.mark.slow
@pytest.mark.parametrize("program", ["hmcos", "op_sched"])
def test_the_command_lines_have_the_option(source: Path, tmp_path: Path, program: str) -> None:
    other, out = tmp_path / "other.onnx", tmp_path / "out"
    other.write_bytes(branches().SerializeToString())

    def code(path: Path, *options: str) -> int:
        if program == "op_sched":
            return run([str(path), str(out), *options], op_sched, program)
        return run(["schedule", str(path), "-o", str(out), *options])

    assert [code(source), code(other), code(source), code(other, "--overwrite")] == [0, 1, 0, 0]
