"""What is in use at the same time is apart in memory: found as by comparing all pairs, in far fewer steps."""

from __future__ import annotations

from random import Random

from hmcos.verify.counted.overlap import Overlap, Row, first_overlap


def overlaps(rows: list[Row]) -> set[Overlap]:
    """All that overlap, by comparing every two of them."""
    found: set[Overlap] = set()
    for a in rows:
        for b in rows:
            low, high = max(a[2], b[2]), min(a[3], b[3])
            if a[4] != b[4] and a[0] <= b[0] < a[1] and low < high:
                found.add(Overlap(b[0], a[4], b[4], low, high))
    return found


def random_rows(rng: Random) -> list[Row]:
    rows: list[Row] = []
    for number in range(rng.randint(0, 6)):
        birth, low = rng.randrange(6), rng.randrange(10)
        rows.append((birth, birth + rng.randint(1, 3), low, low + rng.randint(1, 4), number))
    return rows


def test_the_first_overlap_is_one_that_all_pairs_have_too() -> None:
    apart = 0
    for seed in range(3000):
        rows = random_rows(Random(seed))
        expected, found = overlaps(rows), first_overlap(rows)
        if found is None:
            apart += 1
            assert not expected
        else:
            assert found in expected
            assert found.step == min(one.step for one in expected)
    assert 300 < apart < 2700


class Counted(int):
    """A number of bytes that counts how often it is compared."""

    comparisons = 0

    def __lt__(self, other: int) -> bool:
        Counted.comparisons += 1
        return int(self) < int(other)

    def __gt__(self, other: int) -> bool:
        Counted.comparisons += 1
        return int(self) > int(other)


def test_thousands_in_use_together_are_not_compared_in_pairs() -> None:
    count = 2000
    Counted.comparisons = 0
    assert first_overlap((0, 1, Counted(4 * i), Counted(4 * i + 4), i) for i in range(count)) is None
    assert 0 < Counted.comparisons < 100 * count
