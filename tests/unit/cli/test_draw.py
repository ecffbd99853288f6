from __future__ import annotations

from pathlib import Path

import pytest

import hmcos
from hmcos.__main__ import run
from networks import FORK


@pytest.fixture
def fork(tmp_path: Path) -> str:
    path = tmp_path / "fork.json"
    hmcos.export_instance(FORK, path)
    return str(path)


def test_a_picture_is_written_and_named(
    fork: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "fork.dot"
    assert run(["draw", fork, "--what", "schedule", "--scheduler", "given", "-o", str(file)]) == 0
    assert capsys.readouterr().out == f"{file}\n"
    assert "steps of order given, peak 210 B" in file.read_text(encoding="utf-8")


def test_who_drew_a_graph_is_told(
    fork: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert run(["draw", fork, "-o", str(tmp_path / "order.svg")]) == 0
    shown = capsys.readouterr()
    assert shown.out == f"{tmp_path / 'order.svg'}\n"
    assert shown.err.startswith("hmcos: note: laid out by hmcos, since the program dot")
    assert run(["draw", fork, "-o", str(tmp_path / "order.dot")]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        (["draw", "FORK"], 2, "--output"),
        (["draw", "FORK", "-o", "fork.gif"], 2, "'.gif'"),
        (["draw", "FORK", "-o", "fork.dot", "--what", "art"], 2, "'art'"),
        (["draw", "FORK", "-o", "fork.dot", "--scheduler", "best"], 2, "'best'"),
        (["draw", "FORK", "-o", "fork.svg", "--what", "arena", "--allocator", "best"], 2, "'best'"),
        (["draw", "none.onnx", "-o", "fork.dot"], 1, "none.onnx"),
    ],
)
def test_wrong_lines_are_one_line_of_error(
    fork: str, line: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([fork if word == "FORK" else word for word in line]) == code
    told = capsys.readouterr().err
    assert told.startswith("hmcos: error: ")
    assert told.count("\n") == 1
    assert words in told
