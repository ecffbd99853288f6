"""Write a Model as TensorFlow Lite: the source with its operators permuted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from hmcos.errors import OptionError, OutputError
from hmcos.frontends.model import Model
from hmcos.frontends.tflite.attached import attach, attached
from hmcos.frontends.tflite.behind import set_aside, take_in, with_data
from hmcos.frontends.tflite.calls import paths
from hmcos.frontends.tflite.comparing import differences
from hmcos.frontends.tflite.offsets import set_offsets
from hmcos.frontends.tflite.reading import LARGEST, parse
from hmcos.frontends.tflite.schema import (
    IDENTIFIER,
    BufferT,
    ModelT,
    SubGraphT,
    bytes_of,
    content_of,
    integers,
    schema,
    unpacked,
)

ALIGNMENT = 16
"""Alignment of buffer data in the file, as the schema requires; kernels on microcontrollers rely on it."""


def serialised(
    model: Model, orders: Mapping[str, Sequence[int]], offsets: Mapping[int, int] | None = None
) -> bytes:
    """Return the source of a model with its operators permuted, and with offsets if any are given.

    `orders` holds operator numbers in the new order; the key is empty for the main graph and a path such as
    `node 17/then` for a body. `offsets` are bytes in the arena by tensor, numbered through all subgraphs;
    the source's own offsets are dropped, since they are for another order.

    Raises:
        OptionError: an order is not a permutation, or is for a graph that the model does not have.
        OutputError: the file cannot be written with this schema again without a change.
    """
    if not isinstance(model.proto, bytes):
        raise OptionError("the model was not loaded from TensorFlow Lite, so that it cannot be saved as such")
    return rewritten(model.proto, orders, offsets)


def rewritten(
    content: bytes, orders: Mapping[str, Sequence[int]], offsets: Mapping[int, int] | None = None
) -> bytes:
    """Return the bytes of a file with its operators permuted and its offsets replaced.

    Raises:
        OptionError: an order is not a permutation, or is for a graph that the model does not have.
        OutputError: the file cannot be written with this schema again without a change.
    """
    model = parse(content)
    _permute(model, orders)
    set_offsets(model, offsets)
    return packed_as(model, content)


def packed_as(model: ModelT, content: bytes) -> bytes:
    """Return the bytes of a changed model with the files that are appended to the one it was read from.

    Raises:
        OutputError: the schema cannot express the model without a change, or it would be too large.
    """
    packed = pack(model)
    again = unpacked(packed)
    take_in(again, packed)
    for place in differences(model, again):
        raise OutputError(f"the field {place} would not be written as it was read; nothing was written")
    return attach(packed, attached(content))


def showing(content: bytes, tensors: Sequence[int]) -> bytes:
    """Return the bytes of a file with more outputs of the main graph, and without offsets."""
    model = parse(content)
    graph = (model.subgraphs or [])[0]
    graph.outputs = [*integers(graph.outputs), *tensors]
    set_offsets(model, None)
    return pack(model)


def _permute(model: ModelT, orders: Mapping[str, Sequence[int]]) -> None:
    """Permute the operators of every graph that has an order.

    Two operators may run one subgraph, which then has the order of the first path to it.
    """
    subgraph_of = dict(paths(model))
    done: set[int] = set()
    subgraphs = model.subgraphs or []
    for where, order in orders.items():
        if where not in subgraph_of:
            raise OptionError(f"the model has no body {where!r} to order")
        index = subgraph_of[where]
        _check_order(subgraphs[index], order, where)
        if index not in done:
            operators = subgraphs[index].operators
            if operators is not None:
                subgraphs[index].operators = [operators[number] for number in order]
            done.add(index)


def _check_order(subgraph: SubGraphT, order: Sequence[int], where: str) -> None:
    operators = len(subgraph.operators or [])
    if sorted(order) != list(range(operators)):
        name = where or "the main graph"
        raise OptionError(f"the order of {name} must list each of its {operators} operators exactly once")


def pack(model: ModelT) -> bytes:
    """Return the bytes of a model with aligned buffer data, which the schema's own code does not align.

    Data that stood behind the flatbuffer stands there again.

    Raises:
        OutputError: the model is larger than a flatbuffer can be.
    """
    with set_aside(model):
        packed = _flatbuffer(model)
    return with_data(packed, model)


def _flatbuffer(model: ModelT) -> bytes:
    buffers = model.buffers or []
    bare = cast(Any, model)
    try:
        if model.buffers is not None:
            model.buffers = cast("list[BufferT]", [_Aligned(buffer) for buffer in buffers])
        size = sum(bytes_of(buffer) for buffer in buffers)
        flatbuffers = schema().flatbuffers
        builder = flatbuffers.Builder(min(2 * size + 65536, LARGEST))
        builder.Finish(bare.Pack(builder), file_identifier=IDENTIFIER)
        return bytes(builder.Output())
    except schema().flatbuffers.builder.BuilderSizeError as error:
        raise OutputError("the written model would be larger than 2 GB; nothing was written") from error
    finally:
        if model.buffers is not None:
            model.buffers = buffers


class _Aligned:
    """A buffer that aligns its data when it is packed."""

    def __init__(self, buffer: BufferT) -> None:
        self.buffer = cast(Any, buffer)

    def Pack(self, builder: Any) -> int:  # noqa: N802 (the schema's spelling)
        """Return the position of the buffer."""
        generated, place = schema(), None
        if self.buffer.data is not None:
            content = content_of(self.buffer)
            builder.StartVector(1, len(content), ALIGNMENT)
            builder.head = builder.Head() - len(content)
            builder.Bytes[builder.Head() : builder.Head() + len(content)] = content
            place = builder.EndVector()
        generated.BufferStart(builder)
        if place is not None:
            generated.BufferAddData(builder, place)
        generated.BufferAddOffset(builder, self.buffer.offset)
        generated.BufferAddSize(builder, self.buffer.size)
        return cast(int, generated.BufferEnd(builder))
