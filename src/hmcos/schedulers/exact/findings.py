"""What was found about a move in one state, remembered for all states in which the same would be found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
MOST_ALIKE = 128
"""Findings that are remembered per move and surroundings."""
MOST_SURROUNDINGS = 512
"""Surroundings that are told apart per move."""


class Findings(Generic[T]):
    """Findings of one kind about the moves of one direction.

    A finding depends on a part of the state (on which moves of a bit set are left) and on the room, the bytes
    between stable memory and the threshold. The part is not the same in all states: of many moves that could
    block another, one that does is enough.
    """

    def __init__(self, near: Sequence[int]) -> None:
        self._near = near
        """Per move: its surroundings, a small bit set. What is left of them tells most findings apart."""
        self._known: list[dict[int, list[tuple[int, int, int, int, T]]]] = [{} for _ in near]
        """Per move and what is left of its surroundings: findings, the one that helped last first. Each has a
        part, what is left of it, the least room, the room from which on it may not hold, and what it is."""

    def find(self, c: int, left: int, room: int) -> T | None:
        """Return what is known about a move in a state, None if nothing is."""
        alike = self._known[c].get(left & self._near[c])
        if alike is None:
            return None
        for finding in alike:
            part, left_of_it, least, most, found = finding
            if left & part == left_of_it and least <= room < most:
                if finding is not alike[0]:
                    alike.remove(finding)
                    alike.insert(0, finding)
                return found
        return None

    def keep(self, c: int, left: int, part: int, rooms: tuple[int, int], found: T) -> None:
        """Remember what was found about a move; it holds from a least room up to below another room."""
        known = self._known[c]
        if len(known) >= MOST_SURROUNDINGS:
            known.clear()
        alike = known.setdefault(left & self._near[c], [])
        del alike[MOST_ALIKE - 1 :]
        alike.insert(0, (part, left & part, *rooms, found))
