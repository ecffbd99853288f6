"""Exit codes of questions that can be answered with no, or not at all."""

from __future__ import annotations

from hmcos.plan.schedule import Status

DOES_NOT_FIT, UNDECIDED = 3, 4


def exit_code(status: Status) -> int:
    """Return the exit code of an answer to a budget or a capacity."""
    return {Status.FITS: 0, Status.DOES_NOT_FIT: DOES_NOT_FIT}.get(status, UNDECIDED)
