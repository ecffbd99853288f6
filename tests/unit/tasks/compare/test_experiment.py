from __future__ import annotations

from pathlib import Path

import pytest

import hmcos
from hmcos.errors import ModelError, OptionError
from hmcos.tasks.compare.experiment import ORDERS, PLANNERS
from networks import FORK


@pytest.fixture
def fork(tmp_path: Path) -> str:
    path = tmp_path / "fork.json"
    hmcos.export_instance(FORK, path)
    return str(path)


class Watcher:
    def __init__(self) -> None:
        self.phases: list[str] = []

    def progress(self, phase: str, peak: int, lower_bound: int, states: int) -> None:
        self.phases.append(phase)


def test_every_order_has_a_peak_and_every_planner_an_arena(fork: str) -> None:
    found = hmcos.experiment([fork])
    assert found.target.name == "hmcos"
    (row,) = found.rows
    assert (row.network, row.operators, row.lower_bound) == (fork, 5, 120)
    assert [trial.schedule.scheduler for trial in row.trials] == list(ORDERS)
    peaks = {trial.schedule.scheduler: trial.schedule.peak for trial in row.trials}
    assert (peaks["given"], peaks["optimal"]) == (210, 120)
    for trial in row.trials:
        assert [planner for planner, _ in trial.arenas] == list(PLANNERS)
        assert all(arena.size >= trial.schedule.peak for _, arena in trial.arenas)
        assert trial.arena("auto").size <= min(arena.size for _, arena in trial.arenas)
        assert trial.arena("tflite_arena").size % 64 == 0 or trial.arena("tflite_arena").size >= 120


def test_progress_names_the_network(fork: str) -> None:
    watcher = Watcher()
    hmcos.experiment([fork, fork], observer=watcher)
    assert {phase.partition(",")[0] for phase in watcher.phases} == {fork}


def test_wrong_input_is_told() -> None:
    with pytest.raises(ModelError):
        hmcos.experiment(["none.onnx"])
    with pytest.raises(OptionError, match="time limit"):
        hmcos.experiment([], time_limit=-1)
