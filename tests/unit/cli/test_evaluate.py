"""hmcos evaluate: what it takes, prints and leaves, and how it ends."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import hmcos
from hmcos.__main__ import run
from hmcos.cli.evaluate import Bar
from networks import INSTANCE
from onnx_models import chain


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of models, below the current folder."""
    monkeypatch.chdir(tmp_path)
    models = tmp_path / "models"
    (models / "deep").mkdir(parents=True)
    for length in range(1, 4):
        (models / f"chain{length}.onnx").write_bytes(chain(length=length).SerializeToString())
    (models / "deep" / "Other.ONNX").write_bytes(chain(length=5).SerializeToString())
    (models / "notes.txt").write_text("no model")
    (tmp_path / "fork.json").write_text(INSTANCE)
    (tmp_path / "torn.onnx").write_bytes(b"torn")
    return models


def _evaluate(*words: str) -> list[str]:
    """Return the command for a process of its own."""
    return [sys.executable, "-m", "hmcos", "evaluate", *words]


def test_a_folder_stands_for_its_models(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "fork.json", "models", "--jobs", "1", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    names = [
        str(Path("models", name)) for name in ("chain1.onnx", "chain2.onnx", "chain3.onnx", "deep/Other.ONNX")
    ]
    assert [row["name"] for row in record["rows"]] == ["fork.json", *names]
    assert (record["candidates"], record["evaluated"], record["failures"]) == (5, 5, {})
    assert (record["target"], record["budget"], record["fit"]) == ("default", None, None)


def test_a_folder_without_models(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder.parent / "empty").mkdir()
    assert run(["evaluate", "empty"]) == 2
    assert "empty: holds no model file (.onnx, .tflite, .pt2)" in capsys.readouterr().err


@pytest.mark.slow
def test_all_of_the_zoo_is_meant_by_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "zoo:all", "--time-limit", "0", "--jobs", "1", "--budget", "1", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert len(record["rows"]) == 12
    assert (record["fit"], record["do_not_fit"], record["undecided"]) == (0, 12, 0)


def test_errors_are_counted_and_are_the_exit_code(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["evaluate", "torn.onnx", "fork.json", "missing.onnx", "--jobs", "1"]
    assert run([*line, "--json"]) == 1
    record = json.loads(capsys.readouterr().out)
    assert record["failures"] == {"wrong model": 2}
    assert [row["peak"] for row in record["rows"]] == [None, 120, None]
    assert run(line) == 1
    shown = capsys.readouterr()
    assert "wrong model" in shown.out and "torn.onnx" in shown.out
    assert "missing.onnx: missing.onnx" not in shown.out
    assert shown.err == ""


def test_it_may_stop_at_the_first_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "torn.onnx", "fork.json", "--jobs", "1", "--fail-fast", "--json"]) == 1
    record = json.loads(capsys.readouterr().out)
    assert (len(record["rows"]), record["missing"]) == (1, 1)


def test_tables_for_people(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "models", "fork.json", "--jobs", "1", "-o", "rows.csv"]) == 0
    shown = capsys.readouterr().out
    assert "5 networks, target default" in shown
    assert "orders: 5 optimal" in shown
    assert "at most 42.9 % (fork.json)" in shown
    assert "rows: rows.csv" in shown
    assert len(list(csv.DictReader(io.StringIO(Path("rows.csv").read_text())))) == 5
    assert run(["evaluate", "models", "fork.json", "--jobs", "1", "--budget", "120"]) == 0
    assert "within 120 B: 5 fit, 0 do not (proved), 0 undecided" in capsys.readouterr().out


def test_many_rows_are_not_all_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", *["fork.json"] * 23, "--jobs", "1"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("fork.json") == 21
    assert "and 3 that save less" in shown


