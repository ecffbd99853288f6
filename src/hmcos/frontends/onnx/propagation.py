"""Decide whether ONNX's inference may propagate values through a model.

To propagate values, it makes a list of all elements of every one-dimensional tensor that an operator of
certain kinds reads, known or not, at 140 bytes for each, so that a vector of 2**24 takes 2.4 GB.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from onnx import NodeProto

from hmcos.frontends.onnx.skeleton import NameScope
from hmcos.frontends.onnx.types import ValueType
from hmcos.graph.kinds import STANDARD_DOMAINS

LISTING_KINDS = frozenset(
    ("Add", "Cast", "Concat", "Gather", "Mul", "Size", "Slice", "Squeeze", "Sub", "Unsqueeze")
)
"""Kinds whose inputs are listed (onnx 1.23, seen from its memory use)."""
SILENT_KIND = "Div"
"""A kind with the shape rules of Add, Mul and Sub whose inputs are not listed."""
LONG = 1024
"""Elements from which on a vector is assumed not to be used for shapes."""
MOST_LISTED = 2**20
"""Most elements in total, about 150 MB."""


def may_propagate(scopes: Sequence[NameScope], types: Mapping[str, Mapping[str, ValueType]]) -> bool:
    """Return whether propagating values is cheap; first hide arithmetic on long vectors from inference.

    A ConstantOfShape would list its result, even of 2**40 elements; `fold` does not.
    """
    listed = 0
    for scope in scopes:
        for node in scope.light.node:
            if node.op_type == "ConstantOfShape":
                return False
            if node.op_type in LISTING_KINDS and node.domain in STANDARD_DOMAINS:
                listed += sum(_listed(scope, node, types))
    return listed <= MOST_LISTED


def _listed(scope: NameScope, node: NodeProto, types: Mapping[str, Mapping[str, ValueType]]) -> Iterator[int]:
    """Yield the lengths of the vectors that a node reads; none for a node that is hidden here."""
    values = (scope.find(name, types) for name in node.input if name)
    lengths = [value.sizes[0] for value in values if value.is_known and len(value.sizes) == 1]
    if node.op_type in ("Add", "Mul", "Sub") and max(lengths, default=0) > LONG:
        node.op_type = SILENT_KIND
    else:
        yield from lengths
