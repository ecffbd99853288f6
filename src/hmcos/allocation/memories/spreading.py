"""The search: which lives go into which memory, at which offsets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from hmcos.allocation.exact.shrink import postponable
from hmcos.allocation.fit import board, board_of, first_fit, highest_end
from hmcos.allocation.items import Item, items
from hmcos.allocation.lives import EXTERNAL
from hmcos.allocation.memories.cores import elsewhere, ruled_out
from hmcos.allocation.memories.fitting import FIRST_STATES, MOST_STATES, Fitted, Fitting
from hmcos.allocation.memories.model import Aim, Assigned, Ruled, assignment, simple_bound
from hmcos.allocation.memories.question import MemoryQuestion
from hmcos.allocation.memories.rules import ALL_RULES, MemoryRules
from hmcos.allocation.sections import entries
from hmcos.limits import Limits, Status, Watch
from hmcos.plan.memory_blocks import MemoryPlacement

FIRST_WORK, MOST_WORK = 0.05, 1.0
"""Work of the solver in one call, in its deterministic measure: some ten seconds each."""
STATES_PER_CALL = 100
"""How many of `Limits.states` a call of the solver counts for."""
SOLVER_ROOM = 400_000
"""With more items at all moments together than this, the solver is not asked."""

Offsets = tuple[int, ...]
"""Per item its address, counted through all memories."""
Rank = Callable[[Item, int], float]
"""Of an item and the bytes that it moves: the highest is placed first."""


def spread(
    question: MemoryQuestion, limits: Limits, watch: Watch, rules: MemoryRules = ALL_RULES
) -> MemoryPlacement:
    """Return a place for every life, such that the fewest bytes are moved in all memories but the first.

    Of these placements one that moves the fewest bytes in all but the first two, and so on. The answer says
    what is proved. Two calls give the same one unless the time limit ends them.

    A solver assigns lives to memories by what is live at each moment; the bytes that it finds are a bound.
    The exact planner then looks for offsets in each memory. If it proves that there are none, the solver is
    told which few lives do not fit together, and is asked again (logic-based Benders decomposition: Hooker
    and Ottosson, Mathematical Programming 96, 2003). In the end the lives of each memory are packed, so that
    no more of it is used than a short search needs.

    Raises:
        InstanceError: lives that share an offset contradict each other.
    """
    search = _Search(question, limits, watch, rules)
    status = search.run()
    search.pack()
    return search.result(status)


def traffic_bound(question: MemoryQuestion) -> int:
    """Return a lower bound on the bytes moved in all memories but the first, without a search."""
    if len(question.blocks) == 1:
        return 0
    return simple_bound(assignment(question, range(len(question.items))), 1)


class _Search:
    def __init__(self, question: MemoryQuestion, limits: Limits, watch: Watch, rules: MemoryRules) -> None:
        self.question, self.limits, self.watch, self.rules = question, limits, watch, rules
        self.fitting = Fitting(question, limits, watch)
        self.board = board_of(question.lives)
        self.postponed = _postponed(question) if rules.postpone else []
        late = set(self.postponed)
        self.model = assignment(question, [i for i in range(len(question.items)) if i not in late])
        self.ruled: list[Ruled] = []
        self.bounds = [0] * (len(question.blocks) - 1)
        self.best = min((self.placed([None] * len(question.items), rank) for rank in RANKS), key=self.cost)

    def run(self) -> Status:
        """Search level by level; return how that ended."""
        ended = Status.OPTIMAL
        for level in range(1, max(2, len(self.question.blocks))):
            status = self.level(level)
            if status is Status.DOES_NOT_FIT:
                return status
            if ended is Status.OPTIMAL:
                ended = status
        return ended

    def level(self, level: int) -> Status:
        """Search for the fewest bytes moved in the memories from a level on; return how that ended."""
        bound, work, trusted = self.simple_bound(level), FIRST_WORK, True
        self.ruled = [cut for cut in self.ruled if cut.proved]
        while True:
            reached, has_room = self.moved(self.best, level), not self.homeless(self.best)
            self.note(level, min(bound, reached) if has_room else bound)
            if has_room and reached <= bound:
                return Status.OPTIMAL
            ended = self.ended()
            if ended is not None:
                return ended
            answer = self.assigned(level, reached if has_room else None, work)
            if answer.infeasible and trusted:
                if not has_room:
                    return Status.DOES_NOT_FIT
                bound = reached
            elif answer.infeasible:
                return Status.STATE_LIMIT
            elif trusted:
                bound = max(bound, answer.bound)
            if answer.memory is not None:
                cuts = self.tried(answer.memory)
                trusted = trusted and all(cut.proved for cut in cuts)
                self.ruled += cuts
            elif not answer.infeasible:
                work *= 4
            if work > MOST_WORK:
                return self.ended() or Status.STATE_LIMIT
            self.watch.progress("memories", reached, bound, self.fitting.states)

    def simple_bound(self, level: int) -> int:
        """Return a bound that takes no search; none where there is no slower memory."""
        return simple_bound(self.model, level) if self.bounds else 0

    def note(self, level: int, bound: int) -> None:
        """Keep a bound that is proved."""
        if self.bounds:
            self.bounds[level - 1] = max(self.bounds[level - 1], bound)

    def ended(self) -> Status | None:
        """Return the limit that is reached; None if the search may go on."""
        return self.watch.reached(self.limits, self.fitting.states)

    def assigned(self, level: int, below: int | None, work: float) -> Assigned:
        """Return what the solver says of a level; only what moves fewer bytes than `below` is wanted."""
        from hmcos.allocation.exact.constraint import Effort  # noqa: PLC0415 (OR-Tools takes 340 ms)
        from hmcos.allocation.memories.solver import assign  # noqa: PLC0415

        self.fitting.states += STATES_PER_CALL
        if not self.model.free:  # everything has room in the first memory
            return Assigned((), 0)
        if entries([self.model.item(i) for i in range(len(self.model.free))]) > SOLVER_ROOM:
            return Assigned(None, 0)
        left = self.watch.left(self.limits).seconds
        effort = Effort(
            work=work,
            seconds=1e6 if left is None else max(left, 0.01),
            seed=self.limits.seed,
            stop=partial(self.watch.is_over, self.limits),
        )
        most = [self.moved(self.best, earlier) for earlier in range(1, level)]
        return assign(self.model, self.ruled, Aim(most, below), self.rules, effort)

    def tried(self, memory: Sequence[int]) -> list[Ruled]:
        """Look for offsets of an assignment, keep them if they are the best; return what is ruled out."""
        free, cuts = self.model.free, list[Ruled]()
        at: list[int | None] = [None] * len(self.question.items)
        for k in range(len(self.question.blocks)):
            chosen = [i for i, own in zip(free, memory, strict=True) if own == k]
            if not chosen:
                continue
            found = self.fitted(chosen, k)
            wall, room = self.question.lives.walls[k], self.question.room(k)
            for i, offset in zip(chosen, found.offsets or found.attempt, strict=True):
                if offset + self.question.items[i].size <= room:
                    at[i] = wall + offset
            if found.offsets is None:
                cuts += self.cuts(chosen, k, found.refuted)
        self.keep(self.placed(at, RANKS[0]))
        return cuts

    def fitted(self, chosen: Sequence[int], k: int) -> Fitted:
        """Return whether items fit into a memory, after a short search or a longer one."""
        found = self.fitting.fit(chosen, k, FIRST_STATES)
        if found.offsets is None and not found.refuted and not self.fitting.is_over():
            found = self.fitting.fit(chosen, k, MOST_STATES)
        return found

    def cuts(self, chosen: Sequence[int], k: int, refuted: bool) -> list[Ruled]:
        """Return what is ruled out because items were not placed in a memory, in indices of the model."""
        index = {i: n for n, i in enumerate(self.model.free)}
        if not refuted:
            return [Ruled(k, frozenset(index[i] for i in chosen), proved=False)]
        sets = ruled_out(chosen, k, self.fitting, self.rules)
        return [
            Ruled(cut.memory, frozenset(index[i] for i in cut.items))
            for cut in elsewhere(sets, k, self.fitting, self.rules)
            if cut.items <= index.keys()
        ]

    def placed(self, at: Sequence[int | None], rank: Rank) -> Offsets:
        """Return an address per item: the one given, or the lowest with room, in the order of a rank."""
        question = self.question
        first = dict.fromkeys(self.postponed)
        density = {i: rank(item, question.weights[i]) for i, item in enumerate(question.items)}
        rest = sorted((i for i in density if i not in first), key=lambda i: (-density[i], i))
        given = [item.offset if at[i] is None else at[i] for i, item in enumerate(question.items)]
        return tuple(first_fit(self.board, [*rest, *first], given))

    def keep(self, offsets: Offsets) -> None:
        """Take offsets if they are better than the best so far."""
        self.best = min(self.best, offsets, key=self.cost)

    def cost(self, offsets: Offsets) -> tuple[int, ...]:
        """Return what is to be least: items without room, then the bytes moved behind each memory."""
        levels = range(1, len(self.question.blocks))
        return (self.homeless(offsets), *(self.moved(offsets, level) for level in levels))

    def moved(self, offsets: Offsets, level: int) -> int:
        """Return the bytes that are moved in the memories from a level on, or without one."""
        wall = self.question.lives.walls[level]
        pairs = zip(offsets, self.question.weights, strict=True)
        return sum(weight for offset, weight in pairs if offset >= wall)

    def homeless(self, offsets: Offsets) -> int:
        """Return how many items have no room in any memory."""
        end = self.question.lives.walls[-1]
        return sum(offset >= end for offset in offsets)

    def pack(self) -> None:
        """Move the items of each memory together, where that uses less of it."""
        offsets = list(self.best)
        for k in range(len(self.question.blocks)):
            begin, end = self.question.lives.walls[k : k + 2]
            chosen = [i for i, offset in enumerate(offsets) if begin <= offset < end]
            if not chosen or self.watch.is_over(self.limits):
                continue
            inside = [self.question.items[i] for i in chosen]
            packed = self.fitting.packed(chosen, k)
            if highest_end(inside, packed) < highest_end(inside, [offsets[i] - begin for i in chosen]):
                for i, offset in zip(chosen, packed, strict=True):
                    offsets[i] = begin + offset
        self.best = tuple(offsets)

    def result(self, status: Status) -> MemoryPlacement:
        """Return the best placement, per life."""
        question, blocks = self.question, len(self.question.blocks)
        memory, offsets = [EXTERNAL] * len(question.traffic), [EXTERNAL] * len(question.traffic)
        sizes, traffic = [0] * blocks, [0] * blocks
        for item, address, weight in zip(question.items, self.best, question.weights, strict=True):
            k, within = question.lives.pool_of(address)
            for life in item.lives:
                memory[life], offsets[life] = k, within if k < blocks else EXTERNAL
            if k < blocks:
                traffic[k] += weight
                sizes[k] = max(sizes[k], within + item.size if item.pieces else 0)
        behind = tuple(sum(traffic[k:]) for k in range(1, blocks))
        if not self.homeless(self.best) and behind == tuple(self.bounds):
            status = Status.OPTIMAL
        return MemoryPlacement(
            blocks=question.blocks,
            memory=tuple(memory),
            offsets=tuple(offsets),
            sizes=tuple(sizes),
            traffic=tuple(traffic),
            lower_bounds=tuple(self.bounds),
            status=status,
            alignment=question.lives.alignment,
            states=self.fitting.states,
            seconds=self.watch.seconds,
        )


def _postponed(question: MemoryQuestion) -> list[int]:
    """Return the items that the first memory always has room for, in the order to place them."""
    if not question.is_limited(0):
        return []
    numbers = [i for i, allowed in enumerate(question.allowed) if 0 in allowed]
    inside = items(question.alone(numbers, 0)[0])  # in the same order
    return [numbers[n] for n in postponable(board(inside), question.room(0))]


def _steps(item: Item) -> int:
    return max(1, sum(end - begin for begin, end, _ in item.pieces))


RANKS: tuple[Rank, ...] = (
    lambda item, weight: weight / (max(1, item.size) * _steps(item)),
    lambda item, weight: weight / max(1, item.size),
    lambda item, weight: weight / _steps(item),
    lambda item, weight: float(weight),
    lambda item, weight: float(item.size),
)
"""What comes first into the faster memories, if there is no better reason: what moves the most for the room
that it takes, and other orders."""
