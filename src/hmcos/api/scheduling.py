"""Schedule networks, compare schedulers, explain plans."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from hmcos.limits import SILENCE, Limits, Observer, Watch, never
from hmcos.memory.target import Target
from hmcos.network.opening import ZOO, Openable, open_source
from hmcos.network.restoring import opened_for
from hmcos.plan.memory_blocks import MemoryBlock
from hmcos.plan.plan import Plan
from hmcos.staging import output_errors
from hmcos.tasks.memories_file import chosen_blocks, memories_file
from hmcos.tasks.places import target_file
from hmcos.tasks.request import (
    Request,
    WholeArenaRequest,
    check_budget_for,
    check_memories,
    chosen_arena,
    chosen_limits,
    chosen_target,
)
from hmcos.tasks.schedule.plan_header import check_emit
from hmcos.tasks.schedule.solved import Solved
from hmcos.tasks.schedule.task import Output, restored, run, run_into
from hmcos.tasks.schedule.written_offsets import check_total
from hmcos.zoo.catalogue import names as zoo_names

if TYPE_CHECKING:
    from hmcos.tasks.compare.experiment import Experiment
    from hmcos.tasks.compare.schedulers import Comparison
    from hmcos.tasks.explain.explanation import Explanation
    from hmcos.transforms.tiling import Tiling

# Each function imports what only it needs: importing everything here would double the start-up time of
# `hmcos schedule`.
# ruff: noqa: PLC0415

ADVICE_SECONDS = 0.3
"""For the advice on the page: enough to try every change of a small network. `hmcos report` has no such
limit."""


def schedule(  # noqa: PLR0913 (one keyword per option of the command line, so that both say the same)
    model: Openable,
    *,
    scheduler: str = "optimal",
    target: str | PathLike[str] | Target = "default",
    kernels: str | None = None,
    bind: Mapping[str, int] | None = None,
    time_limit: float | None = None,
    state_limit: int | None = None,
    budget: int | None = None,
    alignment: int | None = None,
    output: str | PathLike[str] | None = None,
    allocator: str | None = None,
    minimize: str = "peak",
    external_io: bool = False,
    emit: str | None = None,
    overwrite: bool = False,
    offsets: bool = True,
    seed: int = 0,
    tile: Tiling | None = None,
    budget_for: str = "peak",
    whole_arena: bool | None = None,
    pointer_bytes: int = 8,
    memories: str | PathLike[str] | Sequence[MemoryBlock] | None = None,
    jobs: int | None = None,
    observer: Observer = SILENCE,
    interrupted: Callable[[], bool] = never,
) -> Plan:
    """Return the plan of the least-memory order of a network; write it, the model and a page if asked to.

    `model` is a path (.onnx, .tflite, .pt2, or .json for a problem), "zoo:NAME", an ONNX model or an
    ExportedProgram of PyTorch in memory, or the result of `load`. `target` is the name of a shipped target, a
    TOML file or a `Target`. `kernels` names the kernels that the firmware of a .tflite model is built with,
    as in "cmsis-nn:dsp"; each set needs other scratch. `bind` maps symbolic dimensions to sizes. The search
    stops after `time_limit` seconds or `state_limit` states, when `interrupted()` is true, or, with a
    `budget` in bytes, at the first order that fits or the proof that none does. `alignment` in bytes replaces
    the target's. `output` is the folder for the model, plan.json and, where plotly is installed, report.html
    (a file of this name that hmcos did not write stays, unless `overwrite` is true); None writes
    nothing. `allocator` lays out the arena and defaults to "auto"; with a budget, only a named allocator
    makes an arena. `minimize="arena"` accepts a higher peak for a smaller arena. With `external_io` the
    caller supplies the memory of inputs and outputs. `emit="c"`
    writes a C header beside the plan. A folder with the plan of another source is refused unless `overwrite`
    is true. `offsets=False` leaves the arena's offsets out of a TensorFlow Lite model. `seed` is for random
    orders and planners; `observer` is called with the progress of the search. With `tile` the network may be
    changed: regions of it run piece by piece, which computes some values again and lowers the peak; the plan
    then has a `rewriting`, or says in `untiled` why it has none. With `whole_arena`, by default where results
    are written, a plan for TensorFlow Lite for Microcontrollers says in `tflm` what that takes in all: as it
    says itself where tflite-micro is installed, else predicted; for chips with `pointer_bytes` of 4 always
    predicted. With `budget_for="total"` the budget is for that; the search then looks for the least as
    if there were none, and `plan.fits_in_all(budget)` says whether it fits. With `memories`, a TOML file or
    values in order of preference, buffers go into several memories instead of one arena, such that the fewest
    bytes are written to and read from all but the first: `plan.memories`. `jobs` is the number of processes
    that may search for an order, once a search takes more than two seconds: by default one per core, or one
    with a `state_limit` and in workers of `multiprocessing`. More of them prove the same order sooner; only
    where a limit ends the search may the result differ.

    Raises:
        HmcosError: one of its subclasses for any wrong input. Reaching a limit or not fitting is a status.
    """
    watch = Watch(observer, interrupted)
    check_budget_for(budget_for)
    peak_budget = budget if budget_for == "peak" else None
    whole = (output is not None if whole_arena is None else whole_arena) or budget_for == "total"
    blocks = () if memories is None else chosen_blocks(memories)
    offsets = offsets and not blocks
    request = Request(
        target=chosen_target(target, kernels),
        scheduler=scheduler,
        bind=dict(bind or {}),
        limits=chosen_limits(time_limit, state_limit, peak_budget, seed, jobs),
        alignment=alignment,
        external_io=external_io,
        arena=chosen_arena(allocator, minimize, peak_budget),
        offsets=offsets and output is not None,
        tiling=tile,
        whole_arena=WholeArenaRequest(pointer_bytes, offsets) if whole else None,
        memories=blocks,
    )
    check_memories(request, budget)
    check_emit(emit, output is not None and request.arena is not None)
    opened = open_source(model, request.bind)
    if budget_for == "total":
        check_total(opened, request)
    if output is None:
        return run(request, opened, watch).plan
    page = _page_name(Path(output), overwrite)
    place = Output(
        Path(output),
        header=emit is not None,
        beside=page,
        inputs=(*target_file(target), *memories_file(memories)),
        overwrite=overwrite,
    )
    solved = run_into(request, opened, place, watch)
    return _with_page(solved, Path(output, *page), watch) if page else solved.plan


def _page_name(folder: Path, overwrite: bool) -> tuple[str, ...]:
    """Return the file name of the page in the output folder; empty if no page will be written.

    Without `overwrite`, a file of this common name that is not a page of hmcos stays, and there is no page.
    """
    from hmcos.report.page.page import NAME, has_plotly, is_foreign

    is_kept = not overwrite and is_foreign(folder / NAME)
    return (NAME,) if has_plotly() and not is_kept else ()


def _with_page(solved: Solved, place: Path, watch: Watch) -> Plan:
    """Write the page that explains a plan, with a moment of advice; return the plan with the page's path."""
    from hmcos.report.page.page import write_page
    from hmcos.tasks.explain.explanation import explain_plan

    plan = solved.plan
    with output_errors(place):
        place.unlink(missing_ok=True)  # if writing fails, no page of an older plan may stay
    limits = Limits(seconds=ADVICE_SECONDS)
    page = write_page(explain_plan(solved, limits, watch.restarted().silenced()), place)
    return replace(plan, outputs=replace(plan.outputs, page=str(page)))


