"""The rows of an evaluation as a JSON object (docs/json.md)."""

from __future__ import annotations

from hmcos.tasks.evaluate.row import row_record
from hmcos.tasks.evaluate.summary import Summary


def evaluation_record(summary: Summary) -> dict[str, object]:
    """Return what `hmcos evaluate --json` prints."""
    fit, do_not, undecided = (None,) * 3 if summary.budget is None else summary.answers
    return {
        "target": summary.target,
        "budget": summary.budget,
        "candidates": len(summary.rows) + summary.missing,
        "evaluated": len(summary.found),
        "fit": fit,
        "do_not_fit": do_not,
        "undecided": undecided,
        "failures": dict(summary.failures),
        "missing": summary.missing,
        "output": summary.output,
        "rows": [row_record(row) for row in summary.rows],
    }
