"""Checks of a result and their answers: holds, does not hold, or not run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from hmcos.errors import NotRunError, ToolError, VerifyError
from hmcos.log import Log

_LOG = Log("hmcos.verify")


class Answer(StrEnum):
    """The three answers of a check, and of a verification as a whole."""

    HOLDS = "holds"
    FAILS = "does not hold"
    NOT_RUN = "not run"
    """Nothing is known: a runtime is missing, cannot run the source, or reached a limit."""


OPTIONAL = frozenset(
    {
        "inner tensors",
        "outputs in LiteRT",
        "outputs in XNNPACK",
        "outputs in TFLM",
        "arena in TFLM",
        "sanitizers",
        "Cortex-M4",
    }
)
"""Checks that the whole does not require: it can hold although they were not run.

One runtime that compares the outputs of a TensorFlow Lite model is enough; if there is none, the check
"same function" is not run. The arena that TFLM reports only confirms what the checks "arena" and "offsets"
have counted. Not every compiler has sanitizers, and few people have an emulator of a Cortex-M4. If a check
in this list fails, the whole fails, as with any other check.
"""


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a result: a row of the table that `hmcos verify` prints."""

    name: str
    answer: Answer
    words: str
    """The figures; or the first fault, with step and tensor; or why the check did not run."""
    memory: int | None = field(default=None, compare=False)
    """The most bytes that the process that ran the models had at once, when it ended this check; None where
    no other process did, or the system does not say."""

    @property
    def held(self) -> bool:
        """Whether the check ran and found nothing wrong."""
        return self.answer == Answer.HOLDS

    @property
    def failed(self) -> bool:
        """Whether the check ran and found something wrong."""
        return self.answer == Answer.FAILS

    @property
    def required(self) -> bool:
        """Whether the whole is not run if this check is not run."""
        return self.name not in OPTIONAL


@dataclass(frozen=True, slots=True)
class Verification:
    """All checks of one result."""

    source: str
    result: str
    """The plan or model that was checked."""
    checks: tuple[Check, ...]
    """In the order in which they ran; after a failed check, those that depend on it are left out."""

    @property
    def answer(self) -> Answer:
        """The answer of the whole: it fails if any check fails, else is not run if a required one is not."""
        if any(check.failed for check in self.checks):
            return Answer.FAILS
        if any(check.required and not check.held for check in self.checks):
            return Answer.NOT_RUN
        return Answer.HOLDS

    @property
    def holds(self) -> bool:
        """Whether every required check ran, and no check failed."""
        return self.answer == Answer.HOLDS


def attempt(name: str, check: Callable[[], str]) -> Check:
    """Run a check and return the outcome.

    `check` returns its figures, raises VerifyError with the fault, or raises NotRunError or ToolError if it
    cannot run.
    """
    try:
        result = Check(name, Answer.HOLDS, check())
    except VerifyError as error:
        result = Check(name, Answer.FAILS, str(error))
    except (NotRunError, ToolError) as error:
        result = Check(name, Answer.NOT_RUN, str(error))
    _LOG.info("check %s: %s: %s", name, result.answer, result.words)
    return result
