"""Check the offsets in a written model against its graphs and its plan."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from hmcos.errors import VerifyError
from hmcos.frontends.format import OffsetsInFiles, Place, Written
from hmcos.frontends.model import Model
from hmcos.graph.graph import body_path
from hmcos.plan.plan import Plan
from hmcos.verify.counted.offset_check import (
    UNPLANNED,
    Span,
    check_model_offsets,
    check_planned_bodies,
    check_planned_offsets,
)


def check_written_offsets(model: Model, held: OffsetsInFiles, plan: Plan | None, made: Written) -> str:
    """Return a summary of the offsets in a written model, after checking them; `model` is its source.

    Raises:
        VerifyError: live tensors overlap, a tensor has an offset that must not have one, or the plan says
            otherwise; names the tensor.
    """
    offsets = made.offsets or ()
    places = held.places(model)
    kept = held.kept(model)
    _check_unplaced(offsets, places, kept)
    spans: dict[str, Span] = {}
    for place in reversed(places):  # inner ones first
        inside = _inside(place, spans)
        here = offsets[place.first : place.first + len(place.graph.tensors)]
        order = made.orders[place.subgraph]
        spans[place.path] = check_model_offsets(place.graph, order, here, held.alignment, inside)
    if plan is not None and plan.arena is not None:
        main = places[0].graph
        elsewhere = [t for t in kept if t < len(main.tensors)]
        check_planned_offsets(main, offsets[: len(main.tensors)], plan.buffers, elsewhere)
        check_planned_bodies(_inside(places[0], spans), plan.buffers)
    placed = sum(offset != UNPLANNED for offset in offsets)
    return f"{placed:,} tensors within {spans[''][1]:,} bytes; no two that are live together overlap"


def _check_unplaced(offsets: tuple[int, ...], found: Sequence[Place], kept: Collection[int]) -> None:
    """Check that only tensors have offsets that some graph that runs keeps in the arena."""
    reached = {t for place in found for t in range(place.first, place.first + len(place.graph.tensors))}
    for tensor, offset in enumerate(offsets):
        if offset != UNPLANNED and (tensor in kept or tensor not in reached):
            why = "it lives from run to run" if tensor in kept else "no operator runs its subgraph"
            raise VerifyError(
                f"tensor {tensor}, counted through all subgraphs: has the offset {offset}, but {why}"
            )


def _inside(place: Place, spans: dict[str, Span]) -> dict[int, Span]:
    """Return operator to the bytes that its bodies take, for the operators of a graph that have bodies."""
    inside: dict[int, Span] = {}
    for op in place.graph.operators:
        taken = [spans[body_path(place.path, op.number, body.attribute)] for body in op.bodies]
        placed = [span for span in taken if span[1]]
        if placed:
            inside[op.number] = (min(low for low, _ in placed), max(high for _, high in placed))
    return inside
