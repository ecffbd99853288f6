"""Offsets that stand in a model: no two tensors that are live together may share a byte."""

from __future__ import annotations

from collections.abc import Sequence

from hmcos.errors import VerifyError
from hmcos.graph.model import Graph


def check_model_offsets(graph: Graph, order: Sequence[int], offsets: Sequence[int], alignment: int) -> int:
    """Return the highest end in bytes of all tensors that have an offset, along an order of all operators.

    A tensor is live from the step that makes it, or the start for an input, to the last step that reads
    it, or the end for an output. Negative offsets are left to the runtime. Sizes are rounded up.

    Raises:
        VerifyError: two live tensors overlap, or an offset is not aligned; names tensors and step.
    """
    lives = _lives(graph, order)
    end = 0
    live: list[int] = []
    for tensor, (birth, _) in sorted(lives.items(), key=lambda item: (item[1], item[0])):
        if offsets[tensor] < 0:
            continue
        low, high = _bytes(graph, tensor, offsets, alignment)
        if low % alignment:
            raise VerifyError(f"{_title(graph, tensor)}: offset {low} is not a multiple of {alignment}")
        live = [other for other in live if lives[other][1] >= birth]
        for other in live:
            begin, ended = _bytes(graph, other, offsets, alignment)
            if low < ended and begin < high:
                raise VerifyError(
                    f"step {max(birth, 0)}: {_title(graph, tensor)} at {low} to {high} overlaps"
                    f" {_title(graph, other)} at {begin} to {ended}, which is live"
                )
        live.append(tensor)
        end = max(end, high)
    return end


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
    return {tensor: life for tensor, life in lives.items() if graph.tensors[tensor].size}


def _bytes(graph: Graph, tensor: int, offsets: Sequence[int], alignment: int) -> tuple[int, int]:
    size = -(-graph.tensors[tensor].size // alignment) * alignment
    return offsets[tensor], offsets[tensor] + size


def _title(graph: Graph, tensor: int) -> str:
    return f"tensor {tensor} ({graph.tensors[tensor].name!r})"
