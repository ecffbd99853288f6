"""What every scheduler takes and gives."""

from __future__ import annotations

from typing import Protocol

from hmcos.memory.problem import Problem
from hmcos.plan.limits import Limits, Observer
from hmcos.plan.schedule import Schedule


class Scheduler(Protocol):
    """Finds an order for a problem."""

    def __call__(self, problem: Problem, limits: Limits, observer: Observer) -> Schedule:
        """Return an order, always; its status says what was proved."""
        ...
