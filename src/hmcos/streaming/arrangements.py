"""Places for several contiguous tensors, each of whose rows takes its bytes for a time only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from hmcos.alignment import round_up

SAMPLES = 300
"""Orders in which the tensors are placed, with sides at random: more found no better."""
MOST_PAIRS = 250_000
"""Pairs of rows up to which tensors are arranged: a second or so."""


class Taken(NamedTuple):
    """A row of a block, and the steps [birth, end) in which it takes its bytes."""

    offset: int
    """Bytes from the start of the block."""
    size: int
    birth: int
    end: int


@dataclass(frozen=True, slots=True)
class Block:
    """A contiguous tensor."""

    rows: tuple[Taken, ...]
    size: int
    """Bytes."""


_Gap = tuple[int, int]
"""What a distance in bytes may not lie strictly between."""


def arrangements(blocks: Sequence[Block], floor: int, unit: int, number: int) -> list[tuple[int, ...]]:
    """Return at most so many ways to place blocks, as their offsets in bytes; those of least extent first.

    Rows of two blocks share bytes where they do not take them at the same time. Offsets are multiples of
    `unit`. An extent below `floor` bytes counts as that, since other rows need as much. Too many pairs of
    rows give none.
    """
    if sum(len(a.rows) * len(b.rows) for a in blocks for b in blocks) > MOST_PAIRS:
        return []
    gaps = [[_gaps(a, b) for b in blocks] for a in blocks]
    top, rng = floor // unit * unit, Random(len(blocks))
    found: dict[tuple[int, ...], int] = {}
    for _ in range(SAMPLES):
        order = rng.sample(range(len(blocks)), len(blocks))
        sides = [rng.random() < 0.5 for _ in blocks]
        offsets = _placed(blocks, gaps, order, [top if is_high else None for is_high in sides], unit)
        ends = [offset + block.size for offset, block in zip(offsets, blocks, strict=True)]
        found.setdefault(offsets, max(floor, *ends))
    return sorted(found, key=lambda offsets: found[offsets])[:number]


def _gaps(a: Block, b: Block) -> list[_Gap]:
    """Return where `b` may not begin, told from the beginning of `a`; ascending, apart from each other."""
    all_of_them = sorted(
        (one.offset - other.offset - other.size, one.offset + one.size - other.offset)
        for one in a.rows
        for other in b.rows
        if one.birth < other.end and other.birth < one.end
    )
    found: list[_Gap] = []
    for low, high in all_of_them:
        if found and low < found[-1][1]:
            found[-1] = found[-1][0], max(high, found[-1][1])
        else:
            found.append((low, high))
    return found


def _placed(
    blocks: Sequence[Block],
    gaps: Sequence[Sequence[list[_Gap]]],
    order: Sequence[int],
    tops: Sequence[int | None],
    unit: int,
) -> tuple[int, ...]:
    """Return offsets: each block as high as it goes below its top, or else as low as it goes."""
    offsets: dict[int, int] = {}
    for b in order:
        barred = sorted((a + low, a + high) for k, a in offsets.items() for low, high in gaps[k][b])
        top = tops[b]
        high = None if top is None else _highest(barred, (top - blocks[b].size) // unit * unit, unit)
        offsets[b] = _lowest(barred, unit) if high is None else high
    return tuple(offsets[b] for b in range(len(blocks)))


def _lowest(barred: Sequence[_Gap], unit: int) -> int:
    """Return the lowest offset that is not barred."""
    offset = 0
    for low, high in barred:  # by their lower ends, so that none has to be looked at again
        if low < offset < high:
            offset = round_up(high, unit)
    return offset


def _highest(barred: Sequence[_Gap], offset: int, unit: int) -> int | None:
    """Return the highest offset up to one that is not barred; None if there is none."""
    for low, high in sorted(barred, key=lambda gap: -gap[1]):
        if low < offset < high:
            offset = low // unit * unit
    return offset if offset >= 0 else None
