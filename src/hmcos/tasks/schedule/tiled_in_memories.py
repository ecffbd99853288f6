"""Schedule a network for several memories after it was tiled, where that moves less in the slower ones."""

from __future__ import annotations

from dataclasses import replace

from hmcos.limits import Watch
from hmcos.network.opening import Opened
from hmcos.tasks.request import Request
from hmcos.tasks.schedule.memories import with_memories
from hmcos.tasks.schedule.solved import Solved
from hmcos.tasks.schedule.solving import solve
from hmcos.tasks.schedule.tiled import solve_tiled
from hmcos.words import human

FIRST = 0.3
"""Part of the time limit for the network as it is."""


def solve_tiled_in_memories(request: Request, opened: Opened, watch: Watch) -> Solved:
    """Return the plan of a network in several memories, tiled only if that moves less in the slower ones.

    A low peak does not say so: the pieces of a tensor that has no room in the first memory read it again and
    again. A network whose ends are stripped is taken as it is found: its source moves other bytes.

    Raises:
        OptionError: the network is a problem, or the target cannot be tiled for.
        ModelError: the model cannot be written otherwise than it is.
    """
    running = watch.restarted()
    plain = replace(request, tiling=None, limits=request.limits.part(FIRST))
    untiled = with_memories(plain, solve(plain, opened, watch), running)
    strips = request.tiling is not None and request.tiling.strip_quantize
    if not strips and _cost(untiled) == (False, 0):
        return _why(untiled, f"everything fits {request.memories[0].name} without tiling")
    left, begun = replace(request, limits=running.left(request.limits)), watch.restarted()
    tiled = with_memories(left, solve_tiled(left, opened, watch), begun)
    if strips or _cost(tiled) < _cost(untiled):
        return tiled
    if tiled.plan.rewriting is None:
        return _why(untiled, tiled.plan.untiled)
    return _why(untiled, _words(tiled, untiled))


def _cost(solved: Solved) -> tuple[object, ...]:
    """Return what is to be least: buffers without room, then the bytes moved behind each memory."""
    memories = solved.plan.memories
    assert memories is not None, "somebody asked for them"
    return not memories.has_places, *(memories.placement.behind if memories.has_places else ())


def _words(tiled: Solved, untiled: Solved) -> str:
    """Return in figures why a tiling is not taken."""
    one, other = tiled.plan.memories, untiled.plan.memories
    assert one is not None and other is not None, "somebody asked for them"
    if not one.has_places:
        return "the best tiling found has no places for all buffers in these memories either"
    first = one.placement.blocks[0].name
    return (
        f"the best tiling found reads and writes {human(one.placement.slower)} outside {first};"
        f" without tiling, it is {human(other.placement.slower)}"
    )


def _why(solved: Solved, why: str) -> Solved:
    return replace(solved, plan=replace(solved.plan, untiled=why))
