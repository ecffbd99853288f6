"""Placing again and again."""

from __future__ import annotations

from hmcos.allocation.lives import Lives
from hmcos.allocation.simple.largest_first import largest_first
from hmcos.allocation.simple.squeaky_wheel import squeaky_wheel
from hmcos.limits import Limits, Status, Watch
from hmcos.memory.lifetimes import Life

TRAP = Lives(tuple(Life(*each, None) for each in ((4, 5, 2), (1, 2, 2), (3, 5, 3), (2, 4, 4), (4, 6, 3))))
"""Largest first needs 9 bytes for them, because the life of 2 bytes from step 4 on comes too late."""


def test_lives_that_had_no_room_come_first_the_next_time() -> None:
    assert largest_first(TRAP, Limits(), Watch()).size == 9
    found = squeaky_wheel(TRAP, Limits(), Watch())
    assert (found.size, found.lower_bound, found.status) == (8, 8, Status.OPTIMAL)


def test_the_first_round_places_the_largest_first() -> None:
    once = squeaky_wheel(TRAP, Limits(), Watch(), rounds=1)
    assert once.offsets == largest_first(TRAP, Limits(), Watch()).offsets
