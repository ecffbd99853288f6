"""Moves, and commits: moves that some optimal order takes at once, so that no alternative is searched.

Stable memory is submodular over the states. Therefore a state may be replaced by a later state that is lowest
among all states in between: the end can be reached within the threshold from both or from neither. All states
in between are known in two cases: a single move, and a run in which each move became ready only by the one
before.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hmcos.schedulers.exact.moves import Cost, Moves
from hmcos.schedulers.exact.pace import SearchPace

NEVER = 1 << 80
"""More bytes than any order needs."""


@dataclass(frozen=True, slots=True)
class PruningRules:
    """The pruning rules of the exact search; switching one off changes its speed, but no result."""

    split: bool = True
    """Cut the problem at the states that every order passes through (splitting.py)."""
    commit_ends: bool = True
    """Commit from both ends of a stretch, and split what remains."""
    join_forward: bool = True
    """Join two operators if the second can follow the first at once (joins.py)."""
    join_mirror: bool = True
    """Join two operators if the first can wait for the second (joins.py)."""
    commit: bool = True
    """Take a move that fits and does not raise stable memory at once, without trying alternatives."""
    runs: bool = True
    """Do the same with a run in which each move became ready only by the one before."""
    valley_cuts: bool = True
    """Replace the states of a path by the lowest state between two of them (valley.py)."""
    forward: bool = True
    """Search from the start. If both directions are off, this one is searched anyway."""
    backward: bool = True
    """Search from the end."""
    stepping: bool = True
    """Try the lower bound as a threshold before the best peak."""
    beams: bool = True
    """Look for low orders with beams."""
    pace: SearchPace = field(default_factory=SearchPace)
    """When the parts of the search take turns."""


@dataclass(frozen=True, slots=True)
class Root:
    """A state to start from: at its threshold and every higher one, some path (if any) passes through it."""

    left: int
    """The moves still to come, as a bit set."""
    mem: int
    """Stable memory in bytes."""
    ready: dict[int, Cost]
    """The moves that are ready, each with its cost."""
    steps: list[int]
    """The moves that lead to it."""


def start(moves: Moves) -> Root:
    """Return the first state of a direction: no move has been taken."""
    ready = {c: moves.cost(c, moves.full) for c, gate in enumerate(moves.gates) if not gate}
    return Root(moves.full, moves.start, ready, [])


class Commits:
    """Takes moves of one direction, and commits to moves within one threshold in bytes."""

    def __init__(self, moves: Moves, threshold: int, rules: PruningRules) -> None:
        self.moves = moves
        self.threshold = threshold
        self.rules = rules

    def move(self, c: int, left: int, mem: int, ready: dict[int, Cost], steps: list[int]) -> tuple[int, int]:
        """Take a move; return the moves left and the stable memory after it. Updates `ready` and `steps`."""
        moves = self.moves
        left ^= moves.bits[c]
        mem += ready.pop(c)[1]
        gates, cost = moves.gates, moves.cost
        for rest, _ in moves.watched[c]:
            changed = moves.changed(rest, left)
            while changed:
                other = changed.bit_length() - 1
                changed ^= moves.bits[other]
                if other in ready:
                    ready[other] = cost(other, left)
        for other in moves.followers[c]:
            if not gates[other] & left:
                ready[other] = cost(other, left)
        steps.append(c)
        return left, mem

    def close(self, left: int, mem: int, ready: dict[int, Cost], steps: list[int]) -> tuple[int, int]:
        """Commit single moves, then runs, until none is left; return the moves left and the stable memory."""
        if not self.rules.commit:
            return left, mem
        while True:
            room = self.threshold - mem
            for c, (need, delta) in ready.items():
                if delta <= 0 and need <= room:
                    left, mem = self.move(c, left, mem, ready, steps)
                    break
            else:
                run = self._find_run(left, mem, ready) if self.rules.runs else None
                if run is None:
                    return left, mem
                for c in run:
                    left, mem = self.move(c, left, mem, ready, steps)

    def _find_run(self, left: int, mem: int, ready: dict[int, Cost]) -> list[int] | None:
        """Return a run of moves within the threshold that ends no higher than it starts, None without one.

        Each of its moves became ready only by the one before, so there are no states between its ends but
        those on the way.
        """
        room = self.threshold - mem
        gates, bits, followers = self.moves.gates, self.moves.bits, self.moves.followers
        for c, (need, delta) in ready.items():
            if need <= room:
                bit = bits[c]
                for other in followers[c]:
                    if gates[other] & left == bit:
                        run = self._follow(c, left ^ bit, delta, room)
                        if run is not None:
                            return run
                        break
        return None

    def _follow(self, c: int, left: int, delta: int, room: int) -> list[int] | None:
        """Return the run from `c` on that takes the lowest move each time, None if it ends too high."""
        moves = self.moves
        gates, cost = moves.gates, moves.cost
        run = [c]
        while True:
            following, best = -1, (0, NEVER)
            for other in moves.followers[run[-1]]:
                if not gates[other] & left:
                    rise = cost(other, left)
                    if delta + rise[0] <= room and rise[1] < best[1]:
                        following, best = other, rise
            if following < 0:
                return None
            run.append(following)
            left ^= moves.bits[following]
            delta += best[1]
            if delta <= 0:
                return run
