"""The arena as a map: a rectangle per life, time by address."""

from __future__ import annotations

# matplotlib's own types leave keyword arguments open.
# pyright: reportUnknownMemberType=false
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.patches import Patch

from hmcos.limits import Status
from hmcos.memory.lifetimes import Life
from hmcos.plan.arena import Arena
from hmcos.report.pictures.axes import encoded, figure, plain, unit
from hmcos.report.pictures.colours import FAINT, INK, PAPER, PEAK, SHADES, shading
from hmcos.report.pictures.marks import shown
from hmcos.report.words.sizes import brief
from hmcos.tasks.draw.scene import Scene

_LISTED = 12
"""Most lives at the peak to list by name."""
_LEGIBLE = 0.03
"""Least height of a rectangle with a number in it, as a fraction of the arena."""


def arena(scene: Scene, form: str) -> bytes:
    """Return the map of the arena; what is live at the peak is framed, numbered and listed."""
    placed = scene.arena
    assert placed is not None, "a scene for this picture has an arena"
    made, axes = figure(f"{scene.title}: arena by {placed.allocator}")
    bytes_each, name = unit(placed.size)
    shades = shading(life.size for life in scene.lives)
    framed = frozenset(scene.live_at_peak)
    axes.add_collection(
        PolyCollection(
            [_corners(life, offset / bytes_each, bytes_each) for life, offset in _placed(scene, placed)],
            facecolors=[shades.shade(life.size) for life in scene.lives],
            edgecolors=[PEAK if i in framed else FAINT for i in range(len(scene.lives))],
            linewidths=[0.9 if i in framed else 0.15 for i in range(len(scene.lives))],
        )
    )
    axes.axvline(scene.peak_moment + 0.5, color=PEAK, linewidth=1)
    axes.axhline(placed.size / bytes_each, color=INK, linewidth=1)
    axes.axhline(scene.profile.peak / bytes_each, color=PEAK, linestyle="--", linewidth=1)
    _number(axes, scene, placed, bytes_each)
    axes.set_xlim(0, max(1, scene.problem.operators))
    axes.set_ylim(0, 1.04 * placed.size / bytes_each or 1)
    axes.set_ylabel(f"address ({name})", color=INK)
    handles = [Patch(facecolor=colour, edgecolor=FAINT, label=words) for colour, words in shades.legend]
    made.legend(handles=handles, loc="outside lower center", ncols=len(SHADES), frameon=False, labelcolor=INK)
    made.legend(
        handles=[Patch(visible=False, label=line) for line in _lines(scene, placed)],
        loc="outside right upper",
        frameon=False,
        labelcolor=INK,
        handlelength=0,
        handletextpad=0,
        fontsize=8.5,
    )
    return encoded(made, form)


def _placed(scene: Scene, placed: Arena) -> list[tuple[Life, int]]:
    return list(zip(scene.lives, placed.offsets, strict=True))


def _corners(life: Life, low: float, bytes_each: int) -> list[tuple[float, float]]:
    high = low + life.size / bytes_each
    return [(life.birth, low), (life.death, low), (life.death, high), (life.birth, high)]


def _number(axes: Axes, scene: Scene, placed: Arena, bytes_each: int) -> None:
    """Write the numbers of the list into the rectangles, beside the moment's line where these are narrow."""
    moment, steps = scene.peak_moment + 0.5, scene.problem.operators
    shift, side = (-6, "right") if moment > steps / 2 else (6, "left")
    for number, i in enumerate(scene.live_at_peak[:_LISTED], 1):
        life = scene.lives[i]
        if life.size >= _LEGIBLE * placed.size:
            wide = life.death - life.birth >= _LEGIBLE * steps
            middle = (placed.offsets[i] + life.size / 2) / bytes_each
            axes.annotate(
                str(number),
                ((life.birth + life.death) / 2 if wide else moment, middle),
                xytext=(0 if wide else shift, 0),
                ha="center" if wide else side,
                textcoords="offset points",
                va="center",
                fontsize=8.5,
                color=PEAK,
                bbox={"boxstyle": "round,pad=0.15", "facecolor": PAPER, "edgecolor": "none", "alpha": 0.85},
            )


def _lines(scene: Scene, placed: Arena) -> Sequence[str]:
    proved = ", proved least" if placed.status is Status.OPTIMAL else ""
    proved = ", at most" if placed.status is Status.AT_MOST else proved
    live = scene.live_at_peak
    rest = sum(scene.lives[i].size for i in live[_LISTED:])
    return [
        f"arena (solid line): {brief(placed.size)}{proved}",
        f"peak (dashed line): {brief(scene.profile.peak)}",
        "",
        f"live at the peak, step {scene.peak_moment}:",
        *(
            f"{number:>2}  {brief(scene.lives[i].size)}  {plain(shown(_name(scene, scene.lives[i])))}"
            for number, i in enumerate(live[:_LISTED], 1)
        ),
        *([f"     {brief(rest)} in {len(live) - _LISTED} more"] if live[_LISTED:] else []),
    ]


def _name(scene: Scene, life: Life) -> str:
    if life.buffer is not None:
        return scene.buffers[life.buffer]
    return f"scratch of {scene.kind(life.operator or 0)}"
