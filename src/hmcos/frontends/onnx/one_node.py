"""The types that ONNX's inference determines for one node, given those of its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, OperatorSetIdProto, numpy_helper, shape_inference

from hmcos.frontends.onnx.types import UNKNOWN, AtMost, ValueType, read_type, write_type

_MARKED = "hmcos at most "
"""Begin of the symbols that represent sizes of which only a bound is known."""


def inferred(
    node: NodeProto,
    reads: Mapping[str, ValueType],
    values: Mapping[str, npt.NDArray[np.generic]],
    opsets: Sequence[OperatorSetIdProto],
) -> list[ValueType]:
    """Return the types of a node's outputs, in order, as far as they follow from types and values it reads.

    A size of which only a bound is known is a symbol: where it comes back, it is the same size.
    """
    light = ModelProto(ir_version=8)
    light.opset_import.extend(opsets)
    light.graph.node.append(node)
    for name in dict.fromkeys(node.input):
        if name in values:
            light.graph.initializer.append(numpy_helper.from_array(values[name], name))
        elif name:
            entry = light.graph.input.add(name=name)
            value = reads.get(name, UNKNOWN)
            if value.kind == "tensor" and value.element:
                write_type(_symbolic(value), entry.type)
    made = [name for name in node.output if name]
    for name in made:
        light.graph.output.add(name=name)
    try:
        result = shape_inference.infer_shapes(light)
    except Exception:  # C++ throws many types here, and all of them mean that nothing is known
        return [UNKNOWN] * len(node.output)
    found = {value.name: read_type(value.type, {}) for value in result.graph.output}
    marks = {f"{_MARKED}{mark}": AtMost(size, mark) for mark, size in _sizes(reads)}
    return [_bounded(found.get(name, UNKNOWN), marks) for name in node.output]


def _symbolic(value: ValueType) -> ValueType:
    if not value.bounds or value.shape is None:
        return value
    shape = tuple(f"{_MARKED}{n.mark}" if isinstance(n, AtMost) else n for n in value.shape)
    return ValueType(value.element, shape)


def _sizes(reads: Mapping[str, ValueType]) -> list[tuple[int, int]]:
    listed = (size for value in reads.values() for size in value.shape or ())
    return [(size.mark, int(size)) for size in listed if isinstance(size, AtMost)]


def _bounded(value: ValueType, marks: Mapping[str, AtMost]) -> ValueType:
    """Return a type with bounds instead of the symbols that represent them."""
    if not marks or value.shape is None:
        return value
    return ValueType(value.element, tuple(marks.get(n, n) if isinstance(n, str) else n for n in value.shape))
