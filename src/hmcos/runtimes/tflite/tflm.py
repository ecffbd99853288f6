"""TensorFlow Lite for Microcontrollers (TFLM): the arena that it reports."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hmcos.errors import NotRunError
from hmcos.graph.graph import Graph
from hmcos.processes import AMPLE, Allowance
from hmcos.runtimes.tflite.litert import run

_LINE = re.compile(r"Arena allocation (total|head|tail) (\d+) bytes")
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


def arena_in(log: str) -> TflmArena:
    """Return the arena reported in a log of the runtime.

    Raises:
        NotRunError: the log reports no arena.
    """
    sizes = {word: int(size) for word, size in _LINE.findall(log)}
    if set(sizes) != {"total", "head", "tail"}:
        raise NotRunError("tflm: did not say how large its arena is")
    return TflmArena(sizes["head"], sizes["tail"], sizes["total"])


def room(content: bytes, graph: Graph) -> int:
    """Return enough bytes for a model: all its tensors at once, and its file."""
    graphs, tensors, operators = [graph], 0, 0
    while graphs:
        here = graphs.pop()
        tensors += sum(tensor.size + 64 for tensor in here.tensors if not tensor.is_parameter)
        operators += len(here.operators)
        graphs += [body.graph for op in here.operators for body in op.bodies]
    return (1 << 20) + 2 * tensors + len(content) + _ROOM_EACH * operators
