"""Placing lives in order of birth."""

from __future__ import annotations

from hmcos.allocation.items import Item
from hmcos.allocation.lives import Lives
from hmcos.allocation.simple.ordered import ordered
from hmcos.limits import Limits, Watch
from hmcos.plan.arena import Arena


def birth_order(lives: Lives, limits: Limits, watch: Watch) -> Arena:
    """Return the arena of placing lives in order of birth, the larger first among those born together."""
    return ordered(lives, _by_birth, "birth_order", limits, watch)


def _by_birth(item: Item) -> tuple[int, int]:
    return item.pieces[0][0] if item.pieces else 0, -item.size
