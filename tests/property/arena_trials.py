"""Proofs of arenas against what is known otherwise, any number of cases.

`python -m property.arena_trials 200000`, run in `tests/`, tries so many cases of up to seven lives against
exhaustive search, and as many of dozens of lives that were cut out of a full block, whose size must not be
refuted. Case n is drawn from seed n and searched under the combination n % 64 of the six rules, so that every
64 cases in a row have each combination once. A second number is the first case: several processes can share
the work. It prints what is wrong and, at the end, in how many cases anything was.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from hmcos.allocation.alive_bound import lower_bound
from hmcos.allocation.auto import auto
from hmcos.allocation.exact.cluster import ProofSettings
from hmcos.allocation.exact.constraint import Effort, constrain
from hmcos.allocation.exact.placement_rules import PlacementRules, Style
from hmcos.allocation.exact.proof import exact, prove
from hmcos.allocation.exact.search import Search
from hmcos.allocation.exact.shrink import scaled, unit_of
from hmcos.allocation.fit import board_of, first_fit
from hmcos.allocation.items import Item, items
from hmcos.allocation.layout import layout
from hmcos.allocation.lives import CROWDING, Crowding, Lives
from hmcos.allocation.outcome import outcome
from hmcos.allocation.planner_table import allocator, names
from hmcos.errors import InstanceError, VerifyError
from hmcos.limits import Limits, Status, Watch
from hmcos.plan.arena import Arena
from hmcos.verify.counted.arena_check import check_arena
from property.arena_oracle import end, faults
from property.cut_lives import cut_lives
from property.drawn_lives import drawn_lives
from property.exhaustive import smallest
from property.trying import try_cases

RULES = tuple(PlacementRules(*flags) for flags in itertools.product((False, True), repeat=6))
PLANNERS = names()
SOLVED_EVERY = 7
"""Cases between two that the constraint solver gets as well; prime to the number of combinations."""


@dataclass(frozen=True)
class Trial:
    """One case: lives, their smallest arena by exhaustive search, and how hmcos is to search for it."""

    number: int
    lives: Lives
    least: int
    rules: PlacementRules
    rng: Random

    def faults(self) -> Iterator[str]:
        """Everything that is wrong with what hmcos says about the lives."""
        yield from self.faults_of_the_search()
        if not self.number % SOLVED_EVERY:
            yield from self.faults_of_the_solver()
        # Half of the time with what is used from thousands of items on.
        crowded = Crowding(-1, -1, -1, -1) if self.rng.random() < 0.5 else CROWDING
        yield from replace(self, lives=replace(self.lives, crowding=crowded)).faults_of_planners()

    def faults_of_planners(self) -> Iterator[str]:
        """Everything that is wrong with arenas."""
        for name, plan in (("exact", exact), ("auto", auto)):
            arena = plan(self.lives, Limits(), Watch(), 1, self.settings)
            yield from self.faults_of_arena(name, arena, closed=True)
        far = self.far_start()
        proved = prove(self.lives, far, Limits(), Watch(), 1, self.settings)
        yield from self.faults_of_arena("proof", proved, closed=True)
        short = Limits(states=self.rng.randint(0, 9))
        hasty = replace(self.settings, first_run=2)
        proved = prove(self.lives, far, short, Watch(), 1, hasty)
        yield from self.faults_of_arena("short proof", proved)
        yield from self.faults_of_large()
        yield from self.faults_of_budget()
        yield from self.faults_of_planner(PLANNERS[self.number // len(RULES) % len(PLANNERS)])

    @property
    def settings(self) -> ProofSettings:
        """Half of the cases are searched as if hundreds of lives were many."""
        return ProofSettings(self.rules, alone=self.number // len(RULES) % 2 * 600)

    def faults_of_large(self) -> Iterator[str]:
        """What is wrong with cores and ejection, which prove nothing but that the bound is met."""
        far, large = self.far_start(), replace(self.settings, largest=-1)
        proved = prove(self.lives, far, Limits(states=self.rng.choice((5, 50, 500))), Watch(), 1, large)
        yield from self.faults_of_arena("large", proved)
        if proved.size > far.size:
            yield f"large: {proved.size} bytes, {far.size} before"

    def in_units(self) -> tuple[list[Item], int]:
        """The items that need room, and the bytes of a unit."""
        given = items(self.lives)
        unit = unit_of(given)
        return [scaled(item, unit) for item in given if item.pieces], unit

    def faults_of_the_search(self) -> Iterator[str]:
        found, unit = self.in_units()
        if self.least % unit:
            yield f"the smallest arena is no multiple of the unit {unit}"
        if lower_bound(items(self.lives)) > self.least:
            yield "the bound is above the smallest arena"
        if not found:
            return
        below = self.least // unit - 1
        for capacity in {below, below - self.rng.randint(0, 3), below + 1, below + self.rng.randint(1, 4)}:
            search = Search(layout(found), capacity, self.rules, self.number)
            nodes, answer = self.rng.choice((2, 20, 10_000)), None
            while answer is None:
                answer = search.run(nodes, Style(self.rng.randrange(3), self.rng.random() < 0.5, 0.5))
                nodes *= 2  # without a table a run learns nothing from those before it
            if answer != (capacity > below):
                yield f"the search says {answer} of {capacity * unit} bytes"
            elif answer:
                yield from self.faults_of_offsets(found, search.offsets(), capacity, unit)

    def faults_of_the_solver(self) -> Iterator[str]:
        found, unit = self.in_units()
        if not found:
            return
        below = self.least // unit - 1
        if constrain(found, below, Effort(1.0, 60.0)) is not False:
            yield f"the constraint solver does not refute {below * unit} bytes"
        offsets = constrain(found, below + 1, Effort(1.0, 60.0))
        if offsets is None or offsets is False:
            yield "the constraint solver finds no arena"
        else:
            yield from self.faults_of_offsets(found, offsets, below + 1, unit)

    def faults_of_offsets(
        self, found: list[Item], offsets: list[int], capacity: int, unit: int
    ) -> Iterator[str]:
        """What is wrong with offsets, in units, of the items that need room; the others stand behind all."""
        placed = {life: at * unit for item, at in zip(found, offsets, strict=True) for life in item.lives}
        for item in items(self.lives):
            for life in item.lives:
                placed.setdefault(life, item.legal(10**6) if item.offset is None else item.offset)
        spread = tuple(placed.get(i, -1) for i in range(len(self.lives.lives)))
        yield from faults(self.lives, spread)
        if end(self.lives, spread) > capacity * unit:
            yield f"offsets end at {end(self.lives, spread)}, above {capacity * unit}"

    def far_start(self) -> Arena:
        """An arena by lowest free addresses in a random order, so that a proof has far to go."""
        board = board_of(self.lives)
        order = self.rng.sample(range(len(board.items)), len(board.items))
        return outcome(self.lives, (board.items, first_fit(board, order)), "random", Limits(), Watch())

    def faults_of_arena(
        self, name: str, arena: Arena, closed: bool = False, budget: int | None = None
    ) -> Iterator[str]:
        """What is wrong with an arena; a `closed` one is the smallest and says so."""
        aligned = replace(self.lives, alignment=arena.alignment)
        for fault in faults(aligned, arena.offsets):
            yield f"{name}: {fault}"
        try:
            check_arena(self.lives.lives, arena, self.lives.demands, self.lives.pools)
        except VerifyError as error:
            yield f"{name}: verify says: {error}"
        if arena.size != end(aligned, arena.offsets):
            yield f"{name}: {arena.size} bytes, but it ends at {end(aligned, arena.offsets)}"
        if arena.lower_bound > self.least:
            yield f"{name}: bound {arena.lower_bound}"
        if closed and not arena.size == arena.lower_bound == self.least:
            yield f"{name}: {arena.size} bytes, bound {arena.lower_bound}"
        room = min((b for b in (budget, self.lives.capacity) if b is not None), default=arena.size)
        right = {
            Status.OPTIMAL: arena.size == self.least,
            Status.FITS: budget is not None and arena.size <= room,
            Status.DOES_NOT_FIT: self.least > room,
        }
        if not right.get(arena.status, not closed):
            yield f"{name}: is {arena.status}, {arena.size} bytes, budget {budget}"

    def faults_of_planner(self, name: str) -> Iterator[str]:
        budget = self.rng.choice((None, max(0, self.least + self.rng.randint(-3, 3))))
        try:
            arena = allocator(name)(self.lives, Limits(budget=budget), Watch())
        except InstanceError:  # a pin that is no multiple of the 64 bytes of TensorFlow Lite
            if name != "tflite_arena":
                raise
            return
        yield from self.faults_of_arena(name, arena, budget=budget)

    def faults_of_budget(self) -> Iterator[str]:
        budget = max(0, self.least + self.rng.randint(-3, 3))
        room = budget if self.lives.capacity is None else min(budget, self.lives.capacity)
        expected = Status.FITS if room >= self.least else Status.DOES_NOT_FIT
        for plan in (auto, exact):
            arena = plan(self.lives, Limits(budget=budget), Watch(), 1, self.settings)
            yield from self.faults_of_arena(f"budget {budget}", arena, budget=budget)
            if arena.status is not expected:
                yield f"budget {budget}: is {arena.status}, not {expected}"


def faults_of(number: int) -> list[str]:
    """Return what is wrong in the case of that number, nothing when all is right."""
    rng = Random(number)
    lives = drawn_lives(rng)
    return list(Trial(number, lives, smallest(lives), RULES[number % len(RULES)], rng).faults())


def faults_of_cut(number: int) -> list[str]:
    """Return what is wrong with the search for lives that fit because they were cut out of a block."""
    rng = Random(number)
    cut = cut_lives(rng, mirrored=rng.random() < 0.5)
    if rng.random() < 0.5:
        cut = cut.asking(rng)
    found = [item for item in items(cut.lives) if item.pieces]
    search = Search(layout(found), cut.capacity, RULES[number % len(RULES)], number)
    answer = search.run(1_000, Style(rng.randrange(3)))
    return [f"{cut.capacity} bytes are refuted, but they are enough"] if answer is False else []


def faults_of_both(number: int) -> list[str]:
    """Return what is wrong in the two cases of that number."""
    return [*faults_of(number), *faults_of_cut(number)]


if __name__ == "__main__":
    sys.exit(1 if try_cases(faults_of_both, *map(int, sys.argv[1:])) else 0)
