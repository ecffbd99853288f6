"""An arena: one contiguous block in which every life has a fixed offset."""

from __future__ import annotations

from dataclasses import dataclass

from hmcos.limits import Status
from hmcos.plan.schedule import called
from hmcos.words import human


@dataclass(frozen=True, slots=True)
class Arena:
    """Offsets in bytes, one per life in the order the lives were given."""

    offsets: tuple[int, ...]
    size: int
    """The highest end of any life, or `reserved` if that is more, in bytes."""
    lower_bound: int
    """Proved: no arena for these lives is smaller."""
    status: Status
    allocator: str
    alignment: int
    seconds: float
    reserved: int = 0
    """Bytes that it has at least, for what has its place at the start at no step of the order."""

    def __repr__(self) -> str:
        return f"<Arena by {self.allocator}: {len(self.offsets):,} offsets, {self.words}>"

    @property
    def title(self) -> str:
        """The arena's label in comparisons; it promises a proof only if there is one."""
        return called(self.allocator, self.status) if self.allocator == "exact" else self.allocator

    @property
    def words(self) -> str:
        """The size, the lower bound and the status, as text."""
        bound = "" if self.size == self.lower_bound else f", lower bound {human(self.lower_bound)}"
        return f"{human(self.size)}{bound}, {self.status}"


@dataclass(frozen=True, slots=True)
class PlacedBuffer:
    """A buffer, or the scratch of an operator, at its place in an arena."""

    name: str
    """For people: the name of the tensor it was made for, or `tensor ID` where that has none; `buffer N` in a
    problem; `scratch of` and the name of its operator."""
    offset: int
    """Bytes from the start of the arena; a multiple of the alignment."""
    size: int
    """Bytes, rounded up to the alignment."""
    birth: int
    """First step: an index into the scheduled operators in the new order."""
    death: int
    """The step after the last."""
    operator: int | None = None
    """For scratch, the number of its operator in the source; None for a buffer."""
    takes_over: int | None = None
    """Index, in the same sequence, of the buffer that this one overwrites in place."""
    tensors: tuple[int, ...] = ()
    """Ids of the tensors in it, all at its offset, the one it was made for first; in a problem the number of
    the buffer. Empty for scratch, and in plans of the first edition until `with_tensor_ids` adds them."""
    names: tuple[str, ...] = ()
    """Names of these tensors, in the same order: they may be empty and equal."""
    memory: int | None = None
    """Index of its memory, from whose start the offset counts; None in an arena, which is one block."""
