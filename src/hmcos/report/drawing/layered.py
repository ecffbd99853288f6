"""Boxes and arrows laid out in layers, from top to bottom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hmcos.report.drawing.across import across
from hmcos.report.drawing.crossings import ordered
from hmcos.report.drawing.layering import Layering, layers
from hmcos.report.drawing.ranks import Arrow

LEAST_GAP, MOST_GAP = 22.0, 70.0
"""Points of paper between two layers: more where edges lead far to the side."""
_SLOPE = 0.08

Point = tuple[float, float]
Size = tuple[float, float]
"""Width and height."""


@dataclass(frozen=True, slots=True)
class Layered:
    """Where everything is, in points of paper from the upper left corner."""

    middles: list[Point]
    """Per box."""
    bands: list[tuple[float, float]]
    """Per box: top and bottom of its layer."""
    routes: list[list[Point]]
    """Per arrow: where it goes straight down past the layers between its ends, two points for each."""
    size: Size


def layered(boxes: Sequence[Size], arrows: Sequence[Arrow]) -> Layered:
    """Return a layout in which no boxes overlap and no arrow over several layers crosses a box."""
    layering = layers(len(boxes), arrows)
    order = ordered(layering)
    at = across(layering, order, [width for width, _ in boxes])
    bands = _bands(layering, order, at, [height for _, height in boxes])
    layer_of = {v: number for number, layer in enumerate(order) for v in layer}

    def passing(point: int) -> list[Point]:
        top, bottom = bands[layer_of[point]]
        return [(at[point], top), (at[point], bottom)]

    own = [bands[layer_of[v]] for v in range(len(boxes))]
    return Layered(
        middles=[(at[v], (own[v][0] + own[v][1]) / 2) for v in range(len(boxes))],
        bands=own,
        routes=[[place for point in route for place in passing(point)] for route in layering.routes],
        size=(
            max([at[v] + boxes[v][0] / 2 for v in range(len(boxes))] + at, default=0.0),
            bands[-1][1] if bands else 0.0,
        ),
    )


def _bands(
    layering: Layering, order: Sequence[Sequence[int]], at: Sequence[float], high: Sequence[float]
) -> list[tuple[float, float]]:
    """Return top and bottom of each layer."""
    bands: list[tuple[float, float]] = []
    y = 0.0
    for layer in order:
        far = max((abs(at[v] - at[u]) for v in layer for u in layering.above[v]), default=0.0)
        y += min(MOST_GAP, LEAST_GAP + _SLOPE * far) if bands else 0.0
        bottom = y + max((high[v] for v in layer if v < layering.vertices), default=0.0)
        bands.append((y, bottom))
        y = bottom
    return bands
