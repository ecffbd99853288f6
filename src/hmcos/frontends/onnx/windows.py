"""Which part of its inputs an ONNX operator needs for a part of its outputs: images are NCHW."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import prod

from hmcos.frontends.model import Model
from hmcos.frontends.onnx.channels_last import REDUCTIONS, with_channels_last
from hmcos.frontends.onnx.channels_last import window as channels_last_window
from hmcos.frontends.onnx.nodes import Node, Refusal, all_pads, nodes
from hmcos.frontends.onnx.operands import (
    ELEMENT_WISE,
    RUNTIME_DOMAIN,
    RUNTIME_ELEMENT_WISE,
    operand,
    reduced_axes,
    rounds_by_place,
)
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
    Summation,
    Transposed,
    Window,
    Windows,
)

AXES = (2, 3)
"""Rows and columns."""

Maps = tuple[AxisMap, AxisMap]

WHOLE_KINDS = {
    "GlobalAveragePool": "averages over rows and columns",
    "GlobalMaxPool": "takes the maximum over rows and columns",
    "ReduceMean": "averages over rows or columns",
    "ReduceSum": "sums over rows or columns",
    "Flatten": "makes one row of the image",
    "Reshape": "changes the shape of the image",
    "Transpose": "changes the order of the axes",
    "InstanceNormalization": "needs the mean of the whole image",
    "GroupNormalization": "needs the mean of the whole image",
    "LayerNormalization": "needs the mean of the whole image",
}
"""Kinds to why they are left whole."""


def windows(model: Model) -> Windows:
    """Return per operator of a model how it can be made piece by piece.

    Raises:
        ModelError: the model's opset is older than what tiling knows; says how to convert it.
    """
    found = nodes(model)
    last = with_channels_last(found)
    return tuple(_window(node, last.get(i)) for i, node in enumerate(found))


def _window(node: Node, axes: tuple[int, int] | None) -> Spatial | Barrier:
    """Return how an operator can be made piece by piece; `axes` are those of one whose channels are last."""
    op = node.op
    own = _RUNTIME_KINDS.get(op.kind) if op.domain == RUNTIME_DOMAIN else None
    if op.bodies or op.is_random or (op.domain and own is None):
        reason = "runs graphs inside" if op.bodies else "draws numbers" if op.is_random else "is not standard"
        return Barrier(reason)
    tensors = [node.graph.tensors[t] for t in (*op.reads, *op.makes)]
    if any(tensor.at_most for tensor in tensors):
        return Barrier("has sizes that depend on data")
    reader = own or (_element_wise if op.kind in ELEMENT_WISE else _KINDS.get(op.kind))
    if axes is not None:
        reader = partial(channels_last_window, image=axes)
    if reader is None:
        return Barrier(WHOLE_KINDS.get(op.kind, "is not known to work piece by piece"), _macs(node))
    try:
        found = reader(node)
    except Refusal as refusal:
        return Barrier(str(refusal), _macs(node))
    return replace(found, bits=Rounding()) if rounds_by_place(node) else found


def _macs(node: Node) -> int:
    """Return the multiplications and additions of an operator that stays whole."""
    op, data = node.op, node.tensor(0)
    if not op.makes or data is None:
        return 0
    made, products = node.graph.tensors[op.makes[0]].elements, 0
    weights = node.tensor(3 if op.kind == "QLinearConv" else 1)
    if op.kind in ("MatMul", "MatMulInteger", "QLinearMatMul") and data.shape:
        products = data.shape[-1]
    elif op.kind == "Gemm" and len(data.shape) == 2:
        products = data.shape[0 if node.number("transA", 0) else 1]
    elif op.kind in ("Conv", "ConvInteger", "QLinearConv") and weights is not None:
        products = prod(weights.shape[1:])
    elif op.kind == "ConvTranspose" and weights is not None:
        made, products = data.elements, prod(weights.shape[1:])
    return made * products


def _spatial(node: Node, maps: dict[int, Maps], **rest: object) -> Spatial:
    """Return what is spatial with maps for some inputs and none for the others.

    Raises:
        Refusal: outputs differ in rows or columns.
    """
    sizes = node.made.shape[2:]
    for t in node.op.makes:
        if node.graph.tensors[t].shape[2:] != sizes or len(node.graph.tensors[t].shape) != 4:
            raise Refusal("makes outputs of several sizes")
    inputs = tuple(maps.get(k) for k in range(len(node.op.inputs)))
    return Spatial(AXES, inputs, **rest)  # pyright: ignore[reportArgumentType]


def _element_wise(node: Node) -> Spatial:
    maps: dict[int, Maps] = {}
    for k, t in enumerate(node.op.inputs):
        if t is not None and (found := operand(node.graph.tensors[t], node.made, AXES)) is not None:
            maps[k] = found
    return _spatial(node, maps)


def _same(node: Node, positions: list[int]) -> dict[int, Maps]:
    """Return maps of inputs that have the rows and columns of the output."""
    for k in positions:
        if node.data(k).shape[2:] != node.made.shape[2:]:
            raise Refusal("changes rows or columns")
    return dict.fromkeys(positions, (Window(), Window()))


def _first(node: Node) -> Spatial:
    return _spatial(node, _same(node, [0]))


def _small(node: Node) -> Spatial:
    """Return what reads parameters of a value each, or of one per channel."""
    for k in range(1, len(node.op.inputs)):
        tensor = node.tensor(k)
        if tensor is not None and (not tensor.is_parameter or len(tensor.shape) > 1):
            raise Refusal("reads computed or blocked parameters")
    return _first(node)


def _quantize(node: Node) -> Spatial:
    scale = node.tensor(1)
    if scale is not None and scale.elements > 1 and node.number("axis", 1) % 4 != 1:
        raise Refusal("reads a scale per row or column")
    return _small(node)


def _normalization(node: Node) -> Spatial:
    if node.number("training_mode", 0):
        raise Refusal("computes the mean of the whole image")
    return _small(node)


def _over_channels(node: Node) -> Spatial:
    if node.opset < 13 or node.number("axis", -1) % 4 != 1:
        raise Refusal("sums over rows or columns")
    return _first(node)


def _reduction(node: Node) -> Spatial:
    if reduced_axes(node, len(node.data().shape)) != [1]:
        raise Refusal(WHOLE_KINDS.get(node.op.kind, "works along rows or columns"))
    return _first(node)


def _concat(node: Node) -> Spatial:
    if node.number("axis", 1) % 4 not in (0, 1):
        raise Refusal("puts images side by side")
    return _spatial(node, _same(node, list(range(len(node.op.inputs)))))


def _quantized_concat(node: Node) -> Spatial:
    """Return the maps of images that come with a scale and a zero point each, behind those of the output."""
    if node.number("axis", 1) % 4 not in (0, 1):
        raise Refusal("puts images side by side")
    return _spatial(node, _same(node, list(range(2, len(node.op.inputs), 3))))


def _split(node: Node) -> Spatial:
    if node.number("axis", 0) % 4 not in (0, 1):
        raise Refusal("cuts images apart")
    return _first(node)


def _dropout(node: Node) -> Spatial:
    return _first(node)


def _pair(node: Node, name: str, default: int) -> list[int]:
    found = node.numbers(name, [default, default])
    if len(found) != 2:
        raise Refusal("has attributes that do not fit an image")
    return found


def _pads(node: Node, kernel: list[int], stride: list[int], dilation: list[int]) -> list[int]:
    """Return the padding before the image, of rows and columns."""
    auto = node.text("auto_pad", "NOTSET")
    if auto == "NOTSET":
        return node.numbers("pads", [0, 0, 0, 0])[:2]
    if auto == "VALID":
        return [0, 0]
    if dilation != [1, 1]:  # ONNX Runtime pads as if there were none, and makes fewer rows than ONNX says
        raise Refusal("derives its padding from a dilated window")
    begins: list[int] = []
    for i, axis in enumerate(AXES):
        size, made = node.data().shape[axis], node.made.shape[axis]
        total = max(0, (made - 1) * stride[i] + (kernel[i] - 1) * dilation[i] + 1 - size)
        begins.append(total // 2 if auto == "SAME_UPPER" else total - total // 2)
    return begins


def _sliding(node: Node, kernel: list[int]) -> tuple[Window, Window]:
    stride, dilation = _pair(node, "strides", 1), _pair(node, "dilations", 1)
    begins = _pads(node, kernel, stride, dilation)
    found = [Window(k, s, d, p) for k, s, d, p in zip(kernel, stride, dilation, begins, strict=True)]
    if any(p < 0 for p in begins):
        raise Refusal("has negative padding")
    return found[0], found[1]


def _convolution(node: Node) -> Spatial:
    place = 3 if node.op.kind == "QLinearConv" else 1
    weights, data = node.tensor(place), node.data()
    if weights is None or len(weights.shape) != 4:
        raise Refusal("reads weights that are no image kernels")
    if any(not node.graph.tensors[t].is_parameter for t in node.op.inputs[1:] if t is not None):
        raise Refusal("reads computed weights")
    maps = _sliding(node, list(weights.shape[2:]))
    products = prod(weights.shape[1:])
    is_float = node.op.kind == "Conv" and data.element.endswith(("float16", "float32", "float64"))
    channels = weights.shape[0] // max(1, node.number("group", 1))
    bits = Summation(products, channels) if is_float else None
    # ONNX Runtime has a kernel of its own for these, as FastViT has them, if all four sides are padded.
    if is_float and (*weights.shape[1:], channels) == (1, 7, 7, 2) and _pair(node, "strides", 1) == [2, 2]:
        bits = Rounding()
    return _spatial(node, {0: maps}, macs=products, pads=Pads.EXPLICIT, bits=bits)


def _pool(node: Node) -> Spatial:
    if sum(1 for t in node.op.outputs if t is not None) > 1:
        raise Refusal("makes indices into the whole image")
    kernel = _pair(node, "kernel_shape", 1)
    maps = _sliding(node, kernel)
    if node.number("ceil_mode", 0):
        if node.number("count_include_pad", 0):
            raise Refusal("counts padding that ceil_mode adds")
        for along, axis in zip(maps, AXES, strict=True):
            if (node.made.shape[axis] - 1) * along.stride - along.pad >= node.data().shape[axis]:
                raise Refusal("has windows that begin outside of the image")
    return _spatial(node, {0: maps}, pads=Pads.EXPLICIT, most_pad=(kernel[0] - 1, kernel[1] - 1))


def _transposed(node: Node) -> Spatial:
    weights = node.tensor(1)
    if weights is None or len(weights.shape) != 4 or not weights.is_parameter:
        raise Refusal("reads computed weights")
    kernel, stride, dilation = list(weights.shape[2:]), _pair(node, "strides", 1), _pair(node, "dilations", 1)
    if "output_shape" in node.attributes or node.text("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise Refusal("derives its padding from the shape of its output")
    begins = node.numbers("pads", [0, 0, 0, 0])[:2]
    found = [Transposed(*each) for each in zip(kernel, stride, dilation, begins, strict=True)]
    channels = weights.shape[0] // max(1, node.number("group", 1))
    products = prod(weights.shape[1:])
    is_float = node.data().element.endswith(("float16", "float32", "float64"))
    bits = Summation(channels, weights.shape[1], by_input=True) if is_float else None
    told: dict[str, object] = {"pads": Pads.EXPLICIT, "bits": bits}
    return _spatial(node, {0: (found[0], found[1])}, macs=products, macs_of=0, **told)


def _pad(node: Node) -> Spatial:
    if node.text("mode", "constant") not in ("constant", "edge"):
        raise Refusal("repeats the image beyond its rim")
    pads = all_pads(node)
    if pads is None:
        raise Refusal("computes its padding")
    return (
        _spatial(node, {0: (Window(pad=pads[2]), Window(pad=pads[3]))}, pads=Pads.EXPLICIT)
        if node.data()
        else _first(node)
    )


def _resize(node: Node) -> Spatial:
    data, made = node.data(), node.made
    if data.shape[:2] != made.shape[:2] or node.text("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise Refusal("resizes more than rows and columns")
    if node.tensor(2) is not None and node.tensor(2).elements:  # pyright: ignore[reportOptionalMemberAccess]
        scales = node.values(2)
        if scales is None or len(scales) != 4:
            raise Refusal("computes its scales")
        if any(data.shape[axis] * scales[axis] != made.shape[axis] for axis in range(4)):
            raise Refusal("resizes by no whole factor")
    if node.tensor(4) is not None or "axes" in node.attributes or node.number("antialias", 0):
        raise Refusal("resizes with more than scales or sizes")
    maps = [_resized(node, data.shape[axis], made.shape[axis]) for axis in AXES]
    return _spatial(node, {0: (maps[0], maps[1])})


def _resized(node: Node, size: int, made: int) -> AxisMap:
    factor, rest = divmod(made, size)
    if rest or not factor:
        raise Refusal("resizes by no whole factor")
    mode, where = node.text("mode", "nearest"), node.text("coordinate_transformation_mode", "half_pixel")
    rounding = node.text("nearest_mode", "round_prefer_floor")
    if mode == "nearest" and (
        (where == "asymmetric" and rounding == "floor")
        or (where == "half_pixel" and rounding.startswith("round"))
    ):
        return Nearest(factor)
    if factor == 1 and where != "align_corners":
        # Linear even so: the last pixel is the mean of itself and itself, which rounds where the other axis
        # is scaled; all others are themselves plus nothing.
        return Bordered(0, 1) if mode == "linear" else Nearest(1)
    if mode == "linear" and where == "half_pixel" and not factor & (factor - 1):
        return Linear(factor)
    raise Refusal("places its pixels where no tile can")


def _depth_to_space(node: Node) -> Spatial:
    size = node.number("blocksize", 1)
    return _spatial(node, {0: (Blocks(1, size), Blocks(1, size))}) if node.data() else _first(node)


def _space_to_depth(node: Node) -> Spatial:
    size = node.number("blocksize", 1)
    return _spatial(node, {0: (Blocks(size, 1), Blocks(size, 1))}) if node.data() else _first(node)


def _slice(node: Node) -> Spatial:
    """Return a Slice of channels."""
    if any(not node.graph.tensors[t].is_parameter for t in node.op.inputs[1:] if t is not None):
        raise Refusal("computes where to cut")
    axes = node.values(3) if node.tensor(3) is not None else None
    if axes is None or any(int(axis) % 4 not in (0, 1) for axis in axes):
        raise Refusal("cuts images apart")
    return _first(node)


_KINDS: dict[str, Callable[[Node], Spatial]] = {
    "AveragePool": _pool,
    "BatchNormalization": _normalization,
    "Concat": _concat,
    "Conv": _convolution,
    "ConvInteger": _convolution,
    "ConvTranspose": _transposed,
    "DepthToSpace": _depth_to_space,
    "DequantizeLinear": _quantize,
    "Dropout": _dropout,
    "LogSoftmax": _over_channels,
    "MaxPool": _pool,
    "Pad": _pad,
    "QLinearConv": _convolution,
    "QuantizeLinear": _quantize,
    "Resize": _resize,
    "Slice": _slice,
    "Softmax": _over_channels,
    **dict.fromkeys(REDUCTIONS, _reduction),
    "SpaceToDepth": _space_to_depth,
    "Split": _split,
}
_RUNTIME_KINDS: dict[str, Callable[[Node], Spatial]] = {
    **dict.fromkeys(RUNTIME_ELEMENT_WISE, _element_wise),
    "QLinearConcat": _quantized_concat,
}
