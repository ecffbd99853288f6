"""Find the inputs of a network that become indices, and the ranges in which these are valid."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from math import ceil, floor, isfinite, isqrt, prod
from typing import TYPE_CHECKING, Any

from hmcos.graph.graph import Graph, Operator

if TYPE_CHECKING:
    import numpy.typing as npt

SMALL = 8
"""Random integers that are not indices are below this, and at least 1 if something is divided by them."""


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `least` to `most`, both included."""

    least: int
    most: int

    def within(self, other: Range) -> Range:
        """Return the intersection of both ranges; only 0 if it is empty."""
        return _from(max(self.least, other.least), min(self.most, other.most))


LARGEST = 1024
"""Most elements of a parameter whose range is determined."""


def range_of(numbers: npt.NDArray[Any]) -> Range | None:
    """Return the range of whole numbers that contains an array; None if it is empty or too large."""
    if not 0 < numbers.size <= LARGEST or numbers.dtype.kind not in "biuf":
        return None
    least, most = numbers.min().item(), numbers.max().item()
    return Range(floor(least), ceil(most)) if isfinite(least) and isfinite(most) else None


_INDEX_POSITIONS: Mapping[str, tuple[tuple[int, int], ...]] = {
    "Gather": ((0, 1),),
    "GatherElements": ((0, 1),),
    "GatherND": ((0, 1),),
    "ScatterElements": ((0, 1),),
    "ScatterND": ((0, 1),),
    "Scatter": ((0, 1),),
    "RoiAlign": ((0, 2),),
    "EmbedLayerNormalization": ((2, 0), (3, 8), (4, 1)),
    "GATHER": ((0, 1),),
    "GATHER_ND": ((0, 1),),
    "EMBEDDING_LOOKUP": ((1, 0),),
    "ArrayFeatureExtractor": ((0, 1),),
    "RotaryEmbedding": ((1, 3),),
    "com.microsoft:RotaryEmbedding": ((2, 1),),
}
"""Kind, of ONNX or TensorFlow Lite, to the positions of the data and of the indices into it."""
_VALUE_POSITIONS: Mapping[str, tuple[int, Range]] = {
    "Dropout": (1, Range(0, 0)),
    "NonMaxSuppression": (3, Range(0, 1)),
}
"""Kind to the position of an input that has to be in a range whatever is looked up: a ratio, a threshold."""
_AXES: Mapping[str, int] = {"CumSum": 1, "Slice": 3, "Squeeze": 1}
"""Kind to the position of an input that holds axes of the first one."""
_STEPS: Mapping[str, int] = {"Slice": 4}
"""Kind to the position of an input that must not be 0."""
_LENGTHS: Mapping[str, int] = {"GRU": 4, "LSTM": 4, "RNN": 4, "ReverseSequence": 1, "REVERSE_SEQUENCE": 1}
"""Kind to the position of an input that holds lengths along one of the first two axes of the first one."""
_CLASSES: Mapping[str, int] = {"NegativeLogLikelihoodLoss": 1, "SoftmaxCrossEntropyLoss": 1}
"""Kind to the position of an input that holds classes: places on the second axis of the first one."""
_INTO_RESULT: Mapping[str, int] = {"MaxUnpool": 1, "SCATTER_ND": 0, "SPARSE_TO_DENSE": 0}
"""Kind to the position of an input that holds places in the first output."""
_BODY_INPUTS: Mapping[str, tuple[int, int]] = {"IF": (1, 0), "Loop": (2, 2), "Scan": (0, 0), "WHILE": (0, 0)}
"""Kind to the positions of the first input that enters its bodies, and of the first of theirs that it is."""
_POSITIVE = frozenset(("RSQRT",))
"""Kinds that take positive numbers only. Where these are quantized, the greatest integers surely are."""
_DIVIDING = frozenset(("Div", "Mod", "DIV", "FLOOR_DIV", "FLOOR_MOD"))
# fmt: off
_KEEPS_VALUES = frozenset((
    "Abs", "Cast", "Ceil", "Clip", "Compress", "DepthToSpace", "Expand", "Flatten", "Floor", "Gather",
    "GatherElements", "GatherND", "Identity", "ReduceMax", "ReduceMean", "ReduceMin", "Relu", "Reshape",
    "Round", "Slice", "SpaceToDepth", "Split", "Squeeze", "Tile", "Transpose", "Trilu", "Unsqueeze",
    "ABS", "BROADCAST_TO", "CAST", "CEIL", "EXPAND_DIMS", "FLOOR", "GATHER", "GATHER_ND", "REDUCE_MAX",
    "REDUCE_MIN", "RELU", "RESHAPE", "ROUND", "SLICE", "SPLIT", "SQUEEZE", "STRIDED_SLICE", "TILE",
    "TRANSPOSE",
))
# fmt: on
"""Kinds whose results are values of their first input, so that indices stay indices."""
_JOINS: Mapping[str, int] = {
    "Concat": 0,
    "Max": 0,
    "Min": 0,
    "Where": 1,
    "CONCATENATION": 0,
    "MAXIMUM": 0,
    "MINIMUM": 0,
    "PACK": 0,
    "SELECT": 1,
    "SELECT_V2": 1,
}
"""Kinds with values of all their inputs, to the position of the first of these."""
_COMPARING = frozenset(
    ("EQUAL", "GREATER", "GREATEROREQUAL", "GREATER_EQUAL", "LESS", "LESSOREQUAL", "LESS_EQUAL", "NOT_EQUAL")
)
"""Kinds that compare two values, in upper case."""
_SUMS = frozenset(("CumSum", "ReduceSum", "CUMSUM", "SUM"))
_Demand = tuple[int, Range]
"""A tensor, and the range in which its values must be."""


