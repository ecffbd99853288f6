"""Lives of buffers along an order, as the arena needs them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Life:
    """One rectangle of the arena: a size in bytes over the half-open interval of steps [birth, death)."""

    birth: int
    death: int
    size: int
    buffer: int | None
    """The buffer of the problem; None for the scratch of an operator."""
    operator: int | None = None
    """The operator whose scratch this is; None for a buffer."""
    takes_over: int | None = None
    """Index, in the same sequence of lives, of the life whose offset this one continues in place."""
