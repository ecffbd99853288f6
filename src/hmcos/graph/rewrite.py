"""A graph changed into one that computes the same: as data, and as the Graph that comes of it.

The steps of a `Rewrite` name tensors by id. Ids of the source stay what they are; the new ones follow, and
`Rewrite.parts` says which part of which tensor of the source each of them is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from hmcos.graph.builder import GraphBuilder
from hmcos.graph.graph import Graph, Operator
from hmcos.graph.spelling import Spelling
from hmcos.graph.windows import Interval

Box = tuple[Interval, Interval]
"""Rows and columns of a tensor."""


@dataclass(frozen=True, slots=True)
class SliceStep:
    """Cuts a box out of a tensor."""

    reads: int
    makes: int
    box: Box
    """In the tensor that is read, which may itself be a part."""
    axes: tuple[int, int]


@dataclass(frozen=True, slots=True)
class PadStep:
    """Adds elements around a tensor."""

    reads: int
    makes: int
    pads: tuple[tuple[int, int], tuple[int, int]]
    """Before and behind: rows, then columns."""
    axes: tuple[int, int]
    fill: float | None
    """As in `Spatial.fill`."""


@dataclass(frozen=True, slots=True)
class OperatorStep:
    """Runs an operator of the source, whole or on a tile."""

    number: int
    """In the source."""
    inputs: tuple[int | None, ...]
    outputs: tuple[int | None, ...]
    pads: tuple[tuple[int, int], tuple[int, int]] | None = None
    """Of a tile: before and behind the first input, rows, then columns; those of a transposed convolution
    are what it takes away from its output, negative at the end for output_padding. None: not a tile, the
    operator is the source's but for what it reads."""


@dataclass(frozen=True, slots=True)
class ConcatStep:
    """Puts parts together along one axis."""

    reads: tuple[int, ...]
    makes: int
    axis: int


Step = SliceStep | PadStep | OperatorStep | ConcatStep


@dataclass(frozen=True, slots=True)
class Part:
    """A new tensor: a box of a tensor of the source."""

    tensor: int
    """In the source."""
    box: Box
    """In that tensor; reaches beyond it where padding was added."""
    axes: tuple[int, int]
    """Of rows and columns."""

    def shape(self, whole: tuple[int, ...]) -> tuple[int, ...]:
        """Return its shape, from that of the tensor in the source."""
        sizes = list(whole)
        for axis, interval in zip(self.axes, self.box, strict=True):
            sizes[axis] = interval.length
        return tuple(sizes)


@dataclass(frozen=True)
class Rewrite:
    """A whole graph changed."""

    steps: tuple[Step, ...]
    """All of the new graph, in an order that can run; operators that only compute parameters included."""
    parts: tuple[Part, ...] = ()
    """Of the tensors that the source does not have: the first one's id follows the last one of the source."""
    replaced: Mapping[int, int] = field(default_factory=dict[int, int])
    """Input or output of the source to the tensor of the source that the new graph has instead."""

    def ports(self, tensors: Sequence[int]) -> tuple[int, ...]:
        """Return the inputs or outputs of the new graph, from those of the source."""
        return tuple(self.replaced.get(t, t) for t in tensors)


def rewritten(graph: Graph, rewrite: Rewrite, spelling: Spelling) -> Graph:
    """Return the graph that comes of a rewrite; operators are numbered by its steps and have no names.

    The parameters that say where to cut or what to pad are left out, since parameters take no memory.

    Raises:
        ModelError: the steps cannot run in their order.
    """
    builder = GraphBuilder(graph.name, graph.symbols)
    entered = frozenset(rewrite.ports(graph.inputs))
    made = {t for step in rewrite.steps for t in made_by(step)}
    for t, tensor in enumerate(graph.tensors):
        if t in entered:
            builder.add_input(tensor)
        elif tensor.is_parameter and t not in made:
            builder.add_parameter(tensor)
        else:
            builder.add_tensor(tensor)
    for part in rewrite.parts:
        whole = graph.tensors[part.tensor]
        builder.add_tensor(replace(whole, name="", shape=part.shape(whole.shape)))
    for number, step in enumerate(rewrite.steps):
        builder.add_operator(operator_of(graph.operators, number, step, spelling))
    for t in rewrite.ports(graph.outputs):
        builder.add_output(t)
    return builder.build()


def operator_of(source: Sequence[Operator], number: int, step: Step, spelling: Spelling) -> Operator:
    """Return the operator of a number that a step becomes; only whole ones keep the names of the source."""
    match step:
        case OperatorStep():
            op = source[step.number]
            new = replace(op, number=number, inputs=step.inputs, outputs=step.outputs)
            return new if step.pads is None else replace(new, name="", tile_of=step.number)
        case SliceStep():
            return Operator(number, "", spelling.cut, "", (step.reads,), (step.makes,))
        case PadStep():
            kind = spelling.pad if step.fill is None else spelling.pad_with
            return Operator(number, "", kind, "", (step.reads,), (step.makes,))
        case ConcatStep():
            return Operator(number, "", spelling.concat, "", step.reads, (step.makes,))


def made_by(step: Step) -> tuple[int, ...]:
    """Return the tensors that a step makes."""
    if isinstance(step, OperatorStep):
        return tuple(t for t in step.outputs if t is not None)
    return (step.makes,)
