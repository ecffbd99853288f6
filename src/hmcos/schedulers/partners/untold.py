"""The states that a descent has refuted, as messages to other processes that search the same piece.

That the end cannot be reached from a state within a threshold does not depend on who found it out. It also
holds at every lower threshold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hmcos.schedulers.exact.descent import Descent


@dataclass(frozen=True, slots=True)
class News:
    """States from which no path leads to the end within a threshold."""

    threshold: int
    """Bytes."""
    backward: bool
    """Whether the states are those of the search from the end."""
    states: bytes
    """The moves left in each state, as bit sets of equal length."""


class Untold:
    """The states that one descent has refuted and that were not yet told."""

    def __init__(self, descent: Descent) -> None:
        self.descent = descent
        self._last: int | None = None
        """Of the states told, the one that the descent met last: states met before it are told or open."""
        self._open: dict[int, None] = {}
        """States met before that, in the order met, which were not yet refuted."""

    def take(self) -> list[int]:
        """Return the states that were refuted since the last call."""
        seen = self.descent.seen
        told: list[int] = []
        still_open: dict[int, None] = {}
        for state in self._open:
            need = seen.get(state)
            if need:
                told.append(state)
            elif need is not None:
                still_open[state] = None
        last = None
        for state in self._met_later():
            if seen[state]:
                told.append(state)
                last = last or state
            elif last:
                still_open[state] = None
        self._last, self._open = last or self._last, still_open
        return told

    def adopt(self, states: Iterable[int]) -> None:
        """Let the descent adopt states that others refuted, which are not told again.

        What it refuted itself since the last `take` is not told either.
        """
        self.take()
        seen = self.descent.seen
        known, later = len(seen), dict.fromkeys(self._met_later())
        self.descent.adopt(states)
        if len(seen) > known:
            self._open |= later
            self._last = next(reversed(seen))

    def _met_later(self) -> Iterator[int]:
        """Yield the states that the descent met after the last one told, the latest first."""
        for state in reversed(self.descent.seen):
            if state == self._last:
                return
            yield state


def packed(states: Iterable[int], sequences: int) -> bytes:
    """Return states of so many sequences as bytes."""
    width = _width(sequences)
    return b"".join(state.to_bytes(width, "little") for state in states)


def unpacked(content: bytes, sequences: int) -> list[int]:
    """Return the states that were packed."""
    width = _width(sequences)
    return [
        int.from_bytes(content[start : start + width], "little") for start in range(0, len(content), width)
    ]


def _width(sequences: int) -> int:
    return (sequences + 7) // 8
