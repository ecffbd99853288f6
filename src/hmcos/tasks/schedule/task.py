"""Schedule a network as requested, and write the results."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from hmcos.limits import Limits, Watch
from hmcos.log import Log
from hmcos.memory.lifetimes import lifetimes
from hmcos.network.lowering import Network, accounting_of, lower_network
from hmcos.network.opening import Opened
from hmcos.network.restoring import network_of
from hmcos.plan.plan import Plan, Seconds
from hmcos.schedulers.scheduler_table import scheduler
from hmcos.tasks.places import output_places
from hmcos.tasks.request import Request
from hmcos.tasks.schedule.assembly import assemble
from hmcos.tasks.schedule.placement import place
from hmcos.tasks.schedule.recheck import recheck
from hmcos.tasks.schedule.saving import save
from hmcos.tasks.schedule.solved import Solved
from hmcos.tasks.schedule.written_offsets import check_offsets, tensor_offsets

_LOG = Log("hmcos.schedule")


@dataclass(frozen=True, slots=True)
class Output:
    """Which results to write, and where."""

    folder: Path
    header: bool = False
    """Whether to write a C header."""
    beside: tuple[str, ...] = ()
    """Names of further files that the caller will write into the folder."""
    inputs: tuple[Path, ...] = ()
    """Files that were read besides the network; results must not replace them."""
    overwrite: bool = False
    """Whether the plan of another source may be replaced."""


def run(request: Request, opened: Opened, watch: Watch) -> Solved:
    """Return the plan of a network, together with the network.

    The watch is that of the whole task, including opening; the limits of the request count from now.

    Raises:
        OptionError: the alignment is not positive, or the file cannot hold the requested offsets.
    """
    searching = watch.restarted()
    network, limits = lowered(request, opened, searching)
    _LOG.info(
        "%s: opened in %.3f s; %d operators and %d buffers on target %s, aligned to %d bytes",
        opened.source.name,
        opened.seconds,
        network.problem.operators,
        len(network.problem.sizes),
        network.target.name,
        network.target.alignment,
    )
    if request.offsets and request.arena is not None:
        check_offsets(opened, network)
    schedule = network.find(scheduler(request.scheduler), limits, searching)
    searched = searching.seconds
    placed = place(network, schedule, request.arena, limits, searching)
    if placed.arena is not None:
        _LOG.info(
            "arena by %s in %.3f s: %s", placed.arena.allocator, placed.arena.seconds, placed.arena.words
        )
    seconds = Seconds(opened.seconds, searched, 0.0, 0.0)
    plan = assemble(opened.source, network, placed, request.limits.budget, seconds)
    # A network shared by several tasks may have been opened before the watch started.
    seconds = replace(seconds, total=max(watch.seconds, seconds.load + seconds.schedule))
    return Solved(opened, network, replace(plan, seconds=seconds), placed.lives)


def lowered(request: Request, opened: Opened, watch: Watch) -> tuple[Network, Limits]:
    """Return a network with its memory counted as requested, and the limits that its bodies leave.

    Raises:
        OptionError: the alignment is not positive.
    """
    accounting = accounting_of(opened, request.target, request.alignment, external_io=request.external_io)
    return lower_network(opened, accounting, request.limits, watch)


def run_into(request: Request, opened: Opened, output: Output, watch: Watch) -> Solved:
    """Schedule a network, check the plan, write it and the model into a folder, and return it.

    Raises:
        OptionError: the alignment is not positive, or the file cannot hold the offsets.
        OutputError: a file cannot be written; raised before the search if possible.
        VerifyError: the plan does not hold; nothing is written then.
    """
    places = output_places(
        opened,
        output.folder,
        header=output.header,
        beside=output.beside,
        inputs=output.inputs,
        overwrite=output.overwrite,
    )
    solved = run(request, opened, watch)
    recheck(opened, solved.plan)
    _LOG.info("plan counted again by the verifier: it holds")
    return save(solved, places, watch, tensor_offsets(solved) if request.offsets else None)


def restored(plan: Plan, opened: Opened) -> Solved:
    """Return a saved plan together with its network.

    Raises:
        PlanError: the plan is for another model, contradicts it, or lies beside results of another run.
    """
    network = network_of(plan, opened)
    return Solved(opened, network, plan, lifetimes(network.problem, plan.schedule.order))
