"""Turn the end of a process that ran models into checks."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Sequence

from hmcos.errors import LimitError, NotRunError, VerifyError
from hmcos.plan.plan import Plan
from hmcos.processes import Ended
from hmcos.verify.checks import Answer, Check, attempt
from hmcos.verify.run.causes import MORE_MEMORY, MORE_TIME, SPECIAL, is_out_of_memory
from hmcos.verify.run.telling import ON_TRIAL, RunPart, Told, told

_FROM_OUTSIDE = frozenset({"SIGKILL", "SIGTERM", "SIGINT", "SIGHUP"})
"""Signals that are never the model's fault."""


def checks_of(ended: Ended, names: Sequence[str]) -> list[Check]:
    """Return the checks that a process made, and for the other names why it did not make them."""
    report = told(ended.answer)
    made = {check.name for check in report.checks}
    owed = [name for name in names if name not in made]
    if not owed or any(check.failed for check in report.checks):
        return report.checks
    first = attempt(owed[0], lambda: _ended(ended, report))
    return [*report.checks, first, *([] if first.failed else unanswered(owed[1:], "the process had ended"))]


def run_checks(plan: Plan | None, *, inner: bool = False) -> list[str]:
    """Return the names of the checks that running a model makes; `inner` is whether inner tensors are."""
    arena = ["in the arena"] if plan is not None and plan.has_places else []
    return ["same function", *(["inner tensors"] if inner else []), *arena]


def unanswered(names: Iterable[str], why: str) -> list[Check]:
    """Return checks that could not run."""
    return [Check(name, Answer.NOT_RUN, why) for name in names]


def _ended(ended: Ended, report: Told) -> str:
    """Raise the error that the end of a process means: a limit, or a crash.

    A crash is the fault of the result, unless the source had not yet run.
    """
    what = f"running {report.part or 'the models'} {ended.failure or 'ended without an answer'}"
    if ended.exhausted or is_out_of_memory(ended.log):
        in_time = ended.code is not None and ended.code != -_number("SIGXCPU")
        raise LimitError(f"{what}; {MORE_MEMORY if in_time else MORE_TIME}")
    if ended.code in {-_number(name) for name in _FROM_OUTSIDE}:
        raise NotRunError(f"{what}; another process sent the signal, or the system ran out of memory")
    if report.part in ON_TRIAL:
        raise VerifyError(f"{what}; the source ran")
    raise NotRunError(f"{what}{SPECIAL if report.part == RunPart.SOURCE else ''}")


def _number(name: str) -> int:
    """Return the number of a signal; 0, which is no signal, if the platform does not have it."""
    return int(getattr(signal, name, 0))
