"""A problem cut into pieces at states that some optimal order passes through.

The optimum of the whole is the largest optimum of any piece. So the peak of a piece need not be least: it is
enough if it is no higher than the lower bound of the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from hmcos.memory.bounds import must_live_bound
from hmcos.memory.forced import forced_states
from hmcos.memory.problem import Problem
from hmcos.memory.profile import peak
from hmcos.schedulers.exact.commits import PruningRules
from hmcos.schedulers.exact.descent import Descent
from hmcos.schedulers.exact.effects import Effects
from hmcos.schedulers.exact.joins import join
from hmcos.schedulers.exact.moves import Moves
from hmcos.schedulers.exact.splitting import Line
from hmcos.schedulers.exact.thresholds import Stretch
from hmcos.schedulers.simple.greedy import least_running_memory
from hmcos.schedulers.simple.rpo import reverse_post_order
from hmcos.schedulers.simple.walks import breadth_first, depth_first

CHEAP: tuple[Callable[[Problem], list[int]], ...] = (
    reverse_post_order,
    least_running_memory,
    breadth_first,
    depth_first,
)
"""Orders that are tried before any search."""

TINY = 16
"""A piece of at most this many operators is searched at once, without further cuts."""
TINY_STATES = 500
"""States of such a search at most."""


@dataclass
class Piece:
    """The part of a problem between two states that some optimal order passes through."""

    line: Line
    """The order that the piece is cut from."""
    start: int
    stop: int
    """The piece holds the steps [start, stop) of the line; they are its operators 0, 1, ..."""
    numbering: Sequence[int]
    """Per operator of the piece: its number in the whole problem."""
    order: Sequence[int]
    """The best order so far, in numbers of the piece."""
    peak: int
    """The peak of the best order so far, in bytes."""
    parts: list[Piece] = field(default_factory=list["Piece"])
    """Once it is cut: the smaller pieces that replace it, in running order."""
    search: Stretch | None = None
    """Its search, once that has begun."""
    turns: Iterator[None] = field(default_factory=lambda: iter(()))
    """Each `next` runs one more slice of its search."""

    @property
    def states(self) -> int:
        """The number of states that its search has entered."""
        return self.search.states if self.search else 0

    @property
    def remembered(self) -> int:
        """The number of states that its search holds in memory."""
        return self.search.remembered if self.search else 0

    @cached_property
    def problem(self) -> Problem:
        """The piece as a problem of its own."""
        line = self.line
        whole = self.stop - self.start == len(line.order) and isinstance(line.order, range)
        return line.problem if whole else line.stretch(self.start, self.stop)

    def cut(self, line: Line, states: Sequence[int]) -> list[Piece]:
        """Cut the piece along an order in its numbers, at prefixes of these lengths; return the parts."""
        for start, stop in pairwise(states):
            if start < stop:
                numbering = [self.numbering[k] for k in line.order[start:stop]]
                self.parts.append(
                    Piece(line, start, stop, numbering, range(stop - start), line.peak(start, stop))
                )
        return list(self.parts)

    def leaves(self) -> Iterator[Piece]:
        """Yield the pieces that are not cut any further, in running order."""
        stack: list[Piece] = [self]
        while stack:
            piece = stack.pop()
            if piece.parts:
                stack += reversed(piece.parts)
            else:
                yield piece

    def operators(self) -> list[int]:
        """Return the operators of the whole problem in the best order so far."""
        return [piece.numbering[k] for piece in self.leaves() for k in piece.order]


class Reduction:
    """Applies bounds, cheap orders, cuts and commits, down to the pieces that only search can settle."""

    def __init__(
        self, problem: Problem, order: Sequence[int], lower_bound: int, budget: int, rules: PruningRules
    ) -> None:
        n = problem.operators
        best = Line(problem, order)
        self.whole = Piece(Line(problem, range(n)), 0, n, range(n), order, best.along.peak)
        self.lower_bound = lower_bound
        """Bytes; no order of the whole has a lower peak."""
        self.hard: list[Piece] = []
        """The pieces that are left for search because they cannot be cut any further."""
        self._budget = budget
        self._rules = rules
        self._examined: list[Piece] = []
        self._fresh = [self.whole]
        if rules.split:
            self._fresh = self.whole.cut(best, forced_states(problem, order))

    def is_open(self, piece: Piece) -> bool:
        """Return whether the peak of a piece is still too high: above both the lower bound and the budget."""
        return piece.peak > max(self.lower_bound, self._budget)

    def advance(self) -> bool:
        """Reduce one piece; return whether no piece is left to reduce.

        New pieces are bounded from the highest peak down: this raises the lower bound early, and most of the
        others turn out to be low enough without a look. Then the smallest piece that is still open is shrunk.
        """
        self._fresh.sort(key=lambda piece: piece.peak)
        while self._fresh and self.is_open(self._fresh[-1]):
            piece = self._fresh.pop()
            self._examine(piece)
            if self.is_open(piece) and len(piece.order) <= TINY:
                self._settle(piece)
            self._examined.append(piece)
        self._examined = [piece for piece in self._examined if self.is_open(piece)]
        self._examined.sort(key=lambda piece: -len(piece.order))
        self._fresh = []
        if self._examined:
            piece = self._examined.pop()
            self._fresh = self._shrink(piece)
            if not self._fresh:
                self.hard.append(piece)
        return not self._fresh and not self._examined

    def search(self, piece: Piece, budget: int | None) -> None:
        """Search a hard piece for one more slice; with a budget, only ask whether it fits that."""
        if piece.search is None:
            piece.search = Stretch(piece.problem, piece.order, piece.peak, self._rules)
            piece.turns = piece.search.meet() if budget is None else piece.search.ask(budget)
        piece.search.raise_bound(self.lower_bound)
        next(piece.turns, None)
        piece.order, piece.peak = piece.search.order, piece.search.peak
        self.lower_bound = max(self.lower_bound, piece.search.lower_bound)

    def _examine(self, piece: Piece) -> None:
        """Compute the bound of a piece, then try cheap orders while its peak is too high."""
        self.lower_bound = max(self.lower_bound, must_live_bound(piece.problem))
        for cheap in CHEAP:
            if not self.is_open(piece):
                return
            order = cheap(piece.problem)
            reached = peak(piece.problem, order)
            if reached < piece.peak:
                piece.order, piece.peak = order, reached

    def _settle(self, piece: Piece) -> None:
        """Search a tiny piece at once: the bound it proves often settles many similar pieces."""
        search = Stretch(piece.problem, piece.order, piece.peak, self._rules)
        search.raise_bound(self.lower_bound)
        for _ in search.step(TINY_STATES):
            pass
        piece.order, piece.peak = search.order, search.peak
        self.lower_bound = max(self.lower_bound, search.lower_bound)

    def _shrink(self, piece: Piece) -> list[Piece]:
        """Commit from both ends within the lower bound and cut what remains; return the parts, if any."""
        if not self._rules.commit_ends:
            return []
        problem = piece.problem
        first = _committed(problem, self.lower_bound, self._rules, backward=False)
        rest = _without(piece.order, first)
        remaining = Line(problem, [*first, *rest]).stretch(len(first), problem.operators)
        last = [rest[k] for k in _committed(remaining, self.lower_bound, self._rules, backward=True)]
        middle = _without(rest, last)
        line = Line(problem, [*first, *middle, *last])
        start, stop = len(first), len(first) + len(middle)
        states = forced_states(line.stretch(start, stop), range(len(middle))) if middle else []
        if not first and not last and len(states) <= 2:
            return []
        return piece.cut(line, [0, start, *(start + state for state in states), stop, problem.operators])


def _committed(problem: Problem, threshold: int, rules: PruningRules, *, backward: bool) -> list[int]:
    """Return the operators that can be committed from one end within a threshold, in running order."""
    sequences = join(problem, forward=rules.join_forward, mirror=rules.join_mirror)
    moves = Moves(problem, sequences, backward=backward)
    descent = Descent(Effects(moves, rules.pace.often), threshold, rules)
    committed = descent.path or descent.root.steps
    return [op for c in (committed[::-1] if backward else committed) for op in sequences[c]]


def _without(order: Sequence[int], gone: Sequence[int]) -> list[int]:
    """Return an order without some of its operators."""
    taken = set(gone)
    return [op for op in order if op not in taken]
