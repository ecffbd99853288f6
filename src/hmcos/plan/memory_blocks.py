"""Several memories: their capacities, and what lies in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hmcos.errors import OptionError
from hmcos.limits import Status
from hmcos.words import human, printable, shortened

MOST_BLOCKS = 16
"""More memories than any chip has; so many bounds can be proved one after the other."""
LONGEST_NAME = 60
LARGEST_BLOCK = 2**63
"""A capacity is below this many bytes."""


@dataclass(frozen=True, slots=True)
class MemoryBlock:
    """One of several memories, such as on-chip SRAM.

    Raises:
        OptionError: the name is empty, too long or cannot be printed, or the capacity is no number of bytes.
    """

    name: str
    capacity: int | None
    """Bytes; None for a memory in which there is always room."""

    def __post_init__(self) -> None:
        """Check name and capacity."""
        name = self.name
        if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
            shown = shortened(printable(name), LONGEST_NAME)
            raise OptionError(f"memory {shown!r}: a name has 1 to {LONGEST_NAME} printable characters")
        if self.capacity is not None and not 0 <= self.capacity < LARGEST_BLOCK:
            raise OptionError(
                f"memory {self.name!r}: the capacity {self.capacity} is not in 0..2**63-1 bytes"
            )


def check_blocks(blocks: Sequence[MemoryBlock]) -> None:
    """Check memories, given in order of preference.

    Raises:
        OptionError: there are none or too many, two have one name, or one that is not the last has no limit.
    """
    if not 1 <= len(blocks) <= MOST_BLOCKS:
        raise OptionError(
            f"there are {len(blocks)} memories; name 1 to {MOST_BLOCKS}, the preferred one first"
        )
    names: set[str] = set()
    for k, block in enumerate(blocks):
        if block.name in names:
            raise OptionError(f"memory {block.name!r}: two memories have this name")
        names.add(block.name)
        if block.capacity is None and k + 1 < len(blocks):
            raise OptionError(
                f"memory {block.name!r}: has no capacity, so nothing would go into {blocks[k + 1].name!r};"
                " only the last one may be without"
            )


@dataclass(frozen=True, slots=True)
class MemoryPlacement:
    """A place in one of several memories for every life, and what is proved about the traffic; in bytes."""

    blocks: tuple[MemoryBlock, ...]
    """In order of preference."""
    memory: tuple[int, ...]
    """Per life the index of its memory; -1 for one that the caller supplies, and the number of memories for
    one that has no room in any."""
    offsets: tuple[int, ...]
    """Per life its offset from the start of its memory; -1 without a memory."""
    sizes: tuple[int, ...]
    """Per memory the highest end of any life in it."""
    traffic: tuple[int, ...]
    """Per memory the bytes that are written to it and read from it."""
    lower_bounds: tuple[int, ...]
    """Per memory but the first: proved, the least traffic in it and all later ones together; from the third
    memory on, of the placements that have no more traffic than this one in the second and all later ones, in
    the third and all later ones, and so on up to the one before."""
    status: Status
    """`optimal`: every bound is reached. `does not fit`: proved, some lives have no room in any memory."""
    alignment: int
    """Every offset is a multiple of it, and what is left over of a capacity is not used."""
    states: int
    """States that the searches for offsets entered, about."""
    seconds: float

    @property
    def fits(self) -> bool:
        """Whether every life has a place in some memory."""
        return all(k < len(self.blocks) for k in self.memory)

    @property
    def behind(self) -> tuple[int, ...]:
        """Per memory but the first: the traffic in it and all later ones together."""
        return tuple(sum(self.traffic[k:]) for k in range(1, len(self.blocks)))

    @property
    def slower(self) -> int:
        """The traffic in all memories but the first."""
        return sum(self.traffic[1:])

    @property
    def lower_bound(self) -> int:
        """Proved: no placement has less traffic in all memories but the first."""
        return self.lower_bounds[0] if self.lower_bounds else 0


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """The buffers of a plan in several memories, beside what they need in one block; in bytes."""

    placement: MemoryPlacement
    """Its lives are the buffers of the plan. Without lives, sizes and traffic if not all of them have
    room."""
    whole: int
    """The arena of the same order in one block."""
    whole_lower_bound: int
    """Proved: no arena of this order in one block is smaller."""
    orders: int = 1
    """Orders that were compared; the bounds are about the one that was taken."""

    @property
    def answer(self) -> Status:
        """Whether all buffers have a place: `fits`, `does not fit` (proved), or why that is not known."""
        placement = self.placement
        if placement.status is Status.DOES_NOT_FIT:
            return placement.status
        return Status.FITS if self.has_places else placement.status

    @property
    def words(self) -> str:
        """The number of memories, the traffic in the slower ones and the status, as text."""
        many, status = len(self.placement.blocks), self.placement.status
        moved = f"{human(self.placement.slower)} moved outside the first" if self.has_places else "no places"
        return f"{many} memories, {moved}, {status}"

    @property
    def has_places(self) -> bool:
        """Whether every buffer has a place."""
        return bool(self.placement.sizes)
