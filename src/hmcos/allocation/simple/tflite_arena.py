"""TensorFlow Lite's arena."""

from __future__ import annotations

from dataclasses import replace
from math import lcm

from hmcos.allocation.alive_bound import lower_bound
from hmcos.allocation.fit import board_of, filled
from hmcos.allocation.items import items
from hmcos.allocation.lives import Lives
from hmcos.allocation.outcome import conclude, outcome, room
from hmcos.allocation.simple.ordered import by_size, ended
from hmcos.errors import InstanceError
from hmcos.limits import Limits, Status, Watch
from hmcos.plan.arena import Arena

TFLITE_ALIGNMENT = 64


def tflite_arena(lives: Lives, limits: Limits, watch: Watch) -> Arena:
    """Return the arena that TensorFlow Lite's planner would make, everything aligned to 64 bytes.

    Lives from the first to the last step go first, in order of number; then the others from the largest to
    the smallest, ties by birth. Its best gap is the smallest that fits, not the lowest.
    Source: tensorflow/lite/arena_planner and simple_memory_arena, as documented in
    https://blog.tensorflow.org/2020/10/optimizing-tensorflow-lite-runtime.html.

    What is proved is true of the lives as they were given: without that alignment less may be enough.

    Raises:
        InstanceError: a life is pinned at no multiple of 64, or a pool does not end at one.
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
                return ended(_as_asked(by_size(aligned, limits, watch), lives, limits), limits, watch)
            offsets[i] = at = placement.tightest(i)
            placement.put(i, at)
    arena = outcome(aligned, (board.items, [at or 0 for at in offsets]), "tflite_arena", limits, watch)
    return _as_asked(arena, lives, limits)


def _as_asked(arena: Arena, lives: Lives, limits: Limits) -> Arena:
    """Return the arena with what is known of the lives, not of the lives with a larger alignment."""
    bound = lower_bound(items(lives))
    status = conclude(arena.size, bound, room(lives, limits), limits.budget, Status.FEASIBLE)
    return replace(arena, lower_bound=bound, status=status)
