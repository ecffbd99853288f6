"""One direction of the exact search at one threshold: depth first, with commits and valley cuts.

Stable memory is submodular over the states, so the lowest state of an interval may replace all other
states in it. Commits use this for single moves and runs, valley cuts for the widest intervals. Each state
is closed under commits as soon as the search enters it, and cut if it is not above all states on the path,
so stable memory rises along the path.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

from hmcos.schedulers.exact.commits import NEVER, Commits, PruningRules, Root, start
from hmcos.schedulers.exact.effects import Effects
from hmcos.schedulers.exact.moves import Cost
from hmcos.schedulers.exact.valley import lowest_between


class Descent:
    """A resumable search for a path to the other end whose running memory is within a threshold in bytes."""

    def __init__(
        self, effects: Effects, threshold: int, rules: PruningRules, root: Root | None = None
    ) -> None:
        self.moves = effects.moves
        self.threshold = threshold
        self._uncut = rules.pace.uncut if rules.valley_cuts else NEVER
        """States before valley cuts begin."""
        self._effects = effects
        self._commits = Commits(effects, threshold, rules)
        self.states = 0
        self.path: list[int] | None = None
        """The moves of a path within the threshold, once there is one."""
        self.least_need = NEVER
        """Once the search is exhausted: no path exists at any threshold below this many bytes."""
        self._seen: dict[int, int] = {}
        """From each exhausted state to the least running memory, in bytes, of a move that was over the
        threshold there or later; from each state on the path to 0."""
        self._commits.closed = self._seen
        self._lefts: list[int] = []
        """Per state on the path: the moves still to come. The lists below are parallel to it."""
        self._mems: list[int] = []
        """Stable memory."""
        self._highs: list[int] = []
        """The highest stable memory up to the state."""
        self._readies: list[dict[int, Cost]] = []
        """The moves that are ready, with their costs."""
        self._costs_on_path = 0
        self._todos: list[list[int]] = []
        """The moves to try, the next one last: delta * n + c, so that sorting orders them by delta."""
        self._asides: list[int] = []
        """The least running memory of a move over the threshold, from the state on; NEVER without one."""
        self._steps: list[list[int]] = []
        """The moves since the state before, commits included."""
        self._dropped: list[list[int]] = []
        """States that valley cuts replaced by the state; refuted together with it."""
        self.root = root or start(self.moves)
        """The last state that was committed to before any choice was made."""
        ready, steps = self.root.ready.copy(), self.root.steps.copy()
        left, mem = self._commits.close(self.root.left, self.root.mem, ready, steps)
        self._enter(left, mem, ready, steps)

    @property
    def remembered(self) -> int:
        """The states held in memory, in states of usual size: wide states and the path count for more."""
        return len(self._seen) * (768 + len(self.moves.bits)) // 2048 + self._costs_on_path // 4

    @property
    def seen(self) -> dict[int, int]:
        """Return the states met, in this order.

        Those on the path have 0, a refuted one the least running memory in bytes of a move that was over the
        threshold there or later.
        """
        return self._seen

    def adopt(self, states: Iterable[int]) -> None:
        """Take states as refuted that another search refuted within this threshold or a higher one."""
        for state in states:
            self._seen.setdefault(state, self.threshold + 1)

    def advance(self, quota: int) -> bool | None:
        """Enter up to `quota` states; return whether a path exists, None if that is still open."""
        before = self.states
        decided = self._search(before + quota)
        self._effects.count_states(self.states - before)
        return decided

    def _search(self, end: int) -> bool | None:
        """Go on until that many states were entered in all; return what `advance` returns."""
        seen, bits, n = self._seen, self.moves.bits, len(self.moves.bits)
        lefts, todos = self._lefts, self._todos
        while self.path is None and lefts:
            if self.states >= end:
                return None
            todo = todos[-1]
            if not todo:
                self._retreat()
                continue
            c = todo.pop() % n
            need = seen.get(lefts[-1] ^ bits[c])
            if need is None:
                self._descend(c)
            else:
                self._asides[-1] = min(self._asides[-1], need)
        return self.path is not None

    def _descend(self, c: int) -> None:
        """Take a move from the last state of the path, and enter the closed state after it."""
        left, mem = self._lefts[-1], self._mems[-1]
        closing = self._commits.known(c, left, mem)
        if closing:
            need = self._seen.get(left ^ closing.taken)
            if need is not None:
                self.states += 1
                self._set_aside(need)
                return
        ready = self._readies[-1].copy()
        steps: list[int] = []
        if closing:
            left, mem = self._commits.follow(closing, left, mem, ready, steps)
        else:
            left, mem = self._commits.advance(c, left, mem, ready, steps)
        self._enter(left, mem, ready, steps)

    def _enter(self, left: int, mem: int, ready: dict[int, Cost], steps: list[int]) -> None:
        """Close a state under cuts; put it on the path unless it is the end or was seen."""
        self.states += 1
        dropped: list[int] = []
        while left:
            need = self._seen.get(left)
            if need is not None:
                self._refute(dropped, need)
                self._set_aside(need)
                return
            above = bisect_left(self._highs, mem) if self.states > self._uncut else len(self._mems)
            if above == len(self._mems):
                self._push(left, mem, ready, steps, dropped)
                return
            left, mem, ready, steps = self._cut(above, (left, mem, ready, steps), dropped)
        self.path = [c for taken in (*self._steps, steps) for c in taken]

    def _push(
        self, left: int, mem: int, ready: dict[int, Cost], steps: list[int], dropped: list[int]
    ) -> None:
        n, room = len(self.moves.bits), self.threshold - mem
        todo: list[int] = []
        aside = NEVER
        for c, (need, delta) in ready.items():
            if need <= room:
                todo.append(delta * n + c)
            elif need < aside:
                aside = need
        todo.sort(reverse=True)
        self._seen[left] = 0
        self._lefts.append(left)
        self._mems.append(mem)
        self._highs.append(max(mem, self._highs[-1]) if self._highs else mem)
        self._readies.append(ready)
        self._costs_on_path += len(ready)
        self._todos.append(todo)
        self._asides.append(aside + mem if aside < NEVER else NEVER)
        self._steps.append(steps)
        self._dropped.append(dropped)
        if len(self._lefts) == 1:
            self.root = Root(left, mem, ready, steps)

    def _pop(self) -> tuple[int, int]:
        """Take the last state off the path; return it and the least need that was set aside in it."""
        self._mems.pop()
        self._highs.pop()
        self._costs_on_path -= len(self._readies.pop())
        self._todos.pop()
        self._steps.pop()
        self._dropped.pop()
        return self._lefts.pop(), self._asides.pop()

    def _retreat(self) -> None:
        """Leave an exhausted state for the one before it on the path."""
        dropped = self._dropped[-1]
        left, aside = self._pop()
        self._refute([left, *dropped], aside)
        self._set_aside(aside)

    def _set_aside(self, need: int) -> None:
        """Record what a refuted state would have needed: at the last state of the path, or as the result."""
        if not self._asides:
            self.least_need = need
        elif need < self._asides[-1]:
            self._asides[-1] = need

    def _refute(self, states: list[int], aside: int) -> None:
        for state in states:
            self._seen[state] = aside

    def _cut(
        self, above: int, last: tuple[int, int, dict[int, Cost], list[int]], dropped: list[int]
    ) -> tuple[int, int, dict[int, Cost], list[int]]:
        """Replace the states of the path from `above` on by the lowest state between there and the last one.

        At this threshold and every higher one, the end can be reached from the new state if and only if it
        can be reached from the state at `above`. Of the states replaced, those that the new one can lead to
        may be met again, so they no longer count as seen. The others go to `dropped`: they cannot be met
        again before the new state is exhausted, which refutes them too.
        """
        lefts = self._lefts
        lowest = lowest_between(self.moves, lefts[above], last[0])
        on_way = above
        """The last state of the path from which the lowest one can be reached."""
        while on_way + 1 < len(lefts) and lefts[on_way + 1] & lowest == lowest:
            on_way += 1
        left, mem, ready = lefts[on_way], self._mems[on_way], self._readies[on_way]
        steps = [c for taken in self._steps[above : on_way + 1] for c in taken]
        later = [c for taken in (*self._steps[on_way + 1 :], last[3]) for c in taken]
        self._abandon(above, lowest, dropped)
        if lowest == last[0]:
            return lowest, last[1], last[2], steps + later
        ready = ready.copy()
        for c in later:
            if not lowest >> c & 1:
                left, mem = self._commits.move(c, left, mem, ready, steps)
        left, mem = self._commits.close(left, mem, ready, steps)
        return left, mem, ready, steps

    def _abandon(self, above: int, lowest: int, dropped: list[int]) -> None:
        """Take the states from `above` on off the path; `dropped` keeps what refuting the lowest refutes."""
        abandoned = dropped.copy()
        while len(self._lefts) > above:
            abandoned += self._dropped[-1]
            abandoned.append(self._pop()[0])
        dropped.clear()
        for state in abandoned:
            if lowest & state == state:
                self._seen.pop(state, None)
            else:
                dropped.append(state)
