"""Which operators must run before and after each operator, as bit sets: bit k stands for operator k."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def ancestors(predecessors: Sequence[Sequence[int]]) -> list[int]:
    """Return, per operator, the bit set of all operators that must run before it.

    Operators are numbered in an executable order. The sets take up to n * n / 8 bytes for n operators.
    """
    before: list[int] = []
    for direct in predecessors:
        mask = 0
        for p in direct:
            mask |= before[p] | 1 << p
        before.append(mask)
    return before


def descendants(successors: Sequence[Sequence[int]]) -> list[int]:
    """Return, per operator, the bit set of all operators that must run after it.

    Operators are numbered in an executable order. The sets take up to n * n / 8 bytes for n operators.
    """
    after = [0] * len(successors)
    for op in range(len(successors) - 1, -1, -1):
        mask = 0
        for s in successors[op]:
            mask |= after[s] | 1 << s
        after[op] = mask
    return after


def with_ancestors(
    predecessors: Sequence[Sequence[int]], successors: Sequence[Sequence[int]]
) -> Iterator[int]:
    """Yield, per operator in ascending number, the bit set of itself and all that must run before it.

    Each set is dropped after the operator's last successor, so a chain of 20,000 operators needs only two
    sets at a time.
    """
    before: dict[int, int] = {}
    for op, direct in enumerate(predecessors):
        upto = 1 << op
        for p in direct:
            upto |= before[p]
            if successors[p][-1] == op:
                del before[p]
        if successors[op]:
            before[op] = upto
        yield upto
