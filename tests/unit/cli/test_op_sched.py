from __future__ import annotations

import json
from pathlib import Path

import pytest

from hmcos.__main__ import run
from hmcos.cli.op_sched import op_sched
from hmcos.frontends.tflite.offsets import offsets_in
from hmcos.frontends.tflite.reading import parse
from hmcos.zoo.catalogue import build
from tflite_models import branches

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "small.onnx"
    path.write_bytes(build("nasnet", cells=1, filters=8).SerializeToString())
    return path


def call(*arguments: object) -> int:
    return run([str(argument) for argument in arguments], op_sched, "op_sched")


def test_the_published_lines_come_first_and_files_are_written(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(small, tmp_path) == 0
    shown = capsys.readouterr()
    lines = dict(line.split(": ") for line in shown.out.splitlines())
    assert list(lines) == [
        "HMCOS Peak", "HMCOS Arena Size", "RPO Peak", "RPO Arena Size", "Optimal Peak", "Optimal Arena Size",
    ]  # fmt: skip
    size = {words: int(value.removesuffix(" KB")) for words, value in lines.items()}
    assert size["Optimal Peak"] <= size["HMCOS Peak"] <= size["RPO Peak"]
    plan = json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))
    assert plan["target"]["name"] == "hmcos"
    assert size["Optimal Peak"] == plan["peak"] // 1024
    assert (tmp_path / "small.onnx").is_file()
    assert (tmp_path / "memory.svg").is_file()
    assert (tmp_path / "arena.svg").is_file()


def test_without_graphviz_graphs_are_laid_out_here(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert call(small, tmp_path) == 0
    assert "laid out by hmcos" in capsys.readouterr().err
    for name in ("schedule.svg", "hierarchy.svg"):
        assert (tmp_path / name).read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.parametrize(("target", "with_offsets"), [("hmcos", False), ("tflm", True)])
def test_a_tflite_model_is_written_with_the_offsets_it_can_hold(
    target: str, with_offsets: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "branches.tflite"
    source.write_bytes(branches().bytes())
    assert call(source, tmp_path / "out", "--target", target) == 0
    assert capsys.readouterr().out.count(" KB\n") == 6
    found = offsets_in(parse((tmp_path / "out" / "branches.tflite").read_bytes()))
    assert (found is not None) == with_offsets


def test_a_limit_leaves_the_bound_open(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("zoo:randwire", tmp_path, "--time-limit", "0") == 0
    assert "Optimal Peak At Least: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ([], 2, "'MODEL'"),
        (["x.onnx"], 2, "'OUTDIR'"),
        (["x.onnx", "out", "more"], 2, "more"),
        (["x.onnx", "out"], 1, "x.onnx"),
        (["zoo:none", "out"], 2, "none"),
        (["zoo:darts-cifar", "out", "--target", "tpu"], 2, "tpu"),
    ],
)
def test_wrong_lines_are_one_line_of_error(
    line: list[str],
    code: int,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(*line) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("op_sched: error: ")
    assert shown.err.count("\n") == 1
    assert words in shown.err
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_model_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "wrong.onnx"
    wrong.write_text("no protobuf")
    assert call(wrong, tmp_path / "out") == 1
    assert "wrong.onnx" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_file_in_place_of_the_folder_is_named_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    standing = tmp_path / "out"
    standing.write_text("")
    assert call("zoo:darts-cifar", standing) == 1
    assert call("zoo:darts-cifar", standing / "below") == 1
    assert capsys.readouterr().err.splitlines() == [
        f"op_sched: error: {standing}: is a file; name a folder for the results",
        f"op_sched: error: {standing / 'below'}: {standing} is a file; name a folder for the results",
    ]
