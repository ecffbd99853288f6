"""Check the fields of a plan against each other; this needs no model.

Each function yields the fields that disagree, each with a text that says how.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from hmcos.alignment import round_up
from hmcos.limits import Status, for_bounds
from hmcos.plan.arena import Arena
from hmcos.plan.memories_agreement import in_memories
from hmcos.plan.plan import Plan
from hmcos.plan.row_plan import RowPlan

Disagreement = tuple[str, str]
"""A field and its fault."""

_SETTLED = (Status.FITS, Status.DOES_NOT_FIT, Status.OPTIMAL, Status.AT_MOST)
_ROUNDING = 1e-5
"""Seconds by which the sum of the stages may exceed the total, since each is rounded to a millionth."""


def disagreements(plan: Plan) -> Iterator[Disagreement]:
    """Yield every field of a plan that disagrees with another one."""
    yield from in_source(plan)
    yield from in_memory(plan)
    yield from in_bodies(plan)
    yield from in_search(plan)
    yield from in_seconds(plan)
    if plan.arena is not None:
        yield from in_arena(plan, plan.arena)
    if plan.memories is not None:
        yield from in_memories(plan, plan.memories)


def in_source(plan: Plan | RowPlan) -> Iterator[Disagreement]:
    """Yield contradictions in the source."""
    source = plan.source
    if source.inlined != (source.sha256 != source.original_sha256):
        yield "source.inlined", "must be true exactly when sha256 and original_sha256 differ"


def in_memory(plan: Plan) -> Iterator[Disagreement]:
    """Yield contradictions between the rows of memory, the peak and its moment."""
    memory, crest = plan.memory, plan.crest
    peak = max((memory.start, *memory.running))
    for key, rows in (("running", memory.running), ("stable", memory.stable)):
        if len(rows) != len(plan.scheduled):
            yield f"memory.{key}", f"must have {len(plan.scheduled)} entries"
            return
    if plan.peak != peak:
        yield "peak", f"is {plan.peak}, but the most in `memory` is {peak}"
    step = -1 if memory.start == peak else memory.running.index(peak)
    if crest.step != step:
        yield "crest.step", f"is {crest.step}, but the peak is first reached at {step}"
    else:
        operator = None if step < 0 else plan.scheduled_order[step]
        if crest.operator != operator:
            yield "crest.operator", f"is {crest.operator}, but {operator} runs at step {step}"
    sizes = [tensor.size for tensor in crest.tensors]
    if sum(sizes) != peak or any(before < after for before, after in pairwise(sizes)):
        yield "crest.tensors", "must be ordered by bytes, the largest first, and add up to the peak"


def in_search(plan: Plan) -> Iterator[Disagreement]:
    """Yield contradictions between status, peak, bound, budget and the peaks of other orders."""
    unsolved = any(body.peak != body.lower_bound for body in plan.bodies)
    for key, words in _proved("", plan.peak, plan.lower_bound, plan.status, plan.budget):
        # An unsolved body keeps the bound below the peak, except for a peak of 0.
        if plan.peak or not unsolved or plan.status in _SETTLED:
            yield key, words
    for key, other in (("given_peak", plan.given_peak), ("rpo_peak", plan.rpo_peak)):
        if other < plan.lower_bound:
            yield key, f"is {other}, below the lower bound of every order, {plan.lower_bound}"
    if plan.status in (Status.OPTIMAL, Status.AT_MOST) and unsolved:
        yield "status", f"is {str(plan.status)!r}, but a body was not solved"


def in_bodies(plan: Plan) -> Iterator[Disagreement]:
    """Yield contradictions within the plans of bodies."""
    paths: set[str] = set()
    for i, body in enumerate(plan.bodies):
        if body.peak:  # a peak of 0 may hide another unsolved body in it
            yield from _proved(f"bodies[{i}].", body.peak, body.lower_bound, body.status, None)
        if sorted(body.order) != list(range(len(body.order))):
            yield f"bodies[{i}].order", "must list every operator exactly once"
        if body.path in paths:
            yield f"bodies[{i}].path", f"{body.path!r} has two plans"
        paths.add(body.path)


def in_seconds(plan: Plan) -> Iterator[Disagreement]:
    """Yield a contradiction if the stages took longer than the total."""
    seconds = plan.seconds
    if seconds.load + seconds.schedule + seconds.save > seconds.total + _ROUNDING:
        yield "seconds.total", "is less than the seconds of the stages"


def in_arena(plan: Plan, arena: Arena) -> Iterator[Disagreement]:
    """Yield contradictions of an arena with its buffers, the memory, or its own proof."""
    wide = arena.alignment
    if wide % plan.target.alignment:
        yield "arena.alignment", f"is {wide}, no multiple of the target's {plan.target.alignment}"
    for buffer in plan.buffers:
        if buffer.offset % wide:
            yield "arena.alignment", f"is {wide}, but {buffer.name!r} is at {buffer.offset}"
    ends = [buffer.offset + round_up(buffer.size, wide) for buffer in plan.buffers]
    end = max(ends, default=0)
    if max(end, arena.reserved) != arena.size:
        yield "arena.size", f"is {arena.size}, but the last buffer ends at {end}"
    if arena.lower_bound < plan.peak:
        yield "arena.lower_bound", f"is {arena.lower_bound}, below the bytes in use at the peak, {plan.peak}"
    yield from _proved("arena.", arena.size, arena.lower_bound, arena.status, plan.budget)
    simple = plan.largest_first_arena
    # A planner with a larger alignment of its own makes larger arenas.
    if simple is not None and simple < arena.lower_bound and wide == plan.target.alignment:
        yield "largest_first_arena", f"is below the lower bound of every arena, {arena.lower_bound}"


def _proved(
    path: str, reached: int, bound: int, status: Status, budget: int | None
) -> Iterator[Disagreement]:
    """Yield contradictions of a status with bytes, lower bound and budget."""
    what = "size" if path == "arena." else "peak"
    if bound > reached:
        yield f"{path}lower_bound", f"must not be above the {what}"
    settled: Status | None = None
    if budget is not None and reached <= budget:
        settled = Status.FITS
    elif budget is not None and bound > budget:
        settled = Status.DOES_NOT_FIT
    elif reached == bound:
        settled = Status.OPTIMAL
    bounded = None if settled is None else for_bounds(settled)
    if status in (settled, bounded) or (status not in _SETTLED and settled is None):
        return
    within = "there is no budget" if budget is None else f"the budget is {budget}"
    words = f"is {str(status)!r}, but the {what} is {reached}, the lower bound {bound}, and {within}"
    yield f"{path}status", words
