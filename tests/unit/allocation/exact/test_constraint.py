"""The constraint solver, asked to stop."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from types import SimpleNamespace

import pytest
from ortools.sat.python import cp_model

from hmcos.allocation.exact.constraint import Effort, constrain
from hmcos.allocation.items import Item

ITEMS = [Item((i,), ((0, 2, 1 + i),), 1 + i, 1, ((0, None),)) for i in range(3)]


class Endless:
    """A solver that works until it is stopped."""

    def __init__(self) -> None:
        self.parameters = SimpleNamespace()
        self._stopped = Event()

    def solve(self, model: object) -> object:
        self._stopped.wait()
        return cp_model.UNKNOWN

    def stop_search(self) -> None:
        self._stopped.set()


class Broken(Endless):
    def solve(self, model: object) -> object:
        raise ValueError("broken")


def after(times: int, answer: Callable[[], bool] = lambda: True) -> Callable[[], bool]:
    """Return what is False for so many times, and then the answer."""
    readings = iter([False] * times)
    return lambda: next(readings, None) is None and answer()


@pytest.mark.parametrize("times", [0, 1, 2, 4])
def test_the_solver_is_stopped_wherever_it_is(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """While the model is made, which asks once here, and while the solver works."""
    monkeypatch.setattr(cp_model, "CpSolver", Endless)
    assert constrain(ITEMS, 6, Effort(1.0, 1e6, stop=after(times))) is None


def test_an_exception_while_it_works_stops_the_solver_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(cp_model, "CpSolver", Endless)
    with pytest.raises(KeyboardInterrupt):
        constrain(ITEMS, 6, Effort(1.0, 1e6, stop=after(2, interrupted)))


def test_what_goes_wrong_in_the_solver_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cp_model, "CpSolver", Broken)
    with pytest.raises(ValueError, match="broken"):
        constrain(ITEMS, 6, Effort(1.0, 1e6))


def test_nobody_who_asks_to_stop_leaves_the_answer_as_it_is() -> None:
    found = constrain(ITEMS, 6, Effort(1.0, 60.0))
    assert isinstance(found, list) and sorted(found)[0] == 0
    assert constrain(ITEMS, 5, Effort(1.0, 60.0)) is False
