"""Bind bytes to the inputs of an ONNX Runtime session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hmcos.frontends.feeding import Bytes
from hmcos.frontends.onnx.elements import NUMBERS
from hmcos.graph.graph import Graph


def bind_inputs(session: Any, graph: Graph, fed: Mapping[int, Bytes]) -> tuple[Any, list[Bytes]]:
    """Return a binding of a session with its inputs bound, and their bytes, which must outlive it.

    `fed` is the bytes by tensor; the session identifies inputs by name, which ONNX requires to be unique.
    """
    by_name = {graph.tensors[t].name: t for t in graph.inputs}
    binding = session.io_binding()
    lent: list[Bytes] = []
    for node in session.get_inputs():
        t = by_name[node.name]
        tensor = graph.tensors[t]
        lent.append(fed[t])
        number, _ = NUMBERS[tensor.element]
        binding.bind_input(node.name, "cpu", 0, number, tensor.shape, lent[-1].ctypes.data)
    return binding, lent
