"""The order of some blocks with the least peak, by best-first search.

The published dynamic program works level by level, with one more block on each level, and keeps the lowest
peak per set of finished blocks. This search takes the state with the lowest peak first, then the one with the
most finished blocks, then the one with the least stable memory. The answer is the same, but the search never
enters a state whose peak is above the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush
from typing import NamedTuple

from hmcos.limits import Limits, Status, Watch
from hmcos.schedulers.published.blocks import BlockRun, Scope, cell_scope, measure

Ready = dict[int, BlockRun]
"""Blocks that may run next, each with the cost of its first order."""
Path = tuple["Path", BlockRun] | None
"""The runs that lead to a state, as a linked list: the runs before, and the last run."""


class Meter:
    """Counts the states of a search and tells when a limit is reached."""

    def __init__(self, limits: Limits, watch: Watch, phase: str) -> None:
        self.limits = limits
        self.watch = watch
        self.phase = phase
        self.states = 0
        """States that were ever put in the queue, since these take memory."""
        self._entered = 0
        self.peak = self.lower_bound = 0
        """Bytes, to report to the observer."""
        self.stopped: Status | None = None

    def enter(self) -> bool:
        """Count one state; return whether the search may go on."""
        self._entered += 1
        if self.stopped is None:
            self.stopped = self.watch.reached(self.limits, self.states)
        if not self._entered % 1024:
            self.report()
        return self.stopped is None

    def report(self) -> None:
        """Report peak, bound and states to the observer."""
        self.watch.progress(self.phase, self.peak, self.lower_bound, self.states)


class BlockState(NamedTuple):
    """A state in the queue of the search; the lesser of two states is entered first.

    For example, block 0 reads the 2 bytes of the input and makes 8 bytes, which blocks 1 and 2 read to make 1
    and 4 bytes. All bytes of a run are relative to the stable memory before it:

    >>> first = BlockRun(order=(0,), need=8, delta=6)
    >>> small = BlockRun(order=(1,), need=1, delta=1)
    >>> large = BlockRun(order=(2,), need=4, delta=4)

    After block 0, 8 bytes are live and the peak is 2 + 8 bytes. Block 1 next keeps that peak, since 8 + 1 is
    less; block 2 next lifts it to 8 + 4. So the search goes on with block 1:

    >>> ready = {1: small, 2: large}
    >>> one = BlockState(10, 1, 9, number=2, done=0b011, last=1, ready=ready, path=((None, first), small))
    >>> two = BlockState(12, 1, 12, number=3, done=0b101, last=2, ready=ready, path=((None, first), large))
    >>> min(one, two).last
    1
    """

    peak: int
    """The largest running memory on the way to it, in bytes."""
    blocks_left: int
    """The number of blocks that have not run."""
    live: int
    """Stable memory in bytes."""
    number: int
    """A number of its own, so that a comparison never looks at the fields below."""
    done: int
    """The blocks that have run, as a bit set."""
    last: int
    """The block that ran last, -1 once `ready` is up to date."""
    ready: Ready
    """The blocks that were ready before the last one ran. Siblings share this dictionary; it is brought up to
    date only when the state is entered."""
    path: Path


@dataclass(slots=True)
class CellAttempt:
    """What is known about the orders of one cell, for one set of buffers that die in it."""

    best: BlockRun
    settled: int
    """A search for orders that need less than this many bytes has ended: there are none, or it gave up."""


Attempts = dict[tuple[int, frozenset[int]], CellAttempt]
"""From the first operator of a cell and the buffers that die in it to what is known about its orders."""


class BlockSearch:
    """One search over the orders of a scope."""

    def __init__(self, scope: Scope, cap: int, meter: Meter, patience: int, attempts: Attempts) -> None:
        """Prepare to look for an order with a peak below `cap` bytes, entering at most `patience` states.

        `attempts` holds what is known about the scope's cells; the search adds to it.
        """
        self.scope = scope
        self.cap = cap
        self.meter = meter
        self.patience = patience
        self.attempts = attempts
        self.cut_off = False
        """Whether patience or a limit ended the search, so that there may be orders that it has not seen."""
        self._waiting: list[BlockState] = []
        self._numbered = 0
        self._reached: dict[int, int] = {}

    def least(self, entry: int, floor: int) -> tuple[int, ...] | None:
        """Return an order of the operators with the least peak below the cap, None if it finds none.

        `entry` is the stable memory before the first block in bytes; all peaks up to `floor` bytes count as
        equally good. Unless the search was cut off, None means that no order of the blocks is below the cap.
        """
        scope, waiting = self.scope, self._waiting
        count = len(scope.blocks)
        roots = {block: scope.run(block, 0) for block in range(count) if not scope.before[block]}
        seen: set[int] = set()
        if max(entry, floor) < self.cap:
            waiting.append(BlockState(max(entry, floor), count, entry, 0, 0, -1, roots, None))
        while waiting:
            if len(seen) >= self.patience or not self.meter.enter():
                self.cut_off = True
                return None
            state = self._commit(heappop(waiting))
            if state.done in seen:
                continue
            seen.add(state.done)
            if state.done == scope.full:
                return _unroll(state.path)
            for block, run in state.ready.items():
                self._push(state, block, run)
        return None

    def _commit(self, state: BlockState) -> BlockState:
        """Return the state after running all blocks that lift neither the peak nor the stable memory.

        Some best order runs them now: stable memory is submodular over the states, since the later a block
        runs, the more buffers die in it. Blocks run whole here, so no states lie in between.
        """
        peak, left, live, number, done, last, ready, path = state
        if last >= 0:
            ready = self._ready_after(ready, last, done)
        block = _free(ready, peak - live)
        while block is not None:
            run = ready[block]
            done |= 1 << block
            left -= 1
            live += run.delta
            path = (path, run)
            ready = self._ready_after(ready, block, done)
            block = _free(ready, peak - live)
        return BlockState(peak, left, live, number, done, -1, ready, path)

    def _push(self, state: BlockState, block: int, run: BlockRun) -> None:
        slack = state.peak - state.live
        if run.need > slack and self.scope.blocks[block].parts:
            run = self._attempt(block, state.done, run, slack, self.cap - state.live)
        peak = max(state.peak, state.live + run.need)
        done = state.done | 1 << block
        if peak >= self._reached.get(done, self.cap):
            return
        self._reached[done] = peak
        self._numbered += 1
        self.meter.states += 1
        left, live = state.blocks_left - 1, state.live + run.delta
        path = (state.path, run)
        heappush(self._waiting, BlockState(peak, left, live, self._numbered, done, block, state.ready, path))

    def _ready_after(self, ready: Ready, block: int, done: int) -> Ready:
        """Return what is ready once a block has run; those that share a buffer with it get a new cost."""
        scope = self.scope
        affected = scope.affected[block]
        rest = {b: scope.run(b, done) if affected >> b & 1 else run for b, run in ready.items() if b != block}
        for b in scope.after[block]:
            if not scope.before[b] & ~done:
                rest[b] = scope.run(b, done)
        return rest

    def _attempt(self, block: int, done: int, first: BlockRun, slack: int, cap: int) -> BlockRun:
        """Return the best known run of a cell, after searching for a better one.

        A run that needs at most `slack` bytes does not lift the peak, so the search ends at the first one of
        these; without one it looks for the run that needs least, if that is below `cap` bytes.
        """
        scope = self.scope
        dying = scope.dying_in(block, done)
        key = (first.order[0], dying)
        known = self.attempts.setdefault(key, CellAttempt(first, 0))
        floor, cap = max(slack, known.settled), min(cap, known.best.need)
        if floor >= cap:
            return known.best
        inside = cell_scope(scope.problem, scope.blocks[block], dying)
        order = BlockSearch(inside, cap, self.meter, self.patience, {}).least(0, floor)
        if order is not None:
            known.best = measure(scope.problem, order, dying)
            if known.best.need > floor:
                known.settled = known.best.need
        else:
            known.settled = cap
        return known.best


def _free(ready: Ready, slack: int) -> int | None:
    for block, run in ready.items():
        if run.delta <= 0 and run.need <= slack:
            return block
    return None


def _unroll(path: Path) -> tuple[int, ...]:
    runs: list[BlockRun] = []
    while path is not None:
        path, run = path
        runs.append(run)
    return tuple(op for run in reversed(runs) for op in run.order)
