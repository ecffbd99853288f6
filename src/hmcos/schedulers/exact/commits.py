"""Moves, and commits: moves that some optimal order takes at once, so that no alternative is searched.

Stable memory is submodular over the states. Therefore a state may be replaced by a later state that is lowest
among all states in between: the end can be reached within the threshold from both or from neither. All states
in between are known in two cases: a single move, and a run in which each move became ready only by the one
before.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field

from hmcos.schedulers.exact.effects import Closing, Effects
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
        self.closed: Container[int] = ()
        """States that are known to be closed."""
        self._effects = effects
        self._singly = rules.commit
        self._by_runs = rules.commit and rules.runs
        self._long_run = rules.pace.long_run
        self._too_high: dict[int, int] = {}
        """From a state to a move with which no run begins there: it ends too high."""

    def move(self, c: int, left: int, mem: int, ready: dict[int, Cost], steps: list[int]) -> tuple[int, int]:
        """Take a move; return the moves left and the stable memory after it. Updates `ready` and `steps`."""
        left ^= self.moves.bits[c]
        mem += ready.pop(c)[1]
        self._effects.take(c, left, ready)
        steps.append(c)
        return left, mem

    def close(self, left: int, mem: int, ready: dict[int, Cost], steps: list[int]) -> tuple[int, int]:
        """Commit single moves, then runs, until none is left; return the moves left and the stable memory."""
        if self._singly:
            left, mem = self._close_all_singly(left, mem, ready, steps)
        return self._close_by_runs(left, mem, ready, steps)

    def known(self, c: int, left: int, mem: int) -> Closing | None:
        """Return what follows from a move in a closed state, None if that is not remembered."""
        effects = self._effects
        return effects.closings.find(c, left, self.threshold - mem) if effects.remembering else None

    def advance(
        self, c: int, left: int, mem: int, ready: dict[int, Cost], steps: list[int]
    ) -> tuple[int, int]:
        """Take a move from a closed state, close the next one, and return what `close` returns."""
        effects = self._effects
        before, base = left, mem
        left ^= self.moves.bits[c]
        mem += ready.pop(c)[1]
        falling = effects.take(c, left, ready)
        steps.append(c)
        least, most = base, NEVER
        if falling and self._singly:
            left, mem, least, most = self._close_singly(left, mem, ready, steps, falling)
        if effects.remembering:
            effects.keep_closing(before, steps, (least - base, most - base), mem - base)
        return self._close_by_runs(left, mem, ready, steps)

    def follow(
        self, closing: Closing, left: int, mem: int, ready: dict[int, Cost], steps: list[int]
    ) -> tuple[int, int]:
        """Do what `advance` does with a move of which it is known what follows."""
        taken, rise, gone, costs, known_steps = closing
        for c in gone:
            del ready[c]
        ready.update(costs)
        steps += known_steps
        return self._close_by_runs(left ^ taken, mem + rise, ready, steps)

    def _close_all_singly(
        self, left: int, mem: int, ready: dict[int, Cost], steps: list[int]
    ) -> tuple[int, int]:
        """Commit single moves, whichever are ready; return the moves left and the stable memory."""
        falling = [c for c, (_, delta) in ready.items() if delta <= 0]
        if falling:
            left, mem, _, _ = self._close_singly(left, mem, ready, steps, falling)
        return left, mem

    def _close_singly(
        self, left: int, mem: int, ready: dict[int, Cost], steps: list[int], falling: list[int]
    ) -> tuple[int, int, int, int]:
        """Commit single moves; return the moves left, the stable memory, and two thresholds in bytes.

        `falling` are the ready moves that may have become commits: after a move from a closed state those
        whose costs are new. The same moves are committed at every threshold from the first one on that is
        below the second one.
        """
        threshold, bits, take = self.threshold, self.moves.bits, self._effects.take
        pending = falling.copy()
        waiting: list[int] = []
        """Moves that do not raise stable memory, but do not fit."""
        least, most = mem, NEVER
        while pending:
            c = pending.pop()
            need, delta = ready.get(c, RISING)
            if delta > 0:
                continue
            need += mem
            if need > threshold:
                waiting.append(c)
                most = min(most, need)
                continue
            if need > least:  # noqa: PLR1730 (a call takes longer)
                least = need
            del ready[c]
            left ^= bits[c]
            pending += take(c, left, ready)
            steps.append(c)
            if delta:
                mem += delta
                if waiting:
                    pending += waiting
                    waiting.clear()
        return left, mem, least, most

    def _close_by_runs(
        self, left: int, mem: int, ready: dict[int, Cost], steps: list[int]
    ) -> tuple[int, int]:
        """Commit runs, and single moves after each, until no run is left; return what `close` returns."""
        while self._by_runs and left not in self.closed:
            run = self._find_run(left, mem, ready)
            if not run:
                break
            for c in run:
                left, mem = self.move(c, left, mem, ready, steps)
            left, mem = self._close_all_singly(left, mem, ready, steps)
        return left, mem

    def _find_run(self, left: int, mem: int, ready: dict[int, Cost]) -> list[int]:
        """Return a run of moves within the threshold that ends no higher than it starts, empty without one.

        Each of its moves became ready only by the one before, so there are no states between its ends but
        those on the way.
        """
        room = self.threshold - mem
        gates, bits, followers = self.moves.gates, self.moves.bits, self.moves.followers
        find = self._effects.runs.find if self._effects.remembering else None
        hopeless = self._too_high.get(left)
        for c, (need, delta) in ready.items():
            if need > room or c == hopeless:
                continue
            bit = bits[c]
            for other in followers[c]:
                if gates[other] & left == bit:
                    run = find(c, left, room) if find else None
                    if run is None:
                        run = self._follow(c, left, delta, room)
                    if run:
                        return run
                    break
        return []

    def _follow(self, c: int, left: int, delta: int, room: int) -> list[int]:
        """Return the run from a move on that takes the lowest move each time, empty if it ends too high."""
        moves = self.moves
        gates, cost, fixed = moves.gates, moves.cost, moves.fixed
        bits, followers = moves.bits, moves.followers
        steps, after = [c], left ^ bits[c]
        least, most = 0, NEVER
        """The same run is found with every room from the first one on that is below the second one."""
        while True:
            following, lowest, needed = -1, NEVER, 0
            for other in followers[steps[-1]]:
                if not gates[other] & after:
                    need, rise = fixed[other] or cost(other, after)
                    if rise < lowest:
                        need += delta
                        if need <= room:
                            following, lowest, needed = other, rise, need
                        elif need < most:
                            most = need
            if following < 0:
                run: list[int] = []
                break
            if needed > least:  # noqa: PLR1730 (a call takes longer)
                least = needed
            after ^= bits[following]
            delta += lowest
            steps.append(following)
            if delta <= 0:
                run = steps
                break
        if self._effects.remembering:
            self._effects.keep_run(left, steps, (least, most), run)
        elif not run and len(steps) >= self._long_run:
            self._keep_rests(left, steps)
        return run

    def _keep_rests(self, left: int, steps: list[int]) -> None:
        """Remember at which steps a run that ends too high could begin and would still end too high.

        A rest of it meets the same states, so it takes the same moves.
        """
        bits, cost = self.moves.bits, self.moves.cost
        before: list[tuple[int, int]] = []
        """Per step: the state before it, and what the steps up to there add to stable memory, in bytes."""
        rise = 0
        for c in steps:
            before.append((left, rise))
            rise += cost(c, left)[1]
            left ^= bits[c]
        lowest = rise
        for c, (state, added) in zip(reversed(steps), reversed(before), strict=True):
            if lowest > added:
                self._too_high[state] = c
                lowest = added
