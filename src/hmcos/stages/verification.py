"""The independent check that every plan passes before it is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

from hmcos.errors import VerifyError
from hmcos.frontends.model import Model
from hmcos.memory.instance import write_instance
from hmcos.memory.problem import Problem
from hmcos.plan.plan import Plan
from hmcos.stages.lowering import Network
from hmcos.stages.tflite import kernel_scratch
from hmcos.verify.checks import Check
from hmcos.verify.planned import check_instance_plan, check_network_plan


def verify_plan_of(network: Network, plan: Plan) -> None:
    """Check the plan and the orders of all bodies with code that shares nothing with the search.

    Raises:
        VerifyError: an order is not valid or costs something else than the plan says, its arena does not
            hold what the order needs, or the plan contradicts itself.
    """
    for check in checks_at_rest(network.opened.content, plan):
        if not check.held:
            raise VerifyError(check.words)


def checks_at_rest(content: Model | Problem, plan: Plan) -> list[Check]:
    """Return the checks of a plan of a network for which nothing has to run; the first that fails is last."""
    if isinstance(content, Model):
        return check_network_plan(content.graph, plan, kernel_scratch(content))
    return check_instance_plan(cast("Mapping[str, object]", json.loads(write_instance(content))), plan)
