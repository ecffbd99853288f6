"""Orders for the graphs inside operators (If, Loop, Scan), innermost first."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from hmcos.graph.catalogue import STANDARD_DOMAINS
from hmcos.graph.model import Body, Graph, Operator
from hmcos.graph.order import source_order
from hmcos.memory.bounds import must_live_bound
from hmcos.memory.external import without_external
from hmcos.memory.problem import Problem
from hmcos.memory.sharing import Sharing, lower
from hmcos.memory.target import Target
from hmcos.plan.limits import Limits, Observer
from hmcos.plan.plan import BodyPlan
from hmcos.plan.schedule import Schedule, Status
from hmcos.schedulers.base import Scheduler
from hmcos.schedulers.table import scheduler

_FIRST_RESULT = {"If": 0, "Loop": 1, "Scan": 0}
"""Kind to the place of the body result that becomes the operator's first output."""


@dataclass(frozen=True)
class Bodies:
    """What the bodies of a graph's operators need, and how well that is known."""

    scratch: Mapping[int, int] = field(default_factory=dict[int, int])
    """Operator number to the bytes that its bodies need while it runs."""
    least_scratch: Mapping[int, int] = field(default_factory=dict[int, int])
    """The same from proved lower bounds; equal to `scratch` when every body was solved."""
    plans: tuple[BodyPlan, ...] = ()
    limit: Status | None = None
    """What stopped the search of the first body that was not solved; None when all were."""


@dataclass(frozen=True)
class Lowered:
    """A graph as a problem, with its bodies counted in."""

    sharing: Sharing
    bodies: Bodies
    least: Problem | None
    """The problem with the least that unsolved bodies can need; None when all are solved."""

    def without_external(self) -> Lowered:
        """Return the same with the memory of inputs and outputs supplied by the caller."""
        return Lowered(
            replace(self.sharing, problem=without_external(self.sharing.problem)),
            self.bodies,
            None if self.least is None else without_external(self.least),
        )

    def find(self, search: Scheduler, limits: Limits, observer: Observer) -> Schedule:
        """Return the schedule of the graph, never claiming more than its bodies allow."""
        found = search(self.sharing.problem, limits, observer)
        if self.least is None or self.bodies.limit is None:
            return found
        # The search took too much scratch for granted. One byte below the peak keeps "optimal" for
        # models of which every body was solved (memory model, Corners).
        bound = max(0, min(found.lower_bound, must_live_bound(self.least), found.peak - 1))
        status = found.status
        if status is Status.OPTIMAL:
            status = Status.FEASIBLE
        elif status is Status.DOES_NOT_FIT and limits.budget is not None and bound <= limits.budget:
            status = self.bodies.limit
        return replace(found, lower_bound=bound, status=status)


class _Shares:
    """Deals out the limits: each graph still to come gets an equal share of what is left."""

    def __init__(self, limits: Limits, graphs: int) -> None:
        self.limits, self.graphs, self.states = limits, graphs, limits.states

    def next(self) -> Limits:
        """Return the limits of the next body; its own order has no budget to meet."""
        now, seconds = time.perf_counter(), None
        if self.limits.seconds is not None:
            seconds = max(0.0, self.limits.started + self.limits.seconds - now) / self.graphs
        states = self.states // self.graphs
        self.graphs -= 1
        return replace(self.limits, seconds=seconds, states=states, budget=None, started=now)

    def rest(self) -> Limits:
        """Return the limits of the outermost graph: all that is left."""
        return replace(self.limits, states=self.states)


def lower_with_bodies(
    graph: Graph,
    target: Target,
    alignment: int,
    limits: Limits,
    observer: Observer,
    search: Scheduler | None = None,
) -> tuple[Lowered, Limits]:
    """Return the graph as a problem with its bodies solved, and what is left of the limits.

    Bodies are solved by `search`, None for the optimal scheduler.
    The scratch of an operator is the maximum over its bodies of the body's best peak less the bytes
    of its results that become the operator's outputs (memory model, Corners).
    """
    shares = _Shares(limits, 1 + sum(1 for _ in _nested(graph)))
    solver = _Solver(target, alignment, shares, observer, search or scheduler("optimal"))
    return solver.lowered(graph, ""), shares.rest()


