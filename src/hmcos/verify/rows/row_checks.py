"""Check what a row plan claims about a network, without running it."""

from __future__ import annotations

import re
from functools import cache

from hmcos.errors import VerifyError
from hmcos.graph.graph import Graph
from hmcos.graph.rowwise import RowRules
from hmcos.plan.file.row_agreement import disagreements
from hmcos.plan.row_plan import RowPlan
from hmcos.verify.checks import Check, attempt
from hmcos.verify.counted.claims import check_agreement
from hmcos.verify.rows.row_count import RowCount, recounted
from hmcos.verify.rows.row_reads import RowReads

_DEFINE = re.compile(r"^#define ([A-Z0-9_]+) (\d+)$", re.MULTILINE)


def check_row_plan(graph: Graph, rules: RowRules, plan: RowPlan) -> list[Check]:
    """Return the checks of rows, memory and arena; they stop at the first that fails."""
    reads = RowReads(plan, graph, rules)

    @cache
    def counted() -> RowCount:
        return recounted(reads)

    def rows() -> str:
        check_agreement(disagreements(plan))
        reads.check()
        many = counted().reads
        return (
            f"{len(plan.steps):,} row steps read {many:,} rows: each made before, and whole when it is read"
        )

    checks: list[Check] = []
    for name, check in (
        ("rows", rows),
        ("memory", lambda: _memory(plan, counted())),
        ("arena", lambda: _arena(plan)),
    ):
        checks.append(attempt(name, check))
        if not checks[-1].held:
            break
    return checks


def _memory(plan: RowPlan, counted: RowCount) -> str:
    if plan.peak != counted.peak:
        raise VerifyError(f"the plan claims a peak of {plan.peak} bytes, but it is {counted.peak}")
    if plan.lower_bound < counted.least:
        raise VerifyError(
            f"lower_bound: is {plan.lower_bound}, but the rows of one step alone need {counted.least}"
        )
    return f"peak {plan.peak:,} bytes, recounted at each of {len(plan.steps):,} row steps"


def _arena(plan: RowPlan) -> str:
    used = [offset + each.size for each in plan.tensors for offset in each.offsets if offset >= 0]
    sums = [op.accumulator for op in plan.operators if op.accumulator is not None]
    used += [each.offset + each.size for each in sums if each.offset >= 0]
    if plan.arena != max(used, default=0):
        raise VerifyError(f"arena: is {plan.arena} bytes, but its rows end at {max(used, default=0)}")
    needed = max([1, *(each.width for each in sums)])
    if plan.alignment % needed:
        raise VerifyError(f"alignment: is {plan.alignment}, but sums need {needed}")
    return f"{plan.arena:,} bytes; no byte is overwritten before its last reader"


def check_header(text: str, plan: RowPlan) -> str:
    """Return what was compared of the numbers in a header of generated code, with those of its plan.

    Raises:
        VerifyError: a number differs, or is missing.
    """
    macro = plan.name.upper()
    found = dict(_DEFINE.findall(text))
    wanted = {f"{macro}_ARENA_BYTES": plan.arena, f"{macro}_ARENA_ALIGNMENT": plan.alignment}
    for word, ends in (("INPUT", plan.inputs), ("OUTPUT", plan.outputs)):
        for k, t in enumerate(ends):
            stem = f"{macro}_{word}" if len(ends) == 1 else f"{macro}_{word}_{k}"
            tensor = plan.tensor(t)
            wanted[f"{stem}_BYTES"] = tensor.rows * tensor.size
            if word == "OUTPUT" or not plan.by_rows:
                wanted[f"{stem}_OFFSET"] = tensor.offsets[0]
    if plan.by_rows:
        given = plan.tensor(plan.inputs[0])
        wanted |= {f"{macro}_INPUT_ROWS": given.rows, f"{macro}_ROW_BYTES": given.size}
    scratch = [number for name, number in _DEFINE.findall(text) if name == f"{macro}_SCRATCH_BYTES"]
    if sorted(scratch) != sorted(map(str, plan.scratch.values())):
        raise VerifyError(f"{macro}_SCRATCH_BYTES: in the header are not the sizes of the plan")
    for name, number in wanted.items():
        if name not in found:
            raise VerifyError(f"{name} is missing in the header")
        if int(found[name][:20]) != number:
            raise VerifyError(f"{name} is {found[name][:20]} in the header, but {number} in the plan")
    return f"{len(wanted)} numbers in the header are those of the plan"
