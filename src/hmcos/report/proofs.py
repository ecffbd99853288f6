"""What was proved, and what was measured on a runtime, as tables for people."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hmcos.report.words import printable
from hmcos.verify.checks import Verification


def verification_table(found: Verification) -> RenderableType:
    """Return one row per check, with its figures or what is wrong."""
    table = Table("check", "holds", "what was found")
    for check in found.checks:
        style = "" if check.held else "bold red"
        table.add_row(check.name, Text("yes" if check.held else "NO", style), Text(printable(check.words)))
    verdict = "all holds" if found.holds else "a check FAILED"
    name = f"{printable(found.result)} for {printable(found.source)}"
    return Group(Text(name, style="bold"), table, Text(verdict))
