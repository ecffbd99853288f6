"""A picture of a graph as SVG (https://www.w3.org/TR/SVG11), written as it stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from hmcos.report.drawing.heading import MARGIN, Heading, heading, page_size
from hmcos.report.drawing.layered import Point
from hmcos.report.drawing.letters import LINE
from hmcos.report.drawing.nested import CAPTION, LETTERS, Box, Framed, Picture, Route, label_lines
from hmcos.report.drawing.strokes import bends, drawing_order, is_curved, tip
from hmcos.report.pictures.colours import FAINT, INK, PAPER
from hmcos.words import printable


def svg(picture: Picture) -> str:
    """Return a picture as SVG; its names are text, and pointing at something tells what it is."""
    head = heading(picture.sketch)
    wide, high = page_size(picture, head)
    shift = (wide - picture.size[0]) / 2, head.size[1] + MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide:.0f}pt" height="{high:.0f}pt" '
        f'viewBox="0 0 {wide:.1f} {high:.1f}" font-family="Helvetica, Arial, sans-serif" '
        'xml:space="preserve">',
        f'<rect width="100%" height="100%" fill="{PAPER}"/>',
        *_heading(head, (wide - head.size[0]) / 2),
        f'<g transform="translate({shift[0]:.1f} {shift[1]:.1f})" text-anchor="middle" '
        f'font-size="{LETTERS:g}">',
        *map(_frame, picture.frames),
        *(line for route in drawing_order(picture.routes) for line in _edge(route, picture.sketch.sideways)),
        *map(_box, picture.boxes),
        "</g>",
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _heading(head: Heading, left: float) -> Iterator[str]:
    for words in head.words:
        x, y = words.corner
        yield _text(words.text, (left + x, y), f'font-size="{words.letters:g}" fill="{INK}"')
    for patch in head.patches:
        x, y = patch.corner
        yield (
            f'<rect x="{left + x:.1f}" y="{y:.1f}" width="{patch.size[0]:g}" height="{patch.size[1]:g}" '
            f'fill="{patch.colour}" stroke="{FAINT}"/>'
        )


def _frame(frame: Framed) -> str:
    look, (x, y), (wide, high) = frame.cluster.attributes, frame.corner, frame.size
    filled = look.get("fillcolor", "none")
    dashes = ' stroke-dasharray="5 3"' if "dashed" in str(look.get("style")) else ""
    caption = str(look.get("label", ""))
    letters = f'text-anchor="start" font-size="{CAPTION:g}" fill="{INK}"'
    words = _text(caption, (x + 8, y + CAPTION * LINE), letters)
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}" rx="8" fill="{filled}" '
        f'stroke="{look.get("color", FAINT)}"{dashes}/>{words if caption else ""}'
    )


def _edge(route: Route, sideways: bool) -> Iterator[str]:
    look = route.edge.attributes
    colour, thick = look.get("color", FAINT), look.get("penwidth", 1)
    dashes = ' stroke-dasharray="4 3"' if look.get("style") == "dashed" else ""
    way = _way(bends(route.points, sideways))
    line = f'<path d="{way}" fill="none" stroke="{colour}" stroke-width="{thick}"{dashes}/>'
    yield _told(line + _arrow(route, sideways, str(colour)), look.get("tooltip"))


def _way(pieces: Iterable[Sequence[Point]]) -> str:
    """Return pieces of a line, of one, two or four points, as the path that SVG knows."""
    words: list[str] = []
    for piece in pieces:
        letter = "M" if not words else "C" if is_curved(piece) else "L"
        words.append(letter + " ".join(f"{x:.1f},{y:.1f}" for x, y in piece[-3 if letter == "C" else -1 :]))
    return "".join(words)


def _arrow(route: Route, sideways: bool, colour: str) -> str:
    if route.edge.attributes.get("dir") == "none":
        return ""
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in tip(route.points[-1], sideways))
    return f'<polygon points="{corners}" fill="{colour}"/>'


def _box(box: Box) -> str:
    look, (x, y), (wide, high) = box.node.attributes, box.middle, box.size
    shape = look.get("shape", "box")
    paint = (
        f'fill="{look.get("fillcolor", PAPER)}" stroke="{look.get("color", FAINT)}" '
        f'stroke-width="{look.get("penwidth", 1)}"'
    )
    if shape == "ellipse":
        drawn = f'<ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{wide / 2:.1f}" ry="{high / 2:.1f}" {paint}/>'
    elif shape == "plaintext":
        drawn = f'<rect x="{x - wide / 2:.1f}" y="{y - high / 2:.1f}" width="{wide:.1f}" height="{high:.1f}" '
        drawn += f'fill="{PAPER}" fill-opacity="0.8"/>'
    else:
        drawn = f'<rect x="{x - wide / 2:.1f}" y="{y - high / 2:.1f}" width="{wide:.1f}" height="{high:.1f}" '
        drawn += f'rx="7" {paint}/>'
    ink = f'fill="{look.get("fontcolor", INK)}"'
    texts = (_text(words, (x, at), ink) for words, at in label_lines(box))
    return _told(drawn + "".join(texts), look.get("tooltip"))


def _text(words: str, at: Point, look: str) -> str:
    return f'<text x="{at[0]:.1f}" y="{at[1]:.1f}" {look}>{escape(printable(words))}</text>'


def _told(drawn: str, words: object) -> str:
    """Return what is drawn with words that a pointer shows."""
    title = f"<title>{escape(printable(str(words)))}</title>" if words else ""
    return f"<g>{title}{drawn}</g>"
