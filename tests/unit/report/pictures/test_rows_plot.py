from __future__ import annotations

import re
from pathlib import Path

import pytest

import hmcos
from hmcos.errors import OptionError, OutputError
from hmcos.limits import Status
from hmcos.plan.file.row_file import row_plan_text
from hmcos.plan.row_plan import RowPlan
from hmcos.report.page.rows_page import rows_page_text
from hmcos.report.pictures.row_bars import bars
from hmcos.report.words.row_words import proof_words, saved_words
from hmcos.tasks.draw.row_scene import row_scene
from row_plans import small_plan


def saved(folder: Path, name: str = "plan.json") -> Path:
    place = folder / name
    place.write_text(row_plan_text(small_plan()), encoding="utf-8")
    return place


def test_a_row_plan_is_drawn_without_its_model(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    plan = saved(tmp_path)
    first = hmcos.draw(plan, tmp_path / "a.svg").read_text(encoding="utf-8")
    assert first == hmcos.draw(plan, tmp_path / "b.svg", what="rows").read_text(encoding="utf-8")
    shown = re.sub(r"<[^>]*>", " ", first)
    assert "arena 29 bytes" in shown
    assert "small.tflite, row by row" in shown
    assert hmcos.draw(plan, tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("what", ["memory", "graph"])
def test_a_row_plan_has_no_other_picture(tmp_path: Path, what: str) -> None:
    with pytest.raises(OptionError, match=f"the picture is rows, not {what}"):
        hmcos.draw(saved(tmp_path), tmp_path / "a.svg", what=what)


def test_the_plan_is_never_drawn_over(tmp_path: Path) -> None:
    plan = saved(tmp_path)
    before = plan.read_bytes()
    with pytest.raises(OutputError):
        hmcos.report(plan, output=plan)
    assert plan.read_bytes() == before


def test_the_page_is_written_beside_the_plan(tmp_path: Path) -> None:
    assert hmcos.report(saved(tmp_path, "eyes.plan.json")) == tmp_path / "eyes.html"
    assert hmcos.report(saved(tmp_path)) == tmp_path / "report.html"
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "small.tflite runs in 29 bytes" in text
    for part in ("CONV_2D 0", "AVERAGE_POOL_2D 1", "adds up rows", "sums of", "500", "109", "weights"):
        assert part in text


def test_names_on_the_page_are_text(tmp_path: Path) -> None:
    text = rows_page_text(small_plan())
    assert "<b>&{{data}}" not in text
    assert "&lt;b&gt;&amp;{{data}}" in text


def test_bars_compare_what_is_known() -> None:
    whole, rows = bars(row_scene(small_plan()))
    assert (whole.size, whole.parts) == (20, ((0, 12), (-1, 8)))
    assert (rows.size, rows.is_result) == (29, True)
    assert len(bars(row_scene(small_plan(whole=None)))) == 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"arena": 17, "peak": 17, "status": Status.OPTIMAL}, "proved least for row-wise orders"),
        ({"arena": 20, "peak": 17, "status": Status.OPTIMAL}, "3 above the peak, which is proved least"),
        ({"arena": 18}, "equal to the peak; proved: no row-wise order needs less than 17"),
        ({}, "11 above the peak of 18; proved: no row-wise order needs less than 17"),
    ],
)
def test_words_say_what_is_proved(fields: dict[str, object], words: str) -> None:
    assert proof_words(small_plan(**fields)).startswith(words)


def test_savings_are_only_told_where_they_are_known() -> None:
    plan: RowPlan = small_plan(arena=10)
    assert saved_words(plan).startswith("2.0 times less than whole tensors")
    assert saved_words(small_plan(whole=None)) == ""
