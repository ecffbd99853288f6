"""Random pruning rules and paces for the exact search of orders."""

from __future__ import annotations

from dataclasses import fields
from random import Random

from hmcos.schedulers.exact.commits import PruningRules
from hmcos.schedulers.exact.pace import SearchPace

SWITCHES = [rule.name for rule in fields(PruningRules) if rule.name != "pace"]


def drawn_rules(source: Random, pace: SearchPace) -> PruningRules:
    """Return rules of which each is on or off by chance."""
    return PruningRules(**{name: source.random() < 0.5 for name in SWITCHES}, pace=pace)


def drawn_pace(source: Random) -> SearchPace:
    """Return a pace at which the parts of a search take turns after a few states."""
    few = {pace.name: source.randrange(1, 16) for pace in fields(SearchPace)}
    few |= {
        "quick_operators": source.choice((0, 1_500)),
        "beam_states": source.randrange(3),
        "long_run": source.randrange(4),
    }
    few["level_states"] *= source.choice((1, 1_000))
    return SearchPace(**few)