def divisors(graph: Graph) -> set[int]:
    """Return the tensors that something is divided by."""
    return {t for op in graph.operators if op.kind in _DIVIDING for t in op.inputs[1:] if t is not None}


def compared_with(graph: Graph, known: Mapping[int, Range]) -> dict[int, list[int]]:
    """Return inputs of one whole number that are compared with known numbers, and these numbers.

    A network may behave otherwise for these: it may take another branch.
    """
    spans = {**known, **_passed_on(graph, known)}
    fed = ((t, graph.tensors[t]) for t in graph.inputs)
    single = {t for t, n in fed if prod(n.shape) == 1 and "int" in n.element and n.bits >= 8}
    came = {t: t for t in single}
    found: dict[int, list[int]] = {}
    for op in graph.operators if single else ():
        first = op.input(0)
        if op.kind in _KEEPS_VALUES and first in came and op.makes:
            came[op.makes[0]] = came[first]
        if op.kind.upper() not in _COMPARING:
            continue
        for one, other in (op.inputs[:2], op.inputs[1::-1]):
            span = spans.get(-1 if other is None else other)
            if one in came and span is not None and span.least == span.most:
                found.setdefault(came[one], []).append(span.least)
    return {t: list(dict.fromkeys(numbers)) for t, numbers in found.items()}


def index_ranges(graph: Graph, known: Mapping[int, Range]) -> dict[int, Range]:
    """Return tensor to the range in which its values must be, so that indices computed from them are valid.

    `known` is the ranges of parameters. Ranges are propagated from the indices back to the inputs, through
    arithmetic with known numbers; two unknown operands share the range.
    """
    given = {t: Range(min(value), max(value)) for t, value in graph.values}
    spans = {**known, **_passed_on(graph, known), **given}
    demanded: dict[int, Range] = {}
    for op in reversed(graph.operators):
        inside = _inside(graph, op, spans) if op.bodies else ()
        for t, wanted in (*_indices(graph, op), *inside, *_operands(graph, op, demanded, spans)):
            demanded[t] = demanded[t].within(wanted) if t in demanded else wanted
    return {t: wanted for t, wanted in demanded.items() if t not in spans}


