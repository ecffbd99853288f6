"""Items and memories as plain numbers: what a solver gets, and what bounds without one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd

from hmcos.allocation.items import Item
from hmcos.allocation.memories.question import MemoryQuestion
from hmcos.allocation.sections import Section, sections

Load = tuple[tuple[int, ...], tuple[int, ...], int, int]
"""Items, their units of bytes at one moment, a memory, and the units that it has."""


@dataclass(frozen=True, slots=True)
class Ruled:
    """Items that do not fit into a memory together."""

    memory: int
    items: frozenset[int]
    proved: bool = True
    """False if only no offsets were found for them: then what follows is no bound."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What a solver is to minimize: the bytes moved in the memories from a level on."""

    most: Sequence[int]
    """For each level before, from 1 on, the most bytes that may be moved from there on; the next level is
    the one in question."""
    below: int | None
    """Only assignments that move fewer bytes are of interest; None for all."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """What a solver found."""

    memory: tuple[int, ...] | None
    """Per item its memory; None if none was found."""
    bound: int
    """No assignment moves fewer bytes in the memories from the level on, or none of those of interest."""
    infeasible: bool = False
    """Whether it is proved that there is no assignment of interest."""


@dataclass(frozen=True)
class Assignment:
    """The items of a question that are to be assigned to memories."""

    question: MemoryQuestion
    free: tuple[int, ...]
    """Their numbers in the question; the others have a place in the first memory in any case."""
    sections: tuple[Section, ...]
    """The moments that matter, of these items, by their index in `free`."""
    unit: int
    """Bytes of which all sizes are multiples."""

    @property
    def memories(self) -> int:
        """The number of memories."""
        return len(self.question.blocks)

    def item(self, i: int) -> Item:
        """Return an item by its index in `free`."""
        return self.question.items[self.free[i]]

    def allowed(self, i: int) -> tuple[int, ...]:
        """Return the memories that item i may be in, ascending."""
        return self.question.allowed[self.free[i]]

    def weight(self, i: int) -> int:
        """Return the bytes that item i moves."""
        return self.question.weights[self.free[i]]

    def loads(self) -> list[Load]:
        """Return the loads that can exceed a memory: those of other moments follow from them, or never do."""
        found: dict[Load, None] = {}
        for k in range(self.memories):
            if not self.question.is_limited(k):
                continue
            room = self.question.room(k) // self.unit
            for section in self.sections:
                inside = [(i, size // self.unit) for i, size in section if k in self.allowed(i)]
                if sum(size for _, size in inside) > room:
                    items, sizes = tuple(i for i, _ in inside), tuple(size for _, size in inside)
                    found[items, sizes, k, room] = None
        return list(found)


def assignment(question: MemoryQuestion, free: Sequence[int]) -> Assignment:
    """Return what is left to be assigned."""
    chosen = [question.items[i] for i in free]
    unit = gcd(*(size for item in chosen for _, _, size in item.pieces)) or 1
    return Assignment(question, tuple(free), sections(chosen), unit)


def simple_bound(model: Assignment, level: int) -> int:
    """Return a lower bound on the bytes moved in the memories from `level` on, without a solver.

    What cannot be in an earlier memory counts in any case. At each moment, what exceeds the earlier memories
    together must be behind them: at least as much of it as moves the least per byte. Moments that share no
    item add up; they are taken one by one, the highest bound first.
    """
    question = model.question
    earlier = range(level)
    if not all(question.is_limited(k) for k in earlier):
        return 0
    room = sum(question.room(k) for k in earlier)
    forced = {i for i in range(len(model.free)) if min(model.allowed(i), default=level) >= level}
    bound = sum(model.weight(i) for i in forced)
    needs = [(_least(model, section, room, forced), section) for section in model.sections]
    used: set[int] = set(forced)
    for need, section in sorted(needs, key=lambda pair: -pair[0]):
        inside = {i for i, _ in section}
        if need and not inside & (used - forced):
            bound += need
            used |= inside
    return bound


def _least(model: Assignment, section: Section, room: int, forced: Iterable[int]) -> int:
    """Return the least bytes moved by what must leave a section so that the rest is within the room."""
    inside = [(i, size) for i, size in section if i not in forced and size]
    excess, least = sum(size for _, size in inside) - room, Fraction(0)
    for i, size in sorted(inside, key=lambda pair: Fraction(model.weight(pair[0]), pair[1])):
        if excess <= 0:
            break
        least += model.weight(i) * min(Fraction(1), Fraction(excess, size))
        excess -= size
    return -(-least.numerator // least.denominator)
