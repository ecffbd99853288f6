from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmcos.report.pictures.colours import PAPER, SHADES, shading


def test_few_sizes_have_a_class_each() -> None:
    found = shading([300, 100, 100, 0])
    assert found.exact
    assert found.legend == ((SHADES[0], "100 B"), (SHADES[-1], "300 B"))
    assert found.shade(0) == PAPER


def test_many_sizes_share_six_classes_of_equal_width() -> None:
    found = shading(range(1, 601))
    assert found.tops == (100, 200, 300, 400, 500, 600)
    assert [found.shade(size) for size in (1, 100, 101, 600)] == [*SHADES[:1] * 2, SHADES[1], SHADES[5]]
    assert dict(found.legend)[SHADES[0]] == "up to 100 B"


@pytest.mark.parametrize("sizes", [[], [0, 0]])
def test_nothing_has_no_classes(sizes: list[int]) -> None:
    assert shading(sizes).legend == ()


@given(st.lists(st.integers(0, 2**40), min_size=1))
def test_larger_is_never_lighter(sizes: list[int]) -> None:
    found = shading(sizes)
    places = [SHADES.index(found.shade(size)) for size in sorted(sizes) if size]
    assert places == sorted(places)
    assert len(found.tops) <= len(SHADES)
