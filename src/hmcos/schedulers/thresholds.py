"""The exact search over one stretch: which thresholds to try, in which order, with how many states.

A probe asks whether an order within a threshold exists. A refuted probe raises the lower bound to the
least need that it set aside, a path lowers the peak to that of its own order. Stepping through the
thresholds from the lower bound is quick when the bound is close; bracketing the gap is far better when
it is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hmcos.hierarchy.joins import join
from hmcos.memory.problem import Problem
from hmcos.memory.profile import peak
from hmcos.schedulers.descent import Descent, Rules
from hmcos.schedulers.moves import Moves

SLICE = 256
"""States after which the two directions take turns."""
FIRST_STEPS = 2_000
"""States that stepping may enter before bracketing takes over."""
FIRST_PROBE = 1_000
"""States of each bracketing probe in the first round; doubled while nothing is decided."""


class Probe:
    """Both directions at one threshold, in slices, in turn; the first to decide ends both."""

    def __init__(self, moves: list[Moves], threshold: int, rules: Rules) -> None:
        self.threshold = threshold
        self.moves = moves
        self.directions = [Descent(found, threshold, rules) for found in moves]
        self.turn = 0

    @property
    def remembered(self) -> int:
        """The number of states held in memory."""
        return sum(direction.remembered for direction in self.directions)

    def advance(self, quota: int) -> tuple[bool | None, int]:
        """Return whether a path exists (None: undecided after `quota` states) and the states entered."""
        entered = 0
        while entered < quota:
            direction = self.directions[self.turn]
            before = direction.states
            decided = direction.advance(SLICE)
            entered += direction.states - before
            if decided is not None:
                return decided, entered
            self.turn = (self.turn + 1) % len(self.directions)
        return None, entered

    def order(self) -> list[int]:
        """Return the operators along the path that was found."""
        direction, moves = self.directions[self.turn], self.moves[self.turn]
        path = direction.path or []
        if moves.backward:
            path = path[::-1]
        return [op for c in path for op in moves.sequences[c]]

    @property
    def least_need(self) -> int:
        """Once refuted: no order exists at any threshold below this."""
        return self.directions[self.turn].least_need


class Stretch:
    """A stretch under search: the best order so far, its peak, and a lower bound that is always proved."""

    def __init__(
        self, problem: Problem, order: Sequence[int], reached: int, rules: Rules, budget: int | None
    ) -> None:
        self.problem = problem
        self.order = order
        self.peak = reached
        self.lower_bound = 0
        self.rules = rules
        self.budget = budget
        self.states = 0
        sequences = join(problem, forward=rules.join_forward, mirror=rules.join_mirror)
        both = [(False, rules.forward or not rules.backward), (True, rules.backward)]
        self.moves = [Moves(problem, sequences, backward=way) for way, used in both if used]
        self._probes: dict[int, Probe] = {}
        self._search = self._probe_all() if budget is None else self._probe_budget(budget)

    @property
    def remembered(self) -> int:
        """The number of states held in memory."""
        return sum(probe.remembered for probe in self._probes.values())

    def raise_bound(self, bound: int) -> None:
        """Take over a bound of the whole problem: it is enough to get within it."""
        self.lower_bound = max(self.lower_bound, bound)

    def advance(self) -> None:
        """Search on for one slice, if anything is open."""
        next(self._search, None)

    def _probe_budget(self, budget: int) -> Iterator[None]:
        """Ask the one question of whether an order is within the budget, to the end."""
        while self.lower_bound <= budget < self.peak:
            yield from self._probe(budget, FIRST_STEPS)

    def _probe_all(self) -> Iterator[None]:
        """Step, then bracket, until peak and lower bound meet; yield after every slice."""
        while self.rules.stepping and self.states < FIRST_STEPS and self.peak > self.lower_bound:
            yield from self._probe(self.lower_bound, FIRST_STEPS - self.states)
        quota = FIRST_PROBE
        while self.peak > self.lower_bound:
            yield from self._bracket(quota)
            quota *= 2

    def _bracket(self, quota: int) -> Iterator[None]:
        """Probe the gap at 1/2, 3/4, 1/4, 7/8, ... until one probe decides, then again."""
        low, high = self.lower_bound, self.peak
        for part, parts in ((1, 2), (3, 4), (1, 4), (7, 8), (5, 8), (3, 8), (1, 8), (0, 1)):
            threshold = low + (high - 1 - low) * part // parts
            yield from self._probe(threshold, quota)
            if (low, high) != (self.lower_bound, self.peak):
                return

    def _probe(self, threshold: int, quota: int) -> Iterator[None]:
        """Advance the probe at a threshold by so many states at most; keep it when it stays undecided."""
        probe = self._probes.get(threshold)
        if probe is None:
            probe = self._probes[threshold] = Probe(self.moves, threshold, self.rules)
        while quota > 0:
            decided, entered = probe.advance(min(quota, 2 * SLICE))
            self.states += entered
            quota -= max(entered, 1)
            if decided is True:
                self.order = probe.order()
                self.peak = min(self.peak, peak(self.problem, self.order))
            elif decided is False:
                self.lower_bound = max(self.lower_bound, min(probe.least_need, self.peak))
            if decided is not None or not self.lower_bound <= threshold < self.peak:
                break
            yield
        outside = [t for t in self._probes if not self.lower_bound <= t < self.peak]
        for t in outside:
            del self._probes[t]
        yield
