"""Moves, and commits: moves that some optimal order takes at once, so that no alternative is searched.

Stable memory is submodular over the states. Therefore a state may be replaced by a later state that is lowest
among all states in between: the end can be reached within the threshold from both or from neither. All states
in between are known in two cases: a single move, and a run in which each move became ready only by the one
before.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, field

from hmcos.schedulers.exact.effects import Effects
from hmcos.schedulers.exact.moves import Cost, Moves
from hmcos.schedulers.exact.pace import SearchPace

NEVER = 1 << 80
"""More bytes than any order needs."""
RISING: Cost = (0, 1)
"""Stands for the cost of a move that is not ready: such a move is not committed."""


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
    levels: bool = True
    """Raise the lower bound by integer programs (levels.py)."""
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

    def __init__(self, effects: Effects, threshold: int, rules: PruningRules) -> None:
        self.moves = effects.moves
        self.threshold = threshold
        self.rules = rules
        self.closed: Container[int] = ()
        """States that are known to be closed."""
        self._effects = effects

    def move(self, c: int, left: int, mem: int, ready: dict[int, Cost], steps: list[int]) -> tuple[int, int]:
        """Take a move; return the moves left and the stable memory after it. Updates `ready` and `steps`."""
        left ^= self.moves.bits[c]
        mem += ready.pop(c)[1]
        self._effects.take(c, left, ready)
        steps.append(c)
        return left, mem

    def advance(
        self, c: int, left: int, mem: int, ready: dict[int, Cost], steps: list[int]
    ) -> tuple[int, int]:
        """Take a move from a closed state and close the next one; return what `close` returns."""
        effects = self._effects
        left ^= self.moves.bits[c]
        mem += ready.pop(c)[1]
        effect = effects.known[c].get(left & effects.near[c])
        if effect is None:
            falling = effects.take(c, left, ready)
        else:
            falling = effect.falling
            ready.update(effect.costs)
        steps.append(c)
        return self.close(left, mem, ready, steps, falling)

    def close(
        self, left: int, mem: int, ready: dict[int, Cost], steps: list[int], fresh: Iterable[int]
    ) -> tuple[int, int]:
        """Commit single moves, then runs, until none is left; return the moves left and the stable memory.

        `fresh` holds the ready moves that may have become commits: after a move from a closed state those
        whose costs are new.
        """
        if not self.rules.commit:
            return left, mem
        while True:
            left, mem = self._close_singly(left, mem, ready, steps, fresh)
            run = self._find_run(left, mem, ready) if self.rules.runs and left not in self.closed else None
            if run is None:
                return left, mem
            for c in run:
                left, mem = self.move(c, left, mem, ready, steps)
            fresh = ready

    def _close_singly(
        self, left: int, mem: int, ready: dict[int, Cost], steps: list[int], fresh: Iterable[int]
    ) -> tuple[int, int]:
        """Commit single moves; return the moves left and the stable memory."""
        threshold, bits, effects = self.threshold, self.moves.bits, self._effects
        known, near = effects.known, effects.near
        pending = list(fresh)
        waiting: list[int] = []
        """Moves that do not raise stable memory, but do not fit."""
        while pending:
            c = pending.pop()
            need, delta = ready.get(c, RISING)
            if delta > 0:
                continue
            if need + mem > threshold:
                waiting.append(c)
                continue
            del ready[c]
            left ^= bits[c]
            effect = known[c].get(left & near[c])
            if effect is None:
                pending += effects.take(c, left, ready)
            else:
                pending += effect.falling
                ready.update(effect.costs)
            steps.append(c)
            if delta:
                mem += delta
                pending += waiting
                waiting.clear()
        return left, mem

    def _find_run(self, left: int, mem: int, ready: dict[int, Cost]) -> list[int] | None:
        """Return a run of moves within the threshold that ends no higher than it starts, None without one.

        Each of its moves became ready only by the one before, so there are no states between its ends but
        those on the way.
        """
        room = self.threshold - mem
        gates, bits, followers = self.moves.gates, self.moves.bits, self.moves.followers
        known, near = self._effects.known, self._effects.near
        for c, (need, delta) in ready.items():
            if need > room:
                continue
            bit = bits[c]
            if near[c] and (effect := known[c].get((left ^ bit) & near[c])) and not effect.following:
                continue
            for other in followers[c]:
                if gates[other] & left == bit:
                    run = self._follow(c, left ^ bit, delta, room)
                    if run is not None:
                        return run
                    break
        return None

    def _follow(self, c: int, left: int, delta: int, room: int) -> list[int] | None:
        """Return the run from a move on that takes the lowest move each time, None if it ends too high."""
        gates, cost, followers = self.moves.gates, self.moves.cost, self.moves.followers
        effects = self._effects
        run = [c]
        while True:
            last = run[-1]
            lowest: tuple[int, int, int] | None = None
            if effects.near[last]:
                lowest = effects.lowest(last, left, room - delta)
            else:
                for other in followers[last]:
                    if not gates[other] & left:
                        need, rise = cost(other, left)
                        if delta + need <= room and (lowest is None or rise < lowest[1]):
                            lowest = need, rise, other
            if lowest is None:
                return None
            run.append(lowest[2])
            left ^= self.moves.bits[lowest[2]]
            delta += lowest[1]
            if delta <= 0:
                return run
