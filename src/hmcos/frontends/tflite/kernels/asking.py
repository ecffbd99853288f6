"""What the kernels of a model request, operator by operator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from typing import cast

from hmcos.frontends.kernel_table import kernel_set
from hmcos.frontends.model import Model
from hmcos.frontends.tflite.calls import paths
from hmcos.frontends.tflite.facts import Facts
from hmcos.frontends.tflite.kernels.node import Node
from hmcos.frontends.tflite.reading import parse
from hmcos.frontends.tflite.schema import ModelT
from hmcos.graph.graph import Graph, body_path
from hmcos.graph.windows import KernelScratch


def model_scratch(kernels: str, model: Model) -> dict[str, int | None]:
    """Return operator name to the bytes of scratch that its kernel takes; None where that is not known.

    Operators in bodies are included, those that take none are not.

    Raises:
        OptionError: no kernels are called that.
    """
    chosen = kernel_set(kernels)
    found = ((node.op.name, chosen.scratch(node)) for node in nodes(model))
    return {name: needed for name, needed in found if needed != 0}


def scratch_within(kernels: str, model: Model) -> KernelScratch:
    """Return the scratch of operators of a model's main graph, and of tiles of them, as a function.

    What is not known counts as none.

    Raises:
        OptionError: no kernels are called that.
    """
    chosen, facts = kernel_set(kernels), _facts(model, "", model.graph)
    return lambda graph, op: chosen.scratch(Node(graph, op, facts)) or 0


def nodes(model: Model, pointer: int = 8) -> Iterator[Node]:
    """Yield the operators of a model, then those of its bodies; `pointer` is the bytes of a pointer."""
    graphs = [("", model.graph)]
    while graphs:
        path, graph = graphs.pop()
        facts = _facts(model, path, graph)
        for op in graph.operators:
            yield Node(graph, op, facts, pointer)
            graphs += [(body_path(path, op.number, body.attribute), body.graph) for body in op.bodies]


def _facts(model: Model, path: str, graph: Graph) -> Callable[[], Facts]:
    """Return what gives the facts of one graph of a model; the file is parsed when it is first called."""

    @cache
    def facts() -> Facts:
        file, subgraphs = _file(cast(bytes, model.proto))
        return Facts(graph, file, subgraphs[path])

    return facts


@lru_cache(maxsize=2)
def _file(content: bytes) -> tuple[ModelT, dict[str, int]]:
    """Return a file, and the subgraph at each path of it; many ask for the same, none changes it."""
    file = parse(content)
    return file, dict(paths(file))
