"""Lines between boxes: smooth from point to point, straight down where they pass a layer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from hmcos.report.drawing.layered import Point
from hmcos.report.drawing.nested import Route

_TIP: Point = (3.5, 7.0)
"""Half the width of an arrow's tip, and its length."""
_SAME = 0.5
"""Points: what lies as close goes straight."""


def bends(points: Sequence[Point], sideways: bool) -> Iterator[tuple[Point, ...]]:
    """Yield the pieces of a line: its begin, then straight ones of two points and curves of four (Bezier).

    A curve begins and ends along the layers' way: down, or to the right.
    """
    yield points[:1] if isinstance(points, tuple) else tuple(points[:1])
    for a, b in pairwise(points):
        across = abs(a[sideways] - b[sideways])
        if across < _SAME:
            yield a, b
        elif sideways:
            middle = (a[0] + b[0]) / 2
            yield a, (middle, a[1]), (middle, b[1]), b
        else:
            middle = (a[1] + b[1]) / 2
            yield a, (a[0], middle), (b[0], middle), b


def is_curved(piece: Sequence[Point]) -> bool:
    """Return whether a piece of a line is a curve."""
    return len(piece) == 4


def tip(end: Point, sideways: bool) -> list[Point]:
    """Return the corners of an arrow's tip."""
    half, long = _TIP
    x, y = end
    if sideways:
        return [(x, y), (x - long, y - half), (x - long, y + half)]
    return [(x, y), (x - half, y - long), (x + half, y - long)]


def drawing_order(routes: Iterable[Route]) -> list[Route]:
    """Return routes such that thick ones, which are at the peak, are drawn over the others."""
    return sorted(routes, key=lambda route: float(route.edge.attributes.get("penwidth", 1)))
