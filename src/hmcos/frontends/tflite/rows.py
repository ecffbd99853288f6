"""How the operators of TensorFlow Lite can run row by row."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from hmcos.frontends.model import Model
from hmcos.frontends.tflite.facts import RANK, Facts
from hmcos.frontends.tflite.pixelwise import BROADCAST, UNARY
from hmcos.frontends.tflite.reading import parse
from hmcos.frontends.tflite.resizing import linear, nearest
from hmcos.frontends.tflite.rows_moved import MOVING
from hmcos.frontends.tflite.schema import schema
from hmcos.frontends.tflite.shapes import wrong_shape
from hmcos.frontends.tflite.windows import sliding_windows
from hmcos.graph.graph import Operator
from hmcos.graph.rowwise import (
    AtOnce,
    Dense,
    Known,
    Needs,
    Reduced,
    Refused,
    RowByRow,
    RowRule,
    RowRules,
    Summed,
    every_row,
    only_row,
    row_axis,
    row_shape,
    same_rows,
    sliding,
    sum_width,
)
from hmcos.graph.windows import Window, same_pads

_KEEPING = frozenset({"ASSIGN_VARIABLE", "CALL_ONCE", "READ_VARIABLE", "VAR_HANDLE"})
"""Kinds of models whose variables live on between runs, such as those that listen for a word."""
ELEMENTS = frozenset({"int8", "uint8", "int32"})
"""Types of activations in the middle of a network; float32 only where it begins or ends."""
_COLUMNS = 2
"""The axis of the columns of an image, counted from the last one."""
_NO_IMAGE = "does not work on one image with rows and columns (batch 1, four dimensions)"


def row_rules(model: Model) -> RowRules:
    """Return per operator of the main graph how it can run row by row."""
    facts = Facts(model.graph, parse(cast(bytes, model.proto)))
    known: set[int] = set()
    rules: list[RowRule] = []
    for op in model.graph.operators:
        if _is_known(facts, op, known):
            known.update(op.makes)
            rules.append(Known())
        else:
            rules.append(_told_by_shapes(op, known) or _rule(facts, op))
    return tuple(rules)


def _is_known(facts: Facts, op: Operator, known: set[int]) -> bool:
    """Return whether an operator computes from shapes, which are fixed, and constants."""
    if op.kind == "SHAPE" and not op.domain:
        return True
    tensors = facts.graph.tensors
    told = not known.isdisjoint(op.reads) and not op.bodies and not op.is_random
    return told and all(t in known or tensors[t].is_parameter for t in op.reads)


def _told_by_shapes(op: Operator, known: set[int]) -> Refused | None:
    """Return why an operator cannot run that reads what is computed from shapes; None where it can."""
    reads = [position for position, t in enumerate(op.inputs) if t in known]
    if not reads or (op.kind == "RESHAPE" and reads == [1]):
        return None
    return Refused("reads numbers computed from shapes; export the model with a fixed batch of 1")


def _rule(facts: Facts, op: Operator) -> RowRule:
    if op.kind in _KEEPING:
        return Refused("keeps numbers from run to run; export the model without state, on its whole input")
    if op.bodies:
        return Refused("runs other graphs of the file; only a single graph can be compiled")
    rule = _RULES.get(op.kind) if op.makes and op.inputs and not op.domain else None
    if rule is None:
        return Refused("is of a kind that cannot be run row by row yet; cut it off, or ask for it")
    if op.is_random:
        return Refused("keeps something from run to run, or draws random numbers")
    wrong = _wrong_type(facts, op) or wrong_shape(facts, op)
    found = Refused(wrong) if wrong else rule(facts, op)
    if isinstance(found, str):
        return Refused(found)
    return found if isinstance(found, Refused) else _checked(facts, op, found)


def _wrong_type(facts: Facts, op: Operator) -> str | None:
    """Return what is wrong with the types of an operator's activations; None where nothing is."""
    for t in (*op.reads, *op.makes):
        tensor = facts.graph.tensors[t]
        if tensor.is_parameter or tensor.element in ELEMENTS:
            continue
        ends = op.kind == "QUANTIZE" if t in op.reads else op.kind == "DEQUANTIZE"
        if tensor.element == "float32" and (ends or _is_end(facts, t)):
            continue
        if tensor.element == "int64":
            return "computes on int64; convert the model with int32 there"
        known = "only models quantized to int8 throughout can be compiled"
        return f"computes on {tensor.element}; {known}: quantize it, or cut it off where floats begin"
    return None


def _is_end(facts: Facts, t: int) -> bool:
    """Return whether a tensor of floats is only seen by DEQUANTIZE before it and QUANTIZE behind it."""
    graph = facts.graph
    maker = graph.producer.get(t)
    readers = [graph.operators[number].kind for number in graph.readers.get(t, ())]
    made = maker is None or graph.operators[maker].kind == "DEQUANTIZE"
    return made and all(kind == "QUANTIZE" for kind in readers)


