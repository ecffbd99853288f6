"""Exit codes of commands that answer a yes-or-no question."""

from __future__ import annotations

from hmcos.limits import Status
from hmcos.verify.checks import Answer

DOES_NOT_FIT, UNDECIDED = 3, 4
DOES_NOT_HOLD, NOT_RUN = 5, 6


def exit_code(status: Status) -> int:
    """Return the exit code that says whether a budget or a capacity was met."""
    return {Status.FITS: 0, Status.DOES_NOT_FIT: DOES_NOT_FIT}.get(status, UNDECIDED)


def proof_exit_code(answer: Answer) -> int:
    """Return the exit code of a verification."""
    return {Answer.HOLDS: 0, Answer.FAILS: DOES_NOT_HOLD, Answer.NOT_RUN: NOT_RUN}[answer]
