"""The rows of an evaluation as a JSON object (docs/json.md)."""

from __future__ import annotations

from hmcos.limits import Status
from hmcos.tasks.evaluate.row import row_record
from hmcos.tasks.evaluate.summary import Summary


def evaluation_record(summary: Summary) -> dict[str, object]:
    """Return what `hmcos evaluate --json` prints."""
    statuses, found = summary.statuses, len(summary.found)
    fit, do_not = statuses.get(Status.FITS, 0), statuses.get(Status.DOES_NOT_FIT, 0)
    return {
        "target": summary.target,
        "budget": summary.budget,
        "candidates": len(summary.rows) + summary.missing,
        "evaluated": found,
        "fit": None if summary.budget is None else fit,
        "do_not_fit": None if summary.budget is None else do_not,
        "undecided": None if summary.budget is None else found - fit - do_not,
        "failures": dict(summary.failures),
        "missing": summary.missing,
        "output": summary.output,
        "rows": [row_record(row) for row in summary.rows],
    }
