"""From an order of operators to an order of all nodes of a graph, and to the graph in that order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy

from torch.fx import Graph, GraphModule, Node

from hmcos.errors import OptionError
from hmcos.frontends.torch.building import Traced
from hmcos.graph.graph import body_path


def arranged(traced: Traced, order: Sequence[int]) -> list[Node]:
    """Return all nodes of a graph in the order that follows an order of its operators.

    Placeholders come first. A part of a result comes right behind its producer, a view right before its first
    reader, and what nobody reads right behind what it reads: then nothing lives longer than the plan says.

    Raises:
        OptionError: it is not a permutation of the operators, or an operator comes before one that it needs.
    """
    if sorted(order) != list(range(len(traced.operators))):
        raise OptionError(f"an order lists each of {len(traced.operators):,} operators once")
    arrangement = _Arrangement(traced)
    nodes = list(traced.module.graph.nodes)
    arrangement.take(node for node in nodes if node.op == "placeholder")
    for number in order:
        arrangement.take([traced.operators[number]])
    arrangement.take(nodes)  # what is read by the output alone, or by nobody; the output is the last
    return arrangement.taken


class _Arrangement:
    def __init__(self, traced: Traced) -> None:
        self.prompt = traced.prompt
        self.scheduled = frozenset(traced.operators)
        self.taken: list[Node] = []
        self.done: set[Node] = set()

    def take(self, nodes: Iterable[Node]) -> None:
        """Take nodes one after the other, each behind what it reads, and whatever can follow at once."""
        for node in nodes:
            open_nodes = [node]
            while open_nodes:
                here = open_nodes[-1]
                missing = [source for source in here.all_input_nodes if source not in self.done]
                if here in self.done or not missing:
                    open_nodes.pop()
                    self.append(here)
                    continue
                for source in missing:
                    if source in self.scheduled:
                        raise OptionError(f"{here.name!r} comes before {source.name!r}, which it reads")
                open_nodes += reversed(missing)

    def append(self, node: Node) -> None:
        """Append a node that can run, and the prompt ones that can run then."""
        waiting = [node]
        while waiting:
            here = waiting.pop(0)
            if here in self.done:
                continue
            self.done.add(here)
            self.taken.append(here)
            waiting += [
                user
                for user in here.users
                if user in self.prompt and all(source in self.done for source in user.all_input_nodes)
            ]


def rearranged(traced: Traced, orders: Mapping[str, Sequence[int]], path: str = "") -> GraphModule:
    """Return a copy of a graph with its operators, and those of its bodies, in the orders of a plan.

    It shares parameters and constants with the original, which is not changed. A graph without an order keeps
    the one it has.

    Raises:
        OptionError: an order is not a permutation, or an operator comes before one that it needs.
    """
    source = traced.module
    copies: dict[Node, Node] = {}
    graph = Graph(tracer_cls=source.graph._tracer_cls)  # pyright: ignore[reportPrivateUsage]
    for node in arranged(traced, orders.get(path, range(len(traced.operators)))):
        copies[node] = graph.node_copy(node, copies.__getitem__)
    graph.set_codegen(deepcopy(source.graph._codegen))  # pyright: ignore[reportPrivateUsage]
    result = GraphModule(source, graph, type(source).__name__)
    result.meta.update(source.meta)
    for (number, name), body in traced.bodies.items():
        inner = rearranged(body, orders, body_path(path, number, name))
        for node in body_nodes(traced, number, body):
            holder, _, last = str(node.target).rpartition(".")
            setattr(result.get_submodule(holder), last, inner)
    graph.lint()
    result.recompile()
    return result


def body_nodes(traced: Traced, number: int, body: Traced) -> list[Node]:
    """Return the nodes that hold a body of an operator."""
    return [
        node
        for node in traced.operators[number].all_input_nodes
        if node.op == "get_attr" and _attribute(traced.module, str(node.target)) is body.module
    ]


def _attribute(module: GraphModule, path: str) -> object:
    found: object = module
    for name in path.split("."):
        found = getattr(found, name)
    return found
