"""Orders for the graphs inside operators (If, Loop, Scan), innermost first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from hmcos.alignment import round_up
from hmcos.graph.graph import Body, Graph, Operator, body_path
from hmcos.graph.kinds import STANDARD_DOMAINS
from hmcos.graph.source_order import parameter_nodes, source_order
from hmcos.limits import Limits, Status, Watch
from hmcos.log import Log
from hmcos.memory.bounds import must_live_bound
from hmcos.memory.changes import without_external
from hmcos.memory.problem import Problem
from hmcos.memory.sharing import Sharing, lower
from hmcos.memory.target import Target
from hmcos.plan.plan import BodyPlan, TargetUsed
from hmcos.plan.schedule import Schedule
from hmcos.schedulers.scheduler import Scheduler
from hmcos.schedulers.scheduler_table import scheduler

_FIRST_RESULT = {"If": 0, "Loop": 1, "Scan": 0}
"""Operator kind to the position of the body result that becomes the operator's first output."""


_LOG = Log("hmcos.network")


@dataclass(frozen=True, slots=True)
class Accounting:
    """How memory is counted: a target, as used for a network."""

    target: Target
    """The sharing rules; they have no effect on a problem, which carries its own."""
    used: TargetUsed
    """The target as a plan records it."""

    @property
    def alignment(self) -> int:
        """Bytes; every buffer is rounded up to a multiple of them."""
        return self.used.alignment

    def inside(self) -> Accounting:
        """Return how memory is counted in bodies, whose inputs always take memory of the network.

        The floor counts once, for the network.
        """
        return Accounting(replace(self.target, floor=0), replace(self.used, external_io=False))


@dataclass(frozen=True)
class Bodies:
    """The memory that the bodies of a graph's operators need, and whether it is exact or bounded."""

    scratch: Mapping[int, int] = field(default_factory=dict[int, int])
    """Operator number to the bytes that its bodies need while it runs, in the orders found."""
    least_scratch: Mapping[int, int] = field(default_factory=dict[int, int])
    """The same by proved lower bounds; equal to `scratch` if every body was solved."""
    plans: tuple[BodyPlan, ...] = ()
    limit: Status | None = None
    """What stopped the search of the first unsolved body; None if all were solved."""


@dataclass(frozen=True, slots=True)
class OpenBodies:
    """What is still proved about a graph in which some bodies were not solved."""

    bound: int
    """Bytes; no order needs fewer, however little these bodies need."""
    limit: Status
    """What stopped the search of the first unsolved body."""


def find(
    problem: Problem, open_bodies: OpenBodies | None, search: Scheduler, limits: Limits, watch: Watch
) -> Schedule:
    """Return the schedule of a graph, with a status and bound that hold even if bodies are not solved."""
    schedule = search(problem, limits, watch)
    if open_bodies is None:
        return schedule
    # The search may have assumed too much scratch. One byte below the peak keeps "optimal" for models
    # whose bodies were all solved (memory model, Special cases).
    bound = max(0, min(schedule.lower_bound, open_bodies.bound, schedule.peak - 1))
    status = schedule.status
    if status is Status.OPTIMAL:
        status = Status.FEASIBLE
    elif status is Status.DOES_NOT_FIT and limits.budget is not None and bound <= limits.budget:
        status = open_bodies.limit
    return replace(schedule, lower_bound=bound, status=status)


class _Shares:
    """Divides the limits: each remaining graph gets an equal share of the rest."""

    def __init__(self, limits: Limits, watch: Watch, graphs: int) -> None:
        self.limits, self.watch, self.graphs, self.states = limits, watch, graphs, limits.states

    def next(self) -> Limits:
        """Return the limits of the next body, from now on; a body has no budget of its own."""
        seconds = self.watch.left(self.limits).seconds
        share = None if seconds is None else seconds / self.graphs
        states = self.states // self.graphs
        self.graphs -= 1
        return replace(self.limits, seconds=share, states=states, budget=None)

    def rest(self) -> Limits:
        """Return the limits of the outermost graph: the rest."""
        return replace(self.limits, states=self.states)


def solve_bodies(
    graph: Graph, accounting: Accounting, limits: Limits, watch: Watch, search: Scheduler | None = None
) -> tuple[Bodies, Limits]:
    """Return the memory that the bodies of a graph need in their best orders, and the rest of the limits.

    Bodies are solved by `search`; None means the optimal scheduler.
    The scratch of an operator is the maximum, over its bodies, of the body's best peak minus the bytes of
    the body's results that become outputs of the operator (memory model, Special cases).
    """
    shares = _Shares(limits, watch, 1 + sum(1 for _ in _nested(graph)))
    solver = _Solver(accounting, shares, search or scheduler("optimal"))
    return solver.bodies(graph, ""), shares.rest()


def lower_graph(graph: Graph, accounting: Accounting, bodies: Bodies) -> tuple[Sharing, OpenBodies | None]:
    """Return a graph as a problem that counts its bodies, and the bounds for unsolved bodies, if any."""
    sharing = _lowered(graph, accounting, bodies.scratch)
    if bodies.limit is None:
        return sharing, None
    least = _lowered(graph, accounting, bodies.least_scratch).problem
    return sharing, OpenBodies(must_live_bound(least), bodies.limit)


def _lowered(graph: Graph, accounting: Accounting, scratch: Mapping[int, int]) -> Sharing:
    sharing = lower(graph, accounting.target, scratch, accounting.alignment)
    return (
        replace(sharing, problem=without_external(sharing.problem))
        if accounting.used.external_io
        else sharing
    )


