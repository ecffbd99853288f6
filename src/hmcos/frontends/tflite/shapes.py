"""Which shape the output of an operator has by its inputs: files may say another."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hmcos.frontends.tflite.facts import RANK, Facts
from hmcos.frontends.tflite.pixelwise import BROADCAST, UNARY
from hmcos.graph.graph import Operator

Shape = tuple[int, ...]


def wrong_shape(facts: Facts, op: Operator) -> str | None:
    """Return what is wrong with the shapes of an operator; None where nothing is, or nothing is known."""
    expected = _SHAPES.get(op.kind)
    found = None if expected is None else expected(facts, op)
    made = facts.output(op).shape
    if found is None or made in found:
        return None
    wanted = " or ".join(str(list(shape)) for shape in found) or "no shape that there is"
    return f"has an output of shape {list(made)} where its inputs make {wanted}; convert the model again"


def _given(facts: Facts, op: Operator, position: int = 0) -> Shape:
    tensor = facts.tensor(op, position)
    return () if tensor is None else tensor.shape


def _same(facts: Facts, op: Operator) -> list[Shape]:
    return [_given(facts, op)]


def _broadcast(facts: Facts, op: Operator) -> list[Shape]:
    try:
        return [np.broadcast_shapes(*(facts.graph.tensors[t].shape for t in op.reads))]
    except ValueError:
        return []


def _channels(facts: Facts, op: Operator) -> list[Shape] | None:
    """Return the output's shape with the channels that it must have; windows are told elsewhere."""
    shape, weights, made = _given(facts, op), _given(facts, op, 1), facts.output(op).shape
    if len(shape) != RANK or len(made) != RANK:
        return None
    if op.kind == "CONV_2D":
        return [(*made[:3], weights[0])]
    return [(*made[:3], weights[3] if op.kind == "DEPTHWISE_CONV_2D" else shape[3])]


def _spread(facts: Facts, op: Operator) -> list[Shape] | None:
    told, weights = facts.numbers(op, 0), _given(facts, op, 1)
    return None if told is None or len(weights) != RANK else [(*told[:3], weights[0])]


def _reduced(facts: Facts, op: Operator) -> list[Shape] | None:
    shape, axes = _given(facts, op), facts.numbers(op, 1)
    if axes is None or any(not -len(shape) <= axis < len(shape) for axis in axes):
        return None
    gone = {axis % len(shape) for axis in axes}
    kept = tuple(1 if k in gone else size for k, size in enumerate(shape))
    return [kept, tuple(size for k, size in enumerate(shape) if k not in gone)]


def _greatest(facts: Facts, op: Operator) -> list[Shape] | None:
    shape, axes = _given(facts, op), facts.numbers(op, 1)
    if not axes or not -len(shape) <= axes[0] < len(shape):
        return [] if axes else None
    gone = axes[0] % len(shape)
    return [shape[:gone] + shape[gone + 1 :]]


def _padded(facts: Facts, op: Operator) -> list[Shape] | None:
    shape, pads = _given(facts, op), facts.numbers(op, 1)
    if pads is None or len(pads) != 2 * len(shape):
        return None
    return [tuple(size + pads[2 * k] + pads[2 * k + 1] for k, size in enumerate(shape))]


def _sliced(facts: Facts, op: Operator) -> list[Shape] | None:
    shape, begin, sizes = _given(facts, op), facts.numbers(op, 1), facts.numbers(op, 2)
    if begin is None or sizes is None or not len(begin) == len(sizes) == len(shape):
        return None
    triples = list(zip(begin, sizes, shape, strict=True))
    if any(b < 0 or s < -1 or b + max(s, 0) > whole for b, s, whole in triples):
        return []
    return [tuple(whole - b if s == -1 else s for b, s, whole in triples)]


def _joined(facts: Facts, op: Operator) -> list[Shape] | None:
    options, shapes = facts.options(op), [facts.graph.tensors[t].shape for t in op.reads]
    if options is None or not -len(shapes[0]) <= options.axis < len(shapes[0]):
        return None
    along = int(options.axis) % len(shapes[0])
    rest = {shape[:along] + shape[along + 1 :] for shape in shapes}
    if len(rest) > 1 or len({len(shape) for shape in shapes}) > 1:
        return []
    whole = sum(facts.graph.tensors[t].shape[along] for t in op.inputs if t is not None)
    return [(*shapes[0][:along], whole, *shapes[0][along + 1 :])]


def _permuted(facts: Facts, op: Operator) -> list[Shape] | None:
    shape, axes = _given(facts, op), facts.numbers(op, 1)
    if axes is None or sorted(axes) != list(range(len(shape))):
        return None
    return [tuple(shape[axis] for axis in axes)]


def _resized(facts: Facts, op: Operator) -> list[Shape] | None:
    shape, sizes = _given(facts, op), facts.numbers(op, 1)
    return None if sizes is None or len(shape) != RANK else [(shape[0], *sizes, shape[3])]


def _blocks(facts: Facts, op: Operator) -> list[Shape] | None:
    options, shape = facts.options(op), _given(facts, op)
    if options is None or len(shape) != RANK or options.blockSize < 1:
        return None
    size, (batch, rows, columns, channels) = options.blockSize, shape
    if op.kind == "DEPTH_TO_SPACE":
        divides = channels % size**2 == 0
        return [(batch, rows * size, columns * size, channels // size**2)] if divides else []
    divides = rows % size == columns % size == 0
    return [(batch, rows // size, columns // size, channels * size**2)] if divides else []


_SHAPES: dict[str, Callable[[Facts, Operator], list[Shape] | None]] = {
    **dict.fromkeys(sorted(UNARY), _same),
    **dict.fromkeys(sorted(BROADCAST), _broadcast),
    "ARG_MAX": _greatest,
    "AVERAGE_POOL_2D": _channels,
    "CONCATENATION": _joined,
    "CONV_2D": _channels,
    "DEPTHWISE_CONV_2D": _channels,
    "DEPTH_TO_SPACE": _blocks,
    "MAX_POOL_2D": _channels,
    "MEAN": _reduced,
    "PAD": _padded,
    "PADV2": _padded,
    "REDUCE_MAX": _reduced,
    "REDUCE_MIN": _reduced,
    "RESIZE_BILINEAR": _resized,
    "RESIZE_NEAREST_NEIGHBOR": _resized,
    "SLICE": _sliced,
    "SPACE_TO_DEPTH": _blocks,
    "SUM": _reduced,
    "TRANSPOSE": _permuted,
    "TRANSPOSE_CONV": _spread,
}
"""Per kind the shapes that its first output may have; none where the inputs do not go together."""
