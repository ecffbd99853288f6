"""Lives and what each demands of its place in the arena: the whole input of a planner."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import lcm

from hmcos.alignment import round_up
from hmcos.errors import InstanceError
from hmcos.memory.lifetimes import Life
from hmcos.memory.problem import LARGEST

EXTERNAL = -1
"""The offset of a life that is not in the arena because the caller supplies its memory."""


@dataclass(frozen=True, slots=True)
class Pool:
    """A separate block of memory, such as on-chip RAM."""

    name: str
    capacity: int
    """Bytes; rounded down to a multiple of `Lives.alignment`, the rest is not used."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What one life asks of its place, beyond overlapping no other life."""

    alignment: int = 1
    """Its offset is a multiple of this and of `Lives.alignment`."""
    offset: int | None = None
    """The offset in bytes that it is pinned at, None if it is free."""
    external: bool = False
    """Whether the caller supplies its memory: then it is outside the arena and costs nothing."""
    gaps: tuple[tuple[int, int], ...] = ()
    """Intervals of steps [begin, end) in which other lives may use its bytes."""
    pools: tuple[int, ...] = ()
    """The pools it may be in, ascending; empty for any pool."""


PLAIN = Demand()


@dataclass(frozen=True, slots=True)
class Crowding:
    """From how many lives on planners use structures for thousands of them; answers do not depend on it."""

    pairs: int = 200_000
    """Up to this many meetings, they are listed: that takes a tenth of a second, as long as loading numpy."""
    each: int = 32
    """Up to this many meetings per item, a list of them is quicker than scanning all placed items."""
    runs: int = 8
    """For at most this many runs of a life, comparing with each is quicker than a table over all steps."""
    waiting: int = 500
    """For at most this many items that wait, a scan in Python is as quick as loading numpy."""


CROWDING = Crowding()


