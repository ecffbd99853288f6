"""An arena: one contiguous block in which every life has a fixed offset."""

from __future__ import annotations

from dataclasses import dataclass

from hmcos.plan.schedule import Status


@dataclass(frozen=True, slots=True)
class Arena:
    """Offsets in bytes, one per life in the order the lives were given."""

    offsets: tuple[int, ...]
    size: int
    """The highest end of any life, in bytes."""
    lower_bound: int
    """Proved: no arena for these lives is smaller."""
    status: Status
    allocator: str
    alignment: int
    seconds: float