def _nested(graph: Graph) -> Iterator[Graph]:
    """Yield all graphs inside a graph, at any depth."""
    open_graphs = [graph]
    while open_graphs:
        for op in open_graphs.pop().operators:
            for body in op.bodies:
                yield body.graph
                open_graphs.append(body.graph)


@dataclass(frozen=True, slots=True)
class _Known:
    """A body that was solved, and all in it."""

    graph: Graph
    """Kept alive, so that no other graph gets its identity."""
    path: str
    plans: tuple[BodyPlan, ...]


@dataclass(frozen=True, slots=True)
class _Solver:
    accounting: Accounting
    shares: _Shares
    search: Scheduler
    known: dict[int, _Known] = field(default_factory=dict[int, "_Known"])
    """The bodies solved so far, by the identity of their graphs: several operators may run the same one,
    and then it has one order."""

    def bodies(self, graph: Graph, path: str) -> Bodies:
        """Return the memory of a graph's bodies. Recurses into nested ones; the frontend limits the depth."""
        plans: list[BodyPlan] = []
        own: dict[str, BodyPlan] = {}
        for op in graph.operators:
            for body in op.bodies:
                inner, here = iteration(graph, op, body), body_path(path, op.number, body.attribute)
                found = self.body(inner, here)
                own[here] = found[-1]
                plans += found
        limit = next((plan.status for plan in own.values() if plan.peak != plan.lower_bound), None)
        scratch, least = body_scratch(graph, path, own, self.accounting.alignment)
        return Bodies(scratch, least, tuple(plans), limit)

    def body(self, graph: Graph, path: str) -> tuple[BodyPlan, ...]:
        """Return the plans of the bodies in a body, and its own as the last."""
        known = self.known.get(id(graph))
        if known is None:
            inside = self.bodies(graph, path)
            plans = (*inside.plans, self.solved(graph, inside, path))
            self.known[id(graph)] = _Known(graph, path, plans)
            return plans
        self.shares.graphs -= len(known.plans)
        return tuple(replace(plan, path=path + plan.path.removeprefix(known.path)) for plan in known.plans)

    def solved(self, graph: Graph, bodies: Bodies, path: str) -> BodyPlan:
        sharing, open_bodies = lower_graph(graph, self.accounting.inside(), bodies)
        watch = self.shares.watch.restarted()
        schedule = find(sharing.problem, open_bodies, self.search, self.shares.next(), watch)
        _LOG.info("body %s: %s", path, schedule.words)
        self.shares.states = max(0, self.shares.states - schedule.states)
        order = source_order(parameter_nodes(graph), [sharing.numbers[i] for i in schedule.order])
        return BodyPlan(path, order, schedule.peak, schedule.lower_bound, schedule.status)


def body_scratch(
    graph: Graph, path: str, plans: Mapping[str, BodyPlan], alignment: int
) -> tuple[dict[int, int], dict[int, int]]:
    """Return operator number to the bytes that its bodies need: in their planned orders, and at least.

    `plans` are those of the bodies of the graph by their paths, `path` is that of the graph.

    Raises:
        KeyError: a body has no plan; the key is its path.
    """
    scratch: dict[int, int] = {}
    least: dict[int, int] = {}
    for op in graph.operators:
        for body in op.bodies:
            plan = plans[body_path(path, op.number, body.attribute)]
            beside = _beside(graph, op, body, alignment)
            scratch[op.number] = max(scratch.get(op.number, 0), plan.peak + beside)
            least[op.number] = max(least.get(op.number, 0), plan.lower_bound + beside)
    return scratch, least


def _beside(graph: Graph, op: Operator, body: Body, alignment: int) -> int:
    """Return the bytes held beside a body, less the operator's outputs, which are counted already."""
    if body.held is None:
        return -result_bytes(op, body, alignment)
    made = sum(round_up(graph.tensors[t].size, alignment) for t in op.makes)
    return sum(round_up(size, alignment) for size in body.held) - made


def result_bytes(op: Operator, body: Body, alignment: int) -> int:
    """Return the bytes of the body's results that become outputs of the operator, each rounded up."""
    first = _FIRST_RESULT.get(op.kind) if op.domain in STANDARD_DOMAINS else None
    if first is None:
        return 0
    results = body.graph.outputs[first:]
    taken = {t for t, made in zip(results, op.outputs, strict=False) if made is not None}
    sizes = (body.graph.tensors[t] for t in taken)
    return sum(round_up(t.size, alignment) for t in sizes if not t.is_parameter)


def iteration(graph: Graph, op: Operator, body: Body) -> Graph:
    """Return the body of an operator; for a loop, with the carried inputs as additional outputs.

    A loop keeps its inputs until the iteration ends, so that carried inputs and results are live together
    at the end (memory model, Special cases).
    """
    carried: tuple[int, ...] = ()
    if op.domain in STANDARD_DOMAINS and op.kind == "Loop":
        carried = body.graph.inputs[2:]
    elif op.domain in STANDARD_DOMAINS and op.kind == "Scan":
        # A scanned input loses an axis when it enters the body; a carried one keeps its shape.
        outer = (graph.tensors[t].shape if t is not None else None for t in op.inputs)
        pairs = zip(outer, body.graph.inputs, strict=False)
        carried = tuple(t for shape, t in pairs if shape == body.graph.tensors[t].shape)
    return replace(body.graph, outputs=(*body.graph.outputs, *carried)) if carried else body.graph
