from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hmcos.backends.c.places import Place, places_of

OFFSETS = st.lists(st.integers(0, 20).map(lambda k: 24 * k), min_size=1, max_size=12)


@given(st.lists(OFFSETS, min_size=1, max_size=6))
def test_every_row_is_where_it_was(tensors: list[list[int]]) -> None:
    found = places_of(tensors)
    for t, rows in enumerate(tensors):
        assert [found.offset(t, r) for r in range(len(rows))] == rows


@given(st.lists(OFFSETS, min_size=1, max_size=6), st.data())
def test_rows_that_nobody_makes_may_be_anywhere(tensors: list[list[int]], data: st.DataObject) -> None:
    gaps = [[-1 if data.draw(st.booleans()) else offset for offset in rows] for rows in tensors]
    found = places_of(gaps)
    for t, rows in enumerate(gaps):
        assert all(offset in (-1, found.offset(t, r)) for r, offset in enumerate(rows))


def test_whole_tensors_and_rings_take_little() -> None:
    whole = [100 + 10 * r for r in range(50)]
    ring = [1000 + 20 * (r % 3) for r in range(50)]
    found = places_of([whole, ring])
    assert found.unit == 10
    assert found.places[0] == Place(10, found.places[0].first, 1, 1)
    assert found.places[1].period == 3
    assert found.pool == (0, 2, 4)


def test_offsets_of_two_bytes_where_they_suffice() -> None:
    assert places_of([[0, 65535]]).width == 2
    assert places_of([[1, 65537]]).width == 4
