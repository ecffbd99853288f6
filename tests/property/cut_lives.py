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

from hmcos.allocation.problem import Lives
from hmcos.memory.lifetimes import Life

Cell = tuple[int, int]
"""A step and a byte."""


@dataclass(frozen=True)
class Cut:
    """Lives and the bytes of the block that they were cut out of."""

    lives: Lives
    capacity: int


def cut_lives(rng: Random, mirrored: bool) -> Cut:
    """Lives with one tail, or plain and `mirrored` in time; equal for equal states of the generator."""
    low = rng.randint(1, 3)
    high = low + rng.randint(2, 5)
    below, on_top = rng.randint(3, 8), rng.randint(1, 3)
    capacity = below + on_top
    room = {(step, byte) for step in range(high) for byte in range(capacity if step < low else below)}
    pieces = [piece for piece in _pieces(rng, room) if rng.random() > 0.15]
    if not mirrored:
        tail = Life(high + 1, high + 2, 1, None, takes_over=0)
        held = [Life(high, high + 1, below, None), tail, Life(high + 1, high + 2, capacity - 1, None)]
        return Cut(Lives((*held, Life(low, high + 1, on_top, None), *pieces)), capacity)
    half = [*pieces, Life(low, high + 2, on_top, None), Life(high, high + 1, below, None)]
    end = 2 * high + 3
    other = [Life(end - life.death, end - life.birth, life.size, None) for life in half]
    between = max(0, capacity - 2 * on_top)  # 0 bytes where both do not fit at once: then it is no block
    lives = (*half, Life(high + 1, high + 2, between, None), *other)
    return Cut(Lives(lives), max(capacity, 2 * on_top))


def _pieces(rng: Random, room: set[Cell]) -> list[Life]:
    """Cut all of the room into rectangles."""
    longest, highest = rng.choice((2, 3, 4)), rng.choice((2, 3, 4))
    found: list[Life] = []
    for cell in rng.sample(sorted(room), len(room)):
        if cell in room:
            steps, bytes_ = _grown(rng, room, cell, (rng.randint(1, longest), rng.randint(1, highest)))
            room -= {(step, byte) for step in steps for byte in bytes_}
            found.append(Life(steps[0], steps[-1] + 1, len(bytes_), None))
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
