"""A cluster: items that are searched together, with the best offsets and the bound so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from hmcos.allocation.exact.placement_rules import ALL_RULES, PlacementRules, Style
from hmcos.allocation.exact.search import Search
from hmcos.allocation.fit import highest_end
from hmcos.allocation.items import Item
from hmcos.allocation.sections import entries
from hmcos.limits import Limits, Watch

SOLVER_ROOM = 200_000
"""With more intervals than this the solver gets no turn: building its model would take longer than that."""
STATES_PER_WORK = 100_000
"""How many of `Limits.states` one unit of solver work counts for: what the search enters in that time."""


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

    def style(self) -> Style:
        """Return the style of the next run: three rankings in turn, then also with weights and noise."""
        return Style(self.runs % 3, self.runs // 3 % 2 == 1, 0.5 if self.runs >= 3 else 0.0)


class Cluster:
    """Items with their best offsets so far and the largest refuted capacity, all in units."""

    def __init__(
        self, items: Sequence[Item], offsets: Sequence[int], settings: ProofSettings = USUAL
    ) -> None:
        """Start from items that all need room, and offsets at which they do not overlap."""
        self._items = tuple(items)
        self._settings = settings
        self.offsets = list(offsets)
        self.size = highest_end(items, offsets)
        self.refuted = -1
        self._attempts: dict[int, TargetAttempt] = {}
        self._turn = 0

    def target(self, bound: int) -> int:
        """Return the capacity to try next: in turn the bound, and halfway from it to the best size."""
        self._turn += 1
        return bound if self._turn % 2 else (bound + self.size - 1) // 2

    def probe(self, target: int, limits: Limits, watch: Watch, jobs: int) -> int:
        """Try for a while to fit the items into a capacity; return the number of states that took."""
        attempt = self._attempts.get(target)
        if attempt is None:
            search = Search(self._items, target, self._settings.rules, limits.seed)
            attempt = TargetAttempt(search, self._settings.solver_after, self._settings.first_work)
            self._attempts[target] = attempt
        if attempt.runs >= attempt.solver_at:
            return self._solve(target, attempt, limits, watch, jobs)
        before = attempt.search.nodes
        nodes = round(max(self._settings.first_run, 2 * len(self._items)) * 1.03**attempt.runs)
        fits = attempt.search.run(nodes, attempt.style(), lambda: watch.reached(limits, 0) is not None)
        attempt.runs += 1
        if fits is not None:
            self._settle(target, attempt.search.offsets() if fits else None)
        return attempt.search.nodes - before + 1

    def _solve(self, target: int, attempt: TargetAttempt, limits: Limits, watch: Watch, jobs: int) -> int:
        from hmcos.allocation.exact.constraint import Effort, constrain  # noqa: PLC0415 (OR-Tools takes 340 ms)

        attempt.solver_at *= 3
        if entries(self._items) > SOLVER_ROOM:
            return 0
        left = watch.left(limits).seconds
        effort = Effort(
            work=attempt.work,
            seconds=1e6 if left is None else max(left, 0.01),
            seed=limits.seed + attempt.runs,
            jobs=jobs,
            stop=partial(watch.is_over, limits),
        )
        answer = constrain(self._items, target, effort)
        if answer is not None:
            self._settle(target, answer or None)
        spent = round(attempt.work * STATES_PER_WORK)
        attempt.work = min(2 * attempt.work, self._settings.most_work)
        return spent

    def adopt(self, offsets: Sequence[int]) -> None:
        """Keep offsets if they are better than the best."""
        size = highest_end(self._items, offsets)
        if size < self.size:
            self.offsets, self.size = list(offsets), size
            self._drop_decided()

    def _settle(self, target: int, offsets: list[int] | None) -> None:
        """Record the answer for a target, None if nothing fits, and drop the targets that it decides."""
        if offsets is None:
            self.refuted = max(self.refuted, target)
        else:
            self.offsets, self.size = offsets, highest_end(self._items, offsets)
        self._drop_decided()

    def _drop_decided(self) -> None:
        self._attempts = {t: a for t, a in self._attempts.items() if self.refuted < t < self.size}
