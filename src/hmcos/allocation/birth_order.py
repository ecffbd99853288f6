"""In order of birth."""

from __future__ import annotations

from hmcos.allocation.fit import first_fit, meetings_of
from hmcos.allocation.outcome import outcome
from hmcos.allocation.problem import Lives
from hmcos.plan.arena import Arena
from hmcos.plan.limits import Limits, Observer


def birth_order(lives: Lives, limits: Limits, observer: Observer) -> Arena:
    """Return the arena of placing lives as they are born, larger first among equals."""
    met = meetings_of(lives)
    begin = [item.pieces[0][0] if item.pieces else 0 for item in met.items]
    order = sorted(range(len(met.items)), key=lambda i: (begin[i], -met.items[i].size, i))
    return outcome(lives, (met.items, first_fit(met, order)), "birth_order", limits)
