"""What a partner works on: the proof that no order of a piece is below its best peak.

The main process spends most of its states on the same proof. A partner tries the moves of each state in
another order, and is told which states the main process and other partners have refuted. So it searches what
they have not reached, and the effort of all adds up.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from hmcos.memory.bounds import operand_bound
from hmcos.memory.problem import Problem
from hmcos.memory.profile import peak
from hmcos.schedulers.exact.commits import PruningRules
from hmcos.schedulers.exact.descent import Descent
from hmcos.schedulers.exact.effects import Effects
from hmcos.schedulers.exact.joins import join
from hmcos.schedulers.exact.moves import Cost, Moves
from hmcos.schedulers.exact.thresholds import Direction
from hmcos.schedulers.partners.untold import News, Untold, packed, unpacked


class _Otherwise(Descent):
    """A descent that tries the moves of a state in another order than that of the main process."""

    def __init__(self, effects: Effects, threshold: int, rules: PruningRules, partner: int) -> None:
        self._drawing = Random(partner) if partner else None
        super().__init__(effects, threshold, rules)

    def _push(
        self, left: int, mem: int, ready: dict[int, Cost], steps: list[int], dropped: list[int]
    ) -> None:
        super()._push(left, mem, ready, steps, dropped)
        if self._drawing is None:
            self._todos[-1].reverse()
        else:
            self._drawing.shuffle(self._todos[-1])


class Refutation:
    """A search of a piece in one direction, below the best peak until that is refuted.

    Partner 0 tries the moves in reverse order, every other one in an order drawn with its number as the seed.
    """

    def __init__(
        self, problem: Problem, reached: int, rules: PruningRules, partner: int, *, backward: bool
    ) -> None:
        sequences = join(problem, forward=rules.join_forward, mirror=rules.join_mirror)
        self._direction = Direction(Moves(problem, sequences, backward=backward), rules.pace.often)
        self._problem, self._rules, self._partner = problem, rules, partner
        self.backward = backward
        self.peak = reached
        """The best peak known, in bytes."""
        self.order: Sequence[int] | None = None
        """An order with this peak, if this search found it."""
        self.lower_bound = operand_bound(problem)
        """Bytes. It begins with what is in use before the first move and the floor, which no move counts: a
        path below that would be no lower order, and would be found again and again."""
        self.states = 0
        """States entered at all thresholds."""
        self._untold = Untold(self._descent())

    @property
    def remembered(self) -> int:
        """The number of states held in memory."""
        return self._untold.descent.remembered

    @property
    def is_over(self) -> bool:
        """Whether the best peak is proved to be the least."""
        return self.lower_bound >= self.peak

    def lower(self, reached: int) -> None:
        """Search only below a peak that others have reached."""
        if reached < self.peak:
            self.peak, self.order = reached, None
            self._descend_lower()

    def adopt(self, news: News) -> None:
        """Adopt the states that others refuted, if they are of this direction and of no lower threshold."""
        if news.backward == self.backward and news.threshold >= self._untold.descent.threshold:
            self._untold.adopt(unpacked(news.states, self.sequences))

    def advance(self, states: int) -> None:
        """Enter up to so many states."""
        end = self.states + states
        while self.states < end and not self.is_over:
            descent = self._untold.descent
            before = descent.states
            decided = descent.advance(end - self.states)
            self.states += descent.states - before
            if decided is False:
                self.lower_bound = max(self.lower_bound, descent.least_need)
            elif decided:
                order = self._direction.order(descent.path or [])
                self.peak, self.order = peak(self._problem, order), order
                self._descend_lower()

    def news(self) -> News:
        """Return the states that this search refuted and had not told."""
        descent = self._untold.descent
        states = packed(self._untold.take(), self.sequences)
        return News(descent.threshold, self.backward, states)

    @property
    def sequences(self) -> int:
        """The number of sequences of operators that the search moves."""
        return len(self._direction.moves.bits)

    def _descent(self) -> Descent:
        return _Otherwise(self._direction.effects, self.peak - 1, self._rules, self._partner)

    def _descend_lower(self) -> None:
        """Go on below the best peak with all states that are refuted; if that is over, stay where it is."""
        if not self.is_over:
            refuted = [state for state, need in self._untold.descent.seen.items() if need]
            self._untold = Untold(self._descent())
            self._untold.adopt(refuted)
