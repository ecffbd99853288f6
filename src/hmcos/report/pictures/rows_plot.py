"""The arena row by row: time by address, the running operators below, whole tensors beside it."""

from __future__ import annotations

# matplotlib's own types leave keyword arguments open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
from collections.abc import Iterable
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.ticker import FuncFormatter, MaxNLocator

from hmcos.report.pictures.axes import encoded, plain
from hmcos.report.pictures.colours import FAINT, INK, PAPER, PEAK
from hmcos.report.pictures.row_bars import Bar, bars
from hmcos.report.pictures.row_colours import FED, SUMMED, colour, is_dark, ramp
from hmcos.report.words.row_words import arena_words
from hmcos.tasks.draw.row_scene import Band, Block, RowScene

_WIDTH, _HEIGHT = 11.0, 6.4
_WIDE, _HIGH = 0.04, 0.032
"""Least part of the picture's width and height of a rectangle with a label."""
_LETTERS = 120
"""Letters of a label that fit into the whole width."""
_LABELS = 40
"""Largest blocks that may have a label."""
_THICK = 0.02
"""Part of the highest bar from which on a piece of a bar has an edge."""
_MANY = 1200
"""Rectangles from which on lines between them would hide them."""
_Box = tuple[float, float, float, float]
"""Left, right, low, high."""
_STYLE: dict[Any, Any] = {"font.family": "sans-serif", "font.size": 9.5}


def rows(scene: RowScene, form: str) -> bytes:
    """Return the arena of a row plan as a map, with what runs when, and the peak beside whole tensors."""
    with rc_context(_STYLE):
        made = Figure(figsize=(_WIDTH, _HEIGHT), facecolor=PAPER, layout="constrained")
        grid = made.add_gridspec(2, 2, width_ratios=(5.6, 1), height_ratios=(4.2, 1))
        upper = made.add_subplot(grid[0, 0])
        lower = made.add_subplot(grid[1, 0], sharex=upper)
        _map(upper, scene)
        _running(lower, scene)
        _compared(made.add_subplot(grid[0, 1]), scene)
        _legend(made.add_subplot(grid[1, 1]), has_sums=any(band.tensor < 0 for band in scene.bands))
        made.suptitle(plain(scene.title), x=0.008, ha="left", color=INK, fontsize=13, fontweight="bold")
        upper.set_title(plain(arena_words(scene.plan)), loc="left", color=INK, fontsize=10)
        return encoded(made, form)


def _map(axes: Axes, scene: RowScene) -> None:
    plan = scene.plan
    few = len(scene.bands) < _MANY
    _fill(
        axes,
        [(colour(scene, one.operator, one.tensor), _corners(one)) for one in scene.bands],
        PAPER if few else None,
        0.35 if few else 0.1,
    )
    axes.axhline(plan.arena, color=INK, linewidth=1.1)
    if plan.peak < plan.arena:
        axes.axhline(plan.peak, color=PEAK, linestyle="--", linewidth=1)
    moment = scene.peak_moment + 0.5
    axes.axvline(moment, color=PEAK, linewidth=0.8, alpha=0.8)
    axes.plot([moment], [1.012 * plan.arena], "v", color=PEAK, markersize=6, clip_on=False, zorder=5)
    for block in scene.blocks[:_LABELS]:
        _label(axes, scene, block)
    _plain_axes(axes)
    axes.set_xlim(0, scene.steps)
    axes.set_ylim(0, 1.025 * plan.arena or 1)
    axes.set_ylabel("address in the arena (bytes)", color=INK)
    _thousands(axes.yaxis)
    axes.tick_params(labelbottom=False)


def _label(axes: Axes, scene: RowScene, block: Block) -> None:
    wide = (block.death - block.birth) / scene.steps
    if wide < _WIDE or block.size < _HIGH * scene.plan.arena:
        return
    operator = scene.operator(block.operator)
    name = "input" if operator is None or operator.number < 0 else operator.title
    shade = colour(scene, block.operator)
    axes.text(
        (block.birth + block.death) / 2,
        block.middle,
        plain(name if len(name) < _LETTERS * wide or operator is None else f"#{operator.number}"),
        ha="center",
        va="center",
        fontsize=7.5,
        color=PAPER if is_dark(shade) else INK,
        clip_on=True,
    )


