"""Random weights for networks: seeded, cheap to make, the same bytes on every machine."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass
from functools import cached_property

from hmcos.errors import OptionError

_PERIOD = 4093
"""Numbers drawn per seed; the weights repeat them, since drawing all 3 million numbers of a network would
take a second in pure Python. A prime, so that the rows of a weight matrix differ."""
_LARGEST = 2_000_000_000
"""Bytes of all weights; protobuf files end at 2 GiB, and the operators need some of that."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Numbers of a source, made when they are asked for: a network that is only scheduled needs none."""

    source: Weights
    start: int
    """The number of the first, after those that were drawn before."""
    count: int
    bound: float | None
    """For floats between -bound and bound; None for signed bytes."""

    def packed(self) -> bytes:
        """Return the numbers as 32-bit little-endian floats, or as signed bytes."""
        block = self.source.period(self.bound)
        width, start = len(block) // _PERIOD, self.start % _PERIOD
        blocks = block * ((start + self.count) // _PERIOD + 1)
        return blocks[width * start : width * (start + self.count)]


class Weights:
    """A source of numbers drawn from one seed: floats, or signed bytes."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._periods: dict[float | None, bytes] = {}
        self._next = 0
        self._drawn_bytes = 0

    def uniform(self, count: int, bound: float) -> Drawn:
        """Return the next `count` numbers, uniform between -bound and bound.

        Raises:
            OptionError: the network becomes larger than a model file can be.
        """
        return self._draw(count, 4, bound)

    def uniform_int8(self, count: int) -> Drawn:
        """Return the next `count` numbers as signed bytes, uniform between -127 and 127.

        Raises:
            OptionError: the network becomes larger than a model file can be.
        """
        return self._draw(count, 1, None)

    def period(self, bound: float | None) -> bytes:
        """Return all different numbers, between -bound and bound, or as signed bytes for None."""
        block = self._periods.get(bound)
        if block is None:
            numbers = self._numbers
            if bound is None:
                block = struct.pack(f"<{_PERIOD}b", *(round(127 * x) for x in numbers))
            else:
                block = struct.pack(f"<{_PERIOD}f", *(bound * x for x in numbers))
            self._periods[bound] = block
        return block

    @cached_property
    def _numbers(self) -> list[float]:
        draw = random.Random(self._seed).random
        return [2 * draw() - 1 for _ in range(_PERIOD)]

    def _draw(self, count: int, width: int, bound: float | None) -> Drawn:
        self._drawn_bytes += width * count
        if self._drawn_bytes > _LARGEST:
            raise OptionError(
                "zoo: the network has over 2 GB of weights, more than ONNX can hold: make it smaller"
            )
        drawn = Drawn(self, self._next, count, bound)
        self._next += count
        return drawn


def repeated(count: int, value: float) -> bytes:
    """Return the same number `count` times, as 32-bit little-endian floats."""
    return struct.pack("<f", value) * count
