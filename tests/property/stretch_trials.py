"""Trials of the search of one stretch, from a bad order on, against the least peak of all orders.

The pieces of a small problem are so small that `search` settles them by stepping. So these trials drive
`Stretch` themselves: they step, ask for budgets, cut both short, adopt bounds, and let it meet in the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from hmcos.memory.bounds import must_live_bound
from hmcos.memory.problem import Problem
from hmcos.memory.profile import peak
from hmcos.schedulers.exact.commits import PruningRules
from hmcos.schedulers.exact.thresholds import Stretch
from oracle import peak_of, ready
from property.drawn_rules import drawn_pace, drawn_rules
from property.least_peak import least_peak
from property.strategies import random_problem
from property.wide_problems import wide_problem

ALL = -1
"""Turns of a part that runs to its end."""
MOST_IDLE = 1_000_000
"""After so many turns in a row without a new state, not even a solver is at work any more."""


class StretchTrial:
    """The search of one random problem, which is watched at every turn."""

    def __init__(self, source: Random) -> None:
        kind = source.choice((random_problem, wide_problem, wide_problem))
        self.problem = kind(
            source, source.choice((source.randrange(9), source.randrange(8, 15), source.randrange(12, 19)))
        )
        self.rules = _rules(source)
        order = _bad_order(source, self.problem)
        self.start = peak(self.problem, order)
        self.stretch = Stretch(self.problem, order, self.start, self.rules)
        self.least = least_peak(self.problem)
        self.low_enough = self.least
        """A peak within this many bytes is never improved: the least, or the highest bound adopted."""
        self._source = source
        self._must_live = must_live_bound(self.problem)
        self._counted: tuple[int, ...] = ()
        """The order that was counted last."""

    def faults(self) -> Iterator[str]:
        """Yield everything that is wrong."""
        yield from self._wrong_now()
        if self._source.random() < 0.7:
            self._adopt()
        for _ in range(self._source.choice((0, 0, 1, 2, 3))):
            yield from self._play()
        yield from self._watch(self.stretch.meet(), ALL)
        if self.stretch.peak > self.stretch.lower_bound:
            yield f"does not meet: peak {self.stretch.peak}, bound {self.stretch.lower_bound}"

    def _play(self) -> Iterator[str]:
        """Let a part of the search run to its end, or cut it short."""
        source, stretch = self._source, self.stretch
        part, short = source.randrange(4), source.randrange(1, 12)
        if part == 0:
            self._adopt()
        elif part == 1:
            yield from self._watch(stretch.meet(), short)
        elif part == 2:
            cut = source.choice((short, ALL))
            yield from self._watch(stretch.step(source.randrange(1, 60)), cut)
        else:
            budget = max(0, self.least + source.choice((-1, 0, 0, 1, source.randint(-50, 50))))
            cut = source.choice((short, ALL))
            yield from self._watch(stretch.ask(budget), cut)
            if cut == ALL and stretch.lower_bound <= budget < stretch.peak:
                yield f"does not decide {budget}: peak {stretch.peak}, bound {stretch.lower_bound}"

    def _adopt(self) -> None:
        """Adopt a bound, of this problem or, a few times, of a larger one of which it is a stretch."""
        source, least, sure = self._source, self.least, self._must_live
        bound = source.choice(
            (
                0,
                source.randint(0, sure),
                sure,
                sure,
                source.randint(sure, least),
                source.randint(least, self.start),
            )
        )
        self.low_enough = max(self.low_enough, bound)
        self.stretch.raise_bound(bound)

    def _watch(self, turns: Iterator[None], most: int) -> Iterator[str]:
        """Yield what is wrong at any of so many turns at most; sometimes adopt a bound in between.

        Only turns that enter states are counted: how often a solver yields depends on the machine.
        """
        raising = self._source.choice((0, 0, 0, self._source.randrange(1, 30)))
        taken, states, idle = 0, self.stretch.states, 0
        for _ in turns:
            idle += 1
            yield from self._wrong_now()
            if self.stretch.states > states:
                taken, states, idle = taken + 1, self.stretch.states, 0
                if taken == raising:
                    self._adopt()
                if taken == most:
                    break
            elif idle == MOST_IDLE:
                yield "does not end"
                break
        yield from self._wrong_now()

    def _wrong_now(self) -> Iterator[str]:
        """Yield what is wrong about the peak, the order and the bound."""
        stretch, order = self.stretch, tuple(self.stretch.order)
        if order != self._counted:
            self._counted = order
            reached = max(peak_of(self.problem, order), self.problem.floor)
            if reached != stretch.peak:
                yield f"peak {stretch.peak}, but the order has {reached}"
        if stretch.peak < self.least:
            yield f"peak {stretch.peak}, below the least {self.least}"
        if stretch.lower_bound > self.low_enough:
            yield f"bound {stretch.lower_bound}, above {self.low_enough}"


def stretch_faults(case: int) -> list[str]:
    """Return what is wrong about the search of one stretch."""
    trial = StretchTrial(Random(case))
    return [f"stretch: {fault}: {trial.rules}" for fault in trial.faults()]


def _rules(source: Random) -> PruningRules:
    """Return rules that are all on half of the time, at a drawn pace."""
    pace = drawn_pace(source)
    if source.random() < 0.5:
        pace = replace(pace, uncut=0, often=1)
    return source.choice((PruningRules(pace=pace), drawn_rules(source, pace)))


def _bad_order(source: Random, problem: Problem) -> list[int]:
    """Return the order with the highest peak of a few random ones."""
    drawn = [_random_order(source, problem) for _ in range(source.choice((1, 3)))]
    return max(drawn, key=lambda order: peak(problem, order))


def _random_order(source: Random, problem: Problem) -> list[int]:
    order: list[int] = []
    for _ in problem.names:
        order.append(source.choice(ready(problem, set(order))))
    return order
