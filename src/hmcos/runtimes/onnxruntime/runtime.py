"""Run ONNX Runtime in the order of a file.

By default ONNX Runtime ignores the order of the file: it walks back from the outputs, and fuses operators.
With sequential execution, no optimisation, and `PRIORITY_BASED` order it runs the nodes in file order.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from hmcos.errors import HmcosError, ModelError, ToolError
from hmcos.frontends.feeding import random_inputs
from hmcos.graph.graph import Graph, Operator
from hmcos.graph.kinds import is_constant
from hmcos.runtimes.onnxruntime.binding import bind_inputs

WITH_BODIES = frozenset({"If", "Loop", "Scan"})


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
    """Return options with which ONNX Runtime runs a file in its order, without fusing.

    Without memory reuse, a buffer is freed as soon as its tensor is dead. With it, ONNX Runtime keeps the
    buffer for a later tensor of the same shape, even if much has to run before that one is made.
    """
    here = runtime()
    options = here.SessionOptions()
    options.graph_optimization_level = here.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.execution_mode = here.ExecutionMode.ORT_SEQUENTIAL
    options.execution_order = here.ExecutionOrder.PRIORITY_BASED
    options.enable_mem_reuse = False
    options.log_severity_level = 3
    return options


def opened(file: Path, options: Any, name: str) -> Any:
    """Return a session of a file.

    Raises:
        ModelError: ONNX Runtime refuses the file; the message names `name`.
    """
    try:
        return runtime().InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except HmcosError:
        raise
    except Exception as error:  # the runtime raises many types; each means that it cannot run the model
        raise ModelError(f"{name}: ONNX Runtime cannot load it: {_said(error, file, name)}") from error


def _said(error: Exception, file: Path, name: str) -> str:
    """Return an error as text, with the file that the user knows."""
    return " ".join(str(error).replace(str(file), name).split())[:300]


def moved(file: Path, operators: Sequence[Operator], fed: Graph, name: str) -> list[str]:
    """Return the operators that ONNX Runtime runs earlier than in the file, according to its profile.

    `operators` are those of the file, in its order; `fed` is a network with the same inputs, for which random
    values are drawn. ONNX Runtime numbers the nodes of the file without constants; nodes that it adds have
    higher numbers.

    Raises:
        ModelError: ONNX Runtime cannot run the file; the message names `name`.
    """
    options = in_file_order()
    options.enable_profiling = True
    options.profile_file_prefix = str(file.with_suffix(""))
    profiled = opened(file, options, name)
    binding, _inputs = bind_inputs(profiled, fed, random_inputs(fed, 0, 0))
    for output in profiled.get_outputs():
        binding.bind_output(output.name, "cpu")
    try:
        profiled.run_with_iobinding(binding)
    except Exception as error:  # the runtime raises many types; each means that it cannot run this input
        profiled.end_profiling()
        raise ModelError(
            f"{name}: ONNX Runtime cannot run it on random inputs: {_said(error, file, name)};"
            " check=False skips this run"
        ) from error
    events = cast("list[dict[str, Any]]", json.loads(Path(profiled.end_profiling()).read_text()))
    ran = [int(event["args"]["node_index"]) for event in _outermost(events)]
    kept = [op for op in operators if not is_constant(op.kind, op.domain)]
    places = [place for place in ran if place < len(kept)]
    return [kept[i].title for i in _out_of_order(places)]


def _outermost(events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the events of kernels, without those in bodies, whose nodes are numbered separately."""
    kernels = [
        e for e in events if str(e.get("name", "")).endswith("_kernel_time") and "node_index" in e["args"]
    ]
    outer = [e for e in kernels if e["args"].get("op_name") in WITH_BODIES]
    return [e for e in kernels if not any(_is_inside(e, around) for around in outer)]


def _is_inside(event: dict[str, Any], around: dict[str, Any]) -> bool:
    ends = [e["ts"] + e["dur"] for e in (event, around)]
    return event is not around and around["ts"] <= event["ts"] and ends[0] <= ends[1]


def _out_of_order(places: Sequence[int]) -> list[int]:
    """Return the places that come before a smaller one: the operators that were moved ahead."""
    smallest_later: list[int] = []
    least = len(places) + max(places, default=0) + 1
    for place in reversed(places):
        smallest_later.append(least)
        least = min(least, place)
    smallest_later.reverse()
    return [place for place, later in zip(places, smallest_later, strict=True) if later < place]
