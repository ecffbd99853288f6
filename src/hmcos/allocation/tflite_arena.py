"""TensorFlow Lite's arena."""

from __future__ import annotations

from dataclasses import replace
from math import lcm

from hmcos.allocation.fit import meetings, tightest
from hmcos.allocation.items import items
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
    met = meetings(items(aligned))
    births = [item.pieces[0][0] if item.pieces else 0 for item in met.items]
    deaths = [item.pieces[-1][1] if item.pieces else 0 for item in met.items]
    first, last = min(births, default=0), max(deaths, default=0)
    whole = [births[i] == first and deaths[i] == last for i in range(len(births))]
    order = sorted(
        range(len(births)), key=lambda i: (not whole[i], 0 if whole[i] else -met.items[i].size, births[i], i)
    )
    offsets: list[int | None] = [item.offset for item in met.items]
    for i in order:
        if offsets[i] is None:
            offsets[i] = tightest(met, i, offsets)
    return outcome(aligned, (met.items, [at or 0 for at in offsets]), "tflite_arena", limits)
