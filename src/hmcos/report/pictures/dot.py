"""Graphs as DOT, the language of Graphviz (https://graphviz.org/doc/info/lang.html)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from hmcos.report.pictures.colours import FAINT, INK, PAPER
from hmcos.report.pictures.sketch import Attributes, Edge, Sketch, SketchNode, Statement
from hmcos.words import printable

_FONT = "Helvetica"
_LARGE = 2_000
"""Nodes from which on the layout trades beauty for time."""
_HUGE = 6_000
"""Nodes from which on layers take too long: springs (sfdp) lay the graph out instead."""
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


class Html(str):
    """An HTML-like label, written as it stands."""

    __slots__ = ()


def dot_text(sketch: Sketch) -> str:
    """Return a sketch as DOT text, with title and legend above it."""
    graph: dict[str, str | int | float] = {"label": _heading(sketch.title, sketch.legend), **_PAGE}
    if sketch.sideways:
        graph["rankdir"] = "LR"
    if sketch.vertices > _HUGE:
        graph["layout"] = "sfdp"
    elif sketch.vertices > _LARGE:
        # Splines and the last passes of ranking and crossing take most of the time of large layouts.
        graph |= {"splines": "line", "nslimit": 1, "nslimit1": 1, "mclimit": 0.1, "maxiter": 100}
    settings = {"graph": graph, "node": _VERTEX, "edge": _ARROW}
    return digraph(map(statement, sketch.statements), settings)


def statement(one: Statement) -> str:
    """Return the statement of a node, an edge, or a frame with all that is in it."""
    if isinstance(one, SketchNode):
        return f"{quoted(one.name)}{_listed(one.attributes)};"
    if isinstance(one, Edge):
        return f"{quoted(one.tail)} -> {quoted(one.head)}{_listed(one.attributes)};"
    return _block(f"subgraph {quoted(f'cluster_{one.name}')}", map(statement, one.members), one.attributes)


def digraph(statements: Iterable[str], attributes: Mapping[str, Attributes]) -> str:
    """Return a whole directed graph; `attributes` are those of "graph", "node" and "edge"."""
    settings = [f"{kind}{_listed(values)};" for kind, values in attributes.items()]
    return _block("digraph", [*settings, *statements], {}) + "\n"


def quoted(text: str) -> str:
    """Return any text as one DOT string; line ends become those of a centred label."""
    lines = (printable(line).replace("\\", "\\\\").replace('"', '\\"') for line in text.split("\n"))
    return '"' + "\\n".join(lines) + '"'


def _block(head: str, statements: Iterable[str], attributes: Attributes) -> str:
    lines = [f"{key}={_value(value)};" for key, value in attributes.items()]
    inside = "".join(f"{line}\n" for line in [*lines, *statements])
    return f"{head} {{\n{inside}}}"


def _listed(attributes: Attributes) -> str:
    pairs = ", ".join(f"{key}={_value(value)}" for key, value in attributes.items())
    return f" [{pairs}]" if pairs else ""


def _value(value: str | float) -> str:
    if isinstance(value, Html):
        return f"<{value}>"
    if isinstance(value, str):
        return quoted(value)
    return f"{value:g}"


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
