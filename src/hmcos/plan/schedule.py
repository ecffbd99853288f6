"""A schedule: the order that was found, what it costs, and what was proved about it."""

from __future__ import annotations

from dataclasses import dataclass

from hmcos.limits import Status
from hmcos.words import human


def called(proved: str, status: Status) -> str:
    """Return what the result of a search is called, by how the search ended; `proved` where it is optimal."""
    return {Status.OPTIMAL: proved, Status.FITS: "fits"}.get(status, "best found")


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
    """Search states entered."""

    def __repr__(self) -> str:
        return f"<Schedule by {self.scheduler}: {len(self.order):,} operators, {self.words}>"

    @property
    def title(self) -> str:
        """What the order is called beside others: a name that promises a proof only where there is one."""
        return called(self.scheduler, self.status) if self.scheduler == "optimal" else self.scheduler

    @property
    def words(self) -> str:
        """The peak, and what is proved of it."""
        bound = "" if self.peak == self.lower_bound else f", lower bound {human(self.lower_bound)}"
        return f"peak {human(self.peak)}{bound}, {self.status}"
