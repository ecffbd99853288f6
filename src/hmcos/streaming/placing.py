"""Offsets for the rows of an order: inputs and outputs in blocks, sums where they are aligned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from hmcos.alignment import round_up
from hmcos.allocation.auto import auto
from hmcos.allocation.lives import PLAIN, Demand, Lives
from hmcos.allocation.planner import Allocator
from hmcos.allocation.simple.ejection import ejection
from hmcos.limits import Limits, Watch
from hmcos.memory.lifetimes import Life, lifetimes
from hmcos.memory.profile import peak
from hmcos.plan.arena import Arena
from hmcos.streaming.arrangements import Block, Taken, arrangements
from hmcos.streaming.program import Feeding
from hmcos.streaming.row_problem import RowProblem

STATES = 8_000
"""States of the exact planner, where ejection leaves a gap: the better ones that it found took a third."""
FEW = 600
"""Lives up to which the exact planner is tried: more were never seen to be worth its time."""
TRIES = 3
"""Sizes of arenas that are tried with the input at their end."""
ARRANGEMENTS = 8
"""Ways to place several inputs and outputs apart from each other that are tried."""
SHORT, LONG = range(4), range(4, 12)
"""Runs of ejection with the blocks at each place, first and then: most arenas reach the peak in the first."""


@dataclass(frozen=True, slots=True)
class RowArena:
    """The lives of an order and their places."""

    lives: tuple[Life, ...]
    arena: Arena
    alignment: int
    """Bytes; of the start of the arena."""


def placed(rows: RowProblem, order: Sequence[int], limits: Limits, watch: Watch) -> RowArena:
    """Return the smallest arena that is found for an order of row steps.

    Inputs, if they are there as a whole, are one block. At the end of the arena it is out of the way of rows
    that live on, so that it is tried there first, in arenas from the peak on; then at the start. Several
    inputs or outputs are also tried apart from each other.
    """
    lives = lifetimes(rows.problem, order)
    blocks = _Blocks(rows, lives)
    floor = peak(rows.problem, order)
    best: Arena | None = None
    for plan, demands in blocks.tries(floor):
        if best is not None and (best.size <= floor or watch.is_over(limits)):
            break
        left = watch.left(limits)
        found = plan(Lives(lives, demands=demands), replace(left, budget=None), watch.restarted())
        if best is None or found.size < best.size:
            best = found
    assert best is not None, "there is at least one way to place blocks"
    return RowArena(lives, replace(best, lower_bound=floor), blocks.alignment)


class _Blocks:
    """What each life asks of its place."""

    def __init__(self, rows: RowProblem, lives: Sequence[Life]) -> None:
        self.rows, self.lives = rows, lives
        self.unit = _units(rows)
        self.taken = _taken(lives)
        sums = (operator.accumulator for operator in rows.network.operators)
        widths = (each.width for each in sums if each is not None)  # also of those that never run
        self.alignment = max([rows.rows.alignment, *self.unit.values(), *widths])
        tensors = rows.network.graph
        given = tensors.inputs if rows.rows.input is Feeding.WHOLE else ()
        self.inputs, self.input_bytes = _side_by_side(rows, given, {})
        long = [t for t in tensors.outputs if rows.network.shapes[t].rows > 1]
        self.outputs, self.output_bytes = _side_by_side(rows, long, self.inputs)
        self.apart = _each(rows, [*given, *long])
        self.is_several = len(given) > 1 or len(long) > 1

    def tries(self, floor: int) -> Iterator[tuple[Allocator, tuple[Demand, ...]]]:
        """Yield planners with the demands of all lives: with the blocks in other places, then exactly."""
        unit = self.alignment
        step = max(unit, self.input_bytes // 32 // unit * unit)
        behind, before = self._apart(self.outputs, self.inputs), self._apart(self.inputs, self.outputs)
        at_end = [max(floor - self.input_bytes, behind) + k * step for k in range(TRIES)]
        last = self._demands(round_up(at_end[0], unit), 0)
        first = self._demands(0, round_up(max(floor - self.output_bytes, before), unit))
        both = (last, first) if self.inputs else (last,)
        arranged = self._arranged(floor) if self.is_several else []
        for demands in (*both, *arranged):
            yield partial(ejection, runs=SHORT), demands
        for demands in (*arranged[:1], *both):
            yield partial(ejection, runs=LONG), demands
        if len(self.lives) <= FEW:
            yield _exactly, last
        if self.inputs:
            for offset in at_end[1:]:
                yield partial(ejection, runs=SHORT), self._demands(round_up(offset, unit), 0)

    def _apart(self, low: dict[int, int], high: dict[int, int]) -> int:
        """Return how far behind the start of one block another must start, so that no live rows overlap.

        A row of one block may lie where a row of the other one is dead already, or not made yet.
        """
        far = 0
        for b, at in low.items():
            birth, death, size = self.taken[b]
            for other, place in high.items():
                begin, end, _ = self.taken[other]
                if birth < end and begin < death:
                    far = max(far, at + size - place)
                    break
        return far

    def _arranged(self, floor: int) -> list[tuple[Demand, ...]]:
        """Return demands with each input and output in a place of its own, those of least extent first."""
        blocks: list[Block] = []
        for offsets, size in self.apart:
            rows = ((at, self.taken[b]) for b, at in offsets.items())
            blocks.append(Block(tuple(Taken(at, bytes_, a, b) for at, (a, b, bytes_) in rows), size))
        return [
            self._pinned(
                {
                    b: at + place
                    for (each, _), at in zip(self.apart, found, strict=True)
                    for b, place in each.items()
                }
            )
            for found in arrangements(blocks, floor, self.alignment, ARRANGEMENTS)
        ]

    def _demands(self, inputs: int, outputs: int) -> tuple[Demand, ...]:
        """Return what lives ask for, with the inputs in one block and the outputs in another one."""
        given = {b: inputs + at for b, at in self.inputs.items()}
        return self._pinned(given | {b: outputs + at for b, at in self.outputs.items()})

    def _pinned(self, offsets: Mapping[int, int]) -> tuple[Demand, ...]:
        found: list[Demand] = []
        for life in self.lives:
            assert life.buffer is not None
            if life.buffer in offsets:
                found.append(Demand(offset=offsets[life.buffer]))
            else:
                unit = max(self.rows.rows.alignment, self.unit.get(life.buffer, 1))
                found.append(PLAIN if unit == 1 else Demand(alignment=unit))
        return tuple(found)


def _exactly(lives: Lives, limits: Limits, watch: Watch) -> Arena:
    """Return the arena of the exact planner within a few states."""
    return auto(lives, replace(limits, states=min(limits.states, STATES)), watch)


def _taken(lives: Sequence[Life]) -> dict[int, tuple[int, int, int]]:
    """Return the steps [begin, end) in which a buffer, or what overwrites it, takes bytes; and its size."""
    until = [life.death for life in lives]
    for i in range(len(lives) - 1, -1, -1):
        before = lives[i].takes_over
        if before is not None:
            until[before] = max(until[before], until[i])
    return {
        life.buffer: (life.birth, end, life.size)
        for life, end in zip(lives, until, strict=True)
        if life.buffer is not None
    }


def _units(rows: RowProblem) -> dict[int, int]:
    """Return the bytes of one element of each buffer that is read in larger units than bytes."""
    found: dict[int, int] = {}
    for row, b in rows.buffer_of.items():
        bits = rows.network.graph.tensors[row.tensor].bits
        if bits > 8:
            found[b] = bits // 8
    for b, index in rows.accumulators.items():
        accumulator = rows.network.operators[index].accumulator
        assert accumulator is not None
        found[b] = accumulator.width
    return found


def _each(rows: RowProblem, tensors: Sequence[int]) -> list[tuple[dict[int, int], int]]:
    """Return the offsets of the rows of each tensor in a block of its own, and the bytes of that block."""
    found: list[tuple[dict[int, int], int]] = []
    known: dict[int, int] = {}
    for t in dict.fromkeys(tensors):
        block, size = _side_by_side(rows, [t], known)
        known |= block
        found += [(block, size)] if block else []
    return found


def _side_by_side(
    rows: RowProblem, tensors: Sequence[int], but: dict[int, int]
) -> tuple[dict[int, int], int]:
    """Return the offset of each row of some tensors in one block, and the bytes of the block."""
    found: dict[int, int] = {}
    size = 0
    for t in dict.fromkeys(tensors):
        shape = rows.network.shapes[t]
        size = round_up(size, max(rows.rows.alignment, rows.network.graph.tensors[t].bits // 8))
        for row, b in enumerate(rows.buffers(t)):
            if b is not None and b not in but:
                found.setdefault(b, size + row * shape.size)
        size += shape.rows * shape.size
    return found, size
