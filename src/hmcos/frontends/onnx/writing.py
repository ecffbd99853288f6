"""Write a Model as ONNX: the source with its nodes permuted, and nothing else changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from google.protobuf.message import EncodeError
from onnx import GraphProto, ModelProto

from hmcos.errors import OptionError, OutputError
from hmcos.frontends.model import Model
from hmcos.frontends.onnx.body_graphs import graphs


def serialised(model: Model, orders: Mapping[str, Sequence[int]]) -> bytes:
    """Return the bytes of the source of a model with its nodes permuted.

    `orders` holds node numbers in the new order; the key is empty for the main graph and a path such as
    `node 17/then_branch/node 3/body` for a body. Numbers in paths are those of the source.

    Raises:
        OptionError: an order is not a permutation, or is for a graph that the model does not have.
        OutputError: the model cannot be serialised.
    """
    if not isinstance(model.proto, ModelProto):
        raise OptionError("the model was not loaded from ONNX, so that it cannot be saved as ONNX")
    copy = ModelProto()
    copy.CopyFrom(model.proto)
    # All graphs are looked up before any is permuted, so that paths refer to positions in the source.
    scopes = {where: graph for where, graph in graphs(copy.graph) if where in orders}
    for where, order in orders.items():
        if where not in scopes:
            raise OptionError(f"the model has no body {where!r} to order")
        _permute(scopes[where], order, where)
    try:
        return copy.SerializeToString()
    except (EncodeError, ValueError) as error:
        raise OutputError(f"the model cannot be serialised: {error}") from error


def _permute(graph: GraphProto, order: Sequence[int], where: str) -> None:
    if sorted(order) != list(range(len(graph.node))):
        name = where or "the main graph"
        raise OptionError(f"the order of {name} must list each of its {len(graph.node)} nodes exactly once")
    place = [0] * len(order)
    for position, number in enumerate(order):
        place[number] = position
    # Sorting moves the messages themselves, unknown fields included; keys are asked for in source order.
    places = iter(place)
    graph.node.sort(key=lambda _: next(places))
