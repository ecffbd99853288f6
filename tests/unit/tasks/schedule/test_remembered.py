"""Orders that are kept on disk: found again, checked, and dropped when they take too much."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from hmcos.limits import Limits, Status, Watch
from hmcos.memory.problem import Problem
from hmcos.plan.schedule import Schedule
from hmcos.schedulers.optimal import optimal
from hmcos.tasks.schedule.remembered import orders_folder, remembering
from networks import FORK


class Counting:
    """The optimal search, which counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, problem: Problem, limits: Limits, watch: Watch) -> Schedule:
        self.asked += 1
        return optimal(problem, limits, watch)


def found(search: Counting, folder: Path, problem: Problem = FORK, limits: Limits | None = None) -> Schedule:
    return remembering(search, folder)(problem, limits or Limits(), Watch())


def test_a_second_search_is_not_made(tmp_path: Path) -> None:
    search, folder = Counting(), tmp_path / "new" / "orders"
    first = found(search, folder)
    second = found(search, folder)
    assert search.asked == 1
    assert replace(second, seconds=first.seconds, states=first.states) == first
    assert second.status is Status.OPTIMAL


def test_other_problems_and_limits_are_searched(tmp_path: Path) -> None:
    search = Counting()
    found(search, tmp_path)
    found(search, tmp_path, replace(FORK, sizes=(10, 100, 100, 10, 10, 6)))
    found(search, tmp_path, limits=Limits(seconds=5))
    assert search.asked == 3
    found(search, tmp_path, replace(FORK, names=("", "", "", "", "")))
    assert search.asked == 3


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 100_000,
        '{"order": [0, 2, 1, 3, 4]}',
        '{"order": [0, 2, 1, 3], "lower_bound": 120, "status": "optimal"}',
        '{"order": [0, 2, 1, 3, 3], "lower_bound": 120, "status": "optimal"}',
        '{"order": [2, 0, 1, 3, 4], "lower_bound": 120, "status": "optimal"}',
        '{"order": [0, 2, 1, 3, 99], "lower_bound": 120, "status": "optimal"}',
        '{"order": [0, 2, 1, 3, "4"], "lower_bound": 120, "status": "optimal"}',
        '{"order": [false, 2, true, 3, 4], "lower_bound": 120, "status": "optimal"}',
        '{"order": [0, 2, 1, 3, 4], "lower_bound": 121, "status": "optimal"}',
        '{"order": [0, 2, 1, 3, 4], "lower_bound": 119, "status": "optimal"}',
        '{"order": [0, 1, 2, 3, 4], "lower_bound": 120, "status": "optimal"}',
        '{"order": [0, 2, 1, 3, 4], "lower_bound": 1.5, "status": "optimal"}',
        '{"order": [0, 2, 1, 3, 4], "lower_bound": 119, "status": "wonderful"}',
    ],
)
def test_wrong_files_cost_a_search_and_are_replaced(tmp_path: Path, content: str) -> None:
    search = Counting()
    first = found(search, tmp_path)
    (file,) = tmp_path.glob("*.json")
    right = file.read_text()
    file.write_text(content)
    again = found(search, tmp_path)
    assert search.asked == 2
    assert (again.order, again.peak, again.status) == (first.order, first.peak, first.status)
    assert file.read_text() == right


def test_the_peak_is_counted_and_not_read(tmp_path: Path) -> None:
    search = Counting()
    found(search, tmp_path)
    (file,) = tmp_path.glob("*.json")
    worse = {"order": [0, 1, 2, 3, 4], "lower_bound": 120, "status": "time limit", "peak": 1}
    file.write_text(json.dumps(worse))
    assert found(search, tmp_path).peak == 210
    assert search.asked == 1


def test_an_order_that_is_worse_than_the_given_one_is_not_used(tmp_path: Path) -> None:
    good = replace(
        FORK, reads=((0,), (1,), (0,), (2,), (3, 4)), makes=((1,), (3,), (2,), (4,), (5,))
    )  # one branch after the other
    search = Counting()
    first = found(search, tmp_path, good)
    (file,) = tmp_path.glob("*.json")
    file.write_text(json.dumps({"order": [0, 2, 1, 3, 4], "lower_bound": 1, "status": "time limit"}))
    assert found(search, tmp_path, good).peak == first.peak
    assert search.asked == 2


def test_orders_that_were_not_used_for_longest_go_first(tmp_path: Path) -> None:
    search = Counting()
    problems = [replace(FORK, sizes=(10, 100, 100, 10, 10, last)) for last in range(1, 5)]
    for age, problem in enumerate(problems):
        found(search, tmp_path, problem)
        for file in tmp_path.glob("*.json"):
            if file.stat().st_mtime > 10:
                os.utime(file, (age, age))
    (size,) = {file.stat().st_size for file in tmp_path.glob("*.json")}
    found(search, tmp_path, problems[0])  # used last
    remembering(search, tmp_path, largest=3 * size)(FORK, Limits(seconds=9), Watch())
    assert len(list(tmp_path.glob("*.json"))) == 3
    before = search.asked
    found(search, tmp_path, problems[0])
    found(search, tmp_path, problems[3])
    assert search.asked == before
    found(search, tmp_path, problems[1])
    assert search.asked == before + 1


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    search = Counting()
    assert found(search, tmp_path / "file" / "orders").status is Status.OPTIMAL
    assert remembering(search, None) is search


def test_links_and_devices_in_place_of_an_order_do_no_harm(tmp_path: Path) -> None:
    search = Counting()
    found(search, tmp_path)
    (file,) = tmp_path.glob("*.json")
    file.unlink()
    file.symlink_to("/dev/zero")
    assert found(search, tmp_path).status is Status.OPTIMAL
    assert search.asked == 2


def test_nothing_is_left_beside_the_orders(tmp_path: Path) -> None:
    found(Counting(), tmp_path)
    assert [path.suffix for path in tmp_path.iterdir()] == [".json"]


def test_the_folder_follows_the_specification_of_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert orders_folder() == tmp_path / "hmcos" / "orders"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert orders_folder() == tmp_path / ".cache" / "hmcos" / "orders"
