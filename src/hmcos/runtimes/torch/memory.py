"""Measured memory along a run, in bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Step:
    """The memory of one node of a graph."""

    node: str
    """The name of the node."""
    before: int
    """Bytes alive when it started."""
    used: int
    """The most bytes alive while it ran, temporaries of its bodies included."""
    within: int
    """The same with the temporaries of composite operators, of which the graph shows only the results."""


@dataclass(frozen=True)
class Memory:
    """The bytes of live storages along a run; parameters, buffers and constants do not count."""

    start: int
    """Bytes of the inputs."""
    steps: tuple[Step, ...]
    """The nodes that ran, in the order in which they ran; views are among them."""
    end: int
    """Bytes alive at the end: the outputs, and the inputs that the caller holds."""

    @cached_property
    def peak(self) -> int:
        """The most bytes alive at any moment, which is the logical peak."""
        return max(self.start, max((step.used for step in self.steps), default=0))

    @cached_property
    def peak_within(self) -> int:
        """The logical peak with the temporaries of composite operators."""
        return max(self.start, max((step.within for step in self.steps), default=0))

    @cached_property
    def by_node(self) -> Mapping[str, Step]:
        """The step of each node, by its name."""
        return {step.node: step for step in self.steps}
