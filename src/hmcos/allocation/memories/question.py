"""The question: lives, what each of them moves, and several memories to put them into."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from hmcos.allocation.items import Item, items
from hmcos.allocation.lives import PLAIN, Demand, Lives, Pool
from hmcos.errors import InstanceError, OptionError
from hmcos.memory.lifetimes import Life
from hmcos.memory.problem import LARGEST
from hmcos.plan.memory_blocks import MemoryBlock, check_blocks

MOST_TRAFFIC = 2**62
"""The traffic of all lives together is below this many bytes: the solver adds it in 64 bits."""


@dataclass(frozen=True)
class MemoryQuestion:
    """Lives, the bytes that each moves, and memories in order of preference; made by `question`."""

    lives: Lives
    """With one pool per memory; the pool of a memory without limit has room for everything."""
    traffic: tuple[int, ...]
    """Per life the bytes that are written to it and read from it."""
    blocks: tuple[MemoryBlock, ...]

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """The lives that share an offset, and so a memory, as one; without those of the caller."""
        return items(self.lives)

    @cached_property
    def weights(self) -> tuple[int, ...]:
        """Per item the bytes that its lives move."""
        return tuple(sum(self.traffic[life] for life in item.lives) for item in self.items)

    @cached_property
    def allowed(self) -> tuple[tuple[int, ...], ...]:
        """Per item the memories that have room for it alone, ascending."""
        return tuple(self._allowed(item) for item in self.items)

    def _allowed(self, item: Item) -> tuple[int, ...]:
        walls = self.lives.walls
        if item.offset is not None:
            k = self.lives.pool_of(item.offset)[0]
            return (k,) if k < len(self.blocks) else ()
        return tuple(bisect_right(walls, first) - 1 for first, last in item.spans if last is not None)

    def room(self, k: int) -> int:
        """Return the usable bytes of a memory."""
        return self.lives.walls[k + 1] - self.lives.walls[k]

    def is_limited(self, k: int) -> bool:
        """Return whether a memory has a capacity."""
        return self.blocks[k].capacity is not None

    def alone(self, chosen: Sequence[int], k: int) -> tuple[Lives, tuple[int, ...]]:
        """Return the lives of some items as they are in memory k, and the number of each in the question."""
        numbers = sorted(life for i in chosen for life in self.items[i].lives)
        index = {number: n for n, number in enumerate(numbers)}
        given = self.lives
        lives = tuple(
            life if life.takes_over is None else replace(life, takes_over=index[life.takes_over])
            for life in (given.lives[number] for number in numbers)
        )
        demands = tuple(self._demand(number, k) for number in numbers) if given.demands else ()
        return Lives(lives, given.alignment, demands, (), given.crowding), tuple(numbers)

    def _demand(self, life: int, k: int) -> Demand:
        demand = self.lives.demand(life)
        offset = None if demand.offset is None else demand.offset - self.lives.walls[k]
        return replace(demand, offset=offset, pools=())


def question(
    lives: Sequence[Life],
    traffic: Sequence[int],
    blocks: Sequence[MemoryBlock],
    alignment: int = 1,
    demands: Sequence[Demand] = (),
) -> MemoryQuestion:
    """Return the question, checked.

    Args:
        lives: what needs a place.
        traffic: per life the bytes that are written to it and read from it.
        blocks: the memories, the preferred one first.
        alignment: bytes; sizes and offsets are multiples of it, and the rest of a memory is not used.
        demands: one per life, or none at all. Their `pools` are indices of memories; addresses of pins count
            through all memories.

    Raises:
        OptionError: the memories are wrong.
        InstanceError: the lives or their traffic are.
    """
    check_blocks(blocks)
    if len(traffic) != len(lives):
        raise InstanceError(f"{len(traffic)} numbers of traffic, but {len(lives)} lives")
    for i, moved in enumerate(traffic):
        if moved < 0:
            raise InstanceError(f"life {i}: moves {moved} bytes, which is less than none")
    if sum(traffic) >= MOST_TRAFFIC:
        raise InstanceError("the traffic of all lives together is not below 2**62 bytes")
    if alignment < 1:
        raise OptionError(f"an alignment is at least 1 byte, not {alignment}")
    ample = _ample(lives, alignment, [*demands] or [PLAIN])
    pools = tuple(Pool(block.name, ample if block.capacity is None else block.capacity) for block in blocks)
    return MemoryQuestion(
        Lives(tuple(lives), alignment, tuple(demands), pools), tuple(traffic), tuple(blocks)
    )


def _ample(lives: Sequence[Life], alignment: int, demands: Sequence[Demand]) -> int:
    """Return bytes in which there is always room: behind all pins, for all lives one above the other."""
    step = alignment * max(demand.alignment for demand in demands)
    pinned = max(demand.offset or 0 for demand in demands)
    return min(LARGEST - 1, pinned + sum(life.size + 2 * step for life in lives))
