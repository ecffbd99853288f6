from __future__ import annotations

import json

import pytest

from hmcos.__main__ import run
from hmcos.tasks.compare.experiment import ORDERS, PLANNERS

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def two_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A zoo that is quickly seen."""
    monkeypatch.setattr("hmcos.api.scheduling.zoo_names", lambda: ("darts-imagenet", "nasnet-imagenet"))


def test_the_whole_zoo_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", "zoo:all", "--json"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert shown.out.count("\n") == 1
    record = json.loads(shown.out)
    assert list(record) == ["model", "target", "networks"]
    assert (record["model"], record["target"]) == ("zoo:all", "hmcos")
    assert [row["model"] for row in record["networks"]] == ["zoo:darts-imagenet", "zoo:nasnet-imagenet"]
    first = record["networks"][0]
    assert list(first) == ["model", "scheduled_operators", "lower_bound", "schedulers"]
    assert [trial["scheduler"] for trial in first["schedulers"]] == list(ORDERS)
    best = first["schedulers"][-1]
    assert (best["peak"], best["status"], best["arenas"]["auto"]["size"]) == (3842176, "optimal", 3842176)
    assert list(best["arenas"]) == list(PLANNERS)


def test_the_table_has_every_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", "zoo:all", "--target", "none"]) == 0
    shown = capsys.readouterr().out
    assert "target none" in shown
    assert shown.count("serenity") == 2
    assert "darts-imagenet" in shown


def test_the_zoo_has_nothing_to_bind(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", "zoo:all", "--bind", "batch=1"]) == 2
    assert "batch" in capsys.readouterr().err
