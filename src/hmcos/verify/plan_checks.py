"""Check what a plan claims about a network, without running it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import cast

from hmcos.errors import VerifyError
from hmcos.graph.graph import Graph
from hmcos.graph.strings import STRING_BYTES, with_string_bytes
from hmcos.plan.agreement import in_arena, in_bodies, in_search, in_seconds, in_source
from hmcos.plan.arena import PlacedBuffer
from hmcos.plan.memories_agreement import in_memories
from hmcos.plan.memory_blocks import MemoryBlock, MemoryPlan
from hmcos.plan.plan import OperatorRow, Plan, Source
from hmcos.plan.row_plan import RowPlan
from hmcos.verify.checks import Check, attempt
from hmcos.verify.counted.arena_check import check_arena
from hmcos.verify.counted.body_counts import recount_bodies
from hmcos.verify.counted.buffer_lives import check_lives, check_offsets, check_together
from hmcos.verify.counted.claims import (
    check_agreement,
    check_bounds,
    check_memory,
    check_operators,
    check_proofs,
    least_peak,
)
from hmcos.verify.counted.instance_count import Instance, as_counted, check_instance_order
from hmcos.verify.counted.order_check import check_order
from hmcos.verify.counted.overlap import first_overlap
from hmcos.verify.counted.recount import recount
from hmcos.verify.counted.stepping import stepped
from hmcos.verify.counted.steps import Execution, run_of_graph, run_of_instance
from hmcos.verify.counted.target_check import check_no_target, check_target


def check_network_plan(
    graph: Graph, plan: Plan, kernel_scratch: Mapping[str, int | None] | None = None, floor: int = 0
) -> list[Check]:
    """Return the checks of target, order, memory and arena; they stop at the first that fails.

    `kernel_scratch` is the bytes that the kernels of the target tflm need, per operator of this network, None
    where that is unknown; None for a network of another format. `floor` is the bytes of the largest tensor
    that no operator uses.
    """
    data = {**plan.target.data, "alignment": plan.target.alignment}
    each = data.get("string_bytes", STRING_BYTES)
    graph = with_string_bytes(graph, each if isinstance(each, int) and each > 0 else STRING_BYTES)
    rules = {**data, "external_io": plan.target.external_io}
    bodies = {body.path: body for body in plan.bodies}

    def order() -> str:
        check_order(graph, plan.order)
        check_operators(plan, _rows_of_graph(graph), run_of_graph(graph, rules, {}, plan.order))
        inside = f", {len(bodies)} orders of bodies" if bodies else ""
        return f"{len(plan.order):,} operators, each once, after all that it reads{inside}"

    @cache
    def run() -> Execution:
        return run_of_graph(graph, rules, recount_bodies(graph, data, bodies), plan.order)

    def memory() -> str:
        # Only the memory of solved bodies counts in a bound for all orders.
        solved = all(body.peak == body.lower_bound for body in plan.bodies)
        least = least_peak(run() if solved else run_of_graph(graph, rules, {}, plan.order))
        check_proofs(plan, graph)
        return _memory(plan, run(), least)

    return list(
        _until_failure(
            ("target", lambda: check_target(plan.target, kernel_scratch, floor)),
            ("order", order),
            ("memory", memory),
            *_places(plan, run),
        )
    )


def check_instance_plan(instance: Instance, plan: Plan) -> list[Check]:
    """Return the checks of a plan for a problem, a valid `hmcos-instance/1` object."""

    @cache
    def run() -> Execution:
        counted = as_counted(instance, plan.target.alignment, plan.target.external_io)
        return run_of_instance(counted, plan.order)

    def order() -> str:
        check_instance_order(instance, plan.order)
        names = [str(op["name"]) for op in cast(list[Instance], instance["operators"])]
        check_operators(plan, [OperatorRow(i, name, "", "") for i, name in enumerate(names)], run())
        return f"{len(plan.order):,} operators, each once, after all that it reads"

    return list(
        _until_failure(
            ("target", lambda: check_no_target(plan.target)),
            ("order", order),
            ("memory", lambda: _memory(plan, run(), least_peak(run()))),
            *_places(plan, run),
        )
    )


def check_source(source: Source, plan: Plan | RowPlan) -> Check:
    """Return the check that a plan was made for this source, by sha256, format and bound symbols."""

    def same() -> str:
        claimed = plan.source
        if claimed.sha256 == source.sha256 and claimed.format != source.format:
            raise VerifyError(
                f"source.format: is {claimed.format!r} in the plan, but {source.name} is {source.format!r}"
            )
        if claimed.sha256 != source.sha256:
            raise VerifyError(
                f"the plan is for another model: it was made for sha256 {claimed.sha256[:16] or 'none'}..., "
                f"but {source.name} has {source.sha256[:16] or 'none'}..."
            )
        check_agreement(in_source(plan))
        if dict(claimed.bind) != dict(source.bind):
            raise VerifyError(
                f"source.bind: the plan was made with {_bound(claimed.bind)}, not with {_bound(source.bind)}"
            )
        return f"sha256 {source.sha256[:16]}..." if source.sha256 else "has no file, so no sha256"

    return attempt("source", same)


def _bound(bind: Mapping[str, int]) -> str:
    return ", ".join(f"{symbol}={size}" for symbol, size in sorted(bind.items())) or "no sizes"


def _rows_of_graph(graph: Graph) -> list[OperatorRow]:
    return [
        OperatorRow(op.number, op.name, op.kind, graph.tensors[op.makes[0]].name if op.makes else "")
        for op in graph.operators
    ]


def _until_failure(*rows: tuple[str, Callable[[], str]]) -> Iterator[Check]:
    for name, check in rows:
        result = attempt(name, check)
        yield result
        if not result.held:
            return


def _memory(plan: Plan, run: Execution, least: int) -> str:
    check_memory(plan, run, recount(run))
    check_bounds(plan, run, least)
    for disagreements in (in_bodies(plan), in_search(plan), in_seconds(plan)):
        check_agreement(disagreements)
    return f"peak {plan.peak:,} bytes, recounted at each of {len(plan.memory.running):,} steps"


def _arena(plan: Plan, run: Execution) -> str:
    if plan.arena is None:
        raise VerifyError("the plan has no arena")
    if plan.arena.reserved < run.floor:
        raise VerifyError(f"arena.reserved: is {plan.arena.reserved}, but {run.floor} bytes are needed")
    check_lives(run, plan.buffers)
    _check_apart(plan.buffers)
    check_offsets(plan.arena.offsets, plan.buffers)
    check_agreement(in_arena(plan, plan.arena))
    check_arena(plan.buffers, plan.arena)
    taken = sum(buffer.takes_over is not None and buffer.operator is None for buffer in plan.buffers)
    return f"{plan.arena.size:,} bytes hold {len(plan.buffers):,} buffers, {taken:,} in place; none overlap"


def _places(plan: Plan, run: Callable[[], Execution]) -> list[tuple[str, Callable[[], str]]]:
    """Return the check of the arena of a plan, or of its memories, if it has any."""
    if plan.memories is not None:
        memories = plan.memories
        return [("memories", lambda: _memories(plan, memories, run()))]
    return [] if plan.arena is None else [("arena", lambda: _arena(plan, run()))]


def _memories(plan: Plan, memories: MemoryPlan, run: Execution) -> str:
    placement = memories.placement
    check_agreement(in_memories(plan, memories))
    if not memories.has_places:
        return f"{placement.status}: no buffer has a place"
    check_lives(run, plan.buffers)
    for k in range(len(placement.blocks)):
        _check_apart([buffer for buffer in plan.buffers if buffer.memory == k])
    check_together(plan.buffers)
    moved = stepped(run, plan.buffers, [block.capacity for block in placement.blocks]).traffic
    if moved != placement.traffic:
        raise VerifyError(f"memories.blocks.traffic: is {placement.traffic}, but {moved} bytes are moved")
    rows = zip(placement.blocks, placement.sizes, placement.traffic, strict=True)
    return (
        ", ".join(f"{_filled(block, size)}, traffic {traffic:,}" for block, size, traffic in rows)
        + f"; {len(plan.buffers):,} buffers, stepped through in separate blocks"
    )


def _filled(block: MemoryBlock, size: int) -> str:
    """Return how much of a memory is used, in words; whether the chip has it is for the reader to see."""
    if block.capacity is None:
        return f"{block.name} {size:,} bytes"
    return f"{block.name} {size:,} of {block.capacity:,} bytes"


def _check_apart(buffers: Sequence[PlacedBuffer]) -> None:
    """Check that no two buffers overlap in time and in memory.

    Raises:
        VerifyError: two do; names them.
    """
    shared = first_overlap(
        (buffer.birth, buffer.death, buffer.offset, buffer.offset + buffer.size, number)
        for number, buffer in enumerate(buffers)
        if buffer.birth < buffer.death and buffer.size
    )
    if shared is not None:
        one, other = buffers[shared.earlier].name, buffers[shared.later].name
        raise VerifyError(
            f"step {shared.step}: {one!r} and {other!r} overlap in bytes [{shared.low}, {shared.high})"
        )
