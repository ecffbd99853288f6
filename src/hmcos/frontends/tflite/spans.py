"""The floats that operators of TensorFlow Lite quantize without clipping them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from hmcos.frontends.model import Model
from hmcos.frontends.spans import Span, span_of
from hmcos.frontends.tflite.reading import parse


def float_spans(model: Model, ends: Sequence[int]) -> dict[int, Span]:
    """Return them by the tensor that an operator reads; see `Format.float_spans`."""
    source: Any = parse(cast(bytes, model.proto))
    tensors, found = source.subgraphs[0].tensors, dict[int, Span]()
    for op in (model.graph.operators[number] for number in ends):
        known = tensors[op.makes[0]].quantization
        scales = [] if known is None or known.scale is None else [float(s) for s in known.scale]
        zeros = [] if known is None or known.zeroPoint is None else [int(z) for z in known.zeroPoint]
        if op.kind == "QUANTIZE" and len(scales) == len(zeros) == 1:
            span = span_of(scales[0], zeros[0], model.graph.tensors[op.makes[0]].element)
            found |= {} if span is None else {op.reads[0]: span}
    return found
