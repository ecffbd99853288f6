"""-v and -vv, and the standard logging of users of the API."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

import hmcos
from hmcos.__main__ import run
from hmcos.log import is_heard
from networks import FORK

pytestmark = pytest.mark.own_log_level


@pytest.fixture
def fork(tmp_path: Path) -> str:
    hmcos.export_instance(FORK, tmp_path / "fork.json")
    return str(tmp_path / "fork.json")


def test_nothing_is_logged_unless_it_is_asked_for(fork: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schedule", fork]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("option", "searches"), [("-v", False), ("-vv", True), ("--verbose", False)])
def test_a_log_tells_what_is_done(
    fork: str, option: str, searches: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["schedule", fork, "--json"]) == 0
    quiet = capsys.readouterr().out
    assert run(["schedule", fork, "--json", option, "--scheduler", "hmcos"]) == 0
    shown = capsys.readouterr()
    assert shown.out.count("\n") == quiet.count("\n") == 1  # what machines read stays one object
    lines = shown.err.splitlines()
    assert any("5 operators and 6 buffers on target instance" in line for line in lines)
    assert any("hmcos.network: order by hmcos" in line and "peak 120 B" in line for line in lines)
    assert any("hmcos.search: hmcos: best" in line for line in lines) == searches


def test_the_next_command_is_silent_again(fork: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (
        ["schedule", fork, "-vv"],
        ["schedule", f"{fork}.gone", "-v"],
        ["schedule", "-v", "--frob"],
    ):
        assert run(words) == (0 if "-vv" in words else 1 if "--frob" not in words else 2)
        capsys.readouterr()
        assert not is_heard()
        assert run(["schedule", fork]) == 0
        assert capsys.readouterr().err == ""


def test_a_name_from_a_file_stays_on_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "two\nlines.json"
    hmcos.export_instance(FORK, path)
    assert run(["schedule", str(path), "-v"]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines
    assert all(" s  hmcos." in line for line in lines)


def test_users_of_the_api_listen_as_they_do_to_others(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "hmcos"):
        hmcos.schedule(FORK)
    assert {record.name for record in caplog.records} == {"hmcos.schedule", "hmcos.network"}
    caplog.clear()
    with caplog.at_level(logging.WARNING, "hmcos"):
        hmcos.schedule(FORK)
    assert not caplog.records


def test_logging_is_not_imported_for_those_who_do_not_ask() -> None:
    code = "import sys, hmcos.limits, hmcos.processes; sys.exit('logging' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
