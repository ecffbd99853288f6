"""Offsets in one memory for the lives that were chosen for it, or the proof that there are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hmcos.allocation.auto import auto
from hmcos.allocation.memories.question import MemoryQuestion
from hmcos.limits import Limits, Status, Watch
from hmcos.plan.arena import Arena

FIRST_STATES, MOST_STATES = 600, 4_000
"""States of the search for offsets at first, and if that leaves the answer open."""
PACKING_STATES = 300
"""States of the search for less room in one memory, in the end."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """An answer: offsets, the proof that there are none, or neither."""

    offsets: tuple[int, ...] | None
    """Per item, ascending, from the start of the memory; None if none were found."""
    refuted: bool = False
    """Whether it is proved that there are none."""
    attempt: tuple[int, ...] = ()
    """Where no offsets were found: those of an arena that is larger than the memory."""


@dataclass
class Fitting:
    """Asks whether items fit into a memory together; never asks the same twice."""

    question: MemoryQuestion
    limits: Limits
    watch: Watch
    states: int = 0
    """States that all searches entered, about."""
    known: dict[tuple[int, frozenset[int]], Fitted] = field(
        default_factory=dict[tuple[int, frozenset[int]], Fitted]
    )

    def fit(self, chosen: Sequence[int], k: int, most: int = MOST_STATES) -> Fitted:
        """Return offsets in memory k for items, ascending, or the proof that there are none.

        The answer is open where that takes more states than the most.
        """
        chosen = sorted(chosen)
        key = k, frozenset(chosen)
        found = self.known.get(key)
        if found is None:
            found = self._searched(chosen, k, most)
            if found.offsets is not None or found.refuted:
                self.known[key] = found
        return found

    def packed(self, chosen: Sequence[int], k: int) -> tuple[int, ...]:
        """Return offsets in memory k for items, ascending, that use as little of it as is found."""
        lives, numbers = self.question.alone(chosen, k)
        limits = replace(self.watch.left(self.limits), budget=None, states=PACKING_STATES)
        arena = auto(lives, limits, self.watch.restarted().silenced())
        return self._of_items(chosen, numbers, arena)

    def _of_items(self, chosen: Sequence[int], numbers: Sequence[int], arena: Arena) -> tuple[int, ...]:
        """Return the offsets of items in an arena of their lives; `numbers` has those of the lives."""
        at = dict(zip(numbers, arena.offsets, strict=True))
        return tuple(at[self.question.items[i].lives[0]] for i in chosen)

    def is_over(self) -> bool:
        """Return whether a limit is reached."""
        return self.watch.reached(self.limits, self.states) is not None

    def _searched(self, chosen: Sequence[int], k: int, most: int) -> Fitted:
        question = self.question
        lives, numbers = question.alone(chosen, k)
        capacity = question.room(k) if question.is_limited(k) else None
        limits = replace(
            self.watch.left(self.limits),
            budget=capacity,
            states=max(0, min(most, self.limits.states - self.states)),
        )
        arena = auto(lives, limits, self.watch.restarted().silenced())
        self.states += 1 if arena.status in (Status.FITS, Status.OPTIMAL) else 1 + most // 4
        offsets = self._of_items(chosen, numbers, arena)
        if capacity is not None and arena.size > capacity:
            return Fitted(None, arena.status is Status.DOES_NOT_FIT, offsets)
        return Fitted(offsets)
