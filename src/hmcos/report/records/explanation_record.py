"""An explanation as the JSON object that other programs rely on (docs/json.md)."""

from __future__ import annotations

from collections.abc import Iterator

from hmcos.plan.file.arena_fields import arena_record
from hmcos.report.records.result_records import kernels_record, rewriting_record
from hmcos.report.words.advice_words import advice_words, proof_words, reproduction, tried_words, verdict
from hmcos.report.words.tiling_words import tiling_advice_words, tiling_command, tiling_note
from hmcos.tasks.explain.advice import Advice, Kind
from hmcos.tasks.explain.explanation import CellPeak, Explanation, Forced
from hmcos.tasks.explain.tiling_advice import TilingAnswer


def explanation_record(explanation: Explanation) -> dict[str, object]:
    """Return what `hmcos explain --json` prints."""
    plan, advised = explanation.plan, explanation.advised
    return {
        "model": plan.source.name,
        "operators": len(plan.operators),
        "scheduled_operators": len(plan.scheduled),
        "target": plan.target.name,
        **kernels_record(plan.target),
        "scheduler": plan.schedule.scheduler,
        "status": str(plan.status),
        "peak": plan.peak,
        "lower_bound": plan.lower_bound,
        "given_peak": plan.given_peak,
        "rpo_peak": plan.rpo_peak,
        "arena": None if plan.arena is None else arena_record(plan.arena),
        "verdict": verdict(plan),
        "command": reproduction(plan) or None,
        "peak_step": plan.crest.step,
        "live": [_live_record(explanation, i) for i in explanation.live],
        "proof": proof_words(explanation),
        "forced": [_forced_record(explanation, one) for one in explanation.forced],
        "cells": [_cell_record(explanation, cell) for cell in explanation.cells],
        "tiling": _tiling_record(explanation),
        "advice": [
            *_tiling_advice(explanation),
            *(advice_record(explanation, one) for one in advised.best),
        ],
        "changes_tried": len(advised.advice),
        "changes_possible": advised.possible,
        "changes_undecided": advised.undecided,
        "advice_note": tried_words(explanation),
        "memory": list(plan.memory.running),
    }


def _tiling_record(explanation: Explanation) -> dict[str, object]:
    found = explanation.tiling
    rewriting = {} if found.rewriting is None else rewriting_record(found.rewriting, found.operators)
    return {
        "answer": str(found.answer),
        "note": tiling_note(explanation),
        "command": tiling_command(explanation.plan),
        "peak": found.peak,
        **rewriting,
    }


def _tiling_advice(explanation: Explanation) -> Iterator[dict[str, object]]:
    """Yield tiling as the first piece of advice, if it helps."""
    found = explanation.tiling
    if found.answer is TilingAnswer.HELPS and found.peak is not None:
        what, how = tiling_advice_words(explanation)
        saved = explanation.plan.peak - found.peak
        yield {
            "kind": "tiled", "change": what, "how": how, "peak": found.peak, "saved": saved, "proved": False
        }  # fmt: skip


def _live_record(explanation: Explanation, index: int) -> dict[str, object]:
    life, problem, plan = explanation.lives[index], explanation.problem, explanation.plan
    tensor = explanation.tensor(life)
    maker = life.operator if life.buffer is None else problem.producer[life.buffer]
    readers = () if life.buffer is None else problem.readers[life.buffer]
    return {
        "name": explanation.name(life),
        "element": tensor.element if tensor else None,
        "shape": list(tensor.shape) if tensor else None,
        "bytes": life.size,
        "share": round(life.size / plan.peak, 6) if plan.peak else 0.0,
        "made_by": None if maker is None or maker < 0 else explanation.rows[maker].number,
        "needed_by": [explanation.rows[op].number for op in readers],
        "birth": life.birth,
        "death": life.death,
        "if_halved": explanation.least(life, Kind.HALVED),
        "if_gone": explanation.least(life, Kind.GONE),
    }


def _forced_record(explanation: Explanation, one: Forced) -> dict[str, object]:
    row = explanation.rows[one.operator]
    return {
        "operator": row.number,
        "name": row.name,
        "kind": row.kind,
        "bytes": one.bytes,
        "beside": [explanation.network.buffer_names[buffer] for buffer in one.buffers],
    }


def _cell_record(explanation: Explanation, cell: CellPeak) -> dict[str, object]:
    return {
        "end": explanation.rows[cell.end].number,
        "intrudes": cell.intrudes,
        "operators": [explanation.rows[op].number for op in cell.operators],
        "peak": cell.bytes,
    }


def advice_record(explanation: Explanation, one: Advice) -> dict[str, object]:
    """Return one piece of advice: the change, the least peak with it, and how to get it."""
    what, how = advice_words(explanation, one.change)
    return {
        "kind": str(one.change.kind),
        "change": what,
        "how": how,
        "peak": one.peak,
        "saved": explanation.advised.saved(one),
        "proved": one.proved,
    }
