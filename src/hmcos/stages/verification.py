"""The independent check that every plan passes before it is written."""

from __future__ import annotations

from hmcos.plan.plan import Plan
from hmcos.stages.lowering import Network


def verify_plan_of(network: Network, plan: Plan) -> None:
    """Check the plan against its source with code that shares nothing with the search."""
