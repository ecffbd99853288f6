"""The smallest arena by trying every offset, without a word of the planners' own arithmetic.

A set of (step, byte) cells is one Python integer, so that trying an offset is a shift and an `and`. That is
what lets hundreds of thousands of cases be tried; nothing else is clever here. Only the fields of `Lives` are
read, none of its methods.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from hmcos.allocation.lives import Demand, Lives


@dataclass(frozen=True)
class Chain:
    """Lives that share one offset."""

    lives: tuple[int, ...]
    rows: tuple[tuple[int, int], ...]
    """Each step at which one of them needs its bytes, and how many."""
    size: int
    """Bytes of the largest of them, whether it needs them at any step or not."""
    pin: int | None


def smallest(lives: Lives) -> int:
    """Return the bytes of the smallest arena: the first size, from the bytes alive at once up, that fits."""
    size = alive_at_once(lives)
    while not fits(lives, size):
        size += 1
    return size


def alive_at_once(lives: Lives) -> int:
    """Return the most bytes that are needed at one step."""
    needed: dict[int, int] = {}
    for chain in chains(lives):
        for step, size in chain.rows:
            needed[step] = needed.get(step, 0) + size
    return max(needed.values(), default=0)


def fits(lives: Lives, size: int) -> bool:
    """Return whether there is an arena of at most that many bytes."""
    wanted = [chain for chain in chains(lives) if chain.rows]
    # Those with few places first, then the large ones: only the order of the tree, not what is in it.
    tried = sorted(((places(lives, c, size), shape(c, size)) for c in wanted), key=lambda row: len(row[0]))
    later = [0] * (len(tried) + 1)
    for i in reversed(range(len(tried))):
        later[i] = later[i + 1] | whole_steps(tried[i][1], size)
    known: set[tuple[int, int]] = set()
    stack = [(0, 0)]
    while stack:
        i, taken = stack.pop()
        if i == len(tried):
            return True
        offsets, cells = tried[i]
        for at in reversed(offsets):
            if not taken & cells << at:
                # Cells at steps at which nothing is placed any more make no difference: forget them.
                following = i + 1, (taken | cells << at) & later[i + 1]
                if following not in known:
                    known.add(following)
                    stack.append(following)
    return False


def chains(lives: Lives) -> list[Chain]:
    """Return the lives inside the arena, those that take over each other together."""
    leader = list(range(len(lives.lives)))
    for _ in leader:
        for i, life in enumerate(lives.lives):
            if life.takes_over is not None:
                leader[i] = leader[life.takes_over] = min(leader[i], leader[life.takes_over])
    found: list[Chain] = []
    for first in sorted(set(leader)):
        members = tuple(i for i, one in enumerate(leader) if one == first)
        wishes = [wish(lives, i) for i in members]
        if any(asked.external for asked in wishes):
            continue
        rows = [(step, room(lives, i)) for i in members for step in steps(lives, i)]
        pins = [asked.offset for asked in wishes if asked.offset is not None]
        size = max(room(lives, i) for i in members)
        found.append(Chain(members, tuple(row for row in rows if row[1]), size, pins[0] if pins else None))
    return found


def wish(lives: Lives, i: int) -> Demand:
    return lives.demands[i] if lives.demands else Demand()


def room(lives: Lives, i: int) -> int:
    """Return the bytes of a life, rounded up to the common alignment."""
    return (lives.lives[i].size + lives.alignment - 1) // lives.alignment * lives.alignment


def steps(lives: Lives, i: int) -> list[int]:
    """Return the steps at which a life needs its bytes."""
    life, gaps = lives.lives[i], wish(lives, i).gaps
    return [s for s in range(life.birth, life.death) if not any(a <= s < b for a, b in gaps)]


def shape(chain: Chain, size: int) -> int:
    """Return the cells of a chain at offset 0: byte b of step s is bit s * size + b."""
    return sum(((1 << height) - 1) << step * size for step, height in chain.rows)


def whole_steps(cells: int, size: int) -> int:
    """Return all cells of every step that has one of these."""
    row, found = (1 << size) - 1, 0
    for step in range(cells.bit_length() // max(size, 1) + 1):
        if cells >> step * size & row:
            found |= row << step * size
    return found


def places(lives: Lives, chain: Chain, size: int) -> list[int]:
    """Return every offset at which a chain breaks no wish and ends within the size, ascending."""
    return [at for at in range(size - chain.size + 1) if may_start(lives, chain, at)]


def may_start(lives: Lives, chain: Chain, at: int) -> bool:
    """Return whether an offset is right for all lives of a chain, the others aside."""
    usable = (pool.capacity // lives.alignment * lives.alignment for pool in lives.pools)
    walls = list(accumulate(usable, initial=0))
    pool = sum(at >= wall for wall in walls[1:])
    inside = pool < len(lives.pools)
    if chain.pin not in (None, at) or (inside and at + chain.size > walls[pool + 1]):
        return False
    for i in chain.lives:
        asked, within = wish(lives, i), at - walls[pool]
        if within % lives.alignment or within % asked.alignment:
            return False
        if inside and asked.pools and pool not in asked.pools:
            return False
    return True
