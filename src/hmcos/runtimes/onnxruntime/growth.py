"""Measure the memory that ONNX Runtime takes, each time in a new process."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from hmcos.errors import ModelError, ToolError
from hmcos.frontends.feeding import Bytes, random_inputs
from hmcos.graph.graph import Graph
from hmcos.processes import run
from hmcos.runtimes.onnxruntime.binding import bind_inputs
from hmcos.runtimes.onnxruntime.runtime import in_file_order

_ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": "4096", "MALLOC_TRIM_THRESHOLD_": "4096"}
"""Without these settings, glibc keeps freed blocks, so the process seems to use more memory than it does.
With them, it returns every block of a page or more."""


@dataclass(frozen=True, slots=True)
class GrowthTrial:
    """One measurement."""

    file: Path
    graph: Graph
    in_file_order: bool
    """Whether to run in file order; False for the default settings of ONNX Runtime."""


def taken(trial: GrowthTrial, name: str) -> int:
    """Return the bytes that a run takes, measured in a new process.

    Raises:
        ModelError: ONNX Runtime cannot run the model; the message names `name`.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ORT_")} | _ENVIRONMENT
    call = "hmcos.runtimes.onnxruntime.growth:answer"
    ended = run(call, pickle.dumps(trial), environment=environment)
    if ended.failure:
        raise ModelError(f"{name}: ONNX Runtime cannot run it: the process that did {ended.failure}")
    return int(ended.answer)


def answer(request: bytes) -> bytes:
    """Return the bytes that one trial takes, as text; `request` is a pickled `GrowthTrial`."""
    trial = cast(GrowthTrial, pickle.loads(request))
    return str(_taken(trial, random_inputs(trial.graph, 0, 0))).encode()


def _taken(trial: GrowthTrial, fed: Mapping[int, Bytes]) -> int:
    """Return the bytes of the inputs plus the most that the process grows during one run."""
    here: Any = import_module("onnxruntime")
    options = here.SessionOptions()
    if trial.in_file_order:
        options = in_file_order()
        # ONNX Runtime's memory pool grows by doubling and never shrinks, which would hide the effect of the
        # order.
        options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    session = here.InferenceSession(str(trial.file), options, providers=["CPUExecutionProvider"])
    binding, lent = bind_inputs(session, trial.graph, fed)
    for output in session.get_outputs():
        binding.bind_output(output.name, "cpu")
    before = _forget_highest()
    session.run_with_iobinding(binding)
    return sum(block.nbytes for block in lent) + max(0, _status("VmHWM") - before)


def _forget_highest() -> int:
    """Return the memory of this process, and reset its recorded maximum to it."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _status("VmRSS")


def _status(key: str) -> int:
    """Return a figure of this process in bytes, from Linux's /proc.

    Raises:
        ToolError: this system does not report it.
    """
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith(f"{key}:"):
                return 1024 * int(line.split()[1])
    except OSError:
        pass
    raise ToolError(f"this system does not report {key} of a process; measure needs Linux")
