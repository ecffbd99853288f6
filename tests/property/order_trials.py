"""The exact search against brute force, any number of problems, with every switch.

`python -m property.order_trials 50000`, run in `tests/`, draws so many problems of up to 22 operators. Each
is searched with all rules, and with each rule on or off by chance, half of them at a pace at which even small
problems reach most parts of the search. Another problem is drawn for each, of up to 18 operators; it is
searched as one stretch (stretch_trials.py), which reaches all parts (search_parts.py). A second number is the
first case. It prints what is wrong and, at the end, in how many cases anything was.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from hmcos.limits import Limits, Status, Watch
from hmcos.memory.problem import Problem
from hmcos.memory.profile import peak
from hmcos.schedulers.exact.commits import PruningRules
from hmcos.schedulers.exact.pace import SearchPace
from hmcos.schedulers.optimal import search
from property.drawn_rules import drawn_pace, drawn_rules
from property.least_peak import least_peak
from property.strategies import random_problem
from property.stretch_trials import stretch_faults
from property.trying import try_cases
from property.wide_problems import wide_problem


@dataclass
class Witness:
    """Remembers every peak and bound that a search reports on the way."""

    reports: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])

    def progress(self, phase: str, peak: int, lower_bound: int, states: int) -> None:
        """Remember a report."""
        self.reports.append((peak, lower_bound))


def search_faults(case: int) -> list[str]:
    """Return what is wrong about the search of one whole problem."""
    source = Random(case)
    large = source.random() < 0.3
    problem = (
        wide_problem(source, source.randrange(17, 23))
        if large
        else random_problem(source, source.randrange(2, 12))
    )
    pace = source.choice((SearchPace(uncut=0, often=1), drawn_pace(source)))
    expected = least_peak(problem)
    drawn = (PruningRules(pace=pace), drawn_rules(source, pace))
    return [fault for rules in drawn for fault in _faults(problem, rules, expected)]


def faults_of(case: int) -> list[str]:
    """Return what is wrong about one case."""
    return search_faults(case) + stretch_faults(case)


def _faults(problem: Problem, rules: PruningRules, expected: int) -> Iterator[str]:
    """Yield what is wrong about the search of a problem whose optimum is known."""
    witness = Witness()
    found = search(problem, Limits(), Watch(witness), rules)
    if not peak(problem, found.order) == found.peak == found.lower_bound == expected:
        yield f"peak {found.peak}, bound {found.lower_bound}, optimum {expected}: {rules}"
    if found.status is not Status.OPTIMAL:
        yield f"status {found.status}: {rules}"
    if not all(bound <= expected <= reached for reached, bound in witness.reports):
        yield f"a report on the way is wrong: {rules}"


if __name__ == "__main__":
    sys.exit(1 if try_cases(faults_of, *map(int, sys.argv[1:])) else 0)
