"""ONNX Runtime sessions that follow a plan."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from hmcos.errors import OptionError, PlanError
from hmcos.folders import temporary_folder
from hmcos.frontends import loading
from hmcos.frontends.model import Model
from hmcos.limits import Watch
from hmcos.memory.target import Target
from hmcos.network.opening import open_source
from hmcos.network.results import check_written
from hmcos.network.sources import source_of
from hmcos.plan.file.plan_file import read_plan
from hmcos.plan.plan import Plan
from hmcos.runtimes.onnxruntime.fusing import LEVELS, fuse
from hmcos.runtimes.onnxruntime.runtime import in_file_order, moved, opened
from hmcos.tasks.request import Request, chosen_limits, chosen_target
from hmcos.tasks.schedule.task import run

RUN = ("onnx",)
"""The formats that ONNX Runtime can run."""
LISTED = 5
"""Most operators that a warning names."""
TO_THE_CALLER = 3
"""Stack level of the user's line that a warning points to: `_warn`, `session`, the user's."""


def session(
    plan: Plan | str | PathLike[str],
    *,
    optimize: str = "none",
    target: str | PathLike[str] | Target = "default",
    time_limit: float | None = 60.0,
    jobs: int | None = None,
    check: bool = True,
) -> Any:
    """Return an `onnxruntime.InferenceSession` that runs the operators in the planned order.

    With `optimize` "basic" or "extended", ONNX Runtime first fuses the graph and saves it; the fused graph is
    planned for `target` within `time_limit` seconds, by `jobs` processes as in `schedule`, and loaded in that
    order. With `check` the model runs
    once on random inputs, and a warning names the operators that ran earlier than planned.

    Raises:
        OptionError: the level of optimisation is unknown.
        PlanError: the plan file is wrong, or its source is missing or has changed.
        ModelError: ONNX Runtime cannot run the model, or sizes of the fused graph are not known.
        ToolError: ONNX Runtime is not installed.
    """
    if optimize not in LEVELS:
        raise OptionError(f"optimize is one of {', '.join(LEVELS)}, not {optimize!r}")
    read, rules = plan if isinstance(plan, Plan) else read_plan(Path(plan)), chosen_target(target)
    name, source = read.source.name, _source(read)
    with temporary_folder() as folder:
        model, orders, file = source, read.orders, folder / "planned.onnx"
        loading.save(model, orders, file)
        if optimize != "none":
            model = fuse(file, source, optimize, name)
            request = Request(rules, limits=chosen_limits(time_limit, jobs=jobs))
            orders = run(request, open_source(model), Watch()).plan.orders
            file = folder / "again.onnx"
            loading.save(model, orders, file)
        if check:
            _warn(moved(file, [model.graph.operators[i] for i in orders[""]], source.graph, name))
        return opened(file, in_file_order(), name)


def _warn(titles: Sequence[str]) -> None:
    if titles:
        rest = f" and {len(titles) - LISTED} more" if len(titles) > LISTED else ""
        names = ", ".join(titles[:LISTED]) + rest
        warnings.warn(f"ONNX Runtime runs {names} earlier than planned", RuntimeWarning, TO_THE_CALLER)


def _source(plan: Plan) -> Model:
    """Read the source of a plan again and return it."""
    name = plan.source.name
    if plan.source.format not in RUN:
        raise PlanError(f"{name}: the plan is for {plan.source.format}, which ONNX Runtime does not run")
    check_written(plan)
    model = source_of(plan, "put it back").model
    assert model is not None, "a plan for one of these formats is of a model"
    return model
