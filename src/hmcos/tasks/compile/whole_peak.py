"""The memory of a network whose operators run at once, to compare rows with."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from hmcos.errors import NotRunError, ToolError
from hmcos.limits import Limits, Watch
from hmcos.network.opening import Opened
from hmcos.plan.row_plan import WholePeak
from hmcos.runtimes.tflite.litert import is_installed
from hmcos.runtimes.tflite.tflm import tflm_arena
from hmcos.tasks.request import Request, chosen_target
from hmcos.tasks.schedule.task import run

SECONDS = 5.0
"""For the best order, whatever the rows took: with less, the comparison would flatter them."""


def whole_peak(opened: Opened, limits: Limits, watch: Watch) -> WholePeak:
    """Return the peaks of whole operators, as the target tflm counts, and the arena that TFLM reports.

    TFLM runs the model in a child process if it is installed.
    """
    within = replace(limits, seconds=SECONDS, budget=None)
    plan = run(Request(chosen_target("tflm"), limits=within), opened, watch.restarted().silenced()).plan
    live = tuple((one.tensor, one.size) for one in plan.crest.tensors if one.tensor is not None)
    return WholePeak(plan.given_peak, plan.peak, plan.lower_bound, live, _tflm(opened))


def _tflm(opened: Opened) -> int | None:
    model = opened.model
    held = opened.offsets
    if model is None or held is None or not is_installed("tflm"):
        return None
    with suppress(NotRunError, ToolError):
        return tflm_arena(held.source(model), model.graph).total
    return None
