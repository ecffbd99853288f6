"""What the main process of a search and its partners tell each other: assignments, news and findings.

All partners work on the piece that the main process searches. Whoever uses a board takes care that one thread
uses it at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hmcos.memory.problem import Problem
from hmcos.schedulers.exact.pieces import Piece
from hmcos.schedulers.partners.partner import Assignment, Finding
from hmcos.schedulers.partners.untold import News, Untold, packed

TOLD = 4_096
"""After so many states of its own, the main process tells its partners what it has refuted."""


@dataclass
class Known:
    """What is known about a piece that partners worked on."""

    problem: Problem
    peak: int
    """The best of the main process and of all partners, in bytes."""
    directions: list[bool]
    """Those that partners search, in turn: whether each is backward."""
    lower_bound: int = 0
    """Proved by a partner, in bytes."""
    order: Sequence[int] | None = None
    """With this peak, if a partner found it."""

    @property
    def is_proved(self) -> bool:
        """Whether partners have nothing left to do for it."""
        return self.lower_bound >= self.peak


class Board:
    """The pieces, and what each partner was not yet told about the one that is searched."""

    def __init__(self, partners: int, told: int = TOLD) -> None:
        self.pieces: dict[int, Known] = {}
        """By number."""
        self._told = told
        self._current = -1
        """The number of the piece that the main process searches."""
        self._met = [-1] * partners
        """Per partner: the piece that it was asked about last."""
        self._news: dict[int, list[News]] = {partner: [] for partner in range(partners)}
        """Per partner that has not ended: what it was not yet told."""
        self._untold: dict[bool, Untold] = {}
        """Per direction: what the main process has not yet told."""
        self._states = 0
        """Of the main process, when it last told something."""

    def has_something_new(self, number: int, piece: Piece) -> bool:
        """Return whether partners should hear of what the main process has done."""
        if piece.search is None or not self._news:
            return False
        known = self.pieces.get(number)
        if known is None or number != self._current:
            return True
        if known.is_proved:
            return False
        return piece.peak < known.peak or piece.states - self._states >= self._told

    def tell(self, number: int, piece: Piece) -> None:
        """Assign the piece that the main process searches, and note what it has refuted there."""
        search = piece.search
        assert search is not None
        if number != self._current:
            self._untold, self._current = {}, number
            self._news = {partner: [] for partner in self._news}
        known = self.pieces.get(number)
        if known is None:
            known = self.pieces[number] = Known(piece.problem, piece.peak, search.favoured)
        if piece.peak < known.peak:
            known.peak, known.order = piece.peak, None
        self._states = piece.states
        if not known.is_proved:
            for backward in dict.fromkeys(known.directions):
                self._note(self._refuted(piece, backward=backward), None)

    def assignment(self, partner: int) -> Assignment | None:
        """Return what a partner should work on; None while there is nothing."""
        known = self.pieces.get(self._current)
        if known is None or known.is_proved:
            return None
        news, self._news[partner] = tuple(self._news[partner]), []
        problem = known.problem if self._met[partner] != self._current else None
        self._met[partner] = self._current
        backward = known.directions[partner % len(known.directions)]
        return Assignment(self._current, problem, known.peak, backward, news)

    def take(self, partner: int, number: int, finding: Finding) -> None:
        """Adopt what a partner found out about a piece."""
        known = self.pieces[number]
        known.lower_bound = max(known.lower_bound, finding.lower_bound)
        if finding.order is not None and finding.peak < known.peak:
            known.peak, known.order = finding.peak, finding.order
        if number == self._current and not known.is_proved:
            self._note(finding.news, partner)

    def leave(self, partner: int) -> None:
        """Keep nothing for a partner that has ended."""
        self._news.pop(partner, None)

    def _refuted(self, piece: Piece, *, backward: bool) -> News | None:
        """Return what the main process has refuted just below its best peak and not yet told."""
        descent = piece.search and piece.search.below_peak(backward=backward)
        if descent is None:
            return None
        untold = self._untold.get(backward)
        if untold is None or untold.descent is not descent:
            untold = self._untold[backward] = Untold(descent)
        return News(descent.threshold, backward, packed(untold.take(), len(descent.moves.bits)))

    def _note(self, news: News | None, by: int | None) -> None:
        """Keep news for every partner but the one that they come from."""
        if news is not None and news.states:
            for partner, kept in self._news.items():
                if partner != by:
                    kept.append(news)
