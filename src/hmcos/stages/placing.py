"""From a schedule to an arena for it, and to another order where that needs less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter

from hmcos.allocation.base import Allocator
from hmcos.allocation.largest_first import largest_first
from hmcos.allocation.problem import Lives
from hmcos.allocation.table import allocator as allocator_called
from hmcos.errors import OptionError
from hmcos.frontends.model import Model
from hmcos.memory.lifetimes import Life, lifetimes
from hmcos.plan.arena import Arena, PlacedBuffer
from hmcos.plan.limits import SILENCE, Limits, Observer
from hmcos.plan.plan import Plan
from hmcos.plan.schedule import Schedule, Status
from hmcos.schedulers.base import conclude
from hmcos.stages.lowering import Network
from hmcos.stages.together import Aim, Pair, improve

MINIMIZE = ("peak", "arena")
"""What may be made as small as possible: the peak, and then the arena of such an order; or the arena,
whatever the peak."""
STATES = 3_000
"""Situations that the planner may search for the order found: some seconds where there is no slack."""
SEARCHED = 1_500
"""Lives up to which it searches at all: one run over more of them takes longer than anybody expects."""
WORK_EACH = 10_000
"""Situations for each other order, times its lives, so that every order costs about the same."""
_PROVING = ("auto", "exact")


@dataclass(frozen=True, slots=True)
class Placing:
    """How an arena is wanted."""

    allocator: str
    any_peak: bool
    """Whether a smaller arena may cost a higher peak."""

    @property
    def planner(self) -> Allocator:
        """The planner of that name."""
        return allocator_called(self.allocator)


@dataclass(frozen=True, slots=True)
class Placed:
    """A schedule, perhaps of another order than the one found at first, with its arena."""

    schedule: Schedule
    lives: tuple[Life, ...]
    arena: Arena
    largest_first: int
    """Bytes that the planner of that name needs for the same lives."""


def chosen_placing(allocator: str | None, minimize: str, budget: int | None) -> Placing | None:
    """Return how an arena is wanted; None for not at all: whoever asks for a budget only wants to know.

    Raises:
        OptionError: there is no such planner, or nothing of that name to minimize.
    """
    if minimize not in MINIMIZE:
        raise OptionError(f"{minimize!r} cannot be minimized; choose {' or '.join(MINIMIZE)}")
    if allocator is None and budget is not None and minimize == "peak":
        return None
    allocator_called(allocator or "auto")
    return Placing(allocator or "auto", minimize == "arena")


def place(network: Network, found: Schedule, placing: Placing, observer: Observer) -> Placed:
    """Return the schedule with an arena, within what is left of the network's limits.

    Where no arena equals the peak, other orders are tried: only if the optimal scheduler chose the order
    and the planner is one that proves, since whoever names others wants to see theirs.
    """
    limits = _left(network.limits)
    arena = _arena(network, found.order, placing.planner, limits, observer)
    pair = Pair(found.order, found.peak, arena)
    if found.scheduler == "optimal" and placing.allocator in _PROVING:
        pair = _improved(network, found, pair, placing, observer)
    lives = lifetimes(network.problem, pair.order)
    simple = largest_first(Lives(lives, network.target.alignment), limits, SILENCE)
    arena = replace(pair.arena, seconds=perf_counter() - limits.started)
    return Placed(_rescheduled(found, pair, network.limits.budget), lives, arena, simple.size)


def _left(limits: Limits) -> Limits:
    """Return what is left of the limits, from now on, for the planner."""
    now, seconds = perf_counter(), None
    if limits.seconds is not None:
        seconds = max(0.0, limits.started + limits.seconds - now)
    return replace(limits, seconds=seconds, states=min(limits.states, STATES), started=now)


def _arena(
    network: Network, order: Sequence[int], planner: Allocator, limits: Limits, observer: Observer
) -> Arena:
    lives = lifetimes(network.problem, order)
    if len(lives) > SEARCHED:
        limits = replace(limits, states=0)
    return planner(Lives(lives, network.target.alignment), limits, observer)


def _improved(network: Network, found: Schedule, pair: Pair, placing: Placing, observer: Observer) -> Pair:
    """Return the pair, or one of another order with a smaller arena."""
    budget = network.limits.budget
    least, highest = found.peak, found.peak
    if placing.any_peak:
        # An order that fits is not given away for one that does not.
        least, highest = found.lower_bound, budget if found.status is Status.FITS else None
    aim = Aim(max(least, budget or 0), highest)
    few = len(pair.arena.offsets) <= SEARCHED
    if found.status is Status.DOES_NOT_FIT or pair.arena.size <= aim.size or not few:
        return pair

    def plan(order: Sequence[int]) -> Arena:
        limits = _left(network.limits)
        states = 1 + WORK_EACH // (1 + len(pair.arena.offsets))
        return _arena(network, order, placing.planner, replace(limits, states=states), SILENCE)

    return improve(network.problem, pair, aim, plan, network.limits, observer)


def _rescheduled(found: Schedule, pair: Pair, budget: int | None) -> Schedule:
    """Return the schedule of the order of a pair: what was proved of all orders stays proved."""
    if pair.order == found.order:
        return found
    otherwise = Status.FEASIBLE if found.status is Status.OPTIMAL else found.status
    status = conclude(pair.peak, found.lower_bound, budget, otherwise)
    return replace(found, order=pair.order, peak=pair.peak, status=status)


def with_arena(network: Network, plan: Plan, placed: Placed) -> Plan:
    """Return the plan with an arena and what has a place in it."""
    return replace(
        plan,
        arena=placed.arena,
        buffers=_buffers(network, placed),
        largest_first_arena=placed.largest_first,
    )


def _buffers(network: Network, placed: Placed) -> tuple[PlacedBuffer, ...]:
    numbers, names = network.numbers, network.problem.names
    return tuple(
        PlacedBuffer(
            name=f"scratch of {names[life.operator or 0]}"
            if life.buffer is None
            else network.buffer_name(life.buffer),
            offset=offset,
            size=life.size,
            birth=life.birth,
            death=life.death,
            operator=None if life.operator is None else numbers[life.operator],
            takes_over=life.takes_over,
            tensors=_tensors(network, life.buffer),
            names=_names(network, life.buffer),
        )
        for life, offset in zip(placed.lives, placed.arena.offsets, strict=True)
    )


def _tensors(network: Network, buffer: int | None) -> tuple[int, ...]:
    """Return the tensors in a buffer; the buffer itself in a network that was given as a problem."""
    if buffer is None:
        return ()
    return (buffer,) if network.sharing is None else network.sharing.tensors_of[buffer]


def _names(network: Network, buffer: int | None) -> tuple[str, ...]:
    """Return the names of the tensors in a buffer, as in the source; in a problem they are empty."""
    content, tensors = network.opened.content, _tensors(network, buffer)
    return tuple(content.graph.tensors[t].name if isinstance(content, Model) else "" for t in tensors)
