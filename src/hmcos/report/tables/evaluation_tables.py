"""The rows of an evaluation as tables for people."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hmcos.report.tables.fitting import path_line
from hmcos.report.words.sizes import savings
from hmcos.tasks.evaluate.row import Row
from hmcos.tasks.evaluate.summary import Summary
from hmcos.words import human, printable, shortened

LISTED = 20
"""Rows that are shown one by one; the output has all."""
_NAME = 60
"""Most characters of a name in a table."""


def evaluation_tables(summary: Summary) -> RenderableType:
    """Return the rows of an evaluation, as far as they are few, and what they come to."""
    title = f"{_networks(len(summary.rows))}, target {printable(summary.target)}"
    return Group(
        Text(title, style="bold"),
        *([_rows(summary)] if summary.found else []),
        *map(Text, _verdicts(summary)),
        *([_failures(summary)] if summary.wrong else []),
        *([Text(f"interrupted: {_networks(summary.missing)} without a row")] if summary.missing else []),
        *([path_line(f"rows: {summary.output}")] if summary.output else []),
    )


def _networks(many: int) -> str:
    return f"{many:,} network{'' if many == 1 else 's'}"


def _rows(summary: Summary) -> Table:
    found = summary.found
    shown = found if len(found) <= LISTED else summary.gains[:LISTED]
    has_arenas = any(row.arena is not None for row in shown)
    table = Table("network")
    for heading in ("operators", "given peak", "peak", "saved", *(["arena"] if has_arenas else [])):
        table.add_column(heading, justify="right")
    table.add_column("status")
    for row in shown:
        arena = "" if row.arena is None else f"{row.arena:,}"
        table.add_row(*_cells(row), *([arena] if has_arenas else []), str(row.status))
    if len(shown) < len(found):
        table.add_row(f"and {len(found) - len(shown):,} that save less")
    return table


def _cells(row: Row) -> tuple[str | Text, ...]:
    given, peak = row.given_peak or 0, row.peak or 0
    name = Text(shortened(row.name, _NAME))
    return name, f"{row.operators:,}", f"{given:,}", f"{peak:,}", savings(given, peak)


def _verdicts(summary: Summary) -> list[str]:
    if not summary.found:
        return []
    if summary.budget is not None:
        fit, do_not, undecided = summary.answers
        answers = f"{fit:,} fit, {do_not:,} do not (proved), {undecided:,} undecided"
        return [f"within {human(summary.budget)}: {answers}"]
    lines = [f"bytes saved: {100 * summary.median_gain:.1f} % in the median"]
    best = summary.gains[0]
    if best.given_peak and best.peak is not None and best.peak < best.given_peak:
        lines[0] += f", at most {savings(best.given_peak, best.peak)} ({shortened(best.name, _NAME)})"
    counted = ", ".join(f"{many:,} {status}" for status, many in summary.statuses.items())
    return [f"orders: {counted}", *lines]


def _failures(summary: Summary) -> Table:
    table = Table("failure")
    table.add_column("networks", justify="right")
    table.add_column("for example")
    for kind, many in summary.failures.items():
        first = next(row for row in summary.wrong if row.failure == kind)
        table.add_row(kind, f"{many:,}", Text(_example(first)))
    return table


def _example(row: Row) -> str:
    """Return the name of a row and its error, without its kind, and with its name only once."""
    words = (row.error or "").partition(": ")[2]
    return words if words.startswith(row.name) else f"{shortened(row.name, _NAME)}: {words}"