def _checked(facts: Facts, op: Operator, found: RowRule) -> RowRule:
    """Return a rule, unless an input that other operators make is one that kernels want from the file."""
    reads = found.needs if isinstance(found, RowByRow) else None
    for position, t in enumerate(op.inputs):
        if t is None or facts.graph.tensors[t].is_parameter:
            continue
        is_read = position == 0 if reads is None else reads[position] is not None
        if not is_read and not isinstance(found, AtOnce) and op.kind not in MOVING:
            return Refused("reads weights or numbers that are computed, not in the file")
    return found


def _pixelwise(facts: Facts, op: Operator, read: range | None = None) -> RowRule | str:
    """Return the rule of an operator that computes every element from its own place, with broadcasting."""
    whole = facts.output(op)
    made = row_shape(whole)
    place = len(whole.shape) - row_axis(whole.shape)
    needs: list[Needs | None] = [None] * len(op.inputs)
    overwrites: list[int] = []
    for position in read or range(len(op.inputs)):
        tensor = facts.tensor(op, position)
        if tensor is None or tensor.is_parameter:
            if tensor is not None and _rows_at(tensor.shape, place) not in (1, made.rows):
                return "reads a parameter of another number of rows"
            continue
        given = row_shape(tensor)
        if given.rows == made.rows and (
            made.rows == 1 or len(tensor.shape) - row_axis(tensor.shape) == place
        ):
            needs[position] = same_rows(made.rows)
            if given.size >= made.size and (given.size == made.size or op.kind in UNARY):
                overwrites.append(position)
        elif given.rows == 1:
            needs[position] = only_row(made.rows)
        elif place == _COLUMNS + 1 and len(tensor.shape) - row_axis(tensor.shape) == _COLUMNS:
            needs[position] = every_row(made.rows, given.rows)  # its rows are the columns of every row
        else:
            return "has inputs of unlike rows"
    return RowByRow(tuple(needs), tuple(overwrites))


def _rows_at(shape: tuple[int, ...], place: int) -> int:
    """Return the size of an axis, counted from the last one; 1 where it is missing."""
    return shape[-place] if 0 < place <= len(shape) else 1


def _unary(facts: Facts, op: Operator) -> RowRule | str:
    return _pixelwise(facts, op, range(1))


def _image(facts: Facts, op: Operator, position: int = 0) -> bool:
    data = facts.tensor(op, position)
    return data is not None and facts.are_images(op, position) and data.shape[0] == 1


def _first(op: Operator, needs: Needs, position: int = 0) -> tuple[Needs | None, ...]:
    return tuple(needs if k == position else None for k in range(len(op.inputs)))


def _convolution(facts: Facts, op: Operator) -> RowRule | str:
    weights = facts.tensor(op, 1)
    if weights is None or len(weights.shape) != RANK or not _image(facts, op):
        return _NO_IMAGE
    windows = sliding_windows(facts, op, (weights.shape[1], weights.shape[2]))
    return windows if isinstance(windows, str) else _windowed(facts, op, windows, outside_is_zero=True)


def _windowed(
    facts: Facts, op: Operator, windows: tuple[Window, Window], *, outside_is_zero: bool
) -> RowRule:
    data = facts.tensor(op, 0)
    assert data is not None
    needs = sliding(windows[0], facts.output(op).shape[1], data.shape[1])
    return RowByRow(_first(op, needs), rows=windows[0], columns=windows[1], outside_is_zero=outside_is_zero)


def _pool(facts: Facts, op: Operator) -> RowRule | str:
    options = facts.options(op)
    if options is None or not _image(facts, op):
        return _NO_IMAGE
    windows = sliding_windows(facts, op, (options.filterHeight, options.filterWidth))
    if isinstance(windows, str):
        return windows
    data, whole = facts.tensor(op, 0), facts.output(op)
    assert data is not None
    needed = sliding(windows[0], whole.shape[1], data.shape[1])
    if op.kind == "AVERAGE_POOL_2D" and whole.shape[1] == 1:
        area = len(needed[0]) * min(windows[1].kernel, data.shape[2])
        return Summed(needed[0], sum_width(area, data.bits), *windows)
    return _windowed(facts, op, windows, outside_is_zero=False)


def _transposed_convolution(facts: Facts, op: Operator) -> RowRule | str:
    options, weights, data = facts.options(op), facts.tensor(op, 1), facts.tensor(op, 2)
    if options is None or weights is None or data is None or len(weights.shape) != RANK:
        return "has no weights of four dimensions"
    if not _image(facts, op, 2) or min(options.strideH, options.strideW) < 1:
        return _NO_IMAGE
    whole, kernel, stride = facts.output(op).shape, weights.shape[1], options.strideH
    padded = options.padding == schema().Padding.SAME
    pad = same_pads(whole[1], Window(kernel, stride))[0] if padded else 0
    needs = tuple(
        tuple(row for row in range(data.shape[1]) if 0 <= o + pad - row * stride < kernel)
        for o in range(whole[1])
    )
    return RowByRow(_first(op, needs, 2))


