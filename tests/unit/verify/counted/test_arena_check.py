from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

import pytest

from hmcos.errors import VerifyError
from hmcos.limits import Status
from hmcos.plan.arena import Arena
from hmcos.verify.counted.arena_check import check_arena


@dataclass(frozen=True)
class Box:
    birth: int
    death: int
    size: int
    takes_over: int | None = None


LIVES = (Box(0, 2, 4), Box(1, 3, 4), Box(2, 4, 2, takes_over=0), Box(4, 5, 9))
EMPTY = Box(3, 3, 99)


def arena(*offsets: int, size: int, alignment: int = 1) -> Arena:
    return Arena(offsets, size, 0, Status.FEASIBLE, "test", alignment, 0.0)


def test_a_valid_arena_passes() -> None:
    check_arena(LIVES, arena(0, 4, 0, 0, size=9))
    check_arena((), arena(size=0))
    check_arena((*LIVES, EMPTY), arena(0, 4, 0, 0, 0, size=9))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (arena(0, 3, 0, 0, size=9), "lives 0 and 1 overlap at step 1 from byte 3"),
        (arena(0, 1, 0, 0, size=9), "lives 0 and 1 overlap at step 1 from byte 1"),
        (arena(0, 4, 8, 0, size=10), "life 2: offset 8 is not that of life 0"),
        (arena(0, 4, 0, size=8), "3 offsets for 4 lives"),
        (arena(-4, 0, -4, 0, size=9), "life 0: offset -4"),
        (arena(0, 4, 0, 0, size=9, alignment=8), "life 1: offset 4 is no multiple of 8"),
        (arena(0, 4, 0, 0, size=8), "claims 8 bytes, but its lives end at 9"),
        (replace(arena(0, 4, 0, 0, size=9), lower_bound=10), "below its own lower bound 10"),
    ],
)
def test_what_is_wrong_is_named(wrong: Arena, message: str) -> None:
    with pytest.raises(VerifyError, match=message):
        check_arena(LIVES, wrong)


def test_overlaps_are_found_wherever_they_are() -> None:
    rng = Random(1)
    found = 0
    for _ in range(500):
        births = [rng.randrange(8) for _ in range(5)]
        lives = [Box(birth, birth + rng.randrange(4), 1 + rng.randrange(4)) for birth in births]
        offsets = [rng.randrange(9) for _ in lives]
        cells = [
            (step, byte)
            for life, offset in zip(lives, offsets, strict=True)
            for step in range(life.birth, life.death)
            for byte in range(offset, offset + life.size)
        ]
        top = max(offset + life.size for life, offset in zip(lives, offsets, strict=True))
        try:
            check_arena(lives, arena(*offsets, size=top))
            assert len(set(cells)) == len(cells)
        except VerifyError as error:
            assert "overlap" in str(error) and len(set(cells)) < len(cells)
            found += 1
    assert 50 < found < 450


@dataclass(frozen=True)
class Asked:
    alignment: int = 1
    offset: int | None = None
    external: bool = False
    gaps: tuple[tuple[int, int], ...] = ()
    pools: tuple[int, ...] = ()


@dataclass(frozen=True)
class Ram:
    capacity: int


PAIR = (Box(0, 9, 4), Box(3, 5, 4))


@pytest.mark.parametrize(
    ("offsets", "wishes", "pools"),
    [
        ((0, 0), (Asked(gaps=((2, 4), (4, 5))), Asked()), ()),
        ((0, 0), (Asked(gaps=((0, 9),)), Asked()), ()),
        ((0, 0), (Asked(gaps=((0, 4), (4, 9))), Asked()), ()),
        ((-1, 0), (Asked(external=True), Asked()), ()),
        ((8, 3), (Asked(alignment=8), Asked(offset=3)), ()),
        ((0, 7), (Asked(pools=(0,)), Asked(alignment=8, pools=(1,))), (Ram(7), Ram(9))),
        ((16, 0), (Asked(pools=(0,)), Asked()), (Ram(4), Ram(12))),
    ],
)
def test_wishes_that_are_met_pass(
    offsets: tuple[int, int], wishes: tuple[Asked, ...], pools: tuple[Ram, ...]
) -> None:
    check_arena(PAIR, arena(*offsets, size=max(offsets) + 4), wishes, pools)


@pytest.mark.parametrize(
    ("offsets", "wishes", "pools", "message"),
    [
        ((0, 0), (Asked(gaps=((2, 4),)), Asked()), (), "lives 0 and 1 overlap at step 4"),
        ((0, 4), (Asked(external=True), Asked()), (), "life 0: is supplied by the caller"),
        ((-1, 0), (Asked(), Asked()), (), "life 0: offset -1"),
        ((4, 0), (Asked(alignment=8), Asked()), (), "life 0: offset 4 is no multiple of 8"),
        ((4, 0), (Asked(), Asked(offset=8)), (), "life 1: offset 0 is not 8, where it is pinned"),
        ((0, 5), (Asked(), Asked()), (Ram(7), Ram(9)), "life 1: crosses the end of pool 0 at byte 7"),
        ((0, 8), (Asked(), Asked(alignment=8)), (Ram(7), Ram(9)), "life 1: offset 8 is no multiple of 8"),
        ((0, 7), (Asked(), Asked(pools=(0,))), (Ram(7), Ram(9)), "life 1: is in pool 1, where it may not"),
    ],
)
def test_wishes_that_are_not_met_are_named(
    offsets: tuple[int, int], wishes: tuple[Asked, ...], pools: tuple[Ram, ...], message: str
) -> None:
    with pytest.raises(VerifyError, match=message):
        check_arena(PAIR, arena(*offsets, size=max(offsets) + 4), wishes, pools)


def test_a_life_that_never_needs_its_bytes_may_be_counted_or_not() -> None:
    never = (Asked(gaps=((0, 9),)), Asked(gaps=((3, 5),)))
    for size in (0, 3, 4):
        check_arena(PAIR, arena(0, 0, size=size), never)
    with pytest.raises(VerifyError, match="claims 5 bytes, but its lives end at 0"):
        check_arena(PAIR, arena(0, 0, size=5), never)
