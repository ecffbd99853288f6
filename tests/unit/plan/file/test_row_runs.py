from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmcos.errors import PlanError
from hmcos.plan.file.fields import Fields
from hmcos.plan.file.row_runs import MOST_NUMBERS, RunReader, line_runs, need_runs, step_runs

FEW = st.integers(0, 6)


def fields(value: object) -> Fields:
    return Fields({"key": value}, "plan.json")


@given(st.lists(st.integers(-1, 40)))
def test_numbers_come_back(numbers: list[int]) -> None:
    assert list(RunReader().lines(fields(line_runs(numbers)), "key")) == numbers


@given(st.lists(st.tuples(FEW, FEW)))
def test_steps_come_back(steps: list[tuple[int, int]]) -> None:
    assert list(RunReader().steps(fields(step_runs(steps)), "key")) == steps


@given(st.lists(st.lists(st.integers(0, 9), unique=True).map(sorted)))
def test_needs_come_back(needs: list[list[int]]) -> None:
    assert [list(rows) for rows in RunReader().needs(fields(need_runs(needs)), "key")] == needs


def test_windows_are_one_run() -> None:
    assert need_runs([[0, 1, 2], [2, 3, 4], [4, 5, 6]]) == [[3, 0, 3, 1, 2]]
    assert line_runs(range(0, 100, 4)) == [[0, 25, 4]]


@pytest.mark.parametrize(
    ("reader", "value", "words"),
    [
        ("lines", [[0, MOST_NUMBERS + 1, 0]], "stands for over"),
        ("lines", [[0, -1, 0]], "stands for over"),
        ("lines", [[2**99, 3, 2**99]], "above"),
        ("lines", [[0, 1]], "must be a list of 3 integers"),
        ("lines", [0], "must be a list of 3 integers"),
        ("lines", "x", "must be a list"),
        ("steps", [[0, 0, 2**90]], "stands for over"),
        ("needs", [[0, 0, 1, 1, 1]], "begins with a run of 0 steps"),
        ("needs", [[2**60, 0, 0, 0, 0]], "stands for over"),
        ("needs", [[2**11, 0, 2**12, 0, 0]], "stands for over"),
        ("needs", [[1, 0, True, 0, 0]], "must be an integer"),
    ],
)
def test_what_is_no_run_is_refused(reader: str, value: Any, words: str) -> None:
    with pytest.raises(PlanError, match=words):
        getattr(RunReader(), reader)(fields(value), "key")


def test_all_runs_of_a_plan_share_a_limit() -> None:
    reader = RunReader()
    reader.lines(fields([[0, MOST_NUMBERS, 0]]), "key")
    with pytest.raises(PlanError, match="stands for over"):
        reader.lines(fields([[0, 1, 0]]), "key")
