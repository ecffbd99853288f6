"""The order with the least peak, with a proof: bounds, cheap orders, cuts, and the exact search."""

from __future__ import annotations

import time

from hmcos.memory.problem import Problem
from hmcos.plan.limits import Limits, Observer
from hmcos.plan.schedule import Schedule, Status
from hmcos.schedulers.base import conclude
from hmcos.schedulers.descent import Rules
from hmcos.schedulers.pieces import Piece, Reduction
from hmcos.schedulers.thresholds import Stretch

FIRST_ROUND = 2_000
"""States that each piece may enter before all effort goes to the piece with the largest peak."""


def optimal(problem: Problem, limits: Limits, observer: Observer) -> Schedule:
    """Return an order with the least peak and the proof, or the best of both when a limit is reached."""
    return search(problem, limits, observer, Rules())


def search(problem: Problem, limits: Limits, observer: Observer, rules: Rules) -> Schedule:
    """Return the schedule that the exact search finds under the given pruning rules."""
    if problem.operators == 0:
        size = sum(problem.sizes)
        return Schedule((), size, size, conclude(size, size, limits.budget, Status.OPTIMAL), "optimal", 0.0)
    settling = _Settling(problem, limits, observer, rules)
    limit = settling.reduce() or settling.search()
    order, bound = tuple(settling.whole.operators()), settling.lower_bound
    reached = settling.peak
    status = conclude(reached, bound, limits.budget, limit or Status.FEASIBLE)
    seconds = time.perf_counter() - limits.started
    return Schedule(order, reached, bound, status, "optimal", seconds, settling.states)


class _Settling:
    """Brings the peak and the lower bound of a problem together, piece by piece."""

    def __init__(self, problem: Problem, limits: Limits, observer: Observer, rules: Rules) -> None:
        self._reduction = Reduction(problem, limits.budget or 0, rules)
        self._limits = limits
        self._observer = observer
        self._rules = rules
        self.whole = self._reduction.whole
        self.states = 0

    @property
    def lower_bound(self) -> int:
        """No order has a lower peak."""
        return self._reduction.lower_bound

    @property
    def peak(self) -> int:
        """The peak of the best order so far."""
        return max(self.lower_bound, *(piece.peak for piece in self.whole.leaves()))

    def reduce(self) -> Status | None:
        """Bound and cut until only search can settle what is left; return the limit that ended it early."""
        while not self._reduction.advance():
            self._observer.progress("bounds", self.peak, self.lower_bound, 0)
            if limit := self._limits.reached(0):
                return limit
        return None

    def search(self) -> Status | None:
        """Search the hard pieces: all for a while, smallest first, then the one with the largest peak."""
        for piece in sorted(self._reduction.hard, key=lambda piece: len(piece.order)):
            while self._is_open(piece) and (piece.search is None or piece.search.states < FIRST_ROUND):
                if limit := self._advance(piece):
                    return limit
        while waiting := [piece for piece in self._reduction.hard if self._is_open(piece)]:
            if limit := self._advance(max(waiting, key=lambda piece: piece.peak)):
                return limit
        return None

    def _is_open(self, piece: Piece) -> bool:
        budget = self._limits.budget
        refuted = budget is not None and self.lower_bound > budget
        return not refuted and self._reduction.is_open(piece)

    def _advance(self, piece: Piece) -> Status | None:
        """Search on in a piece for a slice; return the limit that is reached."""
        if piece.search is None:
            piece.search = Stretch(piece.problem, piece.order, piece.peak, self._rules, self._limits.budget)
        search = piece.search
        before = search.states
        search.raise_bound(self.lower_bound)
        search.advance()
        self.states += search.states - before
        piece.order, piece.peak = search.order, search.peak
        self._reduction.lower_bound = max(self.lower_bound, search.lower_bound)
        self._observer.progress("search", self.peak, self.lower_bound, self.states)
        remembered = sum(other.search.remembered for other in self._reduction.hard if other.search)
        return self._limits.reached(remembered)
