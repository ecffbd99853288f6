"""Advice that would reduce the peak, found by searching changed problems again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

from hmcos.alignment import round_up
from hmcos.limits import Limits, Watch
from hmcos.log import Log
from hmcos.memory.changes import resized
from hmcos.memory.lifetimes import Life
from hmcos.memory.problem import Problem
from hmcos.plan.schedule import Schedule
from hmcos.schedulers.scheduler_table import scheduler

_LOG = Log("hmcos.explain")
LISTED = 10
"""The number of pieces of advice to show."""


class Kind(StrEnum):
    """The kinds of changes."""

    GONE = "gone"
    """A tensor is never stored."""
    HALVED = "halved"
    """A tensor takes half the bytes."""
    IN_PLACE = "in place"
    """Operators of one kind overwrite an input."""
    EXTERNAL = "external"
    """The caller supplies the memory of inputs and outputs."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change to a network, and how to build the changed problem."""

    kind: Kind
    build: Callable[[], Problem]
    """Returns the changed problem, with the operators of the network in the same order; can be slow."""
    life: Life | None = None
    """The tensor that is removed or halved."""
    operators: str = ""
    """The operator kind that would write in place."""


@dataclass(frozen=True, slots=True)
class Advice:
    """A change, and the least peak with it."""

    change: Change
    peak: int
    """Bytes; the peak of an actual order."""
    proved: bool
    """Whether it is proved that no order needs less after the change."""


@dataclass(frozen=True, slots=True)
class Advised:
    """The results of the changes that were tried within the time."""

    advice: tuple[Advice, ...]
    """In the order in which the changes were tried."""
    possible: int
    """The number of changes that could be tried."""
    peak: int
    """The baseline: the least peak found for the unchanged problem, in bytes."""
    proved: bool
    """Whether it is proved that no order of the unchanged problem needs less."""

    @property
    def untried(self) -> int:
        """The number of changes that were not tried within the time."""
        return self.possible - len(self.advice)

    @property
    def undecided(self) -> int:
        """The number of changes whose search ran out of time before it showed whether they help."""
        return sum(not one.proved and self.saved(one) <= 0 for one in self.advice)

    def saved(self, advice: Advice) -> int:
        """Return the bytes by which a change reduces the least peak; negative if the peak grows."""
        return self.peak - advice.peak

    @property
    def best(self) -> tuple[Advice, ...]:
        """At most ten changes, the largest saving first; a removed tensor only if halving it saves less."""
        ranked = sorted(self.advice, key=lambda advice: advice.peak)
        halves = {a.change.life: a.peak for a in self.advice if a.change.kind is Kind.HALVED}
        useful = (
            advice
            for advice in ranked
            if self.saved(advice) > 0
            and (
                advice.change.kind is not Kind.GONE or advice.peak < halves.get(advice.change.life, self.peak)
            )
        )
        return tuple(useful)[:LISTED]


def advise(
    problem: Problem, changes: Sequence[Change], known: Schedule, limits: Limits, watch: Watch
) -> Advised:
    """Return the least peak after each change, for as many changes as the limits leave time for.

    `known` is a schedule of the unchanged problem. If it is not proved optimal, the unchanged problem is
    searched first, so that no change gets the credit for a better order. Each search starts from the best
    order known. A search that runs out of time returns its best result so far.
    """
    if known.peak != known.lower_bound:
        best = _search(problem, known.order, limits, watch)
        known = replace(best, order=tuple(known.order[op] for op in best.order))
    tried: list[Advice] = []
    for change in changes:
        if watch.reached(limits, 0):
            break
        best = _search(change.build(), known.order, limits, watch)
        tried.append(Advice(change, best.peak, best.peak == best.lower_bound))
        what = change.operators or f"{change.life.size if change.life else 0} bytes"
        _LOG.debug("%s, %s: peak %d bytes, %s", change.kind, what, best.peak, best.status)
    _LOG.info("advice: %d of %d changes tried", len(tried), len(changes))
    return Advised(tuple(tried), len(changes), known.peak, known.peak == known.lower_bound)


def _search(problem: Problem, order: Sequence[int], limits: Limits, watch: Watch) -> Schedule:
    """Return the best schedule within the remaining time; its order consists of positions in `order`."""
    left = replace(watch.left(limits), budget=None)
    return scheduler("optimal")(problem.renumbered(order), left, watch.restarted().silenced())


def changes_of_tensors(problem: Problem, lives: Iterable[Life], alignment: int) -> tuple[Change, ...]:
    """Return the changes that halve or remove one of the lives, the largest life first.

    Half of a size is rounded up to the alignment (bytes).
    """
    changes: list[Change] = []
    for life in sorted(lives, key=lambda life: -life.size):
        half = round_up(-(-life.size // 2), alignment)
        if half < life.size:
            changes.append(Change(Kind.HALVED, partial(resized, problem, life, half), life))
        changes.append(Change(Kind.GONE, partial(resized, problem, life, 0), life))
    return tuple(changes)
