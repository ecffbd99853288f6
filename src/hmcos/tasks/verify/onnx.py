"""Check an ONNX model against its source, by comparing and by running both."""

from __future__ import annotations

from pathlib import Path

from hmcos.folders import temporary_folder
from hmcos.frontends import loading
from hmcos.frontends.feeding import own_inputs
from hmcos.frontends.model import Model
from hmcos.graph.float_ends import without
from hmcos.plan.plan import Plan
from hmcos.tasks.verify.run_options import Runner, Running
from hmcos.verify.checks import Check, attempt
from hmcos.verify.counted.order_check import check_order, check_planned
from hmcos.verify.run.parent import run_apart
from hmcos.verify.run.run_request import FloatSource, RunRequest
from hmcos.verify.written_model import check_bodies, order_of


def ran(model: Model, plan: Plan | None, written: Path | None, running: Running) -> list[Check]:
    """Return the checks that compare the written model with its source and run both."""
    floats = _floats(model, plan)
    inputs = own_inputs(model.graph if floats is None else floats.graph, running.inputs or {})
    with temporary_folder() as folder:
        numbered = model.path
        if numbered is None or model.inlined or model.is_sorted or model.rewritten:
            numbered = folder / "source.onnx"
            loading.save(model, {}, numbered)
        if written is None and plan is not None:
            written = folder / "source, reordered"
            loading.save(model, plan.orders, written)
        assert written is not None  # a result without a plan is a path
        same = compared(model, plan, written)
        if not same.held:
            return [same]
        request = RunRequest(
            source=_source(model, numbered, folder).absolute(),
            numbered=numbered.absolute(),
            result=written.absolute(),
            graph=model.graph,
            plan=plan,
            known=loading.ranges(_given(model, floats)),
            inputs=inputs,
            runs=running.runs,
            seed=running.seed,
            memory=running.memory,
            seconds=running.seconds,
            common=_common(model),
            floats=floats,
            is_exact=plan is None or plan.rewriting is None or plan.rewriting.is_exact,
        )
        return [same, *run_apart(request)]


def _floats(model: Model, plan: Plan | None) -> FloatSource | None:
    """Return the source where it has float inputs or outputs that the result does not have."""
    ends = () if plan is None or plan.rewriting is None else plan.rewriting.stripped
    if not ends or model.origin is None:
        return None
    graph = model.origin.graph
    names = (graph.tensors[t].name for t in without(graph, ends).replaced.values())
    spans = loading.format_called(model.format).float_spans(model.origin, ends)
    return FloatSource(graph, tuple(dict.fromkeys(names)), spans)


def _given(model: Model, floats: FloatSource | None) -> Model:
    return model if floats is None or model.origin is None else model.origin


def _source(model: Model, numbered: Path, folder: Path) -> Path:
    """Return the file that the result has to compute the same as: that of the user, where there is one."""
    if model.origin is None:
        return model.path or numbered
    # Functions hide the names of what is in them, so inner tensors are compared with the inlined source.
    if model.path is not None and not model.origin.inlined:
        return model.path
    place = folder / "origin.onnx"
    loading.save(model.origin, {}, place)
    return place


def _common(model: Model) -> tuple[str, ...]:
    """Return the names of inner tensors that a model has as the one has that it was made of."""
    if model.origin is None:
        return ()
    names = [
        {each.graph.tensors[t].name for op in each.graph.operators for t in op.makes if not op.is_random}
        for each in (model.origin, model)
    ]
    graph = model.graph
    left_out = {graph.tensors[t].name for t in graph.outputs}
    left_out |= {t.name for t in graph.tensors if t.is_parameter}
    return tuple(sorted((names[0] & names[1]) - left_out))


def compared(model: Model, plan: Plan | None, written: Path) -> Check:
    """Return the check that a written model is the source in the planned order, without running it."""
    return attempt("written model", lambda: _written(model, plan, written))


def _written(model: Model, plan: Plan | None, written: Path) -> str:
    order = order_of(model, written)
    if plan is not None:
        check_planned(order, plan.order, f"{written.name}: ")
    check_order(model.graph, order)
    planned = None if plan is None else {body.path: body.order for body in plan.bodies}
    check_bodies(model, written, order, planned)
    whose = "tiled source" if model.rewritten else "source"
    return f"{written.name}: the {whose}'s {len(order):,} nodes in a valid order, and nothing else changed"


RUNNER = Runner(ran, compared)
