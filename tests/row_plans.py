"""A row plan of two operators, written by hand: a convolution and a global pool."""

from __future__ import annotations

from typing import Any

from hmcos.limits import Status
from hmcos.plan.plan import Source
from hmcos.plan.row_parts import Accumulator, Role, RowInput
from hmcos.plan.row_plan import PlannedOperator, PlannedTensor, RowPlan, WholePeak

WINDOWS = ((0, 1), (0, 1, 2), (1, 2, 3), (2, 3))
STEPS = ((0, 0), (0, 1), (1, 0), (0, 2), (1, 1), (0, 3), (1, 2), (1, 3))


def small_plan(**fields: Any) -> RowPlan:
    """The plan of 4 rows of 2 bytes, of which 4 rows of 3 bytes are made and added up."""
    pool = RowInput(0, 1, ((0,), (1,), (2,), (3,)))
    known: dict[str, Any] = {
        "source": Source("small.tflite", "tflite", "0" * 64, "0" * 64),
        "name": "small",
        "sections": ("", ""),
        "by_rows": False,
        "rounded_to": 1,
        "operators": (
            PlannedOperator(0, "CONV_2D", Role.ROW, 4, (RowInput(0, 0, WINDOWS),), (1,)),
            PlannedOperator(1, "AVERAGE_POOL_2D", Role.SUM, 4, (pool,), (2,), Accumulator(3, 2, 12)),
        ),
        "steps": STEPS,
        "tensors": (
            PlannedTensor(0, 4, 2, (21, 23, 25, 27), "image"),
            PlannedTensor(1, 4, 3, (0, 3, 6, 9), "<b>&{{data}}"),
            PlannedTensor(2, 1, 3, (18,), ""),
        ),
        "inputs": (0,),
        "outputs": (2,),
        "peak": 18,
        "lower_bound": 17,
        "status": Status.STATE_LIMIT,
        "arena": 29,
        "arena_lower_bound": 18,
        "alignment": 2,
        "drive": "given; first exit first",
        "cuts": (),
        "flash": {"weights": 100, "offsets": 9},
        "seconds": 0.5,
        "whole": WholePeak(20, 20, 20, ((0, 8), (1, 12)), 500),
    }
    return RowPlan(**(known | fields))
