"""What TensorFlow Lite for Microcontrollers (TFLM) keeps in its arena though it never uses it."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from hmcos.frontends.tflite.calls import paths
from hmcos.frontends.tflite.operator_codes import kind_of
from hmcos.frontends.tflite.schema import ELEMENTS, ModelT, SubGraphT, bytes_of, integers, words


def unused(model: ModelT) -> dict[int, int]:
    """Return the bytes of tensors that are never used, by their numbers, counted through all subgraphs.

    These are tensors that no operator of their subgraph reads or makes and that are neither its inputs nor
    its outputs, and all tensors of subgraphs that the first one does not reach, such as further signatures.
    TFLM plans them for a moment before the first operator. Tensors with data are not in the arena, nor are
    variables and handles of resources.

    Source: `InitializeAllocationInfo` and `MarkAllocationLifetimes` in micro_allocation_info.cc.
    """
    reached = {subgraph for _, subgraph in paths(model)}
    found: dict[int, int] = {}
    first = 0
    for index, graph in enumerate(model.subgraphs or []):
        tensors = graph.tensors or []
        used = set(_handles(model, graph)) | (_used(graph) if index in reached else set[int]())
        for t, tensor in enumerate(tensors):
            size = 0 if t in used or tensor.isVariable else _size(tensor.type, integers(tensor.shape))
            if size and not bytes_of((model.buffers or [])[tensor.buffer]):
                found[first + t] = size
        first += len(tensors)
    return found


def _used(graph: SubGraphT) -> set[int]:
    """Return the tensors that a subgraph's operators read or make, or that go in or out."""
    used = {*integers(graph.inputs), *integers(graph.outputs)}
    for operator in graph.operators or []:
        used.update(integers(operator.inputs), integers(operator.outputs))
    return used


def _handles(model: ModelT, graph: SubGraphT) -> Iterator[int]:
    for number, operator in enumerate(graph.operators or []):
        if kind_of(model, number, operator)[0] == "VAR_HANDLE":
            yield from integers(operator.outputs)


def _size(element: int, shape: list[int]) -> int:
    """Return the bytes of a tensor; 0 if they are not known before it runs."""
    word = words("TensorType").get(element, "")
    if word not in ELEMENTS or min(shape, default=0) < 0:
        return 0
    return -(-prod(shape) * ELEMENTS[word][1] // 8)
