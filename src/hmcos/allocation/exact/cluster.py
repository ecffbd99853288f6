"""Items that are searched together, and what is known about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from hmcos.allocation.exact.rules import Style
from hmcos.allocation.exact.search import Search
from hmcos.allocation.fit import count_pairs, highest_end
from hmcos.allocation.items import Item
from hmcos.allocation.sections import entries
from hmcos.limits import Limits, Watch

FIRST_RUN = 300
"""Situations of the first run at a target, twice the number of items if that is more; each later run
is 3 % longer. A run that enters fewer situations than there are items cannot place them all."""
SOLVER_AFTER = 12
"""Runs before the constraint solver has its first turn; its later turns come after twice as many."""
FIRST_WORK = 0.1
"""Work of its first turn, in its own measure (some ten seconds each); doubled each time up to `MOST_WORK`."""
MOST_WORK = 0.8
SOLVER_ROOM = 200_000
"""Intervals beyond which it is not asked: to build its model would take longer than its turn."""
LARGEST = 3_000_000
"""Entries of the search's tables beyond which there is none: they would take more than half a gigabyte."""
STATES_PER_WORK = 100_000
"""What one of these counts for in `Limits.states`: about what the search enters in that time."""


@dataclass(slots=True)
class TargetAttempt:
    """Work on one target."""

    search: Search
    runs: int = 0
    solver_at: int = SOLVER_AFTER
    work: float = FIRST_WORK

    def style(self) -> Style:
        """Return the style of the next run: three rankings, then the same again with weights and noise."""
        return Style(self.runs % 3, self.runs // 3 % 2 == 1, 0.5 if self.runs >= 3 else 0.0)


class Cluster:
    """Items, the best offsets so far, and the largest capacity that was refuted, in units."""

    def __init__(self, items: Sequence[Item], offsets: Sequence[int]) -> None:
        """Take items, each of which needs room, and offsets at which they do not meet."""
        self._items = tuple(items)
        self.offsets = list(offsets)
        self.size = highest_end(items, offsets)
        self.refuted = -1
        self._attempts: dict[int, TargetAttempt] = {}
        self._turn = 0

    @cached_property
    def is_too_large(self) -> bool:
        """Whether the tables of a search would be too large: who meets whom, and who is alive when."""
        return count_pairs(self._items) + entries(self._items) > LARGEST

    def target(self, bound: int) -> int:
        """Return the capacity to try next: in turn the bound, and halfway from it to the best."""
        self._turn += 1
        return bound if self._turn % 2 else (bound + self.size - 1) // 2

    def probe(self, target: int, limits: Limits, watch: Watch, jobs: int) -> int:
        """Try to fit into a capacity for a while; return the states that it took."""
        attempt = self._attempts.get(target)
        if attempt is None:
            attempt = self._attempts[target] = TargetAttempt(Search(self._items, target, seed=limits.seed))
        if attempt.runs >= attempt.solver_at:
            return self._solve(target, attempt, limits, watch, jobs)
        before = attempt.search.nodes
        nodes = round(max(FIRST_RUN, 2 * len(self._items)) * 1.03**attempt.runs)
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
        attempt.work = min(2 * attempt.work, MOST_WORK)
        return spent

    def _settle(self, target: int, offsets: list[int] | None) -> None:
        """Take note of the answer for a target, and forget targets that are decided by it."""
        if offsets is None:
            self.refuted = max(self.refuted, target)
        else:
            self.offsets, self.size = offsets, highest_end(self._items, offsets)
        self._attempts = {t: a for t, a in self._attempts.items() if self.refuted < t < self.size}
