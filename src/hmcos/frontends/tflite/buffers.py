"""What names a buffer of the file: tensors, metadata, and the list that files had before metadata."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hmcos.errors import ModelError
from hmcos.frontends.tflite.schema import ModelT, SubGraphT, content_of, integers, text

EMPTY = 0
"""The buffer of everything without data: the schema demands that it is empty."""


@dataclass(frozen=True, slots=True)
class Use:
    """One mention of a buffer."""

    buffer: int
    user: str
    """As a message calls it."""
    metadata: str | None = None
    """The name of the metadata entry that mentions it; None for what is no such entry."""
    is_tensor: bool = False


def uses(model: ModelT) -> Iterator[Use]:
    """Yield every mention of a buffer in a file, in all subgraphs."""
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
    """Do nothing if every buffer that something names exists, and what has no data names an empty one.

    Raises:
        ModelError: a buffer does not exist: a buffer added to the file would be taken for it. Or buffer 0
            has data: the runtimes do not agree on whether the tensors that name it have data then.
    """
    buffers = model.buffers or []
    filled = bool(buffers) and len(content_of(buffers[EMPTY])) > 0
    for use in uses(model):
        if not 0 <= use.buffer < len(buffers):
            raise ModelError(f"{use.user}: uses buffer {use.buffer}; there are {len(buffers)}")
        if filled and use.is_tensor and use.buffer == EMPTY:
            raise ModelError(
                f"{use.user}: uses buffer 0, which must be empty but holds"
                f" {len(content_of(buffers[EMPTY]))} bytes; give what it holds a buffer of its own"
            )
