"""Lives cut out of a full block of memory, so that it is known that they fit into it: dozens, not seven.

A block of steps x bytes falls apart into random rectangles, and some are taken away, which leaves holes.
Beside them lies a life on top of everything for some steps, held there by another one as large as all below
it: a search that has placed that one knows the start of the first, and the stacks of its steps jump. Turned
upside down an arena of plain lives is one again, with that life at the bottom, and then nothing jumps. A tail
that must be at the bottom forbids it, or the same once more in reverse order of time, held at the other end.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from hmcos.allocation.lives import Demand, Lives
from hmcos.memory.lifetimes import Life

Cell = tuple[int, int]
"""A step and a byte."""


@dataclass(frozen=True)
class Cut:
    """Lives, where they were, and the bytes of the block that they were cut out of."""

    lives: Lives
    offsets: tuple[int, ...]
    capacity: int

    def asking(self, rng: Random) -> Cut:
        """The same, but some lives ask for what their places have: they are pinned or aligned there."""
        pins, steps = rng.choice((0.0, 0.1, 0.3, 0.6)), rng.choice(((1,), (1, 2), (1, 2, 3, 4)))
        demands = tuple(
            Demand(
                alignment=rng.choice([step for step in steps if at % step == 0]),
                offset=at if rng.random() < pins else None,
            )
            for at in self.offsets
        )
        return Cut(Lives(self.lives.lives, 1, demands), self.offsets, self.capacity)


Placed = tuple[Life, int]
"""A life and its offset."""


def cut_lives(rng: Random, mirrored: bool) -> Cut:
    """Lives with one tail, or plain and `mirrored` in time; equal for equal states of the generator."""
    low = rng.randint(1, 3)
    high = low + rng.randint(2, 5)
    below, on_top = rng.randint(3, 8), rng.randint(1, 3)
    capacity = below + on_top
    room = {(step, byte) for step in range(high) for byte in range(capacity if step < low else below)}
    pieces = [piece for piece in _pieces(rng, room) if rng.random() > 0.15]
    under = (Life(high, high + 1, below, None), 0)
    if not mirrored:
        tail = Life(high + 1, high + 2, 1, None, takes_over=0)
        beside = Life(high + 1, high + 2, capacity - 1, None)
        top = Life(low, high + 1, on_top, None)
        return _cut([under, (tail, 0), (beside, 1), (top, below), *pieces], capacity)
    half = [*pieces, (Life(low, high + 2, on_top, None), below), under]
    between = Life(high + 1, high + 2, below - on_top, None)
    return _cut([*half, (between, on_top), *_turned(half, 2 * high + 3, capacity)], capacity)


def _cut(placed: list[Placed], capacity: int) -> Cut:
    lives, offsets = zip(*placed, strict=True)
    return Cut(Lives(lives), offsets, capacity)


def _turned(placed: list[Placed], end: int, capacity: int) -> list[Placed]:
    """Return the lives in reverse order of time and upside down."""
    return [
        (Life(end - life.death, end - life.birth, life.size, None), capacity - at - life.size)
        for life, at in placed
    ]


def _pieces(rng: Random, room: set[Cell]) -> list[Placed]:
    """Cut all of the room into rectangles."""
    longest, highest = rng.choice((2, 3, 4)), rng.choice((2, 3, 4))
    found: list[Placed] = []
    for cell in rng.sample(sorted(room), len(room)):
        if cell in room:
            steps, bytes_ = _grown(rng, room, cell, (rng.randint(1, longest), rng.randint(1, highest)))
            room -= {(step, byte) for step in steps for byte in bytes_}
            found.append((Life(steps[0], steps[-1] + 1, len(bytes_), None), bytes_[0]))
    return found


def _grown(rng: Random, room: set[Cell], cell: Cell, most: tuple[int, int]) -> tuple[range, range]:
    """Return a rectangle around a cell, at most so long and so high, grown as far as there is room."""
    steps, bytes_ = range(cell[0], cell[0] + 1), range(cell[1], cell[1] + 1)
    for _ in range(sum(most)):
        longer = [range(steps.start - 1, steps.stop), range(steps.start, steps.stop + 1)]
        higher = [range(bytes_.start - 1, bytes_.stop), range(bytes_.start, bytes_.stop + 1)]
        grown = [(s, bytes_) for s in longer if len(s) <= most[0]]
        grown += [(steps, b) for b in higher if len(b) <= most[1]]
        free = [(s, b) for s, b in grown if all((step, byte) in room for step in s for byte in b)]
        if free:
            steps, bytes_ = rng.choice(free)
    return steps, bytes_
