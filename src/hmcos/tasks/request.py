"""A request: how to schedule a network; checked once, and a value that any process can use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import isnan
from os import PathLike
from typing import TYPE_CHECKING

from hmcos.allocation.planner_table import allocator as allocator_called
from hmcos.errors import OptionError
from hmcos.limits import Limits
from hmcos.memory.target import Target, target_called
from hmcos.plan.memory_blocks import MemoryBlock
from hmcos.schedulers.scheduler_table import scheduler as scheduler_called

if TYPE_CHECKING:
    from hmcos.transforms.tiling import Tiling

BUDGET_FOR = ("peak", "total")
"""What a budget is for: the peak, which is the head of an arena of TensorFlow Lite for Microcontrollers, or
all that must be declared for that arena."""
POINTERS = (4, 8)
"""Bytes of the pointers for which the whole arena is known."""
MINIMIZE = ("peak", "arena")
"""What to minimize: the peak, and then the arena of an order with this peak; or the arena, at any peak."""


@dataclass(frozen=True, slots=True)
class ArenaRequest:
    """How to make an arena."""

    allocator: str = "auto"
    any_peak: bool = False
    """Whether a higher peak is accepted for a smaller arena."""
    other_orders: bool = True
    """Whether orders of the same peak may be tried for a smaller arena."""


@dataclass(frozen=True, slots=True)
class WholeArenaRequest:
    """How to state the whole arena of a model in TensorFlow Lite for Microcontrollers."""

    pointer_bytes: int = 8
    """Bytes of a pointer where it will run: 8, as in the Python package, or 4."""
    offsets: bool = True
    """Whether the model will have the arena's offsets in its file."""

    def __post_init__(self) -> None:
        """Check the bytes.

        Raises:
            OptionError: pointers do not have so many bytes.
        """
        if self.pointer_bytes not in POINTERS:
            raise OptionError(f"pointers have 4 or 8 bytes, not {self.pointer_bytes}")


@dataclass(frozen=True, slots=True)
class Request:
    """How to schedule a network."""

    target: Target
    scheduler: str = "optimal"
    bind: Mapping[str, int] = field(default_factory=dict[str, int])
    """Symbolic dimensions to sizes."""
    limits: Limits = field(default_factory=Limits)
    """For the searches for order and arena together."""
    alignment: int | None = None
    """Bytes; replaces the target's."""
    external_io: bool = False
    """Whether the caller supplies the memory of inputs and outputs."""
    arena: ArenaRequest | None = None
    """None to search an order only."""
    tiling: Tiling | None = None
    """What a tiling of the network may do; None for the network as it is."""
    offsets: bool = False
    """Whether to write the arena's offsets into the model file, if its format holds them."""

    whole_arena: WholeArenaRequest | None = None
    """How to state the whole arena, where the runtime has one; None to leave it out."""
    memories: tuple[MemoryBlock, ...] = ()
    """The memories to put buffers into, the preferred one first; empty for one block without a limit."""

    def __post_init__(self) -> None:
        """Check the names.

        Raises:
            OptionError: there is no such scheduler or planner.
        """
        scheduler_called(self.scheduler)
        if self.arena is not None:
            allocator_called(self.arena.allocator)


def check_budget_for(what: str) -> None:
    """Check what a budget is for.

    Raises:
        OptionError: there is no such thing.
    """
    if what not in BUDGET_FOR:
        raise OptionError(f"a budget is for {' or '.join(BUDGET_FOR)}, not for {what!r}")


def chosen_arena(allocator: str | None, minimize: str, budget: int | None) -> ArenaRequest | None:
    """Return how to make an arena; None for no arena.

    With a budget, the default is no arena: the question is whether an order fits.

    Raises:
        OptionError: `minimize` has an unknown value.
    """
    if minimize not in MINIMIZE:
        raise OptionError(f"{minimize!r} cannot be minimized; choose {' or '.join(MINIMIZE)}")
    if allocator is None and budget is not None and minimize == "peak":
        return None
    return ArenaRequest(allocator or "auto", minimize == "arena")


def chosen_target(target: str | PathLike[str] | Target, kernels: str | None = None) -> Target:
    """Return a target: itself, the shipped one of this name, or the one in a TOML file.

    `kernels` are those of the runtime, by name; None leaves them to the target.

    Raises:
        TargetError: there is no target of this name, its file is wrong, or it has the name of a shipped
            target but other rules.
    """
    found = target_called(target)
    return found if kernels is None else replace(found, kernels=kernels)


def chosen_limits(
    seconds: float | None = None,
    states: int | None = None,
    budget: int | None = None,
    seed: int = 0,
    jobs: int | None = 1,
) -> Limits:
    """Return limits; None means no limit on seconds or bytes, the default limit on states, and all cores.

    With a limit on states, `jobs` of None means one process: who sets such a limit wants the same result on
    every machine.

    Raises:
        OptionError: a limit is negative, or no number.
    """
    if seconds is not None and (isnan(seconds) or seconds < 0):
        raise OptionError(f"a time limit is at least 0 seconds, not {seconds}")
    if states is not None and states < 1:
        raise OptionError(f"a state limit is at least 1 state, not {states}")
    if budget is not None and budget < 0:
        raise OptionError(f"a budget is at least 0 bytes, not {budget}")
    if jobs is not None and jobs < 1:
        raise OptionError(f"jobs: at least 1, not {jobs}")
    limits = Limits(seconds=seconds, budget=budget, seed=seed, jobs=jobs)
    return limits if states is None else replace(limits, states=states, jobs=jobs or 1)


def check_memories(request: Request, budget: int | None) -> None:
    """Check that memories go with the rest of a request, and with the budget that was named, if any.

    Raises:
        OptionError: they do not; names the option that is in the way.
    """
    if not request.memories:
        return
    if budget is not None:
        raise OptionError("memories have capacities: name no budget with them")
    if request.arena is not None and (request.arena.any_peak or request.arena.allocator != "auto"):
        raise OptionError(
            "memories are filled by a search of their own: name no allocator and nothing to minimize"
        )
