"""What was checked of a result, and the answer: it holds, it does not, or the check could not run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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


OPTIONAL = frozenset({"outputs in LiteRT", "outputs in TFLM", "arena in TFLM"})
"""Checks that may be left without an answer while the whole still holds; all others are required.

A TensorFlow Lite model needs one runtime that compares its outputs, no matter which; the check "same
function" says so when there is none. The arena that TFLM reports confirms what the checks "arena" and
"offsets" have already counted. A check in this list that fails makes the whole fail like any other.
"""


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the table of what was checked."""

    name: str
    answer: Answer
    words: str
    """What was found, with its figures; the first step and tensor that are wrong; or why it did not run."""

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
        """Whether the whole has no answer while this check has none."""
        return self.name not in OPTIONAL


@dataclass(frozen=True, slots=True)
class Verification:
    """All that was checked of one result."""

    source: str
    result: str
    """The plan or model that was checked."""
    checks: tuple[Check, ...]
    """In the order in which they were made; a failed one may leave out later ones that rest on it."""

    @property
    def answer(self) -> Answer:
        """The answer of the whole: one failed check makes it fail, else a required one may leave it open."""
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
    """Return how a check went.

    `check` returns its figures, raises VerifyError with what is wrong, or raises NotRunError or ToolError
    with what kept it from running.
    """
    try:
        result = Check(name, Answer.HOLDS, check())
    except VerifyError as error:
        result = Check(name, Answer.FAILS, str(error))
    except (NotRunError, ToolError) as error:
        result = Check(name, Answer.NOT_RUN, str(error))
    _LOG.info("check %s: %s: %s", name, result.answer, result.words)
    return result
