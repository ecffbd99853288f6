"""Limits of a search, its status at the end, and the observer of its progress."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from os import cpu_count
from typing import Protocol

from hmcos.log import Log

_LOG = Log("hmcos.search")
QUOTA = "/sys/fs/cgroup/cpu.max"
"""Where Linux says how many microseconds of processor time a container has in a period, and the period."""


class Status(StrEnum):
    """How a search ended."""

    OPTIMAL = "optimal"
    """The peak (or arena size) equals a proved lower bound."""
    AT_MOST = "at most"
    """The peak equals a lower bound for sizes of which some are bounds, because they depend on data: no data
    needs more, and some may need less."""
    FEASIBLE = "feasible"
    """A valid result that is not proved optimal."""
    TIME_LIMIT = "time limit"
    STATE_LIMIT = "state limit"
    INTERRUPTED = "interrupted"
    FITS = "fits"
    """A result within the budget was found."""
    DOES_NOT_FIT = "does not fit"
    """It is proved that nothing is within the budget."""


def for_bounds(status: Status) -> Status:
    """Return the status of a search if some sizes are only bounds: less may be needed than it counts."""
    return Status.AT_MOST if status in (Status.OPTIMAL, Status.DOES_NOT_FIT) else status


@dataclass(frozen=True, slots=True)
class Limits:
    """The resources and the goal of a search: a plain value that can be sent to other processes."""

    seconds: float | None = None
    """Wall time; None for no limit. A `Watch` knows when it started."""
    states: int = 3_000_000
    """Search states in total; the default keeps the memory of the search below about 2 GB."""
    budget: int | None = None
    """Bytes: stop at the first order within the budget, or at a proof that there is none."""
    seed: int = 0
    """Seed of schedulers and planners that use random numbers."""
    jobs: int | None = 1
    """Processes that may search for an order at the same time; None for one per core."""

    @property
    def processes(self) -> int:
        """The number of processes that may search at the same time."""
        return cores() if self.jobs is None else self.jobs

    def part(self, share: float) -> Limits:
        """Return limits of which only a part of the seconds is left."""
        return self if self.seconds is None else replace(self, seconds=self.seconds * share)


def cores() -> int:
    """Return the number of processor cores that this process may use; in a container, those that it has."""
    from pathlib import Path  # noqa: PLC0415 (few commands need it)

    try:
        quota, period = map(int, Path(QUOTA).read_text(encoding="ascii").split())
    except (OSError, ValueError):  # no container, or "max", which is all of them
        return _cores()
    return max(1, min(_cores(), -(-quota // max(1, period))))


def _cores() -> int:
    if sys.version_info >= (3, 13):
        from os import process_cpu_count  # noqa: PLC0415 (new in 3.13)

        return process_cpu_count() or 1
    try:
        from os import sched_getaffinity  # noqa: PLC0415 (only on some systems)
    except ImportError:
        return cpu_count() or 1
    return len(sched_getaffinity(0))


class Observer(Protocol):
    """Receives the progress of a search; must be quick."""

    def progress(self, phase: str, peak: int, lower_bound: int, states: int) -> None:
        """Receive the best peak so far and the bound, in bytes, and the states entered."""


class Silence:
    """The observer that does nothing."""

    def progress(self, phase: str, peak: int, lower_bound: int, states: int) -> None:
        """Do nothing."""


SILENCE = Silence()


def never() -> bool:
    """Return False: never interrupt the search."""
    return False


def _now() -> float:
    return time.perf_counter()


@dataclass(frozen=True, slots=True)
class Watch:
    """A running search: its start time, how to interrupt it, and the observer of its progress."""

    observer: Observer = SILENCE
    interrupted: Callable[[], bool] = never
    """Called often; returning True stops the search, which returns its best result so far."""
    started: float = field(default_factory=_now)
    """By `time.perf_counter`; the seconds of the limits count from then."""

    @property
    def seconds(self) -> float:
        """The seconds since the start."""
        return time.perf_counter() - self.started

    def reached(self, limits: Limits, states: int) -> Status | None:
        """Return the limit that is reached after this many states; None if the search may go on."""
        if self.interrupted():
            return Status.INTERRUPTED
        if limits.seconds is not None and time.perf_counter() - self.started >= limits.seconds:
            return Status.TIME_LIMIT
        return Status.STATE_LIMIT if states >= limits.states else None

    def is_over(self, limits: Limits) -> bool:
        """Return whether the time is over or the search was interrupted; states do not matter."""
        return self.reached(limits, -1) is not None

    def left(self, limits: Limits) -> Limits:
        """Return the limits with the remaining seconds, for a watch that starts now."""
        if limits.seconds is None:
            return limits
        return replace(limits, seconds=max(0.0, limits.seconds - self.seconds))

    def restarted(self) -> Watch:
        """Return a watch that starts now, with the same observer and interruption."""
        return replace(self, started=time.perf_counter())

    def silenced(self) -> Watch:
        """Return the same watch without an observer."""
        return replace(self, observer=SILENCE)

    def progress(self, phase: str, peak: int, lower_bound: int, states: int) -> None:
        """Report the best peak so far and the bound, in bytes, and the states entered, to the observer."""
        self.observer.progress(phase, peak, lower_bound, states)
        _LOG.debug("%s: best %d bytes, bound %d bytes, %d states", phase, peak, lower_bound, states)
