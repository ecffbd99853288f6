from __future__ import annotations

from itertools import pairwise
from unittest.mock import patch

from hmcos.memory import sections
from hmcos.memory.bounds import must_live
from hmcos.memory.problem import Problem


def forks(cells: int) -> Problem:
    """Two branches of one operator each from every join, and one input that only the last join reads."""
    reads, makes, sizes, last = list[tuple[int, ...]](), list[tuple[int, ...]](), [4, 100], 0
    for cell in range(cells):
        for read in ((last,), (last,)):
            reads.append(read)
            makes.append((len(sizes),))
            sizes.append(8)
        end = (1,) if cell == cells - 1 else ()
        reads.append((len(sizes) - 2, len(sizes) - 1, *end))
        makes.append((len(sizes),))
        last = len(sizes)
        sizes.append(4)
    n = 3 * cells
    return Problem(
        names=("",) * n,
        sizes=tuple(sizes),
        inputs=(0, 1),
        kept=(last,),
        reads=tuple(reads),
        makes=tuple(makes),
        may_overwrite=((),) * n,
        scratch=(0,) * n,
    )


def test_what_is_live_throughout_a_section_counts_in_it() -> None:
    with patch.object(sections, "LEAST", 1):
        parts = sections.sections(forks(3))
        assert len(parts) > 3
        assert [part.through for part in parts[:-1]] == [100] * (len(parts) - 1)
        assert must_live(forks(2)) == (112, 112, 120, 112, 112, 120)


def test_sections_of_a_long_network_are_short() -> None:
    parts = sections.sections(forks(5_000))
    ends = [0, *(part.operators.stop for part in parts)]
    assert ends[-1] == 15_000
    assert max(stop - start for start, stop in pairwise(ends)) < 2 * sections.LEAST
