"""Schedule a model after it was tiled, where that makes smaller what must be declared for its runtime."""

from __future__ import annotations

from dataclasses import replace

from hmcos.errors import ModelError, OptionError
from hmcos.limits import Watch
from hmcos.log import Log
from hmcos.network.opening import Opened
from hmcos.network.tilings import ByGoal, tiled_by_goal
from hmcos.plan.whole_arena import WholeArena
from hmcos.tasks.request import Request, WholeArenaRequest
from hmcos.tasks.schedule.last_stage import LastStage
from hmcos.tasks.schedule.solved import Solved
from hmcos.tasks.schedule.tiled import solve_tiled
from hmcos.tasks.schedule.tiling_start import SEARCH, TilingStart, in_order, tiling_start
from hmcos.tasks.schedule.whole_arenas import (
    UNTILED,
    Predictions,
    Stated,
    predictions_of,
    stated_arenas,
    tiled_form,
    untiled_forms,
    whole_arenas,
    with_arenas,
)
from hmcos.tasks.schedule.written_offsets import has_total
from hmcos.transforms.tiling import TileFor

_LOG = Log("hmcos.schedule")
LOWEST = "lowest"
"""The form of the tiling that has a low peak."""
FIRST = 0.2
"""Part of the time left for the plan without tiling."""
FINAL = 2
"""How many tilings are planned with all the time there is, and measured."""


def tile_for(request: Request, opened: Opened) -> TileFor:
    """Return what a tiling of a model is to lower: what was asked for, or else what users most want.

    Raises:
        OptionError: all that the runtime takes is to be lowered, but that is not known, a budget is for the
            peak, or there are several memories.
    """
    wanted = None if request.tiling is None else request.tiling.tile_for
    is_known, has_budget = has_total(opened, request), request.limits.budget is not None
    if wanted is None:
        return "total" if is_known and not has_budget and not request.memories else "peak"
    if wanted == "total" and not is_known:
        raise OptionError(
            f"{opened.source.name}: what its runtime takes in all is known for .tflite models and the target"
            " tflm only; use --tile-for peak"
        )
    if wanted == "total" and has_budget:
        raise OptionError(
            "a budget for the peak needs a tiling for the peak; use --budget-for total, or --tile-for peak"
        )
    if wanted == "total" and request.memories:
        raise OptionError("several memories are no single tensor_arena; use --tile-for peak")
    return wanted


def solve_for_total(request: Request, opened: Opened, watch: Watch) -> Solved:
    """Return the plan of a model tiled so that the least has to be declared for its runtime.

    The best tilings are planned, and each is measured where the runtime is installed, or else predicted. The
    model stays as it is where no tiling needs less.

    Raises:
        OptionError: the target cannot be tiled for.
        ModelError: the model cannot be written otherwise than it is.
    """
    running = watch.restarted()
    start = tiling_start(request, in_order(request, opened, watch), watch)
    assert request.tiling is not None, "somebody asked for it"
    wanted = request.whole_arena or WholeArenaRequest()
    within = request.limits.part(SEARCH), running
    found = tiled_by_goal(start.begin, start.accounting, request.tiling, within, wanted.pointer_bytes)
    untiled = LastStage(replace(request, tiling=None), running, watch).untiled(start.source, part=FIRST)
    predictions = predictions_of(opened, untiled.network.target.kernels, wanted.pointer_bytes)
    last = LastStage(replace(start.request, tiling=None), running, watch)
    try:
        tiled = _planned(start, found, last, predictions)
        forms = untiled_forms(wanted, opened, untiled)
        forms += [tiled_form(name, wanted, each) for name, each in tiled.items()]
        left, measures = running.left(request.limits), request.whole_arena is not None
        stated = stated_arenas(forms, predictions, left.seconds, measures=measures)
    except ModelError as error:
        _LOG.info("the whole arena is not known: %s", error)
        return solve_tiled(replace(request, limits=running.left(request.limits)), opened, watch)
    best = _best(stated)
    helps = best is not None and stated.arenas[best].declare < stated.untiled
    if best is not None and helps:
        chosen = tiled[best]
    else:
        why = start.why(found.why or _why(stated, best))
        chosen = replace(untiled, plan=replace(untiled.plan, untiled=why))
    if request.whole_arena is None:
        return chosen
    least = None if best is None else stated.arenas[best]
    arenas = replace(
        whole_arenas(stated, chosen.network.target.kernels, wanted.pointer_bytes),
        tiled=least if helps else None,
        tiled_for="total",
        for_peak=_least_head(stated),
        for_total=least,
    )
    return with_arenas(request, opened, chosen, arenas, watch)


def _planned(
    start: TilingStart, found: ByGoal, last: LastStage, predictions: Predictions
) -> dict[str, Solved]:
    """Return the plans of the tilings that may need the least, by a name for each.

    All are planned in little time; those of which the least must be declared, as predicted, once more. When
    the time is over, only the first one is planned.

    Raises:
        ModelError: the whole arena of a tiling cannot be predicted.
    """
    arena, left = last.request.arena, len(found.total) + 1 + FINAL
    briefly = None if arena is None else replace(arena, other_orders=False)
    quick = replace(last, request=replace(last.request, arena=briefly))
    wanted = last.request.whole_arena or WholeArenaRequest()
    planned: dict[int, Solved] = {}
    for i, each in enumerate(found.total):
        if not planned or not last.is_over:
            planned[i] = quick.tiled(each, 1 / (left - i))
    files = {i: tiled_form("", wanted, each)[1] for i, each in planned.items()}
    ranked = sorted(planned, key=lambda i: (predictions.of(files[i]).declare, planned[i].plan.peak))
    tiled: dict[str, Solved] = {}
    for i in ranked[:FINAL]:
        again = planned[i] if last.is_over else last.tiled(found.total[i], 0.5)
        tiled[f"total {i}"] = _less(planned[i], again)
    if found.peak is not None and not (tiled and last.is_over):
        tiled[LOWEST] = quick.tiled(found.peak, 0.5)
    return {name: start.of_source(each) for name, each in tiled.items()}


def _less(one: Solved, other: Solved) -> Solved:
    """Return the one of two plans of a tiling that has the smaller arena, the second one if none has."""
    first, second = one.plan.arena, other.plan.arena
    return one if first is not None and second is not None and first.size < second.size else other


def _best(stated: Stated) -> str | None:
    """Return the name of the tiling of which the least must be declared; None if there is none."""
    tiled = {name: arena for name, arena in stated.arenas.items() if name not in UNTILED}
    return min(tiled, key=lambda name: (tiled[name].declare, tiled[name].head), default=None)


def _least_head(stated: Stated) -> WholeArena | None:
    """Return the arena of the tiling that has the least head; None if there is none."""
    tiled = [arena for name, arena in stated.arenas.items() if name not in UNTILED]
    return min(tiled, key=lambda arena: (arena.head, arena.declare), default=None)


def _why(stated: Stated, best: str | None) -> str:
    """Return in figures why no tiling is taken."""
    if best is None:
        return "the runtime runs none of the tilings that were found"
    least = stated.arenas[best]
    return (
        f"the best tiling found has a head of {least.head:,} bytes and needs tensor_arena[{least.declare}];"
        f" without tiling, tensor_arena[{stated.untiled}] is enough"
    )
