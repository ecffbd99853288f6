"""Check the offsets in a written model against its graphs and its plan."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from hmcos.errors import VerifyError
from hmcos.frontends.format import OffsetsInFiles, Place, Written
from hmcos.frontends.model import Model
from hmcos.graph.graph import body_path
from hmcos.plan.plan import Plan
from hmcos.verify.counted.offset_check import (
    UNPLANNED,
    Part,
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
    is_kept = plan is not None and plan.tflm is not None and bool(plan.tflm.kept)
    own = held.own(model) if is_kept or plan is None else None
    if own is not None and own.offsets == {t: at for t, at in enumerate(offsets) if at != UNPLANNED}:
        over = f": {'; '.join(own.written_over)}" if own.written_over else ""
        return f"those of the source, {len(own.offsets):,} tensors{over}"
    if is_kept:
        raise VerifyError("the plan says that the source's own offsets are kept, and they are not")
    places = held.places(model)
    kept, unused = held.kept(model), held.unused(model)
    _check_unplaced(offsets, places, kept, unused)
    _check_unused(offsets, unused, None if plan is None or plan.arena is None else plan.arena.size)
    offsets = tuple(UNPLANNED if t in unused else offset for t, offset in enumerate(offsets))
    main = _part(places[0], {place.path: place for place in places}, made, offsets)
    span, inside = check_model_offsets(main, held.alignment)
    if plan is not None and plan.arena is not None:
        tensors = places[0].graph.tensors
        elsewhere = [t for t in (*kept, *unused) if t < len(tensors)]
        check_planned_offsets(places[0].graph, offsets[: len(tensors)], plan.buffers, elsewhere)
        check_planned_bodies(inside, plan.buffers)
    placed = sum(offset != UNPLANNED for offset in offsets)
    return f"{placed:,} tensors within {span[1]:,} bytes; no two that are live together overlap"


def _part(place: Place, places: Mapping[str, Place], made: Written, offsets: Sequence[int]) -> Part:
    """Return a graph with its order, its offsets, and those in it. Recurses as deep as these are nested."""
    inside = {
        op.number: [
            _part(places[body_path(place.path, op.number, body.attribute)], places, made, offsets)
            for body in op.bodies
        ]
        for op in place.graph.operators
        if op.bodies
    }
    here = offsets[place.first : place.first + len(place.graph.tensors)]
    return Part(place.graph, made.orders[place.subgraph], here, inside)


def _check_unused(offsets: Sequence[int], unused: Mapping[int, int], size: int | None) -> None:
    """Check that what no operator uses lies within the arena, if that is known, and where kernels allow."""
    for tensor, needed in unused.items():
        offset = offsets[tensor]
        if offset != UNPLANNED and (offset < 0 or (size is not None and offset + needed > size)):
            raise VerifyError(
                f"tensor {tensor}, counted through all subgraphs: has the offset {offset}, outside the arena"
            )


def _check_unplaced(
    offsets: Sequence[int], found: Sequence[Place], kept: Collection[int], unused: Collection[int]
) -> None:
    """Check that only tensors have offsets that some graph that runs, or nothing, keeps in the arena."""
    reached = {t for place in found for t in range(place.first, place.first + len(place.graph.tensors))}
    for tensor, offset in enumerate(offsets):
        if offset != UNPLANNED and (tensor in kept or tensor not in reached | {*unused}):
            why = "it lives from run to run" if tensor in kept else "no operator runs its subgraph"
            raise VerifyError(
                f"tensor {tensor}, counted through all subgraphs: has the offset {offset}, but {why}"
            )
