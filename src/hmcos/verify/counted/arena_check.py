"""Check that an arena is valid: lives that overlap in time are apart in memory, and all wishes are met."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol

from hmcos.errors import VerifyError
from hmcos.plan.arena import Arena
from hmcos.verify.counted.overlap import Row, first_overlap

OUTSIDE = -1
"""The offset of a life that the caller supplies."""


class Rectangle(Protocol):
    """A size in bytes over the half-open interval of steps [birth, death)."""

    @property
    def birth(self) -> int:
        """The first step."""
        ...

    @property
    def death(self) -> int:
        """The step after the last."""
        ...

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    @property
    def takes_over(self) -> int | None:
        """Index of the rectangle that this one overwrites in place, at the same offset; None for none."""
        ...


class Wish(Protocol):
    """What one life demands of its place."""

    @property
    def alignment(self) -> int:
        """The offset within the pool must be a multiple of this."""
        ...

    @property
    def offset(self) -> int | None:
        """The offset that it must have; None for any."""
        ...

    @property
    def external(self) -> bool:
        """Whether the caller supplies its memory, outside the arena."""
        ...

    @property
    def gaps(self) -> Sequence[tuple[int, int]]:
        """Intervals of steps [begin, end) in which others may use its bytes."""
        ...

    @property
    def pools(self) -> Sequence[int]:
        """The pools that it may be in; empty for any."""
        ...


class MemoryPool(Protocol):
    """A pool of memory."""

    @property
    def capacity(self) -> int:
        """Bytes."""
        ...


def check_arena(
    lives: Sequence[Rectangle], arena: Arena, wishes: Sequence[Wish] = (), pools: Sequence[MemoryPool] = ()
) -> None:
    """Check that the offsets are valid and that the size of the arena is right.

    Args:
        lives: what needs a place in the arena.
        arena: the offsets; its alignment applies to every life.
        wishes: one per life, or none at all.
        pools: consecutive blocks whose ends no life may cross; a life in none of them lies after the last.

    Raises:
        VerifyError: two lives overlap, an offset is negative, misaligned, or not that of the life it
            continues, a wish is not met, or the size or bound is wrong; names the lives by their index.
    """
    if len(lives) != len(arena.offsets):
        raise VerifyError(f"the arena has {len(arena.offsets)} offsets for {len(lives)} lives")
    walls = _walls(arena.alignment, pools)
    for index, (life, offset) in enumerate(zip(lives, arena.offsets, strict=True)):
        wish = wishes[index] if wishes else None
        if wish is not None and wish.external:
            _check_outside(index, offset)
        else:
            _check_place(index, arena, life, wish, walls)
        if life.takes_over is not None and offset != arena.offsets[life.takes_over]:
            raise VerifyError(
                f"life {index}: offset {offset} is not that of life {life.takes_over}, which it overwrites"
            )
    inside = [i for i, offset in enumerate(arena.offsets) if offset != OUTSIDE]
    rows = [row for i in inside for row in _rows(i, lives[i], arena, wishes)]
    if (shared := first_overlap(rows)) is not None:
        lives_named = f"lives {min(shared.earlier, shared.later)} and {max(shared.earlier, shared.later)}"
        raise VerifyError(f"{lives_named} overlap at step {shared.step} from byte {shared.low}")
    top = max((row[3] for row in rows), default=0)
    ends = (arena.offsets[i] + _footprint(lives[i], arena) for i in inside)
    # A life that needs its bytes at no step may count towards the size or not; both are right.
    if not max(top, arena.reserved) <= arena.size <= max(arena.reserved, max(ends, default=0)):
        raise VerifyError(f"the arena claims {arena.size} bytes, but its lives end at {top}")
    if arena.lower_bound > arena.size:
        raise VerifyError(f"the arena has {arena.size} bytes, below its own lower bound {arena.lower_bound}")


def _walls(alignment: int, pools: Sequence[MemoryPool]) -> list[int]:
    """Return the first byte of each pool, numbered through all pools, and the end of the last one."""
    walls = [0]
    for pool in pools:
        walls.append(walls[-1] + pool.capacity - pool.capacity % alignment)
    return walls


def _footprint(life: Rectangle, arena: Arena) -> int:
    return (life.size + arena.alignment - 1) // arena.alignment * arena.alignment


def _check_outside(index: int, offset: int) -> None:
    if offset != OUTSIDE:
        raise VerifyError(f"life {index}: is supplied by the caller, but has offset {offset}")


def _check_place(index: int, arena: Arena, life: Rectangle, wish: Wish | None, walls: Sequence[int]) -> None:
    """Check alignment, pin and pool of one life."""
    offset = arena.offsets[index]
    pool = sum(offset >= wall for wall in walls[1:])
    within = offset - walls[pool]
    steps = (arena.alignment,) if wish is None else (arena.alignment, wish.alignment)
    for step in steps:
        if offset < 0 or within % step:
            raise VerifyError(f"life {index}: offset {offset} is no multiple of {step} bytes in its pool")
    if pool + 1 < len(walls) and offset + _footprint(life, arena) > walls[pool + 1]:
        raise VerifyError(f"life {index}: crosses the end of pool {pool} at byte {walls[pool + 1]}")
    if wish is None:
        return
    if wish.offset is not None and offset != wish.offset:
        raise VerifyError(f"life {index}: offset {offset} is not {wish.offset}, where it is pinned")
    if wish.pools and pool + 1 < len(walls) and pool not in wish.pools:
        raise VerifyError(f"life {index}: is in pool {pool}, where it may not be")


def _rows(index: int, life: Rectangle, arena: Arena, wishes: Sequence[Wish]) -> list[Row]:
    """Return the rectangles of one life: several if it has gaps, none if it never needs its bytes."""
    gaps = wishes[index].gaps if wishes else ()
    steps = [life.birth, *(step for gap in gaps for step in gap), life.death]
    bottom = arena.offsets[index]
    top = bottom + _footprint(life, arena)
    parts = list(pairwise(steps))[::2]
    return [(birth, death, bottom, top, index) for birth, death in parts if birth < death and bottom < top]