def _inside(graph: Graph, op: Operator, spans: Mapping[int, Range]) -> Iterator[_Demand]:
    """Yield the ranges that the bodies of an operator need of what they read from outside."""
    outside = {graph.tensors[t].name: t for t in op.reads}
    first, entering = _BODY_INPUTS.get(op.kind, (len(op.inputs), 0))
    for body in op.bodies:
        inner = body.graph
        pairs = zip(inner.inputs[entering:], op.inputs[first:], strict=False)
        came = {t: own for t, own in pairs if own is not None}
        for t, tensor in enumerate(inner.tensors):
            if tensor.is_parameter and tensor.name in outside:
                came[t] = outside[tensor.name]
        known = {t: spans[own] for t, own in came.items() if own in spans}
        yield from ((came[t], wanted) for t, wanted in index_ranges(inner, known).items() if t in came)


def _passed_on(graph: Graph, known: Mapping[int, Range]) -> dict[int, Range]:
    """Return the ranges of parameters that are reshaped from known ones."""
    ranges: dict[int, Range] = {}
    for op in graph.operators:
        if op.kind in _KEEPS_VALUES and op.kind not in ("Abs", "ABS") and graph.computes_parameters(op):
            span = known.get(op.reads[0], ranges.get(op.reads[0])) if op.reads else None
            ranges.update((t, span) for t in op.makes if span is not None)
    return ranges


def _indices(graph: Graph, op: Operator) -> Iterator[_Demand]:
    kind = f"{op.domain}:{op.kind}"
    for data, indices in _INDEX_POSITIONS.get(kind, _INDEX_POSITIONS.get(op.kind, ())):
        table, t = op.input(data), op.input(indices)
        if table is not None and t is not None:
            # A Graph does not keep the attribute for the axis; the smallest dimension is safe for every axis.
            yield t, Range(0, max(0, min(graph.tensors[table].shape, default=1) - 1))
    for t, wanted in _limits(graph, op):
        if t is not None:
            yield t, wanted


