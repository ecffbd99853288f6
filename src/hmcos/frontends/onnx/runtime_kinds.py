"""The types that operators of ONNX Runtime (domain com.microsoft) make, for its common kinds.

Each rule is that of the kind's schema in ONNX Runtime; the tests compare it with what ONNX Runtime makes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from onnx import NodeProto, TensorProto

from hmcos.frontends.onnx.corrected_kinds import CORRECTED
from hmcos.frontends.onnx.one_node import inferred
from hmcos.frontends.onnx.types import UNKNOWN, AtMost, ValueType

if TYPE_CHECKING:
    from hmcos.frontends.onnx.walking import Step

Rule = Callable[["Step"], list[ValueType]]


def types(step: Step) -> list[ValueType]:
    """Return the types of the outputs of an operator; [] if its kind has no rule, or too little is known."""
    rule = _RULES.get(step.node.op_type)
    return [] if rule is None or not step.reads_tensors else bounds_kept(step, rule(step))


def bounds_kept(step: Step, made: list[ValueType]) -> list[ValueType]:
    """Return types of which all sizes are bounds if one is that the operator reads, as sums lose the mark.

    Those with negative sizes, of attributes that are wrong, are unknown.
    """
    made = [UNKNOWN if _is_negative(value) else value for value in made]
    if not any(value.bounds for value in step.reads().values()):
        return made
    return [
        ValueType(
            value.element, tuple(n if isinstance(n, AtMost) else step.walk.at_most(n) for n in value.sizes)
        )
        if value.is_known and value.parts is None
        else value
        for value in made
    ]


def _is_negative(value: ValueType) -> bool:
    return value.is_known and value.parts is None and min(value.sizes, default=0) < 0


def _alike(place: int) -> Rule:
    """Return the rule of kinds that make what one of their inputs is."""
    return lambda step: [step.type_of(place)]


def _shaped(step: Step, place: int, element: int, shape: tuple[int, ...] | None = None) -> list[ValueType]:
    """Return a type of the shape of an input, or of another one."""
    first = step.type_of(place)
    return [ValueType(element, first.shape if shape is None else shape)] if first.is_known else []


def _as(kind: str, *places: int, **changed: int) -> Rule:
    """Return the rule of kinds that make what a standard kind makes of some of their inputs.

    `changed` are inputs from which the element type comes instead, as `element`.
    """

    def rule(step: Step) -> list[ValueType]:
        node, like = step.node, NodeProto(op_type=kind)
        like.output.append("made")
        reads: dict[str, ValueType] = {}
        for place in places:
            found = step.type_of(place)
            if found is UNKNOWN:
                continue
            like.input.append(f"read {place}")
            reads[f"read {place}"] = ValueType(TensorProto.FLOAT, found.shape)
        like.attribute.extend(a for a in node.attribute if a.name in _KEPT)
        made = inferred(like, reads, {}, step.walk.opsets)[0]
        if made.is_known and kind in CORRECTED:
            right = CORRECTED[kind](like, list(reads.values()), lambda _: None)
            made = made if right is None or made.bounds else ValueType(made.element, right)
        element = step.type_of(changed.get("element", places[0])).element
        return [ValueType(element, made.shape)] if made.is_known else []

    return rule


# fmt: off
_KEPT = frozenset((
    "auto_pad", "axis", "ceil_mode", "count_include_pad", "dilations", "group", "kernel_shape", "keepdims",
    "pads", "strides", "transA", "transB",
))
# fmt: on
"""Attributes that kinds of both domains have with the same meaning."""


def _channels_last(rule: Rule) -> Rule:
    """Return the rule for kinds that have their channels last where an attribute says so."""

    def last(step: Step) -> list[ValueType]:
        first = step.type_of(0)
        if not step.attribute("channels_last", 0):
            return rule(step)
        if not first.is_known or len(first.sizes) < 3:
            return []
        batch, *image, channels = first.sizes
        kinds = {"QLinearGlobalAveragePool": (batch, *[1] * len(image), channels)}
        shape = kinds.get(step.node.op_type)
        return [] if shape is None else [ValueType(first.element, shape)]

    return last


def _numbers(step: Step, name: str) -> list[int]:
    return next((list(a.ints) for a in step.node.attribute if a.name == name), list[int]())


def _concatenated(step: Step) -> list[ValueType]:
    """QLinearConcat: scale and zero point, then tensor, scale and zero point of each part."""
    parts = [step.type_of(place) for place in range(2, len(step.node.input), 3)]
    if not parts or not all(part.is_known and len(part.sizes) == len(parts[0].sizes) for part in parts):
        return []
    sizes = list(parts[0].sizes)
    axis = step.attribute("axis", 0)
    if not -len(sizes) <= axis < len(sizes):
        return []
    sizes[axis] = sum(part.sizes[axis] for part in parts)
    return [ValueType(step.type_of(1).element or parts[0].element, tuple(sizes))]


def _attention(step: Step) -> list[ValueType]:
    """Attention and QAttention: input (batch, length, hidden), weights of query, key, value side by side."""
    first, weights = step.type_of(0), step.type_of(1)
    if not first.is_known or len(first.sizes) != 3 or not weights.is_known or len(weights.sizes) != 2:
        return []
    batch, length, _ = first.sizes
    sizes = _numbers(step, "qkv_hidden_sizes")
    hidden = sizes[2] if len(sizes) == 3 else weights.sizes[1] // 3
    quantized = step.node.op_type == "QAttention"
    element = step.type_of(3).element if quantized else first.element
    made = [ValueType(element, (batch, length, hidden))]
    heads, past = step.attribute("num_heads", 0), step.type_of(8 if quantized else 4)
    if heads > 0 and len(step.node.output) > 1:
        before = past.sizes[3] if past.is_known and len(past.sizes) == 5 else 0
        made.append(ValueType(element, (2, batch, heads, before + length, hidden // heads)))
    return made


def _sizes(value: ValueType) -> tuple[int, ...]:
    return value.sizes if value.is_known else ()


def _multi_head(step: Step) -> list[ValueType]:
    """MultiHeadAttention: query (batch, length, hidden); key and value apart or packed with it."""
    query, key, value = (step.type_of(place) for place in range(3))
    heads = step.attribute("num_heads", 0)
    if not query.is_known or heads < 1:
        return []
    if len(query.sizes) == 5:  # packed: batch, length, heads, 3, head
        batch, length, _, _, head = query.sizes
        shape, hidden, keys = (batch, length, heads * head), heads * head, length
    elif len(query.sizes) == 3:
        batch, length, hidden = query.sizes
        wide = _sizes(value)
        inner = wide[2] if len(wide) == 3 else wide[1] * wide[3] if len(wide) == 4 else hidden
        shape = (batch, length, inner)
        wide = _sizes(key)
        keys = wide[2] if len(wide) == 4 else wide[1] if len(wide) in (3, 5) else length
    else:
        return []
    past = step.type_of(6)
    before = past.sizes[2] if past.is_known and len(past.sizes) == 4 else 0
    apart = ValueType(query.element, (batch, heads, before + keys, hidden // heads))
    inner_head = ValueType(query.element, (batch, heads, before + keys, shape[2] // heads))
    return [ValueType(query.element, shape), apart, inner_head]


def _grouped(step: Step) -> list[ValueType]:
    """GroupQueryAttention: query (batch, length, heads x head), with keys and values of fewer heads."""
    query, key, past = step.type_of(0), step.type_of(1), step.type_of(3)
    heads, groups = step.attribute("num_heads", 0), step.attribute("kv_num_heads", 0)
    if not query.is_known or len(query.sizes) != 3 or heads < 1 or groups < 1:
        return []
    batch, length, hidden = query.sizes
    if key is UNKNOWN:  # packed: queries, keys and values side by side
        hidden = hidden // (heads + 2 * groups) * heads
    if not past.is_known or len(past.sizes) != 4:
        return [ValueType(query.element, (batch, length, hidden))]
    total = step.number_of(6)
    most = past.sizes[2] + length
    kept = step.walk.at_most(most) if total is None else max(past.sizes[2], total)
    present = ValueType(past.element, (*past.sizes[:2], kept, past.sizes[3]))
    return [ValueType(query.element, (batch, length, hidden)), present, present]


def _skip_normalized(step: Step) -> list[ValueType]:
    """SkipLayerNormalization and its simplified kind: output, mean, inverse deviation, sum of both inputs."""
    first = step.type_of(0)
    if not first.is_known:
        return []
    each = ValueType(TensorProto.FLOAT, (*first.sizes[:-1], 1))
    return [first, each, each, first]


def _embedded(step: Step) -> list[ValueType]:
    """EmbedLayerNormalization: of word numbers (batch, length) and a table of words."""
    words, table = step.type_of(0), step.type_of(2)
    if not all(value.is_known and len(value.sizes) == 2 for value in (words, table)):
        return []
    rows = ValueType(table.element, (*words.sizes, table.sizes[1]))
    return [rows, ValueType(TensorProto.INT32, (words.sizes[0],)), rows]


def _fused_matmul(step: Step) -> list[ValueType]:
    """FusedMatMul: MatMul, with either side transposed."""
    sides = [step.type_of(0), step.type_of(1)]
    if not all(side.is_known and side.sizes for side in sides) or any(
        step.attribute(name, 0) for name in ("transBatchA", "transBatchB")
    ):
        return []
    reads: dict[str, ValueType] = {}
    for name, side, turned in zip("ab", sides, ("transA", "transB"), strict=True):
        shape = side.sizes
        if step.attribute(turned, 0) and len(shape) > 1:
            shape = (*shape[:-2], shape[-1], shape[-2])
        reads[name] = ValueType(TensorProto.FLOAT, shape)
    like = NodeProto(op_type="MatMul", input=["a", "b"], output=["y"])
    made = inferred(like, reads, {}, step.walk.opsets)[0]
    return [ValueType(sides[0].element, made.shape)] if made.is_known else []


def _packed_matmul(step: Step) -> list[ValueType]:
    """MatMulNBits and MatMulBnb4: the weights are packed, N is an attribute."""
    first, columns = step.type_of(0), step.attribute("N", 0)
    if not first.is_known or not first.sizes or columns < 1:
        return []
    return [ValueType(first.element, (*first.sizes[:-1], columns))]


def _quantized_gemm(step: Step) -> list[ValueType]:
    """QGemm: A and B with scale and zero point each, C, then those of the result; without them, float."""
    one, other = step.type_of(0), step.type_of(3)
    if not all(value.is_known and len(value.sizes) == 2 for value in (one, other)):
        return []
    rows = one.sizes[1 if step.attribute("transA", 0) else 0]
    columns = other.sizes[0 if step.attribute("transB", 0) else 1]
    result = step.type_of(8)
    return [ValueType(result.element or TensorProto.FLOAT, (rows, columns))]


def _channels_last_conv(step: Step) -> list[ValueType]:
    """NhwcConv: (batch, rows, columns, channels); weights as those of Conv."""
    first, weights = step.type_of(0), step.type_of(1)
    if not all(value.is_known and len(value.sizes) == 4 for value in (first, weights)):
        return []
    batch, rows, columns, channels = first.sizes
    like = NodeProto(op_type="Conv", input=["x", "w"], output=["y"])
    like.attribute.extend(a for a in step.node.attribute if a.name in _KEPT)
    reads = {
        "x": ValueType(TensorProto.FLOAT, (batch, channels, rows, columns)),
        "w": ValueType(TensorProto.FLOAT, weights.sizes),
    }
    made = inferred(like, reads, {}, step.walk.opsets)[0]
    if not made.is_known:
        return []
    batch, channels, rows, columns = made.sizes
    return [ValueType(first.element, (batch, rows, columns, channels))]


def _gathered(step: Step) -> list[ValueType]:
    """GatherBlockQuantized: rows of a table whose numbers are packed, as floats like the scales."""
    table, numbers, scales = (step.type_of(place) for place in range(3))
    if not all(value.is_known for value in (table, numbers, scales)) or len(table.sizes) < 2:
        return []
    axis = step.attribute("gather_axis", 0) % len(table.sizes)
    sizes = list(table.sizes)
    if table.element == TensorProto.UINT8 and step.attribute("bits", 4) == 4:
        sizes[-1] *= 2
    return [ValueType(scales.element, (*sizes[:axis], *numbers.sizes, *sizes[axis + 1 :]))]


def _dequantized(step: Step) -> list[ValueType]:
    return _shaped(step, 0, step.type_of(1).element or TensorProto.FLOAT)


def _quantized(step: Step) -> list[ValueType]:
    return _shaped(step, 0, step.type_of(2).element or TensorProto.UINT8)


def _averaged(step: Step) -> list[ValueType]:
    """QLinearReduceMean: axes are an attribute."""
    first = step.type_of(0)
    axes = _numbers(step, "axes")
    if not first.is_known or not first.sizes:
        return []
    gone = {axis % len(first.sizes) for axis in axes} or set(range(len(first.sizes)))
    if step.attribute("keepdims", 1):
        return _shaped(
            step, 0, first.element, tuple(1 if a in gone else n for a, n in enumerate(first.sizes))
        )
    return _shaped(step, 0, first.element, tuple(n for a, n in enumerate(first.sizes) if a not in gone))


def _halved(step: Step) -> list[ValueType]:
    first = step.type_of(0)
    if not first.is_known or not first.sizes:
        return []
    return [ValueType(first.element, (*first.sizes[:-1], first.sizes[-1] // 2))]


def _integers(step: Step) -> list[ValueType]:
    return [ValueType(TensorProto.INT32, made.shape) for made in _as("MatMul", 0, 1)(step)]


def _scaled(step: Step) -> list[ValueType]:
    element = step.type_of(2).element or TensorProto.FLOAT
    return [ValueType(element, made.shape) for made in _as("MatMul", 0, 1)(step)]


def _selected(step: Step) -> list[ValueType]:
    """QLinearWhere: a condition, then two tensors, each with scale and zero point."""
    made = _as("Add", 1, 4)(step)
    condition = step.type_of(0)
    if not made or not condition.is_known:
        return []
    reads = {
        "a": ValueType(TensorProto.FLOAT, made[0].shape),
        "b": ValueType(TensorProto.FLOAT, condition.shape),
    }
    like = NodeProto(op_type="Add", input=["a", "b"], output=["y"])
    return [ValueType(made[0].element, inferred(like, reads, {}, step.walk.opsets)[0].shape)]


_RULES: dict[str, Rule] = {
    "Attention": _attention,
    "BiasAdd": _alike(0),
    "BiasGelu": _alike(0),
    "BiasSoftmax": _alike(0),
    "BiasSplitGelu": _halved,
    "DequantizeLinear": _dequantized,
    "DynamicQuantizeMatMul": _as("MatMul", 0, 1),
    "EmbedLayerNormalization": _embedded,
    "FastGelu": _alike(0),
    "FusedConv": _as("Conv", 0, 1),
    "FusedGemm": _as("Gemm", 0, 1),
    "FusedMatMul": _fused_matmul,
    "FusedMatMulActivation": _fused_matmul,
    "GatherBlockQuantized": _gathered,
    "Gelu": _alike(0),
    "GemmFastGelu": _as("MatMul", 0, 1),
    "GroupNorm": _alike(0),
    "GroupQueryAttention": _grouped,
    "MatMulBnb4": _packed_matmul,
    "MatMulInteger16": _integers,
    "MatMulIntegerToFloat": _scaled,
    "MatMulNBits": _packed_matmul,
    "MultiHeadAttention": _multi_head,
    "NhwcConv": _channels_last_conv,
    "NhwcFusedConv": _channels_last_conv,
    "QAttention": _attention,
    "QGemm": _quantized_gemm,
    "QLinearAdd": _as("Add", 0, 3),
    "QLinearAveragePool": _channels_last(_as("AveragePool", 0)),
    "QLinearConcat": _concatenated,
    "QLinearGlobalAveragePool": _channels_last(_as("GlobalAveragePool", 0)),
    "QLinearLeakyRelu": _alike(0),
    "QLinearMul": _as("Mul", 0, 3),
    "QLinearReduceMean": _averaged,
    "QLinearSigmoid": _alike(0),
    "QLinearSoftmax": _alike(0),
    "QLinearWhere": _selected,
    "QuantizeLinear": _quantized,
    "QuickGelu": _alike(0),
    "RotaryEmbedding": _alike(0),
    "SkipGroupNorm": _alike(0),
    "SkipLayerNormalization": _skip_normalized,
    "SkipSimplifiedLayerNormalization": _skip_normalized,
}
"""Kind to the rule for the types of its outputs."""
