"""Contiguous tensors beside and over each other."""

from __future__ import annotations

from random import Random

import pytest

from hmcos.streaming.arrangements import MOST_PAIRS, Block, Taken, arrangements


def block(rng: Random) -> Block:
    """Return a tensor of a few rows that are made, and die, one after the other."""
    size, birth = rng.randint(1, 9), rng.randint(0, 6)
    rows = [Taken(k * size, size, birth + k, birth + k + rng.randint(1, 8)) for k in range(rng.randint(1, 6))]
    return Block(tuple(rows), size * len(rows))


@pytest.mark.parametrize("seed", range(60))
def test_no_row_lies_on_one_that_lives(seed: int) -> None:
    rng = Random(seed)
    blocks = [block(rng) for _ in range(rng.randint(1, 5))]
    unit, floor = rng.choice((1, 4, 16)), rng.randint(0, 60)
    found = arrangements(blocks, floor, unit, 8)
    assert 1 <= len(found) <= 8
    assert len(set(found)) == len(found)
    for offsets in found:
        assert all(offset >= 0 and offset % unit == 0 for offset in offsets)
        rows = [
            (at, row, k) for k, (at, one) in enumerate(zip(offsets, blocks, strict=True)) for row in one.rows
        ]
        for at, row, k in rows:
            for place, other, n in rows:
                if k < n and row.birth < other.end and other.birth < row.end:
                    begin, start = at + row.offset, place + other.offset
                    assert begin + row.size <= start or start + other.size <= begin


def test_those_of_least_extent_come_first() -> None:
    blocks = [block(Random(seed)) for seed in range(4)]
    found = arrangements(blocks, 0, 1, 50)
    extents = [max(at + one.size for at, one in zip(way, blocks, strict=True)) for way in found]
    assert extents == sorted(extents)
    assert extents[0] < sum(one.size for one in blocks)


def test_one_tensor_grows_where_another_one_dies() -> None:
    dying = Block(tuple(Taken(2 * k, 2, 0, k + 1) for k in range(5)), 10)
    growing = Block(tuple(Taken(2 * k, 2, k + 1, 9) for k in range(5)), 10)
    assert arrangements([dying, growing], 0, 1, 1) == [(0, 0)]


def test_too_many_rows_are_not_arranged() -> None:
    rows = tuple(Taken(k, 1, 0, 1) for k in range(int(MOST_PAIRS**0.5) + 1))
    assert arrangements([Block(rows, len(rows))], 0, 1, 8) == []
