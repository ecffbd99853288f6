"""Recount, step by step, which buffers need a place in the arena and for how long."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hmcos.errors import VerifyError
from hmcos.plan.arena import PlacedBuffer
from hmcos.verify.counted.steps import Execution, Step


def check_lives(run: Execution, buffers: Sequence[PlacedBuffer]) -> None:
    """Check that exactly the buffers that need a place have one, each for as long as needed.

    Raises:
        VerifyError: a buffer has no place, two places, a wrong size or a wrong life, or overwrites a buffer
            that it may not overwrite; names it.
    """
    _Lives(run, buffers).check()


class _Lives:
    """Compares the buffers of a plan with the run."""

    def __init__(self, run: Execution, buffers: Sequence[PlacedBuffer]) -> None:
        self.run, self.buffers = run, buffers
        self.storage_of = {index: self._storage(buffer) for index, buffer in enumerate(buffers)}
        self.waiting: dict[int | tuple[int], int] = {}
        for index, storage in self.storage_of.items():
            if storage in self.waiting:
                raise VerifyError(f"{buffers[index].name!r} has two places in the arena")
            self.waiting[storage] = index
        self.death = self._deaths()

    def _storage(self, buffer: PlacedBuffer) -> int | tuple[int]:
        """Return the storage of a buffer; (operator,) for scratch."""
        if buffer.operator is not None:
            return (buffer.operator,)
        if not buffer.tensors:
            raise VerifyError(
                f"{buffer.name!r} has a place in the arena, but the plan only names its tensors, and no"
                " tensor, or more than one, has such a name; run hmcos schedule again"
            )
        tensor = buffer.tensors[0]
        if tensor not in self.run.names:
            raise VerifyError(
                f"{buffer.name!r} has a place in the arena, but there is no such buffer: no place is for"
                f" tensor {tensor}"
            )
        if buffer.name != self.run.names[tensor]:
            raise VerifyError(f"{buffer.name!r} in the arena: tensor {tensor} is {self.run.names[tensor]!r}")
        return tensor

    def _deaths(self) -> dict[int, int]:
        """Return, per storage that is read or kept, the step after its last."""
        run = self.run
        last = {storage: step + 1 for step, ran in enumerate(run.steps) for storage in ran.reads}
        return last | dict.fromkeys(run.kept, max(len(run.steps), 1))

    def check(self) -> None:
        for storage in self.run.inputs:
            self._check_input(storage)
        for step, ran in enumerate(self.run.steps):
            scratch = ran.scratch
            for storage in ran.makes:
                if storage in self.run.unused and storage not in self.waiting:
                    scratch += self.run.sizes[storage]
                else:
                    self._check_made(storage, step, ran)
            if scratch or (ran.number,) in self.waiting:
                self._check_scratch(ran, scratch, step)
        if self.waiting:
            index = next(iter(self.waiting.values()))
            raise VerifyError(f"{self.buffers[index].name!r} has a place in the arena, but never runs")

    def _check(self, storage: int, birth: int, death: int) -> None:
        size, name = self.run.sizes[storage], self.run.names[storage]
        if size or storage in self.waiting:
            buffer = self._check_place(storage, size, (birth, death), name)
            if sorted(buffer.tensors) != sorted(self.run.tensors[storage]):
                raise VerifyError(f"{name!r}: the plan says that other tensors are in its place")
            if buffer.names != tuple(self.run.tensor_names[t] for t in buffer.tensors):
                raise VerifyError(f"{name!r}: the plan gives other names to the tensors in its place")

    def _check_input(self, storage: int) -> None:
        index = self.waiting.get(storage)
        if index is not None and self.buffers[index].takes_over is not None:
            raise VerifyError(f"{self.run.names[storage]!r}: is an input, which is written over nothing")
        self._check(storage, 0, self.death[storage])

    def _check_scratch(self, ran: Step, size: int, step: int) -> None:
        name = f"scratch of {ran.name}"
        buffer = self._check_place((ran.number,), size, (step, step + 1), name)
        # Operators that run the same bodies have their scratch at one place: any other scratch may be there.
        taken = buffer.takes_over
        is_tied = taken is not None and self.buffers[taken].operator is not None
        if buffer.name != name or buffer.tensors or buffer.names:
            raise VerifyError(f"{buffer.name!r}: is the {name}; it must be called that, and hold no tensor")
        if taken is not None and (not is_tied or self.buffers[taken].death > step):
            raise VerifyError(f"{name!r}: may not take over buffer {taken}, which is no earlier scratch")

    def _check_made(self, storage: int, step: int, ran: Step) -> None:
        death = max(self.death.get(storage, 0), step + 1)
        index = self.waiting.get(storage)
        taken = None if index is None else self.buffers[index].takes_over
        if taken is None:
            self._check(storage, step, death)
            return
        name, old = self.run.names[storage], self.storage_of.get(taken)
        if storage != ran.output or old not in ran.over or not isinstance(old, int):
            raise VerifyError(f"{name!r}: operator {ran.number} may not write it over buffer {taken}")
        if self.death[old] != step + 1 or old in self.run.kept:
            raise VerifyError(f"{name!r}: is written over {self.run.names[old]!r}, which is still needed")
        if self.run.sizes[old] < self.run.sizes[storage]:
            raise VerifyError(f"{name!r}: is larger than {self.run.names[old]!r}, which it is written over")
        self._check(storage, step + 1, death)

    def _check_place(
        self, storage: int | tuple[int], size: int, life: tuple[int, int], name: str
    ) -> PlacedBuffer:
        if storage not in self.waiting:
            raise VerifyError(f"{name!r}: needs {size} bytes in the arena, but has no place there")
        buffer = self.buffers[self.waiting.pop(storage)]
        if buffer.size != size:
            raise VerifyError(f"{name!r}: has {buffer.size} bytes in the arena, but needs {size}")
        if (buffer.birth, buffer.death) != life:
            raise VerifyError(
                f"{name!r}: has its place in [{buffer.birth}, {buffer.death}), but is needed in "
                f"[{life[0]}, {life[1]})"
            )
        return buffer


def check_offsets(offsets: Iterable[int], buffers: Iterable[PlacedBuffer]) -> None:
    """Check that the arena and its buffers have the same offsets.

    Raises:
        VerifyError: an offset differs; names the buffer.
    """
    for offset, buffer in zip(offsets, buffers, strict=True):
        if offset != buffer.offset:
            raise VerifyError(f"{buffer.name!r}: is at {buffer.offset}, but the arena says {offset}")


def check_together(buffers: Sequence[PlacedBuffer]) -> None:
    """Check that every buffer that overwrites another one is where that is, in the same memory.

    Raises:
        VerifyError: one is not; names it.
    """
    for buffer in buffers:
        if buffer.takes_over is None:
            continue
        old = buffers[buffer.takes_over]
        if (buffer.memory, buffer.offset) != (old.memory, old.offset):
            raise VerifyError(f"{buffer.name!r}: is not in the place of {old.name!r}, which it overwrites")
