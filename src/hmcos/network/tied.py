"""Operators that run the same bodies: the tensors in these have one place, whichever operator runs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hmcos.graph.graph import Graph
from hmcos.memory.lifetimes import Life


def tied_operators(graph: Graph, numbers: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Return the groups of operators that run a body in common, at any depth.

    Operators are positions in `numbers`, which holds their numbers in the graph; each group is ascending.
    """
    groups: list[tuple[set[int], list[int]]] = []
    for position, number in enumerate(numbers):
        bodies = _bodies(graph, number)
        if bodies:
            meeting = [group for group in groups if not bodies.isdisjoint(group[0])]
            groups = [group for group in groups if bodies.isdisjoint(group[0])]
            operators = sorted(op for _, listed in meeting for op in listed)
            groups.append((bodies.union(*(known for known, _ in meeting)), [*operators, position]))
    return tuple(tuple(operators) for _, operators in groups if len(operators) > 1)


def _bodies(graph: Graph, number: int) -> set[int]:
    """Return the identities of all graphs inside an operator."""
    found: set[int] = set()
    waiting = [body.graph for body in graph.operators[number].bodies]
    while waiting:
        inner = waiting.pop()
        if id(inner) not in found:
            found.add(id(inner))
            waiting += [body.graph for op in inner.operators for body in op.bodies]
    return found


def tied_lives(lives: tuple[Life, ...], tied: Sequence[Sequence[int]]) -> tuple[Life, ...]:
    """Return lives in which each scratch of a group of operators takes over the one before it."""
    if not tied:
        return lives
    group_of = {op: number for number, group in enumerate(tied) for op in group}
    changed = list(lives)
    latest: dict[int, int] = {}
    for index, life in enumerate(lives):
        group = None if life.operator is None else group_of.get(life.operator)
        if group is not None:
            changed[index] = replace(life, takes_over=latest.get(group))
            latest[group] = index
    return tuple(changed)
