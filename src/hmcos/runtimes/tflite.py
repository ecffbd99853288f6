"""A TensorFlow Lite model in a child process: a runtime may abort, and must not take us along."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hmcos.errors import ToolError, VerifyError
from hmcos.graph.model import Graph

PACKAGES: dict[str, tuple[str, str]] = {
    "tflm": ("tflite_micro", "tflite-micro"),
    "litert": ("ai_edge_litert", "ai-edge-litert"),
}
"""Runtime to the module it needs and the package that brings it."""

TIMEOUT = 600.0
"""Seconds that one run may take."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a child process left behind."""

    outputs: tuple[Any, ...]
    """Arrays, one per output of the model; none if it was only set up."""
    log: str
    """All that the runtime printed."""


def run(engine: str, content: bytes, inputs: Sequence[object] | None = None, arena: int = 0) -> Run:
    """Return the outputs of a model on a runtime, or only set it up if there are no inputs.

    Args:
        engine: tflm or litert.
        content: the model file.
        inputs: arrays, one per input.
        arena: bytes that tflm may use.

    Raises:
        ToolError: the runtime is not installed.
        VerifyError: it refuses the model, crashes or takes too long.
    """
    module, package = PACKAGES[engine]
    if find_spec(module) is None:
        raise ToolError(f"this needs the package {package}; pip install 'hmcos[tflite-check]'")
    numpy: Any = import_module("numpy")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model, given, made = folder / "model.tflite", folder / "inputs.npz", folder / "outputs.npz"
        model.write_bytes(content)
        files: list[str] = []
        if inputs is not None:
            numpy.savez(given, *inputs)
            files = [str(given), str(made)]
        log = _child([engine, str(model), str(arena), *files], engine)
        if inputs is None:
            return Run((), log)
        with numpy.load(made, allow_pickle=False) as found:
            return Run(tuple(found[f"arr_{i}"] for i in range(len(found.files))), log)


def _child(arguments: list[str], engine: str) -> str:
    command = [sys.executable, "-m", "hmcos.runtimes.tflite_child", *arguments]
    try:
        ended = subprocess.run(command, capture_output=True, check=False, timeout=TIMEOUT)
    except subprocess.TimeoutExpired as error:
        raise VerifyError(f"{engine}: did not end within {TIMEOUT:.0f} seconds") from error
    log = (ended.stdout + ended.stderr).decode(errors="replace")
    if ended.returncode:
        how = f"signal {-ended.returncode}" if ended.returncode < 0 else f"exit code {ended.returncode}"
        raise VerifyError(f"{engine}: refuses the model ({how}): {_last_words(log)}")
    return log


def _last_words(log: str) -> str:
    """Return the lines of a log that say what went wrong, in one."""
    before, _, _ = log.partition("Traceback")
    lines = [line.strip() for line in (before if before.strip() else log).splitlines() if line.strip()]
    return "; ".join(lines[-3:])[:300]


def random_inputs(graph: Graph, seed: int) -> list[Any]:
    """Return an array per input of a model: integers over their whole range, floats around 0.

    Raises:
        VerifyError: an input is of a type that cannot be fed.
    """
    numpy: Any = import_module("numpy")
    rng = numpy.random.default_rng(seed)
    arrays: list[Any] = []
    for tensor in (graph.tensors[t] for t in graph.inputs):
        if tensor.element == "bool":
            arrays.append(rng.integers(0, 2, tensor.shape).astype(bool))
        elif tensor.element.startswith("float") and tensor.bits >= 16:
            arrays.append(rng.standard_normal(tensor.shape).astype(tensor.element))
        elif tensor.element.startswith(("int", "uint")) and tensor.bits >= 8:
            kind = numpy.dtype(tensor.element)
            limits = numpy.iinfo(kind)
            arrays.append(rng.integers(limits.min, limits.max, tensor.shape, kind, endpoint=True))
        else:
            raise VerifyError(f"input {tensor.name!r}: arrays of {tensor.element} cannot be fed")
    return arrays
