"""How operators of TensorFlow Lite that only move elements can run row by row."""

from __future__ import annotations

from collections.abc import Callable

from hmcos.frontends.tflite.facts import RANK, Facts
from hmcos.graph.graph import Operator
from hmcos.graph.rowwise import (
    AtOnce,
    Moved,
    Permuted,
    Reshaped,
    RowByRow,
    RowRule,
    row_axis,
    row_shape,
    same_rows,
    sliding,
)
from hmcos.graph.windows import Window

_NOT_IN_FILE = "moves elements by numbers that are not in the file"


def _reshape(facts: Facts, op: Operator) -> RowRule | str:
    data = facts.tensor(op, 0)
    if data is None or data.size != facts.output(op).size:
        return "does not keep its input's number of elements"
    return Reshaped()


def _transpose(facts: Facts, op: Operator) -> RowRule | str:
    data, axes = facts.tensor(op, 0), facts.numbers(op, 1)
    if data is None or axes is None:
        return _NOT_IN_FILE
    if sorted(axes) != list(range(len(data.shape))):
        return "names axes that its input does not have"
    return Permuted(tuple(axes))


def _pad(facts: Facts, op: Operator) -> RowRule | str:
    data, pads = facts.tensor(op, 0), facts.numbers(op, 1)
    if data is None or pads is None or len(pads) != 2 * len(data.shape):
        return _NOT_IN_FILE
    if min(pads) < 0:
        return "pads by less than nothing; cut by a SLICE instead"
    axis, whole = row_axis(data.shape), facts.output(op).shape
    if row_axis(whole) != axis or (axis == 1 and pads[:2] != [0, 0]):
        return "pads the batch"
    is_image = len(data.shape) == RANK and axis == 1
    needs = sliding(Window(pad=pads[2 * axis]), whole[axis], data.shape[axis])
    rest = pads[6:] if is_image else pads
    return RowByRow(
        (needs, *[None] * (len(op.inputs) - 1)),
        rows=Window(pad=pads[2 * axis]),
        columns=Window(pad=pads[4]) if is_image else None,
        surrounds=is_image and op.kind == "PAD" and not any(rest),
    )


def _concatenation(facts: Facts, op: Operator) -> RowRule | str:
    options, whole = facts.options(op), facts.output(op)
    rank = len(whole.shape)
    if options is None or not -rank <= options.axis < rank or None in op.inputs:
        return "names an axis that its output does not have"
    if whole.element == "uint8" and facts.has_several_scales(op):
        return "puts together numbers of several scales; convert the model to int8"
    axis = row_axis(whole.shape)
    tensors = [facts.graph.tensors[t] for t in op.inputs if t is not None]
    if options.axis % rank != axis or rank == 1:
        if rank == 1 or any(row_axis(tensor.shape) != axis for tensor in tensors):
            return AtOnce()
        rows = same_rows(row_shape(whole).rows)
        return RowByRow(tuple(None if tensor.is_parameter else rows for tensor in tensors))
    starts = [sum(tensor.shape[axis] for tensor in tensors[:k]) for k in range(len(tensors))]
    if any(tensor.is_parameter or row_axis(tensor.shape) != axis for tensor in tensors):
        needs = [
            sliding(Window(pad=start), whole.shape[axis], tensor.shape[axis])
            for start, tensor in zip(starts, tensors, strict=True)
        ]
        pairs = zip(needs, tensors, strict=True)
        return RowByRow(tuple(None if tensor.is_parameter else each for each, tensor in pairs))
    rows = [(k, row) for k, tensor in enumerate(tensors) for row in range(tensor.shape[axis])]
    return Moved((tuple(rows),))


def _split(facts: Facts, op: Operator) -> RowRule | str:
    place, data = (0, 1) if op.kind == "SPLIT" else (2, 0)
    tensor, axes = facts.tensor(op, data), facts.numbers(op, place)
    if tensor is None or not axes or None in op.outputs:
        return _NOT_IN_FILE
    axis, along = row_axis(tensor.shape), axes[0] % max(1, len(tensor.shape))
    outputs = [facts.graph.tensors[t] for t in op.makes]
    if any(row_axis(out.shape) != axis for out in outputs) or len(tensor.shape) < 2:
        return AtOnce()
    if along != axis:
        rows = same_rows(row_shape(tensor).rows)
        return RowByRow(tuple(rows if k == data else None for k in range(len(op.inputs))))
    sizes = [out.shape[axis] for out in outputs]
    starts = [sum(sizes[:k]) for k in range(len(sizes))]
    return Moved(
        tuple(
            tuple((data, start + row) for row in range(size))
            for start, size in zip(starts, sizes, strict=True)
        )
    )


def _slice(facts: Facts, op: Operator) -> RowRule | str:
    begin = facts.numbers(op, 1)
    if begin is None or facts.numbers(op, 2) is None:
        return _NOT_IN_FILE
    return _cut(facts, op, begin, [1] * len(begin))


def _strided_slice(facts: Facts, op: Operator) -> RowRule | str:
    options, begin, strides = facts.options(op), facts.numbers(op, 1), facts.numbers(op, 3)
    if options is None or begin is None or strides is None:
        return _NOT_IN_FILE
    if options.ellipsisMask or options.newAxisMask or options.shrinkAxisMask or options.offset:
        return "changes the number of dimensions"
    if 0 in strides:
        return "cuts in steps of nothing; convert the model again"
    return _cut(facts, op, [0 if options.beginMask >> k & 1 else n for k, n in enumerate(begin)], strides)


def _cut(facts: Facts, op: Operator, begin: list[int], strides: list[int]) -> RowRule | str:
    data, whole = facts.tensor(op, 0), facts.output(op).shape
    if data is None or not len(begin) == len(strides) == len(data.shape) == len(whole):
        return "cuts by numbers that do not fit its input"
    axis = row_axis(data.shape)
    if min(strides) < 1 or row_axis(whole) != axis or len(whole) < 2:
        return AtOnce()
    first = [n + size if n < 0 else n for n, size in zip(begin, data.shape, strict=True)]
    taken = tuple((first[axis] + o * strides[axis],) for o in range(whole[axis]))
    if any(row >= data.shape[axis] for (row,) in taken):
        return "cuts rows that its input does not have"
    if all(whole[k] == data.shape[k] for k in range(len(whole)) if k != axis):
        return Moved((tuple((0, row) for (row,) in taken),))
    return RowByRow((taken, *[None] * (len(op.inputs) - 1)))


MOVING: dict[str, Callable[[Facts, Operator], RowRule | str]] = {
    "CONCATENATION": _concatenation,
    "EXPAND_DIMS": _reshape,
    "PAD": _pad,
    "PADV2": _pad,
    "RESHAPE": _reshape,
    "SLICE": _slice,
    "SPLIT": _split,
    "SPLIT_V": _split,
    "SQUEEZE": _reshape,
    "STRIDED_SLICE": _strided_slice,
    "TRANSPOSE": _transpose,
}
