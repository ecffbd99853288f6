"""A process that ends before it has answered excuses the source, never the result."""

from __future__ import annotations

import signal
from dataclasses import replace

import pytest

from hmcos.processes import AMPLE, Ended
from hmcos.verify.checks import Answer, Check
from hmcos.verify.run.endings import checks_of
from hmcos.verify.run.telling import RunPart, Teller

NAMES = ["same function", "in the arena"]
SAME = Check("same function", Answer.HOLDS, "equal")
UNKNOWN = Check("same function", Answer.NOT_RUN, "why")
FAILED = Check("same function", Answer.FAILS, "differs")


def ended(code: int | None, *told: RunPart | Check, log: str = "") -> list[Check]:
    """Return the checks of a process that told this, and then ended so."""
    lines: list[bytes] = []
    teller = Teller(lines.append)
    for what in told:
        if isinstance(what, RunPart):
            teller.begin(what)
        else:
            teller.check(what)
    return checks_of(Ended(code, b"".join(lines), log, AMPLE, 10.0), NAMES)


def answers(checks: list[Check]) -> list[Answer]:
    return [check.answer for check in checks]


@pytest.mark.parametrize("code", [-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS, -signal.SIGFPE, 1, 77])
def test_a_crash(code: int) -> None:
    assert answers(ended(code)) == [Answer.NOT_RUN] * 2
    for part in (RunPart.LOADING, RunPart.SOURCE):
        source = ended(code, part)
        assert answers(source) == [Answer.NOT_RUN] * 2
        # Only a model that loads may wait for another input.
        assert ("--input" in source[0].words) == (part == RunPart.SOURCE)
    assert answers(ended(code, RunPart.SOURCE, RunPart.RESULT)) == [Answer.FAILS]
    apart = ended(code, RunPart.SOURCE, RunPart.RESULT, SAME, RunPart.ARENA, RunPart.APART)
    assert answers(apart) == [Answer.HOLDS, Answer.NOT_RUN]
    for same in (SAME, UNKNOWN):
        arena = ended(code, RunPart.SOURCE, RunPart.RESULT, same, RunPart.APART, RunPart.ARENA)
        assert answers(arena) == [same.answer, Answer.FAILS]
        assert "running an operator in the arena" in arena[1].words and "the source ran" in arena[1].words


@pytest.mark.parametrize("part", list(RunPart))
def test_limits_and_signals_from_outside_say_nothing_of_the_result(part: RunPart) -> None:
    for code, log, advice in (
        (None, "", "raise --time-limit"),
        (-signal.SIGXCPU, "", "raise --time-limit"),
        (1, "numpy._ArrayMemoryError: Unable to allocate", "raise --memory-limit"),
        (-signal.SIGABRT, "what(): std::bad_alloc", "raise --memory-limit"),
        (-signal.SIGKILL, "", "another process sent the signal"),
        (-signal.SIGTERM, "", "another process sent the signal"),
    ):
        found = ended(code, part, log=log)
        assert answers(found) == [Answer.NOT_RUN] * 2
        assert advice in found[0].words


def test_what_was_told_stays() -> None:
    assert ended(-signal.SIGSEGV, RunPart.SOURCE, RunPart.RESULT, FAILED) == [FAILED]
    arena = Check("in the arena", Answer.HOLDS, "all")
    assert ended(-signal.SIGSEGV, RunPart.SOURCE, SAME, arena) == [SAME, arena]


def test_a_process_that_ends_without_an_answer() -> None:
    assert answers(ended(0, RunPart.SOURCE)) == [Answer.NOT_RUN] * 2
    assert answers(ended(0, RunPart.RESULT)) == [Answer.FAILS]


def test_a_line_that_is_cut_off_is_no_answer() -> None:
    lines: list[bytes] = []
    teller = Teller(lines.append)
    teller.begin(RunPart.RESULT)
    teller.check(SAME)
    found = checks_of(Ended(-signal.SIGSEGV, b"".join(lines)[:-4], "", AMPLE, 10.0), NAMES)
    assert answers(found) == [Answer.FAILS]


def test_what_a_check_took_is_told() -> None:
    (same, arena) = ended(0, replace(SAME, memory=5 << 20), Check("in the arena", Answer.HOLDS, "all"))
    assert (same.memory, arena.memory) == (5 << 20, None)
