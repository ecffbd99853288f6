from __future__ import annotations

import os
from pathlib import Path

import pytest

from hmcos.errors import ToolError
from hmcos.limits import Watch
from hmcos.report.pictures.graphviz import check_dot, render


class Watcher:
    """An observer that keeps the phases it is told."""

    def __init__(self) -> None:
        self.phases: set[str] = set()

    def progress(self, phase: str, peak: int, lower_bound: int, states: int) -> None:
        self.phases.add(phase)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for a program called dot that hides any other."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.defpath}")
    return tmp_path / "dot"


def install(program: Path, body: str) -> None:
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)


def test_a_missing_program_is_told_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="apt install graphviz"):
        check_dot()


def test_text_goes_in_and_a_picture_comes_out(program: Path) -> None:
    install(program, 'cat; printf "%s" "$1"')
    assert render("digraph {}", "svg", Watch()) == b"digraph {}-Tsvg"


def test_what_the_program_complains_about_is_told(program: Path) -> None:
    install(program, "echo 'syntax error in line 1' >&2; exit 1")
    with pytest.raises(ToolError, match="syntax error in line 1"):
        render("digraph {", "svg", Watch())


def test_a_program_that_is_stopped_is_told(program: Path) -> None:
    install(program, "kill -2 $$; sleep 5")
    with pytest.raises(ToolError, match="stopped by signal 2"):
        render("digraph {}", "svg", Watch())


def test_a_layout_that_takes_too_long_is_given_up(program: Path) -> None:
    install(program, "exec sleep 60")
    watcher = Watcher()
    with pytest.raises(ToolError, match=r"more than 0\.3 seconds.*--what top"):
        render("digraph {}", "svg", watcher, 0.3)
    assert watcher.phases == {"drawing with dot"}
