"""The exact search over one stretch: which thresholds to try, in which order, with how many states.

A probe asks whether there is an order within a threshold. If there is none, the lower bound rises to the
least running memory over the threshold that the probe met; if there is one, its peak becomes the best
peak. Stepping through the thresholds from the lower bound up is quick if the bound is close to the
optimum. If it is not, one probe just below the best peak gets most of the states: on wide networks refuting a
threshold next to the optimum takes little longer than refuting one far below it, so climbing from the bound
would pay for all of it again and again. The probe is kept until it ends: refuted, it proves the best order
optimal.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

from hmcos.memory.problem import Problem
from hmcos.memory.profile import peak
from hmcos.schedulers.exact.beam import beam
from hmcos.schedulers.exact.commits import PruningRules, Root, start
from hmcos.schedulers.exact.descent import Descent
from hmcos.schedulers.exact.effects import Effects
from hmcos.schedulers.exact.joins import join
from hmcos.schedulers.exact.levels import Levels
from hmcos.schedulers.exact.moves import Moves

WIDE = 1_024
"""With more sequences than this, a slice has fewer states, since each takes longer."""
EASY = 100
"""A threshold that took at most this many states was easy to decide."""
BEAM_WIDTHS = (1, 8, 32)
"""States that each of these beams keeps at each size."""
NEAR = 10
"""A lower bound is near the peak if the gap is at most the peak divided by this."""
MOST_HALVINGS = 6
"""After this many halvings of the gap, the threshold to refute is the lower bound itself."""
MOST_DOUBLINGS = 4
"""How often the share of a direction is doubled at most."""


class Direction:
    """The moves of one direction, and the state up to which it is committed at every open threshold."""

    def __init__(self, moves: Moves, often: int) -> None:
        self.moves = moves
        self.effects = Effects(self.moves, often)
        self._root: Root | None = None

    def descent(self, threshold: int, rules: PruningRules) -> Descent:
        """Return a search at a threshold in bytes, from the farthest committed state."""
        return Descent(self.effects, threshold, rules, self._root)

    def beam(
        self, threshold: int, width: int, rules: PruningRules
    ) -> Generator[None, None, list[int] | None]:
        """Return a path within a threshold that a beam finds, None without one; yields after every state."""
        return beam(self.effects, self._root or start(self.moves), threshold, width, rules)

    def commit(self, root: Root) -> None:
        """Start later searches from a state, now that no threshold below the one of its search is open."""
        if self._root is None or root.left.bit_count() < self._root.left.bit_count():
            self._root = root

    def order(self, path: Sequence[int]) -> list[int]:
        """Return the operators along a path."""
        moves = path[::-1] if self.moves.backward else path
        return [op for c in moves for op in self.moves.sequences[c]]


class Probe:
    """The searches of both directions at one threshold; the first that decides it ends both."""

    def __init__(self, threshold: int, directions: int) -> None:
        self.threshold = threshold
        self.descents: list[Descent | None] = [None] * directions
        """One per direction, None before its first turn."""

    @property
    def remembered(self) -> int:
        """The number of states held in memory."""
        return sum(descent.remembered for descent in self.descents if descent)

    def turn(self, shares: Sequence[int]) -> int:
        """Return the index of the direction that is farthest behind its share; ties to the larger share."""
        entered = [descent.states if descent else 0 for descent in self.descents]
        return min(range(len(shares)), key=lambda way: (entered[way] / shares[way], -shares[way], way))


class Stretch:
    """The search of one stretch: its best order so far, the peak of that, and a proved lower bound."""

    def __init__(self, problem: Problem, order: Sequence[int], reached: int, rules: PruningRules) -> None:
        self.problem = problem
        self.order = order
        self.peak = reached
        self.lower_bound = max(problem.floor, sum(problem.sizes[b] for b in problem.inputs))
        """Bytes. It begins with what is in use before the first move, which no move counts: if it could be
        lower, a path within it would be no lower order, and would be found again and again."""
        self.rules = rules
        self.states = 0
        self._sequences = join(problem, forward=rules.join_forward, mirror=rules.join_mirror)
        self._ways = [False] * (rules.forward or not rules.backward) + [True] * rules.backward
        """Per direction searched: whether it is backward."""
        self._directions: dict[bool, Direction] = {}
        self._probes: dict[int, Probe] = {}
        self._doublings = [0] * len(self._ways)
        """Per direction: how often its share of the states was doubled, because it decided a probe."""
        self._levels: Levels | None = None
        self._programs = 0
        """How often a program of a level had its turn."""
        self._halvings = MOST_HALVINGS
        """The next threshold to refute lies above the lower bound by the gap halved this many times."""

    @property
    def remembered(self) -> int:
        """The number of states held in memory."""
        return sum(probe.remembered for probe in self._probes.values())

    @property
    def favoured(self) -> list[bool]:
        """The directions that a proof may come from, the likeliest first: whether each is backward."""
        most = max(self._doublings)
        best = [way for way, doublings in zip(self._ways, self._doublings, strict=True) if doublings == most]
        return best[::-1]

    def below_peak(self, *, backward: bool) -> Descent | None:
        """Return the search of a direction just below the best peak; None before it has begun."""
        probe = self._probes.get(self.peak - 1)
        return None if probe is None else probe.descents[self._ways.index(backward)]

    def raise_bound(self, bound: int) -> None:
        """Adopt a lower bound of the whole problem: a peak within it is low enough."""
        self.lower_bound = max(self.lower_bound, bound)

    def step(self, states: int) -> Iterator[None]:
        """Try the lower bound as a threshold, and each higher bound that follows; yields after every slice.

        After a path, or after a threshold that took many states to refute, the next threshold is the middle
        of the gap: on inference networks a path above the optimum is found quickly, and refuting a threshold
        below it takes about the same number of states wherever it lies.
        """
        end = self.states + states
        threshold = self.lower_bound
        while self.states < end and self.peak > self.lower_bound:
            before, bound, reached = self.states, self.lower_bound, self.peak
            at_bound = threshold <= bound
            most = states if at_bound else self.rules.pace.patience
            yield from self._probe(threshold, min(most, end - before))
            quick = self.states - before <= EASY
            refuted, improved = self.lower_bound > bound, self.peak < reached
            if improved or (refuted and at_bound and not quick):
                threshold = (self.lower_bound + self.peak - 1) // 2
            else:
                threshold = self.lower_bound

    def ask(self, budget: int) -> Iterator[None]:
        """Decide whether an order is within the budget; yields after every slice."""
        while self.lower_bound <= budget < self.peak:
            yield from self._raise_by_levels(budget + 1)
            yield from self._probe(budget, self.rules.pace.first_steps)

    def meet(self) -> Iterator[None]:
        """Step, then probe just below the peak, until peak and lower bound meet; yields after every slice.

        An unfinished probe proves nothing, so some states go to thresholds that are easier to refute.
        """
        pace = self.rules.pace
        if self.rules.stepping:
            yield from self.step(pace.first_steps)
        quota, widths = pace.first_probe, list(BEAM_WIDTHS)
        while self.peak > self.lower_bound:
            gap = self.lower_bound, self.peak
            yield from self._raise_by_levels(self.peak)
            if widths and self._is_worth(widths[0]):
                yield from self._run_beams(widths.pop(0))
            if widths:
                yield from self._probe_below_peak(quota // 16)
            above = quota // self._parts
            yield from self._probe_above_bound(above)
            yield from self._probe(self.peak - 1, quota - above)
            if gap == (self.lower_bound, self.peak):
                quota *= 2

    def _raise_by_levels(self, high: int) -> Iterator[None]:
        """Raise the lower bound by programs of levels, up to `high` bytes; yields while they are solved."""
        pace = self.rules.pace
        while self.rules.levels and self.lower_bound < high:
            if self.states < (self._programs + 1) * pace.level_states:
                return
            self._programs += 1
            if self._levels is None:
                self._levels = Levels(self._direction(False).moves)
            if not self._levels.is_over:
                bound = yield from self._levels.raised(self.lower_bound, high)
                self.lower_bound = max(self.lower_bound, bound)

    @property
    def _parts(self) -> int:
        """Of so many parts of the states, one goes to thresholds above the bound.

        It is less where levels brought the bound near the peak: next to it, one threshold takes about as many
        states to refute as another, and only the last one settles the search.
        """
        near = self._programs and (self.peak - self.lower_bound) * NEAR <= self.peak
        return 16 if near else 4

    def _is_worth(self, width: int) -> bool:
        """Return whether the search has taken about as long as a beam of this width would take."""
        return self.states >= width * self.rules.pace.beam_states * len(self._sequences)

    def _run_beams(self, width: int) -> Iterator[None]:
        """Run beams from both ends for as long as they lower the peak."""
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
        """Return a direction, whose moves are built at its first use."""
        if way not in self._directions:
            other = self._directions.get(not way)
            moves = other.moves.reversed() if other else Moves(self.problem, self._sequences, backward=way)
            self._directions[way] = Direction(moves, self.rules.pace.often)
        return self._directions[way]

    def _probe_above_bound(self, quota: int) -> Iterator[None]:
        """Probe a threshold above the lower bound: farther above it after successes, closer after failures.

        The number of states that a refutation takes grows exponentially with its threshold, so stepping from
        value to value would spend most states on the way.
        """
        bound = self.lower_bound
        reach = self.peak - 1 - bound
        above = reach >> self._halvings if self._halvings < MOST_HALVINGS else 0
        yield from self._probe(bound + above, quota)
        if self.lower_bound > bound:
            self._halvings = max(1, self._halvings - 1)
        else:
            self._halvings = min(MOST_HALVINGS, self._halvings + 1)

    def _probe_below_peak(self, quota: int) -> Iterator[None]:
        """Probe thresholds below the peak, from near to far, until one gives a lower peak."""
        low, high = self.lower_bound, self.peak
        for part in (8, 4, 2):
            if high == self.peak:
                yield from self._probe(max(low, high - 1 - (high - low) // part), quota)

    def _probe(self, threshold: int, quota: int) -> Iterator[None]:
        """Advance the probe at a threshold by at most `quota` states; keep it while it is undecided."""
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
        """Advance one direction of a probe by a slice; update peak or bound if that decides the probe."""
        turn = probe.turn([1 << doublings for doublings in self._doublings])
        direction, descent = self._direction(self._ways[turn]), probe.descents[turn]
        if descent is None:
            descent = probe.descents[turn] = direction.descent(probe.threshold, self.rules)
            self.states += descent.states
        before = descent.states
        states = self.rules.pace.slice * WIDE // max(WIDE, len(self._sequences))
        decided = descent.advance(max(1, states))
        self.states += descent.states - before
        if decided is True:
            self._improve(direction.order(descent.path or []))
        elif decided is False:
            self.lower_bound = max(self.lower_bound, descent.least_need)
        if decided is not None and all(probe.descents):
            self._favour(turn)
        if probe.threshold <= self.lower_bound:
            direction.commit(descent.root)

    def _favour(self, turn: int) -> None:
        """Shift the shares of states by a factor of two towards the direction that decided a probe."""
        others = [way for way, doublings in enumerate(self._doublings) if way != turn and doublings]
        for way in others:
            self._doublings[way] -= 1
        if not others:
            self._doublings[turn] = min(self._doublings[turn] + 1, MOST_DOUBLINGS)
