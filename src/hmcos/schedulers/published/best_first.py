"""The least peak over all orders of some blocks.

The published dynamic program goes level by level, one block more per level, and keeps the lowest peak per
set of finished blocks. Here the states are taken lowest peak first, then most blocks, then least stable
memory: the answer is the same, but no state is entered whose peak lies above it.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush
from typing import NamedTuple

from hmcos.limits import Limits, Status, Watch
from hmcos.schedulers.published.blocks import BlockRun, Scope, cell_scope, measure

Ready = dict[int, BlockRun]
"""Blocks that may run next, each with what its first order costs."""
Path = tuple["Path", BlockRun] | None
"""The runs that lead to a state, the last one first."""


class Meter:
    """Counts states and knows when the search has to stop."""

    def __init__(self, limits: Limits, watch: Watch, phase: str) -> None:
        self.limits = limits
        self.watch = watch
        self.phase = phase
        self.states = 0
        """States that were ever waiting: these take memory."""
        self._entered = 0
        self.peak = self.lower_bound = 0
        """Bytes, for the observer."""
        self.stopped: Status | None = None

    def enter(self) -> bool:
        """Return whether the search may go on."""
        self._entered += 1
        if self.stopped is None:
            self.stopped = self.watch.reached(self.limits, self.states)
        if not self._entered % 1024:
            self.report()
        return self.stopped is None

    def report(self) -> None:
        """Tell the observer."""
        self.watch.progress(self.phase, self.peak, self.lower_bound, self.states)


class BlockState(NamedTuple):
    """A state that waits to be entered; states compare as the search takes them."""

    peak: int
    blocks_left: int
    live: int
    """Stable memory, bytes."""
    number: int
    done: int
    """Blocks that have run, as a bit set."""
    last: int
    """The block that ran last, -1 at the start."""
    ready: Ready
    """What was ready before the last block ran: shared among siblings, brought up to date when entered."""
    path: Path


@dataclass(slots=True)
class CellAttempt:
    """What is known about the orders of one cell while the same buffers die in it."""

    best: BlockRun
    settled: int
    """Orders that need less than this many bytes do not exist, or were searched for in vain."""


Attempts = dict[tuple[int, frozenset[int]], CellAttempt]
"""By the first operator of the cell and the buffers that die in it."""


class BlockSearch:
    """One search over the orders of a scope."""

    def __init__(self, scope: Scope, cap: int, meter: Meter, patience: int, attempts: Attempts) -> None:
        """Take the peak, in bytes, that is to be beaten; at most `patience` states are entered.

        `attempts` is what is known about the scope's cells; more is added to it.
        """
        self.scope = scope
        self.cap = cap
        self.meter = meter
        self.patience = patience
        self.attempts = attempts
        self.cut_off = False
        """Whether patience or the meter ended the search: then there may be orders that it has not seen."""
        self._waiting: list[BlockState] = []
        self._numbered = 0
        self._reached: dict[int, int] = {}

    def least(self, entry: int, floor: int) -> tuple[int, ...] | None:
        """Return an order of the operators with the least peak below the cap, None when none is found.

        `entry` is the stable memory before, in bytes; peaks up to `floor` count as equally good. Unless the
        search was cut off, None says that no order of the blocks stays below the cap.
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
        """Return the state after all blocks that cost nothing: that neither lift the peak nor stable memory.

        Some best order runs them now: stable memory is submodular, and the later a block runs, the more
        buffers die in it. Blocks are run whole here, so that nothing lies between the two states.
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
        """Return what is ready when the block has run too; what shares a buffer with it is measured anew."""
        scope = self.scope
        kin = scope.kin[block]
        found = {b: scope.run(b, done) if kin >> b & 1 else run for b, run in ready.items() if b != block}
        for b in scope.after[block]:
            if not scope.before[b] & ~done:
                found[b] = scope.run(b, done)
        return found

    def _attempt(self, block: int, done: int, first: BlockRun, slack: int, cap: int) -> BlockRun:
        """Return the best run that is known of a cell, after a search for one that needs at most `slack`.

        When there is none, the least one below `cap` is searched for.
        """
        scope = self.scope
        mortal = scope.dying_in(block, done)
        key = (first.order[0], mortal)
        known = self.attempts.setdefault(key, CellAttempt(first, 0))
        floor, cap = max(slack, known.settled), min(cap, known.best.need)
        if floor >= cap:
            return known.best
        inside = cell_scope(scope.problem, scope.blocks[block], mortal)
        order = BlockSearch(inside, cap, self.meter, self.patience, {}).least(0, floor)
        if order is not None:
            known.best = measure(scope.problem, order, mortal)
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
