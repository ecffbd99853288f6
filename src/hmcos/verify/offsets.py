"""Offsets that stand in a model: no two tensors that are live together may share a byte."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hmcos.errors import VerifyError
from hmcos.graph.model import Graph

Span = tuple[int, int]
"""Bytes of the arena [low, high)."""


@dataclass(frozen=True, slots=True, order=True)
class _Block:
    """Bytes that are taken from a first to a last step."""

    birth: int
    death: int
    low: int
    high: int
    title: str


def check_model_offsets(
    graph: Graph,
    order: Sequence[int],
    offsets: Sequence[int],
    alignment: int,
    inside: Mapping[int, Span] | None = None,
) -> Span:
    """Return the span of all that has an offset, along an order of all operators; (0, 0) for nothing.

    A tensor is live from the step that makes it, or the start for an input, to the last step that reads
    it, or the end for an output. Negative offsets are left to the runtime. Sizes are rounded up. `inside`
    tells which bytes the bodies of an operator take while it runs.

    Raises:
        VerifyError: two live tensors overlap, or an offset is not aligned; names tensors and step.
    """
    blocks = _tensors(graph, order, offsets, alignment)
    for step, number in enumerate(order):
        if inside and number in inside:
            blocks.append(_Block(step, step, *inside[number], f"the bodies of operator {number}"))
    live: list[_Block] = []
    for block in sorted(blocks):
        if block.low % alignment:
            raise VerifyError(f"{block.title}: offset {block.low} is not a multiple of {alignment}")
        live = [other for other in live if other.death >= block.birth]
        for other in live:
            if block.low < other.high and other.low < block.high:
                raise VerifyError(
                    f"step {max(block.birth, 0)}: {block.title} at {block.low} to {block.high} overlaps"
                    f" {other.title} at {other.low} to {other.high}, which is live"
                )
        live.append(block)
    return min((b.low for b in blocks), default=0), max((b.high for b in blocks), default=0)


def _tensors(graph: Graph, order: Sequence[int], offsets: Sequence[int], alignment: int) -> list[_Block]:
    """Return what is taken by the tensors that have an offset."""
    blocks: list[_Block] = []
    for tensor, (birth, death) in _lives(graph, order).items():
        size = -(-graph.tensors[tensor].size // alignment) * alignment
        if size and offsets[tensor] >= 0:
            title = f"tensor {tensor} ({graph.tensors[tensor].name!r})"
            blocks.append(_Block(birth, death, offsets[tensor], offsets[tensor] + size, title))
    return blocks


def _lives(graph: Graph, order: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Return tensor to its first and last step; inputs are there before the first one."""
    lives: dict[int, tuple[int, int]] = dict.fromkeys(graph.inputs, (-1, -1))
    for step, number in enumerate(order):
        op = graph.operators[number]
        for tensor in op.makes:
            lives[tensor] = (step, step)
        for tensor in op.reads:
            if tensor in lives:
                lives[tensor] = (lives[tensor][0], step)
    for tensor in graph.outputs:
        if tensor in lives:
            lives[tensor] = (lives[tensor][0], len(order))
    return lives
