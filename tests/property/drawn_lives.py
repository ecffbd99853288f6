"""Small random lives with everything that they may ask for at once, dense in what proofs can stumble over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from hmcos.allocation.items import items
from hmcos.allocation.lives import Demand, Lives, Pool
from hmcos.errors import InstanceError
from hmcos.memory.lifetimes import Life

SIZES = ((1, 2), (1, 2, 3, 4), (1, 1, 2, 3, 5), (0, 1, 2, 4), (2, 4, 6), (4, 8, 12), (3, 6))
STEPS = ((1,), (1, 1, 2), (1, 2, 3), (1, 2, 4), (1, 3, 4, 6))
FEATURES = ("alignments", "gaps", "pins", "pools", "external", "takeovers")


@dataclass(frozen=True)
class Taste:
    """What the lives of one case ask for, and how often."""

    often: dict[str, float]
    sizes: tuple[int, ...]
    steps: tuple[int, ...]
    horizon: int

    def wants(self, rng: Random, feature: str) -> bool:
        return rng.random() < self.often[feature]


def drawn_lives(rng: Random, most: int = 7) -> Lives:
    """Lives that can be placed, one to `most` of them; equal for equal states of the generator."""
    while True:
        try:
            lives = _attempt(rng, most)
            items(lives)
        except InstanceError:  # of pins: one is misaligned, crosses the end of a pool, meets another one
            continue
        return lives


def _attempt(rng: Random, most: int) -> Lives:
    often = {feature: rng.choice((0.0, 0.0, 0.3, 0.7)) for feature in FEATURES}
    taste = Taste(often, rng.choice(SIZES), rng.choice(STEPS), rng.choice((2, 3, 4, 6, 9)))
    count = most - rng.choice((0, 0, 1, 1, 2, 3, most - 1))
    lives: list[Life] = []
    for _ in range(count):
        lives.append(_life(rng, taste, lives))
    pools = _pools(rng) if taste.often["pools"] else ()
    first = _first(lives)
    demands = [_demand(rng, taste, life, len(pools)) for life in lives]
    for leader in set(first):
        _agree(rng, taste, demands, [i for i in range(count) if first[i] == leader])
    order = rng.sample(range(count), count)
    place = {i: k for k, i in enumerate(order)}
    over = (None if (taken := lives[i].takes_over) is None else place[taken] for i in order)
    shuffled = tuple(replace(lives[i], takes_over=k) for i, k in zip(order, over, strict=True))
    return Lives(shuffled, rng.choice((1, 1, 1, 1, 2, 3)), tuple(demands[i] for i in order), pools)


def _life(rng: Random, taste: Taste, lives: list[Life]) -> Life:
    """One more life; if it takes over an earlier one it does so at once or later, and is often smaller."""
    birth, over = rng.randrange(taste.horizon), None
    size = rng.choice(taste.sizes)
    if taste.wants(rng, "takeovers"):
        taken = {life.takes_over for life in lives}
        free = [i for i, life in enumerate(lives) if life.death < taste.horizon and i not in taken]
        if free:
            over = rng.choice(free)
            birth = rng.choice((lives[over].death, rng.randrange(lives[over].death, taste.horizon)))
            size = rng.choice((size, min(size, lives[over].size)))
    return Life(birth, rng.randint(birth + (rng.random() < 0.9), taste.horizon), size, None, takes_over=over)


def _pools(rng: Random) -> tuple[Pool, ...]:
    return tuple(Pool(f"pool {k}", rng.randint(0, 12)) for k in range(rng.randint(1, 3)))


def _demand(rng: Random, taste: Taste, life: Life, pools: int) -> Demand:
    chosen = [k for k in range(pools) if rng.random() < 0.6] if taste.wants(rng, "pools") else []
    return Demand(
        alignment=rng.choice(taste.steps) if taste.wants(rng, "alignments") else 1,
        gaps=_gaps(rng, life) if taste.wants(rng, "gaps") else (),
        pools=tuple(chosen),
    )


def _gaps(rng: Random, life: Life) -> tuple[tuple[int, int], ...]:
    """Gaps in the middle, at either end, at both, next to each other, or all of the life."""
    if life.birth == life.death:
        return ()
    if rng.random() < 0.1:
        return ((life.birth, life.death),)
    steps = range(life.birth, life.death + 1)
    cuts = sorted(rng.choice(steps) for _ in range(rng.choice((2, 4))))
    if rng.random() < 0.2:
        cuts[0], cuts[-1] = life.birth, life.death
    return tuple((a, b) for a, b in zip(cuts[::2], cuts[1::2], strict=True) if a < b)


def _first(lives: list[Life]) -> list[int]:
    """Return per life the first of those whose offset it shares; lives take over earlier ones here."""
    first: list[int] = []
    for i, life in enumerate(lives):
        first.append(i if life.takes_over is None else first[life.takes_over])
    return first


def _agree(rng: Random, taste: Taste, demands: list[Demand], group: list[int]) -> None:
    """Make lives that share an offset all external, or pin one or two of them at one offset."""
    if taste.wants(rng, "external") and rng.random() < 0.4:
        for i in group:
            demands[i] = Demand(external=True, gaps=demands[i].gaps)
    elif taste.wants(rng, "pins"):
        offset = rng.choice((0, rng.randint(0, 14)))
        for i in rng.sample(group, rng.randint(1, min(2, len(group)))):
            asked = demands[i]
            demands[i] = Demand(asked.alignment, offset, gaps=asked.gaps, pools=asked.pools)
