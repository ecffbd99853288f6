"""Items and sections as flat lists, for the inner loop of the search for an arena of a given size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from hmcos.allocation.fit import Meetings, meetings
from hmcos.allocation.items import Item
from hmcos.allocation.sections import Section, Stretch, sections, stretches

Pairs = tuple[tuple[int, int], ...]
"""(item, bytes) pairs."""

COUNT_BITS = 24
COUNT = (1 << COUNT_BITS) - 1
"""Items that one number counts at most: more than any cluster has that is searched."""


@dataclass(frozen=True)
class Layout:
    """The constants of a search. Items are renumbered in order of their first section."""

    items: tuple[Item, ...]
    names: tuple[int, ...]
    """Per item: its number in the sequence that `layout` was given."""
    sections: tuple[Section, ...]
    inside: tuple[tuple[int, ...], ...]
    """Per item: the sections it is in, ascending."""
    kinds: tuple[int, ...]
    """Per item: the first item with the same size, step, spans and sections; they are interchangeable."""
    starts: tuple[int, ...]
    """Per section s, and one entry more: the first item whose first section is s or later."""

    @cached_property
    def counted(self) -> tuple[Pairs, ...]:
        """Per section: its items, each with its bytes and the count 1 in one number.

        A sum of such numbers, shifted right by `COUNT_BITS`, is the bytes, and its lower bits are the count.
        """
        return tuple(tuple((i, (size << COUNT_BITS) + 1) for i, size in s) for s in self.sections)

    @cached_property
    def met(self) -> Meetings:
        """Who meets whom."""
        return meetings(self.items)

    @cached_property
    def pushes(self) -> tuple[Pairs, ...]:
        """Per item i: (k, bytes) for each k that it meets: above i, k starts at least this far above it."""
        met = self.met
        if not met.seen:
            return tuple(
                tuple([(k, item.size) for k in meets])
                for item, meets in zip(met.items, met.meets, strict=True)
            )
        return tuple(tuple((k, met.height(k, i)) for k in meets) for i, meets in enumerate(met.meets))

    @cached_property
    def rests(self) -> tuple[Pairs, ...]:
        """Per item i: (k, bytes) for each k that it meets: above k, i starts at least this far above it."""
        met = self.met
        if not met.seen:
            pairs = [(k, item.size) for k, item in enumerate(met.items)]
            return tuple(tuple([pairs[k] for k in meets]) for meets in met.meets)
        return tuple(tuple((k, met.height(i, k)) for k in meets) for i, meets in enumerate(met.meets))


def layout(items: Sequence[Item]) -> Layout:
    """Return the layout of items, each of which must need room."""
    count, by_item = stretches(items)
    names = sorted(range(len(items)), key=lambda i: (by_item[i][0][0].start, i))
    ordered = tuple(items[i] for i in names)
    where = [by_item[i] for i in names]
    known: dict[object, int] = {}
    kinds = tuple(
        known.setdefault(
            (item.size, item.step, item.spans, i if item.offset is not None else None, tuple(where[i])), i
        )
        for i, item in enumerate(ordered)
    )
    inside = tuple(tuple(s for stretch, _ in rows for s in stretch) for rows in where)
    return Layout(ordered, tuple(names), sections(ordered), inside, kinds, starts(count, where))


def starts(count: int, where: Sequence[Sequence[Stretch]]) -> tuple[int, ...]:
    """Return, per section s and one entry more, the first item whose first section is s or later.

    The items must be in order of their first section.
    """
    first = [0] * (count + 1)
    for i, rows in enumerate(where):
        first[rows[0][0].start + 1] = i + 1
    for s in range(count):
        first[s + 1] = max(first[s], first[s + 1])
    return tuple(first)
