"""Offsets for the graphs that operators of a TensorFlow Lite model run inside themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from hmcos.allocation.auto import auto
from hmcos.allocation.problem import Lives
from hmcos.frontends.model import Model
from hmcos.frontends.tflite.calls import paths
from hmcos.frontends.tflite.reading import parse
from hmcos.graph.model import Graph
from hmcos.memory.lifetimes import lifetimes
from hmcos.memory.sharing import lower
from hmcos.memory.target import parse_target
from hmcos.plan.limits import SILENCE, Limits
from hmcos.plan.plan import Plan

Blocks = dict[tuple[str, int], tuple[int, int]]
"""Path of a graph and number of an operator in it to offset and bytes of what is kept for its bodies."""

STATES = 10_000
"""Situations that the planner may search for each body."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a subgraph is found."""

    path: str
    """Of the body, as in a plan; empty for the main graph."""
    graph: Graph
    subgraph: int
    first: int
    """Number of its first tensor, counted through all subgraphs."""
    shared: bool
    """Whether several paths lead to this subgraph."""


def places(model: Model) -> list[Place]:
    """Return the main graph and all bodies, outer ones first."""
    file = parse(cast(bytes, model.proto))
    subgraph_of = dict(paths(file))
    uses = Counter(subgraph_of.values())
    first = [0]
    for subgraph in file.subgraphs or []:
        first.append(first[-1] + len(subgraph.tensors or []))
    return [
        Place(path, graph, subgraph_of[path], first[subgraph_of[path]], uses[subgraph_of[path]] > 1)
        for path, graph in _graphs(model.graph)
    ]


def _graphs(graph: Graph) -> Iterator[tuple[str, Graph]]:
    open_graphs = [("", graph)]
    while open_graphs:
        path, here = open_graphs.pop()
        yield path, here
        for op in here.operators:
            open_graphs += [(body_path(path, op.number, body.attribute), body.graph) for body in op.bodies]


def body_path(path: str, number: int, role: str) -> str:
    """Return the path of a body of an operator of the graph at a path."""
    return f"{path}/node {number}/{role}" if path else f"node {number}/{role}"


def body_offsets(model: Model, plan: Plan) -> dict[int, int]:
    """Return offsets of the tensors of all bodies, within the scratch that the plan keeps for them.

    Tensors are numbered through all subgraphs. A body that does not fit its scratch without holes, or that
    several operators run, is left to the runtime.
    """
    blocks: Blocks = {
        ("", buffer.operator): (buffer.offset, buffer.size)
        for buffer in plan.buffers
        if buffer.operator is not None
    }
    found: dict[int, int] = {}
    for place in places(model)[1:]:
        outer, _, operator = place.path.rpartition("/")[0].rpartition("node ")
        block = blocks.get((outer.rstrip("/"), int(operator)))
        if block is None or place.shared:
            continue
        offsets, inner = _inside(place, plan, block)
        found |= offsets
        blocks |= inner
    return found


def _inside(place: Place, plan: Plan, block: tuple[int, int]) -> tuple[dict[int, int], Blocks]:
    """Return offsets for a body in a block, and blocks for the bodies in it; nothing if it is too small."""
    peaks = {body.path: body.peak for body in plan.bodies}
    needs = {
        op.number: max(peaks[body_path(place.path, op.number, body.attribute)] for body in op.bodies)
        for op in place.graph.operators
        if op.bodies
    }
    target = parse_target(plan.target.name, plan.target.data, plan.target.name)
    sharing = lower(place.graph, target, needs, plan.target.alignment)
    position = {number: i for i, number in enumerate(sharing.numbers)}
    order = next(body.order for body in plan.bodies if body.path == place.path)
    lives = lifetimes(sharing.problem, [position[number] for number in order if number in position])
    arena = auto(Lives(lives, plan.target.alignment), Limits(states=STATES), SILENCE)
    if arena.size > block[1]:
        return {}, {}
    at = [block[0] + offset for offset in arena.offsets]
    offsets = {
        place.first + tensor: offset
        for life, offset in zip(lives, at, strict=True)
        if life.buffer is not None
        for tensor in sharing.tensors_of[life.buffer]
    }
    blocks: Blocks = {
        (place.path, sharing.numbers[life.operator]): (offset, life.size)
        for life, offset in zip(lives, at, strict=True)
        if life.operator is not None
    }
    return offsets, blocks
