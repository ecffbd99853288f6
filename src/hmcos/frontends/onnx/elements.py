"""ONNX's element types by number."""

from __future__ import annotations

from hmcos.errors import ModelError
from hmcos.graph.strings import STRING_BYTES

ELEMENTS: dict[int, tuple[str, int]] = {
    1: ("float32", 32),
    2: ("uint8", 8),
    3: ("int8", 8),
    4: ("uint16", 16),
    5: ("int16", 16),
    6: ("int32", 32),
    7: ("int64", 64),
    8: ("string", 8 * STRING_BYTES),
    9: ("bool", 8),
    10: ("float16", 16),
    11: ("float64", 64),
    12: ("uint32", 32),
    13: ("uint64", 64),
    14: ("complex64", 64),
    15: ("complex128", 128),
    16: ("bfloat16", 16),
    17: ("float8_e4m3fn", 8),
    18: ("float8_e4m3fnuz", 8),
    19: ("float8_e5m2", 8),
    20: ("float8_e5m2fnuz", 8),
    21: ("uint4", 4),
    22: ("int4", 4),
    23: ("float4_e2m1fn", 4),
    24: ("float8_e8m0fnu", 8),
    25: ("uint2", 2),
    26: ("int2", 2),
    27: ("float6_e2m3fn", 6),
    28: ("float6_e3m2fn", 6),
}
"""`TensorProto.DataType` to numpy's (or ml_dtypes') name and the bits of one element, packed."""

NUMBERS: dict[str, tuple[int, int]] = {name: (number, bits) for number, (name, bits) in ELEMENTS.items()}
"""Name to `TensorProto.DataType` and the bits of one element."""


def element(number: int, name: str) -> tuple[str, int]:
    """Return the name and the width in bits of an element type.

    Raises:
        ModelError: tensor `name` holds elements of a type that this version does not know.
    """
    if number not in ELEMENTS:
        raise ModelError(f"tensor {name!r} has element type {number}, which this version does not know")
    return ELEMENTS[number]
