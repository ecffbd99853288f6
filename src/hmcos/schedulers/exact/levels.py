"""Lower bounds of a stretch by levels: how little memory an order can need on its way from level to level.

For any set W of sequences and each k < |W|, every order passes level k: the moment just before the (k+1)-th
sequence of W runs. So its peak is at least the least memory at that level over all states (level_program.py).
Good W are the sequences that need most beyond stable memory, and all sequences. The least memory rises with
the level at first and falls again at last, so a few programs find a level where it is high.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from hmcos.schedulers.exact.moves import Moves

if TYPE_CHECKING:
    from hmcos.schedulers.exact.level_program import LevelPrograms

MOST_SEQUENCES = 5_000
"""Of a stretch of more sequences no programs are made: one of them would take too long."""
NEEDY = 0.5
"""Sequences belong to the first W if they need at least this share of what the neediest one needs."""
FIRST = 0.6
"""The first level, as a share of |W|."""
STRIDE = 0.125
"""The distance to the next one, as a share of |W|; halved where neither side is higher."""


class Levels:
    """Raises the lower bound of one stretch by one program after the other."""

    def __init__(self, moves: Moves) -> None:
        """Take the moves of the forward direction."""
        self._moves = moves
        self._programs: LevelPrograms | None = None
        self._waiting = sets(moves) if len(moves.bits) <= MOST_SEQUENCES else []
        """The sets W whose levels are still to be climbed, the next one last."""
        self._climb_next()

    @property
    def is_over(self) -> bool:
        """Whether no program is left that may raise the bound."""
        return self._next is None

    def raised(self, low: int, high: int) -> Generator[None, None, int]:
        """Return a lower bound on the peak of every order after one more program, in bytes, at most `high`.

        It is `low` if the program did not raise that. Yields all the time while the solver works.
        """
        from hmcos.schedulers.exact.level_program import Level, LevelPrograms  # noqa: PLC0415 (OR-Tools takes 340 ms)

        if self._next is None:
            return low
        if self._programs is None:
            self._programs = LevelPrograms(self._moves)
        before = min(self._highest, high)
        least = yield from self._programs.least(Level(self._next, self._needs, before, high))
        self._highest = max(before, least)
        try:
            self._next = self._climb.send(least > before)
        except StopIteration:
            self._climb_next()
        return max(low, least)

    def _climb_next(self) -> None:
        """Begin with the next W, if there is one."""
        self._needs = self._waiting.pop() if self._waiting else {}
        self._climb = climb(len(self._needs))
        self._highest = 0
        """The highest least memory at any level of this W so far, in bytes: the climb asks only for more."""
        self._next = next(self._climb, None)
        """The level of the next program; None if nothing is left to try."""


def sets(moves: Moves) -> list[dict[int, int]]:
    """Return the sets W to try, the best last: sequence to what it needs beyond stable memory at least."""
    every = {c: moves.cost(c, 0)[0] for c in range(len(moves.bits))}
    least = NEEDY * max(every.values())
    needy = {c: need for c, need in every.items() if need >= least}
    return [every, needy] if len(needy) < len(every) else [every]


def climb(levels: int) -> Generator[int, bool, None]:
    """Yield the levels to try, each once; it is sent whether each was higher than all before.

    It goes on in the direction that leads upwards, and takes shorter strides where neither does.
    """
    stride, highest = max(1, int(STRIDE * levels)), int(FIRST * levels)
    if not levels:
        return
    tried = {highest}
    yield highest
    while stride:
        for level in (highest + stride, highest - stride):
            if 0 <= level < levels and level not in tried:
                tried.add(level)
                if (yield level):
                    highest = level
                    break
        else:
            stride //= 2
