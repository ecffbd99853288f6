import pytest

from hmcos.zoo.depth_first import depth_first


def test_an_operator_follows_what_it_reads() -> None:
    reads = [(), (0,), (0,), (1, 2), ()]
    order = depth_first("abcde", reads)
    assert sorted(order) == [0, 1, 2, 3, 4]
    assert all(order.index(read) < order.index(op) for op in range(5) for read in reads[op])


@pytest.mark.parametrize(
    ("names", "expected"),
    [("sabj", [0, 2, 1, 3]), ("sbaj", [0, 1, 2, 3])],
    ids=["a is finished first, so stands last", "the same with the names exchanged"],
)
def test_readers_are_visited_by_name(names: str, expected: list[int]) -> None:
    assert depth_first(names, [(), (0,), (0,), (1, 2)]) == expected


def test_names_are_compared_as_text() -> None:
    assert depth_first(["s", "a_8", "a_11"], [(), (0,), (0,)]) == [0, 1, 2]


def test_what_starts_later_by_name_stands_first() -> None:
    assert depth_first("bca", [(), (), ()]) == [1, 0, 2]


def test_reading_twice_is_reading_once() -> None:
    assert depth_first("ab", [(), (0, 0)]) == [0, 1]


def test_long_chains_need_no_recursion() -> None:
    n = 20_000
    names = [f"{i:05}" for i in range(n)]
    assert depth_first(names, [(), *((i,) for i in range(n - 1))]) == list(range(n))