def test_an_output_is_resumed_or_replaced_when_asked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["evaluate", "fork.json", "models", "--jobs", "1", "-o", "rows.jsonl"]
    assert run([*line[:2], *line[3:]]) == 0
    first = Path("rows.jsonl").read_text()
    assert run(line) == 1
    assert "hmcos: error: rows.jsonl: is there already; resume it" in capsys.readouterr().err
    assert run([*line, "--resume"]) == 0
    assert Path("rows.jsonl").read_text().startswith(first)
    assert len(Path("rows.jsonl").read_text().splitlines()) == 5
    assert run([*line, "--resume", "--budget", "1K"]) == 1
    assert "rows.jsonl: line 1 is of another request" in capsys.readouterr().err
    assert run([*line, "--overwrite"]) == 0
    assert len(Path("rows.jsonl").read_text().splitlines()) == 5


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["-o", "rows.txt"], 2, "rows are written as JSON lines or CSV"),
        (["-o", "none/rows.csv"], 1, "there is no folder none"),
        (["--jobs", "0"], 2, "jobs: at least 1, not 0"),
        (["--resume"], 2, "resuming needs an output"),
        (["--memory-limit", "much"], 2, "is no size"),
        (["--dask", "nowhere"], 1, "name a cluster of Dask as tcp://HOST:PORT"),
    ],
)
def test_wrong_options(
    options: list[str], code: int, words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if options[0] == "--dask":
        pytest.importorskip("distributed", reason="Dask is not installed")
    assert run(["evaluate", "fork.json", *options]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("hmcos: error: ") and words in shown.err
    assert shown.err.count("\n") == 1


def test_without_dask(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert run(["evaluate", "fork.json", "--dask", "tcp://127.0.0.1:1"]) == 1
    assert "dask is not installed" in (told := capsys.readouterr().err)
    assert "pip install 'hmcos[dask]'" in told


@pytest.mark.slow
def test_a_limit_in_which_no_worker_can_start_is_one_line(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("resource", reason="this system has no limits for processes")
    assert run(["evaluate", "fork.json", "--memory-limit", "1k", "--jobs", "1"]) == 1
    shown = capfd.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("hmcos: error: a worker process cannot start within 1,024 bytes of memory")
    assert shown.err.count("\n") == 1


@pytest.mark.slow
def test_ctrl_c_keeps_the_rows(tmp_path: Path) -> None:
    output = tmp_path / "rows.jsonl"
    hard = ["randwire", "--nodes", "96", "--seed", "5"]
    assert run(["zoo", *hard, "-o", str(tmp_path / "hard.onnx")]) == 0
    (tmp_path / "fork.json").write_text(INSTANCE)
    process = subprocess.Popen(
        _evaluate("fork.json", *["hard.onnx"] * 2, "--jobs", "2", "-o", str(output)),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )
    end = time.monotonic() + 120
    while not (output.exists() and output.read_bytes().endswith(b"\n")) and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, told = process.communicate(timeout=120)
    assert process.returncode == 130, told
    assert told == "hmcos: stopping; the rows so far are kept; again to stop at once\n"
    assert "interrupted: 2 networks without a row" in out
    assert [json.loads(line)["name"] for line in output.read_text().splitlines()] == ["fork.json"]


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no terminals")
def test_a_bar_on_a_terminal(folder: Path) -> None:
    parent, child = os.openpty()
    process = subprocess.Popen(
        _evaluate("fork.json", "torn.onnx", "--jobs", "1", "--budget", "1K"),
        stdout=subprocess.DEVNULL,
        stderr=child,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(child)
    shown = b""
    while True:
        try:
            part = os.read(parent, 1 << 16)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(parent)
    assert process.wait() == 1
    assert b"2 of 2" in shown and b"1 fit" in shown and b"1 error" in shown and b"a second" in shown


def test_no_bar_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    with Bar(1, with_budget=False) as bar:
        bar.add(hmcos.Row("a", "a@b", error="wrong model: no"))
    assert screen.getvalue() == ""
