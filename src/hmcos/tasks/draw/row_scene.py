"""A row scene: the data of the picture and of the page of a row plan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, groupby
from pathlib import Path

from hmcos.plan.row_lives import RowLife, row_lives
from hmcos.plan.row_plan import PlannedOperator, RowPlan
from hmcos.words import shortened

NAMED = 40
"""Most characters of a network's name in a title."""
INPUT, SUMS = -1.0, 2.0
"""Depths of what is no layer: inputs of the network, and sums."""


@dataclass(frozen=True, slots=True)
class Band:
    """Rows of one tensor that lie side by side and live equally long: one rectangle of the picture."""

    tensor: int
    """-1 for sums."""
    operator: int
    """Index of the operator that makes it; -1 for the input of the network."""
    rows: int
    offset: int
    size: int
    """Bytes of all its rows."""
    birth: int
    death: int


@dataclass(frozen=True, slots=True)
class Block:
    """A rectangle that lies within the rows of a tensor: where a label has room."""

    operator: int
    offset: int
    size: int
    birth: int
    death: int
    middle: float
    """The address in the middle of its middle band."""


@dataclass(frozen=True)
class RowScene:
    """A row plan, and what pictures show of it."""

    plan: RowPlan
    bands: tuple[Band, ...]
    """By birth."""

    @property
    def title(self) -> str:
        """The network, and how its input arrives."""
        name = shortened(Path(self.plan.source.name).name, NAMED)
        return f"{name}, row by row" + (", fed by rows" if self.plan.by_rows else "")

    @property
    def steps(self) -> int:
        """The number of row steps; at least one."""
        return max(1, len(self.plan.steps))

    def depth(self, operator: int, tensor: int = 0) -> float:
        """Return where in the network something is made: 0 first, 1 last, or INPUT or SUMS."""
        if tensor < 0:
            return SUMS
        if operator < 0 or self.plan.operators[operator].number < 0:
            return INPUT
        return self.place.get(operator, 0) / max(1, len(self.place) - 1)

    @cached_property
    def place(self) -> dict[int, int]:
        """The operators that are no feed, each with its place by its first step."""
        first: dict[int, int] = {}
        for at, (operator, _) in enumerate(self.plan.steps):
            first.setdefault(operator, at)
        layers = [k for k, one in enumerate(self.plan.operators) if one.number >= 0 and k in first]
        return {operator: place for place, operator in enumerate(sorted(layers, key=first.__getitem__))}

    @cached_property
    def live(self) -> tuple[int, ...]:
        """Bytes in use at every step."""
        change = [0] * (self.steps + 1)
        for band in self.bands:
            change[band.birth] += band.size
            change[band.death] -= band.size
        return tuple(accumulate(change))[: self.steps]

    @cached_property
    def peak_moment(self) -> int:
        """The first step at which most is in use."""
        return self.live.index(max(self.live)) if self.live else 0

    @cached_property
    def at_peak(self) -> tuple[tuple[int, int], ...]:
        """What is live at that step: operator that made it and bytes, the input last."""
        sizes: dict[int, int] = {}
        for band in self.bands:
            if band.birth <= self.peak_moment < band.death:
                sizes[band.operator] = sizes.get(band.operator, 0) + band.size
        return tuple(sorted(sizes.items(), key=lambda pair: (self.depth(pair[0]) < 0, pair[0])))

    @cached_property
    def runs(self) -> tuple[tuple[int, int, int], ...]:
        """Steps of one operator in a row: operator, first step, the step after the last."""
        found: list[tuple[int, int, int]] = []
        for operator, group in groupby(enumerate(self.plan.steps), key=lambda pair: pair[1][0]):
            places = [at for at, _ in group]
            found.append((operator, places[0], places[-1] + 1))
        return tuple(found)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Per operator the largest rectangle that a simple search finds in its rows, largest first."""
        of_operator: dict[int, list[Band]] = {}
        for band in self.bands:
            of_operator.setdefault(band.operator, []).append(band)
        found = [_block(bands) for bands in of_operator.values()]
        return tuple(sorted(found, key=lambda one: -one.size * (one.death - one.birth)))

    @cached_property
    def most(self) -> dict[int, int]:
        """Per operator the most bytes of what it makes that are in use at once; -1 is the input."""
        changes: dict[int, list[tuple[int, int]]] = {}
        for band in self.bands:
            if band.tensor >= 0:
                changes.setdefault(band.operator, []).extend(
                    ((band.birth, band.size), (band.death, -band.size))
                )
        return {
            operator: max(accumulate(change for _, change in sorted(pairs)))
            for operator, pairs in changes.items()
        }

    def operator(self, index: int) -> PlannedOperator | None:
        """Return an operator; None for the input of the network."""
        return None if index < 0 else self.plan.operators[index]


def row_scene(plan: RowPlan) -> RowScene:
    """Return a row plan as a scene."""
    return RowScene(plan, tuple(sorted(_bands(row_lives(plan)), key=lambda one: (one.birth, one.offset))))


def _bands(lives: Iterable[RowLife]) -> list[Band]:
    """Return lives as rectangles, neighbours merged: first upwards, then along time."""
    rows = [
        Band(one.tensor, one.operator, 1, one.offset, one.size, one.birth, one.death)
        for one in sorted(lives, key=lambda one: (one.tensor, one.birth, one.death, one.offset))
    ]
    found: list[Band] = []
    for band in rows:
        last = found[-1] if found else None
        if last is not None and _is_upon(last, band):
            found[-1] = Band(
                last.tensor,
                last.operator,
                last.rows + 1,
                last.offset,
                last.size + band.size,
                last.birth,
                last.death,
            )
        else:
            found.append(band)
    return found


def _is_upon(low: Band, high: Band) -> bool:
    """Return whether a row lies on top of others, and lives as long."""
    same = (low.tensor, low.operator, low.birth, low.death)
    return same == (high.tensor, high.operator, high.birth, high.death) and (
        low.offset + low.size == high.offset
    )


def _block(bands: Sequence[Band]) -> Block:
    """Return the largest rectangle over neighbours in the arena that all live at one time.

    It grows from each of the largest bands to the ones above it, which is enough for labels.
    """
    best = Block(bands[0].operator, 0, 0, 0, 0, 0.0)
    by_offset = sorted(bands, key=lambda one: (one.offset, one.birth))
    for start in sorted(bands, key=lambda one: -one.size * (one.death - one.birth))[:8]:
        inside, birth, death = [start], start.birth, start.death
        best = _larger(best, _around(inside, birth, death))
        for band in by_offset:
            shared = min(death, band.death) - max(birth, band.birth)
            if band.offset == inside[-1].offset + inside[-1].size and shared > 0:
                birth, death = max(birth, band.birth), min(death, band.death)
                inside.append(band)
                best = _larger(best, _around(inside, birth, death))
    return best


def _around(inside: Sequence[Band], birth: int, death: int) -> Block:
    low, high, middle = inside[0], inside[-1], inside[len(inside) // 2]
    size = high.offset + high.size - low.offset
    return Block(low.operator, low.offset, size, birth, death, middle.offset + middle.size / 2)


def _larger(one: Block, other: Block) -> Block:
    area, others = one.size * (one.death - one.birth), other.size * (other.death - other.birth)
    return other if others > area else one
