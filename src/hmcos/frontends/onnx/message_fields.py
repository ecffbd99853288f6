"""What all that changes ONNX's messages needs: names that are free, and fields without some elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from onnx import GraphProto, NodeProto

from hmcos.frontends.onnx.body_graphs import graphs


def keep(messages: object, kept: Sequence[bool]) -> None:
    """Delete from a repeated field what is not to be kept."""
    fields = cast("list[object]", messages)
    for place in reversed(range(len(kept))):
        if not kept[place]:
            del fields[place]


def copied(node: NodeProto) -> NodeProto:
    """Return a copy of a node, to be changed."""
    copy = NodeProto()
    copy.CopyFrom(node)
    return copy


def reading(node: NodeProto, name: str, instead: str) -> NodeProto:
    """Return a copy of a node that reads another tensor wherever it reads one of a name."""
    copy = copied(node)
    copy.input[:] = [instead if each == name else each for each in node.input]
    return copy


def names_used(graph: GraphProto) -> set[str]:
    """Return all names of tensors and nodes in a graph and its bodies."""
    used: set[str] = set()
    for _, here in graphs(graph):
        for value in (*here.input, *here.output, *here.value_info, *here.initializer):
            used.add(value.name)
        for node in here.node:
            used.update((node.name, *node.input, *node.output))
    return used


def fresh_name(stem: str, used: set[str], first: int = 0) -> str:
    """Return the stem with the first number from some on that makes a new name; adds it to those used."""
    number = first
    while f"{stem}_{number}" in used:
        number += 1
    name = f"{stem}_{number}"
    used.add(name)
    return name
