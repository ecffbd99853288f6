"""Ranks: which layer each vertex is drawn in, so that every edge leads to a later one."""

from __future__ import annotations

from collections.abc import Sequence

Arrow = tuple[int, int]
"""From one vertex to another, by number."""


def ranks(vertices: int, arrows: Sequence[Arrow]) -> list[int]:
    """Return a rank per vertex, from 0: the longest path to it, or a later one where that shortens edges.

    Arrows that close a cycle, which no network has, are ignored.
    """
    after: list[list[int]] = [[] for _ in range(vertices)]
    before: list[list[int]] = [[] for _ in range(vertices)]
    for tail, head in arrows:
        after[tail].append(head)
        before[head].append(tail)
    order = _topological(after, before)
    rank = [0] * vertices
    place = {v: i for i, v in enumerate(order)}
    for v in order:
        rank[v] = max((rank[u] + 1 for u in before[v] if place[u] < place[v]), default=0)
    for v in reversed(order):
        later = [rank[w] for w in after[v] if place[w] > place[v]]
        # Inputs stand above their first reader; what has more readers than inputs comes closer to them.
        if later and len(after[v]) > len(before[v]):
            rank[v] = max(rank[v], min(later) - 1)
    return rank


def _topological(after: Sequence[Sequence[int]], before: Sequence[Sequence[int]]) -> list[int]:
    waiting = [len(earlier) for earlier in before]
    ready = [v for v, many in enumerate(waiting) if not many]
    order: list[int] = []
    done = [False] * len(after)
    rest = iter(range(len(after)))
    while len(order) < len(after):
        if not ready:  # a cycle: begin with its first vertex
            ready.append(next(v for v in rest if not done[v]))
        v = ready.pop()
        if done[v]:
            continue
        done[v] = True
        order.append(v)
        for w in after[v]:
            waiting[w] -= 1
            if not waiting[w] and not done[w]:
                ready.append(w)
    return order
