"""Generated code as tables for people."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from hmcos.limits import Status
from hmcos.plan.row_plan import RowPlan
from hmcos.report.tables.fitting import path_line
from hmcos.report.words.sizes import savings
from hmcos.words import human, printable

EXACT = (
    "exact: the bits of TFLM's reference kernels; those of LiteRT differ where FULLY_CONNECTED rounds once "
    "instead of twice"
)
_PROCESSORS = {"plain": "in plain C", "dsp": "with the DSP extension", "mve": "with Helium"}
_ENDED = {
    Status.FEASIBLE: "a valid order",
    Status.TIME_LIMIT: "the best in the time given",
    Status.STATE_LIMIT: "the best that the search found",
    Status.INTERRUPTED: "the best before the interruption",
}


def compiled_tables(plan: RowPlan) -> RenderableType:
    """Return the memory of a plan beside that of whole operators, what is proved, and the flash."""
    feeding = ", input by rows" if plan.by_rows else ""
    title = f"{printable(plan.source.name)}, row by row{feeding}"
    return Group(
        Text(title, style="bold"),
        _memory(plan),
        Text(proof_words(plan)),
        _flash(plan),
        Text(EXACT),
        *_written(plan),
    )


def _memory(plan: RowPlan) -> Table:
    table = Table("how it runs")
    table.add_column("memory", justify="right")
    table.add_column("saved", justify="right")
    whole = plan.whole
    before = plan.arena if whole is None else whole.given_peak
    if whole is not None:
        if whole.tflm is not None:
            table.add_row("arena of TFLM, its structures included", human(whole.tflm), "")
        order = "best order" if whole.peak == whole.lower_bound else "best order found"
        table.add_row("file order, whole operators", human(whole.given_peak), "")
        table.add_row(f"{order}, whole operators", human(whole.peak), savings(before, whole.peak))
    rows = f"[bold]{human(plan.arena)}[/bold]"
    saved = "" if whole is None else f"[bold]{escape(savings(before, plan.arena))}[/bold]"
    table.add_row("[bold]row by row: the arena[/bold]", rows, saved)
    for what, size in plan.scratch.items():
        table.add_row(f"beside it, for CMSIS-NN {_PROCESSORS.get(what, what)}", human(size), "")
    if plan.arena != plan.peak:
        table.add_row("peak of the rows", human(plan.peak), "")
    table.add_row("lower bound of row orders", human(plan.lower_bound), "")
    return table


def proof_words(plan: RowPlan) -> str:
    """Return what is proved of a plan, in a sentence."""
    of_arena = (
        "" if plan.arena == plan.peak else f"; the arena is {plan.arena - plan.peak:,} bytes above the peak"
    )
    if plan.status is Status.OPTIMAL:
        return f"optimal: proved, no row-wise order of these operators needs less{of_arena}"
    gap = plan.peak - plan.lower_bound
    percent = f" ({100 * gap / plan.lower_bound:.1f} %)" if plan.lower_bound else ""
    ended = _ENDED.get(plan.status, str(plan.status))
    return (
        f"{plan.status}: {ended}, {gap:,} bytes{percent} above the lower bound, so not proved least{of_arena}"
    )


def _flash(plan: RowPlan) -> Table:
    table = Table("flash, without machine code")
    table.add_column("bytes", justify="right")
    for name, size in plan.flash.items():
        table.add_row(name, f"{size:,}")
    table.add_row("all", f"{sum(plan.flash.values()):,}")
    return table


def _written(plan: RowPlan) -> list[Text]:
    files = plan.files
    places = (("code:  ", files.code), ("header:", files.header), ("plan:  ", files.plan))
    return [
        Text(f"{plan.seconds:.2f} s, {len(plan.steps):,} row steps of {len(plan.operators):,} operators"),
        *(path_line(f"{what} {place}") for what, place in places if place),
    ]
