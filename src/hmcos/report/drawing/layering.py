"""Vertices in layers, with a point in every layer that an edge crosses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hmcos.report.drawing.ranks import Arrow, ranks

MOST_POINTS = 30_000
"""Most points; in larger graphs, the longest edges are drawn without points."""


@dataclass(frozen=True, slots=True)
class Layering:
    """Vertices 0..n-1 and points n, n+1, ..., each in a layer; links lead from one layer to the next."""

    vertices: int
    layers: list[list[int]]
    """From the first: vertices and points, in their order across."""
    above: list[list[int]]
    """Per vertex and point: what links to it from the layer before."""
    below: list[list[int]]
    """Per vertex and point: what it links to in the layer after."""
    routes: list[list[int]]
    """Per arrow: the points that it leads through."""


def layers(vertices: int, arrows: Sequence[Arrow]) -> Layering:
    """Return vertices in layers; arrows from one vertex share their points as far as they go together."""
    rank = ranks(vertices, arrows)
    layering = Layering(
        vertices=vertices,
        layers=[[] for _ in range(max(rank, default=-1) + 1)],
        above=[[] for _ in range(vertices)],
        below=[[] for _ in range(vertices)],
        routes=[[] for _ in arrows],
    )
    for v in range(vertices):
        layering.layers[rank[v]].append(v)
    trunks: dict[int, list[int]] = {}
    for number in sorted(range(len(arrows)), key=lambda i: rank[arrows[i][1]] - rank[arrows[i][0]]):
        _add(layering, trunks, rank, number, arrows[number])
    return layering


def _add(
    layering: Layering, trunks: dict[int, list[int]], rank: Sequence[int], number: int, arrow: Arrow
) -> None:
    """Link both ends of an arrow, by points if there are layers between."""
    tail, head = arrow
    between = rank[head] - rank[tail] - 1
    trunk = trunks.setdefault(tail, [])
    points = len(layering.above) - layering.vertices
    if between < 0 or between - len(trunk) > MOST_POINTS - points:
        return  # part of a cycle, or too long
    while len(trunk) < between:
        new = len(layering.above)
        layering.above.append([])
        layering.below.append([])
        layering.layers[rank[tail] + 1 + len(trunk)].append(new)
        _link(layering, trunk[-1] if trunk else tail, new)
        trunk.append(new)
    route = trunk[:between]
    layering.routes[number].extend(route)
    _link(layering, route[-1] if route else tail, head)


def _link(layering: Layering, upper: int, lower: int) -> None:
    if lower not in layering.below[upper]:
        layering.below[upper].append(lower)
        layering.above[lower].append(upper)
