"""Leave operators out of a search that take no memory and free none, such as updates of a parameter in place.

Such an operator can wait until just before the first operator that needs it: everything that it needs has run
by then, and no other step takes more or less. So the order of the others decides the peak, and the search is
spared operators that could stand anywhere, which hide the states that every order passes through.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hmcos.limits import Limits, Watch
from hmcos.memory.problem import Problem
from hmcos.plan.schedule import Schedule
from hmcos.schedulers.scheduler import Scheduler


def without_idle(search: Scheduler) -> Scheduler:
    """Return a scheduler that searches only an order of the operators that take or free memory."""

    def find(problem: Problem, limits: Limits, watch: Watch) -> Schedule:
        idle = idle_operators(problem)
        if not idle:
            return search(problem, limits, watch)
        busy = [op for op in range(problem.operators) if op not in idle]
        found = search(_busy_problem(problem, busy, idle), limits, watch)
        return replace(found, order=_completed(problem, [busy[op] for op in found.order]))

    return find


def idle_operators(problem: Problem) -> frozenset[int]:
    """Return the operators that read and make only buffers of no bytes and need no scratch."""
    sizes, outputs, scratch = problem.sizes, problem.outputs, problem.scratch
    return frozenset(
        op
        for op, reads in enumerate(problem.reads)
        if not outputs[op] and not scratch[op] and not any(sizes[b] for b in reads)
    )


def _busy_problem(problem: Problem, busy: Sequence[int], idle: frozenset[int]) -> Problem:
    """Return the problem of the busy operators: they read what the idle ones read that they need."""
    reads: dict[int, tuple[int, ...]] = {}
    """Buffer that an idle operator makes to the buffers of busy ones that stand for it."""
    for op in range(problem.operators):
        if op in idle:
            needed = _instead(problem.reads[op], reads)
            reads.update(dict.fromkeys(problem.makes[op], needed))
    kept = [b for b in range(len(problem.sizes)) if b not in reads]
    number = {b: at for at, b in enumerate(kept)}

    def numbered(buffers: Sequence[int]) -> tuple[int, ...]:
        return tuple(number[b] for b in buffers if b in number)

    return Problem(
        names=tuple(problem.names[op] for op in busy),
        sizes=tuple(problem.sizes[b] for b in kept),
        inputs=numbered(problem.inputs),
        kept=numbered(problem.kept),
        reads=tuple(numbered(_instead(problem.reads[op], reads)) for op in busy),
        makes=tuple(numbered(problem.makes[op]) for op in busy),
        may_overwrite=tuple(numbered(problem.may_overwrite[op]) for op in busy),
        scratch=tuple(problem.scratch[op] for op in busy),
    )


def _instead(buffers: Sequence[int], reads: dict[int, tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(other for b in buffers for other in reads.get(b, (b,))))


def _completed(problem: Problem, order: Sequence[int]) -> tuple[int, ...]:
    """Return the order of all operators: each idle one just before the first that needs it, or last."""
    completed: list[int] = []
    done = [False] * problem.operators
    for last in (*order, *range(problem.operators)):
        waiting = [last]
        while waiting:
            op = waiting[-1]
            missing = [before for before in problem.predecessors[op] if not done[before]]
            if missing and not done[op]:
                waiting += missing
                continue
            waiting.pop()
            if not done[op]:
                done[op] = True
                completed.append(op)
    return tuple(completed)
