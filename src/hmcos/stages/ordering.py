"""The least-memory order of a model for a runtime that places its tensors itself: no arena is planned."""

from __future__ import annotations

from time import perf_counter

from hmcos.frontends.model import Model
from hmcos.memory.profile import peak
from hmcos.memory.target import Target
from hmcos.plan.limits import SILENCE, Limits
from hmcos.plan.plan import Plan, Seconds
from hmcos.schedulers.table import scheduler
from hmcos.stages.assembly import assemble
from hmcos.stages.bodies import lower_with_bodies
from hmcos.stages.choices import chosen_limits
from hmcos.stages.lowering import lower_network
from hmcos.stages.opening import open_source


def least_memory(model: Model, target: Target, seconds: float | None) -> Plan:
    """Return the plan of the best order found in so many seconds, bodies included, without an arena.

    Raises:
        OptionError: the time limit is negative, or no number.
    """
    limits = chosen_limits(seconds)
    network = lower_network(open_source(model), target, None, limits, SILENCE)
    found = network.find(scheduler("optimal"), SILENCE)
    spent = perf_counter() - limits.started
    return assemble(network, found, Seconds(0.0, spent, 0.0, spent))


def file_order_peak(model: Model, target: Target) -> int:
    """Return the peak in bytes of the file as it stands: its bodies run in the order of the file, too.

    (`Plan.given_peak` takes the bodies in their planned orders.)
    """
    given = scheduler("given")
    lowered, _ = lower_with_bodies(model.graph, target, target.alignment, Limits(), SILENCE, given)
    problem = lowered.sharing.problem
    return peak(problem, range(problem.operators))
