"""What a plan claims about a network, checked without running anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from hmcos.errors import VerifyError
from hmcos.graph.model import Graph
from hmcos.plan.arena import Arena, PlacedBuffer
from hmcos.plan.plan import Plan, Source
from hmcos.verify.arena import check_arena
from hmcos.verify.bodies import recount_bodies
from hmcos.verify.checks import Check, attempt
from hmcos.verify.instance import verify_instance
from hmcos.verify.lives import Run, check_lives, check_offsets, run_of_graph, run_of_instance
from hmcos.verify.schedule import check_order, verify_plan


def check_network_plan(graph: Graph, plan: Plan) -> list[Check]:
    """Return the checks of order, memory and arena; the first that fails is the last."""
    data = {**plan.target.data, "alignment": plan.target.alignment}
    bodies = {body.path: body for body in plan.bodies}

    def order() -> str:
        check_order(graph, plan.order)
        inside = f", {len(bodies)} orders of bodies" if bodies else ""
        return f"{len(plan.order):,} operators, each once, after all that it reads{inside}"

    def scratch() -> dict[int, int]:
        return recount_bodies(graph, data, bodies)

    def memory() -> str:
        rules = {**data, "external_io": plan.target.external_io}
        verify_plan(graph, rules, scratch(), plan.order, plan.peak, plan.memory.running)
        return _counted(plan)

    def arena() -> str:
        rules = {**data, "external_io": plan.target.external_io}
        return _arena(plan, run_of_graph(graph, rules, scratch(), plan.order))

    return list(_until_failure(_rows(order, memory, arena, plan.arena)))


def check_instance_plan(instance: Mapping[str, object], plan: Plan) -> list[Check]:
    """Return the checks of a plan for a problem given as numbers, a valid `hmcos-instance/1` object."""

    def memory() -> str:
        verify_instance(instance, plan.order, plan.peak, plan.memory.running)
        return _counted(plan)

    def arena() -> str:
        return _arena(plan, run_of_instance(instance, plan.order))

    return list(_until_failure(_rows(None, memory, arena, plan.arena)))


def check_source(source: Source, plan: Plan) -> Check:
    """Return whether a plan was made for this source: the sha256 of what its numbers count."""

    def same() -> str:
        claimed = plan.source.sha256
        if claimed != source.sha256 or plan.source.format != source.format:
            raise VerifyError(
                f"the plan is of another model: it was made for sha256 {claimed[:16] or 'none'}..., "
                f"but {source.name} has {source.sha256[:16] or 'none'}..."
            )
        return f"sha256 {source.sha256[:16]}..." if source.sha256 else "has no file, so no sha256"

    return attempt("source", same)


_Row = tuple[str, Callable[[], str]]


def _rows(
    order: Callable[[], str] | None, memory: Callable[[], str], arena: Callable[[], str], placed: Arena | None
) -> list[_Row]:
    rows: list[_Row] = [("order", order)] if order is not None else []
    rows.append(("memory", memory))
    return [*rows, ("arena", arena)] if placed is not None else rows


def _until_failure(rows: list[_Row]) -> Iterator[Check]:
    for name, check in rows:
        found = attempt(name, check)
        yield found
        if not found.held:
            return


def _counted(plan: Plan) -> str:
    return f"peak {plan.peak:,} bytes, recounted at each of {len(plan.memory.running):,} steps"


def _arena(plan: Plan, run: Run) -> str:
    if plan.arena is None:
        raise VerifyError("the plan has no arena")
    check_lives(run, plan.buffers)
    _check_apart(plan.buffers)
    check_offsets(plan.arena.offsets, plan.buffers)
    check_arena(plan.buffers, plan.arena)
    taken = sum(buffer.takes_over is not None for buffer in plan.buffers)
    return f"{plan.arena.size:,} bytes hold {len(plan.buffers):,} buffers, {taken:,} in place; none overlap"


def _check_apart(buffers: Sequence[PlacedBuffer]) -> None:
    """Name two buffers that meet in time and in memory; each against those born while it lives."""
    by_birth = sorted((b for b in buffers if b.birth < b.death), key=lambda b: b.birth)
    for position, one in enumerate(by_birth):
        for other in by_birth[position + 1 :]:
            if other.birth >= one.death:
                break
            low = max(one.offset, other.offset)
            high = min(one.offset + one.size, other.offset + other.size)
            if low < high:
                raise VerifyError(
                    f"step {other.birth}: {one.name!r} and {other.name!r} overlap in bytes [{low}, {high})"
                )
