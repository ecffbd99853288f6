from __future__ import annotations

from pathlib import Path

import pytest

import hmcos
from hmcos.errors import OptionError, OutputError, PlanError
from unit.test_api import FORK

pytest.importorskip("plotly")


@pytest.fixture
def fork(tmp_path: Path) -> Path:
    hmcos.export_instance(FORK, tmp_path / "fork.json")
    return tmp_path / "fork.json"


def test_a_page_stands_beside_its_plan_or_where_it_is_wanted(fork: Path, tmp_path: Path) -> None:
    plan = hmcos.schedule(fork, output=tmp_path / "out")
    assert hmcos.report(tmp_path / "out" / "plan.json") == tmp_path / "out" / "report.html"
    assert hmcos.report(plan) == tmp_path / "out" / "report.html"
    assert hmcos.report(hmcos.schedule(fork), output=tmp_path / "page.html").stat().st_size > 10_000


def test_a_page_needs_a_place_and_a_model(fork: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="name the page with output"):
        hmcos.report(hmcos.schedule(fork))
    with pytest.raises(PlanError, match="--model"):
        hmcos.report(hmcos.schedule(FORK), output=tmp_path / "page.html")
    with pytest.raises(OutputError, match="is a folder"):
        hmcos.report(hmcos.schedule(fork), output=tmp_path)
    with pytest.raises(OutputError, match="is the source or one of its files"):
        hmcos.report(hmcos.schedule(fork), output=fork)
