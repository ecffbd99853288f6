"""When the tensors and the scratch of a model are used, as TensorFlow Lite for Microcontrollers counts it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hmcos.alignment import round_up
from hmcos.frontends.tflite.arena.greedy import Planned
from hmcos.frontends.tflite.calls import calls_of
from hmcos.frontends.tflite.kernels.kernel_set import ALIGNMENT
from hmcos.frontends.tflite.schema import ModelT, integers
from hmcos.graph.graph import Graph

_NEVER = -1
Scratch = Mapping[tuple[int, int], Sequence[int]]
"""Subgraph and operator to the bytes of each scratch buffer, in the order in which they were asked for."""


@dataclass
class Usage:
    """The steps at which something is used first and last; both are -1 if it never is."""

    first: int = _NEVER
    last: int = _NEVER

    def begin(self, step: int) -> None:
        """Say that it exists at a step; only the first time counts."""
        if self.first == _NEVER:
            self.first = step

    def end(self, step: int) -> None:
        """Say that it is used at a step; only the last time counts."""
        self.last = step


@dataclass
class _Marking:
    """The walk through all operators, bodies included; every operator and every body is a new step.

    Source: `MarkAllocationLifetimes` in micro_allocation_info.cc.
    """

    model: ModelT
    tensors: list[list[Usage]]
    scratch: dict[tuple[int, int], Usage]
    step: int = 0
    walked: list[int] = field(default_factory=list[int])

    def mark(self, subgraph: int) -> None:
        """Mark all that a subgraph uses. Recurses as deep as subgraphs call, which the reader has checked."""
        known, used = (self.model.subgraphs or [])[subgraph], self.tensors[subgraph]
        for t in integers(known.inputs):
            used[t].begin(self.step)
            used[t].end(self.step)
        for number, operator in enumerate(known.operators or []):
            self.step += 1
            makes = integers(operator.outputs)
            for t in makes:
                used[t].begin(self.step)
            start = self.step
            for call in calls_of(self.model, number, operator):
                self.step += 1
                self.mark(call.subgraph)
            for t in (*integers(operator.inputs), *makes):
                if t >= 0:
                    used[t].end(self.step)
            if (subgraph, number) in self.scratch:
                self.scratch[subgraph, number].begin(start)
                self.scratch[subgraph, number].end(self.step)
        for t in integers(known.outputs):
            used[t].begin(self.step)
            used[t].end(self.step)


def planned(
    model: ModelT,
    graphs: Sequence[Graph],
    stored: Sequence[frozenset[int]],
    scratch: Scratch,
    offsets: Sequence[int],
) -> list[Planned]:
    """Return the buffers of the head: tensors without data of all subgraphs, then scratch.

    Args:
        model: the file.
        graphs: its subgraphs.
        stored: per subgraph, the tensors that are elsewhere: with data in the file, or variable.
        scratch: what kernels ask for.
        offsets: by tensor through all subgraphs; -1 for those that TFLM plans.
    """
    tensors = [[Usage() for _ in graph.tensors] for graph in graphs]
    marking = _Marking(model, tensors, {place: Usage() for place in scratch})
    marking.mark(0)
    found: list[Planned] = []
    number = 0
    for graph, used, held in zip(graphs, tensors, stored, strict=True):
        for t, (tensor, usage) in enumerate(zip(graph.tensors, used, strict=True)):
            offset = offsets[number]
            number += 1
            if t not in held and tensor.size:
                size = round_up(tensor.size, ALIGNMENT)
                found.append(Planned(size, usage.first, usage.last, offset))
    for place, sizes in scratch.items():
        usage = marking.scratch[place]
        found += [Planned(round_up(size, ALIGNMENT), usage.first, usage.last) for size in sizes]
    return found
