"""Pictures that are laid out here: nothing overlaps, nothing is lost, and arrows go one way."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmcos.memory.problem import Problem
from hmcos.report.drawing.across import nearest
from hmcos.report.drawing.crossings import crossings, ordered
from hmcos.report.drawing.layered import Point, Size, layered
from hmcos.report.drawing.layering import layers
from hmcos.report.drawing.nested import Picture, placed
from hmcos.report.drawing.ranks import Arrow, ranks
from hmcos.report.drawing.svg import svg
from hmcos.report.pictures.graph_plot import graph, hierarchy, schedule
from hmcos.report.pictures.hierarchy_plot import dominators, post_dominators, top
from hmcos.report.pictures.sketch import Sketch, nodes_in
from property.strategies import problems
from unit.report.pictures.scenes import scene

NEAR = 1e-6
SVG = "{http://www.w3.org/2000/svg}"
SKETCHES = {"graph": graph, "top": top, "dominators": dominators, "post-dominators": post_dominators}
ORDERED = {"schedule": schedule, "hierarchy": hierarchy}


@st.composite
def arrows(draw: st.DrawFn) -> tuple[int, list[Arrow]]:
    """Some vertices, and arrows from lower to higher numbers, as the operators of networks have them."""
    many = draw(st.integers(1, 14))
    pairs = st.tuples(st.integers(0, many - 1), st.integers(0, many - 1)).filter(lambda p: p[0] < p[1])
    return many, draw(st.lists(pairs, max_size=24, unique=True)) if many > 1 else []


@given(arrows())
def test_every_arrow_leads_to_a_later_layer(case: tuple[int, list[Arrow]]) -> None:
    many, given_arrows = case
    rank = ranks(many, given_arrows)
    assert all(rank[tail] < rank[head] for tail, head in given_arrows)
    assert min(rank) == 0


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)).filter(lambda p: p[0] != p[1]), max_size=20))
def test_cycles_end_too(given_arrows: list[Arrow]) -> None:
    laid = layered([(10.0, 10.0)] * 7, given_arrows)
    assert len(laid.middles) == 7


@given(arrows())
def test_links_join_neighbouring_layers_and_routes_are_whole(case: tuple[int, list[Arrow]]) -> None:
    many, given_arrows = case
    found = layers(many, given_arrows)
    layer_of = {v: number for number, layer in enumerate(found.layers) for v in layer}
    for upper, lowers in enumerate(found.below):
        assert all(layer_of[lower] == layer_of[upper] + 1 for lower in lowers)
    for (tail, head), route in zip(given_arrows, found.routes, strict=True):
        assert all(below in found.below[above] for above, below in pairwise([tail, *route, head]))


@given(arrows())
def test_crossings_are_counted_and_become_no_more(case: tuple[int, list[Arrow]]) -> None:
    found = layers(*case)

    def places(order: Sequence[Sequence[int]]) -> list[int]:
        place = [0] * len(found.above)
        for layer in order:
            for at, v in enumerate(layer):
                place[v] = at
        return place

    def counted(order: Sequence[Sequence[int]]) -> int:
        place = places(order)
        links = [(a, b) for a, lowers in enumerate(found.below) for b in lowers]
        layer_of = {v: number for number, layer in enumerate(order) for v in layer}
        return sum(
            layer_of[a] == layer_of[c] and (place[a] - place[c]) * (place[b] - place[d]) < 0
            for (a, b), (c, d) in combinations(links, 2)
        )

    order = ordered(found)
    assert [sorted(layer) for layer in order] == [sorted(layer) for layer in found.layers]
    assert crossings(found, order, places(order)) == counted(order)
    assert counted(order) <= counted(found.layers) or not counted(order)


@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(0.1, 9), st.floats(0, 20)), min_size=1, max_size=8))
def test_places_are_the_nearest_that_keep_their_distance(rows: list[tuple[float, float, float]]) -> None:
    wanted, weights, gaps = (list(column) for column in zip(*rows, strict=True))
    steps = gaps[1:]
    found = nearest(wanted, weights, steps)

    def cost(places: Sequence[float]) -> float:
        return sum(w * (at - to) ** 2 for w, at, to in zip(weights, places, wanted, strict=True))

    assert all(b - a >= step - NEAR for (a, b), step in zip(pairwise(found), steps, strict=True))
    # It is the least of a convex cost: no step towards other places that are allowed makes it smaller.
    for begin in range(len(found)):
        for end in range(begin + 1, len(found) + 1):
            for move in (-0.01, 0.01):
                moved = [at + move * (begin <= i < end) for i, at in enumerate(found)]
                if all(b - a >= step for (a, b), step in zip(pairwise(moved), steps, strict=True)):
                    assert cost(moved) >= cost(found) - NEAR


def corners(middle: Point, size: Size) -> tuple[float, float, float, float]:
    (x, y), (wide, high) = middle, size
    return x - wide / 2, y - high / 2, x + wide / 2, y + high / 2


def apart(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[2] <= b[0] + NEAR or b[2] <= a[0] + NEAR or a[3] <= b[1] + NEAR or b[3] <= a[1] + NEAR


def within(inner: tuple[float, ...], outer: tuple[float, ...]) -> bool:
    return all(
        a >= b - NEAR if i < 2 else a <= b + NEAR for i, (a, b) in enumerate(zip(inner, outer, strict=True))
    )


def check(sketch: Sketch) -> Picture:
    picture = placed(sketch)
    assert {node.name for node in nodes_in(sketch.members)} <= {box.node.name for box in picture.boxes}
    boxes = {box.node.name: corners(box.middle, box.size) for box in picture.boxes}
    page = (0.0, 0.0, *picture.size)
    assert all(within(box, page) for box in boxes.values())
    assert all(apart(a, b) for a, b in combinations(boxes.values(), 2))
    for framed in picture.frames:
        (x, y), (wide, high) = framed.corner, framed.size
        frame = x, y, x + wide, y + high
        inside = {node.name for node in nodes_in(framed.cluster.members)}
        assert all(within(box, frame) if name in inside else apart(box, frame) for name, box in boxes.items())
    along = 0 if sketch.sideways else 1
    for route in picture.routes:
        ends = boxes[route.edge.tail], boxes[route.edge.head]
        assert route.points[0][along] == pytest.approx(ends[0][2 + along])
        assert route.points[-1][along] == pytest.approx(ends[1][along])
        assert all(b[along] >= a[along] - NEAR for a, b in pairwise(route.points))
        if not picture.frames:
            for a, b in pairwise(route.points):
                if abs(a[1 - along] - b[1 - along]) < NEAR:  # straight: past layers
                    line = (min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]))
                    others = (
                        box for name, box in boxes.items() if name not in (route.edge.tail, route.edge.head)
                    )
                    assert all(apart(line, box) for box in others)
    return picture


@settings(max_examples=60)
@given(problems(), st.sampled_from(list(SKETCHES)))
def test_nothing_overlaps(problem: Problem, what: str) -> None:
    check(SKETCHES[what](scene(problem)))


@settings(max_examples=60)
@given(problems(), st.sampled_from(list(ORDERED)))
def test_nothing_overlaps_in_an_order(problem: Problem, what: str) -> None:
    shown = scene(problem, "optimal")
    picture = check(ORDERED[what](shown))
    texts = [text.text for text in ElementTree.fromstring(svg(picture)).iter(f"{SVG}text")]
    for op, step in enumerate(shown.steps):
        assert any(text and text.startswith(f"{step}  ") for text in texts), op
