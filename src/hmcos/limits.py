"""When a search has to stop, how it ended, and who is told how it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

from hmcos.log import Log

_LOG = Log("hmcos.search")


class Status(StrEnum):
    """How a search ended."""

    OPTIMAL = "optimal"
    """The peak equals a proved lower bound."""
    FEASIBLE = "feasible"
    """A valid order; nothing was proved beyond the lower bound."""
    TIME_LIMIT = "time limit"
    STATE_LIMIT = "state limit"
    INTERRUPTED = "interrupted"
    FITS = "fits"
    """An order within the budget was found."""
    DOES_NOT_FIT = "does not fit"
    """It was proved that no order is within the budget."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a search may take and what it has to reach: a value, the same in every process."""

    seconds: float | None = None
    """Wall time; None for as long as it takes. A `Watch` says when it began."""
    states: int = 3_000_000
    """Search states in all; bounds the memory of the search to about 2 GB."""
    budget: int | None = None
    """Bytes: stop at the first order within it, or at the first proof that there is none."""
    seed: int = 0
    """For the schedulers and planners that draw at random."""


class Observer(Protocol):
    """Is told how a search goes on; must be quick."""

    def progress(self, phase: str, peak: int, lower_bound: int, states: int) -> None:
        """Receive the best peak so far and the bound, in bytes, and the states entered."""


class Silence:
    """The observer that does nothing."""

    def progress(self, phase: str, peak: int, lower_bound: int, states: int) -> None:
        """Do nothing."""


SILENCE = Silence()


def never() -> bool:
    """Return False: nobody asks the search to stop."""
    return False


def _now() -> float:
    return time.perf_counter()


@dataclass(frozen=True, slots=True)
class Watch:
    """A search that is running: when it began, who may stop it, and who is told how it goes on."""

    observer: Observer = SILENCE
    interrupted: Callable[[], bool] = never
    """Asked often; True ends the search with the best result so far."""
    started: float = field(default_factory=_now)
    """By `time.perf_counter`; the seconds of limits count from here."""

    @property
    def seconds(self) -> float:
        """The seconds since it started."""
        return time.perf_counter() - self.started

    def reached(self, limits: Limits, states: int) -> Status | None:
        """Return the limit that is reached after so many states, None when the search may go on."""
        if self.interrupted():
            return Status.INTERRUPTED
        if limits.seconds is not None and time.perf_counter() - self.started >= limits.seconds:
            return Status.TIME_LIMIT
        return Status.STATE_LIMIT if states >= limits.states else None

    def is_over(self, limits: Limits) -> bool:
        """Return whether the time is over or somebody asked to stop; states do not matter."""
        return self.reached(limits, -1) is not None

    def left(self, limits: Limits) -> Limits:
        """Return the limits with the seconds that are left of them, for a watch that starts now."""
        if limits.seconds is None:
            return limits
        return replace(limits, seconds=max(0.0, limits.seconds - self.seconds))

    def restarted(self) -> Watch:
        """Return the watch of a search that starts now, with the same observer and the same way to stop."""
        return replace(self, started=time.perf_counter())

    def silenced(self) -> Watch:
        """Return the watch of the same search, whose progress nobody is told."""
        return replace(self, observer=SILENCE)

    def progress(self, phase: str, peak: int, lower_bound: int, states: int) -> None:
        """Tell the observer the best peak so far and the bound, in bytes, and the states entered."""
        self.observer.progress(phase, peak, lower_bound, states)
        _LOG.debug("%s: best %d bytes, bound %d bytes, %d states", phase, peak, lower_bound, states)
