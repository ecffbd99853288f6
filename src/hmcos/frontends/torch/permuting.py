"""The JSON of an exported program with its nodes permuted, and how two differ."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from torch.fx import Node

from hmcos.errors import ModelError, OptionError, OutputError
from hmcos.frontends.torch.arranging import arranged, body_nodes
from hmcos.frontends.torch.building import Traced
from hmcos.graph.graph import body_path

Json = dict[str, Any]


def permuted(graph: Json, trace: Traced, orders: Mapping[str, Sequence[int]]) -> Json:
    """Return the JSON of a program with the nodes of its graph and of all bodies in the orders of a plan.

    Nothing else is changed. A graph without an order gets its operators in the order of the source.

    Raises:
        OptionError: an order is not a permutation, or is for a graph that the program does not have.
        OutputError: the JSON has other nodes than the graph.
    """
    left = set(orders)
    module = cast(Json, graph["graph_module"])
    made = {**graph, "graph_module": {**module, "graph": _permuted(module["graph"], trace, orders, "", left)}}
    for path in sorted(left):
        raise OptionError(f"there is an order for {path!r}, but the program has no such graph")
    return made


def _permuted(
    graph: Json, trace: Traced, orders: Mapping[str, Sequence[int]], path: str, left: set[str]
) -> Json:
    """Return the JSON of one graph; recurses into bodies, whose depth is limited when they are observed."""
    left.discard(path)
    nodes = cast("list[Json]", graph["nodes"])
    place = {node: at for at, node in enumerate(written_nodes(trace))}
    if len(place) != len(nodes):
        raise OutputError(f"the file lists {len(nodes):,} nodes where the graph has {len(place):,}")
    changed = list(nodes)
    for (number, name), body in trace.bodies.items():
        at = place[trace.operators[number]]
        inner = body_path(path, number, name)
        attributes = [str(each.target) for each in body_nodes(trace, number, body)]
        changed[at] = _with_body(
            changed[at], attributes, lambda g, b=body, p=inner: _permuted(g, b, orders, p, left)
        )
    order = arranged(trace, orders.get(path, range(len(trace.operators))))
    return {**graph, "nodes": [changed[place[node]] for node in order if node in place]}


def _with_body(node: Json, attributes: Sequence[str], change: Callable[[Json], Json]) -> Json:
    """Return the JSON of a node in which the graphs of these names are changed."""
    inputs: list[Json] = []
    for given in cast("list[Json]", node["inputs"]):
        held = cast(Json, given["arg"]).get("as_graph")
        if held is not None and held["name"] in attributes:
            inputs.append({**given, "arg": {"as_graph": {**held, "graph": change(held["graph"])}}})
        else:
            inputs.append(given)
    return {**node, "inputs": inputs}


def written_nodes(trace: Traced) -> list[Node]:
    """Return the nodes that a file lists, in order; it does not list parts of results."""
    nodes = trace.module.graph.nodes
    return [node for node in nodes if node.op.startswith("call_") and node.target is not operator.getitem]


def orders_between(source: Json, result: Json, trace: Traced) -> dict[str, tuple[int, ...]]:
    """Return the orders of operators, by path of graph, in which one program lists the nodes of another.

    Raises:
        ModelError: they differ in anything else than the order of their nodes; names the place.
    """
    orders: dict[str, tuple[int, ...]] = {}
    bare = [_without_nodes(each) for each in (source, result)]
    for key in sorted({*bare[0], *bare[1]}):
        if bare[0].get(key) != bare[1].get(key):
            raise ModelError(f"differs from the source in {key}, not only in the order of its nodes")
    _compare(source["graph_module"]["graph"], result["graph_module"]["graph"], trace, "", orders)
    return orders


def _without_nodes(graph: Json) -> Json:
    try:
        module = graph["graph_module"]
        return {**graph, "graph_module": {**module, "graph": {**module["graph"], "nodes": []}}}
    except (KeyError, TypeError) as error:
        raise ModelError("has no graph") from error


def _compare(
    source: Json, result: Json, trace: Traced, path: str, orders: dict[str, tuple[int, ...]]
) -> None:
    """Compare two graphs node by node, recursing into bodies, and note the order of operators."""
    where = path or "the graph"
    place = {_key(node): at for at, node in enumerate(source["nodes"])}
    listed = [place.get(_key(node), -1) for node in result["nodes"]]
    if sorted(listed) != list(range(len(source["nodes"]))):
        raise ModelError(f"{where} does not have the nodes of the source, each once")
    nodes = written_nodes(trace)
    if len(nodes) != len(listed):
        raise ModelError(f"{where} lists {len(listed):,} nodes, but the source has {len(nodes):,}")
    number = {node: at for at, node in enumerate(trace.operators)}
    orders[path] = tuple(number[nodes[at]] for at in listed if nodes[at] in number)
    for at, made in zip(listed, result["nodes"], strict=True):
        _compare_nodes(source["nodes"][at], made, where)
    by_place = dict(zip(listed, result["nodes"], strict=True))
    for (operator_number, name), body in trace.bodies.items():
        at = nodes.index(trace.operators[operator_number])
        attribute = str(body_nodes(trace, operator_number, body)[0].target)
        inner = [_body(each, attribute) for each in (source["nodes"][at], by_place[at])]
        if inner[0] is not None and inner[1] is not None:
            _compare(inner[0], inner[1], body, body_path(path, operator_number, name), orders)


def _compare_nodes(source: Json, result: Json, where: str) -> None:
    """Check that two nodes are equal, but for the nodes of graphs in them."""
    if json.dumps(_hollow(source), sort_keys=True) != json.dumps(_hollow(result), sort_keys=True):
        raise ModelError(f"{where}: node {_key(source)} is not that of the source")


def _hollow(node: Json) -> Json:
    def bare(given: Json) -> Json:
        held = cast(Json, given["arg"]).get("as_graph")
        if held is None:
            return given
        return {**given, "arg": {"as_graph": {**held, "graph": {**held["graph"], "nodes": []}}}}

    return {**node, "inputs": [bare(given) for given in node["inputs"]]}


def _body(node: Json, attribute: str) -> Json | None:
    """Return the graph of a name in a node."""
    for given in node["inputs"]:
        held = cast(Json, given["arg"]).get("as_graph")
        if held is not None and held["name"] == attribute:
            return cast(Json, held["graph"])
    return None


def _key(node: Json) -> str:
    """Return what tells a node from the others: the names of its results, or else everything."""
    return json.dumps(node["outputs"] or node, sort_keys=True)
