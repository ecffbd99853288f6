"""A model in its least-memory order, for a runtime that follows the order of the file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hmcos.frontends import loading
from hmcos.frontends.model import Model
from hmcos.graph.order import source_order
from hmcos.memory.profile import peak
from hmcos.memory.sharing import lower
from hmcos.memory.target import load_target
from hmcos.plan.limits import SILENCE, Limits
from hmcos.schedulers.table import scheduler


@dataclass(frozen=True, slots=True)
class Ordered:
    """The best order found for a model, and what it costs in bytes as a target counts."""

    order: tuple[int, ...]
    """All node numbers of the source."""
    given_peak: int
    """Peak of the order in the file."""
    peak: int


def least_memory(model: Model, target: str, seconds: float | None) -> Ordered:
    """Return the order of least peak that is found in so many seconds; bodies keep theirs.

    Raises:
        TargetError: there is no such target.
    """
    rules = load_target(target)
    sharing = lower(model.graph, rules, {}, rules.alignment)
    problem = sharing.problem
    found = scheduler("optimal")(problem, Limits(seconds=seconds), SILENCE)
    order = source_order(model.graph, [sharing.numbers[i] for i in found.order])
    return Ordered(order, peak(problem, range(problem.operators)), found.peak)


def write_in_order(model: Model, order: tuple[int, ...], path: Path) -> Path:
    """Return the path after the model was written there in an order."""
    loading.save(model, {"": order}, path)
    return path
