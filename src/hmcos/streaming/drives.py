"""Orders of row steps between two cuts: rows of what leaves the interval drive the rows that they need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hmcos.memory.profile import profile
from hmcos.streaming.row_problem import RowProblem


class Drive(StrEnum):
    """Which row of which exit is made next; exits are operators whose rows are needed after the interval."""

    PROPORTION = "exits in proportion"
    """That of the exit of which the smallest part is made."""
    LAST = "last exit first"
    FIRST = "first exit first"


@dataclass(frozen=True)
class Interval:
    """A stretch of operators between two cuts, and how its rows are driven."""

    begin: int
    end: int
    drive: Drive


class OrderedRows:
    """A row problem with an order of its network's operators; costs intervals of that order."""

    def __init__(self, rows: RowProblem, order: Sequence[int]) -> None:
        """Look up who reads what when; `order` holds operators of the row network."""
        self.rows, self.order = rows, tuple(order)
        problem = rows.problem
        by_operator = [rows.steps_of[index] for index in self.order]
        self.steps = by_operator
        """Per position in the order: the steps of its operator."""
        self.position = [0] * problem.operators
        for position, steps in enumerate(self.steps):
            for step in steps:
                self.position[step] = position
        producer = problem.producer
        self.before = [
            tuple(dict.fromkeys(producer[b] for b in read if producer[b] >= 0)) for read in problem.reads
        ]
        """Per step: the steps that make what it reads, in the order in which they are called for."""
        self.last_read = self._last_read()
        """Per position: the last one that reads its operator's rows; the end if they are kept."""
        self._unread_steps = self._unread_by_position()
        whole = profile(problem, [step for steps in self.steps for step in steps])
        ends = [0]
        for steps in self.steps:
            ends.append(ends[-1] + len(steps))
        self.stable = [whole.stable[end - 1] if end else whole.start for end in ends]
        """Per cut: bytes of the whole tensors that are live there."""
        self._unread = [len(readers) + (b in problem.held) for b, readers in enumerate(problem.readers)]

    def __len__(self) -> int:
        return len(self.order)

    def _last_read(self) -> list[int]:
        problem, n = self.rows.problem, len(self.order)
        held, readers = problem.held, problem.readers
        return [
            max(
                (
                    n if b in held else max((self.position[r] for r in readers[b]), default=position)
                    for step in steps
                    for b in problem.makes[step]
                ),
                default=position,
            )
            for position, steps in enumerate(self.steps)
        ]

    def _unread_by_position(self) -> list[tuple[int, ...]]:
        """Return per position the steps that make nothing that is read or kept: rows that only pass by."""
        problem = self.rows.problem
        held, readers = problem.held, problem.readers
        return [
            tuple(step for step in steps if not any(readers[b] or b in held for b in problem.makes[step]))
            for steps in self.steps
        ]

    def unread_at(self, begin: int) -> list[int]:
        """Return per buffer how many steps from a cut on read it, and one more where it is kept."""
        unread = list(self._unread)
        for position in range(begin):
            self.advance(position, unread)
        return unread

    def driven(self, interval: Interval) -> Iterator[int]:
        """Yield the steps of an interval: each row of an exit after the missing rows that it needs."""
        begin, position, before = interval.begin, self.position, self.before
        done = bytearray(len(position))
        called = dict[int, int]()
        for goal in self._goals(interval):
            stack = [goal]
            while stack:
                step = stack[-1]
                if done[step]:
                    stack.pop()
                    continue
                needed = before[step]
                k = called.get(step, 0)
                while k < len(needed) and (done[needed[k]] or position[needed[k]] < begin):
                    k += 1
                called[step] = k
                if k < len(needed):
                    stack.append(needed[k])
                    continue
                done[step] = 1
                stack.pop()
                yield step

    def _goals(self, interval: Interval) -> Iterator[int]:
        """Yield the steps of the exits of an interval in the order in which they are driven, then others."""
        yield from self._exit_steps(interval)
        for position in range(interval.begin, interval.end):
            yield from self._unread_steps[position]

    def _exit_steps(self, interval: Interval) -> Iterator[int]:
        begin, end = interval.begin, interval.end
        exits = [self.steps[p] for p in range(begin, end) if self.last_read[p] >= end or not self._is_read(p)]
        if interval.drive is Drive.LAST:
            exits.reverse()
        if interval.drive is not Drive.PROPORTION or len(exits) == 1:
            for steps in exits:
                yield from steps
            return
        made = [0] * len(exits)
        open_ones = [k for k, steps in enumerate(exits) if steps]
        while open_ones:
            k = min(open_ones, key=lambda k: (made[k] / len(exits[k]), k))
            yield exits[k][made[k]]
            made[k] += 1
            if made[k] == len(exits[k]):
                open_ones.remove(k)

    def _is_read(self, position: int) -> bool:
        return self.last_read[position] > position

    def advance(self, position: int, unread: list[int]) -> None:
        """Let `unread_at` a position become that of the next one."""
        reads = self.rows.problem.reads
        for step in self.steps[position]:
            for b in reads[step]:
                unread[b] -= 1

    def drives(self, begin: int, end: int) -> tuple[Drive, ...]:
        """Return the drives that give an interval different orders."""
        exits = sum(self.last_read[p] >= end for p in range(begin, end))
        return tuple(Drive) if exits > 1 else (Drive.FIRST,)

    def cost(self, interval: Interval, unread: Sequence[int], limit: int | None) -> int:
        """Return the peak of an interval in bytes; `limit` as soon as it is at least that.

        `unread` is `unread_at` its begin. The rules are those of `memory/profile.py`.
        """
        problem = self.rows.problem
        sizes, reads, overwritable = problem.sizes, problem.reads, problem.overwritable
        outputs, no_reader = problem.outputs, problem.unread
        left = list(unread)
        peak = live = self.stable[interval.begin]
        if limit is not None and peak >= limit:
            return limit
        for step in self.driven(interval):
            freed, new = 0, outputs[step]
            for b in reads[step]:
                left[b] -= 1
                if not left[b]:
                    freed += sizes[b]
                    if b in overwritable[step]:
                        new = 0
            if live + new > peak:
                peak = live + new
                if limit is not None and peak >= limit:
                    return limit
            live += outputs[step] - no_reader[step] - freed
        return peak
