"""Memory over time, several orders at once."""

from __future__ import annotations

# matplotlib's own types leave keyword arguments open.
# pyright: reportUnknownMemberType=false
from collections.abc import Sequence

from matplotlib.axes import Axes

from hmcos.limits import Status
from hmcos.memory.profile import Profile, profile
from hmcos.plan.schedule import Schedule
from hmcos.report.pictures.axes import encoded, figure, unit
from hmcos.report.pictures.colours import FAINT, INK
from hmcos.report.words.sizes import brief
from hmcos.tasks.draw.scene import Scene

_COLOURS = ("#9aa3ab", "#e08a1e", "#1b6fb5")
"""The last one is the result's."""
_WORDS = {"given": "file order", "rpo": "reverse post-order"}


def memory(scene: Scene, form: str) -> bytes:
    """Return the running memory of every order over its steps, with peaks and lower bound as lines."""
    made, axes = figure(f"{scene.title}: memory over time")
    along = [profile(scene.problem, found.order) for found in scene.schedules]
    bytes_each, name = unit(max(one.peak for one in along))
    colours = _COLOURS[-len(along) :]
    for found, one, colour in zip(scene.schedules, along, colours, strict=True):
        _curve(axes, (found, one), colour, bytes_each)
    bound = scene.result.lower_bound
    axes.axhline(
        bound / bytes_each, color=INK, linestyle=":", linewidth=1.6, label=f"lower bound: {brief(bound)}"
    )
    axes.set_ylabel(f"memory in use ({name})", color=INK)
    axes.set_xlim(0, max(1, scene.problem.operators))
    axes.set_ylim(0, 1.06 * max(one.peak for one in along) / bytes_each or 1)
    axes.grid(axis="y", color=FAINT, alpha=0.25)
    made.legend(loc="outside lower center", ncols=2 if len(along) > 1 else 1, frameon=False, labelcolor=INK)
    return encoded(made, form)


def _curve(axes: Axes, order: tuple[Schedule, Profile], colour: str, bytes_each: int) -> None:
    found, along = order
    is_result = colour == _COLOURS[-1]
    heights = _scaled(along.running or (along.start,), bytes_each)
    edges = range(len(heights) + 1)
    words = _WORDS.get(found.scheduler, found.title)
    proved = ", proved least" if found.status is Status.OPTIMAL else ""
    proved = ", at most" if found.status is Status.AT_MOST else proved
    axes.stairs(
        heights,
        edges,
        color=colour,
        linewidth=1.6 if is_result else 1.0,
        label=f"{words}: peak {brief(along.peak)}{proved}",
        baseline=None,
    )
    if is_result:
        axes.stairs(heights, edges, color=colour, fill=True, alpha=0.15)
    peak = along.peak / bytes_each
    axes.axhline(peak, color=colour, linestyle="--", linewidth=0.9)
    axes.plot([max(along.peak_step, 0) + 0.5], [peak], "o", color=colour, markersize=5)


def _scaled(sizes: Sequence[int], bytes_each: int) -> list[float]:
    return [size / bytes_each for size in sizes]
