"""Offsets of rows as small tables: patterns of numbers of few bits, each pattern once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import gcd
from typing import NamedTuple

WIDE = 9
"""Bits of the widest numbers that two bytes always hold, wherever in a byte they begin."""
_BEHIND = b"\0\0"
"""Bytes behind the last pattern, since numbers are read with their neighbours."""


class Form(NamedTuple):
    """Row r stands at `base + unit * pattern[r % period]`, or if the period is 0, at `base + unit * r`."""

    unit: int
    period: int
    bits: int
    """Of each number of the pattern."""


class Place(NamedTuple):
    """Where the rows of a tensor stand."""

    base: int
    first: int
    """The byte of the pool with which the pattern begins."""
    form: int
    """Number of its form."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the rows of all tensors stand."""

    unit: int
    """Bytes; bases and units of places are counted in it."""
    places: tuple[Place, ...]
    forms: tuple[Form, ...]
    pool: bytes

    def offset(self, tensor: int, row: int) -> int:
        """Return where a row of a tensor begins, in bytes."""
        base, first, form = self.places[tensor]
        unit, period, bits = self.forms[form]
        if period == 0:
            return self.unit * (base + unit * row)
        whole = int.from_bytes(self.pool[first:], "little")
        return self.unit * (base + unit * (whole >> row % period * bits & (1 << bits) - 1))

    @property
    def base_bytes(self) -> int:
        """Bytes of a base: 2, or 4 where that is too few."""
        return 2 if max((place.base for place in self.places), default=0) < 2**16 else 4

    @property
    def unit_bytes(self) -> int:
        """Bytes of a unit and of a period: 1, 2 or 4."""
        return _bytes_of(max((max(form.unit, form.period) for form in self.forms), default=0))

    @property
    def form_bytes(self) -> int:
        """Bytes of the number of a form: 1 or 2."""
        return _bytes_of(len(self.forms) - 1)

    @property
    def is_wide(self) -> bool:
        """Whether some numbers need three bytes to be read."""
        return any(form.bits > WIDE for form in self.forms)

    @property
    def size(self) -> int:
        """Bytes of all tables."""
        places = (2 + self.base_bytes + self.form_bytes) * len(self.places)
        return places + (2 * self.unit_bytes + 1) * len(self.forms) + len(self.pool)


def _bytes_of(most: int) -> int:
    return 1 if most < 2**8 else 2 if most < 2**16 else 4


def places_of(tensors: Sequence[Sequence[int]]) -> Places:
    """Return the places of tensors, of each of which the offset of every row is given, or -1 for any."""
    whole = gcd(*(offset for rows in tensors for offset in rows if offset > 0)) or 1
    found = [_place([offset // whole if offset >= 0 else None for offset in rows]) for rows in tensors]
    pool = _pool([pattern for _, _, pattern in found])
    forms = {form: k for k, form in enumerate(dict.fromkeys(form for _, form, _ in found))}
    places = tuple(
        Place(base, pool.find(pattern) if pattern else 0, forms[form]) for base, form, pattern in found
    )
    return Places(whole, places, tuple(forms), pool + _BEHIND)


def _place(known: Sequence[int | None]) -> tuple[int, Form, bytes]:
    """Return the base and the form of a tensor, and its pattern."""
    steps = {b - a for a, b in pairwise(known) if a is not None and b is not None}
    if len(known) > 1 and None not in known and len(steps) == 1 and min(steps) >= 0:
        return known[0] or 0, Form(steps.pop(), 0, 0), b""
    pattern = _pattern(known)
    base = min(pattern)
    unit = gcd(*(number - base for number in pattern)) or 1
    numbers = [(number - base) // unit for number in pattern]
    bits = max(numbers).bit_length()
    whole = sum(number << k * bits for k, number in enumerate(numbers))
    packed = whole.to_bytes(-(-bits * len(numbers) // 8), "little")
    return base, Form(unit, len(pattern), bits), packed


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
