"""A row plan as the JSON object that other programs rely on (docs/json.md)."""

from __future__ import annotations

from hmcos.plan.file.row_file import files_record, whole_record
from hmcos.plan.row_plan import RowPlan


def compiled_record(plan: RowPlan) -> dict[str, object]:
    """Return what `hmcos compile --json` prints."""
    return {
        "model": plan.source.name,
        "name": plan.name,
        "kernels": plan.kernels,
        "input": "rows" if plan.by_rows else "whole",
        "operators": len(plan.operators),
        "row_steps": len(plan.steps),
        "status": str(plan.status),
        "arena": plan.arena,
        "arena_lower_bound": plan.arena_lower_bound,
        "peak": plan.peak,
        "lower_bound": plan.lower_bound,
        "alignment": plan.alignment,
        "scratch": dict(plan.scratch),
        "whole": None if plan.whole is None else whole_record(plan.whole),
        "flash": dict(plan.flash),
        "seconds": round(plan.seconds, 6),
        "outputs": files_record(plan.files),
    }
