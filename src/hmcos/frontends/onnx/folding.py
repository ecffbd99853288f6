"""Compute values that shapes depend on, beyond ONNX's own data propagation.

Once symbols are bound, chains such as Shape, Div, Where, Expand are arithmetic on a few known integers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import cast

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, OperatorSetIdProto, helper, numpy_helper

from hmcos.frontends.onnx.types import UNKNOWN, ValueType
from hmcos.graph.kinds import STANDARD_DOMAINS

Array = npt.NDArray[np.generic]

LARGEST = 1024
"""Most elements of a value that is computed."""
LARGEST_WORK = 2**20
"""Most elements that one evaluation may touch."""

# fmt: off
FOLDABLE = frozenset((
    "Abs", "Add", "And", "Cast", "Ceil", "Concat", "Constant", "ConstantOfShape", "Div", "Equal",
    "Expand", "Flatten", "Floor", "Gather", "Greater", "GreaterOrEqual", "Identity", "Less",
    "LessOrEqual", "Max", "Min", "Mod", "Mul", "Neg", "Not", "Or", "Pow", "Range", "ReduceMax",
    "ReduceMin", "ReduceProd", "ReduceSum", "Reshape", "Round", "Slice", "Split", "Sqrt", "Squeeze",
    "Sub", "Transpose", "Unsqueeze", "Where",
))
"""Kinds that are evaluated when all their inputs are known."""
# fmt: on


@np.errstate(all="ignore")
def values(source: ModelProto, types: Mapping[str, ValueType]) -> dict[str, Array]:
    """Return the small values of a main graph that are the same in every run, with the bits of every runtime.

    `types` are those of its tensors, by name.
    """
    known: dict[str, Array] = {}
    fed = {value.name for value in source.graph.input} if source.ir_version >= 4 else set[str]()
    for tensor in source.graph.initializer:
        if tensor.name not in fed and prod(tensor.dims) <= LARGEST:
            keep_small(known, tensor.name, array_of(tensor))
    for node in source.graph.node:
        if _rounds([known[name] for name in node.input if name in known], node.op_type):
            continue
        first = types.get(node.input[0], UNKNOWN) if node.input else UNKNOWN
        made = evaluated(node, known, first, source.opset_import)
        for name, value in zip(node.output, made, strict=False):
            keep_small(known, name, value)
    return known


def _rounds(inputs: Sequence[Array], kind: str) -> bool:
    """Return whether runtimes may round a result otherwise, or away from where numpy does."""
    if kind in ("Div", "Mod"):
        return any(value.dtype.kind == "i" and bool(np.any(np.signbit(value))) for value in inputs)
    return kind in ("Pow", "ReduceProd", "ReduceSum") and any(value.dtype.kind == "f" for value in inputs)


def keep_small(known: dict[str, Array], name: str, value: Array | None) -> None:
    """Add a value by name, if it is a small one of numbers."""
    if name and value is not None and is_small(value):
        known[name] = value


def is_small(value: Array) -> bool:
    """Return whether a value is small enough to be kept, and one of numbers."""
    return value.size <= LARGEST and value.dtype.kind in "biuf"


def array_of(tensor: object) -> Array | None:
    """Return the elements of a tensor that is stored in the file; None if it is damaged."""
    try:
        return cast(Array, numpy_helper.to_array(tensor))  # pyright: ignore
    except Exception:  # a damaged tensor must not make the model fail if its shapes are known without it
        return None


def evaluated(
    node: NodeProto, known: Mapping[str, Array], first: ValueType, opsets: Sequence[OperatorSetIdProto]
) -> list[Array]:
    """Return the values that a node makes, none if unknown; `first` is the type of its first input."""
    if node.domain not in STANDARD_DOMAINS:
        return []
    if node.op_type in ("Shape", "Size"):
        return _measured(node, first)
    if node.op_type == "Constant" and len(node.attribute) == 1 and node.attribute[0].HasField("t"):
        value = array_of(node.attribute[0].t)
        return [] if value is None else [value]
    if node.op_type not in FOLDABLE or any(name and name not in known for name in node.input):
        return []
    fed = {name: known[name] for name in node.input if name}
    if _work(node, [known[name] for name in node.input if name]) > LARGEST_WORK:
        return []
    return _run(node, fed, opsets)


def _measured(node: NodeProto, first: ValueType) -> list[Array]:
    if not first.is_known:
        return []
    if node.op_type == "Size":
        elements = prod(first.sizes)
        return [np.array(elements, np.int64)] if elements < 2**63 else []
    ends = {attribute.name: attribute.i for attribute in node.attribute}
    return [np.array(first.sizes[ends.get("start", 0) : ends.get("end")], np.int64)]


def _work(node: NodeProto, inputs: Sequence[Array]) -> int:
    """Return a bound on the elements that an evaluation touches, as a limit for untrusted models."""
    if node.op_type in ("ConstantOfShape", "Expand") and inputs:
        wanted = [abs(int(n)) for n in inputs[-1].ravel().astype(np.int64)]
        return prod(wanted) * (inputs[0].size if node.op_type == "Expand" else 1)
    if node.op_type == "Range" and len(inputs) == 3:
        start, limit, step = (float(value.ravel()[0]) if value.size else 0.0 for value in inputs)
        # The bound comes first: min returns it if the length is not a number.
        return int(min(2.0 * LARGEST_WORK, abs((limit - start) / step))) if step else 2 * LARGEST_WORK
    if node.op_type == "Concat":
        return sum(value.size for value in inputs)
    return prod(max(value.size, 1) for value in inputs)


def _run(node: NodeProto, fed: Mapping[str, Array], opsets: Sequence[OperatorSetIdProto]) -> list[Array]:
    # Imported only for models that need it: it takes 30 ms.
    from onnx.reference import ReferenceEvaluator  # noqa: PLC0415

    names = [name for name in node.output if name]
    graph = helper.make_graph(
        [node],
        "one node",
        [helper.make_empty_tensor_value_info(name) for name in fed],
        [helper.make_empty_tensor_value_info(name) for name in names],
    )
    standard = [entry for entry in opsets if entry.domain in STANDARD_DOMAINS]
    try:
        evaluator = ReferenceEvaluator(helper.make_model(graph, opset_imports=standard))
        made = cast("list[object]", evaluator.run(None, dict(fed)))  # pyright: ignore
    except (
        Exception
    ):  # the reference implementation raises any type on wrong input; then the value is unknown
        return []
    if len(names) != len(node.output):
        return []
    return [np.asarray(value) for value in made]
