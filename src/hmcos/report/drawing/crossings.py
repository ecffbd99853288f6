"""Order the vertices within layers so that few links cross."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence

from hmcos.report.drawing.layering import Layering

SWEEPS = 12
"""Sweeps down and up; further ones rarely improve the order."""


def ordered(layering: Layering) -> list[list[int]]:
    """Return the layers in an order with few crossings.

    Each sweep sorts every layer by the mean place of its neighbours in the layer before it; the best is kept.
    """
    current = _first(layering)
    place = _places(current, len(layering.above))
    best, fewest = current, crossings(layering, current, place)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        down = sweep % 2 == 0
        near = layering.above if down else layering.below
        current = [list(layer) for layer in current]
        for layer in current[1:] if down else reversed(current[:-1]):
            _sort(layer, near, place)
        many = crossings(layering, current, place)
        if many < fewest:
            best, fewest = current, many
    return best


def crossings(layering: Layering, current: Sequence[Sequence[int]], place: Sequence[int]) -> int:
    """Return how many pairs of links cross."""
    many = 0
    for layer in current:
        ends: list[int] = []
        for upper in layer:
            lowers = sorted(place[lower] for lower in layering.below[upper])
            many += sum(len(ends) - bisect_right(ends, lower) for lower in lowers)
            for lower in lowers:
                insort(ends, lower)
    return many


def _first(layering: Layering) -> list[list[int]]:
    """Return the layers in the order in which a walk along the links meets their vertices."""
    met: list[list[int]] = [[] for _ in layering.layers]
    layer_of = {v: number for number, layer in enumerate(layering.layers) for v in layer}
    seen = [False] * len(layering.above)
    for start in (v for layer in layering.layers for v in layer if not layering.above[v]):
        stack = [start]
        while stack:
            v = stack.pop()
            if not seen[v]:
                seen[v] = True
                met[layer_of[v]].append(v)
                stack.extend(reversed(layering.below[v]))
    return met


def _places(current: Sequence[Sequence[int]], many: int) -> list[int]:
    place = [0] * many
    for layer in current:
        for at, v in enumerate(layer):
            place[v] = at
    return place


def _sort(layer: list[int], near: Sequence[Sequence[int]], place: list[int]) -> None:
    def mean(v: int) -> float:
        return sum(place[u] for u in near[v]) / len(near[v]) if near[v] else float(place[v])

    layer.sort(key=mean)
    for at, v in enumerate(layer):
        place[v] = at
