"""The experiment of the HMCOS paper: several orders of several networks, and the arena of each order.

Wang, Wan, Chen, Lin, Jiang, Qiao: Hierarchical Memory-Constrained Operator Scheduling of Neural
Architecture Search Networks, DAC 2022, doi 10.1145/3489517.3530472, section 5.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from hmcos.allocation.lives import Lives
from hmcos.allocation.planner_table import allocator
from hmcos.limits import Limits, Observer, Watch, for_bounds
from hmcos.network.lowering import Network
from hmcos.network.opening import open_source
from hmcos.plan.arena import Arena
from hmcos.plan.plan import TargetUsed
from hmcos.plan.schedule import Schedule
from hmcos.schedulers.scheduler_table import scheduler
from hmcos.tasks.request import Request
from hmcos.tasks.schedule.placement import STATES
from hmcos.tasks.schedule.solving import lowered

ORDERS = ("given", "rpo", "serenity", "hmcos", "optimal")
"""The schedulers to compare."""
PLANNERS = ("best_fit", "tflite_arena", "auto")
"""The arena planners to compare: two from the paper, and the one that looks for the smallest arena."""


@dataclass(frozen=True, slots=True)
class OrderTrial:
    """One order of a network and its arenas."""

    schedule: Schedule
    arenas: tuple[tuple[str, Arena], ...]
    """Name of the requested planner to its arena."""

    def arena(self, planner: str) -> Arena:
        """Return the arena of a planner."""
        return dict(self.arenas)[planner]


@dataclass(frozen=True, slots=True)
class Row:
    """All orders of one network."""

    network: str
    operators: int
    """Those that are scheduled."""
    trials: tuple[OrderTrial, ...]
    """One per scheduler, in the order of ORDERS."""

    @property
    def lower_bound(self) -> int:
        """The best bound that any scheduler proved, in bytes."""
        return max(trial.schedule.lower_bound for trial in self.trials)


@dataclass(frozen=True, slots=True)
class Experiment:
    """All orders of all networks."""

    target: TargetUsed
    rows: tuple[Row, ...]


class _Named:
    """An observer that puts the name of the network before each phase."""

    def __init__(self, name: str, observer: Observer) -> None:
        self._name, self._observer = name, observer

    def progress(self, phase: str, peak: int, lower_bound: int, states: int) -> None:
        self._observer.progress(f"{self._name}, {phase}", peak, lower_bound, states)


def run_experiment(networks: Iterable[str], request: Request, watch: Watch) -> Experiment:
    """Return the orders and arenas that all schedulers and planners find, each search within the limits.

    Raises:
        HmcosError: one of its subclasses when a network cannot be read or scheduled.
    """
    rows: list[Row] = []
    target = request.target
    alignment = target.alignment if request.alignment is None else request.alignment
    for name in networks:
        named = replace(watch, observer=_Named(name, watch.observer))
        named.progress("opening", 0, 0, 0)
        opened = open_source(name)
        network, _ = lowered(request, opened, named.restarted())
        trials = tuple(try_order(network, order, request.limits, named) for order in ORDERS)
        rows.append(Row(name, network.problem.operators, trials))
    return Experiment(TargetUsed(target.name, alignment, target.data), tuple(rows))


def try_order(network: Network, order: str, limits: Limits, watch: Watch) -> OrderTrial:
    """Return the order of a scheduler for a network, and its arenas; each search is within the limits."""
    schedule = network.find(scheduler(order), limits, watch.restarted())
    if network.is_bounded:
        schedule = replace(schedule, status=for_bounds(schedule.status))
    lives = Lives(network.lives(schedule.order), network.target.alignment)
    within = replace(limits, states=min(limits.states, STATES))
    arenas: list[tuple[str, Arena]] = []
    for planner in PLANNERS:
        watch.progress(f"{order}, {planner}", schedule.peak, schedule.lower_bound, schedule.states)
        arenas.append((planner, allocator(planner)(lives, within, watch.restarted())))
    return OrderTrial(schedule, tuple(arenas))
