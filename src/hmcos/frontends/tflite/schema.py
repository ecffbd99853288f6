"""Types for the parts of TensorFlow Lite's schema that are used here; the generated classes have none."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any, Protocol, cast

from hmcos.errors import ToolError
from hmcos.graph.graph import STRING
from hmcos.graph.strings import STRING_BYTES

IDENTIFIER = b"TFL3"
"""Bytes 4 to 7 of every model file of this schema."""

VERSION = 3
"""The one version of the schema that has this identifier."""

ELEMENTS: dict[str, tuple[str, int]] = {
    "FLOAT32": ("float32", 32),
    "FLOAT16": ("float16", 16),
    "BFLOAT16": ("bfloat16", 16),
    "FLOAT64": ("float64", 64),
    "FLOAT8_E4M3FN": ("float8_e4m3fn", 8),
    "FLOAT8_E5M2": ("float8_e5m2", 8),
    "INT2": ("int2", 2),
    "INT4": ("int4", 4),
    "UINT4": ("uint4", 4),
    "INT8": ("int8", 8),
    "UINT8": ("uint8", 8),
    "INT16": ("int16", 16),
    "UINT16": ("uint16", 16),
    "INT32": ("int32", 32),
    "UINT32": ("uint32", 32),
    "INT64": ("int64", 64),
    "UINT64": ("uint64", 64),
    "BOOL": ("bool", 8),
    "COMPLEX64": ("complex64", 64),
    "COMPLEX128": ("complex128", 128),
    "RESOURCE": ("resource", 32),
    "STRING": (STRING, 8 * STRING_BYTES),
}
"""Element type to numpy's spelling and bits; a resource is a handle of four bytes. Strings have no size."""


class QuantizationT(Protocol):
    """How a tensor is quantized."""

    scale: Sequence[float] | None
    zeroPoint: Sequence[int] | None  # noqa: N815 (the schema's spelling, here and below)


class TensorT(Protocol):
    """A tensor of the schema's object API."""

    shape: Sequence[int] | None
    shapeSignature: Sequence[int] | None  # noqa: N815
    type: int
    buffer: int
    name: bytes | None
    isVariable: bool  # noqa: N815
    quantization: QuantizationT | None
    externalBuffer: int  # noqa: N815


class OperatorT(Protocol):
    """An operator of the schema's object API."""

    opcodeIndex: int  # noqa: N815
    inputs: Sequence[int] | None
    outputs: Sequence[int] | None
    builtinOptionsType: int  # noqa: N815
    builtinOptions: object | None  # noqa: N815
    largeCustomOptionsOffset: int  # noqa: N815


class SubGraphT(Protocol):
    """A subgraph of the schema's object API."""

    tensors: list[TensorT] | None
    inputs: Sequence[int] | None
    outputs: Sequence[int] | None
    operators: list[OperatorT] | None
    name: bytes | None


class OperatorCodeT(Protocol):
    """An operator kind of the file."""

    builtinCode: int  # noqa: N815
    deprecatedBuiltinCode: int  # noqa: N815
    customCode: bytes | None  # noqa: N815
    version: int


class BufferT(Protocol):
    """Bytes stored in the file."""

    data: Sequence[int] | None
    offset: int


class MetadataT(Protocol):
    """A name for a buffer."""

    name: bytes | str | None
    buffer: int


class ModelT(Protocol):
    """A whole file."""

    version: int
    operatorCodes: list[OperatorCodeT] | None  # noqa: N815
    subgraphs: list[SubGraphT] | None
    buffers: list[BufferT] | None
    metadata: list[MetadataT] | None
    metadataBuffer: Sequence[int] | None  # noqa: N815


@cache
def schema() -> Any:
    """Return the module of the generated classes.

    Raises:
        ToolError: the package that brings it is not installed.
    """
    try:
        return import_module("ai_edge_litert.schema_py_generated")
    except ImportError as error:
        raise ToolError(
            "TensorFlow Lite models need the package ai-edge-litert; pip install 'hmcos[tflite]'"
        ) from error


@cache
def words(enumeration: str) -> dict[int, str]:
    """Return number to name of an enumeration of the schema, such as BuiltinOperator."""
    values = cast("dict[str, object]", vars(getattr(schema(), enumeration)))
    return {value: name for name, value in values.items() if isinstance(value, int)}


def unpacked(content: bytes) -> ModelT:
    """Return a checked file as objects; their vectors are views of the bytes."""
    return cast(ModelT, schema().ModelT.InitFromPackedBuf(content, 0))


def text(name: bytes | str | None) -> str:
    """Return a name as text; bytes that are no UTF-8 are replaced."""
    return name.decode(errors="replace") if isinstance(name, bytes) else name or ""


def content_of(buffer: BufferT) -> bytes:
    """Return the bytes that a buffer holds, none if it is empty."""
    data: Any = buffer.data
    if data is None:
        return b""
    return cast(bytes, data.tobytes()) if hasattr(data, "tobytes") else bytes(data)


def bytes_of(buffer: BufferT) -> int:
    """Return how many bytes a buffer holds."""
    return 0 if buffer.data is None else len(buffer.data)


def integers(vector: Sequence[int] | None) -> list[int]:
    """Return a vector as integers; it may be missing, a list or an array."""
    return [] if vector is None else [int(value) for value in vector]
