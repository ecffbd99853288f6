"""A scene: the data of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from hmcos.memory.lifetimes import Life, lifetimes, live_at_peak
from hmcos.memory.problem import Problem
from hmcos.memory.profile import Profile, profile
from hmcos.network.lowering import Network
from hmcos.plan.arena import Arena
from hmcos.plan.plan import OperatorRow, Source
from hmcos.plan.schedule import Schedule
from hmcos.tasks.schedule.solved import Solved
from hmcos.words import shortened

NAMED = 32
"""Most characters of a network's name in a title."""


@dataclass(frozen=True)
class Scene:
    """A network, the orders to show, and an arena for the last of them."""

    title: str
    problem: Problem
    rows: tuple[OperatorRow, ...]
    """Per operator of the problem: how to find it in the source."""
    buffers: tuple[str, ...]
    """Per buffer: the name of the tensor that it was made for."""
    schedules: tuple[Schedule, ...] = ()
    """The orders to show side by side; the last one is the result. Empty if no order is shown."""
    arena: Arena | None = None
    """For the lives of the result; None if no arena is shown."""

    @property
    def result(self) -> Schedule:
        """The order to show; only the plot of memory over time also shows the other orders."""
        return self.schedules[-1]

    @cached_property
    def profile(self) -> Profile:
        """Memory along the result."""
        return profile(self.problem, self.result.order)

    @cached_property
    def lives(self) -> tuple[Life, ...]:
        """The lives along the result."""
        return lifetimes(self.problem, self.result.order)

    @cached_property
    def steps(self) -> tuple[int, ...]:
        """Per operator: its step in the result; empty if no order is shown."""
        if not self.schedules:
            return ()
        steps = [0] * self.problem.operators
        for step, op in enumerate(self.result.order):
            steps[op] = step
        return tuple(steps)

    @cached_property
    def peak_moment(self) -> int:
        """The first step at which the result reaches its peak; 0 also when that is before it."""
        return max(self.profile.peak_step, 0)

    @cached_property
    def live_at_peak(self) -> tuple[int, ...]:
        """Indices of the lives at the first moment of the peak of the result, largest first."""
        return live_at_peak(self.problem, self.profile.peak_step, self.lives)

    @cached_property
    def buffers_at_peak(self) -> frozenset[int]:
        """The buffers that are live at the first moment of the peak of the result."""
        live = (self.lives[i].buffer for i in self.live_at_peak)
        return frozenset(buffer for buffer in live if buffer is not None)

    def kind(self, op: int) -> str:
        """Return the label of an operator in a picture: its kind, or else its name (which may be empty)."""
        return self.rows[op].kind or self.rows[op].name


def scene_of(source: Source, network: Network) -> Scene:
    """Return a network as a scene without an order."""
    return Scene(
        title=f"{shortened(Path(source.name).name, NAMED)}, target {network.target.name}",
        problem=network.problem,
        rows=tuple(network.rows[number] for number in network.numbers),
        buffers=network.buffer_names,
    )


def scene_with(solved: Solved, others: Sequence[Schedule] = ()) -> Scene:
    """Return a scene of the order of a plan, with its arena if there is one, and other orders beside it."""
    scene = scene_of(solved.opened.source, solved.network)
    return replace(scene, schedules=(*others, solved.plan.schedule), arena=solved.plan.arena)
