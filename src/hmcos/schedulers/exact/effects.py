"""What follows from a move at once, remembered by the part of the state that it depends on.

A search meets few of these parts, each in many states. Only long searches remember anything: one that enters
few states would only lose time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from hmcos.schedulers.exact.findings import Findings
from hmcos.schedulers.exact.moves import Cost, Moves, members


class Effect(NamedTuple):
    """What a move changes."""

    falling: list[int]
    """The moves with new costs that do not raise stable memory."""
    costs: dict[int, Cost]
    """The costs of the moves that become ready, and of the ready ones whose cost changes."""
    part: int
    """The part of the state on which this depends, as a bit set of moves."""


class Closing(NamedTuple):
    """What follows from a move in a closed state, and from the single moves that are committed after it."""

    taken: int
    """These moves as a bit set."""
    rise: int
    """What they add to stable memory, in bytes."""
    gone: list[int]
    """Those of them that were ready before."""
    costs: dict[int, Cost]
    """The costs of the moves that become ready, and of the ready ones whose cost changes."""
    steps: list[int]
    """The moves in their order."""


class Effects:
    """The effects of the moves of one direction; the same at every threshold."""

    def __init__(self, moves: Moves, often: int) -> None:
        self.moves = moves
        self.remembering = False
        """Whether the search is long enough to remember what it finds."""
        self.closings = Findings[Closing](())
        """What follows from a move in a closed state."""
        self.runs = Findings[list[int]](())
        """The run that begins with a move, empty if none does."""
        self._effects = Findings[Effect](())
        self._often = often
        self._states = 0

    def count_states(self, states: int) -> None:
        """Count states that a search entered; after `often` of them, findings are remembered."""
        self._states += states
        if self._states > self._often and not self.remembering:
            near = [self._near(c) for c in range(len(self.moves.bits))]
            self.closings, self.runs = Findings[Closing](near), Findings[list[int]](near)
            self._effects = Findings[Effect](near)
            self.remembering = True

    def _near(self, c: int) -> int:
        """Return the moves that other moves wait for besides a move, as a bit set."""
        near = 0
        for other in self.moves.followers[c]:
            near |= self.moves.gates[other]
        return near

    @property
    def take(self) -> Callable[[int, int, dict[int, Cost]], list[int]]:
        """Return the function that takes a move, to be called with what `change` is called with."""
        return self._recall if self.remembering else self.change

    def change(self, c: int, left: int, ready: dict[int, Cost]) -> list[int]:
        """Update the costs of the ready moves after a move that leaves `left`; return those that now fall.

        A move falls if its cost is new and it does not raise stable memory.
        """
        moves = self.moves
        gates, cost, fixed, bits = moves.gates, moves.cost, moves.fixed, moves.bits
        backward = moves.backward
        falling: list[int] = []
        for rest, _ in moves.watched[c]:
            # `Moves.changed`, without a call: this loop takes a third of a short search.
            changed = rest & left
            if changed != rest if backward else changed & (changed - 1):
                continue
            while changed:
                other = changed.bit_length() - 1
                changed ^= bits[other]
                if not gates[other] & left:
                    rise = ready[other] = cost(other, left)
                    if rise[1] <= 0:
                        falling.append(other)
        for other in moves.followers[c]:
            if not gates[other] & left:
                rise = ready[other] = fixed[other] or cost(other, left)
                if rise[1] <= 0:
                    falling.append(other)
        return falling

    def keep_closing(self, left: int, steps: Sequence[int], rooms: tuple[int, int], rise: int) -> None:
        """Remember the steps from a closed state, which add a rise in bytes to stable memory."""
        gates, bits = self.moves.gates, self.moves.bits
        after, part = left, 0
        costs: dict[int, Cost] = {}
        for c in steps:
            after ^= bits[c]
            effect = self._effect(c, after)
            part |= effect.part
            costs.update(effect.costs)
        for c in steps:
            costs.pop(c, None)
        gone = [c for c in steps if not gates[c] & left]
        self.closings.keep(steps[0], left, part, rooms, Closing(left ^ after, rise, gone, costs, list(steps)))

    def keep_run(self, left: int, steps: Sequence[int], rooms: tuple[int, int], run: list[int]) -> None:
        """Remember the run that begins with the first of these steps, or none if no move can follow them."""
        moves = self.moves
        reasons: list[int] = []
        part, after = self._deciding(steps[0], left, reasons), left
        for c in steps:
            after ^= moves.bits[c]
            for other in moves.followers[c]:
                part |= self._deciding(other, after, reasons)
        self.runs.keep(steps[0], left, _with_one_of_each(part, reasons), rooms, run)

    def _recall(self, c: int, left: int, ready: dict[int, Cost]) -> list[int]:
        effect = self._effect(c, left)
        ready.update(effect.costs)
        return effect.falling

    def _effect(self, c: int, left: int) -> Effect:
        """Return the effect of a move that leaves `left`, and remember it."""
        effect = self._effects.find(c, left, 0)
        if effect is None:
            costs: dict[int, Cost] = {}
            falling = self.change(c, left, costs)
            effect = Effect(falling, costs, self._part(c, left))
            self._effects.keep(c, left, effect.part, (0, 1), effect)
        return effect

    def _part(self, c: int, left: int) -> int:
        """Return the part of a state on which the effect of a move that leads to it depends."""
        moves = self.moves
        reasons: list[int] = []
        part = touched = 0
        for rest, _ in moves.watched[c]:
            touched |= moves.changed(rest, left) & left
            part |= self._deciding_change(rest, left, reasons)
        for other in moves.followers[c]:
            touched |= moves.bits[other]
        for other in members(touched):
            part |= self._deciding(other, left, reasons)
        return _with_one_of_each(part, reasons)

    def _deciding_change(self, rest: int, left: int, reasons: list[int]) -> int:
        """Return moves that decide, with one of each set added to `reasons`, what `Moves.changed` returns."""
        if self.moves.backward:
            return _all_or_one(rest, rest & ~left, reasons)
        still = rest & left
        first = still & -still
        return first | _all_or_one(rest ^ first, still ^ first, reasons)

    def _deciding(self, c: int, left: int, reasons: list[int]) -> int:
        """Return moves that decide, together with one of each set added to `reasons`, on a move.

        They decide, by being left or not, whether the move is ready, and what it costs if it is.
        """
        moves = self.moves
        part, blocking = moves.gates[c], moves.gates[c] & left
        if blocking:
            return _all_or_one(part, blocking, reasons)
        for rest, _ in moves.watched[c]:
            part |= _all_or_one(rest, rest & ~left if moves.backward else rest & left, reasons)
        return part


def _all_or_one(moves: int, preventing: int, reasons: list[int]) -> int:
    """Return all moves if none of them prevents something; else none, and add those that do to `reasons`."""
    if not preventing:
        return moves
    reasons.append(preventing)
    return 0


def _with_one_of_each(part: int, reasons: list[int]) -> int:
    """Return a bit set, with a member added of each other set that has none in it."""
    for reason in reasons:
        if not reason & part:
            part |= reason & -reason
    return part
