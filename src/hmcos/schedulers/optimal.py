"""The order with the least peak, with a proof: bounds, cheap orders, cuts, and the exact search."""

from __future__ import annotations

from collections.abc import Sequence

from hmcos.limits import Limits, Status, Watch
from hmcos.memory.bounds import must_live_bound, operand_bound
from hmcos.memory.problem import Problem
from hmcos.memory.profile import peak
from hmcos.plan.schedule import Schedule
from hmcos.schedulers.exact.commits import PruningRules
from hmcos.schedulers.exact.pieces import CHEAP, Piece, Reduction
from hmcos.schedulers.exact.thresholds import Stretch
from hmcos.schedulers.scheduler import conclude

QUICK_OPERATORS = 1_500
"""Problems up to this size are first searched as they are, since cutting them would take longer."""
INSTANT_STATES = 300
"""States of a search that may make even the must-live bound unnecessary."""
QUICK_STATES = 6_000
FIRST_ROUND = 2_000
"""States that each piece may enter before all effort goes to the piece with the largest peak."""


def optimal(problem: Problem, limits: Limits, watch: Watch) -> Schedule:
    """Return an order with the least peak and the proof, or the best of both when a limit is reached."""
    return search(problem, limits, watch, PruningRules())


def search(problem: Problem, limits: Limits, watch: Watch, rules: PruningRules) -> Schedule:
    """Return the schedule that the exact search finds under the given pruning rules."""
    settling = _Settling(problem, limits, watch, rules)
    limit = settling.settle()
    status = conclude(settling.peak, settling.lower_bound, limits.budget, limit or Status.FEASIBLE)
    return Schedule(
        tuple(settling.order),
        settling.peak,
        settling.lower_bound,
        status,
        "optimal",
        watch.seconds,
        settling.states,
    )


class _Settling:
    """Brings the peak and the lower bound of a problem together: the whole at first, then by pieces."""

    def __init__(self, problem: Problem, limits: Limits, watch: Watch, rules: PruningRules) -> None:
        self._problem = problem
        self._limits = limits
        self._watch = watch
        self._rules = rules
        self.order: Sequence[int] = range(problem.operators)
        """The best order so far."""
        self.peak = peak(problem, self.order)
        self.lower_bound = operand_bound(problem)
        self.states = 0

    def settle(self) -> Status | None:
        """Search until peak and bound meet, or the budget is decided; return the limit that came first."""
        limit = self._settle()
        if limit and self._limits.budget is None:
            self._try_cheap_orders()
        return limit

    def _settle(self) -> Status | None:
        if self._limits.budget is not None:
            self._try_cheap_orders()
        if self._decided():
            return None
        if self._rules.stepping and self._problem.operators <= QUICK_OPERATORS:
            limit = self._try_whole()
        else:
            limit = self._bound()
        if limit or self._decided():
            return limit
        reduction = Reduction(
            self._problem, self.order, self.lower_bound, self._limits.budget or 0, self._rules
        )
        limit = self._reduce(reduction) or self._search_pieces(reduction)
        self._take_over(reduction)
        return limit

    def _try_cheap_orders(self) -> None:
        """Take the best of the cheap orders, if it is better; with a budget, the first that settles it."""
        for cheap in CHEAP:
            if self._decided():
                return
            order = cheap(self._problem)
            reached = peak(self._problem, order)
            if reached < self.peak:
                self.order, self.peak = order, reached

    def _decided(self) -> bool:
        budget = self._limits.budget
        fits_or_not = budget is not None and (self.peak <= budget or self.lower_bound > budget)
        return fits_or_not or self.peak <= self.lower_bound

    def _bound(self) -> Status | None:
        self.lower_bound = max(self.lower_bound, must_live_bound(self._problem))
        return self._watch.reached(self._limits, 0)

    def _try_whole(self) -> Status | None:
        """Search the problem as it is for a moment, bound it, and search on; return the limit reached."""
        whole = Stretch(self._problem, self.order, self.peak, self._rules)
        limit = self._pursue(whole, INSTANT_STATES)
        if limit or self._decided():
            return limit
        limit = self._bound()
        if limit or self._decided():
            return limit
        return self._pursue(whole, QUICK_STATES)

    def _pursue(self, whole: Stretch, states: int) -> Status | None:
        """Step through thresholds, or ask for the budget, up to so many states in all."""
        budget = self._limits.budget
        whole.raise_bound(self.lower_bound)
        for _ in whole.step(states - whole.states) if budget is None else whole.ask(budget):
            self.order, self.peak, self.lower_bound = whole.order, whole.peak, whole.lower_bound
            self.states = whole.states
            limit = self._watch.reached(self._limits, whole.remembered)
            if limit or whole.states >= states:
                return limit
        return None

    def _reduce(self, reduction: Reduction) -> Status | None:
        """Bound and cut until only search can settle what is left; return the limit that is reached."""
        while not reduction.advance():
            self._take_over(reduction)
            self._watch.progress("bounds", self.peak, self.lower_bound, self.states)
            if limit := self._watch.reached(self._limits, 0):
                return limit
        return None

    def _search_pieces(self, reduction: Reduction) -> Status | None:
        """Search the hard pieces: all for a while, smallest first, then the one with the largest peak."""
        for piece in sorted(reduction.hard, key=lambda piece: len(piece.order)):
            while self._is_open(piece, reduction) and piece.states < FIRST_ROUND:
                if limit := self._advance(piece, reduction):
                    return limit
        while waiting := [piece for piece in reduction.hard if self._is_open(piece, reduction)]:
            if limit := self._advance(max(waiting, key=lambda piece: piece.peak), reduction):
                return limit
        return None

    def _is_open(self, piece: Piece, reduction: Reduction) -> bool:
        budget = self._limits.budget
        refuted = budget is not None and reduction.lower_bound > budget
        return not refuted and reduction.is_open(piece)

    def _advance(self, piece: Piece, reduction: Reduction) -> Status | None:
        """Search on in a piece for a slice; return the limit that is reached."""
        before = piece.states
        reduction.search(piece, self._limits.budget)
        self.states += piece.states - before
        self._take_over(reduction)
        self._watch.progress("search", self.peak, self.lower_bound, self.states)
        return self._watch.reached(self._limits, sum(other.remembered for other in reduction.hard))

    def _take_over(self, reduction: Reduction) -> None:
        self.lower_bound = reduction.lower_bound
        self.peak = max(self.lower_bound, *(piece.peak for piece in reduction.whole.leaves()))
        self.order = reduction.whole.operators()
