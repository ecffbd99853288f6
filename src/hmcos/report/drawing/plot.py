"""A picture of a graph drawn by matplotlib, for the forms that cannot be written as text."""

from __future__ import annotations

# matplotlib's own types leave keyword arguments open.
# pyright: reportUnknownMemberType=false
from math import sqrt

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, FancyBboxPatch, Patch, PathPatch, Polygon, Rectangle
from matplotlib.path import Path

from hmcos.report.drawing.heading import MARGIN, Heading, heading, page_size
from hmcos.report.drawing.layered import Point
from hmcos.report.drawing.letters import LINE
from hmcos.report.drawing.nested import CAPTION, LETTERS, Box, Framed, Picture, Route, label_lines
from hmcos.report.drawing.strokes import bends, drawing_order, is_curved, tip
from hmcos.report.pictures.axes import encoded, plain
from hmcos.report.pictures.colours import FAINT, INK, PAPER

_POINTS = 72.0
"""Per inch."""
_LARGEST = 14_000.0
"""Points: larger pages are refused by readers of PDF, so that larger pictures are made smaller."""
_SHARP, _PIXELS, _SIDE = 120.0, 4e7, 6e4
"""Pixels per inch of a PNG, in all, and along a side: at most."""


def plot(picture: Picture, form: str) -> bytes:
    """Return a picture as pdf or png."""
    head = heading(picture.sketch)
    wide, high = page_size(picture, head)
    scale = min(1.0, _LARGEST / max(wide, high))
    inches = wide * scale / _POINTS, high * scale / _POINTS
    made = Figure(figsize=inches, facecolor=PAPER)
    axes = made.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_xlim(0, wide)
    axes.set_ylim(high, 0)
    _heading(axes, head, (wide - head.size[0]) / 2, scale)
    pen = _Pen(axes, ((wide - picture.size[0]) / 2, head.size[1] + MARGIN), scale)
    for frame in picture.frames:
        pen.frame(frame)
    for route in drawing_order(picture.routes):
        pen.edge(route, picture.sketch.sideways)
    for box in picture.boxes:
        pen.box(box)
    sharp = min(_SHARP, sqrt(_PIXELS / (inches[0] * inches[1])), _SIDE / max(inches))
    return encoded(made, form, sharp)


def _heading(axes: Axes, head: Heading, left: float, scale: float) -> None:
    for words in head.words:
        x, y = words.corner
        axes.text(left + x, y, plain(words.text), fontsize=words.letters * scale, color=INK)
    for patch in head.patches:
        x, y = patch.corner
        axes.add_artist(
            Rectangle((left + x, y), *patch.size, facecolor=patch.colour, edgecolor=FAINT, linewidth=scale)
        )


class _Pen:
    """Draws parts of a picture where they belong on the page."""

    # Artists instead of patches: axes would measure each patch to find limits, which are known.

    def __init__(self, axes: Axes, shift: Point, scale: float) -> None:
        self._axes, self._shift, self._scale = axes, shift, scale

    def _at(self, point: Point) -> Point:
        return point[0] + self._shift[0], point[1] + self._shift[1]

    def frame(self, frame: Framed) -> None:
        look, (wide, high), (x, y) = frame.cluster.attributes, frame.size, self._at(frame.corner)
        filled = str(look.get("fillcolor", "none"))
        style = "dashed" if "dashed" in str(look.get("style")) else "solid"
        self._rounded((x, y), (wide, high), 8, filled, str(look.get("color", FAINT))).set_linestyle(style)
        if caption := str(look.get("label", "")):
            self._axes.text(
                x + 8, y + CAPTION * LINE, plain(caption), fontsize=CAPTION * self._scale, color=INK
            )

    def edge(self, route: Route, sideways: bool) -> None:
        look = route.edge.attributes
        colour, thick = str(look.get("color", FAINT)), float(look.get("penwidth", 1)) * self._scale
        style = "dashed" if look.get("style") == "dashed" else "solid"
        way = self._way(route, sideways)
        self._axes.add_artist(PathPatch(way, fill=False, edgecolor=colour, linewidth=thick, linestyle=style))
        if look.get("dir") != "none":
            corners = [self._at(point) for point in tip(route.points[-1], sideways)]
            self._axes.add_artist(Polygon(corners, closed=True, facecolor=colour, edgecolor="none"))

    def _way(self, route: Route, sideways: bool) -> Path:
        points: list[Point] = []
        codes: list[int] = []
        for piece in bends(route.points, sideways):
            new = piece if not points else piece[1:]
            code = Path.MOVETO if not points else Path.CURVE4 if is_curved(piece) else Path.LINETO
            points += map(self._at, new)
            codes += [int(code)] * len(new)
        return Path(points, codes)

    def box(self, box: Box) -> None:
        look, (wide, high), (x, y) = box.node.attributes, box.size, self._at(box.middle)
        shape, corner = look.get("shape", "box"), (x - wide / 2, y - high / 2)
        filled, edge = str(look.get("fillcolor", PAPER)), str(look.get("color", FAINT))
        thick = float(look.get("penwidth", 1)) * self._scale
        if shape == "ellipse":
            self._axes.add_artist(
                Ellipse((x, y), wide, high, facecolor=filled, edgecolor=edge, linewidth=thick)
            )
        elif shape == "plaintext":
            self._axes.add_artist(Rectangle(corner, wide, high, facecolor=PAPER, alpha=0.8))
        else:
            self._rounded(corner, (wide, high), 7, filled, edge).set_linewidth(thick)
        letters, ink = LETTERS * self._scale, str(look.get("fontcolor", INK))
        for words, at in label_lines(box):
            self._axes.text(x, at + self._shift[1], plain(words), fontsize=letters, color=ink, ha="center")

    def _rounded(self, corner: Point, size: Point, radius: float, filled: str, edge: str) -> Patch:
        style = f"round,pad=0,rounding_size={radius}"
        made = FancyBboxPatch(corner, *size, boxstyle=style, facecolor=filled, edgecolor=edge)
        made.set_linewidth(self._scale)
        self._axes.add_artist(made)
        return made
