"""Small-world graphs: Watts, Strogatz, Collective dynamics of 'small-world' networks.

Nature 393, 1998, doi 10.1038/30918.
"""

from __future__ import annotations

import random


def small_world(nodes: int, k: int, p: float, draw: random.Random) -> list[tuple[int, ...]]:
    """Return, per node, the nodes of smaller number that it is joined to, ascending.

    The graph starts as a ring in which each node is joined to its k nearest. Then, for each distance from 1
    on, the edges of that length are visited once around the ring: with probability p, the far end of an edge
    moves to a node drawn from those that the near end is not joined to. Only `draw.random()` is called, which
    gives the same numbers on every machine.
    """
    joined: list[set[int]] = [
        {(node + step) % nodes for step in range(-k // 2, k // 2 + 1) if step} for node in range(nodes)
    ]
    for distance in range(1, k // 2 + 1):
        for near in range(nodes):
            far = (near + distance) % nodes
            free = [node for node in range(nodes) if node != near and node not in joined[near]]
            if draw.random() < p and free:
                end = free[int(draw.random() * len(free))]
                joined[near].remove(far)
                joined[far].remove(near)
                joined[near].add(end)
                joined[end].add(near)
    return [tuple(sorted(other for other in joined[node] if other < node)) for node in range(nodes)]
