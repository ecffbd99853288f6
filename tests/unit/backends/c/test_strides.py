from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hmcos.backends.c.preparing.strides import Strides, strides_of


def _visited(strides: Strides, rows: int) -> list[list[int]]:
    found: list[list[int]] = []
    (a, b, c), (i, j, k) = strides.steps, strides.numbers
    for r in range(rows):
        begin = strides.base + r // strides.period * strides.far + r % strides.period * strides.near
        starts = [begin + x * a + y * b + z * c for x in range(i) for y in range(j) for z in range(k)]
        found.append([start + n for start in starts for n in range(strides.piece)])
    return found


@given(st.lists(st.integers(1, 4), min_size=3, max_size=3), st.permutations([0, 1, 2]))
def test_transposed_images_are_visited_in_order(shape: list[int], order: list[int]) -> None:
    places: NDArray[np.int64] = np.arange(np.prod(shape)).reshape(shape).transpose(order)
    places = places.reshape(places.shape[0], -1)
    found = strides_of(places)
    assert found is not None
    assert _visited(found, len(places)) == places.tolist()


def test_places_without_a_pattern_have_no_loops() -> None:
    assert strides_of(np.array([[0, 1, 4, 6, 7, 9, 2]])) is None
    assert strides_of(np.array([[0, 1], [1, 0]])) is None
