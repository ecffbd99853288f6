"""TensorFlow Lite for Microcontrollers (TFLM): the arena that it reports."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Sequence
from dataclasses import dataclass

from hmcos import processes
from hmcos.alignment import round_up
from hmcos.errors import LimitError, NotRunError
from hmcos.graph.graph import Graph
from hmcos.plan.whole_arena import WholeArena
from hmcos.processes import AMPLE, Allowance
from hmcos.runtimes.tflite.arena_child import STEP, Sought, sizes_in
from hmcos.runtimes.tflite.litert import check_installed, is_installed, random_inputs, run

MEASURED_POINTER = 8
"""Bytes of a pointer in the Python package, which is what can be measured."""
_ROOM_EACH = 4096
"""Bytes that an operator may need in the arena besides its tensors: its data, and the allocation records."""


@dataclass(frozen=True, slots=True)
class TflmArena:
    """The parts of the arena, in bytes."""

    head: int
    """Activations and scratch; depends on order and offsets."""
    tail: int
    """Data that lives from setup to the end: the runtime's structures, variables, data of kernels."""
    total: int


def tflm_arena(content: bytes, graph: Graph, allowance: Allowance = AMPLE) -> TflmArena:
    """Return the arena that the runtime reports for a model file; `graph` determines how much room it gets.

    Raises:
        ToolError: the runtime is not installed.
        NotRunError: the runtime refuses the model, or reaches a limit of time or memory.
    """
    return arena_in(run("tflm", content, arena=room(content, graph), allowance=allowance).log)


def can_measure() -> bool:
    """Return whether the least arena of a model can be found by trying."""
    return is_installed("tflm") and hasattr(os, "fork")


def measured_arenas(
    models: Sequence[tuple[bytes, Graph]], allowance: Allowance = AMPLE, *, waits: float | None = None
) -> list[WholeArena | str]:
    """Return, per model file, what the runtime says of its arena and the least in which it runs it.

    For a file that the runtime refuses, why. What is measured is the Python package: pointers of 8 bytes, and
    an allocator that records. The arena starts at a multiple of 16 bytes. `waits` is the most seconds.

    Raises:
        ToolError: the runtime is not installed.
        NotRunError: the process that tries crashes.
        LimitError: it reaches a limit of time or memory.
    """
    check_installed("tflm")
    request = pickle.dumps([_sought(content, graph) for content, graph in models])
    call = "hmcos.runtimes.tflite.arena_child:answer"
    ended = processes.run(call, request, allowance, waits=waits)
    if ended.failure:
        raise (LimitError if ended.exhausted else NotRunError)(f"tflm: {ended.failure}")
    return [found.get("refused") or WholeArena(**found) for found in json.loads(ended.answer)]


def _sought(content: bytes, graph: Graph) -> Sought:
    try:
        inputs = tuple(random_inputs(graph, 0))
    except NotRunError:
        inputs = None
    return Sought(content, room(content, graph), inputs, len(graph.outputs))


def arena_in(log: str) -> TflmArena:
    """Return the arena reported in a log of the runtime.

    Raises:
        NotRunError: the log reports no arena.
    """
    sizes = sizes_in(log)
    if sizes is None:
        raise NotRunError("tflm: did not say how large its arena is")
    return TflmArena(sizes["head"], sizes["tail"], sizes["total"])


def room(content: bytes, graph: Graph) -> int:
    """Return enough bytes for a model: all its tensors at once, and its file.

    A multiple of what TFLM aligns to: of an arena that ends elsewhere it loses the rest, and counts it.
    """
    graphs, tensors, operators = [graph], 0, 0
    while graphs:
        here = graphs.pop()
        tensors += sum(tensor.size + 64 for tensor in here.tensors if not tensor.is_parameter)
        operators += len(here.operators)
        graphs += [body.graph for op in here.operators for body in op.bodies]
    return round_up((1 << 20) + 2 * tensors + len(content) + _ROOM_EACH * operators, STEP)
