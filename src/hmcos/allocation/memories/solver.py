"""Asks OR-Tools CP-SAT which items go into which memory, by what is live at each moment alone."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from math import gcd

from ortools.sat.python import cp_model

from hmcos.allocation.exact.constraint import LARGEST, Effort
from hmcos.allocation.memories.model import Aim, Assigned, Assignment, Ruled
from hmcos.allocation.memories.rules import MemoryRules
from hmcos.solving import EXACT, until

COVERS = 2_000
"""Pairs and triples that exceed a memory and are told to the solver, at most."""
LINEAR = 2
"""All that is linear goes into the solver's relaxation: on 200 items, hundredths of a second instead of
ten."""
Memory = tuple[int, ...] | None


def assign(
    model: Assignment,
    ruled: Sequence[Ruled],
    aim: Aim,
    rules: MemoryRules,
    effort: Effort,
) -> Assigned:
    """Return the memory of each item such that the fewest bytes are moved in the memories from a level on.

    At no moment do the items in a memory exceed it; whether there are offsets is another question.

    Args:
        model: the items.
        ruled: sets of items that may not all be in one memory.
        aim: what to minimize, and what is allowed.
        rules: which rules to use.
        effort: limits and seed.
    """
    loads = model.loads()
    largest = max((sum(sizes) for _, sizes, _, _ in loads), default=0)
    if largest >= LARGEST or sum(model.weight(i) for i in range(len(model.free))) >= EXACT:
        return Assigned(None, 0)
    made = cp_model.CpModel()
    inside = [{k: made.new_bool_var("") for k in model.allowed(i)} for i in range(len(model.free))]
    for row in inside:
        if not row:
            return Assigned(None, 0, infeasible=True)
        made.add_exactly_one(row.values())
    for items, sizes, k, room in loads:
        made.add(sum(size * inside[i][k] for i, size in zip(items, sizes, strict=True)) <= room)
    for cut in ruled:
        made.add_bool_or(inside[i][cut.memory].negated() for i in sorted(cut.items))
    if rules.covers:
        _tell_covers(made, inside, model)
    if rules.twins:
        _order_twins(made, inside, model)
    unit = gcd(*(model.weight(i) for i in range(len(model.free)))) or 1
    for level, traffic in enumerate(aim.most, 1):
        made.add(_moved(model, inside, level, unit) <= traffic // unit)
    moved = _moved(model, inside, len(aim.most) + 1, unit)
    if aim.below is not None:
        made.add(moved <= -(-aim.below // unit) - 1)
    made.minimize(moved)
    status, bound, memory = _solved(made, inside, effort)
    if status == cp_model.INFEASIBLE:
        return Assigned(None, 0, infeasible=True)
    if status == cp_model.OPTIMAL and memory is not None:
        level = len(aim.most) + 1
        return Assigned(memory, sum(model.weight(i) for i, k in enumerate(memory) if k >= level))
    return Assigned(memory, max(0, bound) * unit)


Row = dict[int, cp_model.IntVar]


def _moved(model: Assignment, inside: Sequence[Row], level: int, unit: int) -> cp_model.LinearExprT:
    """Return the units of bytes that are moved in the memories from a level on."""
    return sum(
        model.weight(i) // unit * var for i, row in enumerate(inside) for k, var in row.items() if k >= level
    )


def _solved(made: cp_model.CpModel, inside: Sequence[Row], effort: Effort) -> tuple[object, int, Memory]:
    """Return how the solver ended, a bound in units, and per item its memory, if it found any."""
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = effort.jobs
    solver.parameters.random_seed = effort.seed
    solver.parameters.max_deterministic_time = effort.work
    solver.parameters.max_time_in_seconds = effort.seconds
    solver.parameters.linearization_level = LINEAR
    status = until(effort.stop, solver, made)
    # Unlike the bound that the solver shows, this one is an integer, without an error of rounding.
    bound = solver.response_proto.inner_objective_lower_bound
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return status, bound, None
    chosen = tuple(next(k for k, var in row.items() if solver.boolean_value(var)) for row in inside)
    return status, bound, chosen


def _tell_covers(made: cp_model.CpModel, inside: Sequence[Row], model: Assignment) -> None:
    """Rule out pairs and triples of items that exceed a memory at some moment."""
    told: set[tuple[int, tuple[int, ...]]] = set()
    for items, sizes, k, room in model.loads():
        largest = sorted(zip(sizes, items, strict=True), reverse=True)[:12]
        for many in (2, 3):
            for group in itertools.combinations(largest, many):
                who = tuple(sorted(i for _, i in group))
                if sum(size for size, _ in group) <= room or len(told) >= COVERS:
                    continue
                if many == 3 and any((k, pair) in told for pair in itertools.combinations(who, 2)):
                    continue
                if (k, who) not in told:
                    told.add((k, who))
                    made.add_bool_or(inside[i][k].negated() for i in who)


def _order_twins(made: cp_model.CpModel, inside: Sequence[Row], model: Assignment) -> None:
    """Let interchangeable items fill faster memories in the order of their numbers."""
    before: dict[object, int] = {}
    for i, row in enumerate(inside):
        item = model.item(i)
        alike = (item.pieces, item.size, item.step, item.offset, model.weight(i), model.allowed(i))
        if item.offset is None and alike in before:
            made.add(
                sum(k * var for k, var in inside[before[alike]].items())
                <= sum(k * var for k, var in row.items())
            )
        before[alike] = i
