from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

import hmcos
from hmcos.plan.notebook import plan_html
from hmcos.plan.plan import Plan
from networks import FORK


def heights(plan: Plan) -> list[float]:
    """How high the curve of a plan is drawn, per point, in parts of the largest peak."""
    curve = re.search(r'd="(M[^"]*Z)"', plan_html(plan))
    assert curve is not None
    places = [float(y) for y in re.findall(r"V([\d.]+)", curve[1])]
    bottom, top = 158.0, 18.0
    return [(bottom - y) / (bottom - top) for y in places]


def test_a_notebook_sees_peaks_and_the_curve() -> None:
    plan = hmcos.schedule(FORK)
    shown: str = getattr(plan, "_repr_html_")()  # noqa: B009 (notebooks ask for it by this name)
    ElementTree.fromstring(shown)  # well-formed, so that no notebook has to mend it
    for words in ("file order", "210 B", "120 B", "optimal", "<svg", "lower bound 120 B"):
        assert words in shown
    assert heights(plan)[:-1] == pytest.approx([size / 210 for size in plan.memory.running], abs=0.01)


def test_a_long_curve_keeps_its_peak() -> None:
    plan = hmcos.schedule(FORK)
    running = (1,) * 4_321 + (plan.peak,) + (1,) * 5_678
    long = replace(plan, memory=replace(plan.memory, running=running))
    assert len(plan_html(long)) < 15_000
    assert max(heights(long)) == pytest.approx(plan.peak / 210, abs=0.01)


def test_names_are_text_and_short() -> None:
    plan = hmcos.schedule(FORK)
    name = "<script>alert(1)</script>&\x1b" + "n" * 10_000
    shown = plan_html(replace(plan, source=replace(plan.source, name=name)))
    ElementTree.fromstring(shown)
    assert "<script" not in shown
    assert "\x1b" not in shown
    assert len(shown) < 4_000


def test_a_plan_without_steps_or_an_arena_is_shown() -> None:
    plan = hmcos.schedule(FORK)
    empty = replace(plan, arena=None, memory=replace(plan.memory, running=()))
    ElementTree.fromstring(plan_html(empty))
    assert "arena" not in plan_html(empty)


def test_memories_are_named_as_text() -> None:
    plan = hmcos.schedule(FORK, memories=[hmcos.MemoryBlock("<b>", 100), hmcos.MemoryBlock("slow", None)])
    ElementTree.fromstring(plan_html(plan))
    assert "in &lt;b&gt;" in plan_html(plan)
    assert "2 memories, 70 B moved outside the first, optimal" in repr(plan)
