"""From items that do not fit into a memory together to few items that do not, and to others like them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hmcos.allocation.exact.shrink import clusters, postponable
from hmcos.allocation.fit import board
from hmcos.allocation.items import Item, items
from hmcos.allocation.memories.fitting import FIRST_STATES, Fitting
from hmcos.allocation.memories.model import Ruled
from hmcos.allocation.memories.rules import MemoryRules

TESTS = 60
"""Searches for offsets to shrink one set of items, at most."""
LIKE = 200
"""Sets that follow from one, at most."""


def ruled_out(chosen: Sequence[int], k: int, fitting: Fitting, rules: MemoryRules) -> list[frozenset[int]]:
    """Return sets of items none of which fit into memory k together, given that the chosen ones do not."""
    core = tuple(chosen)
    if rules.core:
        for group in _groups(core, k, fitting):
            if len(group) < len(core) and fitting.fit(group, k, FIRST_STATES).refuted:
                core = group
                break
        core = _shrunk(core, k, fitting)
    found = [frozenset(core)]
    return found + list(_like(core, k, fitting)) if rules.lift else found


def elsewhere(found: Sequence[frozenset[int]], k: int, fitting: Fitting, rules: MemoryRules) -> list[Ruled]:
    """Return what sets that do not fit into memory k rule out, there and in memories with no more room."""
    question = fitting.question
    others = [k]
    if rules.lift:
        others += [
            j
            for j in range(len(question.blocks))
            if j != k and question.is_limited(j) and question.room(j) <= question.room(k)
        ]
    return [
        Ruled(j, items)
        for items in found
        for j in others
        if all(j in question.allowed[i] for i in items)
        and (j == k or all(question.items[i].offset is None for i in items))
    ]


def _groups(chosen: Sequence[int], k: int, fitting: Fitting) -> list[tuple[int, ...]]:
    """Return groups that do not meet each other, without what always has room; the largest first."""
    question = fitting.question
    numbers = sorted(chosen)
    inside = items(question.alone(numbers, k)[0])  # in the same order
    late = set(postponable(board(inside), question.room(k)))
    left = [n for n, item in enumerate(inside) if n not in late and item.pieces]
    groups = (tuple(numbers[n] for n in group) for group in clusters(inside, left))
    return sorted(groups, key=lambda group: (-len(group), group))


def _shrunk(core: tuple[int, ...], k: int, fitting: Fitting) -> tuple[int, ...]:
    """Return the core without what could be taken away, in halves, quarters and so on to single items."""
    tests, size = 0, max(1, len(core) // 2)
    # What moves the least leaves the core last: the solver then has to give up something dear.
    kept = sorted(core, key=lambda i: (-_area(fitting.question.items[i]), i))
    while tests < TESTS and not fitting.is_over():
        at = len(kept)
        while at > 0 and tests < TESTS:
            begin = max(0, at - size)
            rest = kept[:begin] + kept[at:]
            tests += 1
            if rest and fitting.fit(rest, k, FIRST_STATES).refuted:
                kept = rest
            at = begin
        if size == 1:
            break
        size = max(1, min(size // 2, len(kept) // 2))
    return tuple(sorted(kept))


def _area(item: Item) -> int:
    return sum((end - begin) * size for begin, end, size in item.pieces)


def _like(core: Sequence[int], k: int, fitting: Fitting) -> Iterator[frozenset[int]]:
    """Yield the core with one item exchanged for another that takes no less room at any time."""
    question, told = fitting.question, 0
    inside = set(core)
    for i in core:
        for j, other in enumerate(question.items):
            if j in inside or k not in question.allowed[j] or not _is_no_less(other, question.items[i]):
                continue
            told += 1
            if told > LIKE:
                return
            yield frozenset((inside - {i}) | {j})


def _is_no_less(item: Item, other: Item) -> bool:
    """Return whether wherever an item has a place, the other one has it too."""
    if (
        other.offset is not None
        or item.offset is not None
        or item.step % other.step
        or item.size < other.size
    ):
        return False
    return all(
        any(first <= begin and end <= last and high >= size for first, last, high in item.pieces)
        for begin, end, size in other.pieces
    )
