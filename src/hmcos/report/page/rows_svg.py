"""The arena row by row as SVG within a page: the same picture as `hmcos draw` makes, to point at."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from hmcos.report.pictures.row_colours import colour, is_dark
from hmcos.tasks.draw.row_scene import Band, Block, RowScene
from hmcos.words import printable

_WIDTH, _HIGH, _LOW = 1000.0, 400.0, 90.0
"""Units of the drawing: its width, and the heights of the map and of the running operators below."""
_LEFT, _TOP, _GAP, _BOTTOM = 62.0, 12.0, 14.0, 34.0
_TICKS = 6
_MANY = 1200
"""Rectangles from which on lines between them would hide them."""
_LETTER = 6.2
"""Units that a letter of a label takes."""
_LABEL = 13.0
"""Units of height that a label takes."""


def rows_svg(scene: RowScene) -> str:
    """Return the picture as an SVG element; one path per operator, whose title a pointer shows."""
    width, height = _LEFT + _WIDTH + 8, _TOP + _HIGH + _GAP + _LOW + _BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" id="rows" role="img" '
        f'aria-label="A rectangle for every row: steps across, addresses up" data-left="{_LEFT:g}" '
        f'data-width="{_WIDTH:g}">',
        *_ticks(scene),
        *_map(scene),
        *_running(scene),
        *_lines(scene),
        "</svg>",
    ]
    return "\n".join(parts)


def title_of(scene: RowScene, operator: int) -> str:
    """Return what makes rows, in words: "CONV_2D 3", "input"."""
    found = scene.operator(operator)
    return "input" if found is None or found.number < 0 else printable(found.title)


def _map(scene: RowScene) -> Iterator[str]:
    edge = ' class="few"' if len(scene.bands) < _MANY else ""
    of_maker: dict[tuple[int, bool], list[Band]] = {}
    for band in scene.bands:
        of_maker.setdefault((band.operator, band.tensor < 0), []).append(band)
    yield f"<g{edge}>"
    for (operator, sums), bands in of_maker.items():
        path = "".join(_box(scene, band) for band in bands)
        name = ("sums of " if sums else "") + title_of(scene, operator)
        shade = colour(scene, operator)
        fill = 'class="sums"' if sums else f'fill="{shade}"'
        yield f'<path {fill} d="{path}"><title>{escape(name)}</title></path>'
    yield "</g>"
    for block in scene.blocks[:40]:
        yield from _label(scene, block)


def _label(scene: RowScene, block: Block) -> Iterator[str]:
    wide = _x(scene, block.death) - _x(scene, block.birth)
    found = scene.operator(block.operator)
    names = [title_of(scene, block.operator), *([f"#{found.number}"] if found else [])]
    name = next((one for one in names if _LETTER * (len(one) + 1) < wide), None)
    if name is None or block.size * _HIGH / max(1, scene.plan.arena) < _LABEL:
        return
    x, y = (_x(scene, block.birth) + _x(scene, block.death)) / 2, _y(scene, block.middle) + 3.5
    ink = "light" if is_dark(colour(scene, block.operator)) else "dark"
    yield f'<text class="label {ink}" x="{x:.1f}" y="{y:.1f}">{escape(name)}</text>'


def _running(scene: RowScene) -> Iterator[str]:
    """Yield which operator runs at each step, the first at the top."""
    top, each = _TOP + _HIGH + _GAP, _LOW / (len(scene.place) + 1)
    of_operator: dict[int, list[str]] = {}
    for operator, start, end in scene.runs:
        x, y = _x(scene, start), top + each * (scene.place.get(operator, -1) + 1)
        wide = _x(scene, end) - x
        of_operator.setdefault(operator, []).append(f"M{x:.1f} {y:.1f}h{wide:.2f}v{each:.2f}h-{wide:.2f}z")
    for operator, paths in of_operator.items():
        shade, name = colour(scene, operator), escape(title_of(scene, operator))
        yield f'<path fill="{shade}" stroke="{shade}" d="{"".join(paths)}"><title>{name}</title></path>'


def _ticks(scene: RowScene) -> Iterator[str]:
    plan, bottom = scene.plan, _TOP + _HIGH + _GAP + _LOW
    for size in _round(plan.arena):
        y = _y(scene, size)
        yield f'<line class="grid" x1="{_LEFT:g}" x2="{_LEFT + _WIDTH:g}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="tick right" x="{_LEFT - 6:g}" y="{y + 4:.1f}">{size:,}</text>'
    for step in _round(scene.steps):
        yield f'<text class="tick" x="{_x(scene, step):.1f}" y="{bottom + 14:g}">{step:,}</text>'
    middle = _LEFT + _WIDTH / 2
    words = "row steps: each makes one row of one tensor"
    yield f'<text class="tick" x="{middle:g}" y="{bottom + 30:g}">{words}</text>'


def _lines(scene: RowScene) -> Iterator[str]:
    x, bottom = _x(scene, scene.peak_moment + 0.5), _TOP + _HIGH + _GAP + _LOW
    yield f'<line class="top" x1="{_LEFT:g}" x2="{_LEFT + _WIDTH:g}" y1="{_TOP:g}" y2="{_TOP:g}"/>'
    if scene.plan.peak < scene.plan.arena:
        y = _y(scene, scene.plan.peak)
        yield f'<line class="peak dashed" x1="{_LEFT:g}" x2="{_LEFT + _WIDTH:g}" y1="{y:.1f}" y2="{y:.1f}"/>'
    yield f'<line class="peak" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 8:g}" y2="{bottom:g}"/>'
    yield f'<line id="rows-cursor" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP:g}" y2="{bottom:g}"/>'


def _box(scene: RowScene, band: Band) -> str:
    x, y = _x(scene, band.birth), _y(scene, band.offset + band.size)
    wide, high = _x(scene, band.death) - x, _y(scene, band.offset) - y
    return f"M{x:.1f} {y:.1f}h{wide:.2f}v{high:.2f}h-{wide:.2f}z"


def _x(scene: RowScene, step: float) -> float:
    return _LEFT + _WIDTH * step / scene.steps


def _y(scene: RowScene, address: float) -> float:
    return _TOP + _HIGH * (1 - address / max(1, scene.plan.arena))


def _round(most: int) -> range:
    """Return some round numbers from 0 up to the most."""
    each = 1
    while most / each > _TICKS:
        each = each * 5 // 2 if str(each).startswith("2") else each * 2
    return range(0, most + 1, each)
