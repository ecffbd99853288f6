from __future__ import annotations

import re
import sys

import pytest

from hmcos.errors import ToolError
from hmcos.memory.problem import Problem
from hmcos.report.pictures.arena_plot import arena
from hmcos.report.pictures.axes import plain, unit
from hmcos.report.pictures.memory_plot import memory
from hmcos.report.pictures.picture_table import check_matplotlib
from networks import FORK
from unit.report.pictures.scenes import EMPTY, scene


def words(svg: bytes) -> str:
    return " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", svg.decode()))


def test_memory_names_every_order_with_its_peak_and_the_bound() -> None:
    found = words(memory(scene(FORK, "given", "rpo", "optimal"), "svg"))
    for expected in (
        "file order: peak 210 B",
        "reverse post-order: peak ",
        "optimal: peak 120 B, proved least",
        "lower bound: 120 B",
        "memory in use (bytes)",
    ):
        assert expected in found


def test_an_arena_lists_what_is_live_at_the_peak() -> None:
    found = words(arena(scene(FORK, "optimal"), "svg"))
    assert "arena (solid line): 120 B, proved least" in found
    assert "peak (dashed line): 120 B" in found
    assert re.search(r"1  100 B  buffer [12]", found)


@pytest.mark.slow
def test_a_plot_is_the_same_every_time() -> None:
    shown = scene(FORK, "given", "optimal")
    assert memory(shown, "svg") == memory(shown, "svg")
    assert arena(shown, "pdf") == arena(shown, "pdf")


@pytest.mark.slow
@pytest.mark.parametrize(("form", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_plots_come_in_three_forms(form: str, start: bytes) -> None:
    assert memory(scene(FORK, "given"), form).startswith(start)


ONLY_AN_INPUT = Problem((), (7,), (0,), (), (), (), (), ())
ONLY_SCRATCH = Problem(("$a_{b$",), (), (), (), ((),), ((),), ((),), (9,))


@pytest.mark.slow
@pytest.mark.parametrize("problem", [EMPTY, ONLY_AN_INPUT, ONLY_SCRATCH])
def test_corners_have_plots(problem: Problem) -> None:
    shown = scene(problem, "given", "optimal")
    assert memory(shown, "svg")
    assert arena(shown, "svg")


def test_names_are_no_formulas() -> None:
    assert plain("a$b$\n") == "a\\$b\\$\\n"


def test_units_suit_the_largest() -> None:
    assert unit(0) == (1, "bytes")
    assert unit(1024) == (1024, "KiB")
    assert unit(5 * 1024**3) == (1024**3, "GiB")


def test_a_missing_matplotlib_is_told_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ToolError, match=r"pip install 'hmcos\[plots\]'"):
        check_matplotlib()


def test_wrong_settings_of_matplotlib_are_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setenv("MPLBACKEND", "paper")
    with pytest.raises(ToolError, match=r"matplotlib does not start: .*'paper' is not a valid value"):
        check_matplotlib()
