"""A TensorFlow Lite model checked against its source, at rest and by running both; and its measured arena."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from hmcos.errors import LimitError, ModelError, NotRunError, VerifyError
from hmcos.frontends.model import Model
from hmcos.frontends.tflite.writing import rewritten
from hmcos.frontends.tflite.written import Written, read, written
from hmcos.plan.plan import Plan
from hmcos.runtimes.tflm import TflmArena, tflm_arena
from hmcos.stages.tflite_bodies import Place, places
from hmcos.stages.tflite_offsets import check_written_offsets
from hmcos.stages.tflite_trial import Trial, on_result, outputs_checks
from hmcos.verify.checks import Check, attempt
from hmcos.verify.schedule import check_order


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


def prove_tflite(trial: Trial, plan: Plan | None, place: Path | None) -> list[Check]:
    """Return the checks of a written model, or of what the order of a plan makes of the source.

    Raises:
        ModelError: the written model cannot be read.
    """
    if place is not None:
        return _checks(trial, plan, read(place))
    assert plan is not None  # a result without a plan is a path
    return _checks(trial, plan, rewritten(trial.source, plan.orders))


def compare_tflite(model: Model, plan: Plan | None, place: Path) -> Check:
    """Return whether a written model is the source in the planned order, without running it."""

    def same() -> str:
        try:
            return _same(model, plan, read(place), [])
        except ModelError as error:
            raise VerifyError(str(error)) from error

    return attempt("written model", same)


def _checks(trial: Trial, plan: Plan | None, result: bytes) -> list[Check]:
    """Return the checks of a written TensorFlow Lite model: fields, order, offsets, outputs, arena."""
    found: list[Written] = []
    same = attempt("written model", lambda: _same(trial.model, plan, result, found))
    if not same.held:
        return [same]
    made = found[0]
    checks = [same]
    if made.offsets is not None:
        checks.append(attempt("offsets", lambda: check_written_offsets(trial.model, plan, made)))
    if all(check.held for check in checks):
        checks += outputs_checks(trial, result)
        checks.append(attempt("arena in TFLM", lambda: _arena(trial, plan, made, result)))
    return checks


def _same(model: Model, plan: Plan | None, result: bytes, found: list[Written]) -> str:
    try:
        made = written(cast(bytes, model.proto), result)
    except ModelError as error:
        raise VerifyError(str(error)) from error
    planned = {} if plan is None else plan.orders
    # A subgraph that several operators run has one order, that of the first path with a plan.
    order_of: dict[int, tuple[int, ...]] = {}
    subgraph_of = {place.path: place.subgraph for place in places(model)}
    for path, order in planned.items():
        if path not in subgraph_of:
            raise VerifyError(f"the plan orders {path}, which the model does not have")
        order_of.setdefault(subgraph_of[path], order)
    reached = {place.subgraph for place in places(model)}
    for subgraph, order in enumerate(made.orders):
        if subgraph not in reached and order != tuple(range(len(order))):
            raise VerifyError(
                f"subgraph {subgraph}: is in another order, though the main graph never runs it"
            )
    for place in places(model):
        _check_graph(place, made.orders[place.subgraph], order_of.get(place.subgraph))
    found.append(made)
    return f"the source's {len(made.orders[0]):,} operators in a valid order, and every other field equal"


def _check_graph(place: Place, order: tuple[int, ...], planned: tuple[int, ...] | None) -> None:
    """Do nothing if a graph of the written model is in a valid order, and in that of the plan."""
    where = f"{place.path}: " if place.path else ""
    try:
        check_order(place.graph, order)
    except VerifyError as error:
        raise VerifyError(f"{where}{error}") from error
    if planned is not None and order != planned:
        step = next(i for i, (a, b) in enumerate(zip(order, planned, strict=True)) if a != b)
        raise VerifyError(f"{where}step {step} is operator {order[step]}, but the plan says {planned[step]}")


def _arena(trial: Trial, plan: Plan | None, made: Written, result: bytes) -> str:
    before, note = _arena_before(trial)
    after = on_result(lambda: trial.arena(result))
    words = f"head {before.head:,} -> {after.head:,} bytes, total {before.total:,} -> {after.total:,}{note}"
    if made.offsets is not None and plan is not None and plan.arena is not None:
        if after.head > plan.arena.size:
            raise VerifyError(f"{words}; the plan says {plan.arena.size:,}")
        words += f"; the plan says {plan.arena.size:,}"
    return words


def _arena_before(trial: Trial) -> tuple[TflmArena, str]:
    """Return the arena of the source, and what to say of it."""
    try:
        return trial.arena(trial.source), ""
    except LimitError:
        raise
    except NotRunError:
        bare = trial.arena(trial.without_offsets())  # or it is not because of them that it does not run
        return bare, " (without the source's own offsets, with which it does not run)"


def measure_tflite(model: Model, plan: Plan, result: bytes) -> ArenaMeasurement:
    """Return what TFLM says of the arena of a model as it is, reordered, and as the plan wrote it.

    Raises:
        ToolError: the runtime is not installed.
        NotRunError: it refuses the model.
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
