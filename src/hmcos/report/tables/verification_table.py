"""Verifications and measurements as tables for people."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hmcos.runtimes.onnxruntime.measured import Measurement
from hmcos.verify.checks import Answer, Verification
from hmcos.words import human, printable

_ANSWERS = {Answer.HOLDS: ("yes", ""), Answer.FAILS: ("NO", "bold red"), Answer.NOT_RUN: ("not run", "bold")}
"""Answer of a check to its word in the table and the word's style."""


def verification_table(verification: Verification) -> RenderableType:
    """Return one row per check, with its figures or what is wrong."""
    table = Table("check", "holds", "what was found")
    for check in verification.checks:
        word, style = _ANSWERS[check.answer]
        table.add_row(check.name, Text(word, style), Text(printable(check.words)))
    name = f"{printable(verification.result)} for {printable(verification.source)}"
    return Group(Text(name, style="bold"), table, Text(_verdict(verification)))


def _verdict(verification: Verification) -> str:
    """Return the answer of the whole, and the checks that decide it."""
    failed = ", ".join(check.name for check in verification.checks if check.failed)
    unknown = [check for check in verification.checks if check.answer == Answer.NOT_RUN]
    required = ", ".join(check.name for check in unknown if check.required)
    if failed:
        return f"does not hold: {failed}"
    if required:
        return f"not run: {required}; all other checks hold"
    if unknown:
        return f"all holds; not run, and not required: {', '.join(check.name for check in unknown)}"
    return "all holds"


def measurement_table(measurement: Measurement) -> RenderableType:
    """Return one row per setting: measured, how far apart the processes were, and predicted."""
    table = Table(measurement.runtime)
    for heading in ("measured (median)", "least to most", "predicted peak"):
        table.add_column(heading, justify="right")
    for row in measurement.rows:
        predicted = "" if row.predicted is None else human(row.predicted)
        table.add_row(row.setting, human(row.median), f"{row.least:,} to {row.most:,} B", predicted)
    model, target = printable(measurement.model), printable(measurement.target)
    title = f"{model}, target {target}, {measurement.processes} processes each"
    return Group(Text(title, style="bold"), table)
