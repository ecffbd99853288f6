"""The experiment of the HMCOS paper: several orders of several networks, and the arena of each order.

Wang, Wan, Chen, Lin, Jiang, Qiao: Hierarchical Memory-Constrained Operator Scheduling of Neural
Architecture Search Networks, DAC 2022, doi 10.1145/3489517.3530472, section 5.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from time import perf_counter

from hmcos.allocation.problem import Lives
from hmcos.allocation.table import allocator
from hmcos.memory.lifetimes import lifetimes
from hmcos.memory.target import Target
from hmcos.plan.arena import Arena
from hmcos.plan.limits import Limits, Observer
from hmcos.plan.plan import TargetUsed
from hmcos.plan.schedule import Schedule
from hmcos.schedulers.table import scheduler
from hmcos.stages.lowering import Network, lower_network
from hmcos.stages.opening import open_source
from hmcos.stages.placing import STATES

ORDERS = ("given", "rpo", "serenity", "hmcos", "optimal")
"""The schedulers that are set side by side."""
PLANNERS = ("best_fit", "tflite_arena", "auto")
"""The planners of arenas: two of the paper's, and the one that looks for the smallest."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One order of a network and its arenas."""

    schedule: Schedule
    arenas: tuple[tuple[str, Arena], ...]
    """Planner asked to what it answered."""

    def arena(self, planner: str) -> Arena:
        """Return the arena of a planner."""
        return dict(self.arenas)[planner]


@dataclass(frozen=True, slots=True)
class Row:
    """All orders of one network."""

    network: str
    operators: int
    """Those that are scheduled."""
    trials: tuple[Trial, ...]
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
    """An observer that puts the name of what is worked on before each phase."""

    def __init__(self, name: str, observer: Observer) -> None:
        self._name, self._observer = name, observer

    def progress(self, phase: str, peak: int, lower_bound: int, states: int) -> None:
        self._observer.progress(f"{self._name}, {phase}", peak, lower_bound, states)


def run_experiment(
    networks: Iterable[str], target: Target, alignment: int | None, limits: Limits, observer: Observer
) -> Experiment:
    """Return what all schedulers and planners find for networks, each search under the limits.

    Raises:
        HmcosError: one of its subclasses when a network cannot be read or scheduled.
    """
    rows: list[Row] = []
    used = TargetUsed(target.name, target.alignment if alignment is None else alignment, target.data)
    for name in networks:
        named = _Named(name, observer)
        named.progress("opening", 0, 0, 0)
        begun = replace(limits, started=perf_counter())
        network = lower_network(open_source(name), target, alignment, begun, named)
        trials = tuple(try_order(network, order, limits, named) for order in ORDERS)
        rows.append(Row(name, network.problem.operators, trials))
    return Experiment(used, tuple(rows))


def try_order(network: Network, order: str, limits: Limits, observer: Observer) -> Trial:
    """Return what a scheduler finds for a network, and the arenas of that order."""
    fresh = replace(network, limits=replace(limits, started=perf_counter()))
    found = fresh.find(scheduler(order), observer)
    lives = Lives(lifetimes(network.problem, found.order), network.target.alignment)
    arenas: list[tuple[str, Arena]] = []
    for planner in PLANNERS:
        observer.progress(f"{order}, {planner}", found.peak, found.lower_bound, found.states)
        begun = replace(limits, states=min(limits.states, STATES), started=perf_counter())
        arenas.append((planner, allocator(planner)(lives, begun, observer)))
    return Trial(found, tuple(arenas))
