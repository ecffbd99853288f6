"""A plan or a reordered model, checked against its source, at rest and by running both."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path

from hmcos.errors import OptionError, PlanError, ToolError, VerifyError
from hmcos.folders import temporary_folder
from hmcos.frontends import loading
from hmcos.frontends.feeding import own_inputs
from hmcos.frontends.model import Model
from hmcos.memory.problem import Problem
from hmcos.plan.plan import Plan
from hmcos.plan.plan_file import read_claims
from hmcos.plan.tensor_ids import with_tensor_ids
from hmcos.stages.opening import Openable, Opened, open_source
from hmcos.stages.running import Running
from hmcos.stages.tflite import FORMAT
from hmcos.stages.tflite_proving import compare_tflite, prove_tflite
from hmcos.stages.tflite_trial import Trial
from hmcos.stages.verification import checks_at_rest
from hmcos.stages.written import check_written, model_beside
from hmcos.verify.checks import Answer, Check, Verification, attempt
from hmcos.verify.child import run_apart
from hmcos.verify.planned import check_source
from hmcos.verify.request import Request
from hmcos.verify.schedule import check_order
from hmcos.verify.written import check_bodies, order_of

FILES = "files"
"""The check that a plan's files are those that were written with it."""


def prove(
    model: Openable,
    result: str | PathLike[str] | Plan,
    running: Running,
    bind: Mapping[str, int] | None = None,
) -> Verification:
    """Return all that was checked of a plan, a plan file, or a reordered model.

    `bind` gives symbolic dimensions a size; without it they have those of the plan.

    Raises:
        HmcosError: one of its subclasses for any wrong input; what does not hold is a failed check.
    """
    plan, written, title = _result(result)
    if not bind and plan is not None and not isinstance(model, Model | Problem):
        bind = plan.source.bind
    try:
        opened = open_source(model, bind or None)
    except ToolError as error:  # what reads TensorFlow Lite models is a runtime, too
        unread = Check("source", Answer.NOT_RUN, str(error))
        return Verification(str(model), title, (unread,))
    name = opened.source.name
    plan = None if plan is None else _with_ids(plan, opened.content)
    checks = [] if plan is None else _planned(opened, plan)
    if not isinstance(opened.content, Model):
        if plan is None:
            raise OptionError(
                f"{name}: only a model can be compared with a model; name the plan.json instead"
            )
        return Verification(name, title, tuple(checks))
    if all(check.held for check in checks):
        ran = _ran_tflite if opened.content.format == FORMAT else _ran
        ran_checks = ran(opened.content, plan, written, running)
        if plan is not None and written is None and plan.outputs.model:
            ran_checks[0] = _made_again(ran_checks[0], Path(plan.outputs.model).name)
        checks += ran_checks
    elif plan is not None and written is not None and all(c.held for c in checks if c.name != FILES):
        # Not run, since it is not what was planned; but where it differs can be told.
        checks.append(_compared(opened.content, plan, written))
    return Verification(name, title, tuple(checks))


def _with_ids(plan: Plan, content: Model | Problem) -> Plan:
    """Return the plan with ids of tensors, also if it is of the first edition, where its names tell them."""
    if isinstance(content, Model):
        return with_tensor_ids(plan, [tensor.name for tensor in content.graph.tensors])
    return with_tensor_ids(plan, [f"buffer {b}" for b in range(len(content.sizes))], in_problem=True)


def _planned(opened: Opened, plan: Plan) -> list[Check]:
    """Return the checks of what a plan says, and of the files beside it."""
    source = check_source(opened.source, plan)
    if not source.held:
        return [source]
    return [source, *_files(plan), *checks_at_rest(opened.content, plan)]


def _files(plan: Plan) -> list[Check]:
    """Return whether all that stands beside a plan was written with it; nothing where nothing does."""

    def same() -> str:
        try:
            found.extend(check_written(plan, header=True))
        except PlanError as error:
            raise VerifyError(str(error)) from error
        more = f" and {len(found) - 1:,} more" if len(found) > 1 else ""
        return f"{found[-1]}{more}: as they were written with the plan" if found else ""

    found: list[str] = []
    check = attempt(FILES, same)
    return [check] if found or not check.held else []


def _made_again(check: Check, name: str) -> Check:
    """Return the check of a written model that was not found, so that the plan's order stood in for it."""
    return replace(
        check, words=f"{name} is not there; checked is the source in the plan's order: {check.words}"
    )


def _result(result: str | PathLike[str] | Plan) -> tuple[Plan | None, Path | None, str]:
    """Return the plan if there is one, the written model if there is one, and what to call the result."""
    if isinstance(result, Plan):
        return result, model_beside(result), "the plan"
    path = Path(result)
    # Unlike Path.is_file, this takes names that are too long for a file.
    if not os.path.isfile(path):  # noqa: PTH113
        raise PlanError(f"{path}: does not exist or is not a file; name a plan.json or a reordered model")
    if path.suffix.lower() != ".json":
        return None, path, fspath(path)
    plan = read_claims(path)
    return plan, model_beside(plan), fspath(path)


def _ran(model: Model, plan: Plan | None, written: Path | None, running: Running) -> list[Check]:
    """Return the checks of the written model, and of running it."""
    inputs = own_inputs(model.graph, running.inputs or {})
    with temporary_folder() as folder:
        numbered = model.path
        if numbered is None or model.inlined:
            numbered = folder / "source.onnx"
            loading.save(model, {}, numbered)
        if written is None and plan is not None:
            written = folder / "source, reordered"
            loading.save(model, plan.orders, written)
        assert written is not None  # a result without a plan is a path
        same = _compared(model, plan, written)
        if not same.held:
            return [same]
        request = Request(
            source=(model.path or numbered).absolute(),
            numbered=numbered.absolute(),
            result=written.absolute(),
            graph=model.graph,
            plan=plan,
            known=loading.ranges(model),
            inputs=inputs,
            runs=running.runs,
            seed=running.seed,
            memory=running.memory,
            seconds=running.seconds,
        )
        return [same, *run_apart(request)]


def _ran_tflite(model: Model, plan: Plan | None, written: Path | None, running: Running) -> list[Check]:
    own = own_inputs(model.graph, running.inputs or {})
    return prove_tflite(Trial(model, running, own), plan, written)


def _compared(model: Model, plan: Plan | None, written: Path) -> Check:
    """Return whether a written model is the source in the planned order, without running it."""
    if model.format == FORMAT:
        return compare_tflite(model, plan, written)
    return attempt("written model", lambda: _written(model, plan, written))


def _written(model: Model, plan: Plan | None, written: Path) -> str:
    order = order_of(model, written)
    if plan is not None and order != plan.order:
        step = next(i for i, (a, b) in enumerate(zip(order, plan.order, strict=True)) if a != b)
        raise VerifyError(
            f"{written.name}: step {step} is operator {order[step]}, but the plan says {plan.order[step]}"
        )
    check_order(model.graph, order)
    planned = None if plan is None else {body.path: body.order for body in plan.bodies}
    check_bodies(model, written, order, planned)
    return f"{written.name}: the source's {len(order):,} nodes in a valid order, and nothing else changed"
