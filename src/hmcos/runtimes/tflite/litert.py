"""Run a TensorFlow Lite model in a child process, since a runtime may abort its process."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from typing import Any

from hmcos import processes
from hmcos.errors import LimitError, NotRunError, ToolError
from hmcos.frontends.feeding import NOTHING
from hmcos.frontends.implied import implied_values
from hmcos.frontends.indices import SMALL, Range, divisors, index_ranges
from hmcos.frontends.tflite.behind import NOT_IN_TFLM, is_behind_in
from hmcos.graph.graph import STRING, Graph
from hmcos.processes import AMPLE, Allowance, Ended
from hmcos.runtimes.tflite.litert_child import Task
from hmcos.words import LONGEST

PACKAGES: dict[str, tuple[str, str]] = {
    "tflm": ("tflite_micro", "tflite-micro"),
    "litert": ("ai_edge_litert", "ai-edge-litert"),
    "xnnpack": ("ai_edge_litert", "ai-edge-litert"),
}
"""Runtime to its module and the package that contains it."""
_WORDS = (b"", b"a", b"7", b"hello", b"two words", b"-0.5", b"a string that is a little longer than others")


@dataclass(frozen=True, slots=True)
class ModelRun:
    """The outputs and the log of one run."""

    outputs: tuple[Any, ...]
    """Arrays, one per output of the model; none if the model was only set up."""
    log: str
    """Everything that the runtime printed."""


def is_installed(engine: str) -> bool:
    """Return whether the package of a runtime is installed."""
    return find_spec(PACKAGES[engine][0]) is not None


def check_installed(engine: str) -> None:
    """Check that the package of a runtime is installed.

    Raises:
        ToolError: it is not; says how to install it.
    """
    if not is_installed(engine):
        raise ToolError(f"this needs the package {PACKAGES[engine][1]}; pip install 'hmcos[tflite-check]'")


def run(
    engine: str,
    content: bytes,
    inputs: Sequence[object] | None = None,
    arena: int = 0,
    allowance: Allowance = AMPLE,
) -> ModelRun:
    """Run a model on a runtime and return its outputs; without inputs, only set it up.

    Args:
        engine: tflm, litert for the reference kernels, or xnnpack for those that LiteRT takes by itself.
        content: the model file.
        inputs: arrays, one per input.
        arena: the size in bytes of the arena for tflm.
        allowance: limits of time and memory.

    Raises:
        ToolError: the runtime is not installed.
        NotRunError: the runtime refuses the model or crashes.
        LimitError: the run reaches a limit of time or memory.
    """
    return _ran(Task(engine, content, None if inputs is None else tuple(inputs), arena), allowance)


def run_all(
    engine: str, content: bytes, inputs: Sequence[Sequence[object]], arena: int = 0
) -> list[tuple[Any, ...]]:
    """Run a model on a runtime in one session for several inputs, at least one; return the outputs of each.

    Raises:
        ToolError: the runtime is not installed.
        NotRunError: the runtime refuses the model or crashes.
        LimitError: the run reaches a limit of time or memory.
    """
    first, *more = map(tuple, inputs)
    found = _ran(Task(engine, content, first, arena, tuple(more)), AMPLE).outputs
    each = len(found) // len(inputs)
    return [found[k : k + each] for k in range(0, len(found), each)]


def _ran(task: Task, allowance: Allowance) -> ModelRun:
    engine = task.engine
    check_installed(engine)
    if engine == "tflm" and is_behind_in(task.content):
        raise NotRunError(NOT_IN_TFLM)
    ended = processes.run("hmcos.runtimes.tflite.litert_child:answer", pickle.dumps(task), allowance)
    if ended.failure:
        if ended.exhausted:
            raise LimitError(f"{engine}: {ended.failure}")
        raise NotRunError(f"{engine}: {refusal(ended)}")
    if task.inputs is None:
        return ModelRun((), ended.log)
    numpy: Any = import_module("numpy")
    with numpy.load(BytesIO(ended.answer), allow_pickle=False) as arrays:
        return ModelRun(tuple(arrays[f"arr_{i}"] for i in range(len(arrays.files))), ended.log)


def refusal(ended: Ended) -> str:
    """Return how and why a runtime did not take a model, in words that follow its name."""
    how = f"signal {-ended.code}" if ended.code is not None and ended.code < 0 else f"exit code {ended.code}"
    return f"refuses the model ({how}): {_last_words(ended.log)}"


def _last_words(log: str) -> str:
    """Return the lines of a log that say what went wrong, joined to one."""
    before, _, traced = log.partition("Traceback")
    lines = [line.strip() for line in before.splitlines() if line.strip()][-3:]
    if not lines:  # then the last line of the traceback that is not indented, and what follows it
        lines = [line.strip() for line in re.split(r"\n(?=\S)", traced)[-1].splitlines()]
    return "; ".join(lines)[:LONGEST]


def random_inputs(graph: Graph, seed: int, known: Mapping[int, Range] = NOTHING) -> list[Any]:
    """Return a random array per input of a model: floats around 0, integers over their whole range.

    Integers of 32 bits and more are small, since they often count something, and indices stay valid. Strings
    are short words and numbers.
    `known` is the ranges of parameters (`loading.ranges`), for indices that are computed with them.

    Raises:
        NotRunError: an input has a type for which no values can be made.
    """
    numpy: Any = import_module("numpy")
    rng = numpy.random.default_rng(seed)
    arrays: list[Any] = []
    ranges, dividing, implied = index_ranges(graph, known), divisors(graph), implied_values(graph)
    for t in graph.inputs:
        tensor = graph.tensors[t]
        if t in implied:
            arrays.append(numpy.array(implied[t]).astype(tensor.element).reshape(tensor.shape))
        elif tensor.element == "bool":
            arrays.append(rng.integers(0, 2, tensor.shape).astype(bool))
        elif tensor.element.startswith("float") and tensor.bits >= 16:
            arrays.append(_floats(rng, tensor.shape, ranges.get(t)).astype(tensor.element))
        elif tensor.element.startswith(("int", "uint")) and tensor.bits >= 8:
            kind = numpy.dtype(tensor.element)
            span = Range(int(numpy.iinfo(kind).min), int(numpy.iinfo(kind).max))
            if t in ranges or tensor.bits >= 32:
                span = span.within(ranges.get(t, Range(int(t in dividing), SMALL - 1)))
            arrays.append(rng.integers(span.least, span.most, tensor.shape, kind, endpoint=True))
        elif tensor.element == STRING:
            arrays.append(rng.choice(_WORDS, tensor.shape))
        else:
            raise NotRunError(f"input {tensor.name!r}: arrays of {tensor.element} cannot be fed")
    return arrays


def _floats(rng: Any, shape: tuple[int, ...], wanted: Range | None) -> Any:
    if wanted is None:
        return rng.standard_normal(shape)
    return rng.integers(wanted.least, wanted.most, shape, endpoint=True)
