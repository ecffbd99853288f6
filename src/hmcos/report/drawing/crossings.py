"""The order within layers: few links should cross."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence

from hmcos.report.drawing.layering import Layering

SWEEPS = 12
"""Times down and up; after some, nothing improves."""


def ordered(found: Layering) -> list[list[int]]:
    """Return the layers in an order with few crossings.

    Each sweep sorts every layer by the mean place of its neighbours in the layer before it; the best is kept.
    """
    current = _first(found)
    place = _places(current, len(found.above))
    best, fewest = current, crossings(found, current, place)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        down = sweep % 2 == 0
        near = found.above if down else found.below
        current = [list(layer) for layer in current]
        for layer in current[1:] if down else reversed(current[:-1]):
            _sort(layer, near, place)
        many = crossings(found, current, place)
        if many < fewest:
            best, fewest = current, many
    return best


def crossings(found: Layering, current: Sequence[Sequence[int]], place: Sequence[int]) -> int:
    """Return how many pairs of links cross."""
    many = 0
    for layer in current:
        ends: list[int] = []
        for upper in layer:
            lowers = sorted(place[lower] for lower in found.below[upper])
            many += sum(len(ends) - bisect_right(ends, lower) for lower in lowers)
            for lower in lowers:
                insort(ends, lower)
    return many


def _first(found: Layering) -> list[list[int]]:
    """Return the layers in the order in which a walk along the links meets their vertices."""
    met: list[list[int]] = [[] for _ in found.layers]
    layer_of = {v: number for number, layer in enumerate(found.layers) for v in layer}
    seen = [False] * len(found.above)
    for start in (v for layer in found.layers for v in layer if not found.above[v]):
        stack = [start]
        while stack:
            v = stack.pop()
            if not seen[v]:
                seen[v] = True
                met[layer_of[v]].append(v)
                stack.extend(reversed(found.below[v]))
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
