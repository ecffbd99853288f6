import pytest

from hmcos.allocation.items import Item
from hmcos.allocation.rules import Style
from hmcos.allocation.search import Search


def item(birth: int, death: int, size: int, step: int = 1) -> Item:
    return Item((0,), ((birth, death, size),), size, step, ((0, None),))


def test_an_item_that_starts_above_the_floor_may_stand_on_one_of_its_own_section() -> None:
    """Nobody starts at the floor of a section: what stands on its lowest item must not be forgotten."""
    items = [item(2, 4, 3, 4), item(2, 3, 2, 4), item(0, 3, 3), item(1, 4, 4)]
    search = Search(items, 13)
    assert search.run(1000, Style()) is True
    assert search.offsets()[2] + 3 <= 13
    assert Search(items, 11).run(1000, Style()) is False


def test_a_run_that_is_stopped_leaves_the_answer_open_and_the_next_one_finds_it() -> None:
    items = [item(i, i + 3, 1 + i % 4) for i in range(12)]
    search = Search(items, 9)
    assert search.run(3, Style()) is None
    assert search.run(10_000, Style()) is True


@pytest.mark.parametrize("capacity", [3, 7])
def test_a_capacity_below_the_bytes_alive_is_refuted_at_sight(capacity: int) -> None:
    search = Search([item(0, 2, 4), item(1, 3, 4)], capacity)
    assert search.run(100, Style()) is False
    assert search.nodes == 0
