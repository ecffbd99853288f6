"""The ranges of the small parameters of an ONNX model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from onnx import ModelProto, TensorProto, numpy_helper

from hmcos.frontends.indices import Range, range_of
from hmcos.frontends.model import Model
from hmcos.frontends.onnx.external_data import is_external
from hmcos.frontends.onnx.skeleton import HEAVY


def parameter_ranges(model: Model) -> dict[int, Range]:
    """Return the range of each small parameter that is stored in the file, by tensor."""
    stored = dict(_stored(cast(ModelProto, model.proto)))
    ranges: dict[int, Range] = {}
    for t, tensor in enumerate(model.graph.tensors):
        if tensor.is_parameter and tensor.name in stored:
            span = _range(stored[tensor.name])
            if span is not None:
                ranges[t] = span
    return ranges


def _stored(source: ModelProto) -> Iterator[tuple[str, TensorProto]]:
    for tensor in source.graph.initializer:
        yield tensor.name, tensor
    for node in source.graph.node:
        if node.op_type == "Constant" and len(node.output) == 1:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    yield node.output[0], attribute.t
                elif attribute.name in ("value_int", "value_ints"):
                    numbers = list(attribute.ints) or [attribute.i]
                    yield (
                        node.output[0],
                        TensorProto(data_type=TensorProto.INT64, dims=[len(numbers)], int64_data=numbers),
                    )


def _range(tensor: TensorProto) -> Range | None:
    if is_external(tensor) or tensor.ByteSize() > HEAVY:
        return None
    try:
        return range_of(numpy_helper.to_array(tensor))
    except Exception:  # a damaged tensor must not stop the run here: the runtime reports what is wrong
        return None
