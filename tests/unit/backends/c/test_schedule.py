from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hmcos.backends.c.schedule import AGAIN, END, ESCAPE, MIDDLE, SHORT, Schedule, encoded, runs_of


class _Reader:
    """A schedule that is read as plainly as can be: what comes again is read again, recursively."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.found: list[tuple[int, int]] = []
        self.operator = self.first = 0

    def number(self, at: int) -> tuple[int, int]:
        value = shift = 0
        while True:
            byte = self.schedule.content[at]
            at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
            if byte < 128:
                return value, at

    def signed(self, at: int) -> tuple[int, int]:
        value, at = self.number(at)
        return (-(value // 2) - 1 if value & 1 else value // 2), at

    def token(self, at: int) -> int:
        """Read the token at a byte; return the byte behind it."""
        here, token = at, self.schedule.content[at]
        at += 1
        if token > ESCAPE:
            back, at = self.number(at)
            number, at = self.number(at)
            times, at = (1, at) if token == AGAIN else self.number(at)
            for _ in range(times):
                inner = here - back
                for _ in range(number):
                    inner = self.token(inner)
            return at
        if token < SHORT:
            operator, first, rows = self.schedule.runs[token]
        elif token < ESCAPE:
            byte = self.schedule.content[at]
            operator, first, rows, at = token - MIDDLE, byte - 256 * (byte > 127), 1, at + 1
        else:
            operator, at = self.signed(at)
            first, at = self.signed(at)
            rows, at = self.number(at)
        self.operator, self.first = self.operator + operator, self.first + first
        self.found += [(self.operator, self.first + k) for k in range(rows)]
        return at


def _decoded(schedule: Schedule) -> list[tuple[int, int]]:
    reader, at = _Reader(schedule), 0
    while schedule.content[at] != END:
        at = reader.token(at)
    assert at == len(schedule.content) - 1
    return reader.found


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), max_size=40))
def test_any_schedule_is_read_back(steps: list[tuple[int, int]]) -> None:
    assert _decoded(encoded(steps)) == steps


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=20, max_size=200))
def test_what_repeats_irregularly_is_read_back(steps: list[tuple[int, int]]) -> None:
    assert _decoded(encoded(steps)) == steps


@given(st.integers(2, 60), st.integers(1, 6), st.integers(1, 3))
def test_what_repeats_is_written_once(times: int, operators: int, rows: int) -> None:
    steps = [(op, time * rows + k) for time in range(times) for op in range(operators) for k in range(rows)]
    found = encoded(steps)
    assert _decoded(found) == steps
    assert found.size <= 20 + 8 * operators


def test_runs_are_told_from_the_run_before() -> None:
    assert runs_of([(4, 0), (4, 1), (5, 0), (3, 7)]) == [(4, 0, 2), (1, 0, 1), (-2, 7, 1)]
