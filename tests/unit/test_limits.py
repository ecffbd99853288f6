"""Cores, and laws of a running search's clock: its time is drawn, no test waits or depends on the machine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmcos.limits import SILENCE, Limits, Status, Watch, cores

TIMES = st.integers(0, 1_000_000).map(lambda ticks: ticks / 64)
"""Seconds that floats add and subtract exactly."""
LIMITS = st.builds(
    Limits,
    seconds=st.none() | TIMES,
    states=st.integers(0, 100),
    budget=st.none() | st.integers(0, 100),
    seed=st.integers(0, 9),
)


@dataclass
class Clock:
    """What `time.perf_counter` says."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Notes:
    """What an observer was told."""

    told: list[tuple[str, int, int, int]]

    def progress(self, phase: str, peak: int, lower_bound: int, states: int) -> None:
        self.told.append((phase, peak, lower_bound, states))


@given(LIMITS, TIMES, TIMES, st.integers(0, 200), st.booleans())
def test_the_first_limit_is_the_one_that_is_told(
    limits: Limits, start: float, spent: float, states: int, interrupted: bool
) -> None:
    with patch("time.perf_counter", Clock(start)) as clock:
        watch = Watch(interrupted=lambda: interrupted)
        clock.now += spent
        late, full = limits.seconds is not None and spent >= limits.seconds, states >= limits.states
        told = [
            status
            for holds, status in (
                (interrupted, Status.INTERRUPTED),
                (late, Status.TIME_LIMIT),
                (full, Status.STATE_LIMIT),
            )
            if holds
        ]
        assert watch.reached(limits, states) == (told[0] if told else None)
        assert watch.is_over(limits) == (interrupted or late)
        assert watch.seconds == spent


@given(LIMITS, TIMES, TIMES, TIMES, st.integers(0, 200))
def test_what_is_left_for_a_new_watch_ends_when_the_old_one_ends(
    limits: Limits, start: float, spent: float, more: float, states: int
) -> None:
    with patch("time.perf_counter", Clock(start)) as clock:
        watch = Watch()
        clock.now += spent
        left, later = watch.left(limits), watch.restarted()
        assert replace(left, seconds=limits.seconds) == limits
        assert left.seconds is None or left.seconds >= 0
        clock.now += more
        assert later.seconds == more
        assert later.reached(left, states) == watch.reached(limits, states)


@given(st.text(), st.integers(), st.integers(), st.integers())
def test_only_a_watch_that_is_not_silenced_tells_its_observer(
    phase: str, peak: int, bound: int, states: int
) -> None:
    notes = Notes([])
    watch = Watch(notes, lambda: True, 7.0)
    silent = watch.silenced()
    assert (silent.observer, silent.started, silent.interrupted()) == (SILENCE, 7.0, True)
    silent.progress(phase, peak, bound, states)
    assert notes.told == []
    watch.restarted().progress(phase, peak, bound, states)
    assert notes.told == [(phase, peak, bound, states)]


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        (None, 6),
        ("max 100000\n", 6),
        ("100000 100000\n", 1),
        ("50000 100000\n", 1),
        ("250000 100000\n", 3),
        ("6400000 100000\n", 6),
        ("", 6),
        ("-5 100000\n", 1),
    ],
)
def test_a_container_that_has_fewer_cores_counts(
    says: str | None, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "cpu.max"
    if says is not None:
        place.write_text(says)
    monkeypatch.setattr("hmcos.limits.QUOTA", str(place))
    monkeypatch.setattr("hmcos.limits._cores", lambda: 6)
    assert cores() == expected
