"""Compare all schedulers on one network."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hmcos.limits import Status, Watch, for_bounds
from hmcos.network.opening import Opened
from hmcos.plan.plan import Source, TargetUsed
from hmcos.plan.schedule import Schedule
from hmcos.schedulers.scheduler_table import names, scheduler
from hmcos.tasks.request import Request
from hmcos.tasks.schedule.solving import lowered


@dataclass(frozen=True, slots=True)
class Comparison:
    """The schedules of all schedulers for one network."""

    source: Source
    target: TargetUsed
    operators: int
    """Nodes of the source."""
    scheduled_operators: int
    schedules: tuple[Schedule, ...]
    """In the order of the table of schedulers; all carry the best lower bound that any proved."""


def compare_schedulers(request: Request, opened: Opened, watch: Watch) -> Comparison:
    """Return the schedule of each scheduler, each search within the limits of the request.

    A bound that one scheduler proved holds for all of them; a schedule that meets it is optimal.
    """
    network, limits = lowered(request, opened, watch.restarted())
    schedules = [network.find(scheduler(name), limits, watch.restarted()) for name in names()]
    bound = max(schedule.lower_bound for schedule in schedules)
    return Comparison(
        source=opened.source,
        target=network.target,
        operators=len(network.rows),
        scheduled_operators=network.problem.operators,
        schedules=tuple(
            _with_bound(schedule, bound, is_bounded=network.is_bounded) for schedule in schedules
        ),
    )


def _with_bound(schedule: Schedule, bound: int, *, is_bounded: bool) -> Schedule:
    status = Status.OPTIMAL if schedule.peak == bound else schedule.status
    return replace(schedule, lower_bound=bound, status=for_bounds(status) if is_bounded else status)
