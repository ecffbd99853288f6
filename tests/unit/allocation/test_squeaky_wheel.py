"""Placing again and again."""

from __future__ import annotations

from hmcos.allocation.lives import Lives
from hmcos.allocation.simple.largest_first import largest_first
from hmcos.allocation.simple.squeaky_wheel import squeaky_wheel
from hmcos.limits import Limits, Status, Watch
from hmcos.memory.lifetimes import Life

TRAP = Lives(tuple(Life(*each, None) for each in ((0, 2, 4), (3, 5, 4), (1, 4, 3), (2, 3, 4))))
"""Largest first puts the four lives of 4 bytes at 0, where the one of 3 has to lie on top."""


def test_lives_that_had_no_room_come_first_the_next_time() -> None:
    crossed = Lives(
        tuple(Life(b, d, s, None) for b, d, s in ((0, 1, 3), (0, 3, 2), (2, 5, 3), (1, 3, 1), (4, 6, 2)))
    )
    for lives in (TRAP, crossed):
        found = squeaky_wheel(lives, Limits(), Watch())
        assert found.size <= largest_first(lives, Limits(), Watch()).size
        assert (found.size == found.lower_bound) == (found.status is Status.OPTIMAL)


def test_the_first_round_places_the_largest_first() -> None:
    once = squeaky_wheel(TRAP, Limits(), Watch(), rounds=1)
    assert once.offsets == largest_first(TRAP, Limits(), Watch()).offsets
