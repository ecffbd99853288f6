"""Compare a written model with its source: find the orders of its graphs and its offsets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from hmcos.errors import ModelError
from hmcos.files import read_ordinary
from hmcos.frontends.format import Written
from hmcos.frontends.tflite.attached import attached
from hmcos.frontends.tflite.comparing import differences
from hmcos.frontends.tflite.offsets import NAME, offsets_in, own_buffers
from hmcos.frontends.tflite.reading import parse
from hmcos.frontends.tflite.schema import BufferT, ModelT, OperatorT, integers, text


def written(source: bytes, result: bytes) -> Written:
    """Return how a model differs from its source, every field compared.

    Raises:
        ModelError: it differs in anything else, or is not a model; names the field.
    """
    before, after = parse(source), parse(result)
    graphs, others = before.subgraphs or [], after.subgraphs or []
    if len(graphs) != len(others):
        raise ModelError(f"has {len(others)} subgraphs, its source {len(graphs)}")
    orders: list[tuple[int, ...]] = []
    for index, (graph, other) in enumerate(zip(graphs, others, strict=True)):
        operators = graph.operators or []
        orders.append(_order(operators, other.operators or [], index))
        if graph.operators is not None:
            graph.operators = [operators[number] for number in orders[-1]]
    offsets = offsets_in(after)
    _leave_out_offsets(before, after)
    for place in differences(before, after):
        raise ModelError(f"differs from its source in more than order and offsets: in {place}")
    if attached(source) != attached(result):
        raise ModelError("differs from its source in the files appended to the model")
    return Written(tuple(orders), offsets)


def _leave_out_offsets(before: ModelT, after: ModelT) -> None:
    """Remove from both models the metadata and buffers that only offsets use.

    The offsets of a result are in a buffer that held only those of the source, or in a new one after all of
    the source's. Every other buffer must be unchanged.
    """
    first, second = before.buffers or [], after.buffers or []
    new = own_buffers(after)
    reused, added = own_buffers(before) & new, {len(first)} & new
    for model, buffers in ((before, first), (after, second)):
        model.metadata = [entry for entry in model.metadata or [] if text(entry.name) != NAME]
        kept = [None if i in reused else buffer for i, buffer in enumerate(buffers) if i not in added]
        model.buffers = cast("list[BufferT]", kept)


def read(path: Path) -> bytes:
    """Return the bytes of a written model.

    Raises:
        ModelError: the file cannot be read.
    """
    try:
        return read_ordinary(path)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error


def _order(source: Sequence[OperatorT], result: Sequence[OperatorT], index: int) -> tuple[int, ...]:
    """Return the source positions of the result's operators; equal operators keep their order."""
    places: dict[tuple[object, ...], list[int]] = {}
    for number, operator in reversed(list(enumerate(source))):
        places.setdefault(_ports(operator), []).append(number)
    order: list[int] = []
    for number, operator in enumerate(result):
        if not places.get(_ports(operator)):
            raise ModelError(f"operator {number} of subgraph {index} is not in the source")
        order.append(places[_ports(operator)].pop())
    if len(order) != len(source):
        raise ModelError(f"subgraph {index} lacks {len(source) - len(order)} operators of the source")
    return tuple(order)


def _ports(operator: OperatorT) -> tuple[object, ...]:
    return operator.opcodeIndex, tuple(integers(operator.inputs)), tuple(integers(operator.outputs))
