"""The floats that nodes of ONNX quantize without clipping them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from onnx import ModelProto, TensorProto, numpy_helper

from hmcos.frontends.model import Model
from hmcos.frontends.onnx.external_data import is_external
from hmcos.frontends.spans import Span, span_of


def float_spans(model: Model, ends: Sequence[int]) -> dict[int, Span]:
    """Return them by the tensor that a node reads; see `Format.float_spans`."""
    graph, found = model.graph, dict[int, Span]()
    stored = {tensor.name: tensor for tensor in cast(ModelProto, model.proto).graph.initializer}
    for op in (graph.operators[number] for number in ends):
        if op.kind != "QuantizeLinear":
            continue
        names = ["" if t is None else graph.tensors[t].name for t in op.inputs]
        scale = _one(stored.get(names[1]))
        zero = _one(stored.get(names[2])) if len(names) > 2 and names[2] else 0.0
        if scale is None or zero is None:
            continue
        span = span_of(scale, int(zero), graph.tensors[op.makes[0]].element)
        found |= {} if span is None else {op.reads[0]: span}
    return found


def _one(tensor: TensorProto | None) -> float | None:
    """Return the only number of a tensor in the file; None for others."""
    if tensor is None or is_external(tensor):
        return None
    try:
        numbers = numpy_helper.to_array(tensor)
    except Exception:  # a damaged tensor must not stop the run here: the runtime reports what is wrong
        return None
    return float(np.reshape(numbers, -1)[0]) if numbers.size == 1 else None
