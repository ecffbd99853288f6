"""The contents of a network, without scheduling it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hmcos.errors import SizeError
from hmcos.frontends.loading import format_of, outline
from hmcos.frontends.model import Model
from hmcos.frontends.outline import Port
from hmcos.graph.graph import Graph
from hmcos.memory.problem import Problem
from hmcos.network.opening import Openable, Opened, Readable, open_source, readable
from hmcos.plan.plan import Source


@dataclass(frozen=True, slots=True)
class Inspection:
    """The contents of a network. Sizes are plain bytes: nothing is shared or rounded up."""

    source: Source
    operators: int
    """Nodes of the source."""
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    kinds: Mapping[str, int]
    """Operator type to how many there are, most frequent first, then by name."""
    parameters: int
    """The number of weights and constants, including those computed from others if sizes are known."""
    parameter_bytes: int
    """Bytes of the weights and constants that are stored in the model."""
    activations: int | None
    """The number of values that every run computes; None if sizes are unknown."""
    activation_bytes: int | None
    symbols: tuple[str, ...]
    """Symbolic dimensions of the source."""
    unbound: tuple[str, ...]
    """What must be bound before the network can be scheduled: symbolic dimensions, the sizes of sequences as
    INPUT:AXIS, and without any symbol the sizes that depend on data and have no bound, as TENSOR:AXIS."""
    obstacle: str = ""
    """Why the network cannot be scheduled as it is; empty if it can."""


def inspect_source(source: Openable, bind: Mapping[str, int] | None = None) -> Inspection:
    """Return the contents of a network; with unbound symbols, as much as can be known without sizes.

    Raises:
        HmcosError: the source is wrong in any way other than unbound symbols.
    """
    try:
        opened = open_source(source, bind)
    except SizeError as error:
        if isinstance(source, Model | Problem):
            raise
        return _without_sizes(source, bind or {}, error)
    if opened.model is not None:
        return _of_model(opened, opened.model)
    assert opened.problem is not None, "an opened network is a model or a problem"
    return _of_problem(opened, opened.problem)


def _without_sizes(source: Readable, bind: Mapping[str, int], error: SizeError) -> Inspection:
    name, to_read = readable(source)
    told = outline(to_read, bind)
    free = tuple(symbol for symbol in told.symbols if symbol not in {*bind, *told.bound})
    return Inspection(
        source=Source(name, format_of(to_read).name, bind=bind),
        operators=sum(told.kinds.values()),
        inputs=told.inputs,
        outputs=told.outputs,
        kinds=told.kinds,
        parameters=told.parameters,
        parameter_bytes=told.parameter_bytes,
        activations=None,
        activation_bytes=None,
        symbols=told.symbols,
        unbound=(*free, *error.unbound),
        obstacle=str(error),
    )


def _of_model(opened: Opened, model: Model) -> Inspection:
    graph = model.graph
    activations = [t for t in graph.tensors if not t.is_parameter]
    return Inspection(
        source=opened.source,
        operators=len(graph.operators),
        inputs=_ports(graph, graph.inputs),
        outputs=_ports(graph, graph.outputs),
        kinds=_by_frequency(op.kind for op in graph.operators),
        parameters=len(graph.tensors) - len(activations),
        parameter_bytes=model.parameter_bytes,
        activations=len(activations),
        activation_bytes=sum(t.size for t in activations),
        symbols=graph.symbols,
        unbound=(),
    )


def _of_problem(opened: Opened, problem: Problem) -> Inspection:
    return Inspection(
        source=opened.source,
        operators=problem.operators,
        inputs=_buffers(problem, problem.inputs),
        outputs=_buffers(problem, problem.kept),
        kinds={},
        parameters=0,
        parameter_bytes=0,
        activations=len(problem.sizes),
        activation_bytes=sum(problem.sizes),
        symbols=(),
        unbound=(),
    )


def _ports(graph: Graph, ids: Iterable[int]) -> tuple[Port, ...]:
    ports = ((t, graph.tensors[t]) for t in ids)
    return tuple(Port(tensor.name, tensor.element, tensor.shape, t) for t, tensor in ports)


def _buffers(problem: Problem, ids: Iterable[int]) -> tuple[Port, ...]:
    return tuple(Port(problem.buffer_name(b), "uint8", (problem.sizes[b],)) for b in ids)


def _by_frequency(kinds: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(kinds).items(), key=lambda item: (-item[1], item[0])))
