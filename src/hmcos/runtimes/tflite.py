"""A TensorFlow Lite model in a child process: a runtime may abort, and must not take us along."""

from __future__ import annotations

import signal
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
from hmcos.frontends.indices import SMALL, index_limits
from hmcos.graph.model import Graph

PACKAGES: dict[str, tuple[str, str]] = {
    "tflm": ("tflite_micro", "tflite-micro"),
    "litert": ("ai_edge_litert", "ai-edge-litert"),
}
"""Runtime to the module it needs and the package that brings it."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one run of a model may take."""

    seconds: int = 600
    """Of processor time."""
    memory: int = 16 * 2**30
    """Bytes of address space; the runtimes themselves reserve a few."""


AMPLE = Allowance()


@dataclass(frozen=True, slots=True)
class Run:
    """What a child process left behind."""

    outputs: tuple[Any, ...]
    """Arrays, one per output of the model; none if it was only set up."""
    log: str
    """All that the runtime printed."""


def run(
    engine: str,
    content: bytes,
    inputs: Sequence[object] | None = None,
    arena: int = 0,
    allowance: Allowance = AMPLE,
) -> Run:
    """Return the outputs of a model on a runtime, or only set it up if there are no inputs.

    Args:
        engine: tflm or litert.
        content: the model file.
        inputs: arrays, one per input.
        arena: bytes that tflm may use.
        allowance: time and memory that it may take.

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
        words = [str(model), str(arena), str(allowance.seconds), str(allowance.memory), *files]
        log = _child(engine, words, allowance)
        if inputs is None:
            return Run((), log)
        with numpy.load(made, allow_pickle=False) as found:
            return Run(tuple(found[f"arr_{i}"] for i in range(len(found.files))), log)


def _child(engine: str, words: list[str], allowance: Allowance) -> str:
    command = [sys.executable, "-m", "hmcos.runtimes.tflite_child", engine, *words]
    patience = 2 * allowance.seconds + 10
    try:
        ended = subprocess.run(command, capture_output=True, check=False, timeout=patience)
    except subprocess.TimeoutExpired as error:
        raise VerifyError(f"{engine}: did not end within {patience} seconds") from error
    log = (ended.stdout + ended.stderr).decode(errors="replace")
    if ended.returncode == -signal.SIGXCPU:
        raise VerifyError(f"{engine}: took more than {allowance.seconds} seconds of processor time")
    if ended.returncode and ("MemoryError" in log or "bad_alloc" in log):
        raise VerifyError(f"{engine}: needed more than {allowance.memory:,} bytes of memory")
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
    """Return an array per input of a model: floats around 0, integers over their whole range.

    Integers of 32 bits and more are small, since they count, and indices stay below what they look up.

    Raises:
        VerifyError: an input is of a type that cannot be fed.
    """
    numpy: Any = import_module("numpy")
    rng = numpy.random.default_rng(seed)
    arrays: list[Any] = []
    limits = index_limits(graph)
    for t in graph.inputs:
        tensor = graph.tensors[t]
        if tensor.element == "bool":
            arrays.append(rng.integers(0, 2, tensor.shape).astype(bool))
        elif tensor.element.startswith("float") and tensor.bits >= 16:
            arrays.append(rng.standard_normal(tensor.shape).astype(tensor.element))
        elif tensor.element.startswith(("int", "uint")) and tensor.bits >= 8:
            kind = numpy.dtype(tensor.element)
            least, most = int(numpy.iinfo(kind).min), int(numpy.iinfo(kind).max)
            if t in limits or tensor.bits >= 32:
                least, most = 0, min(most, limits.get(t, SMALL) - 1)
            arrays.append(rng.integers(least, most, tensor.shape, kind, endpoint=True))
        else:
            raise VerifyError(f"input {tensor.name!r}: arrays of {tensor.element} cannot be fed")
    return arrays