def _limits(graph: Graph, op: Operator) -> Iterator[tuple[int | None, Range]]:
    """Yield the ranges of inputs that are no indices, but of which only some values are valid."""
    kind, first = op.kind, op.input(0)
    if kind in _VALUE_POSITIONS:
        position, wanted = _VALUE_POSITIONS[kind]
        yield op.input(position), wanted
    if kind in _STEPS:
        yield op.input(_STEPS[kind]), Range(1, SMALL - 1)
    if first is None:
        return
    shape = graph.tensors[first].shape
    if kind in _POSITIVE and "int" in graph.tensors[first].element:
        most = 2 ** (graph.tensors[first].bits - 1) - 1
        yield first, Range(most // 2, most)
    if kind in _AXES:
        yield op.input(_AXES[kind]), Range(0, max(len(shape) - 1, 0))
    if kind in _LENGTHS:
        yield op.input(_LENGTHS[kind]), Range(1, max(1, min(shape[:2], default=1)))
    if kind in _CLASSES:
        yield op.input(_CLASSES[kind]), Range(0, max(0, shape[1] - 1 if len(shape) > 1 else 0))
    if kind in _INTO_RESULT and op.makes:
        made = graph.tensors[op.makes[0]].shape
        most = prod(made) if kind == "MaxUnpool" else min(made, default=1)
        yield op.input(_INTO_RESULT[kind]), Range(0, max(0, most - 1))


def _operands(
    graph: Graph, op: Operator, demanded: Mapping[int, Range], spans: Mapping[int, Range]
) -> Iterator[_Demand]:
    """Yield the ranges that an operator's inputs need, so that its outputs are in their ranges."""
    ranges = [demanded[t] for t in op.makes if t in demanded]
    first = op.input(0)
    if not ranges:
        return
    wanted = reduce(Range.within, ranges)
    if op.kind in _JOINS:
        yield from ((t, wanted) for t in op.inputs[_JOINS[op.kind] :] if t is not None)
    elif op.kind in _ARITHMETIC:
        yield from _arithmetic(op, wanted, spans)
    elif first is None:
        return
    elif op.kind in _KEEPS_VALUES:
        yield first, wanted
    elif op.kind in ("Neg", "NEG"):
        yield first, Range(-wanted.most, -wanted.least)
    elif op.kind in _SUMS:
        yield first, _share(wanted, _addends(graph, op, first))


def _addends(graph: Graph, op: Operator, first: int) -> int:
    """Return the most elements of the input that are summed to one output element."""
    shape, made = graph.tensors[first].shape, graph.tensors[op.makes[0]].shape
    return max(shape, default=1) if op.kind.upper() == "CUMSUM" else prod(shape) // max(prod(made), 1)


def _share(wanted: Range, addends: int) -> Range:
    """Return a range such that the sum of `addends` numbers from it is within the wanted one, if possible."""
    each = max(addends, 1)
    return _from(-(-max(wanted.least, 0) // each), wanted.most // each)


def _arithmetic(op: Operator, wanted: Range, spans: Mapping[int, Range]) -> Iterator[_Demand]:
    left, right = op.input(0), op.input(1)
    if left is None or right is None:
        return
    rule = _ARITHMETIC[op.kind]
    for t, other, is_left in ((left, right, True), (right, left, False)):
        demand = rule(wanted, spans.get(other), is_left)
        if t not in spans and demand is not None:
            yield t, demand


def _plus(wanted: Range, other: Range | None, left: bool) -> Range | None:
    if other is None:  # halves, of which the left one is rounded up
        return _from(-(-wanted.least // 2), (wanted.most + left) // 2)
    return _from(wanted.least - other.least, wanted.most - other.most)


def _minus(wanted: Range, other: Range | None, left: bool) -> Range | None:
    if other is None:
        return wanted if left else Range(0, 0)
    if left:
        return _from(wanted.least + other.most, wanted.most + other.least)
    return _from(other.most - wanted.most, other.least - wanted.least)


def _times(wanted: Range, other: Range | None, left: bool) -> Range | None:
    if other is None:
        root = isqrt(max(wanted.most, 0))
        return Range(0 if wanted.least <= 0 else root, root)
    if other == Range(0, 0):
        return None
    if other.most < 0:
        wanted, other = Range(-wanted.most, -wanted.least), Range(-other.most, -other.least)
    if other.least < 0:
        return Range(0, 0)
    low, high = max(other.least, 1), other.most
    return _from(
        -(-wanted.least // (low if wanted.least > 0 else high)),
        wanted.most // (high if wanted.most >= 0 else low),
    )


def _over(wanted: Range, other: Range | None, left: bool) -> Range | None:
    divisor = other or Range(1, 1)  # inputs that something is divided by are at least 1
    if not left or divisor.least < 1:
        return None
    least = wanted.least * (divisor.most if wanted.least > 0 else divisor.least)
    return _from(least, max(wanted.most, 0) * divisor.least)


def _modulo(wanted: Range, other: Range | None, left: bool) -> Range | None:
    fits = other is not None and other.least > 0 and other.most <= wanted.most + 1 and wanted.least <= 0
    return wanted if left and not fits else None


def _from(least: int, most: int) -> Range:
    """Return the range between two numbers; if it is empty, only 0, which is the safest value."""
    return Range(least, most) if least <= most else Range(0, 0)


_Rule = Callable[[Range, Range | None, bool], Range | None]
"""From the wanted range of a result, and the range of one operand if known, to the range that the other
operand needs; None for any. The last argument says whether that other operand is the left one."""
_ARITHMETIC: Mapping[str, _Rule] = {
    "Add": _plus,
    "Div": _over,
    "Mod": _modulo,
    "Mul": _times,
    "Sub": _minus,
    "ADD": _plus,
    "DIV": _over,
    "FLOOR_DIV": _over,
    "FLOOR_MOD": _modulo,
    "MUL": _times,
    "SUB": _minus,
}
