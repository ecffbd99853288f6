"""Write and read the plan files of generated code: versioned JSON (`hmcos-rows/1`), checked when read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from hmcos.errors import PlanError
from hmcos.plan.file.arena_fields import status_of
from hmcos.plan.file.fields import Fields, expecting, fields_in
from hmcos.plan.file.plan_file import ROWS_FORMAT
from hmcos.plan.file.row_agreement import disagreements
from hmcos.plan.file.row_runs import RunReader, line_runs, need_runs, step_runs
from hmcos.plan.file.source_fields import read_digests, read_source_fields, source_record
from hmcos.plan.row_parts import Accumulator, Role, RowInput
from hmcos.plan.row_plan import CodeFiles, PlannedOperator, PlannedTensor, RowPlan, WholePeak

MOST_ROWS = 1 << 20
"""Rows of a tensor and steps of an operator that a plan may have."""

_expect = expecting("run hmcos compile on the model again")


def row_plan_text(plan: RowPlan) -> str:
    """Return the plan as JSON text, one line per key, operator and tensor; equal plans have equal texts."""
    return "{\n" + ",\n".join(f" {json.dumps(k)}: {_value(v)}" for k, v in _record(plan).items()) + "\n}\n"


def is_row_plan(path: str | Path) -> bool:
    """Return whether a file is the plan of generated code; False also for a file that cannot be read."""
    try:
        return fields_in(path).values.get("format") == ROWS_FORMAT
    except PlanError:
        return False


def read_row_plan(path: str | Path) -> RowPlan:
    """Return the plan in a file. What it says of memory may be wrong: only the verifier recounts that.

    Raises:
        PlanError: the file cannot be read, is not such a plan, or contradicts itself; names file and key.
    """
    fields = fields_in(path)
    format_name = fields.text("format")
    if format_name != ROWS_FORMAT:
        raise PlanError(
            f"{path}: format: is {format_name!r}, but this version reads {ROWS_FORMAT}; "
            "run hmcos compile on the model again"
        )
    plan = replace(_plan(fields), file=str(Path(path).absolute()))
    for field, words in disagreements(plan):
        raise PlanError(f"{path}: {field}: {words}; run hmcos compile on the model again")
    return plan


def _value(value: object) -> str:
    rows = cast(list[object], value) if isinstance(value, list) else []
    if rows and isinstance(rows[0], dict):
        return "[\n" + ",\n".join(f"  {json.dumps(row)}" for row in rows) + "\n ]"
    return json.dumps(value)


def _record(plan: RowPlan) -> dict[str, object]:
    """Return the documented keys of a plan file (docs/plan-format.md)."""
    return {
        "format": ROWS_FORMAT,
        "source": source_record(plan.source),
        "name": plan.name,
        "sections": list(plan.sections),
        "kernels": plan.kernels,
        "input": "rows" if plan.by_rows else "whole",
        "rounded_to": plan.rounded_to,
        "status": str(plan.status),
        "peak": plan.peak,
        "lower_bound": plan.lower_bound,
        "arena": plan.arena,
        "arena_lower_bound": plan.arena_lower_bound,
        "alignment": plan.alignment,
        "scratch": dict(plan.scratch),
        "whole": None if plan.whole is None else whole_record(plan.whole),
        "flash": dict(plan.flash),
        "seconds": round(plan.seconds, 6),
        "outputs": {**files_record(plan.files), "sha256": dict(plan.files.sha256)},
        "drive": plan.drive,
        "cuts": list(plan.cuts),
        "inputs": list(plan.inputs),
        "outputs_of_network": list(plan.outputs),
        "steps": step_runs(plan.steps),
        "operators": [_operator_record(operator) for operator in plan.operators],
        "tensors": [_tensor_record(tensor) for tensor in plan.tensors],
    }


def files_record(files: CodeFiles) -> dict[str, object]:
    """Return the paths of the written files, null for those not written."""
    return {"code": files.code, "header": files.header, "plan": files.plan}


def whole_record(whole: WholePeak) -> dict[str, object]:
    """Return the memory of whole operators."""
    return {
        "given_peak": whole.given_peak,
        "peak": whole.peak,
        "lower_bound": whole.lower_bound,
        "live": [list(pair) for pair in whole.live],
        "tflm": whole.tflm,
    }


def _operator_record(operator: PlannedOperator) -> dict[str, object]:
    sums = operator.accumulator
    return {
        "number": None if operator.number < 0 else operator.number,
        "kind": operator.kind,
        "role": str(operator.role),
        "steps": operator.steps,
        "inputs": [
            {"position": read.position, "tensor": read.tensor, "needs": need_runs(read.needs)}
            for read in operator.inputs
        ],
        "makes": list(operator.makes),
        "sums": None
        if sums is None
        else {"elements": sums.elements, "width": sums.width, "offset": sums.offset},
        "folded": list(operator.folded),
    }


def _tensor_record(tensor: PlannedTensor) -> dict[str, object]:
    return {
        "tensor": tensor.tensor,
        "name": tensor.name,
        "rows": tensor.rows,
        "row_bytes": tensor.size,
        "offsets": line_runs(tensor.offsets),
    }


def _plan(fields: Fields) -> RowPlan:
    runs = RunReader()
    sections = fields.texts("sections")
    _expect(len(sections) == 2, fields, "sections", "must be two, of constants and of the arena")
    by = _one_of(fields, "input", ("whole", "rows"))
    return RowPlan(
        source=read_source_fields(fields.part("source")),
        name=fields.text("name"),
        sections=(sections[0], sections[1]),
        by_rows=by == "rows",
        rounded_to=fields.number("rounded_to", lowest=1),
        operators=tuple(_operator(part, runs) for part in fields.parts("operators")),
        steps=runs.steps(fields, "steps"),
        tensors=tuple(_tensor(part, runs) for part in fields.parts("tensors")),
        inputs=fields.numbers("inputs"),
        outputs=fields.numbers("outputs_of_network"),
        peak=fields.number("peak"),
        lower_bound=fields.number("lower_bound"),
        status=status_of(fields),
        arena=fields.number("arena"),
        arena_lower_bound=fields.number("arena_lower_bound"),
        alignment=fields.number("alignment", lowest=1),
        drive=fields.text("drive"),
        cuts=fields.numbers("cuts"),
        flash=_sizes(fields.part("flash")),
        seconds=fields.real("seconds"),
        kernels=_one_of(fields, "kernels", ("plain", "cmsis-nn")),
        scratch=_sizes(fields.part("scratch")),
        whole=None if fields.is_null("whole") else _whole(fields.part("whole")),
        files=_files(fields.part("outputs")),
    )


def _sizes(fields: Fields) -> dict[str, int]:
    return {name: fields.number(name) for name in fields.values}


def _whole(fields: Fields) -> WholePeak:
    return WholePeak(
        given_peak=fields.number("given_peak"),
        peak=fields.number("peak"),
        lower_bound=fields.number("lower_bound"),
        live=tuple((tensor, size) for tensor, size in fields.rows("live", 2)),
        tflm=fields.number_or_none("tflm"),
    )


def _files(fields: Fields) -> CodeFiles:
    return CodeFiles(
        fields.text_or_none("code"),
        fields.text_or_none("header"),
        fields.text_or_none("plan"),
        read_digests(fields.part("sha256")),
    )


def _operator(fields: Fields, runs: RunReader) -> PlannedOperator:
    steps = fields.number("steps", lowest=1)
    _expect(steps <= MOST_ROWS, fields, "steps", f"must be at most {MOST_ROWS:,}")
    number = fields.number_or_none("number")
    inputs = tuple(
        RowInput(part.number("position"), part.number("tensor"), runs.needs(part, "needs"))
        for part in fields.parts("inputs")
    )
    for read, part in zip(inputs, fields.parts("inputs"), strict=True):
        _expect(len(read.needs) == steps, part, "needs", f"must be told for {steps} steps")
    return PlannedOperator(
        number=-1 if number is None else number,
        kind=fields.text("kind"),
        role=Role(_one_of(fields, "role", tuple(map(str, Role)))),
        steps=steps,
        inputs=inputs,
        makes=fields.numbers("makes"),
        accumulator=None if fields.is_null("sums") else _sums(fields.part("sums")),
        folded=fields.numbers("folded"),
    )


def _sums(fields: Fields) -> Accumulator:
    # An operator of which no step runs has sums without a place.
    return Accumulator(
        fields.number("elements"), fields.number("width", lowest=1), fields.number("offset", lowest=-1)
    )


def _tensor(fields: Fields, runs: RunReader) -> PlannedTensor:
    rows = fields.number("rows", lowest=1)
    offsets = runs.lines(fields, "offsets")
    _expect(len(offsets) == rows, fields, "offsets", f"must be told for {rows} rows")
    return PlannedTensor(
        fields.number("tensor"), rows, fields.number("row_bytes", lowest=1), offsets, fields.text("name")
    )


def _one_of(fields: Fields, key: str, words: Sequence[str]) -> str:
    word = fields.text(key)
    _expect(word in words, fields, key, f"must be one of {', '.join(words)}")
    return word
