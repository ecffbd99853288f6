"""The independent check that every plan passes before it is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

from hmcos.frontends.model import Model
from hmcos.memory.instance import write_instance
from hmcos.plan.plan import Plan
from hmcos.stages.lowering import Network
from hmcos.verify.arena import check_arena
from hmcos.verify.bodies import recount_bodies
from hmcos.verify.instance import verify_instance
from hmcos.verify.lives import Run, check_lives, check_offsets, run_of_graph, run_of_instance
from hmcos.verify.schedule import verify_plan


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
    scratch = recount_bodies(content.graph, data, bodies)
    data["external_io"] = plan.target.external_io
    verify_plan(content.graph, data, scratch, plan.order, plan.peak, plan.memory.running)
    _verify_arena(plan, run_of_graph(content.graph, data, scratch, plan.order))


def _verify_arena(plan: Plan, run: Run) -> None:
    if plan.arena is not None:
        check_lives(run, plan.buffers)
        check_offsets(plan.arena.offsets, plan.buffers)
        check_arena(plan.buffers, plan.arena)
