"""What a plan says beside its order and its arena, found out once more from what runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from hmcos.errors import VerifyError
from hmcos.plan.agreement import Disagreement, in_memory
from hmcos.plan.plan import Crest, LiveTensor, OperatorRow, Plan
from hmcos.verify.counted.recount import Recount, recount
from hmcos.verify.counted.steps import Execution, Step, moments


def check_agreement(found: Iterable[Disagreement]) -> None:
    """Do nothing if nothing disagrees.

    Raises:
        VerifyError: something does; names the first field.
    """
    for field, words in found:
        raise VerifyError(f"{field}: {words}")


def check_operators(plan: Plan, right: Sequence[OperatorRow], run: Execution) -> None:
    """Do nothing if a plan lists the operators as they are, and schedules those that run.

    Raises:
        VerifyError: it does not; names the field and the operator.
    """
    if len(plan.operators) != len(right):
        raise VerifyError(f"operators: there are {len(right)}, but the plan lists {len(plan.operators)}")
    for row, own in zip(plan.operators, right, strict=True):
        for key in ("number", "name", "kind", "output"):
            claimed, found = getattr(row, key), getattr(own, key)
            if claimed != found:
                raise VerifyError(f"operators.{key}: is {claimed!r} for operator {own.number}, not {found!r}")
    running = [step.number for step in run.steps]
    if not all(0 <= i < len(plan.scheduled) for i in plan.schedule.order):
        raise VerifyError("scheduled_order: lists an operator that there is not")
    if list(plan.scheduled_order) != running or sorted(running) != list(plan.scheduled):
        raise VerifyError("scheduled_order: must be `order` without what only computes parameters")


def check_memory(plan: Plan, run: Execution, counted: Recount) -> None:
    """Do nothing if memory, peak and the moment of the peak are what a run needs.

    Raises:
        VerifyError: they are not; names the field, or the first step that differs and its operator.
    """
    counted.check(plan.peak, plan.memory)
    check_agreement(in_memory(plan))
    if not any(_same_live(plan.crest.tensors, live) for live in _live(run, plan.crest)):
        raise VerifyError("crest.tensors: are not those that are live at the peak")


def check_bounds(plan: Plan, run: Execution, least: int) -> None:
    """Do nothing if the peaks of other orders are theirs, and no bound is below a plain one.

    `least` are bytes that no order needs less than; a plan with bodies that were not solved may say one
    byte less than its peak.

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


def least_peak(run: Execution) -> int:
    """Return bytes that no order needs less than: inputs, outputs, or what one operator reads and makes."""
    sizes = run.sizes
    needs = [sum(sizes[t] for t in run.inputs), sum(sizes[t] for t in run.kept)]
    for step in run.steps:
        made = sum(sizes[t] for t in step.makes if not (step.over and t == step.output))
        needs.append(step.scratch + made + sum(sizes[t] for t in step.reads))
    return max(needs)


def reverse_post_order(steps: Sequence[Step]) -> list[int]:
    """Return the numbers of operators in the order in which a walk backwards over producers leaves them.

    The walk starts at the operators that nobody waits for, and visits producers in the order in which an
    operator reads what they made. Source: the published system (HMCOS, DAC 2022).
    """
    after = {step.number: step.after for step in steps}
    awaited = {number for numbers in after.values() for number in numbers}
    found: dict[int, None] = {}
    entered: set[int] = set()
    for last in sorted(after.keys() - awaited):
        entered.add(last)
        path = [(last, iter(after[last]))]
        while path:
            number, before = path[-1]
            new = next((other for other in before if other not in entered), None)
            if new is None:
                found[number] = None
                path.pop()
            else:
                entered.add(new)
                path.append((new, iter(after[new])))
    return list(found)


def _same_live(claimed: Sequence[LiveTensor], right: Sequence[LiveTensor]) -> bool:
    """Return whether the same is live, in any order; plans of the first edition tell names alone."""
    if all(live.tensor is live.operator is None for live in claimed):
        right = [LiveTensor(live.name, live.size) for live in right]
    return Counter(claimed) == Counter(right)


def _live(run: Execution, crest: Crest) -> Iterator[list[LiveTensor]]:
    """Yield what may be said to be live at the peak.

    Outputs that nobody reads may be counted as scratch of the operator that makes them.
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
    yield [_live_tensor(run, t) for t in live if run.sizes[t]]


def _live_tensor(run: Execution, storage: int) -> LiveTensor:
    return LiveTensor(run.names[storage], run.sizes[storage], storage)
