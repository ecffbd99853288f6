"""Small networks, written as numbers, that the tests of the hierarchy and its schedulers share."""

from __future__ import annotations

from collections.abc import Sequence

from hmcos.memory.problem import Problem


def network(
    reads: Sequence[Sequence[int]],
    sizes: Sequence[int],
    *,
    inputs: int = 1,
    kept: Sequence[int] = (),
    in_place: bool = False,
) -> Problem:
    """Each operator makes one buffer; these are numbered from `inputs` on, the inputs before them."""
    return Problem(
        names=tuple(f"op{op}" for op in range(len(reads))),
        sizes=tuple(sizes),
        inputs=tuple(range(inputs)),
        kept=tuple(kept),
        reads=tuple(map(tuple, reads)),
        makes=tuple((inputs + op,) for op in range(len(reads))),
        may_overwrite=tuple(tuple(read) if in_place else () for read in reads),
        scratch=(0,) * len(reads),
    )


def two_cells() -> Problem:
    """Two cells as NAS networks have them: the second reads the end of the first, and the stem.

    0 stem; 1, 2 -> 3 ends the first cell; 4, 5 read it and are small; 6 adds 4 and the stem;
    7 ends the second cell.
    """
    return network(
        [[0], [1], [1], [2, 3], [4], [4], [5, 1], [7, 6]],
        [4, 4, 4, 4, 8, 2, 2, 4, 6],
        kept=[8],
    )


def three_branches() -> Problem:
    """Branches that swell and shrink, then a sum: depth first is best, breadth first is worst."""
    return network(
        [[0], [0], [0], [1], [2], [3], [4, 5, 6]],
        [1, 9, 9, 9, 1, 1, 1, 1],
        kept=[7],
    )
