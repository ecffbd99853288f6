"""Restore the network that a plan was made for."""

from __future__ import annotations

from collections.abc import Sequence

from hmcos.errors import PlanError
from hmcos.frontends.model import Model
from hmcos.graph.graph import Graph
from hmcos.graph.strings import with_string_bytes
from hmcos.limits import Limits, Watch
from hmcos.memory.problem import Problem
from hmcos.memory.profile import profile
from hmcos.memory.target import parse_target
from hmcos.network.bodies import Accounting, Bodies, body_scratch
from hmcos.network.lowering import Network, lower_network, network_with
from hmcos.network.opening import Openable, Opened, open_source
from hmcos.network.results import check_written
from hmcos.plan.plan import BodyPlan, Plan


def network_of(plan: Plan, opened: Opened) -> Network:
    """Return the network of a plan, on the plan's target, with the memory of bodies taken from the plan.

    Raises:
        PlanError: the plan is for another model, contradicts it, or lies beside results of another run.
    """
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
    """Open a model with its symbols bound and its network changed as in a plan, and return it.

    Raises:
        HmcosError: the model cannot be read.
    """
    bind = None if isinstance(model, Model | Problem) else plan.source.bind
    opened = open_source(model, bind or None)
    if plan.rewriting is None or opened.source.sha256 != plan.source.sha256:
        return opened
    from hmcos.network.transforming import transformed  # noqa: PLC0415 (few plans are of a tiled model)

    return transformed(opened, plan)


def accounting_in(plan: Plan) -> Accounting:
    """Return how a plan counts memory."""
    return Accounting(parse_target(plan.target.name, plan.target.data, "the plan's target"), plan.target)


def _lowered(opened: Opened, plan: Plan) -> Network:
    accounting = accounting_in(plan)
    if opened.model is None:
        return lower_network(opened, accounting, Limits(), Watch())[0]
    graph = with_string_bytes(opened.model.graph, accounting.target.string_bytes)
    return network_with(graph, accounting, _bodies(graph, plan.bodies, plan.target.alignment))


def _bodies(graph: Graph, plans: Sequence[BodyPlan], alignment: int) -> Bodies:
    """Return the memory that the bodies of a graph need in their planned orders."""
    try:
        scratch, least = body_scratch(graph, "", {plan.path: plan for plan in plans}, alignment)
    except KeyError as error:
        raise PlanError(
            f"the plan has no order for {error.args[0]}; run hmcos schedule on the model again"
        ) from error
    limit = next((plan.status for plan in plans if plan.peak != plan.lower_bound), None)
    return Bodies(scratch, least, tuple(plans), limit)
