"""A picture of a graph before anything has a place: what there is to see, and how it looks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

Attributes = Mapping[str, str | int | float]
"""Attribute to value, in the words of Graphviz (https://graphviz.org/doc/info/attrs.html)."""


@dataclass(frozen=True, slots=True)
class SketchNode:
    """A box or an ellipse with a label."""

    name: str
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Edge:
    """An arrow between two nodes."""

    tail: str
    head: str
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Group:
    """A frame around nodes and other frames."""

    name: str
    members: tuple[SketchNode | Group, ...]
    attributes: Attributes


Statement = SketchNode | Edge | Group


@dataclass(frozen=True, slots=True)
class Sketch:
    """All that a picture of a graph shows."""

    title: str
    legend: tuple[tuple[str, str], ...]
    """Colour and what it means."""
    statements: tuple[Statement, ...]
    vertices: int
    """The number of what is connected: operators, or blocks of them."""
    sideways: bool = False
    """Whether edges go to the right instead of down."""

    @property
    def members(self) -> tuple[SketchNode | Group, ...]:
        """What stands in no frame."""
        return tuple(one for one in self.statements if not isinstance(one, Edge))

    @property
    def edges(self) -> tuple[Edge, ...]:
        """All arrows."""
        return tuple(one for one in self.statements if isinstance(one, Edge))


def nodes_in(members: Iterable[SketchNode | Group]) -> Iterator[SketchNode]:
    """Yield all nodes, also those in frames."""
    for one in members:
        if isinstance(one, SketchNode):
            yield one
        else:
            yield from nodes_in(one.members)
