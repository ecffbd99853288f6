"""Check the offsets in a model file: no two tensors that are live together may share a byte."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from hmcos.errors import VerifyError
from hmcos.graph.graph import Graph
from hmcos.plan.arena import PlacedBuffer
from hmcos.verify.counted.overlap import first_overlap
from hmcos.verify.counted.rounding import rounded_up

UNPLANNED = -1
"""Leaves a tensor to the runtime, which takes every other number for an offset, even a negative one."""

Span = tuple[int, int]
"""Bytes of the arena [low, high)."""


@dataclass(frozen=True, slots=True)
class Part:
    """A graph of a model as it runs, with the graphs that its operators run."""

    graph: Graph
    order: Sequence[int]
    """All its operators."""
    offsets: Sequence[int]
    """Bytes per tensor; -1 for those that are left to the runtime."""
    inside: Mapping[int, Sequence[Part]] = field(default_factory=dict[int, "Sequence[Part]"])
    """Operator to the graphs that it runs, one after the other."""


@dataclass(frozen=True, slots=True)
class _Block:
    """Bytes that are in use from a first to a last step."""

    birth: int
    death: int
    low: int
    high: int
    title: str


def check_model_offsets(main: Part, alignment: int) -> tuple[Span, dict[int, Span]]:
    """Return the span of all tensors with offsets, and operator to the span of those in its bodies.

    A tensor is live from the step that makes it, or the start of its graph for an input, to the last step
    that reads it, or the end of its graph for an output; while an operator runs bodies, all that it reads and
    makes is live. Tensors at -1 are left to the runtime. Sizes are rounded up.

    Raises:
        VerifyError: two live tensors overlap, an offset is negative or not aligned, or a tensor that is live
            at no step has an offset; names tensors and step.
    """
    walk = _Walk(alignment)
    walk.run(main, "")
    blocks = walk.blocks
    for block in blocks:
        if block.low % alignment:
            raise VerifyError(f"{block.title}: offset {block.low} is not a multiple of {alignment}")
    shared = first_overlap(
        (block.birth, block.death + 1, block.low, block.high, number) for number, block in enumerate(blocks)
    )
    if shared is not None:
        block, other = blocks[shared.later], blocks[shared.earlier]
        raise VerifyError(
            f"step {max(shared.step, 0)}: {block.title} at {block.low} to {block.high} overlaps"
            f" {other.title} at {other.low} to {other.high}, which is live"
        )
    return _span(blocks), {op: _span(inner) for op, inner in walk.inside.items() if inner}


def _span(blocks: Sequence[_Block]) -> Span:
    return min((b.low for b in blocks), default=0), max((b.high for b in blocks), default=0)


@dataclass
class _Walk:
    """Runs a model in thought; every operator and every graph inside one is a step."""

    alignment: int
    step: int = -1
    blocks: list[_Block] = field(default_factory=list[_Block])
    inside: dict[int, list[_Block]] = field(default_factory=dict[int, "list[_Block]"])
    """Per operator of the outermost graph that runs others: the blocks in these."""

    def run(self, part: Part, path: str) -> None:
        """Add the blocks of a graph. Recurses into graphs inside it, whose depth the frontend limits."""
        lives: dict[int, tuple[int, int]] = dict.fromkeys(part.graph.inputs, (self.step, self.step))
        for number in part.order:
            self.step += 1
            op, begin, known = part.graph.operators[number], self.step, len(self.blocks)
            for inner in part.inside.get(number, ()):
                self.step += 1
                self.run(inner, f"{path}node {number}, ")
            if not path and number in part.inside:
                self.inside[number] = self.blocks[known:]
            for tensor in op.makes:
                lives[tensor] = (begin, self.step)
            for tensor in op.reads:
                if tensor in lives:
                    lives[tensor] = (lives[tensor][0], self.step)
        for tensor in part.graph.outputs:
            if tensor in lives:
                lives[tensor] = (lives[tensor][0], self.step + (not path))
        self.add(part, path, lives)

    def add(self, part: Part, path: str, lives: Mapping[int, tuple[int, int]]) -> None:
        """Add the blocks of the tensors of a graph that have an offset."""
        for number, (tensor, offset) in enumerate(zip(part.graph.tensors, part.offsets, strict=True)):
            if offset == UNPLANNED:
                continue
            title = f"{path}tensor {number} ({tensor.name!r})"
            if offset < 0:
                raise VerifyError(
                    f"{title}: has the offset {offset}; only {UNPLANNED} leaves it to the runtime"
                )
            size = rounded_up(tensor.size, self.alignment)
            if number in lives and size:
                self.blocks.append(_Block(*lives[number], offset, offset + size, title))
            elif size and not tensor.is_parameter:  # the runtime ignores the offsets of constants
                raise VerifyError(f"{title}: has the offset {offset}, but is live at no step")


def check_planned_offsets(
    graph: Graph, offsets: Sequence[int], buffers: Sequence[PlacedBuffer], elsewhere: Collection[int] = ()
) -> None:
    """Check that the tensors of a graph have the offsets of the plan's buffers, and no others have offsets.

    Tensors `elsewhere` are left to the runtime, which keeps them in other memory.

    Raises:
        VerifyError: a tensor has another offset in the file than in the plan, or has one in only one of
            them; names it.
    """
    planned = {t: buffer.offset for buffer in buffers for t in buffer.tensors}
    for number, (tensor, offset) in enumerate(zip(graph.tensors, offsets, strict=True)):
        other = planned.get(number, UNPLANNED)
        if offset != other and number not in elsewhere:
            title = f"tensor {number} ({tensor.name!r})"
            raise VerifyError(f"{title} is {_at(offset)} in the file, but {_at(other)} in the plan")


def _at(offset: int) -> str:
    return "left to the runtime" if offset == UNPLANNED else f"at {offset}"


def check_planned_bodies(inside: Mapping[int, Span], buffers: Sequence[PlacedBuffer]) -> None:
    """Check that the bodies of each operator stay within the scratch that a plan keeps for it.

    Raises:
        VerifyError: a body reaches outside the scratch; names the operator.
    """
    scratch = {b.operator: (b.offset, b.offset + b.size) for b in buffers if b.operator is not None}
    for operator, (low, high) in inside.items():
        first, last = scratch.get(operator, (0, 0))
        if not first <= low <= high <= last:
            raise VerifyError(
                f"the bodies of operator {operator} are at {low} to {high} in the file, but the plan keeps"
                f" {first} to {last} for them"
            )
