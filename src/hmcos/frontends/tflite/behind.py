"""Data behind the flatbuffer, where large models have their weights: a flatbuffer ends at 2 GB.

A buffer or an operator then says at which byte of the file its data begins. These places change when a model
is written. So `take_in` replaces them by their ranks, which a written model keeps.

Source: `offset` of Buffer and `large_custom_options_offset` of Operator in TensorFlow Lite's schema.fbs.
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from struct import pack_into
from typing import Any, cast

from hmcos.errors import ModelError
from hmcos.frontends.tflite.schema import ModelT, schema

ALIGNMENT = 16
"""Of data in the file, as the schema requires of buffers."""
PLACEHOLDER = 1
"""In the field of the place, this means as much as 0: the data is in the flatbuffer."""
NOT_IN_TFLM = "the model has data behind the flatbuffer, where LiteRT reads it and TFLM does not"


@dataclass(frozen=True, slots=True)
class _Owner:
    """A table with data behind the flatbuffer, and the names of its fields."""

    table: Any
    where: tuple[int, ...]
    """The number of a buffer; or of a subgraph and an operator in it."""
    data: str
    place: str
    size: str

    @property
    def title(self) -> str:
        if len(self.where) == 1:
            return f"buffer {self.where[0]}"
        return f"operator {self.where[1]}" + (f" of subgraph {self.where[0]}" if self.where[0] else "")

    @property
    def spot(self) -> tuple[int, int]:
        """Where the data begins, and its bytes."""
        return getattr(self.table, self.place), getattr(self.table, self.size)


def _owners(model: ModelT) -> Iterator[_Owner]:
    """Yield what has its data behind the flatbuffer."""
    for number, buffer in enumerate(model.buffers or []):
        if buffer.offset > PLACEHOLDER:
            yield _Owner(buffer, (number,), "data", "offset", "size")
    for index, graph in enumerate(model.subgraphs or []):
        for number, operator in enumerate(graph.operators or []):
            if operator.largeCustomOptionsOffset > PLACEHOLDER:
                names = ("customOptions", "largeCustomOptionsOffset", "largeCustomOptionsSize")
                yield _Owner(operator, (index, number), *names)


def is_behind(model: ModelT) -> bool:
    """Return whether a model has data behind the flatbuffer, which only LiteRT reads."""
    return any(True for _ in _owners(model))


def is_behind_in(content: bytes) -> bool:
    """Return whether the model in a file has data behind the flatbuffer; a file that ends early has none."""
    root = schema().Model.GetRootAs(content, 0)
    try:
        if any(root.Buffers(i).Offset() > PLACEHOLDER for i in range(root.BuffersLength())):
            return True
        graphs = (root.Subgraphs(i) for i in range(root.SubgraphsLength()))
        operators = (graph.Operators(i) for graph in graphs for i in range(graph.OperatorsLength()))
        return any(operator.LargeCustomOptionsOffset() > PLACEHOLDER for operator in operators)
    except struct.error:
        return False


def take_in(model: ModelT, content: bytes) -> None:
    """Give buffers and operators the data that is behind the flatbuffer, and ranks instead of places.

    Raises:
        ModelError: data is not in the file, or overlaps, or is also in the flatbuffer.
    """
    owners = list(_owners(model))
    _check({owner.spot: owner for owner in reversed(owners)}, len(content))
    view = memoryview(content)
    for owner in owners:
        inside = getattr(owner.table, owner.data)
        if inside is not None and len(inside):
            raise ModelError(f"{owner.title}: has data in the flatbuffer and behind it")
        begin, size = owner.spot
        setattr(owner.table, owner.data, view[begin : begin + size])
    _rank(owners)


def _check(owner_of: Mapping[tuple[int, int], _Owner], length: int) -> None:
    end = 0
    for begin, size in sorted(owner_of):
        title = owner_of[begin, size].title
        if begin + size > length:
            raise ModelError(
                f"{title}: its data would end at {begin + size:,}, but the file has {length:,} bytes"
            )
        if begin < end:
            raise ModelError(f"{title}: its data at {begin:,} overlaps other data behind the flatbuffer")
        end = begin + size


def _rank(owners: Sequence[_Owner]) -> None:
    """Replace places by their ranks, the first of which means that the data is not in the flatbuffer."""
    places = sorted({owner.spot for owner in owners})
    ranks = {spot: rank for rank, spot in enumerate(places, PLACEHOLDER + 1)}
    for owner in owners:
        setattr(owner.table, owner.place, ranks[owner.spot])


@contextmanager
def set_aside(model: ModelT) -> Generator[None]:
    """Take the data that goes behind the flatbuffer out of a model while it is packed."""
    owners = list(_owners(model))
    _rank(owners)
    data = [getattr(owner.table, owner.data) for owner in owners]
    for owner in owners:
        setattr(owner.table, owner.data, None)
    try:
        yield
    finally:
        for owner, content in zip(owners, data, strict=True):
            setattr(owner.table, owner.data, content)


def with_data(packed: bytes, model: ModelT) -> bytes:
    """Return a flatbuffer with the data of its model behind it, and the places of the data in it."""
    owners = sorted(_owners(model), key=lambda owner: owner.spot)
    if not owners:
        return packed
    made, root = bytearray(packed), schema().Model.GetRootAs(packed, 0)
    parts: list[Any] = [made]
    places, end = dict[int, int](), len(packed)
    for owner in owners:
        rank, size = owner.spot
        if rank not in places:
            parts += [bytes(-end % ALIGNMENT), getattr(owner.table, owner.data)]
            places[rank] = end + -end % ALIGNMENT
            end = places[rank] + size
        pack_into("<Q", made, _field(root, owner.where), places[rank])
    return b"".join(parts)


def _field(root: Any, where: tuple[int, ...]) -> int:
    """Return where a flatbuffer holds the place of data."""
    if len(where) == 1:
        table, slot = root.Buffers(where[0]), 1
    else:
        table, slot = root.Subgraphs(where[0]).Operators(where[1]), 9
    return cast(int, table._tab.Pos + table._tab.Offset(4 + 2 * slot))
