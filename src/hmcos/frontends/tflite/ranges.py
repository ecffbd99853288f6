"""The ranges of the small constants of a TensorFlow Lite model."""

from __future__ import annotations

from typing import cast

import numpy as np

from hmcos.frontends.indices import LARGEST, Range, range_of
from hmcos.frontends.model import Model
from hmcos.frontends.tflite.reading import parse
from hmcos.frontends.tflite.schema import content_of


def parameter_ranges(model: Model) -> dict[int, Range]:
    """Return the range of each small constant of the first subgraph, by tensor."""
    source = parse(cast(bytes, model.proto))
    tensors, buffers = (source.subgraphs or [])[0].tensors or [], source.buffers or []
    ranges: dict[int, Range] = {}
    for t, known in enumerate(model.graph.tensors):
        if known.is_parameter and known.bits >= 8 and known.elements <= LARGEST:
            content = content_of(buffers[tensors[t].buffer])
            try:
                span = range_of(np.frombuffer(content, known.element))
            except (TypeError, ValueError):  # numpy lacks the element type, or an element is incomplete
                continue
            if span is not None:
                ranges[t] = span
    return ranges
