"""Which part of its inputs an ONNX operator needs where the channels are the last axis.

So they are between the Transposes of a ConvNeXt, and everywhere in a transformer. Images have their rows and
columns on the axes 1 and 2; sequences have their tokens on axis 1, which are cut like rows, and no columns.
Nothing in an operator tells whether its channels come last, so that its neighbours have to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from hmcos.frontends.onnx.nodes import Node, Refusal
from hmcos.frontends.onnx.operands import ELEMENT_WISE, is_float, operand, reduced_axes
from hmcos.graph.windows import AxisMap, Rounding, Spatial, Window

IMAGE, SEQUENCE = 4, 3
"""Numbers of axes."""
ALIGNED = 16
"""Channels: ONNX Runtime adds them up in an order that depends on where a pixel begins in memory, unless each
begins at a whole vector of the processor."""
_PRODUCTS = {"MatMul": 1, "MatMulInteger": 1, "QLinearMatMul": 3}
"""Kinds to the input that holds weights."""


def with_channels_last(nodes: Sequence[Node]) -> frozenset[int]:
    """Return the numbers of the operators of a graph whose channels are the last axis.

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
    return frozenset(i for i, is_passed in enumerate(passed) if is_passed and found(i) in groups)


def _images(node: Node) -> Iterator[int]:
    """Yield the images and sequences that an operator reads and makes."""
    for t in (*node.op.reads, *node.op.makes):
        tensor = node.graph.tensors[t]
        if not tensor.is_parameter and len(tensor.shape) in (IMAGE, SEQUENCE):
            yield t


def window(node: Node) -> Spatial:
    """Return what is known of an operator whose channels are the last axis.

    Raises:
        Refusal: it has to stay whole; says why.
    """
    if node.op.kind in ELEMENT_WISE:
        return _element_wise(node)
    return _KINDS[node.op.kind](node)


def _is_along_last(node: Node) -> bool:
    op, data = node.op, node.tensor(0)
    if op.domain or data is None or len(data.shape) not in (IMAGE, SEQUENCE):
        return False
    rank = len(data.shape)
    if op.kind in _PRODUCTS:
        weights = node.tensor(_PRODUCTS[op.kind])
        return weights is not None and weights.is_parameter and len(weights.shape) == 2
    if op.kind in ("LayerNormalization", "LogSoftmax", "RMSNormalization", "Softmax"):
        return node.number("axis", 1 if "max" in op.kind and node.opset < 13 else -1) % rank == rank - 1
    if op.kind.startswith(("Arg", "Reduce")):
        return reduced_axes(node, rank) == [rank - 1]
    return False


def _axes(node: Node) -> tuple[int, int]:
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
    return (1, 2) if len(shape) == IMAGE else (1, 0)


def _spatial(node: Node, maps: Mapping[int, tuple[AxisMap, AxisMap]], **rest: object) -> Spatial:
    axes = _axes(node)
    sizes = [
        [tensor.shape[axis] for axis in axes] if len(tensor.shape) > max(axes) else []
        for tensor in (node.graph.tensors[t] for t in node.op.makes)
    ]
    if any(size != sizes[0] for size in sizes):
        raise Refusal("makes outputs of several sizes")
    inputs = tuple(maps.get(k) for k in range(len(node.op.inputs)))
    return Spatial(axes, inputs, **rest)  # pyright: ignore[reportArgumentType]


def _element_wise(node: Node) -> Spatial:
    axes, maps = _axes(node), dict[int, tuple[AxisMap, AxisMap]]()
    made = node.graph.tensors[node.op.makes[0]]
    for k, t in enumerate(node.op.inputs):
        if t is not None and (found := operand(node.graph.tensors[t], made, axes)) is not None:
            maps[k] = found
    return _spatial(node, maps)


def _first(node: Node, **rest: object) -> Spatial:
    """Return what reads the rows and columns of its first input, and parameters."""
    axes, data = _axes(node), node.tensor(0)
    made = node.graph.tensors[node.op.makes[0]]
    if data is None or len(data.shape) != len(made.shape):
        raise Refusal("changes the number of axes")
    if any(data.shape[axis] != made.shape[axis] for axis in axes):
        raise Refusal("changes rows or columns")
    if any(not node.graph.tensors[t].is_parameter for t in node.op.inputs[1:] if t is not None):
        raise Refusal("reads computed parameters")
    return _spatial(node, {0: (Window(), Window())}, **rest)


def _product(node: Node) -> Spatial:
    data = node.tensor(0)
    small = (node.tensor(k) for k in range(1, len(node.op.inputs)) if k != _PRODUCTS[node.op.kind])
    if any(tensor is not None and len(tensor.shape) > 1 for tensor in small):
        raise Refusal("reads a scale per row")
    return _first(node, macs=1 if data is None else data.shape[-1])


def _reduction(node: Node) -> Spatial:
    data = node.tensor(0)
    adds = node.op.kind in ("ReduceMean", "ReduceSum") and data is not None and is_float(data)
    return _first(node, bits=Rounding() if adds and data is not None and data.shape[-1] % ALIGNED else None)


def _parts(node: Node) -> Spatial:
    made = node.graph.tensors[node.op.makes[0]]
    if node.number("axis", 0) % len(made.shape) != len(made.shape) - 1:
        raise Refusal("cuts along other axes than the channels")
    axes = _axes(node)
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
    return _spatial(node, maps)


REDUCTIONS = (
    "ArgMax", "ArgMin", "ReduceL1", "ReduceL2", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin",
    "ReduceProd", "ReduceSum", "ReduceSumSquare",
)  # fmt: skip
_KINDS: dict[str, Callable[[Node], Spatial]] = {
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
