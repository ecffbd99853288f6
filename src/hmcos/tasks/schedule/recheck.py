"""The independent check that every plan passes before it is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

from hmcos.errors import VerifyError
from hmcos.memory.instance import write_instance
from hmcos.network.opening import Opened
from hmcos.plan.plan import Plan
from hmcos.verify.checks import Check
from hmcos.verify.plan_checks import check_instance_plan, check_network_plan


def recheck(opened: Opened, plan: Plan) -> None:
    """Check the plan and the orders of all bodies with code that is independent of the search.

    Raises:
        VerifyError: an order is invalid or its memory differs from what the plan says, the arena does not
            hold what the order needs, or the plan contradicts itself.
    """
    for check in checks_at_rest(opened, plan):
        if not check.held:
            raise VerifyError(check.words)


def checks_at_rest(opened: Opened, plan: Plan) -> list[Check]:
    """Return the checks of a plan that run no model; they stop at the first that fails."""
    model, problem = opened.model, opened.problem
    if model is not None and opened.format is not None:
        scratch = opened.format.kernel_scratch(model, plan.target.kernels)
        return check_network_plan(model.graph, plan, scratch, opened.format.floor(model))
    assert problem is not None, "an opened network is a model or a problem"
    return check_instance_plan(cast("Mapping[str, object]", json.loads(write_instance(problem))), plan)
