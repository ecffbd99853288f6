from dataclasses import replace

import pytest

from hmcos.allocation.exact.placement_rules import PlacementRules, Style
from hmcos.allocation.exact.search import Search
from hmcos.allocation.items import Item
from hmcos.allocation.layout import layout

Spans = tuple[tuple[int, int | None], ...]


def item(birth: int, death: int, size: int, step: int = 1, spans: Spans = ((0, None),)) -> Item:
    return Item((0,), ((birth, death, size),), size, step, spans)


def pinned(birth: int, death: int, size: int, offset: int) -> Item:
    return replace(item(birth, death, size), offset=offset)


def test_an_item_that_starts_above_the_floor_may_stand_on_one_of_its_own_section() -> None:
    """Nobody starts at the floor of a section: what stands on its lowest item must not be forgotten."""
    items = [item(2, 4, 3, 4), item(2, 3, 2, 4), item(0, 3, 3), item(1, 4, 4)]
    search = Search(layout(items), 13)
    assert search.run(1000, Style()) is True
    assert search.offsets()[2] + 3 <= 13
    assert Search(layout(items), 11).run(1000, Style()) is False


NOBODY_AT_THE_FLOOR = {
    "alignments": (
        [item(3, 5, 1), item(1, 4, 1, step=4), item(5, 6, 2, step=3), item(4, 7, 1, step=2)],
        3,
    ),
    "pins": (
        [pinned(0, 4, 1, 0), pinned(4, 6, 3, 8), item(0, 5, 3)],
        11,
    ),
    "pools": (
        [
            item(1, 4, 1, spans=((0, 2), (3, 5), (6, None))),
            item(1, 2, 3, spans=((0, 0), (6, None))),
            item(3, 6, 2, spans=((3, 4), (6, None))),
            item(1, 6, 4, spans=((6, None),)),
        ],
        10,
    ),
}
"""Items and their smallest arena, found by trying every offset: the search once proved more."""


@pytest.mark.parametrize("kind", NOBODY_AT_THE_FLOOR)
@pytest.mark.parametrize("heads", [False, True])
@pytest.mark.parametrize("anywhere", [False, True])
def test_the_floor_may_rise_into_a_jump_of_the_stack(kind: str, heads: bool, anywhere: bool) -> None:
    """Stacked by their lowest starts the items end at the capacity, yet the lowest need not lie there."""
    items, least = NOBODY_AT_THE_FLOOR[kind]
    rules = PlacementRules(heads=heads, anywhere=anywhere)
    assert Search(layout(items), least, rules).run(1000, Style()) is True
    assert Search(layout(items), least - 1, rules).run(1000, Style()) is False


def test_a_run_that_is_stopped_leaves_the_answer_open_and_the_next_one_finds_it() -> None:
    items = [item(i, i + 3, 1 + i % 4) for i in range(12)]
    search = Search(layout(items), 9)
    assert search.run(3, Style()) is None
    assert search.run(10_000, Style()) is True


@pytest.mark.parametrize("capacity", [3, 7])
def test_a_capacity_below_the_bytes_alive_is_refuted_at_sight(capacity: int) -> None:
    search = Search(layout([item(0, 2, 4), item(1, 3, 4)]), capacity)
    assert search.run(100, Style()) is False
    assert search.nodes == 0
