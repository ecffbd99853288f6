"""TensorFlow Lite for Microcontrollers: its arena as it reports it itself."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hmcos.errors import NotRunError
from hmcos.graph.graph import Graph
from hmcos.processes import AMPLE, Allowance
from hmcos.runtimes.tflite.litert import run

_LINE = re.compile(r"Arena allocation (total|head|tail) (\d+) bytes")
_ROOM_EACH = 4096
"""Bytes beside its tensors that an operator may need in the arena: its data, and the log of allocations."""


@dataclass(frozen=True, slots=True)
class TflmArena:
    """Bytes of the one block that the runtime works in."""

    head: int
    """Activations and scratch: what order and offsets decide."""
    tail: int
    """What lives from setup to the end: the runtime's own structures, variables, data of kernels."""
    total: int


def tflm_arena(content: bytes, graph: Graph, allowance: Allowance = AMPLE) -> TflmArena:
    """Return what the runtime says of its arena for a model file; `graph` tells how much room it gets.

    Raises:
        ToolError: the runtime is not installed.
        NotRunError: it refuses the model, or takes more time or memory than it may.
    """
    return arena_in(run("tflm", content, arena=room(content, graph), allowance=allowance).log)


def arena_in(log: str) -> TflmArena:
    """Return the arena that a log of the runtime tells of.

    Raises:
        NotRunError: the log does not.
    """
    found = {word: int(size) for word, size in _LINE.findall(log)}
    if set(found) != {"total", "head", "tail"}:
        raise NotRunError("tflm: did not say how large its arena is")
    return TflmArena(found["head"], found["tail"], found["total"])


def room(content: bytes, graph: Graph) -> int:
    """Return bytes that surely are enough for a model: all its tensors at once, and its file."""
    graphs, tensors, operators = [graph], 0, 0
    while graphs:
        here = graphs.pop()
        tensors += sum(tensor.size + 64 for tensor in here.tensors if not tensor.is_parameter)
        operators += len(here.operators)
        graphs += [body.graph for op in here.operators for body in op.bodies]
    return (1 << 20) + 2 * tensors + len(content) + _ROOM_EACH * operators
