"""Turn an opened network into one problem, with tables that lead back to its source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from hmcos.errors import OptionError
from hmcos.graph.graph import Graph, Tensor
from hmcos.graph.source_order import ParameterNodes, parameter_nodes, source_order
from hmcos.graph.strings import with_string_bytes
from hmcos.limits import Limits, Watch
from hmcos.log import Log
from hmcos.memory.changes import aligned, without_external
from hmcos.memory.lifetimes import Life, lifetimes
from hmcos.memory.problem import Problem
from hmcos.memory.target import Target
from hmcos.network.bodies import Accounting, Bodies, OpenBodies, find, lower_graph, solve_bodies
from hmcos.network.opening import Opened
from hmcos.network.tied import tied_lives, tied_operators
from hmcos.plan.plan import OperatorRow, TargetUsed
from hmcos.plan.schedule import Schedule
from hmcos.schedulers.scheduler import Scheduler, conclude

_LOG = Log("hmcos.network")


@dataclass(frozen=True, slots=True)
class Known:
    """A schedule that was found before a network was lowered, and the problem that it is of."""

    problem: Problem
    schedule: Schedule

    def within(self, network: Network, budget: int | None) -> Schedule | None:
        """Return the schedule, with its status for a budget; None where a network is another problem."""
        if (
            network.open_bodies is not None
            or replace(self.problem, names=network.problem.names) != network.problem
        ):
            return None
        found = self.schedule
        return replace(found, status=conclude(found.peak, found.lower_bound, budget, found.status))


@dataclass(frozen=True)
class Network:
    """A network as numbers, with tables that lead back to its source, which is a model or a problem."""

    problem: Problem
    target: TargetUsed
    numbers: tuple[int, ...]
    """Operator of the problem to its number in the source, ascending."""
    rows: tuple[OperatorRow, ...]
    """All nodes of the source, by number."""
    tensors: tuple[Tensor, ...] = ()
    """All tensors of the source, by id; empty for a problem, whose buffers are its tensors."""
    tensor_ids: tuple[tuple[int, ...], ...] = ()
    """Per buffer: the ids of its tensors, starting with the one it was made for; empty for a problem."""
    parameter_nodes: ParameterNodes = field(default_factory=ParameterNodes)
    """The nodes of the source that only compute parameters and are not scheduled."""
    bodies: Bodies = field(default_factory=Bodies)
    open_bodies: OpenBodies | None = None
    """The bounds for unsolved bodies; None if all were solved."""
    is_bounded: bool = False
    """Whether sizes are counted that depend on data, so that they are only bounds."""
    tied: tuple[tuple[int, ...], ...] = ()
    """Operators of the problem that run the same bodies, whose tensors have one place for all of them."""

    def lives(self, order: Sequence[int]) -> tuple[Life, ...]:
        """Return the lives along an order; the scratch of operators that run the same bodies is tied."""
        return tied_lives(lifetimes(self.problem, order), self.tied)

    @cached_property
    def buffer_names(self) -> tuple[str, ...]:
        """Per buffer: the name of the tensor it was made for, that in the problem, or `buffer N`."""
        tensors = self.tensors
        return tuple(
            tensors[ids[0]].name or f"tensor {ids[0]}" if ids and tensors else self.problem.buffer_name(b)
            for b, ids in enumerate(self.tensor_ids)
        )

    def name(self, life: Life) -> str:
        """Return the name of a life: that of its tensor, or `scratch of` an operator."""
        if life.buffer is None:
            return f"scratch of {self.problem.names[life.operator or 0]}"
        return self.buffer_names[life.buffer]

    def ids(self, life: Life) -> tuple[int, ...]:
        """Return the ids of the tensors in a life: none for scratch; in a problem, the buffer's number."""
        return () if life.buffer is None else self.tensor_ids[life.buffer]

    def find(self, search: Scheduler, limits: Limits, watch: Watch) -> Schedule:
        """Return the schedule of the network; status and bound hold even if bodies are not solved."""
        schedule = find(self.problem, self.open_bodies, search, limits, watch)
        _LOG.info(
            "order by %s in %.3f s, %d states: %s",
            schedule.scheduler,
            schedule.seconds,
            schedule.states,
            schedule.words,
        )
        return schedule

    def source_order(self, order: Sequence[int]) -> tuple[int, ...]:
        """Return the order of all nodes of the source that follows an order of the problem's operators."""
        return source_order(self.parameter_nodes, [self.numbers[i] for i in order])


def accounting_of(
    opened: Opened, target: Target, alignment: int | None = None, *, external_io: bool = False
) -> Accounting:
    """Return how memory is counted for a network.

    `alignment` in bytes replaces the target's. With `external_io`, the caller supplies the memory of inputs
    and outputs, so they cost nothing.

    Raises:
        OptionError: the alignment is not positive, or the target names kernels and the network has none.
    """
    if alignment is not None and alignment < 1:
        raise OptionError(f"an alignment is at least 1 byte, not {alignment}")
    if opened.model is None or opened.format is None:
        if target.kernels:
            raise OptionError(
                f"{opened.source.name}: is a problem; only a .tflite model has kernels to choose"
            )
        return Accounting(target, TargetUsed("instance", alignment or 1, external_io=external_io))
    fitting = opened.format.target(target, opened.model)
    wide = fitting.alignment if alignment is None else alignment
    return Accounting(fitting, TargetUsed(fitting.name, wide, fitting.data, external_io))


def lower_network(
    opened: Opened, accounting: Accounting, limits: Limits, watch: Watch, search: Scheduler | None = None
) -> tuple[Network, Limits]:
    """Return a network as a problem on a target, with its bodies solved, and the rest of the limits.

    Bodies are solved by `search`; None means the optimal scheduler.
    """
    if opened.model is None:
        return _of_problem(opened, accounting.used), limits
    graph = with_string_bytes(opened.model.graph, accounting.target.string_bytes)
    bodies, left = solve_bodies(graph, accounting, limits, watch, search)
    return network_with(graph, accounting, bodies), left


def network_with(graph: Graph, accounting: Accounting, bodies: Bodies) -> Network:
    """Return a graph as a network, given the memory of its bodies."""
    sharing, open_bodies = lower_graph(graph, accounting, bodies)
    return Network(
        problem=sharing.problem,
        target=accounting.used,
        numbers=sharing.numbers,
        rows=tuple(
            OperatorRow(op.number, op.name, op.kind, graph.tensors[op.makes[0]].name if op.makes else "")
            for op in graph.operators
        ),
        tensors=graph.tensors,
        tensor_ids=sharing.tensors_of,
        parameter_nodes=parameter_nodes(graph),
        bodies=bodies,
        open_bodies=open_bodies,
        tied=tied_operators(graph, sharing.numbers),
        is_bounded=graph.is_bounded,
    )


def _of_problem(opened: Opened, used: TargetUsed) -> Network:
    assert opened.problem is not None, "an opened network is a model or a problem"
    problem = aligned(opened.problem, used.alignment)
    problem = without_external(problem) if used.external_io else problem
    return Network(
        problem=problem,
        target=used,
        numbers=tuple(range(problem.operators)),
        rows=tuple(OperatorRow(i, name, "", "") for i, name in enumerate(problem.names)),
        tensor_ids=tuple((b,) for b in range(len(problem.sizes))),
    )
