"""From a request and a network to its plan, and to files."""

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
    """Where results go, and which."""

    folder: Path
    header: bool = False
    """Whether a C header is wanted."""
    beside: tuple[str, ...] = ()
    """Names of further files that the caller will write into the folder."""
    inputs: tuple[Path, ...] = ()
    """Files that were read beside the network, so that nothing is written over them."""
    overwrite: bool = False
    """Whether the plan of another source may be replaced."""


def run(request: Request, opened: Opened, watch: Watch) -> Solved:
    """Return the plan of a network, and what it was made of.

    The watch is that of the whole task, opening included; the limits of the request count from now.

    Raises:
        OptionError: the alignment is not positive, or the file cannot hold offsets that are to be in it.
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
    found = network.find(scheduler(request.scheduler), limits, searching)
    searched = searching.seconds
    placed = place(network, found, request.arena, limits, searching)
    if placed.arena is not None:
        _LOG.info(
            "arena by %s in %.3f s: %s", placed.arena.allocator, placed.arena.seconds, placed.arena.words
        )
    seconds = Seconds(opened.seconds, searched, 0.0, 0.0)
    plan = assemble(opened.source, network, placed, request.limits.budget, seconds)
    # A network that was opened for several tasks may have been opened before the watch started.
    seconds = replace(seconds, total=max(watch.seconds, seconds.load + seconds.schedule))
    return Solved(opened, network, replace(plan, seconds=seconds), placed.lives)


def lowered(request: Request, opened: Opened, watch: Watch) -> tuple[Network, Limits]:
    """Return a network as the request counts its memory, and what its bodies left of the limits.

    Raises:
        OptionError: the alignment is not positive.
    """
    accounting = accounting_of(opened, request.target, request.alignment, external_io=request.external_io)
    return lower_network(opened, accounting, request.limits, watch)


def run_into(request: Request, opened: Opened, output: Output, watch: Watch) -> Solved:
    """Return the plan of a network after it was checked and written into a folder, with the model.

    Raises:
        OptionError: the alignment is not positive, or the file cannot hold the offsets.
        OutputError: something cannot be written; found before the search where that is possible.
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
    """Return a plan that was saved, with the network that it is for.

    Raises:
        PlanError: the plan is for another model, or contradicts it, or stands beside results of another run.
    """
    network = network_of(plan, opened)
    return Solved(opened, network, plan, lifetimes(network.problem, plan.schedule.order))
