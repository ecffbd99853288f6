"""A TensorFlow Lite model checked against its source, at rest and by running both; and its measured arena."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from hmcos.errors import ModelError, VerifyError
from hmcos.frontends.model import Model
from hmcos.frontends.tflite.writing import rewritten
from hmcos.frontends.tflite.written import Written, read, written
from hmcos.plan.plan import Plan
from hmcos.runtimes.tflite import Run, random_inputs, run
from hmcos.runtimes.tflm import TflmArena, room, tflm_arena
from hmcos.stages.tflite import OFFSET_ALIGNMENT
from hmcos.stages.tflite_bodies import body_path, places
from hmcos.verify.checks import Check, attempt
from hmcos.verify.offsets import Span, check_model_offsets
from hmcos.verify.schedule import check_order

ENGINES: dict[str, str] = {"litert": "LiteRT", "tflm": "TFLM"}
"""Runtime to what a report calls it."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What TFLM says of the arena of one form of a model, beside what was predicted."""

    name: str
    """source, order alone, or order and offsets."""
    arena: TflmArena
    predicted: int | None
    """Bytes of the head; None where the runtime's own planner decides."""


@dataclass(frozen=True, slots=True)
class ArenaMeasurement:
    """What was measured of a model, beside what was proved of it. Sizes in bytes."""

    name: str
    given_peak: int
    """Of the order in the file."""
    peak: int
    """Of the order of the plan."""
    lower_bound: int
    """Proved: no order and no placement needs fewer bytes of head."""
    arenas: tuple[Measured, ...]


def prove_tflite(model: Model, plan: Plan | None, place: Path | None, runs: int, seed: int) -> list[Check]:
    """Return the checks of a written model, or of what the order of a plan makes of it.

    Raises:
        ModelError: the written model cannot be read.
        ToolError: a runtime is not installed.
    """
    if place is not None:
        return tflite_checks(model, plan, read(place), runs, seed)
    assert plan is not None  # a result without a plan is a path
    orders = {"": plan.order} | {body.path: body.order for body in plan.bodies}
    return tflite_checks(model, plan, rewritten(cast(bytes, model.proto), orders), runs, seed)


def tflite_checks(model: Model, plan: Plan | None, result: bytes, runs: int, seed: int) -> list[Check]:
    """Return the checks of a written TensorFlow Lite model: fields, order, offsets, outputs, arena.

    Raises:
        ToolError: a runtime is not installed.
    """
    source = cast(bytes, model.proto)
    found: list[Written] = []
    same = attempt("written model", lambda: _same(model, plan, result, found))
    if not same.held:
        return [same]
    made = found[0]
    checks = [same]
    if made.offsets is not None:
        checks.append(attempt("offsets", lambda: _offsets(model, made)))
    if all(check.held for check in checks):
        for engine, name in ENGINES.items():
            checks.append(_outputs(engine, name, model, (source, result), range(seed, seed + runs)))
        checks.append(attempt("arena in TFLM", lambda: _arena(model, plan, made, result)))
    return checks


def _same(model: Model, plan: Plan | None, result: bytes, found: list[Written]) -> str:
    try:
        made = written(cast(bytes, model.proto), result)
    except ModelError as error:
        raise VerifyError(str(error)) from error
    order = made.orders[0]
    check_order(model.graph, order)
    if plan is not None and order != plan.order:
        step = next(i for i, (a, b) in enumerate(zip(order, plan.order, strict=True)) if a != b)
        raise VerifyError(f"step {step} is operator {order[step]}, but the plan says {plan.order[step]}")
    found.append(made)
    return f"the source's {len(order):,} operators in a valid order, and every other field equal"


def _offsets(model: Model, made: Written) -> str:
    offsets = made.offsets or ()
    spans: dict[str, Span] = {}
    for place in reversed(places(model)):  # inner ones first
        graph, last = place.graph, place.first + len(place.graph.tensors)
        inside: dict[int, Span] = {}
        for op in graph.operators:
            taken = [spans[body_path(place.path, op.number, body.attribute)] for body in op.bodies]
            if any(high for _, high in taken):
                placed = [span for span in taken if span[1]]
                inside[op.number] = (min(low for low, _ in placed), max(high for _, high in placed))
        order = made.orders[place.subgraph]
        check_order(graph, order)
        here = offsets[place.first : last]
        spans[place.path] = check_model_offsets(graph, order, here, OFFSET_ALIGNMENT, inside)
    placed = sum(offset >= 0 for offset in offsets)
    return f"{placed:,} tensors within {spans[''][1]:,} bytes; no two that are live together overlap"


def _outputs(engine: str, name: str, model: Model, contents: tuple[bytes, bytes], seeds: range) -> Check:
    """Return whether source and result make the same bits; nothing is told by a source that does not run."""
    title = f"outputs in {name}"
    try:
        sources = [_run(engine, model, contents[0], seed) for seed in seeds]
    except VerifyError as error:
        return Check(title, True, f"not compared, since the source does not run there either: {error}")
    return attempt(title, lambda: _equal(engine, model, contents[1], seeds, sources))


def _equal(engine: str, model: Model, result: bytes, seeds: range, sources: list[Run]) -> str:
    for seed, before in zip(seeds, sources, strict=True):
        after = _run(engine, model, result, seed)
        for place, (one, other) in enumerate(zip(before.outputs, after.outputs, strict=True)):
            if one.dtype != other.dtype or one.tobytes() != other.tobytes():
                raise VerifyError(f"output {place} differs for the random inputs of seed {seed}")
    outputs = len(model.graph.outputs)
    return f"{outputs} outputs equal in every bit, for random inputs of {len(seeds)} seeds"


def _run(engine: str, model: Model, content: bytes, seed: int) -> Run:
    return run(engine, content, random_inputs(model.graph, seed), room(content, model.graph))


def _arena(model: Model, plan: Plan | None, made: Written, result: bytes) -> str:
    try:
        before = tflm_arena(cast(bytes, model.proto), model.graph)
    except VerifyError as error:
        return f"not measured, since the source does not run there either: {error}"
    after = tflm_arena(result, model.graph)
    words = f"head {before.head:,} -> {after.head:,} bytes, total {before.total:,} -> {after.total:,}"
    if made.offsets is not None and plan is not None and plan.arena is not None:
        if after.head > plan.arena.size:
            raise VerifyError(f"{words}; the plan says {plan.arena.size:,}")
        words += f"; the plan says {plan.arena.size:,}"
    return words


def measure_tflite(model: Model, plan: Plan, result: bytes) -> ArenaMeasurement:
    """Return what TFLM says of the arena of a model as it is, reordered, and as the plan wrote it.

    Raises:
        ToolError: the runtime is not installed.
        VerifyError: it refuses the model.
    """
    bare = rewritten(result, {})
    forms: list[tuple[str, bytes, int | None]] = [
        ("source", cast(bytes, model.proto), None),
        ("order alone", bare, None),
    ]
    if bare != result and plan.arena is not None:
        forms.append(("order and offsets", result, plan.arena.size))
    arenas = tuple(Measured(name, tflm_arena(content, model.graph), size) for name, content, size in forms)
    return ArenaMeasurement(plan.source.name, plan.given_peak, plan.peak, plan.lower_bound, arenas)
