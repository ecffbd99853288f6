"""The schedulers by name."""

from __future__ import annotations

from typing import cast

from hmcos.errors import OptionError
from hmcos.registry import imported
from hmcos.schedulers.floor import above_floor
from hmcos.schedulers.scheduler import Scheduler
from hmcos.words import meant

SCHEDULERS: dict[str, str] = {
    "optimal": "hmcos.schedulers.optimal:optimal",
    "given": "hmcos.schedulers.simple.given:given",
    "rpo": "hmcos.schedulers.simple.rpo:rpo",
    "greedy": "hmcos.schedulers.simple.greedy:greedy",
    "random": "hmcos.schedulers.simple.random:random",
    "hmcos": "hmcos.schedulers.published.hmcos:hmcos",
    "serenity": "hmcos.schedulers.published.serenity:serenity",
}
"""Name to "module:function", imported on demand; the first is the default."""


def names() -> tuple[str, ...]:
    """Return the names of all schedulers, the default first."""
    return tuple(SCHEDULERS)


def scheduler(name: str) -> Scheduler:
    """Return the scheduler of that name.

    Raises:
        OptionError: no scheduler has this name.
    """
    if name not in SCHEDULERS:
        known = ", ".join(SCHEDULERS)
        raise OptionError(f"no scheduler is called {name!r}; choose from {known}.{meant(name, SCHEDULERS)}")
    return above_floor(cast(Scheduler, imported(SCHEDULERS[name])))
