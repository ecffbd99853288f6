"""The page in a real browser: it draws, answers to mouse and keyboard, and asks nobody for anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

import hmcos
from hmcos.report.page.page import has_plotly, write_page
from hmcos.report.words.names import operator_words
from models.browser import Browser, find_browser
from networks import FORK

PROGRAM = find_browser()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="no chromium: apt-get install chromium"),
    pytest.mark.skipif(not has_plotly(), reason="plotly is not installed"),
]
EVIL = "<script>document.title='taken'</script><b>"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert PROGRAM is not None
    with Browser(PROGRAM, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def plan() -> hmcos.Plan:
    return hmcos.schedule("zoo:darts-imagenet")


@pytest.fixture(scope="module")
def page(plan: hmcos.Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("page") / "report.html"
    return write_page(hmcos.explain("zoo:darts-imagenet", plan), place)


def text(browser: Browser, selector: str) -> str:
    return cast(str, browser.evaluate(f"document.querySelector({selector!r}).textContent"))


def column(browser: Browser, table: str, place: int) -> list[str]:
    script = f"[...document.querySelectorAll('#{table} tbody tr')].map(r => r.cells[{place}].textContent)"
    return cast("list[str]", browser.evaluate(script))


def inside(browser: Browser, chart: str, across: float, up: float) -> dict[str, Any]:
    """The place in the window of a point of a chart, in parts of its axes."""
    script = f"""(() => {{ const chart = document.getElementById('{chart}');
        chart.scrollIntoView({{ behavior: "instant" }});
        const box = chart.getBoundingClientRect(), {{ xaxis, yaxis }} = chart._fullLayout;
        return {{ x: box.left + xaxis._offset + {across} * xaxis._length,
                  y: box.top + yaxis._offset + (1 - {up}) * yaxis._length }}; }})()"""
    return cast("dict[str, Any]", browser.evaluate(script))


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("wide", [1280, 360])
def test_the_page_is_drawn_without_complaint_or_request(
    browser: Browser, page: Path, wide: int, dark: bool
) -> None:
    browser.events.clear()
    browser.show(page, wide=wide, dark=dark)
    assert browser.complaints() == []
    assert set(browser.requests()) <= {page.as_uri()}
    for chart, least in (("time-chart", 4), ("arena-chart", 3)):
        script = (
            f"document.querySelectorAll('#{chart} .scatterlayer path.js-line, #{chart} path.js-fill').length"
        )
        assert browser.evaluate(script) >= least
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth")
    paper = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") != dark


def test_the_numbers_on_the_page_are_the_plans(browser: Browser, page: Path, plan: hmcos.Plan) -> None:
    browser.show(page)
    assert f"{plan.peak:,} B" in text(browser, "#verdict")
    assert f"{plan.peak:,} B" in text(browser, ".figures .main")
    sizes = [int(cell.replace(",", "")) for cell in column(browser, "live-table", 2)]
    assert sizes == [tensor.size for tensor in plan.crest.tensors]
    assert column(browser, "live-table", 0) == [tensor.name for tensor in plan.crest.tensors]
    drawn = browser.evaluate("document.getElementById('time-chart').data[2].y.slice(1, -1)")
    assert drawn == pytest.approx([bytes_ / 2**20 for bytes_ in plan.memory.running])


def test_pointing_at_a_step_tells_the_operator_and_what_is_live(
    browser: Browser, page: Path, plan: hmcos.Plan
) -> None:
    browser.show(page)
    browser.mouse("mouseMoved", inside(browser, "time-chart", 0.5, 0.5))
    step = int(browser.evaluate("document.getElementById('step').value"))
    assert abs(step - len(plan.scheduled) // 2) <= 1
    told = text(browser, "#step-told")
    assert f"{operator_words(plan.operators[plan.scheduled_order[step]])} runs; " in told
    assert f"{plan.memory.running[step]:,} B" in told
    live = [b.name for b in plan.buffers if b.birth <= step < b.death]
    assert all(name in told for name in live)


def test_keys_move_the_step(browser: Browser, page: Path, plan: hmcos.Plan) -> None:
    browser.show(page)
    assert text(browser, "#step-number") == f"{plan.crest.step} of {len(plan.scheduled)}"
    browser.evaluate("document.getElementById('step').focus()")
    browser.key("ArrowRight")
    assert text(browser, "#step-number").startswith(f"{plan.crest.step + 1} of")
    browser.key("Home")
    assert text(browser, "#step-number").startswith("0 of")
    browser.evaluate("document.getElementById('to-peak').click()")
    assert text(browser, "#step-number").startswith(f"{plan.crest.step} of")


def test_pointing_at_the_arena_tells_the_tensor(browser: Browser, page: Path, plan: hmcos.Plan) -> None:
    browser.show(page)
    largest = max(plan.buffers, key=lambda b: b.size * (b.death - b.birth))
    assert plan.arena is not None
    across = (largest.birth + largest.death) / 2 / len(plan.scheduled)
    up = (largest.offset + largest.size / 2) / (1.06 * plan.arena.size)
    browser.mouse("mouseMoved", inside(browser, "arena-chart", across, up))
    told = text(browser, "#arena-point")
    assert largest.name in told
    assert f"{largest.size:,} B" in told
    assert f"offset {largest.offset:,}" in told


def test_sorting_and_searching(browser: Browser, page: Path, plan: hmcos.Plan) -> None:
    browser.show(page)
    browser.evaluate("document.querySelectorAll('#tensor-table th button')[0].click()")
    names = column(browser, "tensor-table", 0)
    assert names == sorted(names, key=str.lower)
    assert browser.evaluate("document.querySelector('#tensor-table th').ariaSort") == "ascending"
    browser.evaluate("document.querySelectorAll('#tensor-table th button')[2].click()")
    sizes = [int(cell.replace(",", "")) for cell in column(browser, "tensor-table", 2)]
    assert sizes == sorted((b.size for b in plan.buffers), reverse=True)[: len(sizes)]
    name = plan.crest.tensors[0].name
    browser.evaluate("document.getElementById('search').focus()")
    browser.call("Input.insertText", text=name)
    assert name in column(browser, "tensor-table", 0)
    assert len(column(browser, "tensor-table", 0)) < 25


def test_zooming_in_and_out(browser: Browser, page: Path, plan: hmcos.Plan) -> None:
    browser.show(page)
    for kind, across in (("mousePressed", 0.2), ("mouseMoved", 0.4), ("mouseReleased", 0.4)):
        browser.mouse(
            kind, inside(browser, "time-chart", across, 0.5), button="left", buttons=1, clickCount=1
        )
    reach = "document.getElementById('time-chart')._fullLayout.xaxis.range"
    low, high = cast("list[float]", browser.evaluate(reach))
    assert low == pytest.approx(0.2 * len(plan.scheduled), rel=0.05)
    assert high == pytest.approx(0.4 * len(plan.scheduled), rel=0.05)


def test_names_from_the_model_stay_text(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "evil.json"
    hmcos.export_instance(replace(FORK, names=(EVIL,) * 5), path)
    browser.events.clear()
    browser.show(write_page(hmcos.explain(path), tmp_path / "evil.html"))
    assert browser.complaints() == []
    assert "taken" not in cast(str, browser.evaluate("document.title"))
    assert EVIL in text(browser, "#step-told")
    assert browser.evaluate("document.querySelectorAll('main script, main b').length") == 0


def test_a_plan_without_an_arena_has_a_page(browser: Browser, tmp_path: Path) -> None:
    plan = hmcos.schedule(FORK, budget=500)
    browser.events.clear()
    browser.show(write_page(hmcos.explain(FORK, plan), tmp_path / "report.html"))
    assert browser.complaints() == []
    assert "No arena" in text(browser, "#arena")


def test_each_memory_has_a_chart_of_its_own(browser: Browser, tmp_path: Path) -> None:
    chip = [hmcos.MemoryBlock("fast <b>", 1_300_000), hmcos.MemoryBlock("slow", None)]
    plan = hmcos.schedule("zoo:nasnet-cifar", memories=chip)
    assert plan.memories is not None
    browser.events.clear()
    browser.show(write_page(hmcos.explain("zoo:nasnet-cifar", plan), tmp_path / "report.html"))
    assert browser.complaints() == []
    assert "fast <b>" in text(browser, "#arena")
    assert "least traffic of this order, proved" in text(browser, "#arena-told")
    for k, chart in enumerate(("arena-chart", "arena-chart-1")):
        inner = [buffer for buffer in plan.buffers if buffer.memory == k]
        largest = max(inner, key=lambda b: b.size * (b.death - b.birth))
        across = (largest.birth + largest.death) / 2 / len(plan.scheduled)
        most = max(plan.memories.placement.sizes[k], (1_300_000, 0)[k])
        up = (largest.offset + largest.size / 2) / (1.06 * most)
        browser.mouse("mouseMoved", inside(browser, chart, across, up))
        told = text(browser, "#arena-point")
        assert largest.name in told
        assert f"offset {largest.offset:,} of {chip[k].name}" in told
        marks = "[...document.querySelectorAll('.mark')].map(m => m.hidden)"
        assert browser.evaluate(marks) == [k == 1, k == 0]
    fast = {buffer.name for buffer in plan.buffers if buffer.memory == 0}
    rows = dict(zip(column(browser, "tensor-table", 0), column(browser, "tensor-table", 7), strict=True))
    assert rows and all((where == "fast <b>") is (name in fast) for name, where in rows.items())
