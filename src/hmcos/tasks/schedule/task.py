"""Schedule a network as requested, and write the results."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hmcos.limits import Watch
from hmcos.log import Log
from hmcos.network.opening import Opened
from hmcos.network.restoring import network_of
from hmcos.plan.plan import Plan
from hmcos.tasks.places import output_places
from hmcos.tasks.request import Request
from hmcos.tasks.schedule.recheck import recheck
from hmcos.tasks.schedule.saving import save
from hmcos.tasks.schedule.solved import Solved
from hmcos.tasks.schedule.solving import solve
from hmcos.tasks.schedule.written_offsets import tensor_offsets

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
        OptionError: the alignment is not positive, the file cannot hold the requested offsets, or a problem
            or a target is to be tiled that cannot be.
        ModelError: the model is to be tiled, and cannot be written otherwise than it is.
    """
    searching = watch.restarted()
    if request.tiling is None:
        solved = solve(request, opened, watch)
    else:
        # Few networks are tiled.
        from hmcos.tasks.schedule.tiled import solve_tiled  # noqa: PLC0415
        from hmcos.tasks.schedule.tiled_for_total import solve_for_total, tile_for  # noqa: PLC0415

        if tile_for(request, opened) == "total":
            return solve_for_total(request, opened, watch)
        if request.memories:
            from hmcos.tasks.schedule.tiled_in_memories import solve_tiled_in_memories  # noqa: PLC0415

            solved = solve_tiled_in_memories(request, opened, watch)
        else:
            solved = solve_tiled(request, opened, watch)
    if request.memories and solved.plan.memories is None:
        from hmcos.tasks.schedule.memories import with_memories  # noqa: PLC0415 (few chips have several)

        solved = with_memories(request, solved, searching)
    if opened.offsets is None or (request.whole_arena is None and not request.offsets):
        return solved
    from hmcos.tasks.schedule.whole_arenas import (  # noqa: PLC0415 (few networks have any)
        with_room_for_bodies,
        with_whole_arenas,
    )

    if request.whole_arena is None:
        return with_room_for_bodies(solved)
    return with_whole_arenas(request, opened, solved, watch)


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
    recheck(solved.opened, solved.plan)
    _LOG.info("plan counted again by the verifier: it holds")
    return save(solved, places, watch, tensor_offsets(solved) if request.offsets else None)


def restored(plan: Plan, opened: Opened) -> Solved:
    """Return a saved plan together with its network.

    Raises:
        PlanError: the plan is for another model, contradicts it, or lies beside results of another run.
    """
    network = network_of(plan, opened)
    return Solved(opened, network, plan, network.lives(plan.schedule.order))
