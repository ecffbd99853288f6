"""Walk through a plan in separate blocks of memory, and see at every step whose bytes are where.

Nothing is computed. Every operator looks at all bytes of what it reads, and marks all bytes of what it makes
as its own; what is dead is marked as nobody's at once. So a byte that two buffers share while both are
needed, or that lies outside of its memory, is found at the step at which it would do harm.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hmcos.errors import VerifyError
from hmcos.plan.arena import PlacedBuffer
from hmcos.verify.counted.steps import Execution, Step

NOBODY = -1


@dataclass(frozen=True, slots=True)
class Moved:
    """What was written and read, in bytes."""

    traffic: tuple[int, ...]
    """Per memory."""


def stepped(run: Execution, buffers: Sequence[PlacedBuffer], capacities: Sequence[int | None]) -> Moved:
    """Return the bytes that are moved in each memory along a run.

    A storage is written once, by its operator or, for an input, by the caller, and read once by every
    operator that reads it, and by the caller at the end if it is kept. Scratch is written once and read once.
    An operator that makes nothing but empty storages which the caller does not get moves nothing: it makes
    views.

    Args:
        run: the steps.
        buffers: the places, each with its memory; those of all storages that take memory.
        capacities: bytes of each memory, None for one without a limit.

    Raises:
        VerifyError: a buffer lies outside of its memory, or what an operator or the caller reads was
            overwritten; names step and buffer.
    """
    return _Walk(run, buffers, capacities).walked()


class _Block:
    """One memory: who owns each stretch of bytes between two borders of buffers."""

    def __init__(self, buffers: Iterable[PlacedBuffer]) -> None:
        spans = [(buffer.offset, buffer.offset + buffer.size) for buffer in buffers]
        self._borders = sorted({border for span in spans for border in span})
        self._owner = [NOBODY] * len(self._borders)
        self.moved = 0

    def _stretches(self, buffer: PlacedBuffer) -> slice:
        low = bisect_left(self._borders, buffer.offset)
        return slice(low, bisect_left(self._borders, buffer.offset + buffer.size))

    def mark(self, buffer: PlacedBuffer, owner: int) -> None:
        where = self._stretches(buffer)
        self._owner[where] = [owner] * (where.stop - where.start)

    def other(self, buffer: PlacedBuffer, owner: int) -> int | None:
        """Return who else owns a byte of a buffer; None if all are the owner's."""
        return next((one for one in self._owner[self._stretches(buffer)] if one != owner), None)

    def free(self, buffer: PlacedBuffer, owner: int) -> None:
        """Mark the bytes that are still the owner's as nobody's."""
        where = self._stretches(buffer)
        self._owner[where] = [NOBODY if one == owner else one for one in self._owner[where]]


class _Walk:
    def __init__(
        self, run: Execution, buffers: Sequence[PlacedBuffer], capacities: Sequence[int | None]
    ) -> None:
        self.run, self.buffers = run, buffers
        for buffer in buffers:
            self._check_inside(buffer, capacities)
        self.blocks = [_Block(b for b in buffers if b.memory == k) for k in range(len(capacities))]
        self.buffer_of = {buffer.tensors[0]: i for i, buffer in enumerate(buffers) if buffer.tensors}
        self.scratch_of = {b.operator: i for i, b in enumerate(buffers) if b.operator is not None}

    def _check_inside(self, buffer: PlacedBuffer, capacities: Sequence[int | None]) -> None:
        k = buffer.memory
        if k is None or not 0 <= k < len(capacities):
            raise VerifyError(f"{buffer.name!r}: is in memory {k}, which there is not")
        capacity, end = capacities[k], buffer.offset + buffer.size
        if buffer.offset < 0 or (capacity is not None and end > capacity):
            raise VerifyError(
                f"{buffer.name!r}: is at {buffer.offset} to {end}, but memory {k} has {capacity} bytes"
            )

    def walked(self) -> Moved:
        waiting = dict.fromkeys(self.run.sizes, 0)
        for step in self.run.steps:
            for storage in step.reads:
                waiting[storage] += 1
        for storage in self.run.inputs:
            self._write(storage)
        for number, step in enumerate(self.run.steps):
            self._step(number, step)
            for storage in step.reads:
                waiting[storage] -= 1
            for storage in (*step.reads, *step.makes):
                if not waiting[storage] and storage not in self.run.kept:
                    self._bury(storage)
        for storage in sorted(self.run.outputs):
            self._read(storage, len(self.run.steps) - 1, "the caller")
        return Moved(tuple(block.moved for block in self.blocks))

    def _step(self, number: int, step: Step) -> None:
        moves = step.moves(self.run)
        for storage in step.reads:
            self._read(storage, number, step.title, moves=moves)
        made = [storage for storage in step.makes if storage in self.buffer_of]
        over = {self.buffers[self.buffer_of[storage]].takes_over for storage in made}
        scratch = self.scratch_of.get(step.number)
        if scratch is not None:
            self._block(scratch).mark(self.buffers[scratch], scratch)
            self._block(scratch).moved += 2 * self.buffers[scratch].size
        for storage in made:
            self._write(storage)
        # While an operator runs, all that it reads is still needed, unless it is overwritten in place.
        for storage in (*step.reads, *made):
            if self.buffer_of.get(storage) not in over:
                self._read(storage, number, step.title, moves=False)
        if scratch is not None:
            other = self._block(scratch).other(self.buffers[scratch], scratch)
            if other is not None:
                raise self._fault(number, step.title, scratch, other)
            self._block(scratch).free(self.buffers[scratch], scratch)

    def _write(self, storage: int) -> None:
        index = self.buffer_of.get(storage)
        if index is not None:
            self._block(index).mark(self.buffers[index], index)
            self._block(index).moved += self.buffers[index].size

    def _read(self, storage: int, number: int, title: str, *, moves: bool = True) -> None:
        index = self.buffer_of.get(storage)
        if index is None:
            return
        block, buffer = self._block(index), self.buffers[index]
        other = block.other(buffer, index)
        if other is not None:
            raise self._fault(number, title, index, other)
        block.moved += buffer.size if moves else 0

    def _bury(self, storage: int) -> None:
        index = self.buffer_of.get(storage)
        if index is not None:
            self._block(index).free(self.buffers[index], index)

    def _block(self, index: int) -> _Block:
        memory = self.buffers[index].memory
        assert memory is not None, "checked at the start"
        return self.blocks[memory]

    def _fault(self, number: int, title: str, index: int, other: int) -> VerifyError:
        by = "is gone" if other == NOBODY else f"was overwritten by {self.buffers[other].name!r}"
        return VerifyError(
            f"step {number}, {title}: needs {self.buffers[index].name!r}, which {by} in memory"
            f" {self.buffers[index].memory}"
        )
