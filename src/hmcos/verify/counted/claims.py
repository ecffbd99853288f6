"""Check what a plan claims besides its order and its arena, by recounting it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from hmcos.errors import VerifyError
from hmcos.graph.graph import Graph
from hmcos.limits import Status
from hmcos.plan.agreement import Disagreement, in_memory
from hmcos.plan.plan import UNUSED, Crest, LiveTensor, OperatorRow, Plan
from hmcos.verify.counted.recount import Recount, recount
from hmcos.verify.counted.steps import Execution, Step, moments


def check_agreement(disagreements: Iterable[Disagreement]) -> None:
    """Check that the fields of a plan agree with each other.

    Raises:
        VerifyError: two fields disagree; names the first one.
    """
    for field, words in disagreements:
        raise VerifyError(f"{field}: {words}")


def check_operators(plan: Plan, right: Sequence[OperatorRow], run: Execution) -> None:
    """Check that a plan lists the operators as they are in the source, and schedules those that run.

    Raises:
        VerifyError: a field is wrong; names the field and the operator.
    """
    if len(plan.operators) != len(right):
        raise VerifyError(f"operators: there are {len(right)}, but the plan lists {len(plan.operators)}")
    for row, own in zip(plan.operators, right, strict=True):
        for key in ("number", "name", "kind", "output"):
            claimed, actual = getattr(row, key), getattr(own, key)
            if claimed != actual:
                raise VerifyError(
                    f"operators.{key}: is {claimed!r} for operator {own.number}, not {actual!r}"
                )
    running = [step.number for step in run.steps]
    if not all(0 <= i < len(plan.scheduled) for i in plan.schedule.order):
        raise VerifyError("scheduled_order: lists an operator that does not exist")
    if list(plan.scheduled_order) != running or sorted(running) != list(plan.scheduled):
        raise VerifyError("scheduled_order: must be `order` without what only computes parameters")


def check_memory(plan: Plan, run: Execution, counted: Recount) -> None:
    """Check memory, peak and the moment of the peak against the recount of a run.

    Raises:
        VerifyError: a field is wrong; names it, or the first step that differs and its operator.
    """
    counted.check(plan.peak, plan.memory)
    check_agreement(in_memory(plan))
    if not any(_same_live(plan.crest.tensors, live) for live in _live(run, plan.crest)):
        raise VerifyError("crest.tensors: are not those that are live at the peak")


def check_bounds(plan: Plan, run: Execution, least: int) -> None:
    """Check the peaks of the other orders, and that the lower bound is not below a simple one.

    `least` is that simple bound in bytes. A plan with unsolved bodies may claim one byte less than its peak.

    Raises:
        VerifyError: a figure is wrong; names the field.
    """
    by_number = {step.number: step for step in run.steps}
    given = recount(run, [by_number[number] for number in sorted(by_number)]).peak
    if plan.given_peak != given:
        raise VerifyError(f"given_peak: is {plan.given_peak}, but the order of the source needs {given}")
    rpo = recount(run, [by_number[number] for number in reverse_post_order(run.steps)]).peak
    if plan.rpo_peak != rpo:
        raise VerifyError(f"rpo_peak: is {plan.rpo_peak}, but reverse post-order needs {rpo}")
    if any(body.peak != body.lower_bound for body in plan.bodies):
        least = min(least, plan.peak - 1)
    if plan.lower_bound < least:
        raise VerifyError(f"lower_bound: is {plan.lower_bound}, but no order needs less than {least}")


def check_proofs(plan: Plan, graph: Graph) -> None:
    """Check that a plan calls nothing proved if sizes depend on data, and only then calls them bounds.

    Raises:
        VerifyError: a status says the opposite; names the field.
    """
    arena = () if plan.arena is None else (("arena.status", plan.arena.status),)
    bodies = ((f"bodies[{i}].status", body.status) for i, body in enumerate(plan.bodies))
    for field, status in (("status", plan.status), *arena, *bodies):
        if graph.is_bounded and status in (Status.OPTIMAL, Status.DOES_NOT_FIT):
            raise VerifyError(
                f"{field}: is {str(status)!r}, but sizes depend on data: only bounds are counted"
            )
        if not graph.is_bounded and status is Status.AT_MOST:
            raise VerifyError(f"{field}: is {str(status)!r}, but no size depends on data")


def least_peak(run: Execution) -> int:
    """Return a lower bound in bytes of any order: inputs, outputs, or what one operator reads and makes.

    It is never below the floor.
    """
    sizes = run.sizes
    needs = [run.floor, sum(sizes[t] for t in run.inputs), sum(sizes[t] for t in run.kept)]
    for step in run.steps:
        made = sum(sizes[t] for t in step.makes if not (step.over and t == step.output))
        needs.append(step.scratch + made + sum(sizes[t] for t in step.reads))
    return max(needs)


def reverse_post_order(steps: Sequence[Step]) -> list[int]:
    """Return the numbers of operators in reverse post-order: a depth-first walk over their producers.

    The walk starts at the operators that no other waits for, and visits producers in the order in which an
    operator reads their outputs. Source: the published system (HMCOS, DAC 2022).
    """
    after = {step.number: step.after for step in steps}
    awaited = {number for numbers in after.values() for number in numbers}
    order: dict[int, None] = {}
    entered: set[int] = set()
    for last in sorted(after.keys() - awaited):
        entered.add(last)
        path = [(last, iter(after[last]))]
        while path:
            number, before = path[-1]
            new = next((other for other in before if other not in entered), None)
            if new is None:
                order[number] = None
                path.pop()
            else:
                entered.add(new)
                path.append((new, iter(after[new])))
    return list(order)


def _same_live(claimed: Sequence[LiveTensor], right: Sequence[LiveTensor]) -> bool:
    """Return whether two lists of live tensors are equal up to order; old plans have only names."""
    if all(live.tensor is live.operator is None for live in claimed):
        right = [LiveTensor(live.name, live.size) for live in right]
    return Counter(claimed) == Counter(right)


def _live(run: Execution, crest: Crest) -> Iterator[list[LiveTensor]]:
    """Yield the valid lists of what is live at the peak.

    There are two if outputs that no operator reads may count as scratch of the operator that makes them.
    """
    live = dict.fromkeys(run.inputs)
    for at, moment in enumerate(moments(run, run.steps) if crest.step >= 0 else ()):
        if at == crest.step:
            step = moment.step
            for folded in (run.unused.intersection(moment.new), frozenset[int]()):
                scratch = step.scratch + sum(run.sizes[t] for t in folded)
                rows = [_live_tensor(run, t) for t in (*live, *moment.new) if t not in folded]
                rows.append(LiveTensor(f"scratch of {step.name}", scratch, None, step.number))
                yield [row for row in rows if row.size]
            return
        live.update(dict.fromkeys(moment.left))
        for t in moment.freed:
            del live[t]
    if run.floor > sum(run.sizes[t] for t in run.inputs) and crest.step < 0:
        yield [LiveTensor(UNUSED, run.floor)]
        return
    yield [_live_tensor(run, t) for t in live if run.sizes[t]]


def _live_tensor(run: Execution, storage: int) -> LiveTensor:
    return LiveTensor(run.names[storage], run.sizes[storage], storage)
