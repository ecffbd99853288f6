"""The arena of TensorFlow Lite's own planner."""

from __future__ import annotations

from dataclasses import replace
from math import lcm

from hmcos.allocation.alive_bound import lower_bound
from hmcos.allocation.fit import board_of, filled
from hmcos.allocation.items import items
from hmcos.allocation.lives import Lives
from hmcos.allocation.outcome import conclude, outcome, room
from hmcos.allocation.simple.ordered import by_size, with_limit
from hmcos.errors import InstanceError
from hmcos.limits import Limits, Status, Watch
from hmcos.plan.arena import Arena

TFLITE_ALIGNMENT = 64


def tflite_arena(lives: Lives, limits: Limits, watch: Watch) -> Arena:
    """Return the arena that TensorFlow Lite's planner would make, with everything aligned to 64 bytes.

    It first places the lives that last from the first to the last step, in order of number, then the others
    from the largest to the smallest, ties by birth. Each goes to the smallest gap that fits, not the lowest.
    The lower bound and the status hold for the lives as they were given: without the alignment to 64 bytes, a
    smaller arena may be possible.

    Source: tensorflow/lite/arena_planner and simple_memory_arena, as documented in
    https://blog.tensorflow.org/2020/10/optimizing-tensorflow-lite-runtime.html.

    Raises:
        InstanceError: a life is pinned at an offset that is not a multiple of 64, or a pool does not end at
            one.
    """
    aligned = replace(lives, alignment=lcm(lives.alignment, TFLITE_ALIGNMENT))
    if aligned.walls != lives.walls:
        raise InstanceError(f"tflite_arena needs pools of whole multiples of {aligned.alignment} bytes")
    board = board_of(aligned)
    births = [item.pieces[0][0] if item.pieces else 0 for item in board.items]
    deaths = [item.pieces[-1][1] if item.pieces else 0 for item in board.items]
    first, last = min(births, default=0), max(deaths, default=0)
    whole = [births[i] == first and deaths[i] == last for i in range(len(births))]
    order = sorted(
        range(len(births)),
        key=lambda i: (not whole[i], 0 if whole[i] else -board.items[i].size, births[i], i),
    )
    offsets = [item.offset for item in board.items]
    placement = filled(board, offsets)
    for i in order:
        if offsets[i] is None:
            if watch.is_over(limits):
                return with_limit(_as_asked(by_size(aligned, limits, watch), lives, limits), limits, watch)
            offsets[i] = at = placement.tightest(i)
            placement.put(i, at)
    arena = outcome(aligned, (board.items, [at or 0 for at in offsets]), "tflite_arena", limits, watch)
    return _as_asked(arena, lives, limits)


def _as_asked(arena: Arena, lives: Lives, limits: Limits) -> Arena:
    """Return the arena with the bound and status for the lives as given, not for the aligned ones."""
    bound = lower_bound(items(lives))
    status = conclude(arena.size, bound, room(lives, limits), limits.budget, Status.FEASIBLE)
    return replace(arena, lower_bound=bound, status=status)
