"""What one piece of a region costs by itself: lowered and profiled like any network."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hmcos.graph.builder import GraphBuilder
from hmcos.graph.graph import Graph, Operator
from hmcos.graph.rewrite import operator_of
from hmcos.memory.changes import without_external
from hmcos.memory.profile import profile
from hmcos.transforms.ordered_network import OrderedNetwork
from hmcos.transforms.tile import Pieces, Place, Steps

_GIVEN = "given"


@dataclass(frozen=True, slots=True)
class TilePiece:
    """One piece, by itself."""

    running: int
    """Bytes: the most in use, what enters the region and the cuts made early included."""
    shares: tuple[int, ...]
    """Bytes of its share of each exit."""
    early: int
    """Bytes of its cuts that were made early."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Which piece runs, and what there is while it does."""

    row: int
    column: int
    alive: frozenset[int]
    """Entries of the region that are still there."""
    is_last: bool
    """Whether entries that nobody needs any longer end in this piece."""
    cut_early: tuple[int, ...]
    """Entries whose cuts for this piece were made before."""


class KnownPieces:
    """Costs of pieces; those whose boxes have the same sizes are computed once."""

    def __init__(self, network: OrderedNetwork) -> None:
        self.network = network
        self._known: dict[object, TilePiece] = {}
        self._kept: dict[object, int] = {}

    def piece(self, pieces: Pieces, at: Moment) -> TilePiece:
        """Return what a piece costs."""
        shape = pieces.shape(0, at.row), pieces.shape(1, at.column)
        key = pieces.begin, pieces.end, shape, at.alive, at.is_last, at.cut_early
        if key not in self._known:
            self._known[key] = _piece(self.network, pieces, at)
        return self._known[key]

    def kept(self, pieces: Pieces, row: int, column: int) -> int:
        """Return the bytes that the runtime keeps for good for the operators of a piece."""
        key = pieces.begin, pieces.end, pieces.shape(0, row), pieces.shape(1, column)
        if key not in self._kept:
            out = Steps(len(self.network.graph.tensors))
            pieces.write(out, row, column, {})
            self._kept[key] = sum(map(self.network.rules.upkeep.of, out.steps))
        return self._kept[key]


def _piece(network: OrderedNetwork, pieces: Pieces, at: Moment) -> TilePiece:
    out = Steps(len(network.graph.tensors))
    ready: dict[Place, int] = {}
    for t in at.cut_early:
        for place, box in pieces.cuts_of(t, at.row, at.column):
            ready[place] = out.part(t, box, pieces.axes)
    shares = pieces.write(out, at.row, at.column, ready)
    entries = [t for t in pieces.entries if t in at.alive]
    ends = frozenset(pieces.dying) if at.is_last else frozenset[int]()
    kept = [*(t for t in entries if t not in ends), *shares.values()]
    graph, ids = _graph(network, out, (entries, list(ready.values())), kept)
    sharing = network.rules.problem(graph)
    buffer_of = {t: b for t, i in ids.items() if (b := sharing.buffer_of.get(i)) is not None}
    external = frozenset(b for t, b in buffer_of.items() if t in network.external)
    problem = without_external(sharing.problem, external) if external else sharing.problem
    return TilePiece(
        running=profile(problem, range(problem.operators)).peak,
        shares=tuple(problem.sizes[buffer_of[shares[t]]] for t in pieces.exits),
        early=sum(problem.sizes[buffer_of[t]] for t in ready.values()),
    )


def _graph(
    network: OrderedNetwork, out: Steps, present: tuple[list[int], list[int]], kept: list[int]
) -> tuple[Graph, dict[int, int]]:
    """Return the steps of one piece as a graph, and its tensors by what they are in the steps.

    `present` are the entries and the cuts that there are before.
    """
    source, builder = network.graph, GraphBuilder()
    inputs, entries = frozenset(source.inputs), present[0]
    ids: dict[int, int] = {}
    for t in entries:
        tensor = source.tensors[t]
        ids[t] = builder.add_input(tensor) if t in inputs else builder.add_tensor(tensor)
    for t, part in enumerate(out.parts, out.first):
        whole = source.tensors[part.tensor]
        ids[t] = builder.add_tensor(replace(whole, name="", shape=part.shape(whole.shape)))
    given = tuple(ids[t] for t in (*entries, *present[1]) if t not in inputs)
    first = 0
    if given:
        # What is there already but is no input of the network: targets may forbid to overwrite those.
        builder.add_operator(Operator(0, "", _GIVEN, "hmcos", (), given))
        first = 1
    for number, step in enumerate(out.steps, first):
        op = operator_of(source.operators, number, step, network.rules.spelling)
        for t in op.inputs:
            if t is not None and t not in ids:
                ids[t] = builder.add_parameter(source.tensors[t])
        builder.add_operator(_renamed(op, ids))
    for t in kept:
        builder.add_output(ids[t])
    return builder.build(), ids


def _renamed(op: Operator, ids: dict[int, int]) -> Operator:
    return replace(
        op,
        inputs=tuple(None if t is None else ids[t] for t in op.inputs),
        outputs=tuple(None if t is None else ids[t] for t in op.outputs),
    )
