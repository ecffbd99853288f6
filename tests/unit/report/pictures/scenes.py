"""Scenes for tests of pictures."""

from __future__ import annotations

from hmcos.allocation.lives import Lives
from hmcos.allocation.planner_table import allocator
from hmcos.limits import Limits, Watch
from hmcos.memory.lifetimes import lifetimes
from hmcos.memory.problem import Problem
from hmcos.plan.plan import OperatorRow
from hmcos.schedulers.scheduler_table import scheduler
from hmcos.tasks.draw.scene import Scene
from networks import FORK

EMPTY = Problem((), (), (), (), (), (), (), ())


def scene(problem: Problem = FORK, *orders: str) -> Scene:
    """A scene of a problem in some orders, with an arena for the last of them."""
    found = tuple(scheduler(name)(problem, Limits(), Watch()) for name in orders)
    arena = None
    if found:
        arena = allocator("auto")(Lives(lifetimes(problem, found[-1].order)), Limits(), Watch())
    return Scene(
        title="fork",
        problem=problem,
        rows=tuple(OperatorRow(2 * i, name, "", "") for i, name in enumerate(problem.names)),
        buffers=tuple(f"buffer {b}" for b in range(len(problem.sizes))),
        schedules=found,
        arena=arena,
    )
