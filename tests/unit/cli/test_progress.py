from __future__ import annotations

import io
import sys

import pytest

from hmcos.cli.progress import Progress

pytestmark = pytest.mark.own_log_level


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("patience", [0.0, 60.0])
def test_a_line_is_shown_on_a_terminal_after_a_while(
    patience: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", screen)
    with Progress(patience) as shown:
        shown.progress("drawing with dot", 0, 0, 0)
    assert ("drawing with dot" in screen.getvalue()) == (patience == 0)
    assert "best" not in screen.getvalue()


def test_nothing_is_shown_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    with Progress(0.0) as shown:
        shown.progress("search", 1, 1, 1)
    assert screen.getvalue() == ""
