"""What would make the peak smaller: the search, run again on changed problems."""

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
"""The best pieces of advice that are told."""


class Kind(StrEnum):
    """What is changed."""

    GONE = "gone"
    """A tensor is never stored."""
    HALVED = "halved"
    """A tensor takes half the bytes."""
    IN_PLACE = "in place"
    """Operators of one kind write over what they read."""
    EXTERNAL = "external"
    """The caller supplies the memory of inputs and outputs."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that could be different, and the way to the problem that the network is then."""

    kind: Kind
    build: Callable[[], Problem]
    """Returns a problem whose operators are those of the network, in the same order; takes a while."""
    life: Life | None = None
    """What is gone or halved."""
    operators: str = ""
    """The kind of operators that would write in place."""


@dataclass(frozen=True, slots=True)
class Advice:
    """A change, and the least peak with it."""

    change: Change
    peak: int
    """Bytes; reached by an order that was found."""
    proved: bool
    """Whether no order needs less then."""


@dataclass(frozen=True, slots=True)
class Advised:
    """What came of the changes that there was time for."""

    advice: tuple[Advice, ...]
    """In the order in which they were tried."""
    possible: int
    """All changes there were to try."""
    peak: int
    """What the changes are compared with: the least peak found of the unchanged problem, in bytes."""
    proved: bool
    """Whether no order of the unchanged problem needs less."""

    @property
    def untried(self) -> int:
        """The number of changes that there was no time to try."""
        return self.possible - len(self.advice)

    @property
    def undecided(self) -> int:
        """The number of changes whose search was cut short before it was known whether they help."""
        return sum(not one.proved and self.saved(one) <= 0 for one in self.advice)

    def saved(self, advice: Advice) -> int:
        """Return the bytes by which a change makes the least peak smaller; negative when it grows."""
        return self.peak - advice.peak

    @property
    def best(self) -> tuple[Advice, ...]:
        """What saves most, most first: at most ten; nothing is to go where its half does as well."""
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
    problem: Problem, changes: Sequence[Change], found: Schedule, limits: Limits, watch: Watch
) -> Advised:
    """Return the least peak under each change, as many as the limits leave time for.

    `found` is a schedule of the unchanged problem. If it is not proved to be the best one, the search
    for that comes first, so that no change gets the credit for a better order. Each search begins with
    the order found. The search under way when the time ends answers with what it has.
    """
    if found.peak != found.lower_bound:
        best = _search(problem, found.order, limits, watch)
        found = replace(best, order=tuple(found.order[op] for op in best.order))
    tried: list[Advice] = []
    for change in changes:
        if watch.reached(limits, 0):
            break
        best = _search(change.build(), found.order, limits, watch)
        tried.append(Advice(change, best.peak, best.peak == best.lower_bound))
        what = change.operators or f"{change.life.size if change.life else 0} bytes"
        _LOG.debug("%s, %s: peak %d bytes, %s", change.kind, what, best.peak, best.status)
    _LOG.info("advice: %d of %d changes tried", len(tried), len(changes))
    return Advised(tuple(tried), len(changes), found.peak, found.peak == found.lower_bound)


def _search(problem: Problem, order: Sequence[int], limits: Limits, watch: Watch) -> Schedule:
    """Return the best schedule in what is left of the time; its order numbers places of the given one."""
    left = replace(watch.left(limits), budget=None)
    return scheduler("optimal")(problem.renumbered(order), left, watch.restarted().silenced())


def changes_of_tensors(problem: Problem, lives: Iterable[Life], alignment: int) -> tuple[Change, ...]:
    """Return the changes in which one of the lives is halved or gone, the largest first.

    Half of a size is rounded up to the alignment, in bytes.
    """
    found: list[Change] = []
    for life in sorted(lives, key=lambda life: -life.size):
        half = round_up(-(-life.size // 2), alignment)
        if half < life.size:
            found.append(Change(Kind.HALVED, partial(resized, problem, life, half), life))
        found.append(Change(Kind.GONE, partial(resized, problem, life, 0), life))
    return tuple(found)
