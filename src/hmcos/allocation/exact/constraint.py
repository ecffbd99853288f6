"""Asks OR-Tools CP-SAT whether items fit into an arena of a given size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from ortools.sat.python import cp_model

from hmcos.allocation.items import Item
from hmcos.allocation.sections import sections
from hmcos.limits import never
from hmcos.solving import until

LARGEST = 2**60
"""The solver is not asked about capacities from here on: it adds addresses in 64 bits."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How long the constraint solver may work, and how."""

    work: float
    """In the solver's deterministic unit, some ten seconds each: equal work gives equal answers."""
    seconds: float
    """Wall time. A run that ends by it may differ from the next one; no other run does."""
    seed: int = 0
    jobs: int = 1
    stop: Callable[[], bool] = never
    """Called every `LOOK_EVERY` seconds (solving.py); once it returns True the work ends, the answer open."""


def constrain(items: Sequence[Item], capacity: int, effort: Effort) -> list[int] | Literal[False] | None:
    """Return offsets within the capacity, False if it is proved that there are none, None if it is open.

    The model has one interval per item and section, and the intervals of a section must not overlap. On the
    tight public instances this takes a fraction of the time of one two-dimensional no-overlap constraint. The
    solver gets no hint: with the offsets of a larger arena as a hint, instance H took twenty times as long.

    Args:
        items: the items to place.
        capacity: no item may end above it.
        effort: limits, seed and workers.
    """
    if capacity >= LARGEST:
        return None
    model = cp_model.CpModel()
    starts: list[cp_model.IntVar] = []
    for item in items:
        domain = _domain(item, capacity)
        if not domain:
            return False
        starts.append(model.new_int_var_from_domain(cp_model.Domain.from_intervals(domain), ""))
    for i, item in enumerate(items):
        if item.step > 1 and item.offset is None:
            _keep_step(model, starts[i], item, capacity)
    for section in sections(items):
        if effort.stop():
            return None
        model.add_no_overlap([model.new_fixed_size_interval_var(starts[i], size, "") for i, size in section])
    _order_twins(model, starts, items)
    return _solve(model, starts, effort)


def _domain(item: Item, capacity: int) -> list[list[int]]:
    """Return the intervals of starts of an item, ends included."""
    highest = capacity - item.size
    if item.offset is not None:
        return [[item.offset, item.offset]] if item.offset <= highest else []
    ends = [(first, highest if last is None else min(last, highest)) for first, last in item.spans]
    return [[first, last] for first, last in ends if first <= last]


def _keep_step(model: cp_model.CpModel, start: cp_model.IntVar, item: Item, capacity: int) -> None:
    """Constrain an item to start at a multiple of its step, counted from the beginning of its pool."""
    highest = capacity - item.size
    spans = [(first, highest if last is None else last) for first, last in item.spans if first <= highest]
    step = min(item.step, capacity + 1)  # a larger step changes nothing: only the first start is left
    multiple = model.new_int_var(0, capacity // step, "")
    if not any(first % step for first, _ in spans):
        model.add(start == multiple * step)
        return
    chosen = [model.new_bool_var("") for _ in spans]
    model.add_exactly_one(chosen)
    # Spans are disjoint, so the bounds below force the chosen span to be the one that the start lies in.
    model.add(
        start == multiple * step + sum(first * here for (first, _), here in zip(spans, chosen, strict=True))
    )
    model.add(start <= sum(min(last, highest) * here for (_, last), here in zip(spans, chosen, strict=True)))


def _order_twins(model: cp_model.CpModel, starts: Sequence[cp_model.IntVar], items: Sequence[Item]) -> None:
    """Constrain equal items to ascend in address: any other order is the same arena with items renamed."""
    before: dict[object, int] = {}
    for i, item in enumerate(items):
        if item.offset is not None:
            continue
        alike = (item.pieces, item.size, item.step, item.spans)
        if alike in before:
            model.add(starts[before[alike]] <= starts[i])
        before[alike] = i


def _solve(
    model: cp_model.CpModel, starts: Sequence[cp_model.IntVar], effort: Effort
) -> list[int] | Literal[False] | None:
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = effort.jobs
    solver.parameters.random_seed = effort.seed
    solver.parameters.max_deterministic_time = effort.work
    solver.parameters.max_time_in_seconds = effort.seconds
    status = until(effort.stop, solver, model)
    if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return [int(solver.value(start)) for start in starts]
    return False if status == cp_model.INFEASIBLE else None
