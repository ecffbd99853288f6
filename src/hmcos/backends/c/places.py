"""Offsets of rows as small tables: patterns of bytes, each pattern once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import gcd
from typing import NamedTuple

WIDE = 2**15
"""Added to where a pattern begins whose numbers have two bytes each."""


class Place(NamedTuple):
    """Row r stands at `base + unit * pattern[r % period]`, or if the period is 0, at `base + unit * r`."""

    base: int
    first: int
    """Where the pattern begins in the pool, plus `WIDE` if its numbers have two bytes, the low one first."""
    unit: int
    period: int


@dataclass(frozen=True, slots=True)
class Places:
    """Where the rows of all tensors stand."""

    unit: int
    """Bytes; bases and units of places are counted in it."""
    places: tuple[Place, ...]
    pool: bytes

    def offset(self, tensor: int, row: int) -> int:
        """Return where a row of a tensor begins, in bytes."""
        base, first, unit, period = self.places[tensor]
        if period == 0:
            return self.unit * (base + unit * row)
        at = row % period
        if first < WIDE:
            return self.unit * (base + unit * self.pool[first + at])
        low, high = self.pool[first - WIDE + 2 * at : first - WIDE + 2 * at + 2]
        return self.unit * (base + unit * (low + 256 * high))

    @property
    def base_bytes(self) -> int:
        """Bytes of a base: 2, or 4 where that is too few."""
        return 2 if max((place.base for place in self.places), default=0) < 2**16 else 4

    @property
    def unit_bytes(self) -> int:
        """Bytes of a unit and of a period: 1, 2 or 4."""
        most = max((max(place.unit, place.period) for place in self.places), default=0)
        return 1 if most < 2**8 else 2 if most < 2**16 else 4

    @property
    def size(self) -> int:
        """Bytes of all tables."""
        return (2 + self.base_bytes + 2 * self.unit_bytes) * len(self.places) + len(self.pool)


def places_of(tensors: Sequence[Sequence[int]]) -> Places:
    """Return the places of tensors, of each of which the offset of every row is given, or -1 for any."""
    whole = gcd(*(offset for rows in tensors for offset in rows if offset > 0)) or 1
    found = [_place([offset // whole if offset >= 0 else None for offset in rows]) for rows in tensors]
    pool = _pool([pattern for _, pattern in found])
    places: list[Place] = []
    for place, pattern in found:
        at = pool.find(pattern) if pattern else 0
        places.append(place._replace(first=place.first + at))
    return Places(whole, tuple(places), pool or b"\0")


def _place(known: Sequence[int | None]) -> tuple[Place, bytes]:
    """Return the place of a tensor in a pool that holds its pattern only, and the pattern."""
    steps = {b - a for a, b in pairwise(known) if a is not None and b is not None}
    if len(known) > 1 and None not in known and len(steps) == 1 and min(steps) >= 0:
        return Place(known[0] or 0, 0, steps.pop(), 0), b""
    pattern = _pattern(known)
    base = min(pattern)
    unit = gcd(*(number - base for number in pattern)) or 1
    numbers = [(number - base) // unit for number in pattern]
    if max(numbers) < 256:
        return Place(base, 0, unit, len(pattern)), bytes(numbers)
    wide = b"".join(number.to_bytes(2, "little") for number in numbers)
    return Place(base, WIDE, unit, len(pattern)), wide


def _pattern(known: Sequence[int | None]) -> list[int]:
    """Return the shortest list of offsets that come again and again."""
    least = min((number for number in known if number is not None), default=0)
    for period in range(1, max(1, len(known))):
        pattern: list[int | None] = [None] * period
        for row, offset in enumerate(known):
            if offset is not None and pattern[row % period] is None:
                pattern[row % period] = offset
        if all(offset in (None, pattern[row % period]) for row, offset in enumerate(known)):
            return [least if number is None else number for number in pattern]
    return [least if number is None else number for number in known]


def _pool(patterns: Sequence[bytes]) -> bytes:
    """Return bytes in which every pattern stands, the longest first, each where it overlaps most."""
    pool = b""
    for pattern in sorted(set(patterns), key=lambda one: (-len(one), one)):
        if pattern in pool:
            continue
        common = min(len(pool), len(pattern))
        while common and not pool.endswith(pattern[:common]):
            common -= 1
        pool += pattern[common:]
    return pool
