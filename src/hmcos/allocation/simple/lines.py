"""A skyline: up to which address the arena is full, over time."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

Line = tuple[int, int, int]
"""Sections [begin, end), and the address up to which they are full."""


class Lines:
    """The lines of a skyline, with quick access to the lowest; neighbours have different heights."""

    def __init__(self, sections: int) -> None:
        """Start with one line at address 0 over all sections."""
        self._by_begin: dict[int, Line] = {}
        self._by_end: dict[int, Line] = {}
        self._heap: list[tuple[int, int]] = []
        """Height and begin of every line, and of some that no longer exist."""
        self._add((0, sections, 0))

    def _add(self, line: Line) -> None:
        begin, end, top = line
        self._by_begin[begin] = self._by_end[end] = line
        heapq.heappush(self._heap, (top, begin))

    def _remove(self, line: Line) -> None:
        del self._by_begin[line[0]], self._by_end[line[1]]

    def lowest(self) -> Line:
        """Return the lowest line, the leftmost of several."""
        while True:
            top, begin = self._heap[0]
            line = self._by_begin.get(begin)
            if line is not None and line[2] == top:
                return line
            heapq.heappop(self._heap)

    def fill(self, line: Line, placed: Iterable[Line]) -> None:
        """Replace a line by the lines of what was placed on it; raise what is left to its lower neighbour.

        A rest without neighbours is raised by one byte.
        """
        begin, end, top = line
        left, right = self._by_end.get(begin), self._by_begin.get(end)
        rows = _tiled(line, placed)
        rows = [*([left] if left else []), *rows, *([right] if right else [])]
        for row in (left, line, right):
            if row:
                self._remove(row)
        for k, (first, last, height) in enumerate(rows):
            if height == top:
                beside = [rows[n][2] for n in (k - 1, k + 1) if 0 <= n < len(rows)]
                rows[k] = (first, last, min(beside, default=top + 1))
        for row in _merged(rows):
            self._add(row)


def _tiled(line: Line, placed: Iterable[Line]) -> list[Line]:
    """Return the lines that were placed on a line, and what is left between them at its height."""
    at, end, top = line
    rows: list[Line] = []
    for row in sorted(placed):
        if at < row[0]:
            rows.append((at, row[0], top))
        rows.append(row)
        at = row[1]
    if at < end:
        rows.append((at, end, top))
    return rows


def _merged(rows: Iterable[Line]) -> list[Line]:
    """Return adjacent lines after merging neighbours of equal height."""
    merged: list[Line] = []
    for row in rows:
        if merged and merged[-1][2] == row[2]:
            row = (merged.pop()[0], *row[1:])  # noqa: PLW2901
        merged.append(row)
    return merged
