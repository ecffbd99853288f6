"""Sort the nodes of a model whose file lists some of them before what they read."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from onnx import GraphProto, ModelProto

from hmcos.frontends.onnx.body_graphs import bodies, free_names, graphs

NOTE = "the operators of the file are not sorted; node numbers refer to the sorted model"


def sorted_model(source: ModelProto) -> ModelProto | None:
    """Return a copy of a model with the nodes of all graphs sorted, each as early as its number allows.

    None if that is impossible, because nodes wait for each other or make a name twice.
    """
    copy = ModelProto()
    copy.CopyFrom(source)
    for _, graph in graphs(copy.graph):
        order = _order(graph)
        if order is None:
            return None
        place = {number: position for position, number in enumerate(order)}
        numbers = iter(range(len(order)))
        graph.node.sort(key=lambda _, numbers=numbers, place=place: place[next(numbers)])
    return copy


def _order(graph: GraphProto) -> list[int] | None:
    maker: dict[str, int] = {}
    for number, node in enumerate(graph.node):
        for name in node.output:
            if name and maker.setdefault(name, number) != number:
                return None
    after: list[list[int]] = [[] for _ in graph.node]
    waits = [0] * len(graph.node)
    for number, node in enumerate(graph.node):
        inner = (name for _, body in bodies(node) for name in free_names(body))
        for before in {maker[name] for name in (*node.input, *inner) if name in maker}:
            after[before].append(number)
            waits[number] += 1
    ready = [number for number, many in enumerate(waits) if not many]
    heapify(ready)
    order: list[int] = []
    while ready:
        order.append(heappop(ready))
        for number in after[order[-1]]:
            waits[number] -= 1
            if not waits[number]:
                heappush(ready, number)
    return order if len(order) == len(waits) else None
