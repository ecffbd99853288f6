"""Random weights for networks: seeded, cheap to make, the same bytes on every machine."""

from __future__ import annotations

import random
import struct

from hmcos.errors import OptionError

_PERIOD = 4093
"""Numbers drawn per seed; the weights repeat them, since drawing all 3 million numbers of a network would
take a second in pure Python. A prime, so that the rows of a weight matrix differ."""
_LARGEST = 2_000_000_000
"""Bytes of all weights; protobuf files end at 2 GiB, and the operators need some of that."""


class Weights:
    """A source of numbers drawn from one seed: 32-bit little-endian floats, or signed bytes."""

    def __init__(self, seed: int) -> None:
        draw = random.Random(seed).random
        self._drawn = [2 * draw() - 1 for _ in range(_PERIOD)]
        self._scaled: dict[float, bytes] = {}
        self._bytes = b""
        self._next = 0
        self._drawn_bytes = 0

    def uniform(self, count: int, bound: float) -> bytes:
        """Return the next `count` numbers, uniform between -bound and bound.

        Raises:
            OptionError: the network becomes larger than a model file can be.
        """
        block = self._scaled.get(bound)
        if block is None:
            block = struct.pack(f"<{_PERIOD}f", *(bound * x for x in self._drawn))
            self._scaled[bound] = block
        return self._draw(block, count)

    def uniform_int8(self, count: int) -> bytes:
        """Return the next `count` numbers as signed bytes, uniform between -127 and 127.

        Raises:
            OptionError: the network becomes larger than a model file can be.
        """
        if not self._bytes:
            self._bytes = struct.pack(f"<{_PERIOD}b", *(round(127 * x) for x in self._drawn))
        return self._draw(self._bytes, count)

    def _draw(self, block: bytes, count: int) -> bytes:
        """Return the next `count` numbers, taken from the bytes of one whole period."""
        width = len(block) // _PERIOD
        self._drawn_bytes += width * count
        if self._drawn_bytes > _LARGEST:
            raise OptionError(
                "zoo: the network has over 2 GB of weights, more than ONNX can hold: make it smaller"
            )
        start = self._next
        self._next = (start + count) % _PERIOD
        blocks = block * ((start + count) // _PERIOD + 1)
        return blocks[width * start : width * (start + count)]


def repeated(count: int, value: float) -> bytes:
    """Return the same number `count` times, as 32-bit little-endian floats."""
    return struct.pack("<f", value) * count
