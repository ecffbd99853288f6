"""Check that bytes are a flatbuffer of this schema that can be unpacked safely and without loss."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, cast

from hmcos.errors import ModelError
from hmcos.frontends.tflite.schema import IDENTIFIER, schema, words

_NOT_FIELDS = ("GetRootAs", "Init")
_UNIONS = {
    "BuiltinOptions": "BuiltinOptions",
    "BuiltinOptions2": "BuiltinOptions2",
    "Details": "QuantizationDetails",
    "ArraySegments": "SparseIndexVector",
    "ArrayIndices": "SparseIndexVector",
}
"""Union field to the enumeration of its possible tables."""
_WORTH = 16
"""Weight of a table in bytes: at least its vtable offset and the offset that leads to it."""
_SLACK = 1 << 16

DAMAGE = (struct.error, ValueError, TypeError, IndexError, OverflowError, AttributeError, AssertionError)
"""The errors that the flatbuffers library may raise on malformed bytes."""


def check_flatbuffer(content: bytes) -> None:
    """Check that the bytes can be unpacked, within bounds, into a tree not much larger than the file.

    Many paths may lead to one table: a file of a megabyte can unpack to a tree of terabytes.
    A field that this version of the schema does not know would be lost when the model is written.

    Raises:
        ModelError: the bytes are not such a flatbuffer; says why.
    """
    if len(content) < 8:
        raise ModelError("is not a TensorFlow Lite model: it is too short for a flatbuffer")
    if content[4:8] != IDENTIFIER:
        raise ModelError(
            f"is not a TensorFlow Lite model: its identifier is {content[4:8]!r}, not {IDENTIFIER!r}"
        )
    try:
        _Walk(content).model()
    except DAMAGE as error:
        raise ModelError(f"is damaged or truncated: {error}") from error


class _Walk:
    """Visits every table once per path to it, and adds up the weights."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.left = 4 * len(content) + _SLACK

    def model(self) -> None:
        open_tables: list[Any] = [schema().Model.GetRootAs(self.content, 0)]
        while open_tables:
            table = open_tables.pop()
            self.check_vtable(table)
            open_tables += self.inside(table)

    def weigh(self, weight: int) -> None:
        self.left -= weight
        if self.left < 0:
            raise ModelError("is damaged: its tables refer to each other again and again, or beyond its end")

    def check_vtable(self, table: Any) -> None:
        """Check that a table and its vtable are in the file and hold no field unknown to the schema."""
        self.weigh(_WORTH)
        position = cast(int, table._tab.Pos)
        vtable = position - self.number(position, 4, signed=True)
        length, size = self.number(vtable, 2), self.number(vtable + 2, 2)
        if (
            length < 4
            or size < 4
            or vtable + length > len(self.content)
            or position + size > len(self.content)
        ):
            raise ModelError("is damaged or truncated: a table reaches beyond the end of the file")
        known = _known_fields(_class_of(table))
        for slot in range(4, length, 2):
            offset = self.number(vtable + slot, 2)
            if offset >= size:
                raise ModelError("is damaged: a field lies outside of its table")
            if offset and (slot - 4) // 2 >= known:
                raise ModelError(
                    f"uses field {(slot - 4) // 2} of {_class_of(table).__name__}, which the installed schema"
                    " does not know and would lose; upgrade ai-edge-litert"
                )

    def number(self, at: int, width: int, *, signed: bool = False) -> int:
        if not 0 <= at <= len(self.content) - width:
            raise ModelError("is damaged or truncated: an offset leads out of the file")
        return int.from_bytes(self.content[at : at + width], "little", signed=signed)

    def inside(self, table: Any) -> Iterator[Any]:
        """Yield the tables that a table refers to, and weigh its texts and vectors."""
        for name in _fields(_class_of(table)):
            if hasattr(table, f"{name}Length"):
                yield from self.entries(table, name)
            else:
                value = getattr(table, name)()
                if isinstance(value, bytes):
                    self.weigh(len(value))
                elif name in _UNIONS and value is not None:
                    yield _member(table, name, value)
                elif hasattr(value, "_tab"):
                    yield value

    def entries(self, table: Any, name: str) -> Iterator[Any]:
        length = cast(int, getattr(table, f"{name}Length")())
        self.weigh(length)
        entry = cast("Callable[[int], Any]", getattr(table, name))
        if not length:
            return
        first, last = entry(0), entry(length - 1)
        if isinstance(first, bytes):
            for i in range(length):
                self.weigh(len(entry(i)))
        elif hasattr(first, "_tab"):
            yield first
            yield from (entry(i) for i in range(1, length - 1))
            if length > 1:
                yield last


def _class_of(table: Any) -> type:
    return cast(type, table.__class__)


@cache
def _fields(table: type) -> tuple[str, ...]:
    """Return the names of a generated class's fields; the accessors of whole vectors are left out."""
    names = [name for name in vars(table) if not name.startswith(("_", *_NOT_FIELDS))]
    endings = ("AsNumpy", "Length", "IsNone", "BufferHasIdentifier")
    vectors = {name.removesuffix("Length") for name in names if name.endswith("Length")}
    known = [name for name in names if name in vectors or not name.endswith(endings)]
    return tuple(name for name in known if callable(getattr(table, name)))


@cache
def _known_fields(table: type) -> int:
    """Return the number of fields that the schema knows for a table, from its generated constructor."""
    counter = _FieldCounter()
    getattr(schema(), f"{table.__name__}Start")(counter)
    return counter.fields


class _FieldCounter:
    """A stub builder that records the number of fields of a table."""

    fields = 0

    def StartObject(self, fields: int) -> None:  # noqa: N802 (the builder's spelling)
        """Record the number of fields."""
        self.fields = fields


def _member(table: Any, name: str, value: Any) -> Any:
    """Return the table in a union, as an object of its own class.

    Raises:
        ModelError: the schema does not know the type of the table.
    """
    number = cast(int, getattr(table, f"{name}Type")())
    enumeration = _UNIONS[name]
    word = words(enumeration).get(number, "")
    made = getattr(schema(), word, None)
    if made is None:
        raise ModelError(
            f"holds {enumeration} of type {number}, which the installed schema does not know;"
            " upgrade ai-edge-litert"
        )
    member = made()
    member.Init(value.Bytes, value.Pos)
    return member
