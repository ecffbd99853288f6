"""Dominator and post-dominator trees: which operator lies on every path to, or from, another one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import rustworkx as rx

from hmcos.memory.problem import Problem

ROOT = -1
"""The virtual vertex before all entries; in a post-dominator tree, after all exits."""


@dataclass(frozen=True)
class DominatorTree:
    """Per vertex: its immediate dominator, the nearest other vertex on every path from the root to it."""

    parent: tuple[int, ...]
    """ROOT if no vertex other than the virtual root lies on every path."""

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """Per vertex: the vertices whose parent it is, ascending."""
        children: list[list[int]] = [[] for _ in self.parent]
        for vertex, parent in enumerate(self.parent):
            if parent != ROOT:
                children[parent].append(vertex)
        return tuple(map(tuple, children))

    @cached_property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """Per vertex: the interval [first, end) of depth-first numbers of the vertices it dominates."""
        spans = [(0, 0)] * len(self.parent)
        number = 0
        stack = [v for v in range(len(self.parent) - 1, -1, -1) if self.parent[v] == ROOT]
        entered = [-1] * len(self.parent)
        while stack:
            vertex = stack[-1]
            if entered[vertex] < 0:
                entered[vertex] = number
                number += 1
                stack += reversed(self.children[vertex])
            else:
                spans[vertex] = (entered[vertex], number)
                stack.pop()
        return tuple(spans)

    def dominates(self, above: int, below: int) -> bool:
        """Return whether every path to `below` passes `above`; every vertex dominates itself."""
        first, end = self.spans[above]
        return first <= self.spans[below][0] < end

    def weight(self, vertex: int) -> int:
        """Return the number of vertices that a vertex dominates, itself included."""
        first, end = self.spans[vertex]
        return end - first


def dominators(successors: Sequence[Sequence[int]], entries: Iterable[int]) -> DominatorTree:
    """Return the dominator tree of an acyclic graph with any number of entries.

    Every vertex without predecessors must be an entry. For post-dominators pass predecessors and exits.
    Source: Cooper, Harvey, Kennedy, A Simple, Fast Dominance Algorithm, 2001 (in rustworkx).
    """
    root = len(successors)
    graph: rx.PyDiGraph[None, None] = rx.PyDiGraph(multigraph=False)
    graph.add_nodes_from([None] * (root + 1))
    graph.add_edges_from_no_data([(v, s) for v, after in enumerate(successors) for s in after])
    graph.add_edges_from_no_data([(root, v) for v in entries])
    immediate = rx.immediate_dominators(graph, root)
    return DominatorTree(tuple(ROOT if immediate[v] == root else immediate[v] for v in range(root)))


def operator_dominators(problem: Problem) -> DominatorTree:
    """Return the dominator tree of the operators."""
    return dominators(problem.successors, entries(problem))


def operator_post_dominators(problem: Problem) -> DominatorTree:
    """Return the post-dominator tree of the operators."""
    return dominators(problem.predecessors, exits(problem))


def entries(problem: Problem) -> tuple[int, ...]:
    """Return the operators without predecessors, and those that read an input of the problem, ascending."""
    producer = problem.producer
    return tuple(
        op
        for op, before in enumerate(problem.predecessors)
        if not before or any(producer[b] < 0 for b in problem.reads[op])
    )


def exits(problem: Problem) -> tuple[int, ...]:
    """Return the operators without successors, and those that make a held buffer, ascending."""
    held = problem.held
    return tuple(
        op
        for op, after in enumerate(problem.successors)
        if not after or any(b in held for b in problem.makes[op])
    )
