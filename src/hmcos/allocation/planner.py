"""The signature of every planner."""

from __future__ import annotations

from typing import Protocol

from hmcos.allocation.lives import Lives
from hmcos.limits import Limits, Watch
from hmcos.plan.arena import Arena


class Allocator(Protocol):
    """Finds an offset for every life."""

    def __call__(self, lives: Lives, limits: Limits, watch: Watch) -> Arena:
        """Return an arena in every case; its status says what was proved."""
        ...
