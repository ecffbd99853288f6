"""The scheduler `optimal`: a least-peak order with a proof, by bounds, cheap orders, cuts and search."""

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
from hmcos.schedulers.idle import without_idle
from hmcos.schedulers.partners.partners import Partners, partners_for
from hmcos.schedulers.scheduler import conclude


def optimal(problem: Problem, limits: Limits, watch: Watch) -> Schedule:
    """Return an order with the least peak and its proof, or the best order and bound when a limit ends it."""
    return without_idle(_with_all_rules)(problem, limits, watch)


def _with_all_rules(problem: Problem, limits: Limits, watch: Watch) -> Schedule:
    return search(problem, limits, watch, PruningRules())


def search(
    problem: Problem, limits: Limits, watch: Watch, rules: PruningRules, partners: Partners | None = None
) -> Schedule:
    """Return the schedule of the exact search with the given pruning rules switched on.

    `partners` help it; None means those that the limits allow.
    """
    partners = partners_for(limits, rules) if partners is None else partners
    settling = _Settling(problem, limits, watch, rules, partners)
    try:
        limit = settling.settle()
    finally:
        partners.close()
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
    """Lowers the peak and raises the lower bound until they meet: first on the whole, then by pieces."""

    def __init__(
        self, problem: Problem, limits: Limits, watch: Watch, rules: PruningRules, partners: Partners
    ) -> None:
        self._problem = problem
        self._partners = partners
        self._limits = limits
        self._watch = watch
        self._rules, self._pace = rules, rules.pace
        self.order: Sequence[int] = range(problem.operators)
        """The best order so far."""
        self.peak = peak(problem, self.order)
        self.lower_bound = operand_bound(problem)
        self.states = 0
        self._reduction: Reduction | None = None

    def settle(self) -> Status | None:
        """Search until peak and bound meet or the budget is decided; return the limit that came first."""
        limit = self._settle()
        if limit and self._limits.budget is None:
            self._try_cheap_orders()
            self._take_over()
        return limit

    def _settle(self) -> Status | None:
        if self._limits.budget is not None:
            self._try_cheap_orders()
        if self._decided():
            return None
        if self._rules.stepping and self._problem.operators <= self._pace.quick_operators:
            limit = self._try_whole()
        else:
            limit = self._bound()
        if limit or self._decided():
            return limit
        reduction = self._reduction = Reduction(
            self._problem, self.order, self.lower_bound, self._limits.budget or 0, self._rules
        )
        limit = self._reduce(reduction) or self._search_pieces(reduction)
        self._adopt(reduction)
        return limit

    def _try_cheap_orders(self) -> None:
        """Try the cheap orders and keep the best; stop as soon as the problem, or the budget, is decided."""
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
        """Search the whole briefly, compute the must-live bound, search on; return the limit reached."""
        whole = Stretch(self._problem, self.order, self.peak, self._rules)
        limit = self._pursue(whole, self._pace.instant_states)
        if limit or self._decided():
            return limit
        limit = self._bound()
        if limit or self._decided():
            return limit
        return self._pursue(whole, self._pace.quick_states)

    def _pursue(self, whole: Stretch, states: int) -> Status | None:
        """Step through thresholds, or ask for the budget, up to this many states in all; return the limit."""
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
        """Bound and cut until only search can settle the remaining pieces; return the limit reached."""
        while not reduction.advance():
            self._adopt(reduction)
            self._watch.progress("bounds", self.peak, self.lower_bound, self.states)
            if limit := self._watch.reached(self._limits, 0):
                return limit
        return None

    def _search_pieces(self, reduction: Reduction) -> Status | None:
        """Search each hard piece for a while, the smallest first, then always one with the largest peak."""
        for piece in sorted(reduction.hard, key=lambda piece: len(piece.order)):
            while self._is_open(piece, reduction) and piece.states < self._pace.first_round:
                if limit := self._advance(piece, reduction):
                    return limit
        return self._search_highest(reduction)

    def _search_highest(self, reduction: Reduction) -> Status | None:
        """Search always one with the largest peak, until partners or the search itself have proved it."""
        while waiting := [i for i, piece in enumerate(reduction.hard) if self._is_open(piece, reduction)]:
            number = max(waiting, key=lambda i: reduction.hard[i].peak)
            piece = reduction.hard[number]
            if self._partners.bound(number) >= piece.peak:
                # The search would go on with this piece until it proved the same, and change no order.
                reduction.lower_bound = piece.peak
                return None
            if limit := self._advance(piece, reduction):
                return limit
            self._partners.work_beside(number, piece)
        return None

    def _is_open(self, piece: Piece, reduction: Reduction) -> bool:
        budget = self._limits.budget
        refuted = budget is not None and reduction.lower_bound > budget
        return not refuted and reduction.is_open(piece)

    def _advance(self, piece: Piece, reduction: Reduction) -> Status | None:
        """Search a piece for one more slice; return the limit that was reached."""
        before = piece.states
        reduction.search(piece, self._limits.budget)
        self.states += piece.states - before
        self._adopt(reduction)
        self._watch.progress("search", self.peak, self.lower_bound, self.states)
        remembered = sum(other.remembered for other in reduction.hard)
        if self._partners.remembered and remembered + self._partners.remembered >= self._limits.states:
            self._partners.give_way()
        return self._watch.reached(self._limits, remembered)

    def _take_over(self) -> None:
        """Adopt what partners found if a limit ended the search undecided."""
        reduction = self._reduction
        if reduction is None or self._decided():
            return
        for number, piece in enumerate(reduction.hard):
            reduction.lower_bound = max(reduction.lower_bound, self._partners.bound(number))
            order = self._partners.order(number)
            if order is not None and (reached := peak(piece.problem, order)) < piece.peak:
                piece.order, piece.peak = order, reached
        self.lower_bound, order = reduction.lower_bound, reduction.whole.operators()
        if (reached := peak(self._problem, order)) < self.peak:
            self.order, self.peak = order, reached

    def _adopt(self, reduction: Reduction) -> None:
        self.lower_bound = reduction.lower_bound
        self.peak = max(self.lower_bound, *(piece.peak for piece in reduction.whole.leaves()))
        self.order = reduction.whole.operators()
