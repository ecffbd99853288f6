"""What was proved, and what was measured on a runtime, as tables for people."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hmcos.runtimes.measured import Measurement
from hmcos.verify.checks import Verification
from hmcos.words import human, printable


def verification_table(found: Verification) -> RenderableType:
    """Return one row per check, with its figures or what is wrong."""
    table = Table("check", "holds", "what was found")
    for check in found.checks:
        style = "" if check.held else "bold red"
        table.add_row(check.name, Text("yes" if check.held else "NO", style), Text(printable(check.words)))
    verdict = "all holds" if found.holds else "a check FAILED"
    name = f"{printable(found.result)} for {printable(found.source)}"
    return Group(Text(name, style="bold"), table, Text(verdict))


def measurement_table(found: Measurement) -> RenderableType:
    """Return one row per setting: measured, how far apart the processes were, and predicted."""
    table = Table("ONNX Runtime")
    for heading in ("measured (median)", "least to most", "predicted peak"):
        table.add_column(heading, justify="right")
    for row in found.rows:
        predicted = "" if row.predicted is None else human(row.predicted)
        table.add_row(row.setting, human(row.median), f"{row.least:,} to {row.most:,} B", predicted)
    title = f"{printable(found.model)}, target {printable(found.target)}, {found.processes} processes each"
    return Group(Text(title, style="bold"), table)
