"""Sessions of ONNX Runtime that follow a plan.

By default ONNX Runtime ignores the order of the file: it walks back from the outputs, and fuses operators.
With sequential execution, no optimisation, and `PRIORITY_BASED` order it runs the file as it stands.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Any, cast

from hmcos.errors import HmcosError, ModelError, OptionError, PlanError, ToolError
from hmcos.folders import temporary_folder
from hmcos.frontends import loading
from hmcos.frontends.feeding import random_inputs
from hmcos.frontends.model import Model
from hmcos.graph.catalogue import is_constant
from hmcos.plan.plan import Plan
from hmcos.plan.plan_file import read_plan
from hmcos.runtimes.binding import bind_inputs
from hmcos.runtimes.ordering import least_memory, write_in_order
from hmcos.zoo.catalogue import build

LEVELS = {"none": "ORT_DISABLE_ALL", "basic": "ORT_ENABLE_BASIC", "extended": "ORT_ENABLE_EXTENDED"}
"""What `optimize` may be, and what ONNX Runtime calls it."""
WITH_BODIES = frozenset({"If", "Loop", "Scan"})
LISTED = 5
"""Operators that a warning names one by one."""


def session(
    plan: Plan | str | PathLike[str],
    *,
    optimize: str = "none",
    target: str = "default",
    time_limit: float | None = 60.0,
    check: bool = True,
) -> Any:
    """Return an `onnxruntime.InferenceSession` that runs the operators in the planned order.

    With `optimize` "basic" or "extended", ONNX Runtime first saves the graph as it would fuse it; that graph
    is planned for `target` within `time_limit` seconds, and loaded in its order. With `check` the model is
    run once on random inputs, and a warning names the operators that ran at another place.

    Raises:
        OptionError: there is no such level of optimisation.
        PlanError: the plan is no plan file, or its source is gone or has changed.
        ModelError: ONNX Runtime cannot run the model, or the fused graph has operators whose sizes are not
            known.
        ToolError: ONNX Runtime is not installed.
    """
    if optimize not in LEVELS:
        raise OptionError(f"optimize is one of {', '.join(LEVELS)}, not {optimize!r}")
    found = plan if isinstance(plan, Plan) else read_plan(Path(plan))
    with temporary_folder() as folder:
        model = _source(found)
        orders = {"": found.order} | {body.path: body.order for body in found.bodies}
        file = folder / "planned.onnx"
        loading.save(model, orders, file)
        if optimize != "none":
            fused = _fused(file, optimize, folder / "fused.onnx")
            model = loading.load(fused, model.bind or None)
            file = write_in_order(model, least_memory(model, target, time_limit).order, folder / "again.onnx")
        if check:
            _warn(moved(file, loading.load(file, found.source.bind or None)))
        return _opened(file, in_file_order())


def runtime() -> Any:
    """Return the module `onnxruntime`.

    Raises:
        ToolError: it is not installed.
    """
    try:
        return import_module("onnxruntime")
    except ImportError as error:
        raise ToolError("ONNX Runtime is not installed: pip install 'hmcos[verify]'") from error


def in_file_order() -> Any:
    """Return options with which ONNX Runtime runs a file in its order, without fusing anything."""
    here = runtime()
    options = here.SessionOptions()
    options.graph_optimization_level = here.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.execution_mode = here.ExecutionMode.ORT_SEQUENTIAL
    options.execution_order = here.ExecutionOrder.PRIORITY_BASED
    options.log_severity_level = 3
    return options


def _opened(file: Path, options: Any) -> Any:
    """Return a session of a file.

    Raises:
        ModelError: ONNX Runtime does not take it.
    """
    try:
        return runtime().InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except HmcosError:
        raise
    except Exception as error:  # the runtime raises many types; each means that it cannot run the model
        raise ModelError(f"ONNX Runtime does not take the model: {_said(error)}") from error


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def moved(file: Path, model: Model) -> list[str]:
    """Return the operators that ONNX Runtime does not run at their place in a file, by its own profile.

    ONNX Runtime numbers the nodes of the file without constants; nodes that it adds have higher numbers.
    """
    options = in_file_order()
    options.enable_profiling = True
    options.profile_file_prefix = str(file.with_suffix(""))
    profiled = _opened(file, options)
    binding, _inputs = bind_inputs(profiled, model.graph, random_inputs(model.graph, 0, 0))
    for output in profiled.get_outputs():
        binding.bind_output(output.name, "cpu")
    try:
        profiled.run_with_iobinding(binding)
    except Exception as error:  # the runtime raises many types; each means that it cannot run this input
        profiled.end_profiling()
        raise ModelError(
            f"ONNX Runtime cannot run the model on random inputs: {_said(error)};"
            " with check=False it is not tried"
        ) from error
    events = cast("list[dict[str, Any]]", json.loads(Path(profiled.end_profiling()).read_text()))
    ran = [int(event["args"]["node_index"]) for event in _outermost(events)]
    kept = [op for op in model.graph.operators if not is_constant(op.kind, op.domain)]
    places = [place for place in ran if place < len(kept)]
    return [
        f"operator {kept[i].number} ({kept[i].kind}{f' {kept[i].name!r}' if kept[i].name else ''})"
        for i in _out_of_order(places)
    ]


def _outermost(events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the events of kernels but those inside another: nodes of bodies have numbers of their own."""
    kernels = [
        e for e in events if str(e.get("name", "")).endswith("_kernel_time") and "node_index" in e["args"]
    ]
    outer = [e for e in kernels if e["args"].get("op_name") in WITH_BODIES]
    return [e for e in kernels if not any(_is_inside(e, around) for around in outer)]


def _is_inside(event: dict[str, Any], around: dict[str, Any]) -> bool:
    ends = [e["ts"] + e["dur"] for e in (event, around)]
    return event is not around and around["ts"] <= event["ts"] and ends[0] <= ends[1]


def _out_of_order(places: Sequence[int]) -> list[int]:
    """Return the places that were taken before a smaller one: what was moved ahead."""
    smallest_later: list[int] = []
    least = len(places) + max(places, default=0) + 1
    for place in reversed(places):
        smallest_later.append(least)
        least = min(least, place)
    smallest_later.reverse()
    return [place for place, later in zip(places, smallest_later, strict=True) if later < place]


def _warn(titles: Sequence[str]) -> None:
    if titles:
        rest = f" and {len(titles) - LISTED} more" if len(titles) > LISTED else ""
        names = ", ".join(titles[:LISTED]) + rest
        warnings.warn(f"ONNX Runtime runs {names} earlier than planned", RuntimeWarning, stacklevel=3)


def _source(plan: Plan) -> Model:
    """Return the source of a plan, read again."""
    name = plan.source.name
    if plan.source.format != "onnx":
        raise PlanError(f"{name}: the plan is for {plan.source.format}, which ONNX Runtime does not run")
    if name.startswith("<"):
        raise PlanError("the plan is of a model in memory; write the model to a file and plan that")
    place = build(name.removeprefix("zoo:")) if name.startswith("zoo:") else name
    model = loading.load(place, plan.source.bind or None)
    if model.sha256 != plan.source.sha256:
        raise PlanError(f"{name}: has changed since the plan was made; plan it anew")
    return model


def _fused(file: Path, level: str, target: Path) -> Path:
    """Return where ONNX Runtime saved the graph as it would fuse it."""
    here = runtime()
    options = here.SessionOptions()
    options.graph_optimization_level = getattr(here.GraphOptimizationLevel, LEVELS[level])
    options.optimized_model_filepath = str(target)
    options.log_severity_level = 3
    _opened(file, options)
    return target
