"""Whether ONNX's inference may follow values through a model.

Following values, it makes a list of all elements of every one-dimensional tensor that an operator of
certain kinds reads, known or not: 140 bytes for each, so that a vector of 2**24 takes 2.4 GB.
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
"""Has the shapes of Add, Mul and Sub, and lists nothing."""
LONG = 1024
"""Elements of a vector that no shape is computed from."""
MOST_LISTED = 2**20
"""Elements in all, about 150 MB."""


def may_propagate(scopes: Sequence[NameScope], types: Mapping[str, Mapping[str, ValueType]]) -> bool:
    """Return whether following values is cheap, after the arithmetic on long vectors was silenced.

    A ConstantOfShape would list what it makes, be it 2**40 elements; `fold` does not.
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
    """Yield the lengths of the vectors that a node reads, none for one that is silenced here."""
    found = (scope.find(name, types) for name in node.input if name)
    lengths = [value.sizes[0] for value in found if value.is_known and len(value.sizes) == 1]
    if node.op_type in ("Add", "Mul", "Sub") and max(lengths, default=0) > LONG:
        node.op_type = SILENT_KIND
    else:
        yield from lengths
