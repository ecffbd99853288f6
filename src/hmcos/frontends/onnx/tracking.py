"""Known values and what is known of their sizes: some are only bounds, because they depend on data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt
from onnx import NodeProto, OperatorSetIdProto

from hmcos.frontends.onnx.folding import Array, evaluated
from hmcos.frontends.onnx.types import AtMost, ValueType
from hmcos.graph.kinds import STANDARD_DOMAINS

MOVING: Mapping[str, int] = {
    "Cast": 1,
    "Concat": 2**31,
    "Expand": 1,
    "Flatten": 1,
    "Gather": 1,
    "Identity": 1,
    "Reshape": 1,
    "Slice": 1,
    "Split": 1,
    "Squeeze": 1,
    "Transpose": 1,
    "Unsqueeze": 1,
}
"""Kinds that only move elements, to how many of their inputs, the first ones, these come from."""
RISING = frozenset(
    ("Add", "Ceil", "Div", "Floor", "Max", "Min", "Mul", "ReduceMax", "ReduceProd", "ReduceSum", "Sub")
)
"""Kinds of which no result falls if a number rises that is not negative and is not the right one of a
difference or quotient."""
DERIVED = -1
"""The mark of a number that was computed from a bound."""
LOWERED = -2
"""The same where something was subtracted: the number may be negative if the bound is not reached."""
_EXACT = 2**11
"""Whole numbers up to this are exact in every type of floats."""


class Value(NamedTuple):
    """The elements of a tensor."""

    array: Array
    marks: npt.NDArray[np.int64] | None = None
    """Per element: the mark of the bound that it is, 0 if it is exact; None if all are exact."""


def followed(
    node: NodeProto, reads: Mapping[str, Value], first: ValueType, opsets: Sequence[OperatorSetIdProto]
) -> list[Value]:
    """Return the values that a node makes, none if unknown; `first` is the type of its first input."""
    if node.op_type in ("Shape", "Size") and first.bounds and node.domain in STANDARD_DOMAINS:
        return _measured(node, first)
    arrays = {name: value.array for name, value in reads.items()}
    if all(value.marks is None for value in reads.values()):
        return [Value(array) for array in evaluated(node, arrays, first, opsets)]
    if node.op_type in RISING and _rises(node, reads):
        made = evaluated(node, arrays, first, opsets)
        mark = LOWERED if node.op_type == "Sub" or _is_lowered(reads) else DERIVED
        return [Value(array, np.full(array.shape, mark, np.int64)) for array in made]
    if node.op_type in MOVING and node.domain in STANDARD_DOMAINS:
        return _moved(node, reads, first, opsets)
    return []


def _measured(node: NodeProto, first: ValueType) -> list[Value]:
    if not first.is_known or first.parts is not None:
        return []
    if first.alternatives and node.op_type == "Shape":
        return []  # of unknown rank
    if node.op_type == "Size":
        fits = first.elements < 2**63
        return [Value(np.array(first.elements, np.int64), np.array(DERIVED, np.int64))] if fits else []
    ends = {attribute.name: attribute.i for attribute in node.attribute}
    sizes = first.sizes[ends.get("start", 0) : ends.get("end")]
    return [Value(np.array([int(n) for n in sizes], np.int64), np.array(marks_of(sizes), np.int64))]


def marks_of(sizes: Sequence[int]) -> list[int]:
    """Return the mark of each size, 0 for an exact one."""
    return [size.mark if isinstance(size, AtMost) else 0 for size in sizes]


def least_of(array: Array) -> float:
    """Return the least number in an array; 0 if it is empty."""
    return min(cast("list[float]", array.ravel().tolist()), default=0)


def _is_lowered(reads: Mapping[str, Value]) -> bool:
    return any(value.marks is not None and bool(np.any(value.marks == LOWERED)) for value in reads.values())


def _cast(value: Value, made: Array) -> list[Value]:
    """Return a value in another type, none if smaller numbers may become other ones there."""
    if made.dtype.kind not in "iuf" or not np.array_equal(made.astype(np.float64), value.array):
        return []
    is_exact = made.dtype.kind != "f" or bool(np.all(np.abs(made) <= _EXACT))
    return [Value(made, value.marks)] if is_exact else []


def _rises(node: NodeProto, reads: Mapping[str, Value]) -> bool:
    if node.domain not in STANDARD_DOMAINS or any(least_of(value.array) < 0 for value in reads.values()):
        return False
    right = reads.get(node.input[1]) if len(node.input) > 1 else None
    return node.op_type not in ("Div", "Sub") or (right is not None and right.marks is None)


def _moved(
    node: NodeProto, reads: Mapping[str, Value], first: ValueType, opsets: Sequence[OperatorSetIdProto]
) -> list[Value]:
    from_here = node.input[: MOVING[node.op_type]]
    if any(reads[name].marks is not None for name in node.input[len(from_here) :] if name in reads):
        return []
    arrays = {name: value.array for name, value in reads.items()}
    made = evaluated(node, arrays, first, opsets)
    if node.op_type == "Cast":
        return _cast(reads[node.input[0]], made[0]) if made else []
    for name in from_here:
        marks = reads[name].marks if name in reads else None
        arrays[name] = np.zeros(arrays[name].shape, np.int64) if marks is None else marks
    marked = evaluated(node, arrays, first, opsets)
    if len(marked) != len(made):
        return []
    pairs = zip(made, marked, strict=True)
    return [Value(array, marks.astype(np.int64) if marks.any() else None) for array, marks in pairs]
