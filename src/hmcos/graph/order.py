"""From an order of the scheduled operators to an order of all nodes of the source."""

from __future__ import annotations

from collections.abc import Sequence

from hmcos.graph.model import Graph


def source_order(graph: Graph, scheduled: Sequence[int]) -> tuple[int, ...]:
    """Return the number of every node of the source in the new order.

    `scheduled` holds the numbers of all operators that do not only compute parameters, in the new order. Each
    parameter-only node stands just before its first reader, in source order among its like; those that no
    scheduled operator needs stand at the end (memory model, Corners).
    """
    producer = graph.producer
    waiting = {op.number for op in graph.operators if graph.computes_parameters(op)}
    order: list[int] = []
    for number in scheduled:
        if waiting:
            needed = _parameter_nodes(graph, producer, number, waiting)
            waiting -= needed
            order.extend(sorted(needed))
        order.append(number)
    order.extend(sorted(waiting))
    return tuple(order)


def _parameter_nodes(graph: Graph, producer: dict[int, int], number: int, waiting: set[int]) -> set[int]:
    """Return the waiting parameter-only nodes that an operator needs, directly or not."""
    needed: set[int] = set()
    open_nodes = [number]
    while open_nodes:
        for t in graph.operators[open_nodes.pop()].reads:
            maker = producer.get(t, -1)
            if maker in waiting and maker not in needed:
                needed.add(maker)
                open_nodes.append(maker)
    return needed
