"""Bodies: the graphs that If, Loop and Scan carry in their attributes, and their paths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from onnx import GraphProto, NodeProto

from hmcos.errors import ModelError
from hmcos.graph.graph import body_path

DEEPEST = 24
"""Deepest nesting of bodies; protobuf itself fails near 32."""


def bodies(node: NodeProto) -> Iterator[tuple[str, GraphProto]]:
    """Yield the attribute (`then_branch`, or `branches[1]` in a list of graphs) and graph of each body."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.name, attribute.g
        else:
            for position, graph in enumerate(attribute.graphs):
                yield f"{attribute.name}[{position}]", graph


def graphs(graph: GraphProto) -> Iterator[tuple[str, GraphProto]]:
    """Yield a graph and all bodies in it, each with its path, outer ones before inner ones.

    Raises:
        ModelError: bodies are nested too deeply, or two bodies of a node have one name; names the node.
    """
    waiting = [("", graph, 0)]
    while waiting:
        path, here, depth = waiting.pop()
        yield path, here
        inner: list[tuple[str, GraphProto, int]] = []
        for number, node in enumerate(here.node):
            if not node.attribute:
                continue
            inner_bodies = [
                (body_path(path, number, attribute), body, depth + 1) for attribute, body in bodies(node)
            ]
            if inner_bodies:
                paths = [path for path, _, _ in inner_bodies]
                check_bodies(f"operator {number} ({node.op_type})", paths, depth + 1)
                inner.extend(inner_bodies)
        waiting.extend(reversed(inner))


def check_bodies(title: str, paths: Sequence[str], depth: int) -> None:
    """Check the bodies of one operator.

    Raises:
        ModelError: they are nested too deeply, or two have one name; names the operator.
    """
    if depth > DEEPEST:
        raise ModelError(f"{title}: bodies are nested more than {DEEPEST} deep; flatten the model")
    if len(set(paths)) != len(paths):
        raise ModelError(f"{title} in {paths[0]}: two of its bodies have the same name")


def free_names(graph: GraphProto) -> tuple[str, ...]:
    """Return the names that a body reads from outside, in order of first use.

    Names are one name space with the outer graph (ONNX IR, Names Within a Graph): what the body defines
    anywhere in itself is its own.
    """
    own = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
    for node in graph.node:
        own.update(node.output)
    used: dict[str, None] = {}
    for node in graph.node:
        used.update(dict.fromkeys(node.input))
        for _, body in bodies(node):
            used.update(dict.fromkeys(free_names(body)))
    used.update((value.name, None) for value in graph.output)
    return tuple(name for name in used if name and name not in own)
