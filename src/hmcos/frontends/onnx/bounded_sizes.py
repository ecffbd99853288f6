"""Sizes that depend on data: the bounds that the model holds, and how they pass through operators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto

from hmcos.frontends.onnx.one_node import inferred
from hmcos.frontends.onnx.operands import ELEMENT_WISE
from hmcos.frontends.onnx.tracking import LOWERED, Value, least_of, marks_of
from hmcos.frontends.onnx.types import UNKNOWN, AtMost, ValueType

if TYPE_CHECKING:
    from hmcos.frontends.onnx.walking import Step

_REDUCING = frozenset(
    (
        "ReduceL1",
        "ReduceL2",
        "ReduceLogSum",
        "ReduceLogSumExp",
        "ReduceMax",
        "ReduceMean",
        "ReduceMin",
        "ReduceProd",
        "ReduceSum",
        "ReduceSumSquare",
    )
)
DATA_KINDS = _REDUCING | {
    "Compress",
    "Loop",
    "NonMaxSuppression",
    "NonZero",
    "Slice",
    "StringNormalizer",
    "StringSplit",
    "TopK",
    "Unique",
}
"""Kinds of which the sizes of outputs depend on values that only a run has."""

# fmt: off
_RISING = frozenset((
    "ArgMax", "ArgMin", "AveragePool", "Compress", "Concat", "ConstantOfShape", "Conv", "ConvInteger",
    "ConvTranspose", "DepthToSpace", "Einsum", "Expand", "Flatten", "Gather", "GatherElements", "GatherND",
    "Gemm", "GlobalAveragePool", "GlobalMaxPool", "GRU", "LSTM", "MatMul", "MatMulInteger", "MaxPool",
    "OneHot", "Pad", "QLinearConv", "QLinearMatMul", "Range", "RNN", "ReduceL1", "ReduceL2", "ReduceLogSum",
    "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare",
    "Resize", "Slice", "SpaceToDepth", "Split", "Tile", "TopK", "Upsample",
))
"""Kinds of which no size of an output falls if a size of an input rises."""
# fmt: on
_KERNELS = frozenset(("AveragePool", "Conv", "ConvInteger", "ConvTranspose", "MaxPool", "QLinearConv"))
"""Kinds of which that is true of the first input only."""
_BY_VALUE = frozenset(("ConstantOfShape", "Expand", "Resize", "Tile", "TopK"))
"""Kinds of which that is true of the values of their inputs too."""


def data_types(step: Step) -> list[ValueType]:
    """Return the types of outputs whose sizes depend on data, with the bounds that the model holds."""
    rule = {
        "Compress": _compressed,
        "NonMaxSuppression": _suppressed,
        "NonZero": _found,
        "Slice": _cut,
        "StringNormalizer": _normalized,
        "TopK": _chosen,
        "Unique": _unique,
        **dict.fromkeys(_REDUCING, _reduced),
    }.get(step.node.op_type)
    first = step.type_of(0)
    return [] if rule is None or not first.is_known or not step.reads_tensors else rule(step, first)


def _found(step: Step, first: ValueType) -> list[ValueType]:
    return [ValueType(TensorProto.INT64, (max(len(first.sizes), 1), step.walk.at_most(first.elements)))]


def _axis(step: Step, rank: int) -> int | None:
    """Return the attribute `axis` counted from 0; None where there is none."""
    given = next((a.i for a in step.node.attribute if a.name == "axis"), None)
    return None if given is None or not rank else given % rank


def _compressed(step: Step, first: ValueType) -> list[ValueType]:
    axis, condition = _axis(step, len(first.sizes)), step.type_of(1)
    chosen = first.elements if axis is None else int(first.sizes[axis])
    most = step.walk.at_most(min(chosen, condition.elements) if condition.is_known else chosen)
    shape = (most,) if axis is None else (*first.sizes[:axis], most, *first.sizes[axis + 1 :])
    return [ValueType(first.element, shape)]


def _unique(step: Step, first: ValueType) -> list[ValueType]:
    axis = _axis(step, len(first.sizes))
    given = first.elements if axis is None else int(first.sizes[axis])
    most = step.walk.at_most(given)
    shape = (most,) if axis is None else (*first.sizes[:axis], most, *first.sizes[axis + 1 :])
    whole = first.sizes[axis] if axis is not None else given
    inverse = step.walk.at_most(given) if first.bounds and axis is None else whole
    sizes = ((most,), (inverse,), (most,))
    return [ValueType(first.element, shape), *(ValueType(TensorProto.INT64, each) for each in sizes)]


def _suppressed(step: Step, first: ValueType) -> list[ValueType]:
    scores = step.type_of(1)
    if not scores.is_known or len(scores.sizes) != 3:
        return []
    batches, classes, boxes = map(int, scores.sizes)
    is_given = len(step.node.input) > 2 and step.node.input[2] != ""
    chosen = step.number_of(2) if is_given else 0
    each = boxes if chosen is None else min(boxes, max(chosen, 0))
    return [ValueType(TensorProto.INT64, (step.walk.at_most(batches * classes * each), 3))]


def _cut(step: Step, first: ValueType) -> list[ValueType]:
    """Return what a Slice makes of which begin or end is not known: no axis can become longer."""
    axes = step.value_of(3)
    rank = len(first.sizes)
    if axes is None and len(step.node.input) > 3 and step.node.input[3]:
        cut = set(range(rank))
    else:
        cut = set(range(rank)) if axes is None else {int(n) % max(rank, 1) for n in axes.array.ravel()}
    sizes = enumerate(first.sizes)
    return [ValueType(first.element, tuple(step.walk.at_most(int(n)) if a in cut else n for a, n in sizes))]


def _chosen(step: Step, first: ValueType) -> list[ValueType]:
    """Return what a TopK makes of which k is not known: no more than there are."""
    if not first.sizes:
        return []
    axis = step.attribute("axis", -1) % len(first.sizes)
    most = step.walk.at_most(int(first.sizes[axis]))
    shape = (*first.sizes[:axis], most, *first.sizes[axis + 1 :])
    return [ValueType(first.element, shape), ValueType(TensorProto.INT64, shape)]


def _reduced(step: Step, first: ValueType) -> list[ValueType]:
    """Return what a reduction makes of which the axes are not known, if it keeps all of them."""
    if not step.attribute("keepdims", 1):
        return []
    return [ValueType(first.element, tuple(step.walk.at_most(int(n)) for n in first.sizes))]


def _normalized(step: Step, first: ValueType) -> list[ValueType]:
    """Return what a StringNormalizer makes: it leaves out words if it has any to leave out."""
    words = any(a.name == "stopwords" and a.strings for a in step.node.attribute)
    sizes = first.sizes[:-1]
    last = first.sizes[-1] if first.sizes else 1
    return [ValueType(first.element, (*sizes, step.walk.at_most(int(last)) if words else last))]


def rising_types(step: Step, found: list[ValueType], values: Mapping[str, Value]) -> list[ValueType]:
    """Return types with bounds for the sizes that follow from bounds of inputs, if they can be determined.

    `found` is what follows from types alone: sizes in it are right. `values` are those known of inputs.
    """
    kind = step.node.op_type
    if kind == "Reshape":
        return _reshaped(step, found)
    if kind in ELEMENT_WISE:
        return _broadcast(step, found)
    others = [step.type_of(place) for place in range(1, len(step.node.input))]
    if kind not in _RISING or (kind in _KERNELS and any(value.bounds for value in others)):
        return found
    marked = {name for name, value in values.items() if value.marks is not None}
    if (marked and not _may_rise(step, values)) or not _only_rises(step, values):
        return found
    reads = {name: _largest(value) for name, value in step.reads().items()}
    largest = inferred(step.node, reads, {n: v.array for n, v in values.items()}, step.walk.opsets)
    if kind == "Split":
        largest = _even(largest)
    return [_joined(step, *pair) for pair in zip(found, largest, strict=True)]


def _may_rise(step: Step, values: Mapping[str, Value]) -> bool:
    """Return whether no size falls when the values rise of which only bounds are known."""
    kind, reads = step.node.op_type, list(step.node.input)
    marked = {place for place, name in enumerate(reads) if name in values and values[name].marks is not None}
    if kind in _BY_VALUE:
        return True
    exact = {
        place: values[name].array
        for place, name in enumerate(reads)
        if name in values and place not in marked
    }
    if kind == "Range":
        return marked == {1} and 2 in exact and least_of(exact[2]) > 0
    if kind == "Slice":
        forward = len(reads) < 5 or (4 in exact and least_of(exact[4]) > 0)
        ends = values[reads[2]].marks if 2 in marked else None
        forward = forward and not (ends is not None and np.any(ends == LOWERED))
        return marked <= {0, 2} and 1 in exact and least_of(exact[1]) >= 0 and forward
    return marked <= {0} and kind.startswith(("Gather", "Concat", "Reduce", "Arg"))


def _only_rises(step: Step, values: Mapping[str, Value]) -> bool:
    """Return whether an operator of these kinds is none of those of which a size may fall all the same."""
    node, kind = step.node, step.node.op_type
    if kind == "Expand":
        return len(node.input) > 1 and node.input[1] in values  # unknown sizes may be above the bound
    if kind == "Resize":
        return not any(a.name == "keep_aspect_ratio_policy" and a.s != b"stretch" for a in node.attribute)
    return kind != "Slice" or _slice_rises(step, values)


def _slice_rises(step: Step, values: Mapping[str, Value]) -> bool:
    """Return whether a Slice makes no less of a longer axis.

    It does where one end is counted from the begin of the axis and the other from its end, as in x[-3:3].
    """
    node, first = step.node, step.type_of(0)
    lists = {a.name: list(a.ints) for a in node.attribute}
    for name, place in (("starts", 1), ("ends", 2), ("axes", 3), ("steps", 4)):
        if place < len(node.input) and node.input[place]:
            if node.input[place] not in values:
                return False
            lists[name] = [int(n) for n in values[node.input[place]].array.ravel()]
    starts, ends = lists.get("starts", []), lists.get("ends", [])
    axes, steps = lists.get("axes", range(len(starts))), lists.get("steps", [1] * len(starts))
    if not len(starts) == len(ends) == len(axes) == len(steps) or not first.is_known or not first.sizes:
        return False
    for start, end, axis, step_ in zip(starts, ends, axes, steps, strict=True):
        most = first.sizes[axis % len(first.sizes)]
        if not isinstance(most, AtMost):
            continue
        forward = step_ > 0 and start < 0 <= end < most
        backward = step_ < 0 and start >= 0 > end >= -most
        if forward or backward:
            return False
    return True


def _largest(value: ValueType) -> ValueType:
    if not value.bounds or value.shape is None:
        return value
    return ValueType(value.element, tuple(int(n) if isinstance(n, int) else n for n in value.shape))


def _even(parts: list[ValueType]) -> list[ValueType]:
    """Return parts of which each is as large as the largest: which are smaller changes with the whole."""
    if any(not part.is_known or len(part.sizes) != len(parts[0].sizes) for part in parts):
        return parts
    sizes = [max(each) for each in zip(*(part.sizes for part in parts), strict=True)]
    return [ValueType(part.element, tuple(sizes)) for part in parts]


def _joined(step: Step, right: ValueType, largest: ValueType) -> ValueType:
    """Return the sizes that are right, and for the others the bounds."""
    if right.is_known or not largest.is_known:
        return right
    shape = right.shape if right.shape is not None else (None,) * len(largest.sizes)
    if len(shape) != len(largest.sizes):
        return right
    sizes = (
        n if isinstance(n, int) else step.walk.at_most(m) for n, m in zip(shape, largest.sizes, strict=True)
    )
    return ValueType(largest.element, tuple(sizes))


def _broadcast(step: Step, found: list[ValueType]) -> list[ValueType]:
    reads = [value for value in step.reads().values() if value is not UNKNOWN]
    if not reads or not all(value.is_known and value.parts is None for value in reads):
        return found
    rank = max(len(value.sizes) for value in reads)
    shape: list[int] = []
    for axis in range(-rank, 0):
        sizes = [value.sizes[axis] for value in reads if -axis <= len(value.sizes)]
        exact = [n for n in sizes if not isinstance(n, AtMost) and n != 1]
        bounds = [n for n in sizes if isinstance(n, AtMost)]
        if exact or not bounds:
            shape.append(exact[0] if exact else 1)
        else:
            most = max(bounds)
            alike = len({n.mark for n in bounds}) == 1
            shape.append(step.walk.at_most(most, most if alike else None))
    return [ValueType(value.element, tuple(shape)) if value.element else value for value in found]


def _reshaped(step: Step, found: list[ValueType]) -> list[ValueType]:
    """Return the type that a Reshape makes; what is in numerator and denominator is cancelled.

    Otherwise the size that it computes could rise when another one falls.
    """
    first, target = step.type_of(0), step.value_of(1)
    if not first.is_known or target is None:
        return found
    numbers = [int(n) for n in target.array.ravel()]
    marks = [0] * len(numbers) if target.marks is None else [int(n) for n in target.marks.ravel()]
    if not step.attribute("allowzero", 0):
        for place, number in enumerate(numbers):
            if number == 0 and marks[place] == 0 and place < len(first.sizes):
                numbers[place], marks[place] = int(first.sizes[place]), marks_of(first.sizes)[place]
    shape: list[int] = [
        step.walk.at_most(n) if m < 0 else AtMost(n, m) if m else n
        for n, m in zip(numbers, marks, strict=True)
    ]
    if -1 in numbers:
        rest = _rest(step, first, [n for n in shape if n != -1])
        if rest is None or numbers.count(-1) > 1:
            return found
        shape[numbers.index(-1)] = rest
    return [ValueType(first.element, tuple(shape))]


def _rest(step: Step, first: ValueType, others: list[int]) -> int | None:
    """Return the size that is left for a dimension, or its bound; None if it has none."""
    above = [n for n in first.sizes if isinstance(n, AtMost)]
    below = [n for n in others if isinstance(n, AtMost)]
    for size in list(below):
        match = next((n for n in above if n.mark == size.mark), None)
        if match is None:
            return None
        above.remove(match)
        below.remove(size)
    whole, part = 1, 1
    for size in first.sizes:
        whole *= 1 if isinstance(size, AtMost) else size
    for size in others:
        part *= 1 if isinstance(size, AtMost) else size
    if not part:
        return None
    if not above:
        return whole // part
    if len(above) == 1 and whole == part:
        return above[0]
    for size in above:
        whole *= size
    return step.walk.at_most(whole // part)
