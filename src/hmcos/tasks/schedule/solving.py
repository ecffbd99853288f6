"""Schedule the network of a source as it is."""

from __future__ import annotations

from dataclasses import replace

from hmcos.limits import Limits, Watch
from hmcos.log import Log
from hmcos.network.lowering import Known, Network, accounting_of, lower_network
from hmcos.network.opening import Opened
from hmcos.plan.plan import Seconds
from hmcos.schedulers.scheduler import Scheduler
from hmcos.schedulers.scheduler_table import scheduler
from hmcos.tasks.request import Request
from hmcos.tasks.schedule.assembly import assemble
from hmcos.tasks.schedule.placement import place
from hmcos.tasks.schedule.solved import Solved
from hmcos.tasks.schedule.written_offsets import check_offsets

_LOG = Log("hmcos.schedule")


def solve(
    request: Request,
    opened: Opened,
    watch: Watch,
    known: Known | None = None,
    search: Scheduler | None = None,
) -> Solved:
    """Return the plan of a network, together with the network.

    The watch is that of the whole task, including opening; the limits of the request count from now. An
    order that is known already is taken as it is, if it is one of this network. `search` replaces the
    scheduler that the request names.

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
    schedule = None if known is None else known.within(network, limits.budget)
    if schedule is None:
        schedule = network.find(search or scheduler(request.scheduler), limits, searching)
    searched = searching.seconds
    placed = place(network, schedule, request.arena, limits, searching)
    if placed.arena is not None:
        _LOG.info(
            "arena by %s in %.3f s: %s", placed.arena.allocator, placed.arena.seconds, placed.arena.words
        )
    stages = Seconds(opened.seconds, searched, 0.0, 0.0)
    plan = assemble(opened.source, network, placed, request.limits.budget, stages)
    # A network shared by several tasks may have been opened before the watch started.
    stages = replace(stages, total=max(watch.seconds, stages.load + stages.schedule))
    return Solved(opened, network, replace(plan, seconds=stages), placed.lives)


def lowered(request: Request, opened: Opened, watch: Watch) -> tuple[Network, Limits]:
    """Return a network with its memory counted as requested, and the limits that its bodies leave.

    Raises:
        OptionError: the alignment is not positive.
    """
    accounting = accounting_of(opened, request.target, request.alignment, external_io=request.external_io)
    return lower_network(opened, accounting, request.limits, watch)
