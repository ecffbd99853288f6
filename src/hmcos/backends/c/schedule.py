"""The order of steps as bytes: runs of rows, and runs that repeat.

A block is `times, number`, and so many runs: `operator, first row, rows`, and where `times` is above one,
`rows from one time to the next`. Every number is written seven bits a byte, the low ones first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

_LONGEST = 96
"""Runs of the longest block that may repeat."""


class Run(NamedTuple):
    """Steps of one operator for successive rows."""

    operator: int
    first: int
    rows: int


@dataclass(frozen=True, slots=True)
class Block:
    """Runs that are done so many times, each further on in its rows every time."""

    times: int
    runs: tuple[Run, ...]
    advances: tuple[int, ...]
    """Per run the rows from one time to the next."""

    def steps(self) -> Iterator[tuple[int, int]]:
        """Yield operator and row of every step."""
        for time in range(self.times):
            for run, advance in zip(self.runs, self.advances, strict=True):
                first = run.first + time * advance
                yield from ((run.operator, first + k) for k in range(run.rows))

    def encoded(self) -> bytes:
        """Return the bytes."""
        found = [*_bytes(self.times), *_bytes(len(self.runs))]
        for run, advance in zip(self.runs, self.advances, strict=True):
            for number in (*run, advance) if self.times > 1 else run:
                found += _bytes(number)
        return bytes(found)


def encoded(steps: Sequence[tuple[int, int]]) -> bytes:
    """Return a schedule, of operators and rows, as bytes that end with a zero."""
    return b"".join(block.encoded() for block in blocks(steps)) + b"\0"


def blocks(steps: Sequence[tuple[int, int]]) -> list[Block]:
    """Return a schedule as blocks, whichever saves most from the front on."""
    runs, found, single = _runs(steps), list[Block](), list[Run]()
    at = 0
    while at < len(runs):
        block = _best(runs, at)
        if block is None:
            single.append(runs[at])
            at += 1
            continue
        if single:
            found.append(_once(single))
            single = []
        found.append(block)
        at += block.times * len(block.runs)
    return [*found, _once(single)] if single else found


def _once(runs: list[Run]) -> Block:
    return Block(1, tuple(runs), (0,) * len(runs))


def _runs(steps: Sequence[tuple[int, int]]) -> list[Run]:
    found: list[Run] = []
    for operator, row in steps:
        last = found[-1] if found else None
        if last is not None and last.operator == operator and row == last.first + last.rows:
            found[-1] = last._replace(rows=last.rows + 1)
        else:
            found.append(Run(operator, row, 1))
    return found


def _best(runs: list[Run], at: int) -> Block | None:
    """Return the block that saves most if it begins at a run; None if none saves anything."""
    best, most = None, 0
    for length in range(1, min(_LONGEST, (len(runs) - at) // 2) + 1):
        if runs[at].operator != runs[at + length].operator:
            continue
        times = _times(runs, at, length)
        if times < 2:
            continue
        head = tuple(runs[at : at + length])
        ahead = runs[at + length : at + 2 * length]
        advances = tuple(b.first - a.first for a, b in zip(head, ahead, strict=True))
        block = Block(times, head, advances)
        plain = sum(len(_bytes(n)) for run in runs[at : at + times * length] for n in run)
        saved = (plain - len(block.encoded())) * 64 // (times * length)
        if plain > len(block.encoded()) + 4 and saved > most:
            best, most = block, saved
    return best


def _times(runs: list[Run], at: int, length: int) -> int:
    """Return how often the runs from one on repeat, each with the same advance of at least no rows."""
    advances = [runs[at + length + k].first - runs[at + k].first for k in range(length)]
    if min(advances) < 0:
        return 1
    times = 1
    while at + (times + 1) * length <= len(runs):
        for k in range(length):
            a, b = runs[at + (times - 1) * length + k], runs[at + times * length + k]
            if (a.operator, a.rows, a.first + advances[k]) != (b.operator, b.rows, b.first):
                return times
        times += 1
    return times


def _bytes(number: int) -> list[int]:
    found: list[int] = []
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return [*found, number]
