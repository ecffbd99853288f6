"""The types that standard operators make of which onnx has no inference: those of its first operator sets.

These are most kinds of opset 1, which models of the opsets 1 to 5 use, and GroupNormalization.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import floor, isfinite, prod
from typing import TYPE_CHECKING

from onnx import AttributeProto, NodeProto, TensorProto, defs

from hmcos.frontends.onnx import ml_kinds
from hmcos.frontends.onnx.one_node import inferred
from hmcos.frontends.onnx.types import ValueType

if TYPE_CHECKING:
    from hmcos.frontends.onnx.walking import Step


def uninferred_types(step: Step) -> list[ValueType]:
    """Return the types of the outputs of an operator without inference; [] for all others, and if unknown."""
    rule = _RULES.get(step.node.op_type)
    first = step.type_of(0)
    if rule is None or not first.is_known or not step.reads_tensors:
        return []
    if _is_inferred(step.node.op_type, step.opset):
        return []
    made = rule(step, first)
    return [] if any(value.is_known and min(value.sizes, default=0) < 0 for value in made) else made


def opaque_types(step: Step) -> list[ValueType]:
    """Return the types of the outputs of an operator on which onnx's inference can crash; [] if unknown."""
    first = step.type_of(0)
    if step.node.op_type == "DictVectorizer":
        return ml_kinds.types(step)
    if step.node.op_type == "RegexFullMatch" and first.is_known and first.kind == "tensor":
        return [ValueType(TensorProto.BOOL, first.shape)]
    return []


@cache
def _is_inferred(kind: str, opset: int) -> bool:
    """Return whether onnx infers what a kind makes in an operator set."""
    try:
        schema = defs.get_schema(kind, opset, "")
    except defs.SchemaError:
        return True
    return schema.has_type_and_shape_inference_function and not schema.deprecated


def _alike(step: Step, first: ValueType) -> list[ValueType]:
    del step
    return [first]


def _attribute(step: Step, name: str) -> AttributeProto | None:
    return next((attribute for attribute in step.node.attribute if attribute.name == name), None)


def _numbers(step: Step, name: str) -> list[int]:
    found = _attribute(step, name)
    return [] if found is None else list(found.ints)


def _axis(step: Step, first: ValueType, default: int) -> int | None:
    """Return the attribute `axis` counted from 0; None if there is no such axis."""
    axis = step.attribute("axis", default)
    return axis % len(first.sizes) if -len(first.sizes) <= axis < len(first.sizes) else None


def _cast(step: Step, first: ValueType) -> list[ValueType]:
    """Cast-1: the element type is a text."""
    to = _attribute(step, "to")
    name = b"" if to is None else to.s
    numbers = {key.encode(): number for key, number in TensorProto.DataType.items()}
    return [ValueType(numbers[name], first.shape)] if name in numbers else []


def _normalized(step: Step, first: ValueType) -> list[ValueType]:
    """BatchNormalization-1: running and saved mean and variance follow the result."""
    return [first, *[step.type_of(1)] * 4]


def _concatenated(step: Step, first: ValueType) -> list[ValueType]:
    parts = [step.type_of(place) for place in range(len(step.node.input))]
    axis = _axis(step, first, 1)
    if axis is None or any(not p.is_known or len(p.sizes) != len(first.sizes) for p in parts):
        return []
    whole = sum(part.sizes[axis] for part in parts)
    joined = step.walk.at_most(whole) if any(part.bounds for part in parts) else whole
    return [ValueType(first.element, (*first.sizes[:axis], joined, *first.sizes[axis + 1 :]))]


