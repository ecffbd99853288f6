"""Operators that compute element by element, what they read, and what reductions reduce."""

from __future__ import annotations

from hmcos.frontends.onnx.nodes import Node, Refusal
from hmcos.graph.graph import Tensor
from hmcos.graph.windows import AxisMap, Whole, Window

# fmt: off
ELEMENT_WISE = frozenset((
    "Abs", "Acos", "Acosh", "Add", "And", "Asin", "Asinh", "Atan", "Atanh", "BitShift", "BitwiseAnd",
    "BitwiseNot", "BitwiseOr", "BitwiseXor", "Cast", "CastLike", "Ceil", "Celu", "Clip", "Cos", "Cosh", "Div",
    "Elu", "Equal", "Erf", "Exp", "Floor", "Gelu", "Greater", "GreaterOrEqual", "HardSigmoid", "HardSwish",
    "Identity", "IsInf", "IsNaN", "LeakyRelu", "Less", "LessOrEqual", "Log", "Max", "Mean", "Min", "Mish",
    "Mod", "Mul", "Neg", "Not", "Or", "PRelu", "Pow", "Reciprocal", "Relu", "Round", "Selu", "Sigmoid",
    "Sign", "Sin", "Sinh", "Softplus", "Softsign", "Sqrt", "Sub", "Sum", "Swish", "Tan", "Tanh",
    "ThresholdedRelu", "Where", "Xor",
))
# fmt: on
ROUNDING = frozenset(
    ("Acos", "Asin", "Atan", "Celu", "Cos", "Elu", "Log", "Mish", "Pow", "Selu", "Sin", "Softplus", "Tan")
)
"""Those of them of which ONNX Runtime computes the last values of a tensor in another way than the others
(found by running it); those that it was not seen to, but might on other processors, are taken along."""
ROUNDING_DOUBLE = frozenset(
    ("Erf", "Exp", "Gelu", "HardSwish", "LogSoftmax", "Sigmoid", "Softmax", "Swish", "Tanh")
)
"""More kinds of which it does, for floats of 64 bits."""
_HALF = frozenset(("bfloat16", "float16"))

RUNTIME_DOMAIN = "com.microsoft"
RUNTIME_ELEMENT_WISE = frozenset(("QLinearAdd", "QLinearLeakyRelu", "QLinearMul", "QLinearSigmoid"))
"""Kinds of ONNX Runtime's own that compute element by element, in integers."""


def operand(read: Tensor, made: Tensor, axes: tuple[int, int]) -> tuple[AxisMap, AxisMap] | None:
    """Return the maps of an operand that may be broadcast, None where every piece reads it as it is.

    Raises:
        Refusal: it can be neither cut nor read as it is.
    """
    rank, all_axes = len(read.shape), len(made.shape)
    places = [axis - all_axes + rank for axis in axes]
    sizes = tuple(read.shape[place] if place >= 0 else 1 for place in places)
    if all(size == 1 for size in sizes) and (read.is_parameter or rank < all_axes):
        return None
    if read.is_parameter:
        raise Refusal("reads a parameter with a value per row or column")
    if rank < all_axes:
        raise Refusal("reads what has rows or columns but fewer axes")
    maps = [Window() if size == made.shape[axis] else Whole() for size, axis in zip(sizes, axes, strict=True)]
    return maps[0], maps[1]


def rounds_by_place(node: Node) -> bool:
    """Return whether a piece of some operator may round otherwise than the whole, whatever its shape.

    On a processor, ONNX Runtime computes floats of 16 bits in 32 where it has no kernel for them, and does
    not round in between from one such operator to the next, unless a Slice stands there.
    """
    op, tensors = node.op, node.graph.tensors
    elements = {tensors[t].element for t in (*op.makes, *op.inputs) if t is not None}
    if not elements.isdisjoint(_HALF):
        return True
    if op.kind == "Pow" and node.values(1) == [2.0]:
        return False  # a product; a third power is not computed alike everywhere
    return op.kind in ROUNDING or (op.kind in ROUNDING_DOUBLE and "float64" in elements)


def is_float(tensor: Tensor) -> bool:
    """Return whether a tensor holds floats."""
    return tensor.element.endswith(("float16", "float32", "float64"))


def reduced_axes(node: Node, rank: int) -> list[int] | None:
    """Return over which axes an operator of the kinds Reduce... or Arg... works; None if that is computed.

    None also where the axes are gone from what is made.
    """
    if not node.number("keepdims", 1):
        return None
    if node.op.kind.startswith("Arg"):
        return [node.number("axis", 0) % rank]
    if "axes" in node.attributes:
        return [axis % rank for axis in node.numbers("axes", [])]
    values = node.values(1) if node.tensor(1) is not None else None
    return None if values is None else [int(axis) % rank for axis in values]
