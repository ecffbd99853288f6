"""What the page shows, as one JSON object: columns, since networks may have ten thousand operators."""

from __future__ import annotations

import platform

from hmcos.memory.lifetimes import Life
from hmcos.plan.plan import Plan
from hmcos.report.records.explanation_record import explanation_record
from hmcos.report.words.memories_words import memories_lines
from hmcos.report.words.whole_arena_words import whole_arena_lines
from hmcos.tasks.explain.advice import Kind
from hmcos.tasks.explain.explanation import Explanation
from hmcos.version import __version__
from hmcos.words import human, printable

_CALLER, _NOBODY = -1, -2
"""Codes for the last user of a tensor if it is not an operator."""


def page_data(explanation: Explanation) -> dict[str, object]:
    """Return all that the page's script reads; operators are indices into those that were scheduled."""
    plan = explanation.plan
    record = explanation_record(explanation)
    del record["memory"]
    return {
        **record,
        "memories": _memories(explanation.plan),
        "least": explanation.advised.peak,
        "plan": plan.outputs.plan,
        "called": plan.schedule.title,
        "order": plan.schedule.order,
        "rpo_order": explanation.rpo.order,
        "running": {
            "given": explanation.given.running,
            "rpo": explanation.rpo.running,
            "result": plan.memory.running,
        },
        "operators": {
            "number": [row.number for row in explanation.rows],
            "kind": [printable(row.kind) for row in explanation.rows],
            "name": [printable(row.name) for row in explanation.rows],
        },
        "lives": _lives(explanation),
        "live": explanation.live,
        "needed": _needed(explanation),
        "instead": {
            str(i): [explanation.least(explanation.lives[i], kind) for kind in (Kind.HALVED, Kind.GONE)]
            for i in explanation.live
        },
        "forced": _forced(explanation),
        "cells": _cells(explanation),
        "settings": _settings(explanation),
    }


def _lives(explanation: Explanation) -> dict[str, object]:
    plan = explanation.plan
    lives, arena, buffers = explanation.lives, plan.arena, plan.buffers
    return {
        "name": [printable(explanation.name(life)) for life in lives],
        "type": [_type(explanation, life) for life in lives],
        "size": [life.size for life in lives],
        "birth": [life.birth for life in lives],
        "death": [life.death for life in lives],
        "offset": [buffer.offset for buffer in buffers] if plan.has_places else None,
        "memory": [buffer.memory for buffer in buffers] if arena is None and plan.has_places else None,
        "maker": [_maker(explanation, life) for life in lives],
        "last": [_last(explanation, life) for life in lives],
    }


def _memories(plan: Plan) -> dict[str, object] | None:
    """Return what is in each memory and what is proved; None if there is one block or none."""
    if plan.memories is None:
        return None
    placement = plan.memories.placement
    rows = zip(placement.blocks, placement.sizes, placement.traffic, strict=False)
    return {
        "lines": memories_lines(plan, plan.memories),
        "blocks": [
            {"name": printable(block.name), "capacity": block.capacity, "size": size, "traffic": traffic}
            for block, size, traffic in rows
        ],
    }


def _type(explanation: Explanation, life: Life) -> str:
    tensor = explanation.tensor(life)
    return f"{tensor.element}[{', '.join(map(str, tensor.shape))}]" if tensor else ""


def _maker(explanation: Explanation, life: Life) -> int:
    """Return the operator that makes what lives; -1 for an input."""
    if life.buffer is None:
        return life.operator or 0
    return explanation.problem.producer[life.buffer]


def _last(explanation: Explanation, life: Life) -> int:
    """Return the operator that needs it last in the plan, or who does instead."""
    problem = explanation.problem
    if life.buffer is None:
        return life.operator or 0
    if life.buffer in problem.held:
        return _CALLER
    return explanation.plan.schedule.order[life.death - 1] if problem.readers[life.buffer] else _NOBODY


def _needed(explanation: Explanation) -> dict[str, list[int]]:
    """Return, per life at the moment of the peak, who reads it from then on, in the order of the plan."""
    problem, step = explanation.problem, _steps(explanation)
    moment = max(explanation.plan.crest.step, 0)
    readers_of: dict[str, list[int]] = {}
    for i in explanation.live:
        life = explanation.lives[i]
        readers = (life.operator or 0,) if life.buffer is None else problem.readers[life.buffer]
        readers_of[str(i)] = sorted((op for op in readers if step[op] >= moment), key=step.__getitem__)
    return readers_of


def _steps(explanation: Explanation) -> list[int]:
    """Return per operator its step in the order of the plan."""
    step = [0] * explanation.problem.operators
    for place, op in enumerate(explanation.plan.schedule.order):
        step[op] = place
    return step


def _forced(explanation: Explanation) -> list[dict[str, object]]:
    return [
        {
            "operator": one.operator,
            "bytes": one.bytes,
            "beside": [printable(explanation.network.buffer_names[b]) for b in one.buffers],
        }
        for one in explanation.forced
    ]


def _cells(explanation: Explanation) -> list[dict[str, object]]:
    step = _steps(explanation)
    cells: list[dict[str, object]] = []
    for cell in explanation.cells:
        steps = [step[op] for op in cell.operators]
        cells.append(
            {
                "end": cell.end,
                "intrudes": cell.intrudes,
                "operators": len(cell.operators),
                "peak": cell.bytes,
                "birth": min(steps),
                "death": max(steps),
            }
        )
    return cells


def _settings(explanation: Explanation) -> list[tuple[str, str]]:
    plan = explanation.plan
    settings = [
        ("network", plan.source.name),
        ("sha256", plan.source.original_sha256 or "none: the network was given in memory"),
        ("operators", f"{len(plan.operators):,}, of which {len(plan.scheduled):,} were scheduled"),
        ("target", plan.target.name),
        *([("kernels", plan.target.kernels)] if plan.target.kernels else []),
        ("alignment", human(plan.target.alignment)),
        ("inputs and outputs", "outside the arena" if plan.target.external_io else "counted"),
        ("scheduler", f"{plan.schedule.scheduler}, {plan.schedule.seconds:.3f} s, status {plan.status}"),
    ]
    if plan.source.bind:
        settings.append(("bound", ", ".join(f"{symbol}={size}" for symbol, size in plan.source.bind.items())))
    settings += [("note", note) for note in plan.source.notes]
    if plan.arena is not None:
        settings.append(("arena by", f"{plan.arena.allocator}, status {plan.arena.status}"))
    if plan.tflm is not None:
        settings.append(("arena in TFLM", ", ".join(line.strip() for line in whole_arena_lines(plan.tflm))))
    settings.append(("versions", f"hmcos {__version__}, Python {platform.python_version()}"))
    return [(label, printable(value)) for label, value in settings]