def _split(step: Step, first: ValueType) -> list[ValueType]:
    """Split-1: the sizes are the second input, an attribute, or equal."""
    axis, many = _axis(step, first, 0), len(step.node.output)
    if axis is None or first.bounds:
        return []
    sizes = _numbers(step, "split")
    if len(step.node.input) > 1:
        value = step.value_of(1)
        sizes = [] if value is None or value.marks is not None else [int(n) for n in value.array.ravel()]
    elif not sizes and first.sizes[axis] % many == 0:
        sizes = [first.sizes[axis] // many] * many
    return [ValueType(first.element, (*first.sizes[:axis], n, *first.sizes[axis + 1 :])) for n in sizes]


def _padded(step: Step, first: ValueType) -> list[ValueType]:
    added, rank = _numbers(step, "paddings"), len(first.sizes)
    if len(added) != 2 * rank or first.bounds:
        return []
    sizes = zip(first.sizes, added[:rank], added[rank:], strict=True)
    return [ValueType(first.element, tuple(n + before + after for n, before, after in sizes))]


def _reshaped(step: Step, first: ValueType) -> list[ValueType]:
    """Reshape-1: 0 is the size of the same axis, -1 what is left."""
    wanted = _numbers(step, "shape")
    if first.bounds or wanted.count(-1) > 1 or any(not n for n in wanted[len(first.sizes) :]):
        return []
    sizes = [n or first.sizes[place] for place, n in enumerate(wanted)]
    others = prod(n for n in sizes if n != -1)
    if -1 in sizes:
        if not others or first.elements % others:
            return []
        sizes[sizes.index(-1)] = first.elements // others
    return [ValueType(first.element, tuple(sizes))]


def _enlarged(step: Step, first: ValueType) -> list[ValueType]:
    """Upsample-1: of an image, with scales for rows and columns."""
    scales = [_attribute(step, "height_scale"), _attribute(step, "width_scale")]
    if len(first.sizes) != 4 or None in scales or first.bounds:
        return []
    factors = [1.0, 1.0, *(scale.f for scale in scales if scale is not None)]
    if not all(map(isfinite, factors)):
        return []
    sizes = (floor(n * factor) for n, factor in zip(first.sizes, factors, strict=True))
    return [ValueType(first.element, tuple(sizes))]


def _product(step: Step, first: ValueType) -> list[ValueType]:
    """Gemm-1."""
    other = step.type_of(1)
    if not other.is_known or len(first.sizes) != 2 or len(other.sizes) != 2:
        return []
    rows = first.sizes[1 if step.attribute("transA", 0) else 0]
    return [ValueType(first.element, (rows, other.sizes[0 if step.attribute("transB", 0) else 1]))]


def _pooled(kind: str) -> Callable[[Step, ValueType], list[ValueType]]:
    """Return the rule of a pooling that makes the sizes of another one."""

    def rule(step: Step, first: ValueType) -> list[ValueType]:
        like = NodeProto(op_type=kind, input=["x"], output=["y"])
        kept = ("auto_pad", "kernel_shape", "pads", "strides")
        like.attribute.extend(a for a in step.node.attribute if a.name in kept)
        return inferred(like, {"x": first}, {}, step.walk.opsets)

    return rule


def _recurrent(step: Step, first: ValueType) -> list[ValueType]:
    """GRU-1: input (length, batch, features)."""
    hidden, both = step.attribute("hidden_size", 0), _attribute(step, "direction")
    if len(first.sizes) != 3 or hidden < 1:
        return []
    directions = 2 if both is not None and both.s == b"bidirectional" else 1
    length, batch, _ = first.sizes
    made = (length, directions, batch, hidden)
    return [ValueType(first.element, made), ValueType(first.element, made[1:])]


def _dropped(step: Step, first: ValueType) -> list[ValueType]:
    """Dropout-1: the mask has the type of the data."""
    del step
    return [first, first]


# fmt: off
_ALIKE = (
    "Abs", "Add", "Ceil", "Clip", "Div", "Elu", "Exp", "Floor", "GroupNormalization", "HardSigmoid",
    "InstanceNormalization", "LeakyRelu", "Log", "Max", "Mean", "Min", "Mul", "Neg", "PRelu", "Reciprocal",
    "Relu", "Selu", "Sigmoid", "Sqrt", "Sub", "Sum", "Tanh",
)
"""Kinds that make the type of their first input: in opset 1, only the second operand is broadcast."""
# fmt: on
_RULES: dict[str, Callable[[Step, ValueType], list[ValueType]]] = {
    **dict.fromkeys(_ALIKE, _alike),
    "BatchNormalization": _normalized,
    "Cast": _cast,
    "Concat": _concatenated,
    "Dropout": _dropped,
    "GRU": _recurrent,
    "Gemm": _product,
    "GlobalLpPool": _pooled("GlobalMaxPool"),
    "LpPool": _pooled("MaxPool"),
    "Pad": _padded,
    "Reshape": _reshaped,
    "Split": _split,
    "Upsample": _enlarged,
}
"""Kind to the rule for the types of its outputs."""