def _running(axes: Axes, scene: RowScene) -> None:
    """Draw which operator runs at each step, from the first at the top to the last."""
    boxes: list[tuple[str, _Box]] = []
    for operator, start, end in scene.runs:
        place = scene.place.get(operator, -1) + 1
        boxes.append((colour(scene, operator), (start, end, place, place + 1)))
    _fill(axes, boxes, None, 0.5)
    axes.axvline(scene.peak_moment + 0.5, color=PEAK, linewidth=0.8, alpha=0.8)
    _plain_axes(axes)
    axes.set_ylim(len(scene.place) + 1, 0 if scene.plan.by_rows else 1)
    axes.set_ylabel("operators", color=INK)
    axes.set_xlabel("row steps: each makes one row of one tensor", color=INK)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    _thousands(axes.xaxis)


def _compared(axes: Axes, scene: RowScene) -> None:
    """Draw the least memory of whole tensors beside that of rows, to one scale."""
    shown = bars(scene)
    highest = max(bar.size for bar in shown)
    for x, bar in enumerate(shown):
        _bar(axes, scene, (x, highest), bar)
    axes.set_xlim(-0.6, len(shown) - 0.4)
    axes.set_ylim(0, highest * 1.1 or 1)
    axes.set_xticks(range(len(shown)), [bar.name for bar in shown], color=INK, fontsize=8.5)
    axes.set_yticks([])
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines[["bottom"]].set_color(FAINT)
    axes.tick_params(length=0)
    axes.set_title("live at the peak", color=INK, fontsize=9, loc="center")


def _bar(axes: Axes, scene: RowScene, place: tuple[int, int], bar: Bar) -> None:
    x, highest = place
    low = 0
    for operator, size in bar.parts:
        shade = colour(scene, operator)
        line = 0.5 if size > _THICK * highest else 0.0
        axes.bar([x], [size], bottom=[low], width=0.72, color=shade, edgecolor=PAPER, linewidth=line)
        low += size
    if low < bar.size:
        axes.bar([x], [bar.size - low], bottom=[low], width=0.72, color=PAPER, edgecolor=FAINT, linestyle=":")
    axes.annotate(
        f"{bar.size:,}",
        (x, bar.size),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        fontsize=9,
        fontweight="bold",
        color=PEAK if bar.is_result else INK,
    )


def _legend(axes: Axes, *, has_sums: bool) -> None:
    axes.axis("off")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    parts = 48
    axes.imshow(
        [list(range(parts))], cmap=ListedColormap(ramp(parts)), aspect="auto", extent=(0.02, 0.98, 0.78, 0.94)
    )
    axes.text(0.02, 0.7, "first layer", ha="left", va="top", fontsize=8, color=INK)
    axes.text(0.98, 0.7, "last", ha="right", va="top", fontsize=8, color=INK)
    lines = [(0.36, FED, "input"), *([(0.14, SUMMED, "sums of a pool or mean")] if has_sums else [])]
    for y, shade, words in lines:
        axes.add_patch(_swatch(y, shade))
        axes.text(0.17, y + 0.01, words, ha="left", va="center", fontsize=8, color=INK)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)


def _swatch(y: float, shade: str) -> Any:

    return Rectangle((0.02, y - 0.06), 0.1, 0.13, facecolor=shade, edgecolor=FAINT, linewidth=0.4)


def _fill(axes: Axes, boxes: Iterable[tuple[str, _Box]], edge: str | None, width: float) -> None:
    """Draw boxes, all of one colour as one path: files are a fifth as large, and drawn as fast."""
    of_colour: dict[str, list[Path]] = {}
    for shade, (left, right, low, high) in boxes:
        corners = [(left, low), (right, low), (right, high), (left, high), (left, low)]
        of_colour.setdefault(shade, []).append(Path(corners, closed=True))
    for shade, paths in of_colour.items():
        whole = Path.make_compound_path(*paths)
        axes.add_patch(PathPatch(whole, facecolor=shade, edgecolor=edge or shade, linewidth=width))


def _corners(band: Band) -> _Box:
    return band.birth, band.death, band.offset, band.offset + band.size


def _plain_axes(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["bottom", "left"]].set_color(FAINT)
    axes.tick_params(colors=INK)


def _thousands(axis: Any) -> None:
    axis.set_major_formatter(FuncFormatter(_with_commas))


def _with_commas(value: float, _: int | None) -> str:
    return f"{value:,.0f}"
