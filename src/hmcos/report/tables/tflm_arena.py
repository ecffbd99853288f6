"""The arena that TensorFlow Lite for Microcontrollers reports, as a table and as JSON."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hmcos.tasks.measure.tflite import ArenaMeasurement
from hmcos.words import human, printable


def arena_table(measurement: ArenaMeasurement) -> RenderableType:
    """Return one row per form of the model: head, tail and total as reported, and the head as predicted."""
    table = Table("TFLM")
    for heading in ("head", "predicted head", "tail", "total"):
        table.add_column(heading, justify="right")
    for row in measurement.arenas:
        predicted = "" if row.predicted is None else human(row.predicted)
        table.add_row(
            row.name, human(row.arena.head), predicted, human(row.arena.tail), human(row.arena.total)
        )
    bound = f"proved: no order and no placement needs a head of less than {human(measurement.lower_bound)}"
    return Group(Text(printable(measurement.name), style="bold"), table, Text(bound))


def arena_record(measurement: ArenaMeasurement) -> dict[str, object]:
    """Return the same as one JSON object, sizes in bytes."""
    return {
        "model": measurement.name,
        "runtime": "tflm",
        "given_peak": measurement.given_peak,
        "peak": measurement.peak,
        "lower_bound": measurement.lower_bound,
        "arenas": [
            {
                "form": row.name,
                "head": row.arena.head,
                "tail": row.arena.tail,
                "total": row.arena.total,
                "predicted_head": row.predicted,
            }
            for row in measurement.arenas
        ],
    }