def compare(  # noqa: PLR0913 (one keyword per option of the command line, so that both say the same)
    model: Openable,
    *,
    target: str | PathLike[str] | Target = "default",
    kernels: str | None = None,
    bind: Mapping[str, int] | None = None,
    time_limit: float | None = None,
    alignment: int | None = None,
    jobs: int | None = None,
    observer: Observer = SILENCE,
) -> Comparison:
    """Return the schedule of every scheduler for a network; each may take `time_limit` seconds.

    `jobs` is that of `schedule`.

    Raises:
        HmcosError: one of its subclasses for any wrong input.
    """
    from hmcos.tasks.compare.schedulers import compare_schedulers

    limits = chosen_limits(time_limit, jobs=jobs)
    request = Request(chosen_target(target, kernels), limits=limits, alignment=alignment)
    return compare_schedulers(request, open_source(model, bind), Watch(observer))


def experiment(  # noqa: PLR0913 (one keyword per option of the command line)
    networks: Iterable[str] | None = None,
    *,
    target: str | PathLike[str] | Target = "hmcos",
    time_limit: float | None = None,
    alignment: int | None = None,
    jobs: int | None = None,
    observer: Observer = SILENCE,
    interrupted: Callable[[], bool] = never,
) -> Experiment:
    """Return the experiment of the HMCOS paper: several orders of each network, and the arenas of each order.

    `networks` are paths or zoo names, by default the whole zoo. Each search may take `time_limit` seconds;
    once `interrupted()` is true, the remaining searches return their best result so far. `jobs` is that of
    `schedule`.

    Raises:
        HmcosError: one of its subclasses for any wrong input.
    """
    from hmcos.tasks.compare.experiment import run_experiment

    named = [f"{ZOO}{name}" for name in zoo_names()] if networks is None else networks
    limits = chosen_limits(time_limit, jobs=jobs)
    request = Request(chosen_target(target), limits=limits, alignment=alignment)
    return run_experiment(named, request, Watch(observer, interrupted))


def explain(  # noqa: PLR0913 (one keyword per option of the command line, so that both say the same)
    model: Openable,
    plan: Plan | None = None,
    *,
    target: str | PathLike[str] | Target = "default",
    kernels: str | None = None,
    bind: Mapping[str, int] | None = None,
    time_limit: float | None = None,
    alignment: int | None = None,
    external_io: bool = False,
    jobs: int | None = None,
    observer: Observer = SILENCE,
    interrupted: Callable[[], bool] = never,
) -> Explanation:
    """Return why a network needs its memory, and which changes would reduce it.

    A given `plan` of the network is explained as it is, and the options of the search have no effect.
    Otherwise the order is searched first. The search may take `time_limit` seconds, the search for a tiling
    as many again (10 without a limit), and trying changes as many again. `jobs` is that of `schedule`, for
    the first search.

    Raises:
        HmcosError: one of its subclasses for any wrong input.
    """
    from hmcos.tasks.explain.explanation import explain_plan
    from hmcos.tasks.explain.tiling_advice import tiling_limits

    watch, limits = Watch(observer, interrupted), chosen_limits(time_limit)
    if plan is None:
        request = Request(
            chosen_target(target, kernels),
            limits=chosen_limits(time_limit, jobs=jobs),
            alignment=alignment,
            external_io=external_io,
            arena=chosen_arena(None, "peak", None),
        )
        solved = run(request, open_source(model, bind), watch)
    else:
        solved = restored(plan, opened_for(plan, model))
    watch.progress("advice", 0, 0, 0)
    return explain_plan(solved, limits, watch.restarted(), tiling_limits(limits))