def _fully_connected(facts: Facts, op: Operator) -> RowRule | str:
    data, weights = facts.tensor(op, 0), facts.tensor(op, 1)
    if data is None or weights is None or len(weights.shape) != 2 or not data.elements:
        return "has no weights of two dimensions"
    if data.elements == weights.shape[1]:
        return Dense()
    given, made = row_shape(data), row_shape(facts.output(op))
    if given.rows == made.rows and data.elements // given.rows % weights.shape[1] == 0:
        return RowByRow(_first(op, same_rows(made.rows)))
    return AtOnce()


def _reduced(facts: Facts, op: Operator) -> RowRule | str:
    data, axes = facts.tensor(op, 0), facts.numbers(op, 1)
    if data is None or axes is None or not data.shape:
        return "is not told by the file which axes it sums over"
    if any(not -len(data.shape) <= axis < len(data.shape) for axis in axes):
        return "sums over axes that its input does not have"
    found = tuple(sorted({axis % len(data.shape) for axis in axes}))
    return Reduced(found, widens=op.kind in ("MEAN", "SUM"))


def _resize(facts: Facts, op: Operator) -> RowRule | str:
    options, data = facts.options(op), facts.tensor(op, 0)
    if options is None or data is None or not _image(facts, op):
        return _NO_IMAGE
    size, wide = data.shape[1], facts.output(op).shape[1]
    along = _nearest_rows if op.kind == "RESIZE_NEAREST_NEIGHBOR" else _linear_rows
    align, half = bool(options.alignCorners), bool(options.halfPixelCenters)
    return RowByRow(_first(op, along(size, wide, align=align, half=half)))


def _nearest_rows(size: int, wide: int, *, align: bool, half: bool) -> Needs:
    """Return the row that each output repeats."""
    return tuple((max(0, min(int(row), size - 1)),) for row in nearest(size, wide, align=align, half=half))


def _linear_rows(size: int, wide: int, *, align: bool, half: bool) -> Needs:
    """Return the two rows that each output lies between."""
    scale, first = linear(size, wide, align=align, half=half)
    found: list[tuple[int, ...]] = []
    for place in (o * scale + first for o in range(wide)):
        low = max(0, int(place / 1024))
        found.append(tuple(sorted({low, max(0, min(int((place + 1023) / 1024), size - 1))})))
    return tuple(found)


def _blocks(facts: Facts, op: Operator) -> RowRule | str:
    options, data = facts.options(op), facts.tensor(op, 0)
    if options is None or data is None or not _image(facts, op) or options.blockSize < 1:
        return _NO_IMAGE
    size, rows = options.blockSize, facts.output(op).shape[1]
    if op.kind == "DEPTH_TO_SPACE":
        return RowByRow(_first(op, tuple((o // size,) for o in range(rows))))
    return RowByRow(_first(op, tuple(tuple(range(o * size, (o + 1) * size)) for o in range(rows))))


def _arg_max(facts: Facts, op: Operator) -> RowRule | str:
    data, axis = facts.tensor(op, 0), facts.numbers(op, 1)
    if data is None or not axis:
        return "is not told by the file along which axis it looks"
    last = axis[0] % max(1, len(data.shape)) == len(data.shape) - 1
    rows = row_shape(data).rows
    if last and len(data.shape) > 2 and row_shape(facts.output(op)).rows == rows:
        return RowByRow(_first(op, same_rows(rows)))
    return AtOnce()


def _softmax(facts: Facts, op: Operator) -> RowRule | str:
    return _unary(facts, op) if len(facts.output(op).shape) > 1 else AtOnce()


_RULES: dict[str, Callable[[Facts, Operator], RowRule | str]] = {
    **dict.fromkeys(sorted(UNARY), _unary),
    **dict.fromkeys(sorted(BROADCAST), _pixelwise),
    "ARG_MAX": _arg_max,
    "AVERAGE_POOL_2D": _pool,
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _convolution,
    "DEPTH_TO_SPACE": _blocks,
    "FULLY_CONNECTED": _fully_connected,
    "MAX_POOL_2D": _pool,
    "MEAN": _reduced,
    "REDUCE_MAX": _reduced,
    "REDUCE_MIN": _reduced,
    "RESIZE_BILINEAR": _resize,
    "RESIZE_NEAREST_NEIGHBOR": _resize,
    "SOFTMAX": _softmax,
    "SPACE_TO_DEPTH": _blocks,
    "SUM": _reduced,
    "TRANSPOSE_CONV": _transposed_convolution,
    **MOVING,
}
