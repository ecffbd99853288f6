"""The type of a value: its kind, element type and shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from onnx import TensorShapeProto, TypeProto

from hmcos.frontends.onnx.dimensions import evaluate


@dataclass(frozen=True, slots=True)
class ValueType:
    """The type of a value as far as it is known."""

    element: int = 0
    """ONNX's number of the element type; 0 if unknown."""
    shape: tuple[int | str | None, ...] | None = None
    """Sizes, symbolic dimensions as in the file, or None for an unnamed one; None if the rank is unknown."""
    kind: str = "tensor"
    """Otherwise `sequence`, `optional`, `map`, `sparse_tensor` or `opaque`."""

    is_known: bool = field(init=False)
    """Whether element type and every size are known."""

    def __post_init__(self) -> None:
        known = bool(self.element) and self.shape is not None and set(map(type, self.shape)) <= {int}
        object.__setattr__(self, "is_known", known)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The shape, which must be known."""
        return cast("tuple[int, ...]", self.shape)


UNKNOWN = ValueType()
UNNAMED = -1
"""The size that some exporters write for a dimension without a size."""


def read_type(proto: TypeProto, bind: Mapping[str, int]) -> ValueType:
    """Return a type with symbolic dimensions evaluated; a negative size counts as unknown."""
    kind = proto.WhichOneof("value")
    if kind is None:
        return UNKNOWN
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
    return dim.dim_param if value is None or value < 0 else value


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
