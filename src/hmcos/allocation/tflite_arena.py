"""TensorFlow Lite's arena."""

from __future__ import annotations

from dataclasses import replace
from math import lcm

from hmcos.allocation.fit import board_of, filled
from hmcos.allocation.ordered import given_up
from hmcos.allocation.outcome import outcome
from hmcos.allocation.problem import Lives
from hmcos.plan.arena import Arena
from hmcos.plan.limits import Limits, Observer

TFLITE_ALIGNMENT = 64


def tflite_arena(lives: Lives, limits: Limits, observer: Observer) -> Arena:
    """Return the arena that TensorFlow Lite's planner would make, everything aligned to 64 bytes.

    Lives from the first to the last step go first, in order of number; then the others from the largest to
    the smallest, ties by birth. Its best gap is the smallest that fits, not the lowest.
    Source: tensorflow/lite/arena_planner and simple_memory_arena, as documented in
    https://blog.tensorflow.org/2020/10/optimizing-tensorflow-lite-runtime.html.

    Raises:
        InstanceError: a life is pinned at an offset that is not a multiple of 64.
    """
    aligned = replace(lives, alignment=lcm(lives.alignment, TFLITE_ALIGNMENT))
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
            if limits.stop():
                return given_up(aligned, limits)
            offsets[i] = at = placement.tightest(i)
            placement.put(i, at)
    return outcome(aligned, (board.items, [at or 0 for at in offsets]), "tflite_arena", limits)
