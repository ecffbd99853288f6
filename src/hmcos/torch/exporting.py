"""Exported programs of PyTorch in their least-memory order."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike

from torch.export import ExportedProgram

from hmcos.frontends.torch import exported
from hmcos.limits import Watch
from hmcos.memory.target import Target
from hmcos.network.opening import open_source
from hmcos.tasks.request import Request, chosen_limits, chosen_target
from hmcos.tasks.schedule.recheck import recheck
from hmcos.tasks.schedule.task import run


def reordered(
    program: ExportedProgram,
    *,
    target: str | PathLike[str] | Target = "torch",
    bind: Mapping[str, int] | None = None,
    time_limit: float | None = None,
    state_limit: int | None = None,
) -> ExportedProgram:
    """Return an exported program with its nodes in the order that needs the least memory.

    The result computes the same bits and keeps the order when it is saved and loaded again. It shares
    parameters and constants with the given program, which is not changed. `bind` gives sizes to symbolic
    dimensions: the order is the best for these sizes, and right for all. `target` is `torch`, `torch-cuda`
    (whose allocator rounds up to 512 bytes) or a target of your own. The search stops after `time_limit`
    seconds or `state_limit` states with the best order so far.

    Raises:
        HmcosError: one of its subclasses for any wrong input; names node and module.
    """
    request = Request(
        chosen_target(target), bind=dict(bind or {}), limits=chosen_limits(time_limit, state_limit)
    )
    opened = open_source(program, request.bind)
    plan = run(request, opened, Watch()).plan
    recheck(opened, plan)
    assert opened.model is not None, "an exported program is a model"
    return exported.reordered(opened.model, plan.orders)
