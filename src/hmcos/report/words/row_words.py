"""What is proved of a row plan, and what it saves, in words."""

from __future__ import annotations

from hmcos.limits import Status
from hmcos.plan.row_parts import Role
from hmcos.plan.row_plan import RowPlan


def arena_words(plan: RowPlan) -> str:
    """Return the arena and the proof in one line."""
    return f"arena {plan.arena:,} bytes, {proof_words(plan)}"


def proof_words(plan: RowPlan) -> str:
    """Return what is proved of the arena: that it is the least, or how far above a bound it is at most."""
    if plan.is_proved:
        return "proved least for row-wise orders"
    if plan.status is Status.OPTIMAL:
        return f"{plan.arena - plan.peak:,} above the peak, which is proved least for row-wise orders"
    if plan.arena == plan.peak:
        return f"equal to the peak; proved: no row-wise order needs less than {plan.lower_bound:,}"
    return (
        f"{plan.arena - plan.peak:,} above the peak of {plan.peak:,}; "
        f"proved: no row-wise order needs less than {plan.lower_bound:,}"
    )


def saved_words(plan: RowPlan) -> str:
    """Return how the arena compares with whole tensors in their best order; empty if that is not known."""
    if plan.whole is None or not plan.arena:
        return ""
    return (
        f"{plan.whole.peak / plan.arena:.1f} times less than whole tensors in the best order "
        f"({plan.whole.peak:,} bytes)"
    )


ROLES = {
    Role.FEED: "the caller's rows",
    Role.ROW: "row by row",
    Role.SUM: "adds up rows",
    Role.WHOLE: "all rows at once",
}
"""How operators run."""
