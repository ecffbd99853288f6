from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hmcos.report.pictures.colours import PEAK
from hmcos.report.pictures.dot import dot_text
from hmcos.report.pictures.graph_plot import graph, hierarchy, schedule
from hmcos.report.pictures.hierarchy_plot import dominators, post_dominators, top
from hmcos.report.pictures.sketch import Sketch
from hmcos.tasks.draw.scene import Scene
from networks import FORK
from unit.report.pictures.scenes import EMPTY, scene

GOLDEN = Path(__file__).parents[3] / "golden"


def statements(dot: str, pattern: str) -> list[str]:
    return [line for line in dot.splitlines() if re.match(pattern, line)]


@pytest.mark.parametrize(
    ("name", "dot"),
    [
        ("fork-schedule.dot", dot_text(schedule(scene(FORK, "optimal")))),
        ("fork-hierarchy.dot", dot_text(hierarchy(scene(FORK, "optimal")))),
        ("fork-top.dot", dot_text(top(scene()))),
    ],
)
def test_dot_text_is_as_agreed(name: str, dot: str) -> None:
    assert dot == (GOLDEN / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("picture", [graph, schedule, hierarchy, top, dominators, post_dominators])
def test_no_name_is_longer_than_dot_can_read(picture: Callable[[Scene], Sketch]) -> None:
    short = scene(FORK, "optimal")
    long = "n" * 20_000
    rows = tuple(replace(row, name=long, kind=long) for row in short.rows)
    told = dot_text(picture(replace(short, rows=rows, buffers=(long,) * len(short.buffers))))
    assert max(map(len, re.findall('"[^"]*"', told))) < 1_000  # dot refuses more than 16,384


def test_a_graph_shows_numbers_of_the_source_and_no_order() -> None:
    dot = dot_text(graph(scene()))
    assert '"op2" [label="#4  shrink a  10 B"' in dot
    assert PEAK not in dot
    assert len(statements(dot, '"op[0-9]+" \\[')) == 5
    assert len(statements(dot, '.* -> "op')) == sum(map(len, FORK.reads))


def test_a_schedule_marks_each_operator_at_the_peak() -> None:
    shown = scene(FORK, "given")
    marked = statements(dot_text(schedule(shown)), f'"op.*{PEAK}", penwidth=4')
    assert [line.split('"')[1] for line in marked] == ["op1", "op2"]
    # Both large buffers are live then, and the input that the second one was made from.
    assert len(statements(dot_text(schedule(shown)), f'.* -> .*{PEAK}", penwidth=3')) == 4


def test_a_hierarchy_frames_every_operator_once() -> None:
    dot = dot_text(hierarchy(scene(FORK, "optimal")))
    assert sorted(re.findall(r'^"(op\d+)" \[label', dot, re.MULTILINE)) == [f"op{i}" for i in range(5)]
    assert '"cluster_cell0"' in dot


def test_trees_have_one_edge_per_operator() -> None:
    assert '"op0" -> "op2"' in dot_text(dominators(scene()))
    assert '"root" -> "op4"' in dot_text(dominators(scene()))
    assert '"op4" -> "op3"' in dot_text(post_dominators(scene()))
    assert len(statements(dot_text(post_dominators(scene())), ".* -> ")) == 5


def test_a_network_without_operators_has_pictures_too() -> None:
    for make in (graph, top, dominators, post_dominators):
        assert dot_text(make(scene(EMPTY))).startswith("digraph {")
    for make in (schedule, hierarchy):
        assert dot_text(make(scene(EMPTY, "given"))).endswith("}\n")
