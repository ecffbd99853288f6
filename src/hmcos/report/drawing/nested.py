"""A sketch with a place for everything: frames are laid out by themselves, then as boxes among others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from hmcos.report.drawing.layered import Layered, Point, Size, layered
from hmcos.report.drawing.letters import LINE, width
from hmcos.report.drawing.ranks import Arrow
from hmcos.report.pictures.sketch import Edge, Group, Sketch, SketchNode

LETTERS = 11.0
"""Points: the size of the letters in boxes."""
CAPTION = 12.0
"""Points: the size of the letters in frames."""
_BESIDE, _ABOVE, _LOWEST = 8.0, 4.0, 22.0
"""Points between words and the edge of their box, and how high a box is at least."""
_ROUND = 1.35
"""An ellipse is larger than the words in it."""
_PADDING = 12.0


@dataclass(frozen=True, slots=True)
class Box:
    """A node and where it is."""

    node: SketchNode
    middle: Point
    size: Size


@dataclass(frozen=True, slots=True)
class Framed:
    """A frame and where it is."""

    cluster: Group
    corner: Point
    size: Size


@dataclass(frozen=True, slots=True)
class Route:
    """An edge and the points it goes through."""

    edge: Edge
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A sketch with a place for everything, in points of paper from the upper left corner."""

    sketch: Sketch
    boxes: tuple[Box, ...]
    frames: tuple[Framed, ...]
    """Outer ones first."""
    routes: tuple[Route, ...]
    size: Size


@dataclass(slots=True)
class _Placed:
    """What is in one frame, from its upper left corner."""

    boxes: list[Box]
    frames: list[Framed]
    passing: dict[int, list[Point]]
    """Edge, by number: the points between its ends."""
    size: Size


Path = tuple[int, ...]
"""Position of a node: per frame from the outermost, the index of the node or of the frame around it."""


def placed(sketch: Sketch) -> Picture:
    """Return a sketch with a place for each box, frame and edge; edges go down, or right if it asks."""
    whole = replace(sketch, statements=tuple(_labels_as_nodes(sketch)))
    paths = dict(_paths(whole.members, ()))
    joined: dict[Path, list[int]] = {}
    for number, edge in enumerate(whole.edges):
        joined.setdefault(_frame_of(paths[edge.tail], paths[edge.head]), []).append(number)
    whole_frame = _Nesting(whole, paths, joined).level(whole.members, ())
    boxes = {box.node.name: box for box in whole_frame.boxes}
    routes = (
        Route(edge, (_end(boxes[edge.tail], 1), *whole_frame.passing[number], _end(boxes[edge.head], -1)))
        for number, edge in enumerate(whole.edges)
    )
    picture = Picture(
        whole, tuple(whole_frame.boxes), tuple(whole_frame.frames), tuple(routes), whole_frame.size
    )
    return _turned(picture) if sketch.sideways else picture


def box_size(node: SketchNode) -> Size:
    """Return the room that a node takes for its label."""
    lines = str(node.attributes.get("label", "")).split("\n")
    wide = max(width(line, LETTERS) for line in lines) + 2 * _BESIDE
    high = max(_LOWEST, len(lines) * LETTERS * LINE + 2 * _ABOVE)
    return (wide * _ROUND, high * _ROUND) if node.attributes.get("shape") == "ellipse" else (wide, high)


def label_lines(box: Box) -> Iterator[tuple[str, float]]:
    """Yield the lines of a box's label, and how far down each stands."""
    lines = str(box.node.attributes.get("label", "")).split("\n")
    first = box.middle[1] - (len(lines) - 1) * LETTERS * LINE / 2 + LETTERS * 0.35
    for place, words in enumerate(lines):
        yield words, first + place * LETTERS * LINE


@dataclass(frozen=True, slots=True)
class _Nesting:
    """Frames within frames: each is laid out by itself, and is a box in the one around it."""

    sketch: Sketch
    paths: dict[str, Path]
    joined: dict[Path, list[int]]
    """Per frame: the edges between two of its members, by number."""

    def level(self, members: Sequence[SketchNode | Group], here: Path) -> _Placed:
        """Return what is in the frame of a path."""
        inner = {
            place: self.level(one.members, (*here, place))
            for place, one in enumerate(members)
            if isinstance(one, Group)
        }
        sizes = [
            self._box(one) if isinstance(one, SketchNode) else _frame_size(one, inner[place])
            for place, one in enumerate(members)
        ]
        numbers, arrows = self.joined.get(here, []), self._arrows(here)
        laid = layered(sizes, arrows)
        inside = _Placed([], [], {}, laid.size)
        for place, one in enumerate(members):
            _put(inside, one, (laid.middles[place], sizes[place]), inner.get(place))
        for number, arrow, route in zip(numbers, arrows, laid.routes, strict=True):
            inside.passing[number] = _passing(laid, members, arrow, route)
        return inside

    def _box(self, node: SketchNode) -> Size:
        wide, high = box_size(node)
        return (high, wide) if self.sketch.sideways else (wide, high)

    def _arrows(self, here: Path) -> list[Arrow]:
        edges, depth = self.sketch.edges, len(here)
        joined = (edges[number] for number in self.joined.get(here, []))
        return [(self.paths[edge.tail][depth], self.paths[edge.head][depth]) for edge in joined]


