"""Who comes before and after whom, as bit sets over operators."""

from __future__ import annotations

from collections.abc import Sequence


def ancestors(predecessors: Sequence[Sequence[int]]) -> list[int]:
    """Return per operator the bit set of all operators that must run before it.

    Operators are numbered in an executable order. Takes n * n / 8 bytes.
    """
    found: list[int] = []
    upto: list[int] = []
    for op, before in enumerate(predecessors):
        mask = 0
        for p in before:
            mask |= upto[p]
        found.append(mask)
        upto.append(mask | 1 << op)
    return found


def descendants(successors: Sequence[Sequence[int]]) -> list[int]:
    """Return per operator the bit set of all operators that must run after it."""
    found = [0] * len(successors)
    onward = [0] * len(successors)
    for op in range(len(successors) - 1, -1, -1):
        mask = 0
        for s in successors[op]:
            mask |= onward[s]
        found[op] = mask
        onward[op] = mask | 1 << op
    return found
