"""From an order of the scheduled operators to an order of all nodes of the source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hmcos.graph.graph import Graph


@dataclass(frozen=True, slots=True)
class ParameterNodes:
    """The nodes of a source that only compute parameters, so that they are not scheduled."""

    numbers: frozenset[int] = frozenset()
    makers: Mapping[int, tuple[int, ...]] = field(default_factory=dict[int, tuple[int, ...]])
    """Number of a node to those of them that make what it reads; missing where there are none."""


def parameter_nodes(graph: Graph) -> ParameterNodes:
    """Return the nodes of a network that only compute parameters, and who reads what they make."""
    numbers = frozenset(op.number for op in graph.operators if graph.computes_parameters(op))
    if not numbers:
        return ParameterNodes()
    producer = graph.producer
    makers: dict[int, tuple[int, ...]] = {}
    for op in graph.operators:
        found = tuple(maker for t in op.reads if (maker := producer.get(t, -1)) in numbers)
        if found:
            makers[op.number] = found
    return ParameterNodes(numbers, makers)


def source_order(nodes: ParameterNodes, scheduled: Sequence[int]) -> tuple[int, ...]:
    """Return the number of every node of the source in the new order.

    `scheduled` holds the numbers of all operators that do not only compute parameters, in the new order. Each
    parameter-only node stands just before its first reader, in source order among its like; those that no
    scheduled operator needs stand at the end (memory model, Corners).
    """
    waiting = set(nodes.numbers)
    order: list[int] = []
    for number in scheduled:
        if waiting:
            needed = _needed(nodes, number, waiting)
            waiting -= needed
            order.extend(sorted(needed))
        order.append(number)
    order.extend(sorted(waiting))
    return tuple(order)


def _needed(nodes: ParameterNodes, number: int, waiting: set[int]) -> set[int]:
    """Return the waiting parameter-only nodes that an operator needs, directly or not."""
    needed: set[int] = set()
    open_nodes = [number]
    while open_nodes:
        for maker in nodes.makers.get(open_nodes.pop(), ()):
            if maker in waiting and maker not in needed:
                needed.add(maker)
                open_nodes.append(maker)
    return needed
