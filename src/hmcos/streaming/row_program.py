"""A network to a row program: its rows as a problem, an order, a proof, an arena."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from hmcos.graph.graph import Graph
from hmcos.graph.rowwise import RowRules
from hmcos.limits import Limits, Status, Watch
from hmcos.memory.bounds import operand_bound
from hmcos.memory.lifetimes import Life
from hmcos.memory.profile import peak
from hmcos.plan.row_parts import RowTensor
from hmcos.plan.schedule import Schedule
from hmcos.schedulers.optimal import optimal
from hmcos.streaming.cuts import Cut, best_cuts, refined
from hmcos.streaming.drives import Interval, OrderedRows
from hmcos.streaming.operator_orders import operator_orders
from hmcos.streaming.placing import RowArena, placed
from hmcos.streaming.program import RowOperator, RowProgram, Rows
from hmcos.streaming.row_network import row_network
from hmcos.streaming.row_problem import RowProblem, row_problem

PROVED = 1_500
"""Row steps up to which the exact search is tried at its full length; it closed for such networks."""
STATES_OF_MANY = 2_000
"""States of the exact search for more row steps: it was never seen to close or to find better there."""
FOR_PROOF = 0.5
"""Part of the seconds left that the exact search may take: offsets are to be found after it."""


@dataclass(frozen=True, slots=True)
class _Begun:
    """The best order before the exact search."""

    cut: Cut
    name: str
    ordered: OrderedRows


def row_program(graph: Graph, rules: RowRules, rows: Rows, limits: Limits, watch: Watch) -> RowProgram:
    """Return a graph as a program of row steps with the least memory that is found within the limits.

    Args:
        graph: the network, of fixed shapes.
        rules: per operator how it can run row by row.
        rows: how the input arrives, and how rows are aligned.
        limits: seconds of everything, and states of the exact search.
        watch: is told about better orders and bounds.

    Raises:
        ModelError: an operator cannot run row by row; names it and the way out.
    """
    problem = row_problem(row_network(graph, rules, rows), rows)
    begun = _begun(problem, limits, watch)
    schedule = _proved(problem, begun, limits, watch)
    arena = placed(problem, schedule.order, limits, watch)
    for other in _as_good(problem, begun, schedule.order):
        if arena.arena.size == arena.arena.lower_bound or watch.is_over(limits):
            break
        found = placed(problem, other.cut.steps, limits, watch)
        if found.arena.size < arena.arena.size:
            begun, schedule, arena = other, replace(schedule, order=other.cut.steps), found
    return _assembled(problem, begun, schedule, arena, watch)


def _begun(rows: RowProblem, limits: Limits, watch: Watch) -> _Begun:
    """Return the best cuts of several orders of the operators."""
    best: _Begun | None = None
    enough = operand_bound(rows.problem)
    for name, order in operator_orders(rows, limits, watch):
        if best is not None and (best.cut.peak <= enough or watch.is_over(limits)):
            break
        most = None if best is None else best.cut.peak
        tried = OrderedRows(rows, order)
        cut = best_cuts(tried, enough, limits, watch, most)
        if cut is not None:
            best = _Begun(cut, name, tried)
            watch.progress("rows", cut.peak, enough, 0)
    assert best is not None, "the first order is always cut"
    return replace(best, cut=refined(best.ordered, best.cut, limits, watch))


def _as_good(rows: RowProblem, begun: _Begun, order: Sequence[int]) -> Iterator[_Begun]:
    """Yield orders without cuts that have no higher peak, whose rows may find better places.

    With one input and one output they found none, and placing again takes as long as everything before.
    """
    if len(rows.network.graph.inputs) + len(rows.network.graph.outputs) <= 2:
        return
    ordered, least = begun.ordered, peak(rows.problem, order)
    unread = ordered.unread_at(0)
    for drive in ordered.drives(0, len(ordered)):
        interval = Interval(0, len(ordered), drive)
        if ordered.cost(interval, unread, least + 1) <= least:
            steps = tuple(ordered.driven(interval))
            yield replace(begun, cut=Cut(peak(rows.problem, steps), (interval,), steps))


def _proved(rows: RowProblem, begun: _Begun, limits: Limits, watch: Watch) -> Schedule:
    """Return the schedule of the exact search begun with an order; that order itself where none is better.

    An order found by driving rows is regular, which makes a smaller arena than another of the same peak.
    """
    order = begun.cut.steps
    given = rows.problem.renumbered(order)
    within = watch.left(limits).part(FOR_PROOF)
    if given.operators > PROVED:
        within = replace(within, states=min(within.states, STATES_OF_MANY))
    found = optimal(given, within, watch.restarted())
    if found.peak >= begun.cut.peak:
        return replace(found, order=order)
    return replace(found, order=tuple(order[i] for i in found.order))


def _assembled(
    rows: RowProblem, begun: _Begun, schedule: Schedule, placing: RowArena, watch: Watch
) -> RowProgram:
    offset_of = _offsets(placing.lives, placing.arena.offsets)
    graph = rows.network.graph
    reached = peak(rows.problem, schedule.order)
    ends = [interval.end for interval in begun.cut.intervals]
    drives = ", ".join(dict.fromkeys(str(interval.drive) for interval in begun.cut.intervals))
    return RowProgram(
        operators=_operators(rows, offset_of),
        steps=tuple(rows.steps[step] for step in schedule.order),
        tensors=_tensors(rows, offset_of),
        inputs=graph.inputs,
        outputs=graph.outputs,
        rows=rows.rows,
        peak=reached,
        lower_bound=schedule.lower_bound,
        status=Status.OPTIMAL if reached == schedule.lower_bound else schedule.status,
        arena=placing.arena.size,
        arena_lower_bound=placing.arena.lower_bound,
        alignment=placing.alignment,
        drive=f"{begun.name}; {drives}",
        cuts=tuple(ends[:-1]),
        problem=rows.problem,
        order=schedule.order,
        lives=placing.lives,
        offsets=placing.arena.offsets,
        seconds=watch.seconds,
    )


def _offsets(lives: Sequence[Life], offsets: Sequence[int]) -> dict[int, int]:
    """Return the offset of each buffer."""
    pairs = zip(lives, offsets, strict=True)
    return {life.buffer: offset for life, offset in pairs if life.buffer is not None}


def _operators(rows: RowProblem, offset_of: dict[int, int]) -> tuple[RowOperator, ...]:
    """Return the operators of the network, their accumulators at their places."""
    place = {index: offset_of[b] for b, index in rows.accumulators.items()}
    return tuple(
        replace(operator, accumulator=replace(operator.accumulator, offset=place[index]))
        if operator.accumulator is not None and index in place
        else operator
        for index, operator in enumerate(rows.network.operators)
    )


def _tensors(rows: RowProblem, offset_of: dict[int, int]) -> tuple[RowTensor, ...]:
    shapes = rows.network.shapes
    return tuple(
        RowTensor(
            t,
            shapes[t].rows,
            shapes[t].size,
            tuple(-1 if b is None else offset_of[b] for b in rows.buffers(t)),
        )
        for t in sorted(shapes)
    )
