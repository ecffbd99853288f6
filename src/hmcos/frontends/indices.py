"""Which values of a network are used as indices, and so have to stay small."""

from __future__ import annotations

from hmcos.graph.model import Graph

SMALL = 8
"""Integers that are no indices are below this; they are at least 1 where something is divided by them."""
_INDEX_POSITION = {
    "Gather": (0, 1),
    "GatherElements": (0, 1),
    "GatherND": (0, 1),
    "ScatterElements": (0, 1),
    "ScatterND": (0, 1),
    "Scatter": (0, 1),
    "GATHER": (0, 1),
    "GATHER_ND": (0, 1),
    "EMBEDDING_LOOKUP": (1, 0),
}
"""Kind, of ONNX or TensorFlow Lite, to the position of the data and of the indices into it."""
# fmt: off
_KEEPS_VALUES = frozenset((
    "Cast", "Concat", "Expand", "Flatten", "Identity", "Reshape", "Slice", "Split", "Squeeze", "Tile",
    "Transpose", "Unsqueeze",
    "CAST", "CONCATENATION", "EXPAND_DIMS", "PACK", "RESHAPE", "SLICE", "SQUEEZE", "STRIDED_SLICE", "TILE",
    "TRANSPOSE",
))
# fmt: on
"""Kinds whose results are values of their inputs, so that indices stay indices."""
_JOINS = frozenset(("Concat", "CONCATENATION", "PACK"))
"""Those with values of all their inputs; the others have values of the first."""


def index_limits(graph: Graph) -> dict[int, int]:
    """Return tensor to the size that its values have to stay below, because they are used as indices."""
    limits: dict[int, int] = {}
    for op in reversed(graph.operators):
        if op.kind in _INDEX_POSITION and len(op.inputs) > 1:
            data, indices = (op.inputs[p] for p in _INDEX_POSITION[op.kind])
            if data is not None and indices is not None:
                # The axis is an attribute, which a Graph does not keep: the smallest is safe for all.
                _limit(limits, indices, min(graph.tensors[data].shape, default=1))
        elif op.kind in _KEEPS_VALUES:
            inside = [limits[t] for t in op.makes if t in limits]
            for t in op.inputs if op.kind in _JOINS else op.inputs[:1]:
                if inside and t is not None:
                    _limit(limits, t, min(inside))
    return limits


def _limit(limits: dict[int, int], t: int, size: int) -> None:
    limits[t] = min(limits.get(t, size), max(size, 1))