def _labels_as_nodes(sketch: Sketch) -> Iterator[SketchNode | Edge | Group]:
    """Yield the statements of a sketch; an edge with a label becomes two, and its label a node between."""
    for number, one in enumerate(sketch.statements):
        if isinstance(one, Edge) and str(one.attributes.get("label", "")).strip():
            plain = {key: value for key, value in one.attributes.items() if key != "label"}
            words = {"label": str(one.attributes["label"]).strip(), "shape": "plaintext"}
            yield SketchNode(f"label {number}", words)
            yield Edge(one.tail, f"label {number}", {**plain, "dir": "none"})
            yield Edge(f"label {number}", one.head, plain)
        else:
            yield one


def _paths(members: Sequence[SketchNode | Group], above: Path) -> Iterator[tuple[str, Path]]:
    for place, one in enumerate(members):
        if isinstance(one, SketchNode):
            yield one.name, (*above, place)
        else:
            yield from _paths(one.members, (*above, place))


def _frame_of(tail: Path, head: Path) -> Path:
    """Return the innermost frame around both ends of an edge."""
    common = next((i for i, (a, b) in enumerate(zip(tail, head, strict=False)) if a != b), 0)
    return tail[:common]


def _frame_size(cluster: Group, inside: _Placed) -> Size:
    wide, high = inside.size
    words = str(cluster.attributes.get("label", ""))
    wide = max(wide, width(words, CAPTION))
    return wide + 2 * _PADDING, high + 2 * _PADDING + _caption(cluster)


def _caption(cluster: Group) -> float:
    return CAPTION * LINE if cluster.attributes.get("label") else 0.0


def _put(outer: _Placed, one: SketchNode | Group, spot: tuple[Point, Size], inside: _Placed | None) -> None:
    """Add a member of a frame where it belongs, and all that is in it."""
    (x, y), (wide, high) = spot
    if isinstance(one, SketchNode):
        outer.boxes.append(Box(one, (x, y), (wide, high)))
        return
    assert inside is not None, "every frame was laid out"
    corner = (x - wide / 2, y - high / 2)
    outer.frames.append(Framed(one, corner, (wide, high)))
    right = corner[0] + (wide - inside.size[0]) / 2
    down = corner[1] + _PADDING + _caption(one)
    outer.boxes += [replace(box, middle=_moved(box.middle, right, down)) for box in inside.boxes]
    outer.frames += [replace(frame, corner=_moved(frame.corner, right, down)) for frame in inside.frames]
    for number, points in inside.passing.items():
        outer.passing[number] = [_moved(point, right, down) for point in points]


def _passing(
    laid: Layered, members: Sequence[SketchNode | Group], arrow: Arrow, route: Sequence[Point]
) -> list[Point]:
    """Return the points between the ends of an arrow: it leaves and enters layers straight down."""
    tail, head = arrow
    leaves = [(laid.middles[tail][0], laid.bands[tail][1])] if isinstance(members[tail], SketchNode) else []
    enters = [(laid.middles[head][0], laid.bands[head][0])] if isinstance(members[head], SketchNode) else []
    return [*leaves, *route, *enters]


def _end(box: Box, way: int) -> Point:
    """Return where an arrow leaves a box (below it: 1) or enters it (above: -1)."""
    return box.middle[0], box.middle[1] + way * box.size[1] / 2


def _moved(point: Point, right: float, down: float) -> Point:
    return point[0] + right, point[1] + down


def _turned(picture: Picture) -> Picture:
    """Return a picture with across and down exchanged."""

    def turn(point: Point) -> Point:
        return point[1], point[0]

    return replace(
        picture,
        boxes=tuple(replace(box, middle=turn(box.middle), size=turn(box.size)) for box in picture.boxes),
        routes=tuple(replace(one, points=tuple(map(turn, one.points))) for one in picture.routes),
        size=turn(picture.size),
    )
