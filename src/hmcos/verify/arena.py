"""Validity of an arena: no two lives meet in time and in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hmcos.errors import VerifyError
from hmcos.plan.arena import Arena


class Rectangle(Protocol):
    """A size in bytes over the half-open interval of steps [birth, death)."""

    @property
    def birth(self) -> int:
        """The first step."""
        ...

    @property
    def death(self) -> int:
        """The first step after the last."""
        ...

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    @property
    def takes_over(self) -> int | None:
        """Index of the rectangle whose offset this one continues in place, None for none."""
        ...


def check_arena(lives: Sequence[Rectangle], arena: Arena) -> None:
    """Do nothing if the offsets are valid and the arena is as large as they say.

    Raises:
        VerifyError: two lives overlap, an offset is negative, misaligned, or not that of the life it
            continues, or the size or bound is wrong; names the lives by their index.
    """
    if len(lives) != len(arena.offsets):
        raise VerifyError(f"the arena has {len(arena.offsets)} offsets for {len(lives)} lives")
    for index, (life, offset) in enumerate(zip(lives, arena.offsets, strict=True)):
        if offset < 0 or offset % arena.alignment:
            raise VerifyError(f"life {index}: offset {offset} is no multiple of {arena.alignment} bytes")
        if life.takes_over is not None and offset != arena.offsets[life.takes_over]:
            raise VerifyError(
                f"life {index}: offset {offset} is not that of life {life.takes_over}, which it overwrites"
            )
    _check_apart(lives, arena.offsets)
    top = max((offset + life.size for life, offset in zip(lives, arena.offsets, strict=True)), default=0)
    if top != arena.size:
        raise VerifyError(f"the arena claims {arena.size} bytes, but its lives end at {top}")
    if arena.lower_bound > arena.size:
        raise VerifyError(f"the arena has {arena.size} bytes, below its own lower bound {arena.lower_bound}")


def _check_apart(lives: Sequence[Rectangle], offsets: Sequence[int]) -> None:
    """Compare every life with all that are born while it lasts: pairs that meet, not all pairs."""
    by_birth = sorted(
        (i for i in range(len(lives)) if lives[i].birth < lives[i].death), key=lambda i: lives[i].birth
    )
    for position, i in enumerate(by_birth):
        bottom, top, death = offsets[i], offsets[i] + lives[i].size, lives[i].death
        for later in range(position + 1, len(by_birth)):
            j = by_birth[later]
            if lives[j].birth >= death:
                break
            if bottom < offsets[j] + lives[j].size and offsets[j] < top:
                step, at = lives[j].birth, max(bottom, offsets[j])
                raise VerifyError(f"lives {i} and {j} overlap at step {step} from byte {at}")
