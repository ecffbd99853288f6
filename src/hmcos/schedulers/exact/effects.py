"""What a move changes, remembered by the part of the state that it depends on.

A search meets few of these parts, each in many states. Only the effects of moves that are taken often and
depend on few others are remembered: a search that takes each move a few times would only lose time.
"""

from __future__ import annotations

from typing import NamedTuple

from hmcos.schedulers.exact.moves import Cost, Moves, members

FEW = 96
"""Effects are only remembered if they depend on at most so many others."""
MOST_EFFECTS = 8_192
"""Effects that are remembered per move at once."""


class Effect(NamedTuple):
    """What a move changes."""

    costs: dict[int, Cost]
    """The costs of the moves that become ready, and of the ready ones whose cost changes."""
    falling: list[int]
    """Those of them that do not raise stable memory."""
    following: list[tuple[int, int, int]]
    """The moves that become ready, lowest delta first: the two parts of the cost, and the number."""


class Effects:
    """The effects of the moves of one direction; the same at every threshold."""

    def __init__(self, moves: Moves, often: int) -> None:
        n = len(moves.bits)
        self.near = [0] * n
        """Per move: the others that its effect depends on, the empty set as long as none is remembered."""
        self.known: list[dict[int, Effect]] = [{} for _ in range(n)]
        """Per move: its effect by those of them that are left. The search looks here first."""
        self.moves = moves
        self._often = often
        """Effects of a move are remembered from its so many-th time on."""
        self._taken = [0] * n
        """Per move: how often it was taken before its effects were remembered."""

    def take(self, c: int, left: int, ready: dict[int, Cost]) -> list[int]:
        """Update the costs of the ready moves after a move that leaves `left`; return those that now fall.

        A move falls if it does not raise stable memory.
        """
        if self.near[c]:
            effect = self._learn(c, left)
            ready.update(effect.costs)
            return effect.falling
        self._taken[c] += 1
        if self._taken[c] == self._often:
            near = self._near(c)
            self.near[c] = near if near.bit_count() <= FEW else 0
        return self._change(c, left, ready)

    def lowest(self, c: int, left: int, room: int) -> tuple[int, int, int] | None:
        """Return the lowest move that becomes ready by a move that leaves `left` and needs at most `room`."""
        effect = self.known[c].get(left & self.near[c]) or self._learn(c, left)
        for move in effect.following:
            if move[0] <= room:
                return move
        return None

    def _learn(self, c: int, left: int) -> Effect:
        """Return the effect of a move, and remember it."""
        gates, known = self.moves.gates, self.known[c]
        costs: dict[int, Cost] = {}
        falling = self._change(c, left, costs)
        following = [(*costs[other], other) for other in self.moves.followers[c] if not gates[other] & left]
        following.sort(key=_by_delta)
        if len(known) >= MOST_EFFECTS:
            known.clear()
        effect = known[left & self.near[c]] = Effect(costs, falling, following)
        return effect

    def _change(self, c: int, left: int, costs: dict[int, Cost]) -> list[int]:
        """Set the costs that are new after a move; return the ready moves among them that now fall."""
        moves = self.moves
        gates, cost, bits = moves.gates, moves.cost, moves.bits
        falling: list[int] = []
        for rest, _ in moves.watched[c]:
            changed = moves.changed(rest, left) & left
            while changed:
                other = changed.bit_length() - 1
                changed ^= bits[other]
                if not gates[other] & left:
                    rise = costs[other] = cost(other, left)
                    if rise[1] <= 0:
                        falling.append(other)
        for other in moves.followers[c]:
            if not gates[other] & left:
                rise = costs[other] = cost(other, left)
                if rise[1] <= 0:
                    falling.append(other)
        return falling

    def _near(self, c: int) -> int:
        """Return the moves on which the effect of a move may depend, as a bit set."""
        moves = self.moves
        touched = near = 0
        for rest, _ in moves.watched[c]:
            touched |= rest
        for other in moves.followers[c]:
            touched |= moves.bits[other]
        if touched.bit_count() > FEW:
            return touched
        for other in members(touched):
            near |= moves.gates[other]
            for rest, _ in moves.watched[other]:
                near |= rest
        return (near | touched) & ~moves.bits[c]


def _by_delta(move: tuple[int, int, int]) -> int:
    return move[1]
