"""The bytes that strings count: their elements have no width of their own."""

from __future__ import annotations

from dataclasses import replace

from hmcos.graph.graph import STRING, Graph, Tensor

STRING_BYTES = 16
"""Bytes of a string, unless a target says otherwise."""


def string_notes(graph: Graph) -> tuple[str, ...]:
    """Return what is assumed of the strings that a graph computes on; none if there are none."""
    if not graph.has_strings:
        return ()
    return (f"strings count {STRING_BYTES} bytes each, unless the target says otherwise (string_bytes)",)


def with_string_bytes(graph: Graph, each: int) -> Graph:
    """Return a graph, and the bodies in it, in which every string counts so many bytes."""
    if each == STRING_BYTES:
        return graph
    operators = tuple(
        replace(op, bodies=tuple(replace(b, graph=with_string_bytes(b.graph, each)) for b in op.bodies))
        if op.bodies
        else op
        for op in graph.operators
    )
    return replace(graph, tensors=tuple(_counted(t, each) for t in graph.tensors), operators=operators)


def _counted(tensor: Tensor, each: int) -> Tensor:
    strings = tensor.element.count(STRING)
    return replace(tensor, bits=tensor.bits + 8 * strings * (each - STRING_BYTES)) if strings else tensor
