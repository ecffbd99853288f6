"""Limits as they are asked for."""

from __future__ import annotations

import pytest

from hmcos.errors import OptionError
from hmcos.limits import Limits, cores
from hmcos.tasks.request import chosen_limits


def test_a_limit_on_states_means_one_process_unless_more_are_asked_for() -> None:
    assert chosen_limits().jobs == 1
    assert chosen_limits(jobs=None).jobs is None
    assert chosen_limits(states=100, jobs=None) == Limits(states=100, jobs=1)
    assert chosen_limits(states=100, jobs=3).jobs == 3
    assert Limits(jobs=None).processes == cores() >= 1
    assert Limits(jobs=5).processes == 5


@pytest.mark.parametrize("jobs", [0, -1])
def test_at_least_one_process_searches(jobs: int) -> None:
    with pytest.raises(OptionError, match=f"jobs: at least 1, not {jobs}"):
        chosen_limits(jobs=jobs)