def _nested(graph: Graph) -> Iterator[Graph]:
    """Yield all graphs inside a graph, at any depth."""
    open_graphs = [graph]
    while open_graphs:
        for op in open_graphs.pop().operators:
            for body in op.bodies:
                yield body.graph
                open_graphs.append(body.graph)


@dataclass(frozen=True)
class _Solver:
    target: Target
    alignment: int
    shares: _Shares
    observer: Observer
    search: Scheduler

    def lowered(self, graph: Graph, path: str) -> Lowered:
        """Return the graph as a problem. Recurses as deep as bodies are nested, which the frontend limits."""
        bodies = self.bodies(graph, path)
        sharing = lower(graph, self.target, bodies.scratch, self.alignment)
        least = None
        if bodies.limit is not None:
            least = lower(graph, self.target, bodies.least_scratch, self.alignment).problem
        return Lowered(sharing, bodies, least)

    def bodies(self, graph: Graph, path: str) -> Bodies:
        scratch: dict[int, int] = {}
        least: dict[int, int] = {}
        plans: list[BodyPlan] = []
        limit: Status | None = None
        for op in graph.operators:
            for body in op.bodies:
                here = f"{path}node {op.number}/{body.attribute}"
                inner = iteration(graph, op, body)
                lowered = self.lowered(inner, f"{here}/")
                plan = self.solved(inner, lowered, here)
                plans += [*lowered.bodies.plans, plan]
                if plan.peak != plan.lower_bound:
                    limit = limit or plan.status
                given_back = result_bytes(op, body, self.alignment)
                scratch[op.number] = max(scratch.get(op.number, 0), plan.peak - given_back)
                least[op.number] = max(least.get(op.number, 0), plan.lower_bound - given_back)
        return Bodies(scratch, least, tuple(plans), limit)

    def solved(self, graph: Graph, lowered: Lowered, path: str) -> BodyPlan:
        found = lowered.find(self.search, self.shares.next(), self.observer)
        self.shares.states = max(0, self.shares.states - found.states)
        numbers = [lowered.sharing.numbers[i] for i in found.order]
        return BodyPlan(path, source_order(graph, numbers), found.peak, found.lower_bound, found.status)


def result_bytes(op: Operator, body: Body, alignment: int) -> int:
    """Return the bytes of the body's results that become the operator's outputs, each rounded up."""
    first = _FIRST_RESULT.get(op.kind) if op.domain in STANDARD_DOMAINS else None
    if first is None:
        return 0
    results = body.graph.outputs[first:]
    taken = {t for t, made in zip(results, op.outputs, strict=False) if made is not None}
    sizes = (body.graph.tensors[t] for t in taken)
    return sum(-(-t.size // alignment) * alignment for t in sizes if not t.is_parameter)


def iteration(graph: Graph, op: Operator, body: Body) -> Graph:
    """Return the body with the inputs that a loop carries among its outputs.

    A loop holds what it was handed until the iteration is over, so that carried inputs and results
    are live together at its end (memory model, Corners).
    """
    carried: tuple[int, ...] = ()
    if op.domain in STANDARD_DOMAINS and op.kind == "Loop":
        carried = body.graph.inputs[2:]
    elif op.domain in STANDARD_DOMAINS and op.kind == "Scan":
        # A scanned input loses an axis on the way in; a carried one keeps its shape.
        outer = (graph.tensors[t].shape if t is not None else None for t in op.inputs)
        pairs = zip(outer, body.graph.inputs, strict=False)
        carried = tuple(t for shape, t in pairs if shape == body.graph.tensors[t].shape)
    return replace(body.graph, outputs=(*body.graph.outputs, *carried)) if carried else body.graph
