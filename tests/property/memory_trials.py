"""Placements in several memories against all of them, any number of cases.

`python -m property.memory_trials 20000`, run in `tests/`, draws so many cases of up to six lives with
everything that they may ask for, and one to three memories. It tries every way to assign the lives to the
memories, and every offset in each of them. Case n is drawn from seed n and searched under the combination n %
32 of the five rules. A second number is the first case. It prints what is wrong and, at the end, in how many
cases anything was.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from hmcos.allocation.lives import Demand, Lives
from hmcos.allocation.memories.question import MemoryQuestion, question
from hmcos.allocation.memories.rules import MemoryRules
from hmcos.allocation.memories.spreading import spread
from hmcos.allocation.simple.largest_first import largest_first
from hmcos.errors import InstanceError
from hmcos.limits import Limits, Status, Watch
from hmcos.plan.memory_blocks import MemoryBlock, MemoryPlacement
from property.arena_oracle import end, faults
from property.arena_strategies import stepped_lives
from property.drawn_lives import drawn_lives
from property.exhaustive import Chain, alive_at_once, chains, fits, places
from property.trying import try_cases

RULES = tuple(MemoryRules(*flags) for flags in itertools.product((False, True), repeat=5))


@dataclass(frozen=True)
class MemoryTrial:
    """One case, and the least traffic behind each memory by trying everything; None if nothing fits."""

    number: int
    asked: MemoryQuestion
    least: tuple[int, ...] | None
    rng: Random

    def faults(self) -> Iterator[str]:
        """Everything that is wrong with what hmcos says."""
        rules = RULES[self.number % len(RULES)]
        found = spread(self.asked, Limits(seed=self.number), Watch(), rules)
        yield from self.faults_of(found)
        if self.least is None:
            if found.status is not Status.DOES_NOT_FIT or found.fits:
                yield f"is {found.status}, but nothing fits"
        elif found.status is not Status.OPTIMAL or moved(found) != self.least:
            yield f"is {found.status} with {moved(found)}, but {self.least} is possible"
        elif found.lower_bounds != self.least:
            yield f"bounds {found.lower_bounds}, but the least is {self.least}"
        short = Limits(states=self.rng.randint(0, 3), seed=self.number)
        for fault in self.faults_of(spread(self.asked, short, Watch(), rules)):
            yield f"short: {fault}"

    def faults_of(self, found: MemoryPlacement) -> Iterator[str]:
        """What is wrong with an answer, whether it is proved or not."""
        for k in range(len(self.asked.blocks)):
            yield from self.faults_in(found, k)
        yield from self.faults_of_memory(found)
        if self.least is not None and found.lower_bounds and found.lower_bounds[0] > self.least[0]:
            yield f"bound {found.lower_bounds[0]} above {self.least[0]}"
        if found.fits is not (len(self.asked.blocks) not in found.memory):
            yield "does not say whether it fits"
        if found.status is Status.DOES_NOT_FIT and self.least is not None:
            yield "is said not to fit"
        if found.status is Status.OPTIMAL and (moved(found) != self.least or not found.fits):
            yield f"{moved(found)} is called least, but {self.least} is"

    def faults_in(self, found: MemoryPlacement, k: int) -> Iterator[str]:
        """What is wrong in one memory."""
        name, capacity = self.asked.blocks[k].name, self.asked.blocks[k].capacity
        chosen = [i for i, own in enumerate(found.memory) if own == k]
        alone, offsets = taken_apart(self.asked, chosen, k), tuple(found.offsets[i] for i in chosen)
        yield from (f"in {name}: {fault}" for fault in faults(alone, offsets))
        if found.sizes[k] != end(alone, offsets):
            yield f"in {name}: {found.sizes[k]} bytes, but it ends at {end(alone, offsets)}"
        if capacity is not None and end(alone, offsets) > capacity:
            yield f"in {name}: ends at {end(alone, offsets)}"
        simple = largest_first(alone, Limits(), Watch()).size
        if found.sizes[k] > simple:
            yield f"in {name}: {found.sizes[k]} bytes, but {simple} are enough"
        if found.traffic[k] != sum(self.asked.traffic[i] for i in chosen):
            yield f"in {name}: traffic {found.traffic[k]}"

    def faults_of_memory(self, found: MemoryPlacement) -> Iterator[str]:
        """Lives that are where they may not be."""
        for i, life in enumerate(self.asked.lives.lives):
            own, wish = found.memory[i], self.asked.lives.demand(i)
            if own in range(len(self.asked.blocks)) and wish.pools and own not in wish.pools:
                yield f"life {i} is in memory {own}, where it may not be"
            if life.takes_over is not None and own != found.memory[life.takes_over]:
                yield f"life {i} is in another memory than {life.takes_over}"
            if wish.external is not (own == -1):
                yield f"life {i} is in memory {own}"


def moved(found: MemoryPlacement) -> tuple[int, ...]:
    """Return the traffic behind each memory."""
    return tuple(sum(found.traffic[k:]) for k in range(1, len(found.blocks)))


def taken_apart(asked: MemoryQuestion, chosen: Sequence[int], k: int) -> Lives:
    """Return some lives as they are in memory k alone."""
    given = asked.lives
    before = sum(pool.capacity // given.alignment * given.alignment for pool in given.pools[:k])
    index = {life: n for n, life in enumerate(chosen)}
    lives = tuple(
        replace(given.lives[i], takes_over=index.get(-1 if over is None else over))
        for i in chosen
        for over in [given.lives[i].takes_over]
    )
    wishes = tuple(
        replace(wish, pools=(), offset=None if wish.offset is None else wish.offset - before)
        for wish in (given.demands[i] if given.demands else Demand() for i in chosen)
    )
    return Lives(lives, given.alignment, wishes)


def least_traffic(asked: MemoryQuestion) -> tuple[int, ...] | None:
    """Return the least traffic behind each memory, by trying every assignment; None if nothing fits."""
    groups = chains(asked.lives)
    choices = [[k for k in range(len(asked.blocks)) if may_be_in(asked, chain, k)] for chain in groups]
    known: dict[tuple[int, tuple[int, ...]], bool] = {}

    def has_room(k: int, chosen: tuple[int, ...]) -> bool:
        if (k, chosen) not in known:
            lives = sorted(i for g in chosen for i in groups[g].lives)
            capacity = asked.blocks[k].capacity
            alone = taken_apart(asked, lives, k)
            known[k, chosen] = capacity is None or fits(alone, capacity // alone.alignment * alone.alignment)
        return known[k, chosen]

    best: tuple[int, ...] | None = None
    for own in itertools.product(*choices):
        weights = [sum(asked.traffic[i] for i in chain.lives) for chain in groups]
        cost = tuple(
            sum(weight for weight, k in zip(weights, own, strict=True) if k >= level)
            for level in range(1, len(asked.blocks))
        )
        if best is not None and cost >= best:
            continue
        inside = [tuple(g for g, k in enumerate(own) if k == each) for each in range(len(asked.blocks))]
        if all(has_room(k, chosen) for k, chosen in enumerate(inside)):
            best = cost
    return best


def may_be_in(asked: MemoryQuestion, chain: Chain, k: int) -> bool:
    """Return whether a chain has a place in memory k if nothing else is there."""
    wishes = [asked.lives.demands[i] for i in chain.lives] if asked.lives.demands else []
    if any(wish.pools and k not in wish.pools for wish in wishes):
        return False
    if chain.pin is not None:
        wide = asked.lives.alignment
        usable = [pool.capacity // wide * wide for pool in asked.lives.pools]
        return sum(usable[:k]) <= chain.pin < sum(usable[: k + 1])
    alone, capacity = taken_apart(asked, chain.lives, k), asked.blocks[k].capacity
    if capacity is None:
        return True
    capacity = capacity // alone.alignment * alone.alignment
    # A life that needs no byte still has an address inside its memory.
    return capacity >= alone.alignment and bool(places(alone, chains(alone)[0], capacity))


def drawn_question(rng: Random, most: int = 6) -> MemoryQuestion:
    """Return lives with what they move, and memories; equal for equal states of the generator."""
    while True:
        # Half of them with alignments of their own, where often there are no offsets though there is room.
        lives = drawn_lives(rng, most) if rng.random() < 0.5 else stepped_lives(rng)
        blocks = drawn_blocks(rng, alive_at_once(lives))
        demands = tuple(drawn_pools(rng, lives, i, len(blocks)) for i in range(len(lives.lives)))
        traffic = [life.size * rng.choice((1, 2, 2, 3, 5)) + rng.choice((0, 0, 0, 1)) for life in lives.lives]
        try:
            asked = question(lives.lives, traffic, blocks, lives.alignment, demands if lives.demands else ())
            _ = asked.items
        except InstanceError:  # a pin is not where a pool is, or lives in one place have no memory in common
            continue
        return asked


def drawn_blocks(rng: Random, needed: int) -> list[MemoryBlock]:
    """Return memories; the first often has about the bytes that are needed at once."""
    sizes: list[int | None] = [rng.randint(0, 14) for _ in range(rng.choice((1, 2, 2, 2, 3, 3)))]
    if rng.random() < 0.7:
        sizes[0] = max(0, needed - rng.choice((-1, 0, 0, 1, 1, 2, 3)))
    if rng.random() < 0.6:
        sizes[-1] = None
    return [MemoryBlock(f"memory {k}", size) for k, size in enumerate(sizes)]


def drawn_pools(rng: Random, lives: Lives, i: int, blocks: int) -> Demand:
    wish = lives.demands[i] if lives.demands else Demand()
    if not wish.pools:
        return wish
    return replace(wish, pools=tuple(k for k in range(blocks) if rng.random() < 0.6))


def faults_of(number: int) -> list[str]:
    """Return what is wrong in the case of that number, nothing when all is right."""
    rng = Random(number)
    asked = drawn_question(rng)
    return list(MemoryTrial(number, asked, least_traffic(asked), rng).faults())


if __name__ == "__main__":
    sys.exit(1 if try_cases(faults_of, *map(int, sys.argv[1:])) else 0)
