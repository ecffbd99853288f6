"""Every scheduler on one network, side by side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter

from hmcos.plan.limits import Observer
from hmcos.plan.plan import Source, TargetUsed
from hmcos.plan.schedule import Schedule, Status
from hmcos.schedulers.table import names, scheduler
from hmcos.stages.lowering import Network


@dataclass(frozen=True, slots=True)
class Comparison:
    """The schedules that all schedulers found for one network."""

    source: Source
    target: TargetUsed
    operators: int
    """Nodes of the source."""
    scheduled_operators: int
    schedules: tuple[Schedule, ...]
    """In the order of the table of schedulers; all carry the best lower bound that any proved."""


def compare_schedulers(network: Network, observer: Observer) -> Comparison:
    """Return what each scheduler finds, each under the limits of the network.

    A bound that one scheduler proved holds for all of them, and makes those that meet it optimal.
    """
    found: list[Schedule] = []
    for name in names():
        limits = replace(network.limits, started=perf_counter())
        found.append(replace(network, limits=limits).find(scheduler(name), observer))
    bound = max(schedule.lower_bound for schedule in found)
    return Comparison(
        source=network.opened.source,
        target=network.target,
        operators=len(network.rows()),
        scheduled_operators=network.problem.operators,
        schedules=tuple(_with_bound(schedule, bound) for schedule in found),
    )


def _with_bound(schedule: Schedule, bound: int) -> Schedule:
    status = Status.OPTIMAL if schedule.peak == bound else schedule.status
    return replace(schedule, lower_bound=bound, status=status)
