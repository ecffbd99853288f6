"""Inline the local functions of a model, before anything else reads it."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence

from onnx import FunctionProto, ModelProto, NodeProto, inliner

from hmcos.errors import ModelError
from hmcos.frontends.onnx.body_graphs import bodies

LARGEST = 2**31 - 1
"""Most bytes of a protobuf message."""
MOST_NODES = 2**20
"""Most nodes of an inlined model: a short file of functions that call each other twice can mean billions."""
DEEPEST = 100
"""Deepest nesting of calls; onnx itself inlines no more."""

_BEYOND = 2**63

_Name = tuple[str, str, str]
"""Domain, name and overload, which together identify a function."""


def inline(proto: ModelProto) -> ModelProto:
    """Return a model in which every call of a local function is replaced by the function's nodes.

    Raises:
        ModelError: the functions call each other in a cycle, would become too large, or are wrong in any
            other way.
    """
    if _grown(proto, lambda node: sum(1 for _ in _all_nodes([node]))) > MOST_NODES:
        raise ModelError(f"its local functions cannot be inlined: they mean more than {MOST_NODES:,} nodes")
    if _grown(proto, NodeProto.ByteSize) > LARGEST:
        raise ModelError("its local functions cannot be inlined: they mean more than 2 GB")
    try:
        inlined = inliner.inline_local_functions(proto)
    except Exception as error:  # C++ throws many types here; all of them mean that the functions are wrong
        raise ModelError(f"its local functions cannot be inlined: {error}") from error
    if inlined.functions:
        names = ", ".join(function.name for function in inlined.functions[:3])
        raise ModelError(f"its local functions cannot be inlined: {names} remain")
    return inlined


def _grown(proto: ModelProto, weigh: Callable[[NodeProto], int]) -> int:
    """Return an upper bound on the total weight of all nodes once inlined; arbitrary for a cycle of calls.

    Each round follows the calls one level deeper.
    """
    nodes_of = {_called(function): function.node for function in proto.functions}
    calls = {name: _calls(nodes, nodes_of) for name, nodes in nodes_of.items()}
    own = {name: sum(map(weigh, nodes)) for name, nodes in nodes_of.items()}
    grown = own
    for _ in range(DEEPEST):
        before = grown
        grown = {name: min(own[name] + sum(before[c] for c in calls[name]), _BEYOND) for name in own}
        if grown == before:
            break
    main = proto.graph.node
    return sum(map(weigh, main)) + sum(grown[name] for name in _calls(main, nodes_of))


def _calls(nodes: Sequence[NodeProto], known: Container[_Name]) -> list[_Name]:
    """Return the functions that nodes and their bodies call, repeats included."""
    called = ((node.domain, node.op_type, node.overload) for node in _all_nodes(nodes))
    return [name for name in called if name in known]


def _all_nodes(nodes: Sequence[NodeProto]) -> Iterator[NodeProto]:
    """Yield nodes and those of their bodies."""
    waiting = [nodes]
    while waiting:
        for node in waiting.pop():
            yield node
            waiting.extend(body.node for _, body in bodies(node))


def _called(function: FunctionProto) -> _Name:
    return function.domain, function.name, function.overload
