"""Results as the JSON objects that other programs rely on (docs/json.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hmcos.frontends.outline import Port
from hmcos.plan.arena import Arena
from hmcos.plan.file.arena_fields import arena_record
from hmcos.plan.file.memories_fields import memories_record
from hmcos.plan.file.plan_file import outputs_record, seconds_record
from hmcos.plan.file.whole_arena_fields import whole_arenas_record
from hmcos.plan.plan import Plan, Source, TargetUsed
from hmcos.plan.rewriting import Rewriting
from hmcos.runtimes.onnxruntime.measured import Measurement
from hmcos.verify.checks import Answer, Verification

if TYPE_CHECKING:
    from hmcos.tasks.compare.experiment import Experiment, OrderTrial
    from hmcos.tasks.compare.schedulers import Comparison
    from hmcos.tasks.inspection import Inspection
    from hmcos.tasks.place_lives import Allocation


def plan_record(plan: Plan) -> dict[str, object]:
    """Return what `hmcos schedule --json` prints."""
    return {
        "model": plan.source.name,
        "operators": len(plan.operators),
        "target": plan.target.name,
        **kernels_record(plan.target),
        "scheduler": plan.schedule.scheduler,
        "status": str(plan.status),
        "scheduled_operators": len(plan.scheduled),
        "peak": plan.peak,
        "lower_bound": plan.lower_bound,
        "given_peak": plan.given_peak,
        "rpo_peak": plan.rpo_peak,
        "order": list(plan.order),
        "seconds": seconds_record(plan.seconds),
        "outputs": outputs_record(plan.outputs),
        "arena": None if plan.arena is None else _arena_record(plan.arena),
        "largest_first_arena": plan.largest_first_arena,
        **notes_record(plan.source),
        **memories_keys(plan),
        **_tiled_record(plan),
        **({} if plan.tflm is None else {"tflm": whole_arenas_record(plan.tflm)}),
    }


def notes_record(source: Source) -> dict[str, object]:
    """Return what was assumed of a source; {} for nothing."""
    return {"notes": list(source.notes)} if source.notes else {}


def kernels_record(target: TargetUsed) -> dict[str, object]:
    """Return the kernels whose scratch is counted, and the operators of which it is unknown; {} for none."""
    if not target.kernels:
        return {}
    return {"kernels": target.kernels, "unknown_scratch": list(target.unknown_scratch)}


def _tiled_record(plan: Plan) -> dict[str, object]:
    """Return the key `tiled` where a tiling was asked for, with what it changed or why it changed nothing."""
    if plan.rewriting is None:
        return {"tiled": None, "untiled": plan.untiled} if plan.untiled else {}
    bound = {"peak": plan.peak, "lower_bound": plan.lower_bound}
    why = {"untiled": plan.untiled} if plan.untiled else {}
    return {"tiled": rewriting_record(plan.rewriting, len(plan.operators)) | bound, **why}


def rewriting_record(rewriting: Rewriting, operators: int) -> dict[str, object]:
    """Return what a tiling changed; `operators` is the number of those of the tiled network."""
    return {
        "peak_before": rewriting.peak_before,
        "peak_best_order": rewriting.peak_best_order,
        "extra_macs": rewriting.extra_macs,
        "macs": rewriting.macs,
        "stripped": list(rewriting.stripped),
        "operators_before": rewriting.operators_before,
        "operators": operators,
        "bytes_before": rewriting.bytes_before,
        "bytes": rewriting.bytes_after,
        "regions": [
            {
                "first": rewriting.order[row.begin],
                "last": rewriting.order[row.end - 1],
                "rows": row.rows,
                "columns": row.columns,
                "early": row.early,
            }
            for row in rewriting.regions
        ],
        "new_kinds": list(rewriting.new_kinds),
        "folds": list(rewriting.folds),
        "fixed": dict(sorted(rewriting.fixed.items())),
        "exact": rewriting.is_exact,
    }


def memories_keys(plan: Plan) -> dict[str, object]:
    """Return the key `memories` where memories were named: what is in each, and where every tensor is."""
    if plan.memories is None:
        return {}
    names = [block.name for block in plan.memories.placement.blocks]
    buffers = [
        {
            "name": buffer.name,
            "memory": names[buffer.memory or 0],
            "offset": buffer.offset,
            "bytes": buffer.size,
            "tensors": list(buffer.tensors),
            "operator": buffer.operator,
        }
        for buffer in plan.buffers
    ]
    seconds = round(plan.memories.placement.seconds, 6)
    return {"memories": {**memories_record(plan.memories), "seconds": seconds, "buffers": buffers}}


def _arena_record(arena: Arena) -> dict[str, object]:
    return {**arena_record(arena), "seconds": round(arena.seconds, 6)}


def allocation_record(allocation: Allocation) -> dict[str, object]:
    """Return what `hmcos arena --json` prints."""
    offsets = (None if offset < 0 else offset for offset in allocation.arena.offsets)
    return {
        "instance": allocation.source,
        "buffers": len(allocation.names),
        "capacity": allocation.capacity,
        **_arena_record(allocation.arena),
        "offsets": dict(zip(allocation.names, offsets, strict=True)),
        "output": allocation.output,
    }


def comparison_record(comparison: Comparison) -> dict[str, object]:
    """Return what `hmcos compare --json` prints."""
    return {
        "model": comparison.source.name,
        "operators": comparison.operators,
        "target": comparison.target.name,
        **kernels_record(comparison.target),
        "scheduled_operators": comparison.scheduled_operators,
        "lower_bound": max(schedule.lower_bound for schedule in comparison.schedules),
        "schedulers": [
            {
                "scheduler": schedule.scheduler,
                "status": str(schedule.status),
                "peak": schedule.peak,
                "seconds": round(schedule.seconds, 6),
            }
            for schedule in comparison.schedules
        ],
    }


def experiment_record(experiment: Experiment) -> dict[str, object]:
    """Return what `hmcos compare zoo:all --json` prints."""
    return {
        "model": "zoo:all",
        "target": experiment.target.name,
        "networks": [
            {
                "model": row.network,
                "scheduled_operators": row.operators,
                "lower_bound": row.lower_bound,
                "schedulers": [_trial_record(trial) for trial in row.trials],
            }
            for row in experiment.rows
        ],
    }


def _trial_record(trial: OrderTrial) -> dict[str, object]:
    schedule = trial.schedule
    return {
        "scheduler": schedule.scheduler,
        "status": str(schedule.status),
        "peak": schedule.peak,
        "seconds": round(schedule.seconds, 6),
        "arenas": {
            planner: {
                "size": arena.size,
                "status": str(arena.status),
                "seconds": round(arena.seconds, 6),
            }
            for planner, arena in trial.arenas
        },
    }


def inspection_record(inspection: Inspection) -> dict[str, object]:
    """Return what `hmcos inspect --json` prints."""
    return {
        "model": inspection.source.name,
        "operators": inspection.operators,
        "inputs": [_port_record(port) for port in inspection.inputs],
        "outputs": [_port_record(port) for port in inspection.outputs],
        "kinds": dict(inspection.kinds),
        "parameters": inspection.parameters,
        "parameter_bytes": inspection.parameter_bytes,
        "activations": inspection.activations,
        "activation_bytes": inspection.activation_bytes,
        "symbols": list(inspection.symbols),
        "unbound": list(inspection.unbound),
        "obstacle": inspection.obstacle or None,
        "inlined": inspection.source.inlined,
        "sha256": inspection.source.sha256 or None,
        **notes_record(inspection.source),
    }


def verification_record(verification: Verification) -> dict[str, object]:
    """Return what `hmcos verify --json` prints."""
    return {
        "model": verification.source,
        "result": verification.result,
        "answer": str(verification.answer),
        "holds": _holds(verification.answer),
        "checks": [
            {
                "check": check.name,
                "answer": str(check.answer),
                "holds": _holds(check.answer),
                "required": check.required,
                "words": check.words,
                **({} if check.memory is None else {"memory": check.memory}),
            }
            for check in verification.checks
        ],
    }


def _holds(answer: Answer) -> bool | None:
    """Return an answer as JSON knows it: null where nothing is known."""
    return {Answer.HOLDS: True, Answer.FAILS: False}.get(answer)


def measurement_record(measurement: Measurement) -> dict[str, object]:
    """Return what `hmcos measure --json` prints."""
    return {
        "model": measurement.model,
        "target": measurement.target,
        "processes": measurement.processes,
        "settings": [
            {
                "setting": row.setting,
                "median": row.median,
                "least": row.least,
                "most": row.most,
                "predicted": row.predicted,
            }
            for row in measurement.rows
        ],
    }


def _port_record(port: Port) -> dict[str, object]:
    return {
        "name": port.name,
        "element": port.element,
        "shape": None if port.shape is None else list(port.shape),
    }
