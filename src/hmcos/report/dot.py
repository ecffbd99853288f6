"""Graphs as DOT, the language of Graphviz (https://graphviz.org/doc/info/lang.html)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hmcos.words import printable


class Html(str):
    """An HTML-like label, written as it stands."""

    __slots__ = ()


Attributes = Mapping[str, str | int | float]
"""Attribute to value."""


def node(name: str, attributes: Attributes) -> str:
    """Return the statement of a node."""
    return f"{quoted(name)}{_listed(attributes)};"


def edge(tail: str, head: str, attributes: Attributes) -> str:
    """Return the statement of an edge."""
    return f"{quoted(tail)} -> {quoted(head)}{_listed(attributes)};"


def cluster(name: str, statements: Iterable[str], attributes: Attributes) -> str:
    """Return statements within a frame of their own."""
    return _block(f"subgraph {quoted(f'cluster_{name}')}", statements, attributes)


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
