"""Title and legend above a picture, wrapped to its width."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hmcos.report.drawing.layered import Point, Size
from hmcos.report.drawing.letters import width
from hmcos.report.drawing.nested import Picture
from hmcos.report.pictures.sketch import Sketch

MARGIN = 20.0
_TITLE, _LEGEND = 16.0, 12.0
"""Points: sizes of letters."""
_PATCH: Size = (24.0, 14.0)
_LINE = 24.0
_WIDEST = 720.0
"""Points: from here on the legend goes on in another line."""


@dataclass(frozen=True, slots=True)
class Words:
    """A line of words; the corner is where its first letter stands."""

    text: str
    corner: Point
    letters: float


@dataclass(frozen=True, slots=True)
class Patch:
    """A rectangle of a colour."""

    colour: str
    corner: Point
    size: Size


@dataclass(frozen=True, slots=True)
class Heading:
    """Title and legend of a picture, in points from its upper left corner."""

    words: tuple[Words, ...]
    patches: tuple[Patch, ...]
    size: Size


def page_size(picture: Picture, head: Heading) -> Size:
    """Return the size of a picture with its heading and margins."""
    wide = max(picture.size[0], head.size[0]) + 2 * MARGIN
    return wide, picture.size[1] + head.size[1] + 2 * MARGIN


def heading(sketch: Sketch) -> Heading:
    """Return the heading of a sketch."""
    words, patches = [Words(sketch.title, (0.0, 2 * _TITLE), _TITLE)], list[Patch]()
    wide = width(sketch.title, _TITLE)
    x, y = 0.0, 2 * _TITLE + _LINE
    for colour, meaning in _merged(sketch.legend):
        room = _PATCH[0] + 6 + width(meaning, _LEGEND)
        if x and x + room > _WIDEST:
            x, y = 0.0, y + _LINE
        patches.append(Patch(colour, (x, y - _PATCH[1] + 2), _PATCH))
        words.append(Words(meaning, (x + _PATCH[0] + 6, y), _LEGEND))
        x += room + 14
        wide = max(wide, x - 14)
    return Heading(tuple(words), tuple(patches), (wide, y + (_LINE / 2 if sketch.legend else 0.0)))


def _merged(legend: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    """Return a legend in which each colour stands once."""
    return dict(legend).items()
