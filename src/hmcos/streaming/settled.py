"""Operators moved within an order so that less is live between them; the order's own peak may stay."""

from __future__ import annotations

from collections.abc import Sequence

from hmcos.memory.problem import Problem

ROUNDS = 50
"""Passes at most; a few suffice, because each swap lowers the memory at one cut and raises it at none."""


def settled(problem: Problem, order: Sequence[int]) -> tuple[int, ...]:
    """Return an order in which swapping two neighbours lowers the stable memory nowhere.

    A search for the least peak leaves operators anywhere that are not at the peak. Where rows overlap, only
    the memory between operators counts: what adds to it comes late, what frees comes early.
    """
    settling = _Settling(problem, order)
    forth = range(len(order) - 1)
    for _ in range(ROUNDS):
        swapped = [settling.swap(k) for k in forth] + [settling.swap(k) for k in reversed(forth)]
        if not any(swapped):
            break
    return tuple(settling.order)


class _Settling:
    def __init__(self, problem: Problem, order: Sequence[int]) -> None:
        self.problem, self.order = problem, list(order)
        self.position = [0] * len(self.order)
        for k, op in enumerate(self.order):
            self.position[op] = k
        self.adds = [made - unread for made, unread in zip(problem.outputs, problem.unread, strict=True)]

    def swap(self, k: int) -> bool:
        """Swap an operator with the next one if that may be and lowers the memory between them."""
        first, second = self.order[k], self.order[k + 1]
        if first in self.problem.predecessors[second] or self._grows(second, k) >= self._grows(first, k):
            return False
        self.order[k], self.order[k + 1] = second, first
        self.position[second], self.position[first] = k, k + 1
        return True

    def _grows(self, op: int, k: int) -> int:
        """Return how many bytes more are live after an operator that runs when `k` others have run."""
        problem, position = self.problem, self.position
        freed = sum(
            problem.sizes[b]
            for b in problem.reads[op]
            if b not in problem.held
            and all(reader == op or position[reader] < k for reader in problem.readers[b])
        )
        return self.adds[op] - freed
