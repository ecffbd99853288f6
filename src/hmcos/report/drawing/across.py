"""Positions within a layer: straight below the neighbours, as far as the order in the layer allows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

from hmcos.report.drawing.layering import Layering

GAP, CLOSE = 14.0, 7.0
"""Points of paper between two vertices, and between an edge and its neighbour."""
SWEEPS = 24
_STRAIGHT = (1.0, 2.0, 8.0)
"""Weight of a link, by how many of its ends are points of an edge instead of vertices: 0, 1 or 2."""


def across(layering: Layering, order: Sequence[Sequence[int]], wide: Sequence[float]) -> list[float]:
    """Return the middle of each vertex and point across; the smallest edge of all is at 0.

    `wide` are the widths of the vertices; points have none. Each sweep gives every layer the places
    closest to its neighbours (least squares) that keep order and gaps.
    """
    size = [*wide, *([0.0] * (len(layering.above) - layering.vertices))]
    middle = [0.0] * len(size)
    for layer in order:
        for v, at in zip(layer, _packed(layer, layering.vertices, size), strict=True):
            middle[v] = at
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        near = (layering.above,) if down else (layering.below,)
        if sweep >= SWEEPS - 2:
            near = (layering.above, layering.below)
        for layer in order if down else reversed(order):
            _move(layer, layering, near, size, middle)
    least = min((middle[v] - size[v] / 2 for v in range(len(size))), default=0.0)
    return [at - least for at in middle]


def _packed(layer: Sequence[int], vertices: int, size: Sequence[float]) -> list[float]:
    """Return middles side by side, around 0."""
    offsets = [0.0, *accumulate(_steps(layer, vertices, size))][: len(layer)]
    return [at - offsets[-1] / 2 for at in offsets]


def _steps(layer: Sequence[int], vertices: int, size: Sequence[float]) -> list[float]:
    """Return how far apart two neighbours in a layer are at least, from middle to middle."""
    return [
        (size[a] + size[b]) / 2 + (GAP if a < vertices and b < vertices else CLOSE)
        for a, b in pairwise(layer)
    ]


def _move(
    layer: Sequence[int],
    layering: Layering,
    near: Sequence[Sequence[Sequence[int]]],
    size: Sequence[float],
    middle: list[float],
) -> None:
    wanted: list[float] = []
    weights: list[float] = []
    for v in layer:
        pulls = [
            (_STRAIGHT[(v >= layering.vertices) + (u >= layering.vertices)], u)
            for side in near
            for u in side[v]
        ]
        weight = sum(pull for pull, _ in pulls)
        wanted.append(sum(pull * middle[u] for pull, u in pulls) / weight if weight else middle[v])
        weights.append(weight or 0.05)
    for v, at in zip(layer, nearest(wanted, weights, _steps(layer, layering.vertices, size)), strict=True):
        middle[v] = at


def nearest(wanted: Sequence[float], weights: Sequence[float], steps: Sequence[float]) -> list[float]:
    """Return the places closest to those wanted, by weighted squares, each at least a step after the last.

    Without the steps it is a regression that may not fall: pool adjacent violators (Ayer et al., 1955).
    """
    shift = [0.0, *accumulate(steps)]
    pools: list[tuple[float, float, int]] = []  # place, weight, how many
    for at, weight, before in zip(wanted, weights, shift, strict=False):
        pool = (at - before, weight, 1)
        while pools and pools[-1][0] > pool[0]:
            other = pools.pop()
            both = other[1] + pool[1]
            pool = ((other[0] * other[1] + pool[0] * pool[1]) / both, both, other[2] + pool[2])
        pools.append(pool)
    flat = [place for place, _, many in pools for _ in range(many)]
    return [place + before for place, before in zip(flat, shift, strict=False)]
