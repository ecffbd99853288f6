from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hmcos.backends.c.places import Form, places_of

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
    assert found.forms == (Form(1, 0, 0), Form(2, 3, 2))
    assert [place.base for place in found.places] == [10, 100]
    assert found.pool == bytes([0b100100, 0, 0])


def test_numbers_have_the_bits_that_they_need() -> None:
    found = places_of([[0, 256, 3, 7, 0], [0, 1, 3, 0, 7]])
    assert [form.bits for form in found.forms] == [9, 3]
    assert not found.is_wide
    assert places_of([[0, 1000, 3, 7, 0, 1]]).is_wide
    assert (found.base_bytes, found.unit_bytes) == (2, 1)
    assert places_of([[3, 2**16]]).base_bytes == 2
    assert places_of([[2**16, 2**16 + 1]]).base_bytes == 4
