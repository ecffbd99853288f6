"""The type of a value: its kind, element type and shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Self, cast

from onnx import TensorShapeProto, TypeProto

from hmcos.frontends.onnx.dimensions import evaluate


class AtMost(int):
    """A size that depends on data, as its upper bound."""

    mark: int
    """Sizes of the same mark are always equal."""

    def __new__(cls, size: int, mark: int) -> Self:
        """Return a bound with a mark."""
        made = super().__new__(cls, size)
        made.mark = mark
        return made


_SIZES = {int, AtMost}


@dataclass(frozen=True, slots=True)
class ValueType:
    """The type of a value as far as it is known."""

    element: int = 0
    """ONNX's number of the element type; 0 if unknown."""
    shape: tuple[int | str | None, ...] | None = None
    """Sizes, symbolic dimensions as in the file, or None for an unnamed one; None if the rank is unknown."""
    kind: str = "tensor"
    """Otherwise `sequence`, `optional`, `map`, `sparse_tensor` or `opaque`."""
    parts: tuple[ValueType, ...] | None = None
    """What a sequence or an optional holds; None for a tensor, and while that is unknown."""
    key: int = 0
    """ONNX's number of the element type of the keys, for a map; 0 for all others."""
    alternatives: tuple[tuple[int, ...], ...] = ()
    """The shapes that a value may have if they differ in rank; `shape` is then the largest one, of bounds."""
    choice: int = 0
    """What decides between the alternatives: values of the same choice have those of the same place."""

    is_known: bool = field(init=False)
    """Whether element type and every size are known."""
    bounds: bool = field(init=False)
    """Whether a size in it is only a bound."""

    def __post_init__(self) -> None:
        if self.parts is not None:
            bounds = any(part.bounds for part in self.parts)
        else:
            bounds = self.shape is not None and AtMost in map(type, self.shape)
            bounds = bounds or bool(self.alternatives)
        object.__setattr__(self, "bounds", bounds)
        if self.kind in ("tensor", "map"):
            known = bool(self.element) and self.shape is not None and set(map(type, self.shape)) <= _SIZES
        else:
            parts = self.parts
            known = parts is not None and all(part.is_known and not part.alternatives for part in parts)
        object.__setattr__(self, "is_known", known)

    @property
    def elements(self) -> int:
        """The number of elements; the sizes must be known."""
        return prod(self.sizes) if self.parts is None else sum(part.elements for part in self.parts)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The shape, which must be known."""
        return cast("tuple[int, ...]", self.shape)


UNKNOWN = ValueType()
_LARGEST = 2**63 - 1
"""The largest size that a message holds; a tensor with it is refused anyway."""
UNNAMED = -1
"""The size that some exporters write for a dimension without a size."""


def read_type(proto: TypeProto, bind: Mapping[str, int]) -> ValueType:
    """Return a type with symbolic dimensions evaluated; a negative size counts as unknown."""
    kind = proto.WhichOneof("value")
    if kind is None:
        return UNKNOWN
    if kind in ("sequence_type", "optional_type"):
        inside = proto.sequence_type.elem_type if kind == "sequence_type" else proto.optional_type.elem_type
        element = inside.tensor_type.elem_type or inside.sequence_type.elem_type.tensor_type.elem_type
        return ValueType(element, kind=kind.removesuffix("_type"))
    if kind != "tensor_type":
        return ValueType(kind=kind.removesuffix("_type"))
    tensor = proto.tensor_type
    if not tensor.HasField("shape"):
        return ValueType(tensor.elem_type)
    return ValueType(tensor.elem_type, tuple(_size(dim, bind) for dim in tensor.shape.dim))


def _size(dim: TensorShapeProto.Dimension, bind: Mapping[str, int]) -> int | str | None:
    if dim.HasField("dim_value"):
        return dim.dim_value if dim.dim_value >= 0 else None
    if not dim.dim_param:
        return None
    value = evaluate(dim.dim_param, bind)
    return dim.dim_param if value is None or value < 0 else min(value, _LARGEST)


def write_type(value: ValueType, proto: TypeProto) -> None:
    """Set a tensor type in a message."""
    proto.tensor_type.elem_type = value.element
    proto.tensor_type.ClearField("shape")
    if value.shape is None:
        return
    proto.tensor_type.shape.SetInParent()
    for size in value.shape:
        dim = proto.tensor_type.shape.dim.add()
        if isinstance(size, int):
            dim.dim_value = size
        elif size is not None:
            dim.dim_param = size
