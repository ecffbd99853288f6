"""The uses of a file's buffers: by tensors, metadata, and the list that older files have instead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hmcos.errors import ModelError
from hmcos.frontends.tflite.schema import ModelT, SubGraphT, bytes_of, integers, text

EMPTY = 0
"""The buffer of everything without data; the schema requires it to be empty."""


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a buffer."""

    buffer: int
    user: str
    """The user of the buffer, as named in messages."""
    metadata: str | None = None
    """The name of the metadata entry that uses it; None for any other use."""
    is_tensor: bool = False


def uses(model: ModelT) -> Iterator[Use]:
    """Yield every use of a buffer in a file, in all subgraphs."""
    for index, graph in enumerate(model.subgraphs or []):
        yield from _tensor_uses(index, graph)
    for index, entry in enumerate(model.metadata or []):
        name = text(entry.name)
        yield Use(entry.buffer, f"metadata {index} ({name!r})", name)
    for index, buffer in enumerate(integers(model.metadataBuffer)):
        yield Use(buffer, f"entry {index} of metadata_buffer")


def _tensor_uses(index: int, graph: SubGraphT) -> Iterator[Use]:
    where = f" of subgraph {index}" if index else ""
    for number, tensor in enumerate(graph.tensors or []):
        yield Use(tensor.buffer, f"tensor {number} ({text(tensor.name)!r}){where}", is_tensor=True)


def check_buffers(model: ModelT) -> None:
    """Check that every buffer in use exists, and that buffer 0, which means no data, is empty.

    Raises:
        ModelError: a buffer does not exist, so that a buffer added to the file would be mistaken for it. Or
            buffer 0 has data: runtimes disagree on whether the tensors that use it have data.
    """
    buffers = model.buffers or []
    filled = bool(buffers) and bytes_of(buffers[EMPTY]) > 0
    for use in uses(model):
        if not 0 <= use.buffer < len(buffers):
            raise ModelError(f"{use.user}: uses buffer {use.buffer}; there are {len(buffers)}")
        if filled and use.is_tensor and use.buffer == EMPTY:
            raise ModelError(
                f"{use.user}: uses buffer 0, which must be empty but holds"
                f" {bytes_of(buffers[EMPTY])} bytes; give what it holds a buffer of its own"
            )
