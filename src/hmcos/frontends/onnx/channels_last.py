"""Which part of its inputs an ONNX operator needs where the channels are the last axis.

So they are between the Transposes of a ConvNeXt, and everywhere in a transformer. Images have their rows and
columns on the axes 1 and 2; sequences have their tokens on axis 1, which are cut like rows, and no columns.
In attention, the axes are heads and tokens: then the tokens are the rows.
Nothing in an operator tells whether its channels come last, so that its neighbours have to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from hmcos.frontends.onnx.nodes import Node, Refusal
from hmcos.frontends.onnx.operands import ELEMENT_WISE, is_float, operand, reduced_axes
from hmcos.graph.windows import AxisMap, Rounding, Rows, Spatial, Whole, Window

IMAGE, SEQUENCE = 4, 3
"""Numbers of axes."""
ALIGNED = 16
"""Channels: ONNX Runtime adds them up in an order that depends on where a pixel begins in memory, unless each
begins at a whole vector of the processor."""
_PRODUCTS = {"MatMul": 1, "MatMulInteger": 1, "QLinearMatMul": 3}
"""Kinds to the input that holds weights."""


Axes = tuple[int, int]
"""Those of rows and columns."""


def with_channels_last(nodes: Sequence[Node]) -> dict[int, Axes]:
    """Return operators whose channels are the last axis, by number, with their axes in an image.

    These are operators that work along the last axis, and those element by element between them, as far as
    no operator on other images is among them.
    """
    group = list(range(len(nodes)))

    def found(number: int) -> int:
        while group[number] != number:
            group[number] = group[group[number]]
            number = group[number]
        return number

    along, first = [_is_along_last(node) for node in nodes], dict[int, int]()
    passed = [is_seed or node.op.kind in _PASSED for is_seed, node in zip(along, nodes, strict=True)]
    for i, node in enumerate(nodes):
        for t in _images(node) if passed[i] else ():
            group[found(i)] = found(first.setdefault(t, i))
    groups = {found(i) for i, is_seed in enumerate(along) if is_seed}
    others = {t for node in nodes if node.op.kind in _OTHERS for t in _images(node)}
    groups -= {found(i) for t, i in first.items() if t in others}
    attention = {found(i) for i, node in enumerate(nodes) if along[i] and _multiplies_images(node)}
    return {
        i: (2, 1) if found(i) in attention else (1, 2)
        for i, is_passed in enumerate(passed)
        if is_passed and found(i) in groups
    }


def _images(node: Node) -> Iterator[int]:
    """Yield the images and sequences that an operator reads and makes."""
    for t in (*node.op.reads, *node.op.makes):
        tensor = node.graph.tensors[t]
        if not tensor.is_parameter and len(tensor.shape) in (IMAGE, SEQUENCE):
            yield t


def window(node: Node, image: Axes) -> Spatial:
    """Return what is known of an operator whose channels are the last axis; `image` are its axes in an image.

    Raises:
        Refusal: it has to stay whole; says why.
    """
    axes = _axes(node, image)
    if node.op.kind in ELEMENT_WISE:
        return _element_wise(node, axes)
    return _KINDS[node.op.kind](node, axes)


def _is_along_last(node: Node) -> bool:
    op, data = node.op, node.tensor(0)
    if op.domain or data is None or len(data.shape) not in (IMAGE, SEQUENCE):
        return False
    rank = len(data.shape)
    if op.kind in _PRODUCTS:
        weights = node.tensor(_PRODUCTS[op.kind])
        is_matrix = weights is not None and weights.is_parameter and len(weights.shape) == 2
        return is_matrix or _multiplies_images(node)
    if op.kind in ("LayerNormalization", "LogSoftmax", "RMSNormalization", "Softmax"):
        return node.number("axis", 1 if "max" in op.kind and node.opset < 13 else -1) % rank == rank - 1
    if op.kind.startswith(("Arg", "Reduce")):
        return reduced_axes(node, rank) == [rank - 1]
    return False


def _multiplies_images(node: Node) -> bool:
    """Return whether an operator multiplies computed matrices with others, as attention does."""
    one, other = node.tensor(0), node.tensor(1)
    if node.op.kind != "MatMul" or one is None or other is None or one.is_parameter or other.is_parameter:
        return False
    rank = len(one.shape)
    return rank in (IMAGE, SEQUENCE) and one.shape[: rank - 2] == other.shape[:-2]


def _axes(node: Node, image: Axes) -> Axes:
    """Return the axes of rows and columns.

    Raises:
        Refusal: what is made is no image and no single sequence.
    """
    if not node.op.outputs or node.op.outputs[0] is None:
        raise Refusal("makes nothing that could be cut")
    shape = node.graph.tensors[node.op.outputs[0]].shape
    if 0 in shape or len(shape) not in (IMAGE, SEQUENCE):
        raise Refusal("makes no image and no sequence")
    if len(shape) == SEQUENCE and shape[0] != 1:
        raise Refusal("makes several sequences at once")
    return image if len(shape) == IMAGE else (1, 0)


def _spatial(node: Node, axes: Axes, maps: Mapping[int, tuple[AxisMap, AxisMap]], **rest: object) -> Spatial:
    sizes = [
        [tensor.shape[axis] for axis in axes] if len(tensor.shape) > max(axes) else []
        for tensor in (node.graph.tensors[t] for t in node.op.makes)
    ]
    if any(size != sizes[0] for size in sizes):
        raise Refusal("makes outputs of several sizes")
    inputs = tuple(maps.get(k) for k in range(len(node.op.inputs)))
    return Spatial(axes, inputs, **rest)  # pyright: ignore[reportArgumentType]


def _element_wise(node: Node, axes: Axes) -> Spatial:
    maps: dict[int, tuple[AxisMap, AxisMap]] = {}
    made = node.graph.tensors[node.op.makes[0]]
    for k, t in enumerate(node.op.inputs):
        if t is not None and (found := operand(node.graph.tensors[t], made, axes)) is not None:
            maps[k] = found
    return _spatial(node, axes, maps)


def _first(node: Node, axes: Axes, **rest: object) -> Spatial:
    """Return what reads the rows and columns of its first input, and parameters."""
    data = node.tensor(0)
    made = node.graph.tensors[node.op.makes[0]]
    if data is None or len(data.shape) != len(made.shape):
        raise Refusal("changes the number of axes")
    if any(data.shape[axis] != made.shape[axis] for axis in axes):
        raise Refusal("changes rows or columns")
    if any(not node.graph.tensors[t].is_parameter for t in node.op.inputs[1:] if t is not None):
        raise Refusal("reads computed parameters")
    return _spatial(node, axes, {0: (Window(), Window())}, **rest)


def _product(node: Node, axes: Axes) -> Spatial:
    data, weights = node.tensor(0), node.tensor(_PRODUCTS[node.op.kind])
    if data is None or weights is None:
        raise Refusal("reads nothing")
    several = _multiplies_images(node)
    bits = Rows(several) if weights.shape[-1] > 1 else Rounding()
    rest: dict[str, object] = {"macs": data.shape[-1], "bits": bits if is_float(data) else None}
    if several:
        columns = Window() if weights.shape[axes[1]] > 1 else Whole()
        maps = {0: (Window(), Window()), 1: (Whole(weights.shape[axes[0]]), columns)}
        return _spatial(node, axes, maps, **rest)
    small = (node.tensor(k) for k in range(1, len(node.op.inputs)) if k != _PRODUCTS[node.op.kind])
    if any(tensor is not None and len(tensor.shape) > 1 for tensor in small):
        raise Refusal("reads a scale per row")
    return _first(node, axes, **rest)


def _reduction(node: Node, axes: Axes) -> Spatial:
    data = node.tensor(0)
    adds = node.op.kind in ("ReduceMean", "ReduceSum") and data is not None and is_float(data)
    return _first(
        node, axes, bits=Rounding() if adds and data is not None and data.shape[-1] % ALIGNED else None
    )


def _parts(node: Node, axes: Axes) -> Spatial:
    made = node.graph.tensors[node.op.makes[0]]
    if node.number("axis", 0) % len(made.shape) != len(made.shape) - 1:
        raise Refusal("cuts along other axes than the channels")
    several = node.op.kind == "Concat"
    maps = {k: (Window(), Window()) for k in (range(len(node.op.inputs)) if several else [0])}
    for k in maps:
        tensor = node.tensor(k)
        if (
            tensor is None
            or any(tensor.shape[axis] != made.shape[axis] for axis in axes)
            or (several and tensor.is_parameter)
        ):
            raise Refusal("puts other things than images together")
    return _spatial(node, axes, maps)


REDUCTIONS = (
    "ArgMax", "ArgMin", "ReduceL1", "ReduceL2", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin",
    "ReduceProd", "ReduceSum", "ReduceSumSquare",
)  # fmt: skip
_KINDS: dict[str, Callable[[Node, Axes], Spatial]] = {
    "Concat": _parts,
    "Dropout": _first,
    "LayerNormalization": _first,
    "LogSoftmax": _first,
    "MatMul": _product,
    "MatMulInteger": _product,
    "QLinearMatMul": _product,
    "RMSNormalization": _first,
    "Softmax": _first,
    "Split": _parts,
    **dict.fromkeys(REDUCTIONS, _reduction),
}
_PASSED = ELEMENT_WISE | {"Concat", "Dropout", "Split"}
"""Kinds of which the neighbours tell where the channels are."""
_OTHERS = frozenset((
    "AveragePool", "BatchNormalization", "Conv", "ConvInteger", "ConvTranspose", "DepthToSpace",
    "GlobalAveragePool", "GlobalMaxPool", "GroupNormalization", "InstanceNormalization", "LRN", "MaxPool",
    "QLinearConv", "Resize", "SpaceToDepth", "Upsample",
))  # fmt: skip
"""Kinds that read images with channels on axis 1."""
