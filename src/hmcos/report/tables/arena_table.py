"""Arenas as tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from hmcos.limits import Status
from hmcos.plan.arena import Arena
from hmcos.plan.plan import Plan
from hmcos.report.tables.fitting import path_line
from hmcos.words import human, printable

if TYPE_CHECKING:
    from hmcos.tasks.place_lives import Allocation

_ENDED = {
    Status.AT_MOST: "sizes that depend on data count at their bounds",
    Status.FEASIBLE: "a smaller one may exist",
    Status.TIME_LIMIT: "the best in the time given",
    Status.STATE_LIMIT: "the best that a short search found",
    Status.INTERRUPTED: "the best before the interruption",
    Status.FITS: "within the budget",
    Status.DOES_NOT_FIT: "proved: no arena is within the budget",
}


def waste(size: int, least: int) -> str:
    """Return by how much an arena is above what it cannot be below, in per cent."""
    return f"{100 * (size - least) / least:.1f} %" if least else "0.0 %"


def plan_arena(plan: Plan) -> list[RenderableType]:
    """Return the arena of a plan beside its peak and the usual planner's, and what was proved."""
    arena, simple = plan.arena, plan.largest_first_arena
    if arena is None or simple is None:
        return []
    table = Table("arena")
    table.add_column("bytes", justify="right")
    table.add_column("waste", justify="right")
    table.add_row("largest first", human(simple), waste(simple, plan.peak))
    size = f"[bold]{human(arena.size)}[/bold]"
    table.add_row(f"[bold]{escape(arena.title)}[/bold]", size, f"[bold]{waste(arena.size, plan.peak)}[/bold]")
    table.add_row("lower bound", human(arena.lower_bound), "")
    return [table, Text(_proved(plan, arena))]


def _proved(plan: Plan, arena: Arena) -> str:
    if arena.status is Status.AT_MOST:
        least = arena.lower_bound
        return (
            f"arena: at most: {_ENDED[arena.status]}; at these this order needs no less than {human(least)}"
        )
    if arena.size == plan.lower_bound:
        return "arena: proved: neither another order nor other offsets need less"
    if arena.size == arena.lower_bound:
        order = "at least " + human(plan.lower_bound) if plan.lower_bound < arena.size else "as much"
        return f"arena: proved: this order needs no less; any order needs {order}"
    return f"arena: {_ENDED[arena.status]}; this order needs at least {human(arena.lower_bound)}"


def allocation_table(allocation: Allocation) -> RenderableType:
    """Return what was found for the lives in a file."""
    arena = allocation.arena
    table = Table("arena")
    table.add_column("bytes", justify="right")
    table.add_column("waste", justify="right")
    table.add_row(escape(arena.title), human(arena.size), waste(arena.size, arena.lower_bound))
    table.add_row("lower bound", human(arena.lower_bound), "")
    if allocation.capacity is not None:
        table.add_row("capacity", human(allocation.capacity), "")
    lines = [Text(_answer(allocation)), Text(f"{arena.seconds:.2f} s")]
    if allocation.output:
        lines.append(path_line(f"written: {allocation.output}"))
    title = f"{printable(allocation.source)}, {len(allocation.names)} lives"
    return Group(Text(title, style="bold"), table, *lines)


def _answer(allocation: Allocation) -> str:
    status = allocation.decided if allocation.capacity is not None else allocation.arena.status
    if status is Status.OPTIMAL:
        return "optimal: proved: no arena is smaller"
    if allocation.capacity is None:
        return f"{status}: {_ENDED[status]}"
    if status is Status.FITS:
        return "fits"
    if status is Status.FEASIBLE:
        return f"undecided: {allocation.arena.allocator} found none that fits, another allocator may"
    return f"{status}: proved" if status is Status.DOES_NOT_FIT else f"undecided: {status}"
