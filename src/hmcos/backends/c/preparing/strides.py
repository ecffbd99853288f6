"""Nested loops that visit places in a given order."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_LOOPS = 3


class Strides(NamedTuple):
    """Row r begins at `base + r // period * far + r % period * near`; from there three loops take pieces."""

    base: int
    far: int
    near: int
    period: int
    steps: tuple[int, int, int]
    numbers: tuple[int, int, int]
    piece: int


def strides_of(places: NDArray[np.int64]) -> Strides | None:
    """Return the loops that visit these places, row by row; None where there are none of this form."""
    first = places[:, 0]
    inner = places[0] - places[0, 0]
    if not np.array_equal(places - first[:, None], np.broadcast_to(inner, places.shape)):
        return None
    loops = _loops(inner)
    starts = _loops(first - first[0])
    if loops is None or starts is None or len(starts) > 2:
        return None
    (far_number, far), (near_number, near) = [*[(1, 0)] * (2 - len(starts)), *starts]
    del far_number
    piece = 1
    if loops and loops[-1][1] == 1:
        piece = loops.pop()[0]
    if len(loops) > _LOOPS:
        return None
    full = [*[(1, 0)] * (_LOOPS - len(loops)), *loops]
    steps, numbers = (full[0][1], full[1][1], full[2][1]), (full[0][0], full[1][0], full[2][0])
    return Strides(int(first[0]), far, near, near_number, steps, numbers, piece)


def _loops(places: NDArray[np.int64]) -> list[tuple[int, int]] | None:
    """Return number and step of nested loops from the outer to the inner; none for a single place."""
    found: list[tuple[int, int]] = []
    while len(places) > 1:
        step = int(places[1] - places[0])
        differences = np.diff(places)
        breaks = np.flatnonzero(differences != step)
        number = int(breaks[0]) + 1 if len(breaks) else len(places)
        if len(places) % number:
            return None
        table = places.reshape(-1, number)
        if not np.array_equal(table - table[:, :1], np.broadcast_to(np.arange(number) * step, table.shape)):
            return None
        found.insert(0, (number, step))
        places = table[:, 0]
    return found
