"""Operators that broadcast by themselves what an Expand repeated for them, with the same results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from onnx import NodeProto

from hmcos.frontends.onnx.message_fields import reading
from hmcos.frontends.onnx.types import ValueType

# fmt: off
KINDS = frozenset((
    "Add", "And", "Div", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Max", "Min", "Mul",
    "Or", "Sub", "Where", "Xor",
))
"""Those that compute each element by itself. Others take a scalar in another way, such as Pow."""
# fmt: on


def broadcasting(
    reader: NodeProto, expand: NodeProto, types: Sequence[Mapping[str, ValueType]]
) -> NodeProto | None:
    """Return an operator that reads what an Expand reads; None where the shape of its result would change.

    `types` are those of tensors, by name, for every batch that is to be looked at.
    """
    if reader.domain or reader.op_type not in KINDS:
        return None
    changed = reading(reader, expand.output[0], expand.input[0])
    return changed if all(_makes_the_same(changed, known) for known in types) else None


def _makes_the_same(node: NodeProto, types: Mapping[str, ValueType]) -> bool:
    found = [types.get(name) for name in (*node.input, node.output[0])]
    shapes = [value.sizes for value in found if value is not None and value.is_known]
    if len(shapes) != len(found):
        return False
    try:
        return np.broadcast_shapes(*shapes[:-1]) == shapes[-1]
    except ValueError:
        return False
