"""Check the fields of a row plan against each other: what everything that reads it relies on."""

from __future__ import annotations

from collections.abc import Iterator

from hmcos.limits import Status
from hmcos.plan.agreement import Disagreement, in_source
from hmcos.plan.row_parts import Role
from hmcos.plan.row_plan import PlannedOperator, RowPlan

MOST_BYTES = 1 << 40
"""Of an arena; all rows of a plan together then stay below what pictures can draw."""


def disagreements(plan: RowPlan) -> Iterator[Disagreement]:
    """Yield every field of a plan that disagrees with another one."""
    yield from _in_figures(plan)
    known = {tensor.tensor for tensor in plan.tensors}
    ids = [tensor.tensor for tensor in plan.tensors]
    if ids != sorted(known):
        yield "tensors", "must stand in ascending order, each once"
        return
    for key, listed in (("inputs", plan.inputs), ("outputs_of_network", plan.outputs)):
        if not set(listed) <= known:
            yield key, "name tensors that are not in `tensors`"
    yield from _in_places(plan)
    made: set[int] = set()
    for k, operator in enumerate(plan.operators):
        where = f"operators[{k}]"
        faults = list(_in_operator(plan, operator, known, first=k == 0))
        yield from ((f"{where}.{field}", words) for field, words in faults)
        if faults:
            return
        if not made.isdisjoint(operator.makes) or len(set(operator.makes)) < len(operator.makes):
            yield f"{where}.makes", "names a tensor that another operator makes"
        made.update(operator.makes)
    if not plan.by_rows and not made.isdisjoint(plan.inputs):
        yield "inputs", "are made by an operator"
    yield from _in_steps(plan)


def _in_figures(plan: RowPlan) -> Iterator[Disagreement]:
    if plan.lower_bound > plan.peak:
        yield "lower_bound", f"is {plan.lower_bound}, above the peak {plan.peak}"
    if (plan.status is Status.OPTIMAL) is not (plan.lower_bound == plan.peak):
        yield "status", f"is {plan.status}, but the peak is {plan.peak} and the bound {plan.lower_bound}"
    if plan.status in (Status.FITS, Status.DOES_NOT_FIT):
        yield "status", "answers a budget, but there was none"
    if not plan.arena_lower_bound <= plan.arena or plan.arena < plan.peak:
        yield "arena", f"is {plan.arena}, below the peak {plan.peak} or its bound {plan.arena_lower_bound}"
    if plan.arena > MOST_BYTES:
        yield "arena", f"is {plan.arena}, above the {MOST_BYTES} that are drawn or counted"
    if plan.by_rows and len(plan.inputs) != 1:
        yield "inputs", "must be one, if it comes by rows"
    yield from in_source(plan)


def _in_places(plan: RowPlan) -> Iterator[Disagreement]:
    for tensor in plan.tensors:
        for row, offset in enumerate(tensor.offsets):
            if offset < -1 or (offset >= 0 and offset + tensor.size > plan.arena):
                yield "tensors", f"row {row} of tensor {tensor.tensor} lies outside of the arena"
                return


def _in_operator(
    plan: RowPlan, operator: PlannedOperator, known: set[int], *, first: bool
) -> Iterator[Disagreement]:
    """Yield what is wrong in an operator; no more than the first where more would rest on it."""
    for read in operator.inputs:
        if read.tensor not in known:
            yield "inputs", f"read tensor {read.tensor}, which is not in `tensors`"
            return
        offsets = plan.tensor(read.tensor).offsets
        if any(not 0 <= row < len(offsets) for rows in read.needs for row in rows):
            yield "inputs", f"need rows that tensor {read.tensor} does not have"
    if not operator.makes or not set(operator.makes) <= known:
        yield "makes", "must name tensors in `tensors`"
        return
    most = max(plan.tensor(t).rows for t in operator.makes)
    feeds = operator.role is Role.FEED
    if feeds is not (operator.number < 0) or feeds is not (first and plan.by_rows):
        yield "role", "must be feed for the first operator, without a number, where the input comes by rows"
    if feeds and (operator.makes != plan.inputs or operator.inputs):
        yield "makes", "must be the input"
    if operator.role in (Role.ROW, Role.FEED) and operator.steps != most:
        yield "steps", f"must be one for each of {most} rows"
    if operator.role is Role.WHOLE and operator.steps != 1:
        yield "steps", "must be 1 for all rows at once"
    sums = operator.accumulator
    if (sums is not None) is not (operator.role is Role.SUM and operator.steps > 1):
        yield "sums", "must be told exactly where several steps sum up"
    if sums is not None and sums.offset >= 0 and sums.offset + sums.size > plan.arena:
        yield "sums", "lie outside of the arena"
    if sums is not None and sums.offset > 0 and sums.offset % sums.width:
        yield "sums", "are not aligned"


def _in_steps(plan: RowPlan) -> Iterator[Disagreement]:
    seen: set[tuple[int, int]] = set()
    for at, (index, step) in enumerate(plan.steps):
        if not 0 <= index < len(plan.operators) or not 0 <= step < plan.operators[index].steps:
            yield "steps", f"step {at} is of an operator, or of a row, that there is not"
            return
        if (index, step) in seen:
            yield "steps", f"step {at} runs a second time"
            return
        seen.add((index, step))
