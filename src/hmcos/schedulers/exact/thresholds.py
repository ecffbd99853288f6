"""The exact search over one stretch: which thresholds to try, in which order, with how many states.

A probe asks whether an order within a threshold exists. A refuted probe raises the lower bound to the
least need that it set aside, a path lowers the peak to that of its own order. Stepping through the
thresholds from the lower bound is quick when the bound is close; bracketing the gap is far better when
it is not.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

from hmcos.memory.problem import Problem
from hmcos.memory.profile import peak
from hmcos.schedulers.exact.beam import beam
from hmcos.schedulers.exact.commits import PruningRules, Root, start
from hmcos.schedulers.exact.descent import Descent
from hmcos.schedulers.exact.joins import join
from hmcos.schedulers.exact.moves import Moves

SLICE = 256
"""States after which the two directions take turns."""
WIDE = 1_024
"""Sequences from which on a slice has fewer states, since each takes longer."""
FIRST_STEPS = 2_000
"""States that stepping may enter before bracketing takes over."""
EASY = 100
"""States up to which a threshold counts as quickly decided."""
PATIENCE = 2_000
"""States that stepping may spend on a threshold above the lower bound."""
FIRST_PROBE = 1_000
"""States of a bracketing probe in the first round; doubled whenever a round decides nothing."""
HARD = 4 * FIRST_PROBE
"""States of a bracketing probe from which on beams help it, a wider one in each round."""
BEAM_WIDTHS = (1, 8, 32)
CAUTION = 6
"""Halvings of the gap after which a threshold to refute is the lower bound itself."""
LARGEST_SHARE = 8
"""States that one direction gets at most for each of the other."""


class Direction:
    """The moves of one direction, and how far it is committed at every threshold that is still open."""

    def __init__(self, problem: Problem, sequences: Sequence[Sequence[int]], *, backward: bool) -> None:
        self.moves = Moves(problem, sequences, backward=backward)
        self._root: Root | None = None

    def descent(self, threshold: int, rules: PruningRules) -> Descent:
        """Return a search at a threshold, from the farthest state that is committed to."""
        return Descent(self.moves, threshold, rules, self._root)

    def beam(
        self, threshold: int, width: int, rules: PruningRules
    ) -> Generator[None, None, list[int] | None]:
        """Return a path that a beam finds within a threshold, if it does; pause after every state."""
        return beam(self.moves, self._root or start(self.moves), threshold, width, rules)

    def commit(self, root: Root) -> None:
        """Start from this state from now on, since no threshold below the one it was found at is open."""
        if self._root is None or root.left.bit_count() < self._root.left.bit_count():
            self._root = root

    def order(self, path: Sequence[int]) -> list[int]:
        """Return the operators along a path."""
        moves = path[::-1] if self.moves.backward else path
        return [op for c in moves for op in self.moves.sequences[c]]


class Probe:
    """Both directions at one threshold, side by side; the first to decide it ends both."""

    def __init__(self, threshold: int, directions: int) -> None:
        self.threshold = threshold
        self.descents: list[Descent | None] = [None] * directions
        """One per direction, begun at its first turn."""

    @property
    def remembered(self) -> int:
        """The number of states held in memory."""
        return sum(descent.remembered for descent in self.descents if descent)

    def turn(self, shares: Sequence[int]) -> int:
        """Return the direction that is farthest behind its share of the states; the larger share first."""
        entered = [descent.states if descent else 0 for descent in self.descents]
        return min(range(len(shares)), key=lambda way: (entered[way] / shares[way], -shares[way], way))


class Stretch:
    """A stretch under search: the best order so far, its peak, and a lower bound that is always proved."""

    def __init__(self, problem: Problem, order: Sequence[int], reached: int, rules: PruningRules) -> None:
        self.problem = problem
        self.order = order
        self.peak = reached
        self.lower_bound = 0
        self.rules = rules
        self.states = 0
        self._sequences = join(problem, forward=rules.join_forward, mirror=rules.join_mirror)
        self._ways = [False] * (rules.forward or not rules.backward) + [True] * rules.backward
        self._directions: dict[bool, Direction] = {}
        self._probes: dict[int, Probe] = {}
        self._shares = [1] * len(self._ways)
        """States per direction, relative to each other: what decides probes gets more."""
        self._daring = CAUTION
        """A threshold to refute lies at the gap over two to this power above the lower bound."""

    @property
    def remembered(self) -> int:
        """The number of states held in memory."""
        return sum(probe.remembered for probe in self._probes.values())

    def raise_bound(self, bound: int) -> None:
        """Take over a bound of the whole problem: it is enough to get within it."""
        self.lower_bound = max(self.lower_bound, bound)

    def step(self, states: int) -> Iterator[None]:
        """Try the lower bound, and whatever a refutation raises it to; pause after every slice.

        After a threshold that took many states to refute, or a path, the next one is the middle of the
        gap: on inference networks a threshold above the optimum is met quickly, and one below it takes
        about the same number of states wherever it lies.
        """
        end = self.states + states
        threshold = self.lower_bound
        while self.states < end and self.peak > self.lower_bound:
            before, bound, reached = self.states, self.lower_bound, self.peak
            at_bound = threshold <= bound
            yield from self._probe(threshold, min(PATIENCE if not at_bound else states, end - before))
            quick = self.states - before <= EASY
            refuted, found = self.lower_bound > bound, self.peak < reached
            if found or (refuted and at_bound and not quick):
                threshold = (self.lower_bound + self.peak - 1) // 2
            else:
                threshold = self.lower_bound

    def ask(self, budget: int) -> Iterator[None]:
        """Find out whether an order is within the budget; pause after every slice."""
        while self.lower_bound <= budget < self.peak:
            yield from self._probe(budget, FIRST_STEPS)

    def meet(self) -> Iterator[None]:
        """Step, then bracket, until peak and lower bound meet; pause after every slice."""
        if self.rules.stepping:
            yield from self.step(FIRST_STEPS)
        quota, widths = FIRST_PROBE, list(BEAM_WIDTHS)
        while self.peak > self.lower_bound:
            if widths and quota >= HARD:
                yield from self._sweep(widths.pop(0))
            gap = self.lower_bound, self.peak
            yield from self._refute(quota)
            yield from self._find(quota // 16)
            if gap == (self.lower_bound, self.peak):
                quota *= 2

    def _sweep(self, width: int) -> Iterator[None]:
        """Send beams from both ends for as long as they lower the peak."""
        for way in self._ways:
            direction = self._direction(way)
            while self.rules.beams and self.peak > self.lower_bound:
                path = yield from direction.beam(self.peak - 1, width, self.rules)
                if path is None:
                    break
                self._improve(direction.order(path))

    def _improve(self, order: list[int]) -> None:
        reached = peak(self.problem, order)
        if reached < self.peak:
            self.order, self.peak = order, reached

    def _direction(self, way: bool) -> Direction:
        """Return a direction, laid out at its first use."""
        if way not in self._directions:
            self._directions[way] = Direction(self.problem, self._sequences, backward=way)
        return self._directions[way]

    def _refute(self, quota: int) -> Iterator[None]:
        """Probe above the lower bound, as far as refutations have gone well lately.

        The states that a refutation takes grow with its threshold by a factor, so that stepping from
        value to value would spend most of them on the way.
        """
        bound = self.lower_bound
        reach = self.peak - 1 - bound
        yield from self._probe(bound + (reach >> self._daring if self._daring < CAUTION else 0), quota)
        if self.lower_bound > bound:
            self._daring = max(1, self._daring - 1)
        else:
            self._daring = min(CAUTION, self._daring + 1)

    def _find(self, quota: int) -> Iterator[None]:
        """Probe below the peak, from near to far, until a lower order is found."""
        low, high = self.lower_bound, self.peak
        for part in (8, 4, 2):
            if high == self.peak:
                yield from self._probe(max(low, high - 1 - (high - low) // part), quota)

    def _probe(self, threshold: int, quota: int) -> Iterator[None]:
        """Advance the probe at a threshold by so many states at most; keep it when it stays undecided."""
        if threshold not in self._probes:
            self._probes[threshold] = Probe(threshold, len(self._ways))
        probe = self._probes[threshold]
        end = self.states + quota
        while self.states < end and self.lower_bound <= threshold < self.peak:
            self._take_turn(probe)
            yield
        for other in [t for t in self._probes if not self.lower_bound <= t < self.peak]:
            del self._probes[other]

    def _take_turn(self, probe: Probe) -> None:
        """Advance one direction of a probe by a slice and draw the conclusions."""
        turn = probe.turn(self._shares)
        direction, descent = self._direction(self._ways[turn]), probe.descents[turn]
        if descent is None:
            descent = probe.descents[turn] = direction.descent(probe.threshold, self.rules)
            self.states += descent.states
        before = descent.states
        decided = descent.advance(max(1, SLICE * WIDE // max(WIDE, len(self._sequences))))
        self.states += descent.states - before
        if decided is True:
            self._improve(direction.order(descent.path or []))
        elif decided is False:
            self.lower_bound = max(self.lower_bound, descent.least_need)
        if decided is not None:
            self._shares[turn] = min(self._shares[turn] + 1, LARGEST_SHARE)
        if probe.threshold <= self.lower_bound:
            direction.commit(descent.root)
