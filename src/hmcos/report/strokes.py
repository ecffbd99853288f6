"""What all pictures of a graph share: operators, tensors, a legend, and the settings of a layout."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from hmcos.report.colours import FAINT, INK, PAPER, PEAK, Shading, shading
from hmcos.report.dot import Attributes, Html, digraph, edge, node
from hmcos.report.scene import Scene
from hmcos.report.sizes import brief
from hmcos.words import printable, shortened

_FONT = "Helvetica"
_LARGE = 2_000
"""Vertices from which on the layout trades beauty for time."""
_HUGE = 6_000
"""Vertices from which on layers take too long: springs (sfdp) lay the graph out instead."""
_PAGE: Attributes = {
    "labelloc": "t",
    "fontname": _FONT,
    "fontcolor": INK,
    "bgcolor": PAPER,
    "ranksep": 0.25,
    "nodesep": 0.2,
    "pad": 0.3,
}
_VERTEX: Attributes = {
    "shape": "box",
    "style": "filled,rounded",
    "fontname": _FONT,
    "fontsize": 11,
    "fontcolor": INK,
    "color": FAINT,
    "fillcolor": PAPER,
    "height": 0.3,
    "margin": "0.1,0.03",
}
_ARROW: Attributes = {"color": FAINT, "arrowsize": 0.6, "fontname": _FONT, "fontsize": 10}
LONGEST = 32
"""Letters of a name that are shown."""


def operator_shading(scene: Scene) -> Shading:
    """Return the classes of what the operators make, in bytes."""
    return shading(scene.problem.outputs)


def operator_nodes(scene: Scene, shades: Shading) -> list[str]:
    """Return one node per operator: its step (or number in the source), its kind, the bytes it makes."""
    return [node(f"op{op}", _operator(scene, shades, op)) for op in range(scene.problem.operators)]


def _operator(scene: Scene, shades: Shading, op: int) -> Attributes:
    size = scene.problem.outputs[op]
    at = scene.steps[op] if scene.schedules else None
    first = f"#{scene.rows[op].number}" if at is None else str(at)
    look: dict[str, str | int | float] = {
        "label": "  ".join(filter(None, (first, shown(scene.kind(op)), brief(size) if size else ""))),
        "fillcolor": shades.shade(size),
        "fontcolor": shades.ink(size),
        "tooltip": f"operator {scene.rows[op].number} {scene.rows[op].name}",
    }
    if at is not None and scene.profile.running[at] == scene.profile.peak:
        look |= {"color": PEAK, "penwidth": 4}
    return look


def tensor_edges(scene: Scene) -> Iterator[str]:
    """Yield inputs, outputs, and one edge per buffer and reader; buffers live at the peak stand out."""
    problem = scene.problem
    outside = {"shape": "ellipse", "fillcolor": PAPER, "color": FAINT}
    for b, source in enumerate(problem.producer):
        look = _tensor(scene, b)
        if source < 0:
            yield node(f"in{b}", {**outside, "label": _port(scene, b)})
        tail = f"in{b}" if source < 0 else f"op{source}"
        for reader in problem.readers[b]:
            yield edge(tail, f"op{reader}", look)
        if b in problem.kept:
            yield node(f"out{b}", {**outside, "label": _port(scene, b)})
            yield edge(tail, f"out{b}", look)


def _tensor(scene: Scene, b: int) -> Attributes:
    size = scene.problem.sizes[b]
    look: dict[str, str | int | float] = {"tooltip": f"{scene.buffers[b]}: {brief(size)}"}
    if not size:
        look["style"] = "dashed"
    elif scene.schedules and b in scene.live_at_peak:
        look |= {"color": PEAK, "penwidth": 3}
    return look


def _port(scene: Scene, b: int) -> str:
    return f"{shown(scene.buffers[b])}\n{brief(scene.problem.sizes[b])}"


def shown(name: str) -> str:
    """Return a name, without its middle when it is long."""
    return shortened(name, LONGEST)


def page(
    statements: Sequence[str],
    title: str,
    legend: Sequence[tuple[str, str]],
    *,
    vertices: int,
    sideways: bool = False,
) -> str:
    """Return the DOT text of a picture with title and legend above it; edges go down, or to the right."""
    graph: dict[str, str | int | float] = {"label": _heading(title, legend), **_PAGE}
    if sideways:
        graph["rankdir"] = "LR"
    if vertices > _HUGE:
        graph["layout"] = "sfdp"
    elif vertices > _LARGE:
        # Splines and the last passes of ranking and crossing take most of the time of large layouts.
        graph |= {"splines": "line", "nslimit": 1, "nslimit1": 1, "mclimit": 0.1, "maxiter": 100}
    return digraph(statements, {"graph": graph, "node": _VERTEX, "edge": _ARROW})


def size_legend(shades: Shading, *, peak: bool) -> list[tuple[str, str]]:
    """Return what colours mean: bytes that an operator makes and, on an order, the peak."""
    found = list(shades.legend)
    return [*found, (PEAK, "at the peak: the operator, and the tensors live then")] if peak else found


def _heading(title: str, legend: Iterable[tuple[str, str]]) -> Html:
    cells = "".join(
        f'<TD BGCOLOR="{colour}" BORDER="1" COLOR="{FAINT}" WIDTH="26"></TD>'
        f'<TD ALIGN="LEFT">{_html(meaning)} </TD>'
        for colour, meaning in legend
    )
    row = f'<TR><TD><TABLE BORDER="0" CELLSPACING="4"><TR>{cells}</TR></TABLE></TD></TR>' if cells else ""
    head = f'<TR><TD ALIGN="LEFT"><FONT POINT-SIZE="20">{_html(title)}</FONT></TD></TR>'
    return Html(f'<TABLE BORDER="0" CELLSPACING="6">{head}{row}</TABLE>')


def _html(text: str) -> str:
    return escape(printable(text))
