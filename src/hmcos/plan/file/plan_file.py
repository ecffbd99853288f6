"""Write and read plan files: versioned JSON (`hmcos-plan/1`, `/2`), checked when read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from hmcos.errors import PlanError
from hmcos.plan.agreement import disagreements
from hmcos.plan.file.arena_fields import arena_keys, read_arena, status_of
from hmcos.plan.file.fields import Fields, expecting, fields_in
from hmcos.plan.file.memories_fields import memories_keys, read_memories
from hmcos.plan.file.rewriting_fields import read_rewriting, rewriting_record
from hmcos.plan.file.source_fields import read_digests, read_source_fields, source_record
from hmcos.plan.file.target_fields import read_target
from hmcos.plan.file.whole_arena_fields import read_whole_arenas, whole_arenas_record
from hmcos.plan.plan import (
    BodyPlan,
    Crest,
    LiveTensor,
    Memory,
    OperatorRow,
    Outputs,
    Plan,
    Seconds,
    Source,
    TargetUsed,
)
from hmcos.plan.schedule import Schedule

FORMAT = "hmcos-plan/1"
REWRITTEN_FORMAT = "hmcos-plan/2"
"""Of plans whose network is not that of the source: readers of the first format would take it for that."""
ROWS_FORMAT = "hmcos-rows/1"
"""Of plans that say how a network runs row by row (`row_file.py`)."""

_expect = expecting("run hmcos schedule on the model again")


def plan_text(plan: Plan) -> str:
    """Return the plan as JSON text, one line per key or table row; equal plans have equal texts."""
    return "{\n" + ",\n".join(f" {json.dumps(k)}: {_value(v)}" for k, v in _record(plan).items()) + "\n}\n"


def read_plan(path: str | Path) -> Plan:
    """Return the plan in a file.

    Raises:
        PlanError: the file cannot be read, is not a plan, or contradicts itself; names file and key.
    """
    plan = read_claims(path)
    for field, words in disagreements(plan):
        raise PlanError(f"{path}: {field}: {words}; run hmcos schedule on the model again")
    return plan


def read_claims(path: str | Path) -> Plan:
    """Return the plan in a file, without checking its fields against each other, for the verifier.

    Raises:
        PlanError: the file cannot be read, or is not a plan; names file and key.
    """
    fields = fields_in(path)
    format_name = fields.text("format")
    if format_name == ROWS_FORMAT:
        raise PlanError(
            f"{path}: is the plan of code that hmcos compile made, not of an order; hmcos verify, draw and "
            "report take it"
        )
    if format_name not in (FORMAT, REWRITTEN_FORMAT):
        raise PlanError(
            f"{path}: format: is {format_name!r}, but this version reads {FORMAT} and {REWRITTEN_FORMAT}; "
            "run hmcos schedule on the model again"
        )
    return replace(_plan(fields), file=str(Path(path).absolute()))


def read_source(path: str | Path) -> tuple[Source, Outputs]:
    """Return the source and the outputs of the plan in a file; the other fields may be wrong.

    Raises:
        PlanError: the file cannot be read, or is not a plan.
    """
    fields = fields_in(path)
    kind = fields.text("format").partition("/")[0]
    if kind not in (FORMAT.partition("/")[0], ROWS_FORMAT.partition("/")[0]):
        raise PlanError(f"{path}: format: is not that of a plan")
    outputs = fields.part("outputs")
    if kind == FORMAT.partition("/")[0]:
        made = _outputs(outputs)
    else:
        digests = read_digests(outputs.part("sha256"))
        made = Outputs(plan=outputs.text_or_none("plan"), sha256=digests)
    return read_source_fields(fields.part("source")), made


def _value(value: object) -> str:
    rows = cast(list[object], value) if isinstance(value, list) else []
    if rows and isinstance(rows[0], dict):
        return "[\n" + ",\n".join(f"  {json.dumps(row)}" for row in rows) + "\n ]"
    return json.dumps(value)


def _record(plan: Plan) -> dict[str, object]:
    """Return the documented keys of a plan file (docs/plan-format.md)."""
    schedule = plan.schedule
    rewriting = plan.rewriting
    return {
        "format": FORMAT if rewriting is None else REWRITTEN_FORMAT,
        "source": source_record(plan.source),
        **({} if rewriting is None else {"rewriting": rewriting_record(rewriting)}),
        "target": _target_record(plan.target),
        "scheduler": schedule.scheduler,
        "status": str(schedule.status),
        "budget": plan.budget,
        "peak": schedule.peak,
        "lower_bound": schedule.lower_bound,
        "given_peak": plan.given_peak,
        "rpo_peak": plan.rpo_peak,
        "states": schedule.states,
        "search_seconds": schedule.seconds,
        "seconds": seconds_record(plan.seconds),
        "outputs": {**outputs_record(plan.outputs), **_digests_record(plan.outputs)},
        "crest": _crest_record(plan.crest),
        "order": list(plan.order),
        "scheduled_order": list(plan.scheduled_order),
        "memory": {
            "start": plan.memory.start,
            "running": list(plan.memory.running),
            "stable": list(plan.memory.stable),
        },
        "operators": [_operator_record(plan.operators[i]) for i in plan.order],
        "bodies": [_body_record(body) for body in plan.bodies],
        **arena_keys(plan),
        **memories_keys(plan),
        **({} if plan.tflm is None else {"tflm": whole_arenas_record(plan.tflm)}),
    }


def _target_record(target: TargetUsed) -> dict[str, object]:
    return {
        "name": target.name,
        "alignment": target.alignment,
        "external_io": target.external_io,
        "data": dict(target.data),
    }


def outputs_record(outputs: Outputs) -> dict[str, object]:
    """Return the paths of the written files, null for those not written; the header only if there is one."""
    header = {"header": outputs.header} if outputs.header else {}
    return {"model": outputs.model, "plan": outputs.plan, **header}


def _digests_record(outputs: Outputs) -> dict[str, object]:
    return {"sha256": dict(outputs.sha256)} if outputs.sha256 else {}


def seconds_record(seconds: Seconds) -> dict[str, float]:
    """Return the seconds by stage, as the plan file and the command line give them."""
    return {
        "load": round(seconds.load, 6),
        "schedule": round(seconds.schedule, 6),
        "save": round(seconds.save, 6),
        "total": round(seconds.total, 6),
    }


def _crest_record(crest: Crest) -> dict[str, object]:
    return {
        "step": crest.step,
        "operator": crest.operator,
        "tensors": [_live_record(tensor) for tensor in crest.tensors],
    }


def _live_record(live: LiveTensor) -> dict[str, object]:
    # A plan of the first edition has only names, and is written again without ids.
    known = live.tensor is not None or live.operator is not None
    ids = {"tensor": live.tensor, "operator": live.operator} if known else {}
    return {"name": live.name, "bytes": live.size, **ids}


def _operator_record(row: OperatorRow) -> dict[str, object]:
    return {"number": row.number, "name": row.name, "kind": row.kind, "output": row.output}


def _body_record(body: BodyPlan) -> dict[str, object]:
    return {
        "path": body.path,
        "order": list(body.order),
        "peak": body.peak,
        "lower_bound": body.lower_bound,
        "status": str(body.status),
    }


def _plan(fields: Fields) -> Plan:
    listed = tuple(map(_operator, fields.parts("operators")))
    rows = {row.number: row for row in listed}
    order = fields.numbers("order")
    _expect(set(rows) == set(range(len(rows))), fields, "operators", "numbers must be 0, 1, 2, ...")
    _expect(sorted(order) == sorted(rows), fields, "order", "must list every operator exactly once")
    _expect(order == tuple(row.number for row in listed), fields, "operators", "must stand in the new order")
    scheduled_order = fields.numbers("scheduled_order")
    scheduled = tuple(sorted(set(scheduled_order)))
    kept = set(scheduled)
    in_order = tuple(i for i in order if i in kept)
    _expect(in_order == scheduled_order, fields, "scheduled_order", "must follow `order`")
    arena, buffers, largest_first = read_arena(fields)
    memories, spread = read_memories(fields)
    is_rewritten = fields.text("format") == REWRITTEN_FORMAT
    rewriting = read_rewriting(fields.part("rewriting")) if is_rewritten else None
    return Plan(
        source=read_source_fields(fields.part("source")),
        target=read_target(fields.part("target")),
        operators=tuple(rows[i] for i in range(len(rows))),
        scheduled=scheduled,
        schedule=_schedule(fields, _ranks(scheduled, scheduled_order)),
        order=order,
        given_peak=fields.number("given_peak"),
        rpo_peak=fields.number("rpo_peak"),
        memory=_memory(fields.part("memory")),
        crest=_crest(fields.part("crest")),
        seconds=_seconds(fields.part("seconds")),
        bodies=tuple(map(_body, fields.parts("bodies"))),
        outputs=_outputs(fields.part("outputs")),
        arena=arena,
        buffers=buffers or spread,
        largest_first_arena=largest_first,
        budget=fields.number_or_none("budget") if "budget" in fields.values else None,
        rewriting=rewriting,
        memories=memories,
        tflm=read_whole_arenas(fields.part("tflm")) if "tflm" in fields.values else None,
    )


def _ranks(scheduled: Sequence[int], order: Sequence[int]) -> tuple[int, ...]:
    rank = {number: i for i, number in enumerate(scheduled)}
    return tuple(rank[number] for number in order)


def _schedule(fields: Fields, order: tuple[int, ...]) -> Schedule:
    return Schedule(
        order=order,
        peak=fields.number("peak"),
        lower_bound=fields.number("lower_bound"),
        status=status_of(fields),
        scheduler=fields.text("scheduler"),
        seconds=fields.real("search_seconds"),
        states=fields.number("states"),
    )


def _operator(fields: Fields) -> OperatorRow:
    return OperatorRow(
        fields.number("number"), fields.text("name"), fields.text("kind"), fields.text("output")
    )


def _memory(fields: Fields) -> Memory:
    return Memory(fields.number("start"), fields.numbers("running"), fields.numbers("stable"))


def _crest(fields: Fields) -> Crest:
    rows = fields.parts("tensors")
    has_ids = any({"tensor", "operator"} & row.values.keys() for row in rows)
    tensors = tuple(_live(row, has_ids) for row in rows)
    return Crest(fields.number("step", lowest=-1), fields.number_or_none("operator"), tensors)


def _live(fields: Fields, has_ids: bool) -> LiveTensor:
    """Return a live tensor, or scratch; plans of the first edition have only names."""
    name, size = fields.text("name"), fields.number("bytes")
    if not has_ids:
        return LiveTensor(name, size)
    tensor, operator = fields.number_or_none("tensor"), fields.number_or_none("operator")
    one = (tensor is None) is not (operator is None)
    _expect(one, fields, "tensor", "must be null exactly where `operator` is not, for scratch")
    return LiveTensor(name, size, tensor, operator)


def _seconds(fields: Fields) -> Seconds:
    return Seconds(fields.real("load"), fields.real("schedule"), fields.real("save"), fields.real("total"))


def _body(fields: Fields) -> BodyPlan:
    return BodyPlan(
        path=fields.text("path"),
        order=fields.numbers("order"),
        peak=fields.number("peak"),
        lower_bound=fields.number("lower_bound"),
        status=status_of(fields),
    )


def _outputs(fields: Fields) -> Outputs:
    header = fields.text_or_none("header") if "header" in fields.values else None
    digests = read_digests(fields.part("sha256")) if "sha256" in fields.values else {}
    return Outputs(fields.text_or_none("model"), fields.text_or_none("plan"), header, sha256=digests)
