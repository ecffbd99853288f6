"""From an order of the scheduled operators to an order of all nodes of the source file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hmcos.graph.graph import Graph


@dataclass(frozen=True, slots=True)
class ParameterNodes:
    """The nodes of a source that only compute parameters and are therefore not scheduled."""

    numbers: frozenset[int] = frozenset()
    makers: Mapping[int, tuple[int, ...]] = field(default_factory=dict[int, tuple[int, ...]])
    """Node number to the parameter-only nodes that make what it reads; nodes without any are missing."""


def parameter_nodes(graph: Graph) -> ParameterNodes:
    """Return the nodes of a network that only compute parameters, and who reads what they make."""
    numbers = graph.parameter_operators
    if not numbers:
        return ParameterNodes()
    producer = graph.producer
    makers: dict[int, tuple[int, ...]] = {}
    for op in graph.operators:
        made_by = tuple(maker for t in op.reads if (maker := producer.get(t, -1)) in numbers)
        if made_by:
            makers[op.number] = made_by
    return ParameterNodes(numbers, makers)


def source_order(nodes: ParameterNodes, scheduled: Sequence[int]) -> tuple[int, ...]:
    """Return the numbers of all nodes of the source in the new order.

    `scheduled` holds the numbers of the scheduled operators in the new order. Parameter-only nodes go
    directly before the first operator that needs them, in source order; those that no scheduled operator
    needs go to the end (memory model, Special cases).
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
