"""Which part of its inputs an operator of TensorFlow Lite needs for a part of its outputs.

Images are NHWC: rows are axis 1 and columns axis 2 of every tensor that is cut.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np

from hmcos.frontends.model import Model
from hmcos.frontends.tflite.facts import RANK, Facts
from hmcos.frontends.tflite.pixelwise import BROADCAST, UNARY
from hmcos.frontends.tflite.reading import parse
from hmcos.frontends.tflite.resizing import nearest
from hmcos.frontends.tflite.schema import ModelT, schema
from hmcos.graph.graph import Graph, Operator, Tensor
from hmcos.graph.windows import (
    AxisMap,
    Barrier,
    Blocks,
    Bordered,
    Linear,
    Nearest,
    Pads,
    Rounding,
    Spatial,
    Spread,
    Whole,
    Window,
    Windows,
    same_pads,
)

AXES = (1, 2)
LARGEST_LINEAR = 512
"""Of the factors of a bilinear resize: kernels for integers reckon in 1024ths, and with half of them."""
ELEMENTS = frozenset({"float32", "int8", "int16", "int32", "uint8", "bool"})
"""Types of tensors that LiteRT can cut and put together again."""
MICRO = frozenset({"float32", "int8", "int16", "int32", "bool"})
"""Those of them that TensorFlow Lite for Microcontrollers can."""
_MICRO_LACKS = "TFLM has no SLICE, PAD and CONCATENATION for it (LiteRT has): convert the model to int8"
_LEAST: dict[str, float] = {"float32": -np.inf, "int8": -(2.0**7), "int16": -(2.0**15), "uint8": 0.0}
"""Less than, or as little as, any element."""


def windows(model: Model, *, micro: bool) -> Windows:
    """Return per operator of the main graph which part of its inputs a part of its outputs needs.

    `micro` says that it is for TensorFlow Lite for Microcontrollers, of which kernels know fewer types.
    """
    return windows_in(model.graph, parse(cast(bytes, model.proto)), micro=micro)


def windows_in(graph: Graph, source: ModelT, *, micro: bool = False) -> Windows:
    """Return the same of a file that was read before."""
    facts = Facts(graph, source)
    return tuple(_found(facts, op, micro=micro) for op in graph.operators)


def _found(facts: Facts, op: Operator, *, micro: bool) -> Spatial | Barrier:
    macs = facts.macs(op)
    if op.bodies:
        return Barrier("runs other graphs", macs)
    if op.is_random:
        return Barrier("may keep something from run to run, or draws numbers", macs)
    found = _rule(facts, op)
    if isinstance(found, str):
        return Barrier(found, macs)
    pairs = zip(op.inputs, found.inputs, strict=True)
    read = [t for t, maps in pairs if t is not None and maps is not None]
    for tensor in (facts.graph.tensors[t] for t in (*op.makes, *read)):
        reason = _uncut(tensor, micro=micro)
        if reason is not None:
            return Barrier(f"has a tensor of {reason}", macs)
    return found


def _uncut(tensor: Tensor, *, micro: bool) -> str | None:
    """Return of what a tensor is that cannot be cut and put together again; None where it can."""
    if len(tensor.shape) != RANK:
        return f"{len(tensor.shape)} dimensions; images have {RANK}"
    if micro and tensor.element in ELEMENTS and tensor.element not in MICRO:
        return f"{tensor.element}; {_MICRO_LACKS}"
    return None if tensor.element in ELEMENTS else f"{tensor.element}, which cannot be cut"


def _rule(facts: Facts, op: Operator) -> Spatial | str:
    """Return the maps of an operator, or why it has none."""
    if not op.makes or not op.inputs or op.domain:
        return "is of a kind that is not made in pieces"
    if op.kind in UNARY:
        return _pixelwise(facts, op, op.inputs[:1])
    if op.kind in BROADCAST:
        return _pixelwise(facts, op, op.inputs)
    rule = _RULES.get(op.kind)
    return _WHOLE.get(op.kind, "is of a kind that is not made in pieces") if rule is None else rule(facts, op)


def _pixelwise(facts: Facts, op: Operator, read: tuple[int | None, ...]) -> Spatial | str:
    """Return the maps of an operator that works pixel by pixel; inputs that are not `read` stay whole.

    XNNPACK rounds a quantized x * x as a square or as a product: by whether it made the x itself.
    """
    whole = facts.output(op).shape
    if len(whole) != RANK:
        return f"makes a tensor of {len(whole)} dimensions; images have {RANK}"
    maps: list[tuple[AxisMap, AxisMap] | None] = [None] * len(op.inputs)
    for k, t in enumerate(read):
        if t is None:
            continue
        tensor = facts.graph.tensors[t]
        shape = (1,) * (RANK - len(tensor.shape)) + tensor.shape
        sizes = [(shape[axis], whole[axis]) for axis in AXES]
        if any(one not in (1, size) for one, size in sizes):
            return "has inputs of unlike rows and columns"
        if tensor.is_parameter or len(tensor.shape) != RANK:
            if any(one != 1 for one, _ in sizes):
                return "reads a parameter that differs from pixel to pixel"
            continue
        rows, columns = (Window() if one == size else Whole() for one, size in sizes)
        maps[k] = rows, columns
    if all(found is None for found in maps):
        return "reads nothing that can be cut"
    squares = op.kind == "MUL" and len(set(op.inputs)) == 1 and facts.output(op).element != "float32"
    return Spatial(AXES, tuple(maps), facts.products(op), bits=Rounding() if squares else None)


def sliding_windows(facts: Facts, op: Operator, kernel: tuple[int, int]) -> tuple[Window, Window] | str:
    """Return the windows of a convolution or a pool, or why it has none."""
    options, data, whole = facts.options(op), facts.tensor(op, 0), facts.output(op).shape
    if options is None or data is None or not facts.are_images(op):
        return "has no rows and columns"
    padding = schema().Padding
    strides = options.strideH, options.strideW
    dilations = getattr(options, "dilationHFactor", 1), getattr(options, "dilationWFactor", 1)
    found: list[Window] = []
    for k, axis in enumerate(AXES):
        size = data.shape[axis]
        if min(kernel[k], strides[k], dilations[k]) < 1:
            return "has a window of no size"
        window = Window(kernel[k], strides[k], dilations[k])
        reach = (kernel[k] - 1) * dilations[k] + 1
        pads = same_pads(size, window) if options.padding == padding.SAME else (0, 0)
        if (size + sum(pads) - reach) // strides[k] + 1 != whole[axis] or size + sum(pads) < reach:
            return "does not make as many rows and columns as its window says"
        found.append(Window(kernel[k], strides[k], dilations[k], pads[0]))
    return found[0], found[1]


def _convolution(facts: Facts, op: Operator) -> Spatial | str:
    data, weights = facts.tensor(op, 0), facts.tensor(op, 1)
    if data is None or weights is None or len(weights.shape) != RANK:
        return "has no weights of four dimensions"
    if data.element == "float32" and weights.element != "float32":
        return "quantizes its input, by what is in all of it"
    maps = sliding_windows(facts, op, (weights.shape[1], weights.shape[2]))
    if isinstance(maps, str):
        return maps
    inputs = (maps, *[None] * (len(op.inputs) - 1))
    return Spatial(AXES, inputs, facts.products(op), Pads.SAME_OR_VALID)


def _max_pool(facts: Facts, op: Operator) -> Spatial | str:
    options, element = facts.options(op), facts.output(op).element
    if options is None or element not in _LEAST:
        return "takes the greatest of elements of which the least is not known"
    maps = sliding_windows(facts, op, (options.filterHeight, options.filterWidth))
    if isinstance(maps, str):
        return maps
    return Spatial(AXES, (maps,), pads=Pads.SAME_OR_VALID, fill=_LEAST[element])


def _average_pool(facts: Facts, op: Operator) -> Spatial | str:
    options, data = facts.options(op), facts.tensor(op, 0)
    if options is None or data is None:
        return "has no rows and columns"
    maps = sliding_windows(facts, op, (options.filterHeight, options.filterWidth))
    if isinstance(maps, str):
        return maps
    sizes = [data.shape[axis] for axis in AXES]
    if options.padding != schema().Padding.SAME or all(
        same_pads(size, window) == (0, 0) for size, window in zip(sizes, maps, strict=True)
    ):
        return Spatial(AXES, (maps,), pads=Pads.SAME_OR_VALID)
    rows, columns = (
        Bordered(window.pad, window.kernel - 1 - window.pad, window.stride, (size - 1) % window.stride + 1)
        for size, window in zip(sizes, maps, strict=True)
    )
    return Spatial(AXES, ((rows, columns),))


def _transposed_convolution(facts: Facts, op: Operator) -> Spatial | str:
    options, weights, data = facts.options(op), facts.tensor(op, 1), facts.tensor(op, 2)
    whole = facts.output(op).shape
    if options is None or weights is None or data is None or not facts.are_images(op, 2):
        return "has no rows and columns"
    if data.element == "float32" and weights.element != "float32":
        return "quantizes its input, by what is in all of it"
    if len(weights.shape) != RANK or min(options.strideH, options.strideW, *weights.shape) < 1:
        return "has a window of no size"
    is_same = options.padding == schema().Padding.SAME
    found: list[AxisMap] = []
    for axis, stride in zip(AXES, (options.strideH, options.strideW), strict=True):
        size, kernel = data.shape[axis], weights.shape[axis]
        if kernel < stride:  # XNNPACK leaves some of these to kernels that round otherwise
            return "makes rows or columns that no input reaches"
        pads = same_pads(whole[axis], Window(kernel, stride)) if is_same else (0, 0)
        if (whole[axis] + sum(pads) - kernel) // stride + 1 != size or whole[axis] + sum(pads) < kernel:
            return "does not make as many rows and columns as its window says"
        found.append(Spread(size, kernel, stride, pads[0]))
    maps: list[tuple[AxisMap, AxisMap] | None] = [None] * len(op.inputs)
    maps[2] = found[0], found[1]
    return Spatial(AXES, tuple(maps), facts.products(op), macs_of=2)


def _fully_connected(facts: Facts, op: Operator) -> Spatial | str:
    options, data, weights = facts.options(op), facts.tensor(op, 0), facts.tensor(op, 1)
    if options is None or not options.keepNumDims or not facts.are_images(op):
        return "sums over the whole input"
    if data is None or weights is None or (data.element == "float32" and weights.element != "float32"):
        return "quantizes its input, by what is in all of it"
    if data.shape[:-1] != facts.output(op).shape[:-1] or len(weights.shape) != 2:
        return "sums over more than the channels"
    return _pixelwise(facts, op, op.inputs[:1])


def _pad(facts: Facts, op: Operator) -> Spatial | str:
    data, pads = facts.tensor(op, 0), facts.numbers(op, 1)
    if data is None or pads is None or len(pads) != 2 * RANK or min(pads) < 0:
        return "is padded by numbers that are not in the file"
    whole = facts.output(op).shape
    if len(data.shape) != RANK or any(
        size + pads[2 * axis] + pads[2 * axis + 1] != wide
        for axis, (size, wide) in enumerate(zip(data.shape, whole, strict=False))
    ):
        return "does not make as many rows and columns as its padding says"
    rows, columns = (Window(pad=pads[2 * axis]) for axis in AXES)
    return Spatial(AXES, ((rows, columns), *[None] * (len(op.inputs) - 1)), pads=Pads.EXPLICIT)


def _concatenation(facts: Facts, op: Operator) -> Spatial | str:
    options = facts.options(op)
    if options is None or options.axis % RANK in AXES or not -RANK <= options.axis < RANK:
        return "puts rows or columns together"
    return _pixelwise(facts, op, op.inputs)


def _split(facts: Facts, op: Operator) -> Spatial | str:
    place, data = (0, 1) if op.kind == "SPLIT" else (2, 0)
    axes = facts.numbers(op, place)
    if not axes or not facts.are_images(op, data) or axes[0] % RANK in AXES:
        return "splits rows or columns, or along an axis that is not in the file"
    maps: list[tuple[AxisMap, AxisMap] | None] = [None] * len(op.inputs)
    maps[data] = Window(), Window()
    return Spatial(AXES, tuple(maps))


def _slice(facts: Facts, op: Operator) -> Spatial | str:
    begin, size = facts.numbers(op, 1), facts.numbers(op, 2)
    if begin is None or size is None or len(begin) != RANK:
        return "cuts by numbers that are not in the file"
    return _cut(facts, op, begin)


def _strided_slice(facts: Facts, op: Operator) -> Spatial | str:
    options, begin, strides = facts.options(op), facts.numbers(op, 1), facts.numbers(op, 3)
    if options is None or begin is None or strides is None or not len(begin) == len(strides) == RANK:
        return "cuts by numbers that are not in the file"
    if options.ellipsisMask or options.newAxisMask or options.shrinkAxisMask or options.offset:
        return "changes the number of dimensions"
    if any(strides[axis] != 1 for axis in AXES):
        return "cuts rows or columns"
    return _cut(facts, op, [0 if options.beginMask >> k & 1 else number for k, number in enumerate(begin)])


def _cut(facts: Facts, op: Operator, begin: list[int]) -> Spatial | str:
    """Return the maps of a cut that takes all rows and columns."""
    data, whole = facts.tensor(op, 0), facts.output(op).shape
    if data is None or not facts.are_images(op):
        return "has no rows and columns"
    if any(begin[axis] != 0 or data.shape[axis] != whole[axis] for axis in AXES):
        return "cuts rows or columns"
    return _pixelwise(facts, op, op.inputs[:1])


def _resize(facts: Facts, op: Operator) -> Spatial | str:
    options, data, whole = facts.options(op), facts.tensor(op, 0), facts.output(op).shape
    if options is None or data is None or not facts.are_images(op) or not data.elements:
        return "has no rows and columns"
    if facts.tensor(op, 1) is None:
        return "is not told its size"
    if options.alignCorners:
        return "scales by another factor for each size (align_corners)"
    sizes = [(data.shape[axis], whole[axis]) for axis in AXES]
    if any(wide % size or not wide for size, wide in sizes):
        return "does not scale by a whole number"
    along = _nearest if op.kind == "RESIZE_NEAREST_NEIGHBOR" else _linear
    rows, columns = (along(size, wide // size, half=bool(options.halfPixelCenters)) for size, wide in sizes)
    if isinstance(rows, str) or isinstance(columns, str):
        return rows if isinstance(rows, str) else str(columns)
    return Spatial(AXES, ((rows, columns), *[None] * (len(op.inputs) - 1)))


def _nearest(size: int, factor: int, *, half: bool) -> AxisMap | str:
    """Return the map if the arithmetic of the kernels, in floats of 32 bits, takes input o // factor."""
    taken = nearest(size, size * factor, align=False, half=half)
    even = np.array_equal(taken, np.arange(size * factor) // factor)
    return Nearest(factor) if even else "does not repeat its pixels evenly"


def _linear(size: int, factor: int, *, half: bool) -> AxisMap | str:
    del size
    if not half:
        return "takes pixels for points (half_pixel_centers is not set)"
    if factor & (factor - 1) or factor > LARGEST_LINEAR:
        return "does not scale by a power of two"
    return Linear(factor)


def _blocks(facts: Facts, op: Operator) -> Spatial | str:
    options, data, whole = facts.options(op), facts.tensor(op, 0), facts.output(op).shape
    if options is None or data is None or not facts.are_images(op) or options.blockSize < 1:
        return "has no rows and columns"
    size = options.blockSize
    blocks = Blocks(1, size) if op.kind == "DEPTH_TO_SPACE" else Blocks(size, 1)
    if any(data.shape[axis] * blocks.outputs != whole[axis] * blocks.inputs for axis in AXES):
        return "does not make as many rows and columns as its blocks say"
    return Spatial(AXES, ((blocks, blocks),))


_RULES: dict[str, Callable[[Facts, Operator], Spatial | str]] = {
    "AVERAGE_POOL_2D": _average_pool,
    "CONCATENATION": _concatenation,
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _convolution,
    "DEPTH_TO_SPACE": _blocks,
    "FULLY_CONNECTED": _fully_connected,
    "MAX_POOL_2D": _max_pool,
    "PAD": _pad,
    "PADV2": _pad,
    "RESIZE_BILINEAR": _resize,
    "RESIZE_NEAREST_NEIGHBOR": _resize,
    "SLICE": _slice,
    "SPACE_TO_DEPTH": _blocks,
    "SPLIT": _split,
    "SPLIT_V": _split,
    "STRIDED_SLICE": _strided_slice,
    "TRANSPOSE_CONV": _transposed_convolution,
}
_NO_PLACE = "gives rows and columns another place"
_REDUCES = "reduces rows and columns"
_WHOLE: dict[str, str] = {
    "EXPAND_DIMS": _NO_PLACE,
    "MEAN": _REDUCES,
    "REDUCE_MAX": _REDUCES,
    "REDUCE_MIN": _REDUCES,
    "RESHAPE": _NO_PLACE,
    "SQUEEZE": _NO_PLACE,
    "SUM": _REDUCES,
    "TRANSPOSE": _NO_PLACE,
}
"""Why some kinds have no rule."""
