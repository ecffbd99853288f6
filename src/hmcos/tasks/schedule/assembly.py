"""Build the plan of a network from its placed schedule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hmcos.limits import for_bounds
from hmcos.memory.lifetimes import Life, live_at_peak
from hmcos.memory.profile import Profile, peak, profile
from hmcos.network.lowering import Network
from hmcos.plan.arena import PlacedBuffer
from hmcos.plan.plan import UNUSED, BodyPlan, Crest, LiveTensor, Memory, Plan, Seconds, Source
from hmcos.schedulers.simple.rpo import reverse_post_order
from hmcos.tasks.schedule.placement import Placed


def assemble(source: Source, network: Network, placed: Placed, budget: int | None, seconds: Seconds) -> Plan:
    """Return the plan of a schedule: its memory step by step, its peak moment, the baselines, the arena."""
    problem = network.problem
    if network.is_bounded:
        placed = _of_bounds(placed)
    schedule = placed.schedule
    steps, bodies = profile(problem, schedule.order), network.bodies.plans
    return Plan(
        source=source,
        target=network.target,
        operators=network.rows,
        scheduled=network.numbers,
        schedule=schedule,
        order=network.source_order(schedule.order),
        given_peak=peak(problem, range(problem.operators)),
        rpo_peak=peak(problem, reverse_post_order(problem)),
        memory=Memory(steps.start, steps.running, steps.stable),
        crest=_crest(network, steps, placed.lives),
        seconds=seconds,
        bodies=tuple(_body_of_bounds(body) for body in bodies) if network.is_bounded else bodies,
        budget=budget,
        arena=placed.arena,
        buffers=_buffers(network, placed),
        largest_first_arena=placed.largest_first,
    )


def _of_bounds(placed: Placed) -> Placed:
    """Return what was placed with the status of sizes that are only bounds."""
    schedule, arena = placed.schedule, placed.arena
    return replace(
        placed,
        schedule=replace(schedule, status=for_bounds(schedule.status)),
        arena=None if arena is None else replace(arena, status=for_bounds(arena.status)),
    )


def _body_of_bounds(body: BodyPlan) -> BodyPlan:
    return replace(body, status=for_bounds(body.status))


def _crest(network: Network, steps: Profile, lives: Sequence[Life]) -> Crest:
    problem = network.problem
    if steps.peak_step < 0 and problem.floor > sum(problem.sizes[b] for b in problem.inputs):
        return Crest(-1, None, (LiveTensor(UNUSED, problem.floor),))
    live = [lives[i] for i in live_at_peak(network.problem, steps.peak_step, lives)]
    operator = network.numbers[steps.order[steps.peak_step]] if steps.peak_step >= 0 else None
    return Crest(steps.peak_step, operator, tuple(_live_tensor(network, life) for life in live))


def _live_tensor(network: Network, life: Life) -> LiveTensor:
    """Return a live buffer, or the scratch of an operator."""
    owner = None if life.operator is None else network.numbers[life.operator]
    return LiveTensor(network.name(life), life.size, next(iter(network.ids(life)), None), owner)


def _buffers(network: Network, placed: Placed) -> tuple[PlacedBuffer, ...]:
    return () if placed.arena is None else placed_buffers(network, placed.lives, placed.arena.offsets)


def placed_buffers(
    network: Network, lives: Sequence[Life], offsets: Sequence[int], memory: Sequence[int] | None = None
) -> tuple[PlacedBuffer, ...]:
    """Return lives at their offsets, in an arena or each in the memory that is named by its index."""
    return tuple(
        PlacedBuffer(
            name=network.name(life),
            offset=offset,
            size=life.size,
            birth=life.birth,
            death=life.death,
            operator=None if life.operator is None else network.numbers[life.operator],
            takes_over=life.takes_over,
            tensors=network.ids(life),
            names=tuple(network.tensors[t].name if network.tensors else "" for t in network.ids(life)),
            memory=k,
        )
        for life, offset, k in zip(lives, offsets, memory or [None] * len(lives), strict=True)
    )
