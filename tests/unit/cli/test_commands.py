from __future__ import annotations

import errno
import json
import os
import shlex
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

from hmcos.__main__ import run
from hmcos.cli.commands import ALIASES, COMMANDS
from hmcos.cli.zoo import parse_parameters
from hmcos.errors import OptionError
from hmcos.words import one_line
from networks import INSTANCE
from onnx_models import graph, model, node, value


@pytest.fixture
def instance(tmp_path: Path) -> str:
    path = tmp_path / "fork.json"
    path.write_text(INSTANCE)
    return str(path)


def test_the_table_shows_the_way_down(instance: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schedule", instance]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    for words in ("file order", "210 B", "reverse post-order", "lower bound", "120 B", "42.9 %", "proved"):
        assert words in shown.out
    assert "'shrink" in shown.out or "'grow" in shown.out
    assert "buffer 1" in shown.out


@pytest.mark.parametrize(("budget", "code"), [("120", 0), ("119", 3)])
def test_a_budget_decides_the_exit_code(
    instance: str, budget: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["schedule", instance, "--budget", budget, "--json"]) == code
    assert capsys.readouterr().out.count("\n") == 1


def test_an_undecided_budget_has_its_own_exit_code(instance: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schedule", instance, "--scheduler", "given", "--budget", "130", "--json"]) == 4
    assert json.loads(capsys.readouterr().out)["status"] == "feasible"


def test_compare_lists_every_scheduler(instance: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", instance, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert list(record) == [
        "model", "operators", "target", "scheduled_operators", "lower_bound", "schedulers",
    ]  # fmt: skip
    assert list(record["schedulers"][0]) == ["scheduler", "status", "peak", "seconds"]
    assert run(["c", instance]) == 0
    assert "over the bound" in capsys.readouterr().out


def test_inspect_json_has_the_documented_keys(instance: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect", instance, "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)) == [
        "model", "operators", "inputs", "outputs", "kinds", "parameters", "parameter_bytes", "activations",
        "activation_bytes", "symbols", "unbound", "obstacle", "inlined", "sha256",
    ]  # fmt: skip
    assert run(["inspect", instance]) == 0
    assert "activations: 6" in capsys.readouterr().out


def test_inspect_lists_what_depends_on_data_once_no_symbol_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = graph([node("Range", "a a a", "y"), node("Relu", "y", "z")], [value("a", [])], [value("z", ["n"])])
    path = tmp_path / "range.onnx"
    path.write_bytes(model(made).SerializeToString())
    told: list[object] = []
    for bound in ((), ("--bind", "n=3"), ("--bind", "n=3", "--bind", "y:0=3")):
        assert run(["inspect", str(path), "--json", *bound]) == 0
        told.append(json.loads(capsys.readouterr().out)["unbound"])
    assert told == [["n"], ["y:0"], []]


def test_an_instance_is_never_written_over_its_source(
    instance: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["inspect", instance, "--instance", instance]) == 1
    assert "is the source" in capsys.readouterr().err
    assert Path(instance).read_text() == INSTANCE


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        (["schedule"], 2, "Missing argument"),
        (["schedule", "x.onnx", "--frob"], 2, "No such option"),
        (["frob"], 2, "No such command"),
        (["schedule", "x.onnx"], 1, "x.onnx"),
        (["schedule", "INSTANCE", "--time-limit", "soon"], 2, "soon"),
        (["schedule", "INSTANCE", "--budget", "lots"], 2, "'lots' is no size"),
        (["schedule", "INSTANCE", "--bind", "batch"], 2, "NAME=VALUE"),
        (["schedule", "INSTANCE", "--bind", "batch=1.5"], 2, "NAME=VALUE"),
        (["schedule", "INSTANCE", "--target", "tpu"], 2, "tpu"),
        (["schedule", "INSTANCE", "--scheduler", "best"], 2, "best"),
        (["zoo", "nasnet-cifar"], 2, "-o"),
        (["zoo", "frob", "-o", "x.onnx"], 2, "frob"),
        (["shedule", "INSTANCE"], 2, "Did you mean 'schedule'?"),
        (["INSTANCE"], 2, "No such command"),
        (["schedule", "INSTANCE", "--jsn"], 2, "Did you mean '--json' or '--jobs'?"),
        (["schedule", "INSTANCE", "--budgt", "1"], 2, "No such option '--budgt'. Did you mean '--budget'"),
        (["zoo", "mobilenet-v2", "--batch", "9" * 30, "-o", "x.onnx"], 2, "at most 2147483647"),
        (["zoo", "mobilenet-v2", "--int8", "--no-fold-batch-norm", "-o", "x.onnx"], 2, "folded"),
        (["zoo", "nasnt"], 2, "Did you mean 'nasnet'"),
        (["zoo", "--lst"], 2, "Did you mean '--list'?"),
        (["schedule", "INSTANCE", "--emit", "rust"], 2, "'rust' is not 'c'"),
        (["schedule", "INSTANCE", "--emit", "c"], 2, "-o DIR"),
        (["schedule", "INSTANCE", "--minimize", "time"], 2, "'time'"),
        (["schedule", "INSTANCE", "--target", "hmcso"], 2, "Did you mean 'hmcos'?"),
        (["schedule", "INSTANCE", "--target", "mine.toml"], 1, "mine.toml"),
        (["schedule", "INSTANCE", "--scheduler", "optimul"], 2, "Did you mean 'optimal'?"),
        (["schedule", "INSTANCE", "--allocator", "exakt"], 2, "Did you mean 'exact'?"),
        (["schedule", "INSTANCE", "--alignment", "0"], 2, "at least 1 byte"),
        (["schedule", "INSTANCE", "--state-limit", "0"], 2, "at least 1 state"),
        (["schedule", "INSTANCE", "--time-limit", "-1"], 2, "at least 0 seconds"),
        (["schedule", "INSTANCE", "--jobs", "0"], 2, "jobs: at least 1, not 0"),
        (["compare", "INSTANCE", "--jobs", "-1"], 2, "jobs: at least 1, not -1"),
        (["explain", "INSTANCE", "--jobs", "many"], 2, "'many' is not a valid integer"),
        (["schedule", "zoo:nasnet-cifr"], 2, "Did you mean 'nasnet-cifar'"),
        (["zoo", "nasnet", "--cels", "1", "-o", "x.onnx"], 2, "Did you mean 'cells'?"),
        (["draw", "INSTANCE", "--what", "grph", "-o", "x.svg"], 2, "'grph'"),
        (["draw", "INSTANCE", "-o", "x.bmp"], 2, ".bmp"),
        (["verify", "INSTANCE", "plan.json", "--input", "x"], 2, "NAME=FILE.npy"),
        (["verify", "INSTANCE"], 2, "Missing argument"),
        (["arena", "lives.csv", "--jobs", "0"], 2, "at least 1, not 0"),
        (["arena", "lives.csv", "--capacity", "1.5"], 2, "whole number of bytes"),
        (["measure", "INSTANCE", "--processes", "0"], 2, "'--processes'"),
        (["compare", "zoo:all", "--bind", "batch=1"], 2, "batch"),
    ],
)
def test_wrong_lines_are_one_line_of_error(
    instance: str, line: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([instance if word == "INSTANCE" else word for word in line]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("hmcos: error: ")
    assert shown.err.count("\n") == 1
    assert words in shown.err


def test_every_command_helps_with_examples(capsys: pytest.CaptureFixture[str]) -> None:
    for name in (*COMMANDS, *ALIASES):
        assert run([name, "--help"]) == 0
        shown = capsys.readouterr().out
        assert "Examples:" in shown
        assert "\b" not in shown
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == "hmcos 0.1.0\n"


def test_a_target_without_effect_is_told(instance: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schedule", instance, "--target", "none", "--json"]) == 0
    assert "carries its own rules" in capsys.readouterr().err


def test_the_zoo_is_listed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["zoo", "--list"]) == 0
    assert "nasnet-cifar" in capsys.readouterr().out
    small = tmp_path / "small.onnx"
    assert run(["zoo", "nasnet", "--cells", "1", "--filters=8", "-o", str(small)]) == 0
    assert small.is_file()
    assert run(["schedule", str(small), "--json"]) == 0


def test_parameters_of_the_zoo_are_read_by_their_looks() -> None:
    words = ("--cells", "4", "--p=0.5", "--no-fold-sums", "--fold-batch-norm", "--dataset", "cifar")
    assert parse_parameters(words) == {
        "cells": 4,
        "p": 0.5,
        "fold_sums": False,
        "fold_batch_norm": True,
        "dataset": "cifar",
    }
    with pytest.raises(OptionError, match="'4'"):
        parse_parameters(("4",))
    with pytest.raises(OptionError, match="'5'"):
        parse_parameters(("--cells", "4", "5"))


def test_no_arguments_at_all_show_the_help_as_it_is_laid_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "\n  schedule " in shown.err


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("redirection", [">/dev/full", ">&-", "2>&-"])
@pytest.mark.parametrize("command", ["schedule", "schedule --json"])
def test_streams_that_are_full_or_closed_end_without_a_traceback(
    instance: str, command: str, redirection: str
) -> None:
    words = [sys.executable, "-m", "hmcos", *command.split(), instance]
    line = f"{' '.join(map(shlex.quote, words))} {redirection}"
    done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=False)
    full = redirection == ">/dev/full"
    assert done.returncode == int(full)
    assert done.stderr == ("hmcos: error: standard output: No space left on device\n" if full else "")


def test_output_paths_are_printed_with_their_escapes(
    instance: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["schedule", instance, "-o", str(tmp_path / "o\x1b[31m[bold]")]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert r"o\x1b[31m[bold]" in shown


@pytest.mark.parametrize("place", ["loop/out", "x" * 300, "fork.json/out"])
def test_output_folders_that_cannot_be(
    instance: str, tmp_path: Path, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert run(["schedule", instance, "-o", str(tmp_path / place)]) == 1
    shown = capsys.readouterr().err
    assert shown.startswith(f"hmcos: error: {one_line(str(tmp_path / place))}: ")
    assert shown.count("\n") == 1


def test_models_whose_names_are_too_long_to_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schedule", "x" * 300 + ".onnx"]) == 1
    assert "cannot be read: File name too long" in capsys.readouterr().err
    assert run(["schedule", "x" * 300]) == 1
    assert "names no known format" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is locked for root")
@pytest.mark.parametrize("words", [["locked/model.onnx"], ["fork.json", "-o", "locked/out"]])
def test_what_lies_in_a_locked_folder_is_one_line(
    instance: str,
    tmp_path: Path,
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "locked").mkdir(mode=0)
    monkeypatch.chdir(tmp_path)
    assert run(["schedule", *words]) == 1
    shown = capsys.readouterr().err
    assert "permission" in shown.lower() and shown.count("\n") == 1


HOLD = """
import os, signal, sys
from pathlib import Path

import click

from hmcos.__main__ import main
from hmcos.staging import staged

@click.command()
@click.argument("folder", type=Path)
@click.argument("name")
def hold(folder, name):
    with staged(folder) as staging:
        staging.add(folder / "result", b"half")
        os.kill(os.getpid(), getattr(signal, name))

signal.signal(signal.SIGHUP, signal.SIG_IGN if sys.argv.pop() == "ignored" else signal.SIG_DFL)
main(hold)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system ends processes in another way")
@pytest.mark.parametrize(
    ("name", "hangup", "code"),
    [("SIGTERM", "ends", 143), ("SIGHUP", "ends", 129), ("SIGHUP", "ignored", 0)],
)
def test_a_process_that_is_asked_to_end_leaves_nothing_half_done(
    tmp_path: Path, name: str, hangup: str, code: int
) -> None:
    words = [sys.executable, "-c", HOLD, str(tmp_path / "out"), name, hangup]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (code, "")
    assert [str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*")] == (
        ["out", "out/result"] if hangup == "ignored" else []
    )


def test_too_little_memory_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def take() -> None:
        raise MemoryError

    assert run([], click.Command("hmcos", callback=take)) == 1
    assert capsys.readouterr().err.startswith("hmcos: error: there is not enough memory")


def test_an_interruption_after_the_results_stand_does_not_deny_them(
    instance: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> Path:
        raise KeyboardInterrupt

    page = import_module("hmcos.report.page.page")  # hmcos.report is a function
    monkeypatch.setattr(page, "has_plotly", lambda: True)
    monkeypatch.setattr(page, "write_page", interrupted)
    (tmp_path / "out").mkdir()
    older = '<meta name="generator" content="hmcos">of an older plan'
    (tmp_path / "out" / "report.html").write_text(older)
    assert run(["schedule", instance, "-o", str(tmp_path / "out")]) == 130
    assert os.listdir(tmp_path / "out") == ["plan.json"]  # noqa: PTH208 (names)
    assert capsys.readouterr().err.strip() == "hmcos: error: interrupted; no file is half written"


@pytest.mark.skipif(os.name != "posix", reason="this system keeps folders that are in use")
def test_a_current_folder_that_is_gone_is_named(instance: str, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "hmcos", "schedule", instance, "-o", "out"]
    script = 'mkdir "$0" && cd "$0" && rmdir "$0" && exec "$@"'
    line = ["/bin/sh", "-c", script, str(tmp_path / "gone"), *words]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.endswith("hmcos: error: the current folder: No such file or directory\n")


def test_an_error_of_the_system_is_not_put_to_the_output(capsys: pytest.CaptureFixture[str]) -> None:
    def take() -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    assert run([], click.Command("hmcos", callback=take)) == 1
    assert capsys.readouterr().err == "hmcos: error: the system: Too many open files\n"
