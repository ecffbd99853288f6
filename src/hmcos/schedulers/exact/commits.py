"""Moves, and the commits that need no search.

Stable memory is submodular over the states, so that a state may be replaced by a later one that is
lowest among all states in between: the end can then be reached from the one within a threshold if it
can from the other. For a single move, and for a run in which each move became ready only through the
one before, the states in between are known.
"""

from __future__ import annotations

from dataclasses import dataclass

from hmcos.schedulers.exact.moves import Cost, Moves

NEVER = 1 << 80
"""More bytes than any order needs."""


@dataclass(frozen=True, slots=True)
class PruningRules:
    """The pruning rules of the exact search; each may be switched off without changing any result."""

    split: bool = True
    """Cut the problem at states that every order passes through."""
    commit_ends: bool = True
    """Commit from both ends of a stretch and split what remains."""
    join_forward: bool = True
    join_mirror: bool = True
    commit: bool = True
    """Take a move that does not raise stable memory at once, forgetting its alternatives."""
    runs: bool = True
    """The same for runs in which each move became ready only through the one before."""
    valley_cuts: bool = True
    forward: bool = True
    """Search from the start; at least one of the two directions is always searched."""
    backward: bool = True
    stepping: bool = True
    """Try the lower bound as a threshold before bracketing."""
    beams: bool = True
    """Look for low orders by beams before bracketing."""


@dataclass(frozen=True, slots=True)
class Root:
    """A state that some path passes through at every threshold from the one it was found at."""

    left: int
    mem: int
    ready: dict[int, Cost]
    steps: list[int]
    """The moves that lead to it."""


def start(moves: Moves) -> Root:
    """Return the state where a direction starts."""
    ready = {c: moves.cost(c, moves.full) for c, gate in enumerate(moves.gates) if not gate}
    return Root(moves.full, moves.start, ready, [])


class Commits:
    """Takes moves of one direction, and commits to what can be committed to within one threshold."""

    def __init__(self, moves: Moves, threshold: int, rules: PruningRules) -> None:
        self.moves = moves
        self.threshold = threshold
        self.rules = rules

    def move(self, c: int, left: int, mem: int, ready: dict[int, Cost], steps: list[int]) -> tuple[int, int]:
        """Take a move: return what is left and the stable memory after it; bring `ready` up to date."""
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
        """Commit single moves, then runs, until nothing more can be committed."""
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
        """Return a run of moves within the threshold that ends no higher than it starts, if there is one.

        Each move of it became ready only through the one before, so that the states on the way are
        the whole interval.
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
        """Return the run from `c` on, by least stable memory at each step, if it falls low enough."""
        moves = self.moves
        gates, cost = moves.gates, moves.cost
        run = [c]
        while True:
            following, best = -1, (0, NEVER)
            for other in moves.followers[run[-1]]:
                if not gates[other] & left:
                    found = cost(other, left)
                    if delta + found[0] <= room and found[1] < best[1]:
                        following, best = other, found
            if following < 0:
                return None
            run.append(following)
            left ^= moves.bits[following]
            delta += best[1]
            if delta <= 0:
                return run
