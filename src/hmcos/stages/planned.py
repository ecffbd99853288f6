"""From a plan back to the network that it was made for."""

from __future__ import annotations

from collections.abc import Sequence

from hmcos.errors import PlanError
from hmcos.frontends.model import Model
from hmcos.graph.model import Graph
from hmcos.memory.problem import Problem
from hmcos.memory.profile import profile
from hmcos.memory.sharing import lower
from hmcos.memory.target import Target, parse_target
from hmcos.plan.limits import SILENCE, Limits
from hmcos.plan.plan import BodyPlan, Plan
from hmcos.stages.bodies import Bodies, Lowered, result_bytes
from hmcos.stages.lowering import Network, lower_network
from hmcos.stages.opening import Openable, Opened, open_source
from hmcos.stages.written import check_written


def network_of(plan: Plan, model: Openable | Opened) -> Network:
    """Return the network that a plan was made for, on its target; its bodies need what the plan says.

    Raises:
        PlanError: the plan is for another model, or contradicts it, or stands beside results of another run.
        HmcosError: the model cannot be read.
    """
    opened = model if isinstance(model, Opened) else opened_for(plan, model)
    name = opened.source.name
    if opened.source.sha256 != plan.source.sha256:
        raise PlanError(f"{name}: the plan was made for another model; run hmcos schedule on this one")
    check_written(plan)
    network = _lowered(opened, plan)
    if network.numbers != plan.scheduled:
        raise PlanError(f"{name}: the plan lists other operators; run hmcos schedule on the model again")
    if profile(network.problem, plan.schedule.order).running != plan.memory.running:
        raise PlanError(
            f"{name}: the plan's memory is not that of its order; run hmcos schedule on the model again"
        )
    return network


def opened_for(plan: Plan, model: Openable) -> Opened:
    """Return a model, read with the sizes that a plan binds its symbols to.

    Raises:
        HmcosError: the model cannot be read.
    """
    bind = None if isinstance(model, Model | Problem) else plan.source.bind
    return open_source(model, bind or None)


def planned_target(plan: Plan) -> Target:
    """Return the target that a plan was made for."""
    return parse_target(plan.target.name, plan.target.data, "the plan's target")


def _lowered(opened: Opened, plan: Plan) -> Network:
    target, wide, external = planned_target(plan), plan.target.alignment, plan.target.external_io
    if not isinstance(opened.content, Model):
        return lower_network(opened, target, wide, Limits(), SILENCE, external)
    graph = opened.content.graph
    bodies = _bodies(graph, plan.bodies, wide)
    sharing, least = lower(graph, target, bodies.scratch, wide), None
    if bodies.limit is not None:
        least = lower(graph, target, bodies.least_scratch, wide).problem
    lowered = Lowered(sharing, bodies, least)
    lowered = lowered.without_external() if external else lowered
    return Network(opened, plan.target, lowered.sharing.problem, Limits(), lowered)


def _bodies(graph: Graph, plans: Sequence[BodyPlan], alignment: int) -> Bodies:
    """Return what the bodies of a graph need in their planned orders."""
    by_path = {plan.path: plan for plan in plans}
    scratch: dict[int, int] = {}
    least: dict[int, int] = {}
    for op in graph.operators:
        for body in op.bodies:
            path = f"node {op.number}/{body.attribute}"
            if path not in by_path:
                raise PlanError(f"the plan has no order for {path}; run hmcos schedule on the model again")
            planned, given_back = by_path[path], result_bytes(op, body, alignment)
            scratch[op.number] = max(scratch.get(op.number, 0), planned.peak - given_back)
            least[op.number] = max(least.get(op.number, 0), planned.lower_bound - given_back)
    limit = next((plan.status for plan in plans if plan.peak != plan.lower_bound), None)
    return Bodies(scratch, least, tuple(plans), limit)
