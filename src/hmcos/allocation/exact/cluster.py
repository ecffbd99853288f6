"""A cluster: items that are searched together, with the best offsets and the bound so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

from hmcos.allocation.exact.aims import Aims
from hmcos.allocation.exact.best_offsets import BestOffsets
from hmcos.allocation.exact.placement_rules import ALL_RULES, PlacementRules, Style
from hmcos.allocation.exact.search import TABLE_BYTES, Search
from hmcos.allocation.items import Item
from hmcos.allocation.layout import Layout, layout
from hmcos.allocation.sections import entries
from hmcos.limits import Limits, Watch

SOLVER_ROOM = 200_000
"""With more intervals than this the solver gets no turn: building its model would take longer than that."""
STATES_PER_WORK = 100_000
"""How many of `Limits.states` one unit of solver work counts for: what the search enters in that time."""


TRIES = 6
"""Runs at a target between the bound and the best size before a higher one is tried."""
COARSE = 3
"""The first round of targets ends closer to the best size than 1 / 2**COARSE of its distance from the bound;
each later round gets twice as close."""
KEPT = 8
"""Targets whose failed states are kept; those above the bound share the memory of one table."""
NOISES = (0.6, 0.3)
"""The noise of runs once offsets were found, in turn: which of them finds more differs."""


@dataclass(frozen=True, slots=True)
class ProofSettings:
    """How the exact planner goes about its proof. Settings change its speed, but no answer."""

    rules: PlacementRules = ALL_RULES
    """The pruning rules of the search."""
    first_run: int = 300
    """States of the first run at a target, or twice the number of items if that is more, since a run needs at
    least one state per item to place them all. Each later run is 3 % longer."""
    solver_after: int = 12
    """Runs of the search before the first turn of the constraint solver; the next turn comes at three times
    as many runs, and so on."""
    first_work: float = 0.1
    """Work of the solver's first turn, in its deterministic measure (one unit takes some ten seconds)."""
    most_work: float = 0.8
    """The most work of one turn: each has twice as much as the one before, up to this."""
    largest: int = 3_000_000
    """Entries of a cluster's tables up to which it is searched: more would take over half a gigabyte."""
    alone: int = 600
    """Items of a cluster up to which it is only searched; with more, cores and ejection take turns."""
    largest_core: int = 300_000
    """The same for a core (`cores.py`), whose search is to take seconds."""
    core_states: int = 10_000
    """States of the search for the offsets of a core, at most."""


USUAL = ProofSettings()


@dataclass(slots=True)
class TargetAttempt:
    """The search at one target capacity, and whose turn is next."""

    search: Search
    solver_at: int
    """Runs after which the constraint solver has its next turn."""
    work: float
    """Work of that turn."""
    runs: int = 0
    failed_at: int = 0
    """The number of runs when this target counted as failed for the last time."""

    def style(self, winner: Style | None) -> Style:
        """Return the style of the next run: three rankings in turn, then also with weights and noise.

        Once offsets were found, every second run is like the one that found them: on one instance that is
        nearly always the same style, on another one a different one.
        """
        runs = self.runs
        if runs < 3 or winner is None:
            return Style(runs % 3, runs // 3 % 2 == 1, 0.5 if runs >= 3 else 0.0)
        if runs % 2:
            return replace(winner, noise=NOISES[1 - runs // 2 % 2])
        return Style(runs // 2 % 3, runs // 6 % 2 == 1, NOISES[runs // 12 % 2])

    def is_failing(self) -> bool:
        """Return whether another target should have its turn: once in `TRIES` runs."""
        if self.runs - self.failed_at < TRIES:
            return False
        self.failed_at = self.runs
        return True


class Cluster(BestOffsets):
    """Items with their best offsets so far and the largest refuted capacity, all in units."""

    def __init__(
        self, items: Sequence[Item], offsets: Sequence[int], settings: ProofSettings = USUAL
    ) -> None:
        """Start from items that all need room, and offsets at which they do not overlap."""
        super().__init__(items, offsets)
        self._settings = settings
        self.refuted = -1
        self._attempts: dict[int, TargetAttempt] = {}
        """By target; the one that was tried last is the last."""
        self._aims = Aims()
        self._turn = 0
        self._winner: Style | None = None
        """The style of the run that found the best offsets."""

    @cached_property
    def _layout(self) -> Layout:
        return layout(self.items)

    def target(self, bound: int) -> int:
        """Return the capacity to try next: in turn the bound, and a size between it and the best one."""
        self._turn += 1
        if self._turn % 2:
            return bound
        return self._aims.next(bound, self.size, (self.size - bound) >> COARSE + self._aims.round)

    def probe(self, target: int, limits: Limits, watch: Watch, jobs: int) -> int:
        """Try for a while to fit the items into a capacity; return the number of states that took."""
        attempt = self._attempt(target, limits.seed)
        if attempt.runs >= attempt.solver_at:
            return self._solve(target, attempt, limits, watch, jobs)
        before = attempt.search.nodes
        nodes = round(max(self._settings.first_run, 2 * len(self.items)) * 1.03**attempt.runs)
        style = attempt.style(self._winner)
        fits = attempt.search.run(nodes, style, lambda: watch.reached(limits, 0) is not None)
        attempt.runs += 1
        if fits is None and attempt.is_failing():
            self._aims.fail(target)
        if fits:
            self._winner = style
        if fits is not None:
            self._settle(target, attempt.search.offsets() if fits else None)
        return attempt.search.nodes - before + 1

    def _attempt(self, target: int, seed: int) -> TargetAttempt:
        """Return the attempt at a target; a new one may replace the one that was tried longest ago."""
        attempt = self._attempts.pop(target, None)
        if attempt is None:
            self._attempts = {t: a for t, a in self._attempts.items() if self.refuted < t < self.size}
            if len(self._attempts) == KEPT:
                del self._attempts[next(iter(self._attempts))]
            is_between = self._turn > 0 and self._turn % 2 == 0
            table = TABLE_BYTES // KEPT if is_between else TABLE_BYTES
            search = Search(self._layout, target, self._settings.rules, seed + self._aims.round, table)
            attempt = TargetAttempt(search, self._settings.solver_after, self._settings.first_work)
        self._attempts[target] = attempt
        return attempt

    def _solve(self, target: int, attempt: TargetAttempt, limits: Limits, watch: Watch, jobs: int) -> int:
        from hmcos.allocation.exact.constraint import Effort, constrain  # noqa: PLC0415 (OR-Tools takes 340 ms)

        attempt.solver_at *= 3
        if entries(self.items) > SOLVER_ROOM:
            return 0
        left = watch.left(limits).seconds
        effort = Effort(
            work=attempt.work,
            seconds=1e6 if left is None else max(left, 0.01),
            seed=limits.seed + attempt.runs,
            jobs=jobs,
            stop=partial(watch.is_over, limits),
        )
        answer = constrain(self.items, target, effort)
        if answer is not None:
            self._settle(target, answer or None)
        spent = round(attempt.work * STATES_PER_WORK)
        attempt.work = min(2 * attempt.work, self._settings.most_work)
        return spent

    def _settle(self, target: int, offsets: list[int] | None) -> None:
        """Record the answer for a target, None if nothing fits."""
        if offsets is None:
            self.refuted = max(self.refuted, target)
        else:
            self.adopt(offsets)
