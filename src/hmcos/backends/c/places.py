"""Offsets of rows as small tables: patterns that repeat, each pattern once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd
from typing import NamedTuple

_MOST = 2**16 - 1


class Place(NamedTuple):
    """Row r stands at `base + r // period * step + pool[first + r % period]`, in units."""

    base: int
    first: int
    period: int
    step: int


@dataclass(frozen=True, slots=True)
class Places:
    """Where the rows of all tensors stand."""

    unit: int
    """Bytes."""
    places: tuple[Place, ...]
    pool: tuple[int, ...]

    @property
    def width(self) -> int:
        """Bytes of a number of units: 2, or 4 where that is too few."""
        numbers = [*self.pool, *(place.base for place in self.places)]
        steps = (2 * abs(place.step) + 1 for place in self.places)
        return 2 if max(max(numbers, default=0), max(steps, default=0)) <= _MOST else 4

    def offset(self, tensor: int, row: int) -> int:
        """Return where a row of a tensor begins, in bytes."""
        base, first, period, step = self.places[tensor]
        return self.unit * (base + row // period * step + self.pool[first + row % period])


def places_of(tensors: Sequence[Sequence[int]]) -> Places:
    """Return the places of tensors, of each of which the offset of every row is given, or -1 for any."""
    unit = gcd(*(offset for rows in tensors for offset in rows if offset > 0)) or 1
    found: list[tuple[int, int, int, tuple[int, ...]]] = []
    for rows in tensors:
        known = [offset // unit if offset >= 0 else None for offset in rows]
        period, step = _period(known)
        pattern = _pattern(known, period, step)
        base = min(pattern)
        found.append((base, period, step, tuple(number - base for number in pattern)))
    pool = _pool([pattern for *_, pattern in found])
    return Places(
        unit,
        tuple(Place(base, _find(pool, pattern), period, step) for base, period, step, pattern in found),
        tuple(pool),
    )


def _period(known: Sequence[int | None]) -> tuple[int, int]:
    """Return the shortest period after which offsets come again, each further on by the same step."""
    for period in range(1, len(known)):
        steps = {
            b - a for a, b in zip(known, known[period:], strict=False) if a is not None and b is not None
        }
        if len(steps) == 1 and _agrees(known, period, min(steps)):
            return period, steps.pop()
    return max(1, len(known)), 0


def _agrees(known: Sequence[int | None], period: int, step: int) -> bool:
    pattern = _pattern(known, period, step)
    found = (pattern[r % period] + r // period * step for r in range(len(known)))
    return min(pattern) >= 0 and all(k is None or k == f for k, f in zip(known, found, strict=True))


def _pattern(known: Sequence[int | None], period: int, step: int) -> list[int]:
    pattern: list[int | None] = [None] * period
    for row, offset in enumerate(known):
        if offset is not None and pattern[row % period] is None:
            pattern[row % period] = offset - row // period * step
    least = min((number for number in pattern if number is not None), default=0)
    return [least if number is None else number for number in pattern]


def _pool(patterns: list[tuple[int, ...]]) -> list[int]:
    """Return numbers in which every pattern stands, the longest first, each where it overlaps most."""
    pool: list[int] = []
    for pattern in sorted(set(patterns), key=lambda one: (-len(one), one)):
        if _find(pool, pattern) >= 0:
            continue
        common = min(len(pool), len(pattern))
        while common and tuple(pool[-common:]) != pattern[:common]:
            common -= 1
        pool += pattern[common:]
    return pool


def _find(pool: Sequence[int], pattern: tuple[int, ...]) -> int:
    """Return where a pattern stands; -1 where it does not."""
    length = len(pattern)
    for at in range(len(pool) - length + 1):
        if pool[at] == pattern[0] and tuple(pool[at : at + length]) == pattern:
            return at
    return -1
