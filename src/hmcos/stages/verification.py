"""The independent check that every plan passes before it is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

from hmcos.errors import VerifyError
from hmcos.frontends.model import Model
from hmcos.graph.model import Graph
from hmcos.memory.instance import write_instance
from hmcos.plan.plan import BodyPlan, Plan
from hmcos.stages.bodies import iteration, result_bytes
from hmcos.stages.lowering import Network
from hmcos.verify.arena import check_arena
from hmcos.verify.instance import verify_instance
from hmcos.verify.lives import Run, check_lives, check_offsets, run_of_graph, run_of_instance
from hmcos.verify.schedule import check_order, recount, verify_plan


def verify_plan_of(network: Network, plan: Plan) -> None:
    """Check the plan and the orders of all bodies with code that shares nothing with the search.

    Raises:
        VerifyError: an order is not valid or costs something else than the plan says, or its arena does
            not hold what the order needs.
    """
    content = network.opened.content
    if not isinstance(content, Model):
        instance = cast(Mapping[str, object], json.loads(write_instance(network.problem)))
        verify_instance(instance, plan.order, plan.peak, plan.memory.running)
        _verify_arena(plan, run_of_instance(instance, plan.order))
        return
    data = {**plan.target.data, "alignment": plan.target.alignment}
    bodies = {body.path: body for body in plan.bodies}
    scratch = _recounted_scratch(content.graph, "", data, bodies)
    data["external_io"] = plan.target.external_io
    verify_plan(content.graph, data, scratch, plan.order, plan.peak, plan.memory.running)
    _verify_arena(plan, run_of_graph(content.graph, data, scratch, plan.order))


def _verify_arena(plan: Plan, run: Run) -> None:
    if plan.arena is not None:
        check_lives(run, plan.buffers)
        check_offsets(plan.arena.offsets, plan.buffers)
        check_arena(plan.buffers, plan.arena)


def _recounted_scratch(
    graph: Graph, path: str, data: Mapping[str, object], plans: Mapping[str, BodyPlan]
) -> dict[int, int]:
    """Return per operator what its bodies need in their planned orders; recurses as bodies are nested."""
    scratch: dict[int, int] = {}
    for op in graph.operators:
        for body in op.bodies:
            here = f"{path}node {op.number}/{body.attribute}"
            inner, plan = iteration(graph, op, body), plans[here]
            needs = _recounted_scratch(inner, f"{here}/", data, plans)
            check_order(inner, plan.order)
            peak = recount(inner, data, needs, plan.order).peak
            if peak != plan.peak:
                raise VerifyError(f"{here}: the plan says {plan.peak} bytes, a recount {peak}")
            alignment = cast(int, data["alignment"])
            scratch[op.number] = max(scratch.get(op.number, 0), peak - result_bytes(op, body, alignment))
    return scratch
