"""Check a plan or a reordered model against its source, by counting and by running both."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from typing import cast

from hmcos.errors import OptionError, PlanError, ToolError, VerifyError
from hmcos.frontends.model import Model
from hmcos.memory.problem import Problem
from hmcos.network.opening import Openable, Opened, open_source
from hmcos.network.results import check_written, model_beside
from hmcos.network.transforming import transformed
from hmcos.plan.file.plan_file import read_claims
from hmcos.plan.file.tensor_ids import with_tensor_ids
from hmcos.plan.plan import Plan
from hmcos.plan.row_plan import RowPlan
from hmcos.registry import imported
from hmcos.tasks.schedule.recheck import checks_at_rest
from hmcos.tasks.verify.code import is_code, verify_code
from hmcos.tasks.verify.run_options import Runner, Running
from hmcos.verify.checks import Answer, Check, Verification, attempt
from hmcos.verify.plan_checks import check_source

RUNNERS: dict[str, str] = {
    "onnx": "hmcos.tasks.verify.onnx:RUNNER",
    "tflite": "hmcos.tasks.verify.tflite:RUNNER",
    "pt2": "hmcos.tasks.verify.torch:RUNNER",
}
"""Format to "module:value" of its `Runner`, imported on demand."""
FILES = "files"
"""The check that the files of a plan are those written with it."""


def verify_result(
    model: Openable,
    result: str | PathLike[str] | Plan | RowPlan,
    running: Running,
    bind: Mapping[str, int] | None = None,
) -> Verification:
    """Return all checks of a plan, a plan file, or a reordered model.

    `bind` gives sizes to symbolic dimensions; by default they have those of the plan.

    Raises:
        HmcosError: one of its subclasses for any wrong input; a plan that does not hold is a failed check.
    """
    if is_code(result):
        return verify_code(model, cast("str | PathLike[str] | RowPlan", result), running)
    plan, written, title = _result(cast("str | PathLike[str] | Plan", result))
    if not bind and plan is not None and not isinstance(model, Model | Problem):
        bind = plan.source.bind
    try:
        opened = open_source(model, bind or None)
    except ToolError as error:  # the reader of TensorFlow Lite models is part of a runtime
        unread = Check("source", Answer.NOT_RUN, str(error))
        return Verification(str(model), title, (unread,))
    name = opened.source.name
    if plan is not None and plan.rewriting is not None:
        source = check_source(opened.source, plan)
        if not source.held:
            return Verification(name, title, (source,))
        opened = transformed(opened, plan)
    plan = None if plan is None else _with_ids(plan, opened)
    checks = [] if plan is None else _planned(opened, plan)
    if opened.model is None:
        if plan is None:
            raise OptionError(
                f"{name}: only a model can be compared with a model; name the plan.json instead"
            )
        return Verification(name, title, tuple(checks))
    checks += _of_files(opened.model, plan, written, running, checks)
    return Verification(name, title, tuple(checks))


def _of_files(
    model: Model, plan: Plan | None, written: Path | None, running: Running, checks: list[Check]
) -> list[Check]:
    """Return the checks of the written model; `checks` are those of the plan, which decide if it is run."""
    runner = runner_of(model)
    if all(check.held for check in checks):
        ran = runner.ran(model, plan, written, running)
        if plan is not None and written is None and plan.outputs.model:
            ran[0] = _made_again(ran[0], Path(plan.outputs.model).name)
        return ran
    if plan is not None and written is not None and all(c.held for c in checks if c.name != FILES):
        # The model is not the planned one, so it is not run, but the differences can be reported.
        return [runner.compared(model, plan, written)]
    return []


def _with_ids(plan: Plan, opened: Opened) -> Plan:
    """Return the plan with tensor ids; a plan of the first edition gets them from unique names."""
    if opened.model is not None:
        return with_tensor_ids(plan, [tensor.name for tensor in opened.model.graph.tensors])
    assert opened.problem is not None, "an opened network is a model or a problem"
    return with_tensor_ids(plan, [f"buffer {b}" for b in range(len(opened.problem.sizes))], in_problem=True)


def _planned(opened: Opened, plan: Plan) -> list[Check]:
    """Return the checks of the numbers in a plan, and of the files beside it."""
    source = check_source(opened.source, plan)
    if not source.held:
        return [source]
    return [source, *_files(plan), *checks_at_rest(opened, plan)]


def _files(plan: Plan) -> list[Check]:
    """Return the check that the files beside a plan were written with it; nothing if there are none."""

    def same() -> str:
        try:
            files.extend(check_written(plan, header=True))
        except PlanError as error:
            raise VerifyError(str(error)) from error
        more = f" and {len(files) - 1:,} more" if len(files) > 1 else ""
        return f"{files[-1]}{more}: as they were written with the plan" if files else ""

    files: list[str] = []
    check = attempt(FILES, same)
    return [check] if files or not check.held else []


def _made_again(check: Check, name: str) -> Check:
    """Return a check of the source in planned order, with the note that the written model is missing."""
    return replace(
        check, words=f"{name} is missing; checked the source in the planned order instead: {check.words}"
    )


def _result(result: str | PathLike[str] | Plan) -> tuple[Plan | None, Path | None, str]:
    """Return the plan if there is one, the written model if there is one, and a name for the result."""
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


def runner_of(model: Model) -> Runner:
    """Return the functions that compare and run the models of a format."""
    return cast(Runner, imported(RUNNERS[model.format]))
