"""Search for the widest network that fits a chip: each question takes milliseconds.

python examples/does_it_fit.py
"""

from __future__ import annotations

import hmcos
from hmcos import zoo

BUDGET = 512 * 1024


def widest(candidates: range) -> int | None:
    """Return the largest number of filters with which a NASNet of three cells fits the budget."""
    best = None
    for filters in candidates:
        problem = zoo.problem("nasnet", cells=1, filters=filters)
        plan = hmcos.schedule(problem, budget=BUDGET, time_limit=10)
        print(f"{filters:3} filters: {plan.status}, at least {plan.lower_bound:,} bytes")
        if plan.status == hmcos.Status.FITS:
            best = filters
        elif plan.status == hmcos.Status.DOES_NOT_FIT:
            break
    return best


if __name__ == "__main__":
    print("widest that fits:", widest(range(4, 40, 4)))
