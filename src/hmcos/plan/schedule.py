"""A schedule: the order that a scheduler found, its peak, and what was proved about it."""

from __future__ import annotations

from dataclasses import dataclass

from hmcos.limits import Status
from hmcos.words import human


def called(proved: str, status: Status) -> str:
    """Return the label of a search result by the status of the search; `proved` is the label if optimal."""
    return {Status.OPTIMAL: proved, Status.AT_MOST: "at most", Status.FITS: "fits"}.get(status, "best found")


@dataclass(frozen=True, slots=True)
class Schedule:
    """An order with its peak and a proved lower bound of every order's peak, in bytes."""

    order: tuple[int, ...]
    peak: int
    lower_bound: int
    status: Status
    scheduler: str
    seconds: float
    states: int = 0
    """The number of states that the search entered."""

    def __repr__(self) -> str:
        return f"<Schedule by {self.scheduler}: {len(self.order):,} operators, {self.words}>"

    @property
    def title(self) -> str:
        """The order's label in comparisons; it promises a proof only if there is one."""
        return called(self.scheduler, self.status) if self.scheduler == "optimal" else self.scheduler

    @property
    def words(self) -> str:
        """The peak, the lower bound and the status, as text."""
        bound = "" if self.peak == self.lower_bound else f", lower bound {human(self.lower_bound)}"
        return f"peak {human(self.peak)}{bound}, {self.status}"
