"""Offsets in the arena, in the form that TensorFlow Lite for Microcontrollers reads from a file."""

from __future__ import annotations

from collections.abc import Mapping
from struct import pack, unpack_from

from hmcos.errors import ModelError, OptionError
from hmcos.frontends.tflite.buffers import EMPTY, uses
from hmcos.frontends.tflite.schema import MetadataT, ModelT, content_of, schema, text

NAME = "OfflineMemoryAllocation"
"""Name of the metadata whose buffer holds int32: version, subgraph, number of tensors, offset per tensor.

Source: "Offline planned tensor allocations", tflite-micro/docs/memory_management.md. The runtime
checks only the number of tensors, in every entry of this name, and uses the offsets of the last entry.
"""
FORMAT_VERSION = 1
UNPLANNED = -1
"""The offset of a tensor that the runtime plans itself. It uses all other offsets unchecked."""
LARGEST = 2**31 - 1
"""The largest offset that the file can hold."""


def tensors_in_all(model: ModelT) -> int:
    """Return the number of tensors in all subgraphs; the runtime expects an offset for each."""
    return sum(len(subgraph.tensors or []) for subgraph in model.subgraphs or [])


def variables(model: ModelT) -> frozenset[int]:
    """Return the variable tensors, which keep their values between runs, numbered through all subgraphs.

    With an offset, the runtime would put them into the part of the arena that other tensors overwrite.
    """
    tensors = [tensor for subgraph in model.subgraphs or [] for tensor in subgraph.tensors or []]
    return frozenset(number for number, tensor in enumerate(tensors) if tensor.isVariable)


def set_offsets(model: ModelT, offsets: Mapping[int, int] | None) -> None:
    """Replace the offsets in a model by others, or remove them.

    The buffer of the old offsets is reused, so that the numbers of the other buffers do not change. If
    something else uses it too, the offsets get a new buffer after all others.

    Raises:
        OptionError: the file cannot hold an offset.
    """
    held = _held(model)
    if not offsets:
        if held:
            model.metadata = [entry for entry in model.metadata or [] if entry not in held]
        return
    data = _table(model, offsets)
    buffers = model.buffers = model.buffers if model.buffers is not None else []
    place = next((entry.buffer for entry in held if entry.buffer in own_buffers(model)), len(buffers))
    if place == len(buffers):
        buffers.append(schema().BufferT(data))
    buffers[place].data = data
    if not held:
        model.metadata = [*(model.metadata or []), schema().MetadataT(NAME, place)]
        return
    held[0].buffer = place
    model.metadata = [entry for entry in model.metadata or [] if entry not in held[1:]]


def _held(model: ModelT) -> list[MetadataT]:
    return [entry for entry in model.metadata or [] if text(entry.name) == NAME]


def _table(model: ModelT, offsets: Mapping[int, int]) -> list[int]:
    kept = variables(model)
    listed = [
        UNPLANNED if tensor in kept else offsets.get(tensor, UNPLANNED)
        for tensor in range(tensors_in_all(model))
    ]
    for tensor, offset in enumerate(listed):
        if not UNPLANNED <= offset <= LARGEST:
            raise OptionError(f"tensor {tensor}: the file cannot hold the offset {offset}")
    return list(pack(f"<{3 + len(listed)}i", FORMAT_VERSION, 0, len(listed), *listed))


def offsets_used(model: ModelT) -> tuple[int, ...] | None:
    """Return the offsets that the runtime uses, overlapping or not; None if it uses none.

    Raises:
        ModelError: the runtime refuses the offsets, or would write before the arena.
    """
    held = _held(model)
    if not held:
        return None
    tensors = tensors_in_all(model)
    for entry in held:
        content = content_of((model.buffers or [])[entry.buffer])
        if len(content) < 4 * (3 + tensors) or unpack_from("<i", content, 8)[0] != tensors:
            raise ModelError(f"{NAME}: is not for the {tensors} tensors that the file has")
    offsets = unpack_from(f"<{tensors}i", content_of((model.buffers or [])[held[-1].buffer]), 12)
    if min(offsets, default=UNPLANNED) < UNPLANNED:
        raise ModelError(f"{NAME}: the offset {min(offsets)} lies before the arena")
    return offsets


def own_buffers(model: ModelT) -> frozenset[int]:
    """Return the buffers that only offsets use, without the shared empty one."""
    mentions = list(uses(model))
    others = {use.buffer for use in mentions if use.metadata != NAME}
    return frozenset({use.buffer for use in mentions} - others - {EMPTY})


def offsets_in(model: ModelT) -> tuple[int, ...] | None:
    """Return the offsets in a model, one per tensor of all subgraphs; None if it has none.

    Raises:
        ModelError: the offsets are not in the layout that the runtime reads, or share their buffer.
    """
    held = _held(model)
    if not held:
        return None
    if len(held) > 1:
        raise ModelError(f"{NAME}: appears {len(held)} times in the metadata")
    if held[0].buffer not in own_buffers(model):
        raise ModelError(f"{NAME}: is in buffer {held[0].buffer}, which something else uses too")
    content = content_of((model.buffers or [])[held[0].buffer])
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
