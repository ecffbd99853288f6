"""When a search has to stop, and who is told how it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from hmcos.plan.schedule import Status


class Observer(Protocol):
    """Is told how a search goes on; must be quick."""

    def progress(self, phase: str, peak: int, lower_bound: int, states: int) -> None:
        """Take note of the best peak so far and the bound, in bytes, and the states entered."""


class Silence:
    """The observer that does nothing."""

    def progress(self, phase: str, peak: int, lower_bound: int, states: int) -> None:
        """Do nothing."""


SILENCE = Silence()


def never() -> bool:
    """Return False: nobody asks the search to stop."""
    return False


@dataclass(frozen=True, slots=True)
class Limits:
    """When a search has to stop, whether or not it is done."""

    seconds: float | None = None
    """Wall time from the creation of this value; None for as long as it takes."""
    states: int = 3_000_000
    """Search states in all; bounds the memory of the search to about 2 GB."""
    budget: int | None = None
    """Bytes: stop at the first order within it, or at the first proof that there is none."""
    seed: int = 0
    """For the schedulers and planners that draw at random."""
    interrupted: Callable[[], bool] = never
    """Asked often; True ends the search with the best result so far."""
    started: float = field(default_factory=time.perf_counter)

    def reached(self, states: int) -> Status | None:
        """Return the limit that is reached after so many states, None when the search may go on."""
        if self.interrupted():
            return Status.INTERRUPTED
        if self.seconds is not None and time.perf_counter() - self.started >= self.seconds:
            return Status.TIME_LIMIT
        return Status.STATE_LIMIT if states >= self.states else None

    def stop(self) -> bool:
        """Return whether the time is over or somebody asked to stop; states do not matter."""
        return self.reached(-1) is not None
