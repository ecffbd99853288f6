from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hmcos.backends.c.schedule import Block, Run, blocks, encoded


def _decoded(content: bytes) -> list[tuple[int, int]]:
    """Return the steps, read as the generated code reads them."""
    at = 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = content[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    found: list[tuple[int, int]] = []
    while times := number():
        count = number()
        runs = [[number() for _ in range(4 if times > 1 else 3)] for _ in range(count)]
        for time in range(times):
            for operator, first, rows, *advance in runs:
                begin = first + time * sum(advance)
                found += [(operator, begin + k) for k in range(rows)]
    assert at == len(content)
    return found


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), max_size=40))
def test_any_schedule_is_read_back(steps: list[tuple[int, int]]) -> None:
    assert _decoded(encoded(steps)) == steps


@given(st.integers(2, 30), st.integers(1, 4), st.integers(1, 3))
def test_what_repeats_is_written_once(times: int, operators: int, rows: int) -> None:
    steps = [(op, time * rows + k) for time in range(times) for op in range(operators) for k in range(rows)]
    assert _decoded(encoded(steps)) == steps
    assert len(encoded(steps)) <= 3 + 4 * operators + 3 * operators * (times < 4)


def test_a_block_says_how_far_each_run_advances() -> None:
    steps = [(0, 0), (0, 1), (1, 0), (0, 2), (0, 3), (1, 1), (0, 4), (0, 5), (1, 2), (0, 6), (0, 7), (1, 3)]
    assert blocks(steps) == [Block(4, (Run(0, 0, 2), Run(1, 0, 1)), (2, 1))]
    assert list(blocks(steps)[0].steps()) == steps
