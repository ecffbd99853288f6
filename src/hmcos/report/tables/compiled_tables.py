"""Generated code as tables for people."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from hmcos.plan.row_plan import RowPlan
from hmcos.report.tables.fitting import path_line
from hmcos.report.words.row_words import proof_words
from hmcos.report.words.sizes import savings
from hmcos.words import human, printable

EXACT = (
    "exact: the bits of TFLM's reference kernels; those of LiteRT differ where FULLY_CONNECTED rounds once "
    "instead of twice"
)
_PROCESSORS = {"plain": "in plain C", "dsp": "with the DSP extension", "mve": "with Helium"}


def compiled_tables(plan: RowPlan) -> RenderableType:
    """Return the memory of a plan beside that of whole operators, what is proved, and the flash."""
    feeding = ", input by rows" if plan.by_rows else ""
    title = f"{printable(plan.source.name)}, row by row{feeding}"
    return Group(
        Text(title, style="bold"),
        _memory(plan),
        Text(f"{plan.status}: {proof_words(plan)}"),
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
