"""Put buffers into several memories, for programs that have a graph or lives of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike

from hmcos.allocation.lives import Demand
from hmcos.allocation.memories.question import question
from hmcos.allocation.memories.spreading import spread
from hmcos.errors import OptionError
from hmcos.limits import SILENCE, Observer, Watch, never
from hmcos.memory.lifetimes import Life, lifetimes
from hmcos.memory.problem import Problem
from hmcos.memory.profile import profile
from hmcos.memory.traffic import traffic as traffic_of
from hmcos.plan.memory_blocks import MemoryBlock, MemoryPlacement
from hmcos.tasks.memories_file import chosen_blocks
from hmcos.tasks.request import chosen_limits

STATES = 200_000
"""States that the searches may enter by default."""


def place_in_memories(  # noqa: PLR0913 (one keyword per fact about lives)
    what: Problem | Sequence[Life],
    memories: str | PathLike[str] | Sequence[MemoryBlock],
    *,
    order: Sequence[int] | None = None,
    traffic: Sequence[int] | None = None,
    alignment: int = 1,
    demands: Sequence[Demand] = (),
    time_limit: float | None = None,
    state_limit: int | None = None,
    observer: Observer = SILENCE,
    interrupted: Callable[[], bool] = never,
) -> MemoryPlacement:
    """Return a place in one of several memories for every life, with the least traffic in the slower ones.

    `what` is a problem, whose lives are those along `order`, by default the given one; or lives, with the
    bytes that are written to and read from each of them as `traffic`. Of a problem, that is counted
    (`memory/traffic.py`), and the lives are those of `memory.lifetimes.lifetimes`, in the same order.
    `memories` is a TOML file, or values in order of preference; the least traffic in all but the first comes
    first, then that in all but the first two, and so on. `alignment` in bytes is that of sizes and offsets;
    `demands`, one per life, can ask for more: an alignment, an offset, gaps, or which memories it may be in,
    by their index. The search stops after `time_limit` seconds or about `state_limit` states, or when
    `interrupted()` is true; the answer says what was proved until then.

    Raises:
        HmcosError: one of its subclasses for any wrong input. Not fitting is a status.
    """
    watch, limits = Watch(observer, interrupted), chosen_limits(time_limit, state_limit or STATES)
    if isinstance(what, Problem):
        if traffic is not None:
            raise OptionError("the traffic of a problem is counted; give lives to say it yourself")
        chosen = profile(what, range(what.operators) if order is None else order).order
        lives: Sequence[Life] = lifetimes(what, chosen)
        traffic = traffic_of(what, lives)
    elif traffic is None or order is not None:
        raise OptionError("lives need their traffic, and no order")
    else:
        lives = what
    asked = question(lives, traffic, chosen_blocks(memories), alignment, demands)
    return spread(asked, limits, watch)
