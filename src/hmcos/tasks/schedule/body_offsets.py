"""Offsets for the tensors in the bodies of a model's operators."""

from __future__ import annotations

from collections.abc import Sequence

from hmcos.allocation.auto import auto
from hmcos.allocation.lives import Lives
from hmcos.frontends.format import Place
from hmcos.graph.graph import body_path
from hmcos.limits import Limits, Watch
from hmcos.memory.lifetimes import lifetimes
from hmcos.memory.sharing import lower
from hmcos.memory.target import parse_target
from hmcos.plan.plan import Plan

Blocks = dict[tuple[str, int], tuple[int, int]]
"""Path of a graph and number of an operator in it, to offset and bytes of the block kept for its bodies."""

STATES = 10_000
"""States that the planner may search for each body."""


def body_offsets(places: Sequence[Place], plan: Plan) -> dict[int, int]:
    """Return tensor to its offset for all bodies, within the scratch that the plan keeps for them.

    `places` are the graphs of the model, with the numbers of their tensors, which are counted through all
    subgraphs. A body is left to the runtime if it needs more than its scratch because of gaps, or if several
    operators run it.
    """
    blocks: Blocks = {
        ("", buffer.operator): (buffer.offset, buffer.size)
        for buffer in plan.buffers
        if buffer.operator is not None
    }
    placed: dict[int, int] = {}
    for place in places[1:]:
        outer, _, operator = place.path.rpartition("/")[0].rpartition("node ")
        block = blocks.get((outer.rstrip("/"), int(operator)))
        if block is None or place.shared:
            continue
        offsets, inner = _inside(place, plan, block)
        placed |= offsets
        blocks |= inner
    return placed


def _inside(place: Place, plan: Plan, block: tuple[int, int]) -> tuple[dict[int, int], Blocks]:
    """Return offsets for a body in a block, and blocks for its own bodies; nothing if it does not fit."""
    peaks = {body.path: body.peak for body in plan.bodies}
    needs = {
        op.number: max(peaks[body_path(place.path, op.number, body.attribute)] for body in op.bodies)
        for op in place.graph.operators
        if op.bodies
    }
    target = parse_target(plan.target.name, plan.target.data, plan.target.name)
    sharing = lower(place.graph, target, needs, plan.target.alignment)
    position = {number: i for i, number in enumerate(sharing.numbers)}
    order = next(body.order for body in plan.bodies if body.path == place.path)
    lives = lifetimes(sharing.problem, [position[number] for number in order if number in position])
    arena = auto(Lives(lives, plan.target.alignment), Limits(states=STATES), Watch())
    if arena.size > block[1]:
        return {}, {}
    at = [block[0] + offset for offset in arena.offsets]
    offsets = {
        place.first + tensor: offset
        for life, offset in zip(lives, at, strict=True)
        if life.buffer is not None
        for tensor in sharing.tensors_of[life.buffer]
    }
    blocks: Blocks = {
        (place.path, sharing.numbers[life.operator]): (offset, life.size)
        for life, offset in zip(lives, at, strict=True)
        if life.operator is not None
    }
    return offsets, blocks