@dataclass(frozen=True)
class Lives:
    """Lives that need offsets; checked when made, frozen, picklable.

    Each life occupies its size, rounded up to `alignment`. The pools form one address space in their order:
    pool k starts where the usable bytes of pools 0..k-1 end. No life crosses from one pool to the next. A
    life that no pool has room for lies behind the last pool, so a planner always has an answer. An arena
    fits into the pools if its size is at most `capacity`; a small arena is one that uses the first, fast
    pools well.

    Raises:
        InstanceError: a rule is broken; names the life.
    """

    lives: tuple[Life, ...]
    alignment: int = 1
    demands: tuple[Demand, ...] = ()
    """One per life, or none at all when no life asks for anything."""
    pools: tuple[Pool, ...] = ()
    """In order of preference; empty for one block without a limit."""
    crowding: Crowding = CROWDING

    def __post_init__(self) -> None:
        _check(self)

    def demand(self, life: int) -> Demand:
        """Return what a life asks of its place."""
        return self.demands[life] if self.demands else PLAIN

    def footprint(self, life: int) -> int:
        """Return the bytes that a life occupies: its size rounded up to the alignment."""
        return round_up(self.lives[life].size, self.alignment)

    def step(self, life: int) -> int:
        """Return the alignment of a life in bytes: its offset within its pool is a multiple of this."""
        return lcm(self.alignment, self.demand(life).alignment)

    @cached_property
    def walls(self) -> tuple[int, ...]:
        """The addresses at which pools start and the last one ends: (0,) without pools."""
        walls = [0]
        for pool in self.pools:
            walls.append(walls[-1] + pool.capacity // self.alignment * self.alignment)
        return tuple(walls)

    @property
    def capacity(self) -> int | None:
        """The usable bytes of all pools, None without pools."""
        return self.walls[-1] if self.pools else None

    def pool_of(self, offset: int) -> tuple[int, int]:
        """Return the pool that an offset lies in, and the offset within that pool.

        Behind the last pool, the first number is the number of pools.
        """
        for k in range(len(self.pools)):
            if offset < self.walls[k + 1]:
                return k, offset - self.walls[k]
        return len(self.pools), offset - self.walls[-1]


def pieces(lives: Lives, life: int) -> tuple[tuple[int, int], ...]:
    """Return the intervals of steps [begin, end) in which a life needs its bytes, ascending."""
    begin, death = lives.lives[life].birth, lives.lives[life].death
    needed: list[tuple[int, int]] = []
    for left, right in lives.demand(life).gaps:
        if begin < left:
            needed.append((begin, left))
        begin = right
    if begin < death:
        needed.append((begin, death))
    return tuple(needed)


def _check(lives: Lives) -> None:
    if lives.alignment < 1:
        raise InstanceError(f"alignment {lives.alignment} is not a positive number of bytes")
    if lives.demands and len(lives.demands) != len(lives.lives):
        raise InstanceError(f"{len(lives.demands)} demands, but {len(lives.lives)} lives")
    for pool in lives.pools:
        if not 0 <= pool.capacity < LARGEST:
            raise InstanceError(f"pool {pool.name!r}: capacity {pool.capacity} is not in 0..2**63-1")
    for i, life in enumerate(lives.lives):
        # The scratch of an operator may be a sum of sizes, as offsets are: only sizes have a limit.
        if life.size < 0 or (life.size >= LARGEST and life.operator is None):
            raise InstanceError(f"life {i}: size {life.size} is not in 0..2**63-1")
        if not 0 <= life.birth <= life.death:
            raise InstanceError(f"life {i}: [{life.birth}, {life.death}) is not an interval of steps")
        _check_takes_over(lives, i)
        _check_demand(lives, i)


def _check_takes_over(lives: Lives, i: int) -> None:
    life = lives.lives[i]
    if life.takes_over is None:
        return
    if not 0 <= life.takes_over < len(lives.lives) or life.takes_over == i:
        raise InstanceError(f"life {i}: takes over life {life.takes_over}, which does not exist")
    before = lives.lives[life.takes_over]
    if before.death > life.birth:
        raise InstanceError(f"life {i}: takes over life {life.takes_over} before that one is dead")


def _check_demand(lives: Lives, i: int) -> None:
    demand, life = lives.demand(i), lives.lives[i]
    if demand.alignment < 1:
        raise InstanceError(f"life {i}: alignment {demand.alignment} is not a positive number of bytes")
    if demand.external and demand.offset is not None:
        raise InstanceError(f"life {i}: is external and cannot be pinned at an offset")
    for k in demand.pools:
        if not 0 <= k < len(lives.pools):
            raise InstanceError(f"life {i}: pool {k} does not exist (there are {len(lives.pools)})")
    end = life.birth
    for left, right in demand.gaps:
        if not end <= left < right <= life.death:
            raise InstanceError(f"life {i}: gap [{left}, {right}) is empty, out of order or outside its life")
        end = right
    if demand.offset is not None:
        check_pin(lives, i, demand.offset)


def check_pin(lives: Lives, i: int, offset: int) -> None:
    """Check that a life may be pinned at an offset: its own, or that of a life whose offset it shares.

    Raises:
        InstanceError: the offset is negative or misaligned, or the life crosses the end of a pool or may not
            be in that pool.
    """
    if offset < 0:
        raise InstanceError(f"life {i}: pinned at {offset}, which is a negative offset")
    pool, within = lives.pool_of(offset)
    if within % lives.step(i):
        raise InstanceError(f"life {i}: pinned at {offset}, which is not a multiple of {lives.step(i)}")
    if pool < len(lives.pools) and offset + lives.footprint(i) > lives.walls[pool + 1]:
        raise InstanceError(
            f"life {i}: pinned at {offset}, crosses the end of pool {lives.pools[pool].name!r}"
        )
    allowed = lives.demand(i).pools
    if allowed and pool not in allowed:
        raise InstanceError(f"life {i}: pinned at {offset}, outside the pools it may be in")
