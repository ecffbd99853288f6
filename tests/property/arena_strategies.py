"""Small random lives that are rich in corners: in-place chains, gaps, alignment, pins, pools, externals."""

from __future__ import annotations

from random import Random

from hmcos.allocation.lives import Demand, Lives, Pool
from hmcos.memory.lifetimes import Life

PALETTES = ((1,), (1, 2, 3), (0, 1, 2, 4), (2, 3, 5), (4, 6, 8))


def random_lives(rng: Random, most: int = 6) -> Lives:
    """Lives that break no rule; equal for equal states of the generator."""
    palette = rng.choice(PALETTES)
    horizon = rng.choice((2, 4, 8))
    lives: list[Life] = []
    for _ in range(rng.randint(0, most)):
        birth = rng.randrange(horizon)
        life = Life(birth, rng.randint(birth, horizon), rng.choice(palette), None)
        lives.append(_continuing(rng, lives, life))
    alignment = rng.choice((1, 1, 1, 2))
    pools = tuple(Pool(f"pool {k}", rng.choice((3, 4, 8))) for k in range(rng.choice((0, 0, 0, 1, 2))))
    plain = rng.random() < 0.3
    demands = () if plain else tuple(_demand(rng, life, len(pools)) for life in lives)
    return Lives(tuple(lives), alignment, demands, pools)


def _continuing(rng: Random, lives: list[Life], life: Life) -> Life:
    """Return the life, sometimes as one that takes over another."""
    taken = {other.takes_over for other in lives}
    free = [i for i, other in enumerate(lives) if other.death == life.birth and i not in taken]
    if not free or rng.random() < 0.3:
        return life
    return Life(life.birth, life.death, life.size, None, takes_over=rng.choice(free))


def _demand(rng: Random, life: Life, pools: int) -> Demand:
    gaps: tuple[tuple[int, int], ...] = ()
    if life.death - life.birth > 2 and rng.random() < 0.3:
        left = rng.randint(life.birth, life.death - 2)
        gaps = ((left, rng.randint(left + 1, life.death)),)
    alone = rng.random() < 0.1
    return Demand(
        alignment=rng.choice((1, 1, 1, 2, 3)),
        offset=rng.choice((0, 6, 12)) if alone and not pools else None,
        external=not alone and rng.random() < 0.05,
        gaps=gaps,
        pools=(rng.randrange(pools),) if pools and rng.random() < 0.3 else (),
    )


def dense_lives(rng: Random, count: int) -> Lives:
    """Plain lives that meet a lot: quite often no arena is as small as the bytes alive at once."""
    horizon = rng.randint(4, 9)
    spans = [sorted(rng.sample(range(horizon + 1), 2)) for _ in range(count)]
    return Lives(tuple(Life(birth, death, rng.randint(1, 5), None) for birth, death in spans))


def stepped_lives(rng: Random) -> Lives:
    """A few lives, many with alignments of their own: holes are common, and proofs have to look at them."""
    horizon = rng.randint(3, 6)
    spans = [sorted(rng.sample(range(horizon + 1), 2)) for _ in range(rng.randint(3, 6))]
    lives = tuple(Life(birth, death, rng.randint(1, 6), None) for birth, death in spans)
    return Lives(lives, 1, tuple(Demand(alignment=rng.choice((1, 1, 2, 3, 4))) for _ in lives))
