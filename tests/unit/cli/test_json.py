"""With --json, standard output holds one JSON object on one line, or nothing at all."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import click
import pytest

from hmcos.__main__ import run
from hmcos.cli.commands import COMMANDS
from hmcos.zoo.catalogue import NETWORKS, defaults
from networks import INSTANCE

LINES = (
    ("schedule", "INSTANCE"),
    ("schedule", "INSTANCE", "-o", "out"),
    ("schedule", "INSTANCE", "-o", "out", "--emit", "c"),
    ("schedule", "INSTANCE", "--time-limit", "0"),
    ("schedule", "INSTANCE", "--target", "none"),
    ("schedule", "INSTANCE", "--budget", "119"),
    ("schedule", "INSTANCE", "--budget", "130", "--scheduler", "given"),
    ("schedule", "missing.json"),
    ("schedule", "INSTANCE", "--scheduler", "best"),
    ("inspect", "INSTANCE"),
    ("inspect", "INSTANCE", "--instance", "again.json"),
    ("inspect", "missing.onnx"),
    ("compile", "INSTANCE"),
    ("compile", "missing.tflite"),
    ("compare", "INSTANCE", "--time-limit", "0"),
    ("evaluate", "INSTANCE", "--jobs", "1"),
    ("evaluate", "INSTANCE", "--jobs", "1", "--budget", "119"),
    ("evaluate", "INSTANCE", "--jobs", "0"),
    ("evaluate", "INSTANCE", "--jobs", "1", "-o", "missing/rows.jsonl"),
    ("explain", "INSTANCE"),
    ("explain", "INSTANCE", "--time-limit", "0"),
    ("arena", "LIVES"),
    ("arena", "LIVES", "-o", "placed.csv"),
    ("arena", "LIVES", "--capacity", "4"),
    ("arena", "missing.csv"),
    ("verify", "INSTANCE", "missing.json"),
    ("measure", "INSTANCE"),
    ("zoo", "--list"),
    ("zoo",),
    ("zoo", "nasnet", "--cells", "1", "--filters", "8", "-o", "small.onnx"),
    ("zoo", "nasnet"),
)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    (tmp_path / "fork.json").write_text(INSTANCE, encoding="utf-8")
    (tmp_path / "lives.csv").write_text("id,lower,upper,size\na,0,2,3\nb,1,3,4\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return {"INSTANCE": "fork.json", "LIVES": "lives.csv"}


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_standard_output_is_one_object_or_nothing(
    line: tuple[str, ...], files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    code = run([*(files.get(word, word) for word in line), "--json"])
    shown = capsys.readouterr()
    if code in (1, 2):
        assert shown.out == ""
        assert shown.err.startswith("hmcos: error: ")
    else:
        assert isinstance(json.loads(shown.out), dict)
        assert shown.out.endswith("\n")
        assert shown.out.count("\n") == 1


def test_every_command_that_takes_json_is_tried() -> None:
    tried = {line[0] for line in LINES}
    for name, place in COMMANDS.items():
        module, function = place.split(":")
        command = getattr(importlib.import_module(module), function)
        assert isinstance(command, click.Command)
        takes = any("--json" in one.opts for one in command.params)
        assert takes == (name in tried), name


def test_a_plan_that_holds_is_told_in_json(
    files: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["schedule", files["INSTANCE"], "-o", "out", "--json"]) == 0
    capsys.readouterr()
    assert run(["verify", files["INSTANCE"], "out/plan.json", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["checks"]


def test_the_zoo_lists_what_it_builds(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["zoo", "--list", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in record["networks"]] == list(NETWORKS)
    by_name = {one["name"]: one["parameters"] for one in record["networks"]}
    assert by_name["pnas-imagenet"] == {**defaults("pnas"), **NETWORKS["pnas-imagenet"][1]}
    assert {one["name"]: one["parameters"] for one in record["families"]}["randwire"] == defaults("randwire")
