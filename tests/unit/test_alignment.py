from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hmcos.alignment import round_up


@given(st.integers(0, 1 << 80), st.integers(1, 1 << 40))
def test_it_is_the_smallest_multiple_that_is_large_enough(size: int, alignment: int) -> None:
    rounded = round_up(size, alignment)
    assert rounded % alignment == 0
    assert rounded - alignment < size <= rounded
    assert round_up(rounded, alignment) == rounded
