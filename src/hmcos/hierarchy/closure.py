"""Who comes before and after whom, as bit sets over operators."""

from __future__ import annotations

from collections.abc import Sequence


def ancestors(predecessors: Sequence[Sequence[int]]) -> list[int]:
    """Return per operator the bit set of all operators that must run before it.

    Operators are numbered in an executable order. Takes n * n / 8 bytes.
    """
    found: list[int] = []
    for before in predecessors:
        mask = 0
        for p in before:
            mask |= found[p] | 1 << p
        found.append(mask)
    return found


def descendants(successors: Sequence[Sequence[int]]) -> list[int]:
    """Return per operator the bit set of all operators that must run after it."""
    found = [0] * len(successors)
    for op in range(len(successors) - 1, -1, -1):
        mask = 0
        for s in successors[op]:
            mask |= found[s] | 1 << s
        found[op] = mask
    return found
