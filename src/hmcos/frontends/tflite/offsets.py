"""Offsets in the arena, as TensorFlow Lite for Microcontrollers reads them from a file."""

from __future__ import annotations

from collections.abc import Mapping
from struct import pack, unpack_from
from typing import Any

from hmcos.errors import ModelError
from hmcos.frontends.tflite.schema import ModelT, content_of, schema, text

NAME = "OfflineMemoryAllocation"
"""Of the metadata whose buffer holds int32: version, subgraph, number of tensors, an offset per tensor.

Source: "Offline planned tensor allocations", tflite-micro/docs/memory_management.md.
"""
FORMAT_VERSION = 1
UNPLANNED = -1
"""The offset of a tensor that the runtime has to place itself."""


def tensors_in_all(model: ModelT) -> int:
    """Return the number of tensors of all subgraphs, which the runtime wants an offset for."""
    return sum(len(subgraph.tensors or []) for subgraph in model.subgraphs or [])


def set_offsets(model: ModelT, offsets: Mapping[int, int] | None) -> None:
    """Replace the offsets that a model holds by others, or by none.

    The buffer of those that it holds is used again, so that the numbers of the others stay.
    """
    held = [entry for entry in model.metadata or [] if text(entry.name) == NAME]
    if not offsets:
        if held:
            model.metadata = [entry for entry in model.metadata or [] if text(entry.name) != NAME]
        return
    listed = [offsets.get(tensor, UNPLANNED) for tensor in range(tensors_in_all(model))]
    data = list(pack(f"<{3 + len(listed)}i", FORMAT_VERSION, 0, len(listed), *listed))
    buffers = model.buffers = model.buffers if model.buffers is not None else []
    generated: Any = schema()
    if held:
        buffers[held[0].buffer].data = data
        return
    buffers.append(generated.BufferT(data))
    model.metadata = [*(model.metadata or []), generated.MetadataT(NAME, len(buffers) - 1)]


def offsets_in(model: ModelT) -> tuple[int, ...] | None:
    """Return the offsets that a model holds, one per tensor of all subgraphs, None if it holds none.

    Raises:
        ModelError: they are not in the layout that the runtime reads.
    """
    for entry in model.metadata or []:
        if text(entry.name) != NAME:
            continue
        buffers = model.buffers or []
        if not 0 <= entry.buffer < len(buffers):
            raise ModelError(f"{NAME}: uses buffer {entry.buffer}; there are {len(buffers)}")
        content = content_of(buffers[entry.buffer])
        tensors = tensors_in_all(model)
        if len(content) != 4 * (3 + tensors):
            raise ModelError(f"{NAME}: has {len(content)} bytes; {tensors} tensors take {4 * (3 + tensors)}")
        version, subgraph, number, *offsets = unpack_from(f"<{3 + tensors}i", content)
        if (version, subgraph, number) != (FORMAT_VERSION, 0, tensors):
            raise ModelError(
                f"{NAME}: is of version {version} for {number} tensors of subgraph {subgraph};"
                f" version {FORMAT_VERSION} for {tensors} of subgraph 0 was expected"
            )
        return tuple(offsets)
    return None
