"""The scheduler `serenity`: one pass over the cells, each scheduled under a sampled budget.

Ahn, Lee, Lin, Cheng, Hou, Esmaeilzadeh: Ordering Chaos: Memory-Aware Scheduling of Irregularly Wired Neural
Networks for Edge Devices, MLSys 2020 (arXiv 2003.02369), in the version that HMCOS (DAC 2022) compares itself
with.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from random import Random

from hmcos.hierarchy.tree import grow_tree
from hmcos.limits import Limits, Status, Watch
from hmcos.memory.bounds import must_live_bound
from hmcos.memory.problem import Problem
from hmcos.memory.profile import peak
from hmcos.plan.schedule import Schedule
from hmcos.schedulers.published.best_first import BlockSearch, Meter
from hmcos.schedulers.published.blocks import BlockRun, Scope, cell_scope, measure, top_scope
from hmcos.schedulers.scheduler import conclude
from hmcos.schedulers.simple.rpo import reverse_post_order


@dataclass(frozen=True, slots=True)
class SerenityParams:
    """How the cells are built, and how their budgets are found."""

    ends: tuple[int, ...] | None = None
    """The operators that may end a cell; None for all with several predecessors. The published system takes
    the operators of kind Concat, but a problem holds only numbers and knows no kinds."""
    joined: bool = True
    """Whether operators are joined into sequences first."""
    samples: int = 200
    """Random orders per cell, as published; the best of them gives the cell's budget."""
    patience: int = 20_000
    """States to enter per cell; after that many, the cell runs in the order of its best sample."""


def serenity(
    problem: Problem, limits: Limits, watch: Watch, params: SerenityParams = SerenityParams()
) -> Schedule:
    """Return the order of the Serenity scheduler, with the must-live bound."""
    bound = must_live_bound(problem)
    meter = Meter(limits, watch, "serenity")
    meter.lower_bound = bound
    order = _walk(problem, meter, params, limits.seed)
    reached = peak(problem, order)
    status = conclude(reached, bound, limits.budget, meter.stopped or Status.FEASIBLE)
    seconds = watch.seconds
    return Schedule(order, reached, bound, status, "serenity", seconds, meter.states)


def _walk(problem: Problem, meter: Meter, params: SerenityParams, seed: int) -> tuple[int, ...]:
    """Return an order that runs the blocks of the top level one after another, each scheduled by itself."""
    first = reverse_post_order(problem)
    scope = top_scope(grow_tree(problem, params.ends, joined=params.joined), first)
    draw = Random(seed)
    live = reached = sum(problem.sizes[b] for b in problem.inputs)
    order: list[int] = []
    done = 0
    for block in _in_order(scope, first):
        run = scope.run(block, done)
        if live + run.need > reached and scope.blocks[block].parts and meter.stopped is None:
            cell = cell_scope(problem, scope.blocks[block], scope.dying_in(block, done))
            run = _schedule_cell(cell, run, reached - live, params, (meter, draw))
        order += run.order
        reached = meter.peak = max(reached, live + run.need)
        meter.report()
        live += run.delta
        done |= 1 << block
    return tuple(order)


def _in_order(scope: Scope, order: list[int]) -> list[int]:
    """Return the blocks in an executable order, as close as possible to that of their last operators."""
    position = {op: step for step, op in enumerate(order)}
    rank = [max(position[op] for op in block.order) for block in scope.blocks]
    ready = [(rank[i], i) for i, before in enumerate(scope.before) if not before]
    heapify(ready)
    ordered: list[int] = []
    done = 0
    while ready:
        _, block = heappop(ready)
        ordered.append(block)
        done |= 1 << block
        for i in scope.after[block]:
            if not scope.before[i] & ~done:
                heappush(ready, (rank[i], i))
    return ordered


def _schedule_cell(
    scope: Scope, first: BlockRun, reached: int, params: SerenityParams, source: tuple[Meter, Random]
) -> BlockRun:
    """Return a run of a cell: the best sample, or a better one that the search finds.

    `reached` is the peak so far, in bytes beyond the stable memory before the cell: all runs that need no
    more than this are equally good.
    """
    meter, draw = source
    best = first
    for _ in range(params.samples):
        if not meter.enter():
            return best
        run = measure(scope.problem, _sample(scope, draw), scope.mortal)
        if run.need < best.need:
            best = run
    order = BlockSearch(scope, best.need, meter, params.patience, {}).least(0, reached)
    return best if order is None else measure(scope.problem, order, scope.mortal)


def _sample(scope: Scope, draw: Random) -> list[int]:
    """Return a random order of the operators: each next block is drawn from those that are ready."""
    ready = [i for i, before in enumerate(scope.before) if not before]
    order: list[int] = []
    done = 0
    while ready:
        block = ready.pop(draw.randrange(len(ready)))
        order += scope.blocks[block].order
        done |= 1 << block
        ready += [i for i in scope.after[block] if not scope.before[i] & ~done]
    return order
