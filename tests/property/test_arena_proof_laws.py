"""Laws of proofs: what is called the smallest arena is the smallest, whatever lives ask for, by every rule.

A share of `property.arena_trials`, which tries any number of cases.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest

import hmcos
from hmcos.allocation.exact.placement_rules import Style
from hmcos.allocation.exact.search import Search
from hmcos.allocation.items import items
from hmcos.allocation.layout import layout
from hmcos.allocation.lives import Lives
from hmcos.limits import Status
from hmcos.memory.lifetimes import Life
from hmcos.memory.problem import Problem
from property.arena_oracle import end, faults
from property.arena_oracle import fits as fits_plainly
from property.arena_trials import RULES, faults_of, faults_of_cut
from property.cut_lives import cut_lives
from property.drawn_lives import drawn_lives
from property.exhaustive import alive_at_once, chains, fits, smallest

BLOCK = len(RULES)
"""Cases in which every combination of rules is drawn once."""


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 12 * BLOCK, BLOCK))
def test_the_smallest_arena_is_proved_by_every_combination_of_rules(first: int) -> None:
    wrong = {number: found for number in range(first, first + BLOCK) if (found := faults_of(number))}
    assert wrong == {}


@pytest.mark.parametrize("first", range(0, 4 * BLOCK, BLOCK))
def test_lives_cut_out_of_a_block_fit_into_it(first: int) -> None:
    wrong = {number: found for number in range(first, first + BLOCK) if (found := faults_of_cut(number))}
    assert wrong == {}


@pytest.mark.parametrize("seed", [435, 5972, 14247, 15739, 25294])
@pytest.mark.parametrize("mirrored", [False, True])
def test_what_was_once_refuted_fits(seed: int, mirrored: bool) -> None:
    """With a tail, and plain ones: no life here has an alignment, a gap or a pin, as those of any model."""
    cut = cut_lives(Random(seed), mirrored)
    assert mirrored == all(life.takes_over is None for life in cut.lives.lives)
    found = [item for item in items(cut.lives) if item.pieces]
    for rules in RULES:
        assert Search(layout(found), cut.capacity, rules).run(100_000, Style()) is True


def test_cut_lives_do_not_meet_where_they_were() -> None:
    for seed in range(50):
        rng = Random(seed)
        cut = cut_lives(rng, mirrored=seed % 2 == 0).asking(rng)
        assert faults(cut.lives, cut.offsets) == []
        assert end(cut.lives, cut.offsets) <= cut.capacity


def test_the_oracle_agrees_with_a_plainer_one() -> None:
    """That one wants a place within the size also for what never needs its bytes: such cases are left out."""
    drawn = [lives for seed in range(80) if needed(lives := drawn_lives(Random(seed), 4))]
    assert len(drawn) > 40
    for lives in drawn:
        least = smallest(lives)
        assert fits_plainly(lives, least)
        assert not least or not fits_plainly(lives, least - 1)
        assert all(fits(lives, size) == (size >= least) for size in range(least + 3))


def needed(lives: Lives) -> bool:
    return all(chain.rows for chain in chains(lives))


def test_cases_have_everything_that_lives_may_ask_for() -> None:
    """Else the laws would be silent on it: also proofs that the bytes alive at once do not give."""
    seen: Counter[str] = Counter()
    for seed in range(400):
        lives = drawn_lives(Random(seed))
        demands = list(zip(lives.lives, lives.demands, strict=True))
        whole = [((life.birth, life.death),) for life, _ in demands]
        continued = [life.takes_over for life in lives.lives if life.takes_over is not None]
        seen["alignment"] += any(asked.alignment > 1 for _, asked in demands)
        seen["pin"] += any(asked.offset is not None for _, asked in demands)
        seen["external"] += any(asked.external for _, asked in demands)
        seen["pools"] += any(asked.pools for _, asked in demands)
        seen["all gap"] += any(asked.gaps == gaps for (_, asked), gaps in zip(demands, whole, strict=True))
        seen["two gaps"] += any(len(asked.gaps) > 1 for _, asked in demands)
        seen["gaps at both ends"] += any(
            len(asked.gaps) > 1 and asked.gaps[0][0] == life.birth and asked.gaps[-1][1] == life.death
            for life, asked in demands
        )
        seen["chain of three"] += any(lives.lives[i].takes_over is not None for i in continued)
        seen["tail"] += any(
            life.takes_over is not None and life.size < lives.lives[life.takes_over].size
            for life in lives.lives
        )
        seen["seven lives"] += len(lives.lives) == 7
        least = smallest(lives)
        seen["above the bytes alive"] += least > alive_at_once(lives)
        seen["more than the pools hold"] += lives.capacity is not None and least > lives.capacity
    assert len(seen) == 12
    assert min(seen.values()) >= 8, seen


def test_a_network_gets_the_smallest_arena_also_where_its_proof_was_once_wrong() -> None:
    """Plain lives, as those of any model: 9 bytes were called the least for this order, and 8 are enough."""
    cut = cut_lives(Random(14247), mirrored=True)
    problem = network_of(cut.lives.lives)
    plan = hmcos.schedule(problem)
    assert plan.arena is not None
    assert (plan.peak, plan.arena.size, plan.arena.status) == (cut.capacity, cut.capacity, Status.OPTIMAL)


def network_of(lives: Sequence[Life]) -> Problem:
    """A row of operators: 2 t makes what is born at step t, 2 t - 1 is the last to read what dies then."""
    count = 2 * max(life.death for life in lives)
    links = range(count - 1)  # empty buffers that leave a single order
    makes = [[op] for op in links] + [[]]
    reads = [[], *([op] for op in links)]
    for buffer, life in enumerate(lives, start=len(links)):
        makes[2 * life.birth].append(buffer)
        reads[2 * life.death - 1].append(buffer)
    return Problem(
        names=("",) * count,
        sizes=(*(0 for _ in links), *(life.size for life in lives)),
        inputs=(),
        kept=(),
        reads=tuple(map(tuple, reads)),
        makes=tuple(map(tuple, makes)),
        may_overwrite=((),) * count,
        scratch=(0,) * count,
    )
