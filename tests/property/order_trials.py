"""The exact search against brute force, any number of problems, with every switch.

`python -m property.order_trials 50000`, run in `tests/`, draws so many problems of up to eleven operators.
Each is searched with all rules, and with each rule on or off by chance, half of them at a pace at which even
small problems reach every part of the search. A second number is the first case. It prints what is wrong and,
at the end, in how many cases anything was.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from random import Random

from hmcos.limits import Limits, Status, Watch
from hmcos.memory.problem import Problem
from hmcos.memory.profile import peak
from hmcos.schedulers.exact.commits import PruningRules
from hmcos.schedulers.exact.pace import SearchPace
from hmcos.schedulers.optimal import search
from oracle import optimum
from property.strategies import random_problem
from property.trying import try_cases

SWITCHES = [rule.name for rule in fields(PruningRules) if rule.name != "pace"]


@dataclass
class Witness:
    """Remembers every peak and bound that a search reports on the way."""

    reports: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])

    def progress(self, phase: str, peak: int, lower_bound: int, states: int) -> None:
        """Remember a report."""
        self.reports.append((peak, lower_bound))


def drawn_rules(source: Random, pace: SearchPace) -> PruningRules:
    """Return rules of which each is on or off by chance."""
    return PruningRules(**{name: source.random() < 0.5 for name in SWITCHES}, pace=pace)


def drawn_pace(source: Random) -> SearchPace:
    """Return a pace at which the parts of a search take turns after a few states."""
    few = {pace.name: source.randrange(1, 16) for pace in fields(SearchPace)}
    few |= {"quick_operators": source.choice((0, 1_500)), "beam_states": source.randrange(3)}
    few["level_states"] *= source.choice((1, 1_000))
    return SearchPace(**few)


def faults(problem: Problem, rules: PruningRules, expected: int) -> Iterator[str]:
    """Yield what is wrong about the search of a problem whose optimum is known."""
    witness = Witness()
    found = search(problem, Limits(), Watch(witness), rules)
    if not peak(problem, found.order) == found.peak == found.lower_bound == expected:
        yield f"peak {found.peak}, bound {found.lower_bound}, optimum {expected}: {rules}"
    if found.status is not Status.OPTIMAL:
        yield f"status {found.status}: {rules}"
    if not all(bound <= expected <= reached for reached, bound in witness.reports):
        yield f"a report on the way is wrong: {rules}"


def faults_of(case: int) -> list[str]:
    """Return what is wrong about one case."""
    source = Random(case)
    problem = random_problem(source, source.randrange(2, 12))
    pace = source.choice((SearchPace(uncut=0, often=1), drawn_pace(source)))
    expected = optimum(problem)
    drawn = (PruningRules(pace=pace), drawn_rules(source, pace))
    return [fault for rules in drawn for fault in faults(problem, rules, expected)]


if __name__ == "__main__":
    sys.exit(1 if try_cases(faults_of, *map(int, sys.argv[1:])) else 0)
