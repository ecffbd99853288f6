"""Check a TensorFlow Lite model against its source, by comparing and by running both."""

from __future__ import annotations

from pathlib import Path

from hmcos.errors import LimitError, ModelError, NotRunError, VerifyError
from hmcos.frontends.feeding import own_inputs
from hmcos.frontends.format import OffsetsInFiles, Place, Written
from hmcos.frontends.kernel_table import DEFAULT
from hmcos.frontends.loading import format_called
from hmcos.frontends.model import Model
from hmcos.plan.plan import Plan
from hmcos.runtimes.tflite.tflm import MEASURED_POINTER, TflmArena
from hmcos.tasks.verify.model_offsets import check_written_offsets
from hmcos.tasks.verify.run_options import Runner, Running
from hmcos.tasks.verify.tflite_runs import on_result, outputs_checks
from hmcos.tasks.verify.tflite_trial import TfliteTrial
from hmcos.verify.checks import Check, attempt
from hmcos.verify.counted.order_check import check_order, check_planned
from hmcos.words import printable


def ran(model: Model, plan: Plan | None, place: Path | None, running: Running) -> list[Check]:
    """Return the checks of a written model; if there is none, of the source put into the planned order.

    Raises:
        ModelError: the written model cannot be read.
    """
    ends = () if plan is None or plan.rewriting is None else plan.rewriting.stripped
    own = own_inputs((model.origin or model).graph, running.inputs or {})
    trial = TfliteTrial(model, _held(model), running, own, ends)
    if place is not None:
        return _checks(trial, plan, trial.held.read(place))
    assert plan is not None  # a result without a plan is a path
    return _checks(trial, plan, trial.held.without(trial.held.source(model), plan.orders))


def compared(model: Model, plan: Plan | None, place: Path) -> Check:
    """Return the check that a written model is the source in the planned order, without running it."""

    def same() -> str:
        try:
            held = _held(model)
            return _same(model, held, plan, held.read(place), [])
        except ModelError as error:
            raise VerifyError(str(error)) from error

    return attempt("written model", same)


def _checks(trial: TfliteTrial, plan: Plan | None, result: bytes) -> list[Check]:
    """Return the checks of a written TensorFlow Lite model: fields, order, offsets, outputs, arena."""
    matched: list[Written] = []
    same = attempt("written model", lambda: _same(trial.model, trial.held, plan, result, matched))
    if not same.held:
        return [same]
    made = matched[0]
    checks = [same]
    if made.offsets is not None:
        checks.append(attempt("offsets", lambda: check_written_offsets(trial.model, trial.held, plan, made)))
    if all(check.held for check in checks):
        checks += outputs_checks(trial, result)
        checks.append(attempt("arena in TFLM", lambda: _arena(trial, plan, made, result)))
    return checks


def _same(
    model: Model, held: OffsetsInFiles, plan: Plan | None, result: bytes, matched: list[Written]
) -> str:
    places = held.places(model)
    try:
        made = held.written(held.source(model), result)
    except ModelError as error:
        raise VerifyError(str(error)) from error
    planned = {} if plan is None else plan.orders
    order_of: dict[int, tuple[int, ...]] = {}
    subgraph_of = {place.path: place.subgraph for place in places}
    for path, order in planned.items():
        if path not in subgraph_of:
            raise VerifyError(f"the plan orders {path}, which the model does not have")
        if order_of.setdefault(subgraph_of[path], order) != order:
            raise VerifyError(f"the plan has two orders of subgraph {subgraph_of[path]}, also as {path}")
    reached = {place.subgraph for place in places}
    for subgraph, order in enumerate(made.orders):
        if subgraph not in reached and order != tuple(range(len(order))):
            raise VerifyError(
                f"subgraph {subgraph}: is in another order, though the main graph never runs it"
            )
    for place in places:
        _check_graph(place, made.orders[place.subgraph], order_of.get(place.subgraph))
    matched.append(made)
    whose = "the plan's" if model.rewritten else "the source's"
    return f"{whose} {len(made.orders[0]):,} operators in a valid order, and every other field equal"


def _check_graph(place: Place, order: tuple[int, ...], planned: tuple[int, ...] | None) -> None:
    """Check that a graph of the written model is in a valid order, and in that of the plan."""
    where = f"{place.path}: " if place.path else ""
    try:
        check_order(place.graph, order)
    except VerifyError as error:
        raise VerifyError(f"{where}{error}") from error
    if planned is not None:
        check_planned(order, planned, where)


def _arena(trial: TfliteTrial, plan: Plan | None, made: Written, result: bytes) -> str:
    before, note = _arena_before(trial)
    after = on_result(lambda: trial.arena(result))
    words = f"head {before.head:,} -> {after.head:,} bytes, total {before.total:,} -> {after.total:,}{note}"
    if plan is not None and plan.target.external_io:
        return f"{words}, inputs and outputs included, which the plan leaves to the caller"
    if plan is not None and plan.target.kernels not in ("", DEFAULT):
        return f"{words}, with the {DEFAULT} kernels; the plan is for {printable(plan.target.kernels)}"
    head = None if plan is None or made.offsets is None else _head(plan)
    if head is not None:
        if after.head > head:
            raise VerifyError(f"{words}; the plan says {head:,}")
        words += f"; the plan says {head:,}"
    declared = None if plan is None else _declared(plan, made)
    if declared is not None:
        if not trial.fits(result, declared):
            raise VerifyError(
                f"{words}; the plan says that tensor_arena[{declared}] is enough, and it is not"
            )
        words += f"; tensor_arena[{declared}] is enough"
    return words


def _head(plan: Plan) -> int | None:
    """Return the bytes that a plan says the head has with the offsets in the file."""
    if plan.tflm is not None and plan.tflm.kept:
        return plan.tflm.now.head
    return None if plan.arena is None else plan.arena.size


def _declared(plan: Plan, made: Written) -> int | None:
    """Return the bytes that the plan says are enough for what was written; None if that cannot be tried."""
    arenas = plan.tflm
    if arenas is None or arenas.pointer_bytes != MEASURED_POINTER or arenas.unknown:
        return None
    if made.offsets is not None or arenas.kept:
        return arenas.planned.declare
    return arenas.order.declare if plan.rewriting is None else None


def _arena_before(trial: TfliteTrial) -> tuple[TflmArena, str]:
    """Return the arena of the source, and a note about it."""
    try:
        return trial.arena(trial.source, trial.origin.graph), ""
    except LimitError:
        raise
    except NotRunError:
        # If this fails, too, the offsets are not the reason.
        bare = trial.arena(trial.without_offsets(), trial.origin.graph)
        return bare, " (without the source's own offsets, with which it does not run)"


def _held(model: Model) -> OffsetsInFiles:
    held = format_called(model.format).offsets
    assert held is not None, "files of TensorFlow Lite hold offsets"
    return held


RUNNER = Runner(ran, compared)
